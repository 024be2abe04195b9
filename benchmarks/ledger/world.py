"""The book that is measured, in the run's scratch database, and the peers' databases beside it."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import psycopg
from django.conf import settings
from psycopg import sql

from benchmarks.ledger.clients import Client, clients
from benchmarks.ledger.peer_django import CLIENTS
from stoa.apps.ledger.tests.factories import Books
from stoa.platform.testing.servers import ROOT

OTHERS = 200
"""Accounts beside those that the clients post to: a shop's book with its customers."""
CURRENCY = "USD"
DJANGO_LEDGER = "BENCH_DJANGO_LEDGER_PYTHON"
"""Names an interpreter that has django-ledger and psycopg. It is under the GPL, so that nothing of ours installs it."""


@dataclass(frozen=True, slots=True)
class Book:
    id: UUID
    cold: list[list[UUID]]
    hot: list[UUID]
    others: list[UUID]

    def told(self) -> str:
        """To the clients."""
        spelled = {"book": self.id, "currency": CURRENCY, "cold": self.cold, "hot": self.hot, "conninfo": conninfo()}
        return json.dumps(spelled, default=str)


def open_bench_book() -> Book:
    """The seeded chart, a pair of accounts for each client, the hot pair and the others."""
    books = Books(CURRENCY)
    return Book(
        books.id,
        cold=[[books.account(f"cold.{number}.{end}") for end in "ab"] for number in range(CLIENTS)],
        hot=[books.account(f"hot.{end}") for end in "ab"],
        others=[books.account(f"other.{number}") for number in range(OTHERS)],
    )


def conninfo(name: str = "") -> str:
    used = settings.DATABASES["default"]
    known = {"dbname": name or used["NAME"], "host": used["HOST"], "port": used["PORT"], "user": used["USER"]}
    known["password"] = used["PASSWORD"]
    return psycopg.conninfo.make_conninfo(**{field: value for field, value in known.items() if value})


@contextlib.contextmanager
def our_clients(book: Book, url: str) -> Iterator[list[Client]]:
    known = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "stoa.project.settings.testing", "BENCH_BOOK": book.told()}
    with clients(CLIENTS, sys.executable, "benchmarks.ledger.ours", **known) as started:
        yield started


@contextlib.contextmanager
def peer_clients(name: str, python: str) -> Iterator[list[Client]]:
    """In a database of the peer's own, dropped at the end."""
    used = settings.DATABASES["default"]
    database = f"{used['NAME']}_{name}"
    with psycopg.connect(conninfo("postgres"), autocommit=True) as maintenance:
        maintenance.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        known = {f"BENCH_{field}": str(used[field]) for field in ("HOST", "PORT", "USER", "PASSWORD")}
        known["BENCH_NAME"] = database
        module = f"benchmarks.ledger.peer_{name}"
        try:
            environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **known}
            done = subprocess.run(
                [python, "-m", module, "--set-up"], env=environ, cwd=ROOT, capture_output=True, text=True
            )
            if done.returncode != 0:
                raise RuntimeError(done.stderr[-2000:])
            with clients(CLIENTS, python, module, **known) as started:
                yield started
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database))
            maintenance.execute(drop)


def peers() -> dict[str, str]:
    """The interpreter of each peer that can be measured here. Says on stderr why one cannot."""
    found = {"hordak": _python_of_hordak(), "django_ledger": os.environ.get(DJANGO_LEDGER, "")}
    if not found["django_ledger"]:
        print(f"django-ledger is not measured: {DJANGO_LEDGER} names no interpreter", file=sys.stderr)
    return {name: python for name, python in found.items() if python}


def _python_of_hordak() -> str:
    """With the extra `bench` of pyproject.toml as uv.lock pins it, made when it is first wanted.

    An environment of its own: whoever runs Stoa or its tests needs no second ledger."""
    environment = ROOT / ".uv" / "bench"
    command = [str(ROOT / ".uv" / "bin" / "uv"), "sync", "--quiet", "--locked", "--extra", "bench"]
    command += ["--no-install-project", "--python", sys.executable]
    known = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "UV_PYTHON"}}
    known["UV_PROJECT_ENVIRONMENT"] = str(environment)
    done = subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True)
    if done.returncode != 0:
        print(f"django-hordak is not measured: {done.stderr[-500:]}", file=sys.stderr)
        return ""
    return str(environment / "bin" / "python")
