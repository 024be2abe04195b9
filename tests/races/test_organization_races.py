"""The last ORG_ADMIN, the last seat and one invite, each wanted by two at once, on real connections.

Everything rests on the lock of the organization's row; the twins take it away."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from uuid import UUID

import pytest

from stoa.apps.accounts.errors import AccountCannotClose
from stoa.apps.accounts.services.closing import close_account
from stoa.apps.accounts.tests.factories import PASSWORD, Person, make_person
from stoa.apps.organizations.errors import InviteNotOpen, InviteRefused, LastAdmin, SeatsTaken
from stoa.apps.organizations.models import Invite, Membership, Organization
from stoa.apps.organizations.services.invites import accept_invite, revoke_invite
from stoa.apps.organizations.services.members import (
    change_member,
    deactivate_member,
    leave,
    remove_member,
)
from stoa.apps.organizations.tests.factories import (
    join,
    make_invite,
    make_member,
    make_organization,
    member_id_of,
    role_id_of,
)
from stoa.kit.errors import Denied
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.outbox.models import OutboxEvent
from stoa.platform.testing.client import ApiClient
from stoa.platform.testing.pausing import held_at, meeting_at, skipped_at
from stoa.platform.testing.races import Outcome, run_together

pytestmark = pytest.mark.race
LOCK, INVITE_LOCK = "organizations.lock_organization", "organizations.lock_invite"


class Pair:
    """Two admins of one organization, and what each may do to be none any more, or to the other."""

    def __init__(self) -> None:
        self.ann = make_person("Ann")
        self.org_id = make_organization(self.ann)
        self.ben, self.ben_id = make_member(self.org_id, "ORG_ADMIN", "Ben")
        self.ann_id = member_id_of(self.org_id, self.ann)

    def demote(self, actor: Person, member_id: UUID) -> object:
        viewer = role_id_of("VIEWER")
        return change_member(org_id=self.org_id, actor_id=actor.user.pk, member_id=member_id, role_id=viewer)

    def act(self, what: str) -> Callable[[], object]:
        org_id, ann, ben = self.org_id, self.ann, self.ben
        return {
            "ann demotes ben": lambda: self.demote(ann, self.ben_id),
            "ben demotes ann": lambda: self.demote(ben, self.ann_id),
            "ben removes ann": lambda: remove_member(org_id=org_id, actor_id=ben.user.pk, member_id=self.ann_id),
            "ann pauses ben": lambda: deactivate_member(org_id=org_id, actor_id=ann.user.pk, member_id=self.ben_id),
            "ann leaves": lambda: leave(org_id=org_id, user_id=ann.user.pk),
            "ben leaves": lambda: leave(org_id=org_id, user_id=ben.user.pk),
            "ann closes": lambda: close_account(user_id=ann.user.pk, password=PASSWORD, address="203.0.113.9"),
            "ben closes": lambda: close_account(user_id=ben.user.pk, password=PASSWORD, address="203.0.113.9"),
        }[what]

    def admins(self) -> int:
        with tenant_scope(self.org_id):
            rows = Membership.objects.filter(state="active", role__name="ORG_ADMIN")
            return rows.filter(user__is_active=True, user__erase_at=None).count()


def at_once(first: str, second: str) -> tuple[Pair, list[Outcome[object]]]:
    """Both have seen that there is another admin, where nothing keeps them from seeing it."""
    pair = Pair()
    with meeting_at("organizations.another_admin", parties=2, timeout_s=2):
        return pair, run_together(pair.act(first), pair.act(second))


BOTH = pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ann demotes ben", "ben demotes ann"),
        ("ann pauses ben", "ben removes ann"),
        ("ann leaves", "ann demotes ben"),
        ("ann leaves", "ben leaves"),
        ("ann closes", "ben leaves"),
        ("ann closes", "ben demotes ann"),
        ("ann closes", "ben closes"),
    ],
)


@BOTH
def test_of_two_admins_one_stays(committed_db: None, first: str, second: str) -> None:
    pair, outcomes = at_once(first, second)
    errors = [type(one.error) for one in outcomes if one.error is not None]
    # Whom the first has demoted or paused may do nothing any more, also where nobody would be left without.
    assert set(errors) <= {LastAdmin, Denied, AccountCannotClose}
    assert pair.admins() == 1
    assert len(errors) == (0 if (first, second) == ("ann closes", "ben demotes ann") else 1)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ann demotes ben", "ben demotes ann"),
        ("ann pauses ben", "ben removes ann"),
        ("ann leaves", "ann demotes ben"),
        ("ann leaves", "ben leaves"),
        ("ann closes", "ben leaves"),
        ("ann closes", "ben closes"),
    ],
)
def test_without_the_lock_nobody_is_left_to_run_it(committed_db: None, first: str, second: str) -> None:
    with skipped_at(LOCK):
        pair, outcomes = at_once(first, second)
    assert [one.error for one in outcomes] == [None, None]
    assert pair.admins() == 0


def made_the_last_while_closing() -> tuple[UUID, Person, Outcome[object]]:
    """A plain member has been asked about and closes their account; then the admin makes them admin and leaves."""
    owner = make_person("Owner")
    org_id = make_organization(owner)
    closer, closer_id = make_member(org_id, "VIEWER", "Closer")

    with held_at("organizations.closing_asked") as hold:

        def hand_over() -> object:
            hold.wait_until_reached()
            threading.Timer(1.5, hold.release).start()
            admin = role_id_of("ORG_ADMIN")
            change_member(org_id=org_id, actor_id=owner.user.pk, member_id=closer_id, role_id=admin)
            leave(org_id=org_id, user_id=owner.user.pk)
            return None

        closing, handing = run_together(
            lambda: close_account(user_id=closer.user.pk, password=PASSWORD, address="203.0.113.9"), hand_over
        )
    assert closing.error is None
    return org_id, owner, handing


def active_admins(org_id: UUID) -> list[UUID]:
    with tenant_scope(org_id):
        rows = Membership.objects.filter(state="active", role__name="ORG_ADMIN", user__erase_at=None)
        return list(rows.values_list("user_id", flat=True))


def test_whoever_closes_their_account_is_not_made_the_last_admin(committed_db: None) -> None:
    org_id, owner, handing = made_the_last_while_closing()
    assert type(handing.error) is LastAdmin
    assert active_admins(org_id) == [owner.user.pk]


def test_without_the_lock_the_last_admin_is_one_who_closed_their_account(committed_db: None) -> None:
    with skipped_at(LOCK):
        org_id, _, handing = made_the_last_while_closing()
    assert handing.error is None
    assert active_admins(org_id) == []


def two_for_the_last_seat() -> tuple[UUID, list[Outcome[object]]]:
    owner = make_person("Owner")
    org_id = make_organization(owner)
    Organization.objects.filter(pk=org_id).update(seats=2)
    people = [make_person("Guest") for _ in range(2)]
    tokens = [make_invite(org_id, owner, each.user.email)[1] for each in people]
    with meeting_at("organizations.seat_found", parties=2, timeout_s=2):
        outcomes = run_together(
            *(
                _call(lambda token=token, each=each: accept_invite(token=token, user_id=each.user.pk))
                for token, each in zip(tokens, people, strict=True)
            )
        )
    return org_id, outcomes


def _call(act: Callable[[], object]) -> Callable[[], object]:
    return act


def members(org_id: UUID) -> int:
    with tenant_scope(org_id):
        return Membership.objects.filter(state="active").count()


def test_the_last_seat_is_taken_once(committed_db: None) -> None:
    org_id, outcomes = two_for_the_last_seat()
    assert [type(one.error) for one in outcomes].count(SeatsTaken) == 1
    assert members(org_id) == 2


def test_without_the_lock_there_are_more_than_seats(committed_db: None) -> None:
    with skipped_at(LOCK):
        org_id, outcomes = two_for_the_last_seat()
    assert [one.error for one in outcomes] == [None, None]
    assert members(org_id) == 3


def one_invite_accepted_twice() -> tuple[UUID, list[Outcome[object]]]:
    """By somebody who was a member before: no unique index stands in the way of their old row."""
    owner, guest = make_person("Owner"), make_person("Guest")
    org_id = make_organization(owner)
    join(org_id, guest, state="ended")
    _, token = make_invite(org_id, owner, guest.user.email)

    def accept() -> object:
        return accept_invite(token=token, user_id=guest.user.pk)

    with meeting_at("organizations.seat_found", parties=2, timeout_s=2):
        return org_id, run_together(accept, accept)


def joined(org_id: UUID) -> int:
    return OutboxEvent.objects.filter(name="organizations.member_joined", key=str(org_id)).count()


def test_one_invite_is_accepted_once(committed_db: None) -> None:
    org_id, outcomes = one_invite_accepted_twice()
    assert [type(one.error) for one in outcomes].count(InviteRefused) == 1
    assert (members(org_id), joined(org_id)) == (2, 1)


def test_without_the_locks_one_invite_is_accepted_twice(committed_db: None) -> None:
    with ExitStack() as stack:
        stack.enter_context(skipped_at(LOCK))
        stack.enter_context(skipped_at(INVITE_LOCK))
        org_id, outcomes = one_invite_accepted_twice()
    assert [one.error for one in outcomes] == [None, None]
    assert joined(org_id) == 2


def accepted_by_the_invited_and_by_another() -> tuple[UUID, Person, list[Outcome[object]]]:
    owner, guest, other = make_person("Owner"), make_person("Guest"), make_person("Other")
    org_id = make_organization(owner)
    _, token = make_invite(org_id, owner, guest.user.email)
    outcomes = run_together(
        lambda: accept_invite(token=token, user_id=guest.user.pk),
        lambda: accept_invite(token=token, user_id=other.user.pk),
    )
    return org_id, guest, outcomes


def test_of_two_who_hold_the_token_the_invited_one_joins(committed_db: None) -> None:
    org_id, guest, outcomes = accepted_by_the_invited_and_by_another()
    assert [type(one.error) for one in outcomes] == [type(None), InviteRefused]
    with tenant_scope(org_id):
        assert Membership.objects.filter(user_id=guest.user.pk, state="active").count() == 1
    assert members(org_id) == 2


def accepted_while_revoked() -> tuple[UUID, list[Outcome[object]]]:
    owner, guest = make_person("Owner"), make_person("Guest")
    org_id = make_organization(owner)
    invite_id, token = make_invite(org_id, owner, guest.user.email)
    with meeting_at("organizations.before_invite_closes", parties=2, timeout_s=2):
        outcomes = run_together(
            lambda: accept_invite(token=token, user_id=guest.user.pk),
            lambda: revoke_invite(org_id=org_id, actor_id=owner.user.pk, invite_id=invite_id),
        )
    return org_id, outcomes


def test_an_invite_is_accepted_or_revoked(committed_db: None) -> None:
    org_id, (accepting, revoking) = accepted_while_revoked()
    if accepting.error is None:
        assert type(revoking.error) is InviteNotOpen
    else:
        assert (type(accepting.error), revoking.error) == (InviteRefused, None)
    assert members(org_id) == (2 if accepting.error is None else 1)


def test_without_the_locks_somebody_joins_by_an_invite_that_was_revoked(committed_db: None) -> None:
    with skipped_at(LOCK), skipped_at(INVITE_LOCK):
        org_id, outcomes = accepted_while_revoked()
    assert [one.error for one in outcomes] == [None, None]
    assert members(org_id) == 2


def invited_by_somebody_demoted_meanwhile(api: ApiClient) -> tuple[UUID, int]:
    """Ben's request was let in while he was an admin; before it takes the lock, Ann makes him a viewer."""
    pair = Pair()
    invites = f"/api/v1/organizations/{pair.org_id}/invites"
    body = {"email": "friend@example.org", "role_id": str(role_id_of("VIEWER"))}
    with held_at("organizations.authorised") as hold:

        def demote() -> object:
            hold.wait_until_reached()
            pair.demote(pair.ann, pair.ben_id)
            hold.release()
            return None

        asked, demoted = run_together(
            lambda: api.bearer(pair.ben.access).send_json("POST", invites, body), lambda: (demote(), None)[1]
        )
    assert demoted.error is None
    answer = asked.result()
    assert answer is not None
    return pair.org_id, answer.status


def invites_of(org_id: UUID) -> int:
    with tenant_scope(org_id):
        return Invite.objects.count()


def test_a_role_changed_during_a_request_counts_in_it(committed_db: None, api: ApiClient) -> None:
    org_id, status = invited_by_somebody_demoted_meanwhile(api)
    assert (status, invites_of(org_id)) == (403, 0)


def test_without_asking_again_somebody_demoted_still_invites(committed_db: None, api: ApiClient) -> None:
    with skipped_at("organizations.ask_again"):
        org_id, status = invited_by_somebody_demoted_meanwhile(api)
    assert (status, invites_of(org_id)) == (201, 1)


def a_newcomer_accepts_twice() -> tuple[UUID, list[Outcome[object]]]:
    """Somebody who was never a member, from two tabs at once."""
    owner, guest = make_person("Owner"), make_person("Guest")
    org_id = make_organization(owner)
    _, token = make_invite(org_id, owner, guest.user.email)

    def accept() -> object:
        return accept_invite(token=token, user_id=guest.user.pk)

    with meeting_at("organizations.seat_found", parties=2, timeout_s=2):
        return org_id, run_together(accept, accept)


def test_a_newcomer_joins_once(committed_db: None) -> None:
    org_id, outcomes = a_newcomer_accepts_twice()
    assert sorted(type(one.error).__name__ for one in outcomes) == ["InviteRefused", "NoneType"]
    assert (members(org_id), joined(org_id)) == (2, 1)
