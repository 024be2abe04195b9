"""A request, its event, a reaction that starts tasks, two retries of Celery's and one by hand, a chain, a worker lost,
a request out: one id on every line, and `manage.py trace` tells all of it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from stoa.apps.accounts.tests.factories import make_person
from stoa.kit.ids import new_id
from stoa.platform.outbox.models import OutboxEvent
from stoa.platform.testing.fixtures import Serve
from stoa.platform.testing.servers import ROOT
from tests.platform.observability.echo import Echo
from tests.platform.observability.workers import Worker, lines_of, worker

pytestmark = pytest.mark.redis

SUBSCRIBERS = "tests.platform.observability.story"
RELAY = f"""
import sys
import {SUBSCRIBERS}
from stoa.project.commands.worker import work
sys.exit(work(parent=None))
"""
FROM_A_COMMAND = """
from stoa.runtime.logs import get_logger
from tests.platform.observability.story_tasks import call_out
get_logger("tests.story").info("said by a command")
call_out.delay({address!r})
"""


def manage(at: Worker, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        cwd=at.folder,
        env=at.environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def steps(trace: str, *wanted: str) -> None:
    """Each is found, in this order."""
    place = 0
    for each in wanted:
        found = re.compile(each).search(trace, place)
        assert found is not None, f"no {each!r} after\n{trace[:place]}\nin\n{trace[place:]}"
        place = found.end()


def test_from_a_request_to_a_request_there_is_one_id(
    serve: Serve, committed_db: None, tmp_path: Path, echo: Echo
) -> None:
    # What other tests have committed and nobody delivered would tell stories of its own, and die in place of this one.
    OutboxEvent.objects.all().delete()
    person, story = make_person("Storyteller"), new_id()
    with worker(tmp_path, SUBSCRIBERS) as at:
        at.python("-c", RELAY)
        server = serve(LOG_DIR=at.environ["LOG_DIR"])
        with server.client(headers=person.bearer | {"X-Request-ID": story}) as client:
            answer = client.post("/api/v1/probe/told", json={"title": echo.address})
        assert (answer.status_code, answer.headers["X-Request-ID"]) == (201, story)
        at.wait_for(lambda: "msg=called out" in at.log() and "msg=alive again" in at.log())
        at.wait_for(lambda: "WorkerLostError" in "\n".join(lines_of(at.log(), story)))
        at.wait_for(lambda: len(re.findall(r"call_out\[.* succeeded", at.log())) == 1)
        # The parent writes what it hears of its pool, and that is later than what the pool did.
        at.wait_for(lambda: len(re.findall(r"begin\[[^]]*\] retry", at.log())) == 3)
        at.wait_for(lambda: len(re.findall(r"die_once\[[^]]*\] received", at.log())) == 2)

        told = lines_of(at.log(), story)
        text = "\n".join(told)
        assert [re.search(r"tries=(\d)", line)[1] for line in told if "msg=begin" in line] == ["0", "1", "2", "3"]
        assert len(re.findall(r"begin\[[^]]*\] received", text)) == 4
        assert len(re.findall(r"begin\[[^]]*\] retry", text)) == 3
        assert "WorkerLostError" in text
        assert len(re.findall(r"die_once\[[^]]*\] received", text)) == 2
        assert echo.ids == [story]
        app_log = lines_of(at.log("app.log"), story)
        assert [line for line in app_log if "path=/api/v1/probe/told" in line and "status=201" in line]
        # Not one line about these tasks without the id.
        about = [line for line in at.log().splitlines() if "story_tasks" in line]
        assert [line for line in about if f"log_id={story} " not in line and "[tasks]" not in line] == []

        trace = manage(at, "trace", story)
        steps(trace, r"app log .*path=/api/v1/probe/told")
        steps(trace, r"event +probe\.note_told v1")
        steps(trace, r"delivery +probe\.note_told to tests\.start_story: done after 1 attempt")
        steps(trace, rf"audit +info probe\.note_written on note:\S+ by {person.user.pk}")
        # The worker's parent writes a retry down when it hears of it: by then the next task may have been received.
        steps(trace, "begin.* received", "begin.* retry", "begin.* retry", "begin.* retry")
        steps(trace, "begin.* received", "call_out.* received")
        steps(trace, "celery log .*outgoing request")
        steps(trace, "WorkerLostError", "alive again")


def test_commands_and_beat_begin_stories_of_their_own(committed_db: None, tmp_path: Path, echo: Echo) -> None:
    with worker(tmp_path, SUBSCRIBERS) as at:
        manage(at, "shell", "-c", FROM_A_COMMAND.format(address=echo.address))
        at.celery("beat", "-l", "info")
        ticks = re.compile(r"log_id=(\S+) .*msg=(?:Task|Scheduler).*sweeps\.tasks\.tick")
        sent = re.compile(r"log_id=(\S+) .*msg=Scheduler: Sending due task")
        at.wait_for(lambda: len(sent.findall(at.all_logs())) >= 2 and "msg=called out" in at.log(), within_s=30)
        at.wait_for(lambda: set(sent.findall(at.all_logs())[:2]) <= set(received(at.log())))

        [command] = set(re.findall(r"log_id=(\S+) .*msg=said by a command", at.all_logs()))
        assert command != "-"
        assert echo.ids == [command]
        about = [line for line in at.log().splitlines() if "story_tasks.call_out[" in line]
        assert {re.search(r"log_id=(\S+)", line)[1] for line in about} == {command}
        # Each tick has one of its own, on beat's line and on the worker's.
        assert len(set(sent.findall(at.all_logs()))) == len(sent.findall(at.all_logs()))
        assert "-" not in ticks.findall(at.all_logs())


def received(log: str) -> list[str]:
    return re.findall(r"log_id=(\S+) .*msg=Task stoa\.platform\.sweeps\.tasks\.tick\[[^]]*\] received", log)
