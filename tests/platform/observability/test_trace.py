"""The story of one id: from the tables and the log files, in time order, on the command line and in the admin."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from stoa.apps.accounts.tests.factories import PASSWORD, Person
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.audit.recording import record
from stoa.platform.audit.sealing import seal_pending
from stoa.platform.db.transactions import transaction
from stoa.platform.observability import log_lines, public
from stoa.platform.observability.contracts import TraceLine
from stoa.platform.observability.public import register_trace_source, story_of
from stoa.platform.outbox.models import OutboxDelivery, OutboxEvent
from stoa.platform.testing.client import ApiClient
from stoa.runtime import context
from stoa.runtime.config.current import settings

FIRST = datetime(2026, 2, 3, 12, 34, 56, tzinfo=UTC)


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    current = settings().model_copy(update={"log_dir": str(tmp_path), "log_backup_count": 2})
    monkeypatch.setattr(log_lines, "settings", lambda: current)
    return tmp_path


def told(request_id: str) -> str:
    out = StringIO()
    call_command("trace", request_id, stdout=out)
    return out.getvalue()


def test_log_files_of_both_forms_and_the_rotated_ones(logs: Path) -> None:
    (logs / "app.log.1").write_text(
        "2026-02-03 12:34:56 | INFO | log_id=the-id | file=entry.py:84 | func=_log | msg=request | path=/a\n"
        "2026-02-03 12:34:56 | INFO | log_id=the-id-2 | file=e.py:1 | func=f | msg=another's\n"
        "2026-02-03 12:34:57 | INFO | log_id=other | file=e.py:1 | func=f | msg=says log_id=the-id here\n"
    )
    (logs / "app.log").write_text(
        '{"ts":"2026-02-03T12:34:58.250Z","level":"ERROR","logger":"x","msg":"broken","request_id":"the-id","n":3}\n'
        '{"ts":"2026-02-03T12:34:58.250Z","level":"INFO","logger":"x","msg":"\\"request_id\\":\\"the-id\\"",'
        '"request_id":"other"}\n{"request_id":"the-id" half a line'
    )
    (logs / "celery.log").write_text(
        "2026-02-03 12:34:57 | INFO | log_id=the-id | file=t.py:1 | func=f | msg=Task x[1] received\n    log_id=the-id \n"
    )
    (logs / "errors.log").write_text("2026-02-03 12:34:58 | ERROR | log_id=the-id | file=x:1 | func=f | msg=broken\n")
    assert sorted(log_lines.lines_of("the-id"), key=lambda line: line.at) == [
        TraceLine(at=FIRST, what="app log", detail="INFO | request | path=/a"),
        TraceLine(at=FIRST + timedelta(seconds=1), what="celery log", detail="INFO | Task x[1] received"),
        TraceLine(at=FIRST + timedelta(seconds=2.25), what="app log", detail="ERROR | broken | n=3"),
    ]
    assert log_lines.lines_of("the-id |") == []


def test_only_the_newest_lines_of_much_are_read(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = "2026-02-03 12:34:56 | INFO | log_id=the-id | file=e.py:1 | func=f | msg=%s\n"
    (logs / "app.log.2").write_text(line % "oldest")
    (logs / "app.log.1").write_text(line % "older")
    (logs / "app.log").write_text(line % "newest")
    size = (logs / "app.log").stat().st_size + (logs / "app.log.1").stat().st_size
    monkeypatch.setattr(log_lines, "READ_AT_MOST", size)
    assert [found.detail for found in log_lines.lines_of("the-id")] == ["INFO | newest", "INFO | older"]


def test_events_deliveries_and_acts(db: None, logs: Path, tmp_path: Path) -> None:
    request_id, uid = new_id(), new_uuid()
    event = OutboxEvent.objects.create(
        uid=uid, name="probe.done", version=1, key="k", payload="{}", request_id=request_id, occurred_at=FIRST
    )
    for number, (state, error) in enumerate([("done", ""), ("parked", "ValueError: no"), ("pending", "")], start=1):
        OutboxDelivery.objects.create(
            event=event,
            subscriber=f"probe.sub{number}",
            state=state,
            attempts=number,
            error=error,
            due_at=FIRST + timedelta(seconds=number),
            done_at=FIRST + timedelta(seconds=4) if state == "done" else None,
        )
    with context.scope(request_id=request_id, user_id="ada"), transaction():
        record(action="probe.written", object_type="note", object_id=1)
        record(action="probe.read")
    seal_pending(path=tmp_path / "head.json")
    lines = told(request_id).splitlines()
    assert [line[:24] for line in lines[:4]] == [f"2026-02-03T12:34:{s}.000Z" for s in ("56", "58", "59")] + [
        "2026-02-03T12:35:00.000Z"
    ]
    assert [line[24:] for line in lines] == [
        f"  event     probe.done v1 {uid} of k",
        "  delivery  probe.done to probe.sub2: parked after 2 attempts: ValueError: no",
        "  delivery  probe.done to probe.sub3: due, 3 attempts so far",
        "  delivery  probe.done to probe.sub1: done after 1 attempt",
        "  audit     info probe.written on note:1 by ada, sealed as row 1",
        "  audit     info probe.read by ada, sealed as row 2",
    ]


def test_json_is_the_same_story(db: None) -> None:
    request_id = new_id()
    with context.scope(request_id=request_id), transaction():
        record(action="probe.read")
    out = StringIO()
    call_command("trace", request_id, "--json", stdout=out)
    (line,) = json.loads(out.getvalue())
    assert (line["what"], line["detail"]) == ("audit", "info probe.read, not sealed yet")
    assert datetime.fromisoformat(line["at"]).tzinfo is not None


def test_an_unknown_id_is_one_clear_line(db: None) -> None:
    with pytest.raises(CommandError, match="nothing is known of 'no-such-id'"):
        told("no-such-id")


def test_a_package_answers_for_its_own_rows(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public, "_sources", {})
    for second in (2, 1):
        moment = FIRST + timedelta(seconds=second)
        register_trace_source(
            str(second), lambda request_id, at=moment: [TraceLine(at=at, what="own", detail=request_id)]
        )
    assert [line.at.second for line in story_of("x")] == [57, 58]


def test_a_real_request_is_told(api: ApiClient, member: Person, client: Client, staff: Person) -> None:
    request_id = new_id()
    body = {"email": member.user.email, "password": PASSWORD}
    assert api.post("/api/v1/auth/login", json=body, headers={"X-Request-ID": request_id}).status_code == 200
    story = told(request_id)
    assert f"info accounts.signed_in on user:{member.user.pk} by {member.user.pk}, not sealed yet" in story
    client.force_login(staff.user)
    page = client.get("/admin/trace/", {"id": request_id})
    assert page.status_code == 200
    assert b"accounts.signed_in" in page.content
    unknown = client.get("/admin/trace/", {"id": "<script>"})
    assert b"Nothing is known of &lt;script&gt;." in unknown.content
    client.force_login(member.user)
    assert client.get("/admin/trace/", {"id": request_id}).status_code == 302
    member.user.is_staff = True
    member.user.save()
    assert client.get("/admin/trace/", {"id": request_id}).status_code == 403
