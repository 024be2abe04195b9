"""One effect for one Idempotency-Key: when it is asked for, what is replayed, and what is another request."""

import logging
from datetime import timedelta
from typing import Any

import pytest

from stoa.apps.accounts.models import Session
from stoa.apps.accounts.tests.factories import PASSWORD, Person
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id
from stoa.platform.http.idempotency import IdempotencyKeyInvalid, slot_for, sweep_expired
from stoa.platform.http.models import IdempotencyRecord
from stoa.platform.sweeps.registry import declared
from stoa.platform.testing.client import ApiClient, Envelope, envelope
from stoa.platform.testing.pausing import fault_at
from tests.probe.models import Note

NOTES, TRANSFERS = "/api/v1/probe/notes", "/api/v1/probe/transfers"


def body(title: str = "rent") -> dict[str, object]:
    return {"title": title, "amount": {"amount": "12.50", "currency": "USD"}}


def send(
    api: ApiClient, person: Person, key: str, path: str = TRANSFERS, title: str = "rent", **headers: str
) -> Envelope:
    return api.bearer(person.access).send_json("POST", path, body(title), Idempotency_Key=key, **headers)


def test_money_does_not_move_without_a_key(api: ApiClient, member: Person) -> None:
    answer = envelope(api.post(TRANSFERS, json=body(), headers=member.bearer))
    assert (answer.status, answer.code) == (400, "IDEMPOTENCY_KEY_REQUIRED")
    assert Note.objects.count() == 0


def test_a_key_is_optional_elsewhere(api: ApiClient, member: Person) -> None:
    assert api.post(NOTES, json=body(), headers=member.bearer).status_code == 201
    assert IdempotencyRecord.objects.count() == 0


@pytest.mark.parametrize("key", ["!", "~" * 255, "a,b", "01a21863-6d64-7908-93ed-9fe3df72528a", '"quoted"'])
def test_keys_of_visible_ascii_are_taken(api: ApiClient, member: Person, key: str) -> None:
    assert send(api, member, key).status == 201
    assert send(api, member, key).status == 201
    assert Note.objects.count() == 1


@pytest.mark.parametrize("key", ["a b", "k" * 256, "\x7f", "tab\there"])
@pytest.mark.parametrize("path", [NOTES, TRANSFERS])
def test_other_keys_are_refused_and_nothing_happens(api: ApiClient, member: Person, key: str, path: str) -> None:
    answer = send(api, member, key, path=path)
    assert (answer.status, answer.code) == (400, "IDEMPOTENCY_KEY_INVALID")
    assert Note.objects.count() == 0


@pytest.mark.parametrize("key", ["naïve", "ключ", "k\n", "", "\ud800"])
def test_a_key_beyond_ascii_is_no_key(key: str) -> None:
    with pytest.raises(IdempotencyKeyInvalid):
        slot_for(key=key, user_id="", org_id="", method="POST", path="/", query="", body=b"")


@pytest.mark.parametrize("path", [NOTES, TRANSFERS])
def test_a_repeat_gets_the_first_answer_under_fresh_meta(api: ApiClient, member: Person, path: str) -> None:
    sent: dict[str, Any] = {"json": body(), "headers": {**member.bearer, "Idempotency-Key": "k1"}}
    first, second = api.post(path, **sent), api.post(path, **sent)
    one, two = envelope(first), envelope(second)
    assert (two.status, two.data, two.message) == (one.status, one.data, one.message) == (201, one.data, "OK")
    assert two.meta["request_id"] != one.meta["request_id"]
    assert two.meta["request_id"] == second.headers["x-request-id"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert Note.objects.count() == 1


def test_a_repeat_may_ask_for_another_form_or_the_path_with_a_slash(api: ApiClient, member: Person) -> None:
    first = send(api, member, "k1")
    raw = api.post(
        TRANSFERS + "/",
        json=body(),
        headers={**member.bearer, "Idempotency-Key": "k1", "Accept": "application/json;profile=raw"},
    )
    assert (raw.status_code, raw.json()) == (201, first.data)
    assert raw.headers["idempotency-replayed"] == "true"


def test_another_body_under_the_same_key_is_refused(api: ApiClient, member: Person) -> None:
    send(api, member, "k1")
    answer = send(api, member, "k1", title="another")
    assert (answer.status, answer.code) == (422, "IDEMPOTENCY_MISMATCH")
    assert Note.objects.count() == 1


def test_user_path_query_and_organization_are_scopes_of_their_own(
    api: ApiClient, member: Person, outsider: Person
) -> None:
    assert send(api, member, "k1").status == 201
    other_user = send(api, outsider, "k1")
    assert (other_user.status, Note.objects.count()) == (201, 2)
    assert send(api, member, "k1", path=NOTES, title="by path").status == 201
    assert send(api, member, "k1", path=TRANSFERS + "?a=1", title="by query").status == 201
    assert send(api, member, "k1", title="by organization", X_Org_Id=new_id()).status == 201
    assert Note.objects.count() == 5


def test_a_refusal_keeps_no_key_and_the_retry_acts(api: ApiClient, member: Person) -> None:
    in_the_way = Note.objects.create(title="rent", owner_id=member.user.pk)
    assert send(api, member, "k1").code == "TITLE_TAKEN"
    assert IdempotencyRecord.objects.count() == 0
    in_the_way.delete()
    assert send(api, member, "k1").status == 201
    assert IdempotencyRecord.objects.count() == Note.objects.count() == 1


@pytest.mark.parametrize("point", ["probe.note_written", "idempotency.before_commit"])
def test_a_failure_at_each_commit_point_leaves_nothing_and_the_retry_acts(
    api: ApiClient, member: Person, point: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    with fault_at(point, RuntimeError):
        assert send(api, member, "k1").code == "INTERNAL_ERROR"
    assert Note.objects.count() == IdempotencyRecord.objects.count() == 0
    assert send(api, member, "k1").status == 201
    assert Note.objects.count() == IdempotencyRecord.objects.count() == 1


def test_a_failure_after_the_commit_is_replayed(
    api: ApiClient, member: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    with fault_at("idempotency.committed", RuntimeError):
        assert send(api, member, "k1").code == "INTERNAL_ERROR"
    response = api.post(TRANSFERS, json=body(), headers={**member.bearer, "Idempotency-Key": "k1"})
    assert (response.status_code, response.headers["idempotency-replayed"]) == (201, "true")
    assert Note.objects.count() == 1


def test_whoever_is_signed_out_gets_no_replay(api: ApiClient, member: Person) -> None:
    assert send(api, member, "k1").status == 201
    Session.objects.filter(user=member.user).update(revoked_at=utc_now())
    answer = send(api, member, "k1")
    assert (answer.status, answer.code, answer.data) == (401, "UNAUTHORIZED", None)
    assert api.send_json("POST", TRANSFERS, body(), Idempotency_Key="k1").status == 401


def test_what_carries_credentials_ignores_keys(api: ApiClient, member: Person) -> None:
    login = {"email": member.user.email, "password": PASSWORD}
    tokens = {
        api.send_json("POST", "/api/v1/auth/login", login, Idempotency_Key="k1").data["refresh"] for _ in range(2)
    }
    assert len(tokens) == 2
    assert api.send_json("POST", "/api/v1/auth/login", login, Idempotency_Key="not valid").status == 200
    assert IdempotencyRecord.objects.count() == 0


def test_a_key_counts_as_new_after_a_day(api: ApiClient, member: Person) -> None:
    send(api, member, "k1")
    IdempotencyRecord.objects.update(created_at=utc_now() - timedelta(hours=23, minutes=59))
    assert send(api, member, "k1").status == 201
    assert Note.objects.count() == 1
    IdempotencyRecord.objects.update(created_at=utc_now() - timedelta(hours=24, seconds=1))
    assert send(api, member, "k1", title="a day later").status == 201
    assert Note.objects.count() == 2
    assert IdempotencyRecord.objects.count() == 1


def test_the_sweep_removes_what_is_past_its_day_in_bounded_batches(api: ApiClient, member: Person) -> None:
    past = utc_now() - timedelta(hours=25)
    IdempotencyRecord.objects.bulk_create(
        IdempotencyRecord(scope=str(n), fingerprint="", status=201, message="", data=b"", created_at=past)
        for n in range(45)
    )
    send(api, member, "k1")
    assert IdempotencyRecord.objects.count() == 46
    assert [sweep_expired(20) for _ in range(4)] == [20, 20, 5, 0]
    assert IdempotencyRecord.objects.count() == 1
    assert declared()["http.idempotency"].run(20) == 0


def test_a_key_past_its_day_is_free_however_long_the_queue_of_the_sweep(api: ApiClient, member: Person) -> None:
    send(api, member, "k1")
    IdempotencyRecord.objects.update(created_at=utc_now() - timedelta(hours=25))
    older = utc_now() - timedelta(hours=30)
    IdempotencyRecord.objects.bulk_create(
        IdempotencyRecord(scope=str(n), fingerprint="", status=201, message="", data=b"", created_at=older)
        for n in range(45)
    )
    assert send(api, member, "k1", title="a day later").status == 201
    assert Note.objects.count() == 2


def test_the_record_tells_neither_key_nor_person_nor_body(api: ApiClient, member: Person) -> None:
    send(api, member, "a-telling-key")
    record = IdempotencyRecord.objects.get()
    written = " ".join((record.scope, record.fingerprint, record.message))
    assert "a-telling-key" not in written
    assert str(member.user.pk) not in written
    assert (len(record.scope), len(record.fingerprint), record.status) == (64, 64, 201)
