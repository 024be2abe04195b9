"""What people are told in the app of invites and memberships, once each; what an erasure takes back."""

from uuid import UUID

import pytest

from stoa.apps.accounts.events import AccountErased
from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.apps.organizations.models import Invite, Membership
from stoa.apps.organizations.services import invites, members
from stoa.apps.organizations.tests.factories import make_invite, make_member, make_organization, role_id_of
from stoa.platform.db.tenant import across_tenants
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.draining import drain
from stoa.platform.outbox.publishing import publish
from stoa.platform.testing.client import ApiClient


@pytest.fixture
def org_id(owner: Person) -> UUID:
    return make_organization(owner)


def told(api: ApiClient, person: Person) -> list[tuple[str, str]]:
    drain()
    rows = api.bearer(person.access).read("/api/v1/notifications").data
    return [(row["type"], row["text"]) for row in rows]


def test_an_invitee_with_an_account_and_then_the_inviter(
    api: ApiClient, owner: Person, org_id: UUID, outsider: Person
) -> None:
    invite_id, token = make_invite(org_id, owner, outsider.user.email, "CASHIER")
    assert told(api, outsider) == [("invite", "You are invited to Garden as CASHIER.")]
    invites.resend_invite(org_id=org_id, actor_id=owner.user.pk, invite_id=invite_id)
    assert len(told(api, outsider)) == 1
    invites.accept_invite(token=token, user_id=outsider.user.pk)
    assert told(api, owner) == [("invite_accepted", "Outsider joined Garden as CASHIER.")]


def test_changes_of_a_membership(api: ApiClient, owner: Person, org_id: UUID) -> None:
    person, member_id = make_member(org_id)
    by = owner.user.pk
    members.change_member(org_id=org_id, actor_id=by, member_id=member_id, role_id=role_id_of("CASHIER"))
    members.deactivate_member(org_id=org_id, actor_id=by, member_id=member_id)
    members.reactivate_member(org_id=org_id, actor_id=by, member_id=member_id)
    members.remove_member(org_id=org_id, actor_id=by, member_id=member_id)
    assert sorted(kind for kind, _ in told(api, person)) == [
        "membership_ended",
        "membership_paused",
        "membership_resumed",
        "role_changed",
    ]
    assert ("role_changed", "Your role in Garden is now CASHIER.") in told(api, person)


def test_whoever_leaves_is_not_told_so(api: ApiClient, org_id: UUID) -> None:
    person, _ = make_member(org_id)
    members.leave(org_id=org_id, user_id=person.user.pk)
    assert told(api, person) == []


def test_an_erasure_ends_memberships_and_invites_and_takes_the_name_back(
    api: ApiClient, owner: Person, org_id: UUID, outsider: Person
) -> None:
    _, token = make_invite(org_id, owner, outsider.user.email, "CASHIER")
    invites.accept_invite(token=token, user_id=outsider.user.pk)
    other = make_organization(make_person("Stranger"), "Lyceum")
    stranger = make_person("Stranger")
    lyceum = make_organization(stranger, "Lyceum")
    make_invite(lyceum, stranger, outsider.user.email)
    drain()
    for _ in range(2):  # and again after a restore
        with transaction():
            publish(AccountErased(user_id=outsider.user.pk))
        assert told(api, owner) == [("invite_accepted", "— joined Garden as CASHIER.")]
    with across_tenants("looking in a test"):
        assert Membership.objects.get(user_id=outsider.user.pk).state == "ended"
        assert Invite.objects.exclude(email="").count() == 0
        assert Invite.objects.exclude(user_id=None).count() == 0
        assert Membership.objects.filter(organization_id__in=[other, lyceum], state="active").count() == 2
