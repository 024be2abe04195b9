"""Ten thousand generated secrets through a real web process and a real worker; none stands in what they wrote."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from stoa.platform.testing.fixtures import Serve
from tests.platform.observability.workers import worker

NAMES = ("password", "token", "otp", "national_code", "secret", "authorization", "cookie", "api_key", "refresh", "access",
         "card", "cvv", "pan")  # fmt: skip
FORMS = (str, str.upper, str.title, "user_{}".format, "X-{}".format, "{}_1".format)
IN_TASKS, IN_REQUESTS = 2_600, 7_800
A_BATCH = 52

SEND = """
import json, sys
import django
django.setup()
from tests.platform.observability.story_tasks import leak
for batch in json.load(sys.stdin):
    leak.delay(batch)
"""


@pytest.fixture
def dice() -> random.Random:
    return random.Random(20261120)


def secrets(dice: random.Random, count: int) -> list[tuple[str, str]]:
    """(name, secret): the core is twelve letters that nothing else writes."""
    cores = ("".join(dice.choices("BCDFGHJKLMNPQRSTVWXZ", k=12)) for _ in range(count))
    return [(dice.choice(FORMS)(dice.choice(NAMES)), f"{core}") for core in cores]


def written(*folders: Path) -> str:
    return "".join(
        path.read_text(errors="replace") for folder in folders for path in folder.rglob("*") if path.is_file()
        and (path.name.startswith("output") or ".log" in path.name)
    )  # fmt: skip


def leaked(text: str, known: list[tuple[str, str]]) -> list[str]:
    return [f"{name}: {secret}" for name, secret in known if secret in text]


@pytest.mark.redis
def test_no_secret_reaches_what_a_worker_writes(committed_db: None, tmp_path: Path, dice: random.Random) -> None:
    import json

    known = secrets(dice, IN_TASKS)
    batches = [[dict([pair]) for pair in known[at : at + A_BATCH]] for at in range(0, IN_TASKS, A_BATCH)]
    with worker(tmp_path) as at:
        sent = subprocess.run(
            [sys.executable, "-c", SEND], cwd=at.folder, env=at.environ, input=json.dumps(batches), capture_output=True,
            text=True, timeout=60,
        )  # fmt: skip
        assert sent.returncode == 0, sent.stderr
        at.wait_for(lambda: at.log().count("msg=failed") == len(batches), within_s=40)
        at.wait_for(lambda: at.log().count("succeeded in") >= len(batches))
    text = written(tmp_path) + sent.stdout + sent.stderr
    assert text.count("msg=got") == IN_TASKS
    assert text.count("=***") >= 2 * IN_TASKS  # the secrets did come by
    assert leaked(text, known) == []


def test_no_secret_reaches_what_a_web_process_writes(serve: Serve, dice: random.Random, tmp_path: Path) -> None:
    """In the query, the body, headers, cookies and the path of requests that succeed, are refused, or crash."""
    known = secrets(dice, IN_REQUESTS)
    logs = tmp_path / "logs"
    server = serve(LOG_DIR=str(logs), ENABLE_CONSOLE_LOGGING="true", APP_LOG_LEVEL="DEBUG")
    with server.client(headers={"Accept": "application/json"}) as client:
        for at in range(0, IN_REQUESTS, A_BATCH):
            batch = dict(known[at : at + A_BATCH])
            headers = {f"X-Bench-{name}-{number}": secret for number, (name, secret) in enumerate(batch.items())}
            headers = dict(list(headers.items())[:40])
            cookie = "; ".join(f"c{number}={secret}" for number, secret in enumerate(batch.values()))
            bearer = {"Authorization": f"Bearer {next(iter(batch.values()))}", "Cookie": cookie}
            pairs = known[at : at + A_BATCH]
            body = {"email": pairs[0][1], "password": pairs[1][1], **batch}
            assert client.post("/api/v1/auth/login", params=pairs, json=body, headers=headers).status_code == 422
            assert client.get("/api/v1/users/me", params=pairs, headers=bearer).status_code == 401
            assert client.get("/api/v1/probe/crash", params=pairs, headers=bearer).status_code == 500
    server.stop()
    text = written(logs, server.folder)
    assert text.count("msg=request") >= 3 * IN_REQUESTS // A_BATCH
    assert leaked(text, known) == []
