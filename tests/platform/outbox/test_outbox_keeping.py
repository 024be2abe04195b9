"""Retention, replay, status and the admin: what becomes of rows once they are done, missed or parked."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from stoa.apps.accounts.tests.factories import Person
from stoa.kit.clock import utc_now
from stoa.kit.errors import Denied
from stoa.platform.outbox.delivering import claim_due, expand_events
from stoa.platform.outbox.draining import drain
from stoa.platform.outbox.keeping import sweep_done
from stoa.platform.outbox.models import OutboxDelivery, OutboxEvent
from stoa.platform.outbox.status import lag_s, parked_count
from stoa.platform.outbox.subscriptions import reacts
from tests.platform.outbox.notes import NoteWritten, in_s, tell, write, written

DAY_S = 86_400


def quiet(event: NoteWritten) -> None:
    """Reacts, and leaves no trace."""


def command(name: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


def test_what_is_done_for_a_week_is_swept_in_batches(db: None) -> None:
    reacts(NoteWritten)(quiet)
    tell("a", "b", "c")
    drain()
    assert sweep_done(10, now=in_s(7 * DAY_S - 60)) == 0
    assert sweep_done(2, now=in_s(7 * DAY_S + 60)) == 2
    assert sweep_done(2, now=in_s(7 * DAY_S + 60)) == 1
    assert sweep_done(2, now=in_s(7 * DAY_S + 60)) == 0
    assert (OutboxEvent.objects.count(), OutboxDelivery.objects.count()) == (0, 0)


def test_what_is_not_done_or_only_just_done_is_kept(db: None) -> None:
    @reacts(NoteWritten)
    def refused(event: NoteWritten) -> None:
        raise Denied

    reacts(NoteWritten)(quiet)
    tell("parked")
    drain(expect_failures=True)
    tell("unexpanded")
    assert sweep_done(10, now=in_s(100 * DAY_S)) == 0
    done_late = OutboxEvent.objects.order_by("id")[0]
    OutboxDelivery.objects.filter(event=done_late).update(state="done", done_at=in_s(99 * DAY_S))
    assert sweep_done(10, now=in_s(100 * DAY_S)) == 0
    assert sweep_done(10, now=in_s(107 * DAY_S)) == 1
    assert [event.expanded_at for event in OutboxEvent.objects.all()] == [None]


def test_an_event_that_nobody_wanted_is_swept_too(db: None) -> None:
    tell("a")
    expand_events()
    assert sweep_done(10, now=in_s(8 * DAY_S)) == 1


def test_replay_fills_what_a_new_subscriber_missed_and_no_more(db: None) -> None:
    reacts(NoteWritten)(quiet)
    tell("a", "b", "c")
    drain()
    middle = OutboxEvent.objects.order_by("id")[1]
    before, after = utc_now() - timedelta(days=3), utc_now() - timedelta(days=1)
    moved = [before - timedelta(days=1), before, after]
    for event, at in zip(OutboxEvent.objects.order_by("id"), moved, strict=True):
        hexed = f"{int(at.timestamp() * 1000):012x}{event.uid.hex[12:]}"
        OutboxEvent.objects.filter(pk=event.pk).update(occurred_at=at, uid=hexed)

    @reacts(NoteWritten, since="2999-01-01", ordered=True)
    def late(event: NoteWritten) -> None:
        write(event.title)

    day = ["--since", before.isoformat(), "--until", after.isoformat()]
    assert command("outbox_replay", "tests.late", *day) == "1 deliveries made for tests.late\n"
    assert drain().done == 1
    assert written() == ["b"]
    assert OutboxDelivery.objects.get(subscriber="tests.late").event_id == middle.pk
    assert command("outbox_replay", "tests.late") == "2 deliveries made for tests.late\n"
    assert command("outbox_replay", "tests.late") == "0 deliveries made for tests.late\n"
    assert command("outbox_replay", "tests.quiet") == "0 deliveries made for tests.quiet\n"
    assert drain().done == 2
    assert written() == ["a", "b", "c"]


def test_replay_refuses_what_it_does_not_know(db: None) -> None:
    reacts(NoteWritten)(quiet)
    with pytest.raises(CommandError, match=r"no subscriber is called tests\.nobody; there are: tests\.quiet"):
        command("outbox_replay", "tests.nobody")
    with pytest.raises(CommandError, match="'yesterday' is no ISO date or time"):
        command("outbox_replay", "tests.quiet", "--since", "yesterday")


def test_status_counts_by_subscriber_and_state(db: None) -> None:
    @reacts(NoteWritten, ordered=True)
    def refused(event: NoteWritten) -> None:
        raise Denied("token=abcdef123456")

    reacts(NoteWritten)(quiet)
    tell("1", "2", about="x")
    drain(expect_failures=True)
    tell("3")
    found = json.loads(command("outbox_status", "--json"))
    parked = found.pop("parked")
    assert 0 <= found.pop("lag_s") < 5
    assert found == {
        "unexpanded": 1,
        "counts": {"tests.quiet": {"done": 2}, "tests.refused": {"parked": 1, "pending": 1}},
    }
    assert [(each["subscriber"], each["event"], each["key"], each["attempts"]) for each in parked] == [
        ("tests.refused", "probe.note_written", "x", 1)
    ]
    text = command("outbox_status")
    assert "tests.refused: pending=1 done=0 parked=1\n" in text
    assert "holds back x" in text
    assert "abcdef123456" not in text + json.dumps(parked)


def test_lag_is_the_oldest_thing_that_waits_for_a_worker(db: None) -> None:
    reacts(NoteWritten)(quiet)
    assert lag_s() == 0
    tell("a")
    assert 99 < lag_s(now=in_s(100)) < 101, "not yet expanded"
    expand_events()
    assert 99 < lag_s(now=in_s(100)) < 101, "not yet claimed"
    drain()
    assert (lag_s(now=in_s(100)), parked_count()) == (0, 0)


def test_hot_queries_use_their_indexes(db: None) -> None:
    """SQLite takes a partial index only for a query that repeats its condition word by word."""
    reacts(NoteWritten, ordered=True)(quiet)
    tell("a", about="x")
    with CaptureQueriesContext(connection) as captured:
        expand_events()
        assert claim_due() is not None
        lag_s()
        parked_count()
    statements = [query["sql"] for query in captured.captured_queries if query["sql"].startswith(("SELECT", "UPDATE"))]
    plans = []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # tables of one row are read whole otherwise
        for statement in statements:
            cursor.execute(("EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN ") + statement)
            plans += [row[-1] for row in cursor.fetchall()]
    for index in ("event_unexpanded", "delivery_due", "delivery_order", "delivery_parked"):
        assert any(f"outbox_{index}" in plan for plan in plans), index
    assert [plan for plan in plans if "Seq Scan on outbox" in plan] == []
    assert [plan for plan in plans if plan.startswith("SCAN outbox") and "INDEX outbox_" not in plan] == []


def test_staff_see_deliveries_and_retry_what_is_parked(staff: Person) -> None:
    refusing = [True]

    @reacts(NoteWritten, ordered=True)
    def refused(event: NoteWritten) -> None:
        if refusing[0]:
            raise Denied

    tell("1", "2", about="x")
    drain(expect_failures=True)
    parked, held = OutboxDelivery.objects.order_by("event_id")
    client = Client()
    client.force_login(staff.user)
    page = client.get("/admin/outbox/outboxdelivery/", {"state__exact": "parked"})
    assert page.status_code == 200
    assert b"tests.refused" in page.content
    assert client.get(f"/admin/outbox/outboxdelivery/{parked.pk}/change/").status_code == 200
    assert client.get("/admin/outbox/outboxevent/").status_code == 200
    for path in ("outboxdelivery/add/", f"outboxdelivery/{parked.pk}/delete/", "outboxevent/add/"):
        assert client.get(f"/admin/outbox/{path}").status_code == 403
    assert client.post(f"/admin/outbox/outboxdelivery/{parked.pk}/change/", {"state": "done"}).status_code == 403
    refusing[0] = False
    answer = client.post(
        "/admin/outbox/outboxdelivery/", {"action": "retry", "_selected_action": [parked.pk, held.pk]}, follow=True
    )
    assert b"1 parked deliveries are due again." in answer.content
    assert drain().done == 2


def test_one_who_may_only_look_cannot_retry(outsider: Person) -> None:
    from django.contrib.auth.models import Permission

    outsider.user.is_staff = True
    outsider.user.save()
    outsider.user.user_permissions.add(Permission.objects.get(codename="view_outboxdelivery"))
    reacts(NoteWritten)(quiet)
    tell("a")
    expand_events()
    OutboxDelivery.objects.update(state="parked")
    client = Client()
    client.force_login(outsider.user)
    assert client.get("/admin/outbox/outboxdelivery/").status_code == 200
    only = OutboxDelivery.objects.get()
    client.post("/admin/outbox/outboxdelivery/", {"action": "retry", "_selected_action": [only.pk]})
    only.refresh_from_db()
    assert only.state == "parked"
