"""Equal keyed requests at once, and a process that dies in the middle, on PostgreSQL."""

import threading

import httpx
import pytest

from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.http.idempotency import IdempotencyInProgress, Outcome, run_once, slot_for
from stoa.platform.http.models import IdempotencyRecord
from stoa.platform.testing.client import ApiClient, envelope
from stoa.platform.testing.fixtures import Serve
from stoa.platform.testing.pausing import meeting_at, skipped_at
from stoa.platform.testing.races import repeat_together
from stoa.platform.testing.remote_pauses import RemotePause
from stoa.project.wsgi import application
from tests.probe.models import Note

pytestmark = pytest.mark.race

TRANSFERS = "/api/v1/probe/transfers"
BODY = {"title": "rent", "amount": {"amount": "12.50", "currency": "USD"}}


def send(base_url: str, person: Person, key: str) -> httpx.Response:
    headers = {**person.bearer, "Idempotency-Key": key}
    return httpx.post(base_url + TRANSFERS, json=BODY, headers=headers, timeout=20)


def again(person: Person, key: str) -> httpx.Response:
    """The retry, answered by another process than the one that died: this one."""
    with ApiClient(application, token=person.access) as api:
        return api.post(TRANSFERS, json=BODY, headers={"Idempotency-Key": key})


def kinds(responses: list[httpx.Response | None]) -> dict[str, int]:
    """How many acted, replayed, were told to wait, or anything else."""
    counts = {"acted": 0, "replayed": 0, "in progress": 0, "else": 0}
    for response in responses:
        assert response is not None
        answer = envelope(response)
        if answer.status == 201:
            counts["replayed" if response.headers.get("idempotency-replayed") == "true" else "acted"] += 1
        elif answer.code == "IDEMPOTENCY_IN_PROGRESS" and int(response.headers["retry-after"]) >= 1:
            assert answer.status == 409
            counts["in progress"] += 1
        else:
            counts["else"] += 1
    return counts


def notes_of(person: Person) -> int:
    return Note.objects.filter(owner_id=person.user.pk).count()


def test_sixteen_equal_requests_at_two_processes_have_one_effect(serve: Serve) -> None:
    person, key = make_person("Payer"), new_id()
    slow = (RemotePause("idempotency.before_commit", "slow", hit=0, seconds=0.3),)
    servers = [serve(pauses=slow), serve(pauses=slow)]
    outcomes = repeat_together(16, lambda number: send(servers[number % 2].base_url, person, key))
    counts = kinds([one.result() for one in outcomes])
    assert (counts["acted"], counts["else"]) == (1, 0)
    assert counts["replayed"] + counts["in progress"] == 15
    assert counts["in progress"] > 0
    assert notes_of(person) == 1
    assert kinds([send(servers[0].base_url, person, key)])["replayed"] == 1


def test_its_twin_without_the_lock_acts_more_than_once(serve: Serve) -> None:
    person, key = make_person("Payer"), new_id()
    no_lock = (
        RemotePause("idempotency.lock", "skip", hit=0),
        RemotePause("idempotency.before_commit", "slow", hit=0, seconds=0.3),
    )
    servers = [serve(pauses=no_lock), serve(pauses=no_lock)]
    outcomes = repeat_together(16, lambda number: send(servers[number % 2].base_url, person, key))
    # The loser acts too, and what it hears is the effect's own refusal: a retry that is told TITLE_TAKEN.
    assert kinds([one.result() for one in outcomes])["else"] > 0


def runs_of_the_effect() -> tuple[int, int]:
    """How often two equal requests ran the effect, and how many of them ended well."""
    slot = slot_for(key=new_id(), user_id="u", org_id="", method="POST", path="/p", query="", body=b"{}")
    lock, runs, owner = threading.Lock(), [0], new_uuid()

    def act() -> Outcome:
        with lock:
            runs[0] += 1
        Note.objects.create(title=new_id(), owner_id=owner)
        return Outcome(201, "OK", b"{}")

    with meeting_at("idempotency.locked", parties=2, timeout_s=4):
        outcomes = repeat_together(2, lambda _: run_once(slot, act))
    assert {type(one.error) for one in outcomes if one.error is not None} == {IdempotencyInProgress}
    assert (
        Note.objects.filter(owner_id=owner).count() == IdempotencyRecord.objects.filter(scope=slot.scope).count() == 1
    )
    return runs[0], sum(one.error is None for one in outcomes)


def test_of_two_at_once_one_runs_the_effect(committed_db: None) -> None:
    assert runs_of_the_effect() == (1, 1)


def test_without_the_lock_both_run_it_and_the_unique_scope_takes_one_back(committed_db: None) -> None:
    with skipped_at("idempotency.lock"):
        assert runs_of_the_effect() == (2, 1)


@pytest.mark.parametrize("point", ["probe.note_written", "idempotency.before_commit"])
def test_killed_before_the_commit_nothing_happened_and_the_retry_acts_once(serve: Serve, point: str) -> None:
    person, key = make_person("Payer"), new_id()
    dying = serve(pauses=(RemotePause(point, "kill"),))
    with pytest.raises(httpx.TransportError):
        send(dying.base_url, person, key)
    dying.pause(point).wait_until_reached()
    dying.kill()
    assert notes_of(person) == 0
    assert kinds([again(person, key)])["acted"] == 1
    assert kinds([again(person, key)])["replayed"] == 1
    assert notes_of(person) == 1


def test_killed_between_commit_and_answer_the_retry_replays(serve: Serve) -> None:
    person, key = make_person("Payer"), new_id()
    dying = serve(pauses=(RemotePause("idempotency.committed", "kill"),))
    with pytest.raises(httpx.TransportError):
        send(dying.base_url, person, key)
    dying.pause("idempotency.committed").wait_until_reached()
    dying.kill()
    assert notes_of(person) == 1
    response = again(person, key)
    assert kinds([response])["replayed"] == 1
    note = Note.objects.get(owner_id=person.user.pk)
    assert envelope(response).data["id"] == str(note.pk)
    assert notes_of(person) == 1
