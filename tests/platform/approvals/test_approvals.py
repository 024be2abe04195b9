"""An ask waits for somebody else, is decided once, and does what its owner registered."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from django.db import IntegrityError, connection

from stoa.kit.errors import Conflict, Missing, Unavailable
from stoa.kit.ids import new_uuid
from stoa.platform.approvals.contracts import ApprovalView, Granted
from stoa.platform.approvals.errors import ApprovalDecided, ApprovalWaiting, OwnApproval
from stoa.platform.approvals.models import Approval
from stoa.platform.approvals.public import approval_view, ask_second_person, grant, refuse, register_executor
from stoa.platform.approvals.services import EXECUTORS
from stoa.platform.audit.models import AuditRecord
from stoa.platform.db.tenant import UnscopedQuery, tenant_scope
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.values import stored_uuid

pytestmark = pytest.mark.django_db
ORG, ANN, BOB = new_uuid(), new_uuid(), new_uuid()
ACTION = "probe.act"


@pytest.fixture
def done() -> Iterator[list[Granted]]:
    told: list[Granted] = []

    def act(*, granted: Granted) -> None:
        told.append(granted)

    register_executor(ACTION, act)
    yield told
    del EXECUTORS[ACTION]


def ask(subject: str = "1", action: str = ACTION, org: UUID = ORG) -> ApprovalView:
    return ask_second_person(
        org_id=org,
        action=action,
        subject=subject,
        told="Do it",
        reason="Because",
        asked_by=ANN,
        payload={"amount": 5},
    )


def test_a_yes_does_what_was_asked_with_what_was_asked(done: list[Granted]) -> None:
    asked = ask()
    assert (asked.state, asked.asked_by, asked.decided_by, done) == ("waiting", ANN, None, [])
    granted = grant(org_id=ORG, action=ACTION, approval_id=asked.id, by=BOB)
    assert (granted.state, granted.decided_by) == ("granted", BOB)
    assert granted.decided_at is not None
    assert done == [
        Granted(
            id=asked.id,
            org_id=ORG,
            subject="1",
            reason="Because",
            payload={"amount": 5},
            asked_by=ANN,
            decided_by=BOB,
        )
    ]
    assert list(AuditRecord.objects.order_by("id").values_list("action", flat=True)) == [
        "approvals.asked",
        "approvals.granted",
    ]


def test_nobody_decides_on_their_own_ask(done: list[Granted]) -> None:
    asked = ask()
    for decide in (grant, refuse):
        with pytest.raises(OwnApproval):
            decide(org_id=ORG, action=ACTION, approval_id=asked.id, by=ANN)
    with tenant_scope(ORG):
        assert (approval_view(asked.id).state, done) == ("waiting", [])


def test_it_is_decided_once_and_may_be_asked_again(done: list[Granted]) -> None:
    asked = ask()
    with pytest.raises(ApprovalWaiting):
        ask()
    assert ask(subject="2").state == "waiting"
    refuse(org_id=ORG, action=ACTION, approval_id=asked.id, by=BOB)
    for decide in (grant, refuse):
        with pytest.raises(ApprovalDecided):
            decide(org_id=ORG, action=ACTION, approval_id=asked.id, by=BOB)
    assert done == []
    assert ask().state == "waiting"


def test_without_an_executor_nothing_is_granted() -> None:
    asked = ask(action="probe.nobody")
    with pytest.raises(Unavailable):
        grant(org_id=ORG, action="probe.nobody", approval_id=asked.id, by=BOB)
    with tenant_scope(ORG):
        assert approval_view(asked.id).state == "waiting"


def test_a_refusal_of_the_act_undoes_the_yes() -> None:
    def no(*, granted: Granted) -> None:
        raise Conflict

    register_executor("probe.refused", no)
    asked = ask(action="probe.refused")
    with pytest.raises(Conflict):
        grant(org_id=ORG, action="probe.refused", approval_id=asked.id, by=BOB)
    with tenant_scope(ORG):
        assert approval_view(asked.id).decided_by is None
    del EXECUTORS["probe.refused"]


def test_who_decides_on_one_action_does_not_reach_another(done: list[Granted]) -> None:
    asked = ask()
    for decide in (grant, refuse):
        with pytest.raises(Missing):
            decide(org_id=ORG, action="probe.other", approval_id=asked.id, by=BOB)
    assert done == []


def test_another_organization_sees_and_decides_nothing(done: list[Granted]) -> None:
    asked, other = ask(), new_uuid()
    for decide in (grant, refuse):
        with pytest.raises(Missing):
            decide(org_id=other, action=ACTION, approval_id=asked.id, by=BOB)
    with tenant_scope(other), pytest.raises(Missing):
        approval_view(asked.id)
    with pytest.raises(UnscopedQuery):
        approval_view(asked.id)


_UPDATE = "UPDATE approvals_approval SET {change} WHERE id = %s"
_NOW = "decided_at = asked_at"
ATTACKS: dict[str, Callable[[ApprovalView], str]] = {
    "granted by who asked": lambda it: _UPDATE.format(
        change=f"state = 'granted', decided_by = '{stored_uuid(ANN)}', {_NOW}"
    ),
    "granted by nobody": lambda it: _UPDATE.format(change="state = 'granted'"),
    "another payload": lambda it: _UPDATE.format(
        change=f"payload = '{{}}', state = 'granted', decided_by = '{stored_uuid(BOB)}', {_NOW}"
    ),
    "another who asked": lambda it: _UPDATE.format(change=f"asked_by = '{stored_uuid(BOB)}'"),
    "a word that is none": lambda it: _UPDATE.format(change=f"state = 'x', decided_by = '{stored_uuid(BOB)}', {_NOW}"),
    "removed": lambda it: "DELETE FROM approvals_approval WHERE id = %s",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_raw_sql_is_refused_by_the_database(name: str) -> None:
    asked = ask()
    with tenant_scope(ORG):
        before = list(Approval.objects.values_list())
        with pytest.raises(IntegrityError), transaction(), connection.cursor() as cursor:
            cursor.execute(ATTACKS[name](asked), [stored_uuid(asked.id)])
        assert list(Approval.objects.values_list()) == before


def test_what_is_decided_stays_decided() -> None:
    asked = ask()
    refuse(org_id=ORG, action=ACTION, approval_id=asked.id, by=BOB)
    for change in ("state = 'granted'", "state = 'waiting', decided_by = NULL, decided_at = NULL"):
        with pytest.raises(IntegrityError), transaction(), connection.cursor() as cursor:
            cursor.execute(_UPDATE.format(change=change), [stored_uuid(asked.id)])
