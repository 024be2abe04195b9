"""What leaves for the bus: from which events, with what in it, and what happens while the bus is away."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from stoa.apps.accounts.services.ending import sign_out_everywhere
from stoa.apps.accounts.tests.factories import Person, make_person, make_session
from stoa.apps.organizations.services.invites import accept_invite, decline_invite, revoke_invite
from stoa.apps.organizations.services.members import deactivate_member, remove_member
from stoa.apps.organizations.services.organizations import delete_organization
from stoa.apps.organizations.tests.factories import make_invite, make_member, make_organization
from stoa.kit.clock import utc_now
from stoa.platform.db.transactions import OutsideCallInTransaction, transaction
from stoa.platform.outbox.draining import drain
from stoa.platform.outbox.models import OutboxDelivery
from stoa.platform.realtime.bus import BusAway, MemoryBus, bus_in_use
from stoa.platform.realtime.telling import close_sockets, tell
from stoa.platform.testing.client import ApiClient
from stoa.runtime import context
from stoa.runtime.tokens import read_access_token
from stoa.wire.bus import EndSubscription, Publication, Revoke

pytestmark = pytest.mark.django_db


@pytest.fixture
def bus() -> Iterator[MemoryBus]:
    made = MemoryBus()
    with bus_in_use(made):
        yield made


@pytest.fixture
def owner(db: None) -> Person:
    return make_person("Owner")


@pytest.fixture
def org_id(owner: Person) -> UUID:
    return make_organization(owner)


def of_type(bus: MemoryBus, channel: str, kind: str = "org.invite") -> list[dict[str, object]]:
    return [one.data for one in bus.published if (one.channel, one.type) == (channel, kind)]


def test_an_invite_is_shown_by_ids_to_the_organization_and_by_name_to_whom_it_is_for(
    bus: MemoryBus, owner: Person, org_id: UUID, outsider: Person
) -> None:
    invite_id, token = make_invite(org_id, owner, outsider.user.email)
    drain()
    ids = {"invite_id": str(invite_id), "organization_id": str(org_id), "state": "open"}
    assert of_type(bus, f"org:{org_id}") == [ids]
    [own] = of_type(bus, f"user:{outsider.user.pk}")
    assert own == ids | {"organization": "Garden", "role": "VIEWER"}
    assert outsider.user.email not in str(bus.published)
    [told] = of_type(bus, f"user:{outsider.user.pk}", "notification")
    assert (told["type"], told["read_at"]) == ("invite", None)
    joined = accept_invite(token=token, user_id=outsider.user.pk)
    drain()
    accepted = ids | {"state": "accepted", "member_id": str(joined.member_id)}
    assert of_type(bus, f"org:{org_id}") == [ids, accepted]
    assert [one["type"] for one in of_type(bus, f"user:{owner.user.pk}", "notification")] == ["invite_accepted"]


def test_the_notification_told_is_the_row_that_is_fetched(
    bus: MemoryBus, api: ApiClient, owner: Person, org_id: UUID, outsider: Person
) -> None:
    """State and events together are the state fetched anew."""
    make_invite(org_id, owner, outsider.user.email)
    drain()
    fetched = api.bearer(outsider.access).read("/api/v1/notifications").data
    assert fetched == of_type(bus, f"user:{outsider.user.pk}", "notification")


def test_a_declined_and_a_revoked_invite_are_shown(
    bus: MemoryBus, owner: Person, org_id: UUID, outsider: Person
) -> None:
    _, token = make_invite(org_id, owner, outsider.user.email)
    decline_invite(token=token, user_id=outsider.user.pk)
    invite_id, _ = make_invite(org_id, owner, "nobody.yet@example.org")
    revoke_invite(org_id=org_id, actor_id=owner.user.pk, invite_id=invite_id)
    drain()
    assert sorted(str(one["state"]) for one in of_type(bus, f"org:{org_id}")) == ["declined", "open", "open", "revoked"]


def test_who_leaves_or_is_paused_loses_the_channel(bus: MemoryBus, owner: Person, org_id: UUID) -> None:
    (removed, removed_id), (paused, paused_id) = make_member(org_id), make_member(org_id)
    remove_member(org_id=org_id, actor_id=owner.user.pk, member_id=removed_id)
    deactivate_member(org_id=org_id, actor_id=owner.user.pk, member_id=paused_id)
    drain()
    channel = f"org:{org_id}"
    ended = {EndSubscription(user_id=one.user.pk, channel=channel) for one in (removed, paused)}
    assert set(bus.commands) == ended
    delete_organization(org_id=org_id, actor_id=owner.user.pk)
    drain()
    assert set(bus.commands) == ended | {EndSubscription(user_id=owner.user.pk, channel=channel)}


def test_each_session_that_ended_closes_its_sockets(bus: MemoryBus, member: Person) -> None:
    other = make_session(member)
    sign_out_everywhere(user_id=member.user.pk)
    drain()
    ended = {read_access_token(one.access).session_id for one in (member, other)}
    assert set(bus.commands) == {Revoke(user_id=member.user.pk, session_id=each) for each in ended}


def test_while_the_bus_is_away_the_deliveries_wait_and_no_attempt_counts(
    bus: MemoryBus, owner: Person, org_id: UUID
) -> None:
    bus.broken = True
    make_invite(org_id, owner, "nobody.yet@example.org")
    for _ in range(20):
        OutboxDelivery.objects.filter(subscriber="organizations.show_invite").update(due_at=utc_now())
        drain(expect_failures=True)
    [waiting] = OutboxDelivery.objects.filter(subscriber="organizations.show_invite")
    assert (waiting.state, waiting.attempts, waiting.lease) == ("pending", 0, None)
    assert "REALTIME" in waiting.error or "BusAway" in waiting.error
    with bus_in_use(MemoryBus()):
        OutboxDelivery.objects.filter(pk=waiting.pk).update(due_at=utc_now())
        drain()
    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts) == ("done", 1)


def test_told_again_by_the_same_delivery_it_is_the_same_event(bus: MemoryBus, owner: Person, org_id: UUID) -> None:
    make_invite(org_id, owner, "nobody.yet@example.org")
    drain()
    OutboxDelivery.objects.filter(subscriber="organizations.show_invite").update(state="pending", due_at=utc_now())
    drain()
    first, second = bus.published
    assert (first.id, first.channel) == (second.id, second.channel)


def test_a_frame_carries_the_request_it_comes_from(bus: MemoryBus, owner: Person, org_id: UUID) -> None:
    with context.scope(request_id="01h2xcejqtf2nbrexx3vqjhp41"):
        make_invite(org_id, owner, "nobody.yet@example.org")
    drain()
    assert {one.request_id for one in bus.published} == {"01h2xcejqtf2nbrexx3vqjhp41"}


def test_nothing_is_told_inside_a_transaction(bus: MemoryBus, member: Person) -> None:
    with transaction():
        with pytest.raises(OutsideCallInTransaction):
            tell(channel=f"user:{member.user.pk}", kind="notification", data={})
        with pytest.raises(OutsideCallInTransaction):
            close_sockets(user_id=member.user.pk, session_ids=[member.user.pk])
    assert (bus.published, bus.commands) == ([], [])


def test_a_type_that_the_wire_does_not_know_is_a_fault(bus: MemoryBus) -> None:
    with pytest.raises(ValueError, match=r"invite\.org"):
        tell(channel="user:x", kind="invite.org", data={})


def test_one_that_failed_is_not_asked_again_at_once(member: Person) -> None:
    class Counting(MemoryBus):
        asked = 0

        def publish(self, publication: Publication) -> None:
            self.asked += 1
            raise BusAway

    bus = Counting()
    with bus_in_use(bus):
        for _ in range(5):
            with pytest.raises(BusAway):
                tell(channel=f"user:{member.user.pk}", kind="notification", data={})
    assert bus.asked == 1
