"""Which operation gave which status and code during a run: what `python -m architecture.documented_statuses` reads.

A pytest plugin, named in pytest.ini. It does nothing unless `--answers DIR` is given, so a run of one file leaves no
trace; each process of a run writes a file of its own there."""

import json
import os
from pathlib import Path

import httpx
import pytest

type Answer = tuple[str, str, int, str]
"""Method, route (as in the URL patterns), status, and the code of a refusal ("" otherwise)."""

_noted: set[Answer] = set()
_listening: list[Path] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    described = "note which operation answered which status, in a file of this folder"
    parser.getgroup("stoa").addoption("--answers", type=Path, metavar="DIR", help=described)


def pytest_configure(config: pytest.Config) -> None:
    folder = config.getoption("--answers")
    if folder is not None:
        _listening.append(folder)


def pytest_sessionfinish() -> None:
    for folder in _listening:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{os.getpid()}.json").write_text(json.dumps(sorted(_noted), indent=0))


def note_response(response: httpx.Response) -> None:
    """The response hook of every client of the suite. An address that leads to no route is left out."""
    if not _listening:
        return
    response.read()
    if (route := _route_of(response.request.url.path)) is not None:
        _noted.add((response.request.method, route, response.status_code, code_of(response)))


def code_of(response: httpx.Response) -> str:
    """The code of a refusal, in whichever form it came; "" for anything else."""
    if response.status_code < 400 or "json" not in response.headers.get("Content-Type", ""):
        return ""
    body = response.json() if response.content else {}
    error = body.get("error", body) if isinstance(body, dict) else {}
    return str(error.get("code", "")) if isinstance(error, dict) else ""


def read_answers(folder: Path) -> set[Answer]:
    return {
        (method, route, status, code)
        for file in sorted(folder.glob("*.json"))
        for method, route, status, code in json.loads(file.read_text())
    }


def _route_of(path: str) -> str | None:
    from django.urls import Resolver404, resolve  # noqa: PLC0415 - this plugin is loaded before Django is set up

    try:
        return resolve(path.rstrip("/") if path.startswith("/api/v1/") else path).route
    except Resolver404:
        return None
