"""One id from a request through the outbox, retries, a chain and a lost worker to a request out, on every line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from stoa.kit.ids import new_id
from tests.platform.observability.echo import Echo
from tests.platform.observability.workers import Worker, lines_of, worker

SEND = """
import sys
import django
django.setup()
from celery import chain
from stoa.project.celery import app
from stoa.runtime import context
from tests.platform.observability import story_tasks as tasks
request_id, foreign, echo, marker = sys.argv[1:]
with context.scope(request_id=request_id, user_id="ada"):
    chain(tasks.begin.s(echo), tasks.call_out.s()).apply_async()
    tasks.die_once.delay(marker)
with app.connection() as connection:
    # A message from somebody who knows nothing of our headers.
    headers = {"lang": "py", "task": tasks.__name__ + ".call_out", "id": foreign, "root_id": foreign,
               "argsrepr": "", "kwargsrepr": "", "retries": 0}
    connection.SimpleQueue("default").put(([echo], {}, {}), serializer="json", headers=headers)
"""


def send(at: Worker, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SEND, *arguments],
        cwd=at.folder,
        env=at.environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.redis
def test_every_line_of_a_story_has_its_id(committed_db: None, tmp_path: Path, echo: Echo) -> None:
    story, foreign = new_id(), new_id()
    with worker(tmp_path) as at:
        send(at, story, foreign, echo.address, str(tmp_path / "died"))
        at.wait_for(lambda: at.log().count("msg=called out") == 2 and "msg=alive again" in at.log())
        at.wait_for(lambda: at.log().count("die_once[") >= 3 and "call_out" in at.log())
        log = at.log()
        told = lines_of(log, story)
        text = "\n".join(told)
        assert [re.search(r"tries=(\d)", line)[1] for line in told if "msg=begin" in line] == ["0", "1", "2", "3"]
        assert text.count("msg=Task tests.platform.observability.story_tasks.begin[") >= 4 + 3  # received, retries
        assert len(re.findall(r"begin\[[^]]*\] received", text)) == 4
        assert len(re.findall(r"begin\[[^]]*\] retry", text)) == 3
        assert len(re.findall(r"call_out\[[^]]*\] (received|succeeded)", text)) == 2
        assert "WorkerLostError" in text
        assert len(re.findall(r"die_once\[[^]]*\] received", text)) == 2
        assert text.count("msg=outgoing request") == 1
        assert "hunter2" not in log
        assert "user_id=ada" in next(line for line in told if "msg=called out" in line)
        own = {re.search(r"log_id=(\S+)", line)[1] for line in log.splitlines() if foreign in line}
        assert len(own) == 1
        assert own != {"-"}
        assert sorted(echo.ids) == sorted([story, *own])
        # Not one line about these tasks without an id.
        about = [line for line in log.splitlines() if "story_tasks" in line and "msg=Task" in line]
        assert [line for line in about if "log_id=- " in line] == []
