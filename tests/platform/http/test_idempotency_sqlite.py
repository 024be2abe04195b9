"""On SQLite the one writer lock is the slot's lock: equal requests at once wait, then replay."""

from collections import Counter

import httpx
import pytest

from stoa.apps.accounts.tests.factories import make_person
from stoa.kit.ids import new_id
from stoa.platform.testing.client import envelope
from stoa.platform.testing.databases import on_postgres
from stoa.platform.testing.fixtures import Serve
from stoa.platform.testing.races import repeat_together
from stoa.platform.testing.remote_pauses import RemotePause
from tests.probe.models import Note

BODY = {"title": "rent", "amount": {"amount": "12.50", "currency": "USD"}}


def test_sixteen_equal_requests_at_two_processes_wait_and_replay(serve: Serve) -> None:
    if on_postgres():
        pytest.skip("PostgreSQL does not wait: tests/races")
    person, key = make_person("Payer"), new_id()
    slow = (RemotePause("idempotency.before_commit", "slow", hit=0, seconds=0.3),)
    servers = [serve(pauses=slow), serve(pauses=slow)]

    def send(number: int) -> tuple[int, str, str]:
        url = servers[number % 2].base_url + "/api/v1/probe/transfers"
        response = httpx.post(url, json=BODY, headers={**person.bearer, "Idempotency-Key": key}, timeout=20)
        answer = envelope(response)
        return answer.status, response.headers.get("idempotency-replayed", ""), answer.data["id"]

    answers = [one.result() for one in repeat_together(16, send)]
    note = Note.objects.get(owner_id=person.user.pk)
    assert Counter(answers) == {(201, "", str(note.pk)): 1, (201, "true", str(note.pk)): 15}


def test_killed_after_the_commit_another_process_replays(serve: Serve) -> None:
    if on_postgres():
        pytest.skip("tests/races")
    person, key = make_person("Payer"), new_id()
    headers = {**person.bearer, "Idempotency-Key": key}
    dying = serve(pauses=(RemotePause("idempotency.committed", "kill"),))
    with pytest.raises(httpx.TransportError):
        httpx.post(dying.base_url + "/api/v1/probe/transfers", json=BODY, headers=headers, timeout=20)
    dying.kill()
    again = httpx.post(serve().base_url + "/api/v1/probe/transfers", json=BODY, headers=headers, timeout=20)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert Note.objects.filter(owner_id=person.user.pk).count() == 1
