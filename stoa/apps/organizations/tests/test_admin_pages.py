"""Organizations in the admin: staff see all of them, and change them through services that tell the trail."""

from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from stoa.apps.accounts.tests.factories import Person
from stoa.apps.organizations.models import Invite, Organization, OrganizationStatus, Role
from stoa.apps.organizations.tests.factories import make_invite, make_organization, make_role
from stoa.platform.audit.models import AuditRecord
from stoa.platform.db.tenant import across_tenants
from stoa.platform.outbox.models import OutboxEvent

ADMIN = "/admin/organizations"


@pytest.fixture
def browser(staff: Person) -> Client:
    client = Client()
    client.force_login(staff.user)
    return client


def listed(client: Client, page: str, **query: str) -> list[str]:
    answer = client.get(f"{ADMIN}/{page}/", query)
    assert answer.status_code == 200
    return [str(row.pk) for row in answer.context_data["cl"].result_list]  # type: ignore[index]


def act(client: Client, page: str, action: str, *rows: object) -> str:
    chosen = {"action": action, "_selected_action": [str(row) for row in rows]}
    return client.post(f"{ADMIN}/{page}/", chosen, follow=True).content.decode()


def told(*actions: str) -> list[tuple[str, str, str]]:
    rows = AuditRecord.objects.filter(action__in=actions).order_by("id")
    return [(row.action, row.actor_id, row.org_id) for row in rows]


def invite_of(invite_id: UUID) -> Invite:
    with across_tenants("a test"):
        return Invite.objects.get(pk=invite_id)


def test_an_organization_is_suspended_and_reactivated(browser: Client, staff: Person, org_id: UUID) -> None:
    assert "1 suspended." in act(browser, "organization", "suspend", org_id)
    assert Organization.objects.get(pk=org_id).status == OrganizationStatus.SUSPENDED
    assert listed(browser, "organization", status__exact="suspended") == [str(org_id)]
    assert "That is not possible in the present state." in act(browser, "organization", "suspend", org_id)
    assert "1 reactivated." in act(browser, "organization", "reactivate", org_id)
    assert Organization.objects.get(pk=org_id).status == OrganizationStatus.ACTIVE
    names = ("organizations.suspended", "organizations.reactivated")
    assert told(*names) == [(name, str(staff.user.pk), str(org_id)) for name in names]
    assert list(OutboxEvent.objects.filter(name__in=names).order_by("id").values_list("name", flat=True)) == list(names)


def test_members_of_every_organization_are_shown_and_found(
    browser: Client, owner: Person, member: Person, org_id: UUID
) -> None:
    elsewhere = make_organization(member, name="Elsewhere")
    assert len(listed(browser, "membership")) == 3
    assert len(listed(browser, "membership", q=str(org_id))) == 2
    assert len(listed(browser, "membership", q=member.user.email)) == 2
    assert len(listed(browser, "membership", q=str(owner.user.pk))) == 1
    assert listed(browser, "membership", q="nobody@example.org") == []
    (row,) = listed(browser, "membership", q=str(elsewhere))
    assert b"Elsewhere" in browser.get(f"{ADMIN}/membership/{row}/change/").content
    assert listed(browser, "organization", q="Else") == [str(elsewhere)]


def test_roles_and_members_are_not_edited(browser: Client, org_id: UUID) -> None:
    role = make_role(org_id, "members:read")
    (member, *_) = listed(browser, "membership")
    for page in (f"role/{role}", f"membership/{member}", f"organization/{org_id}"):
        assert browser.get(f"{ADMIN}/{page}/change/").status_code == 200
        assert browser.post(f"{ADMIN}/{page}/change/", {"name": "ELSE"}).status_code == 403
        assert browser.post(f"{ADMIN}/{page}/delete/", {"post": "yes"}).status_code == 403
    assert browser.get(f"{ADMIN}/role/add/").status_code == 403
    with across_tenants("a test"):
        assert Role.objects.get(pk=role).permissions == ["members:read"]


def test_an_invite_is_sent_again_and_revoked(browser: Client, staff: Person, owner: Person, org_id: UUID) -> None:
    invite_id, _ = make_invite(org_id, owner, "guest@example.org")
    assert (
        listed(browser, "invite", q="Guest@example.org") == listed(browser, "invite", q=str(org_id)) == [str(invite_id)]
    )
    shown = browser.get(f"{ADMIN}/invite/{invite_id}/change/").content.decode()
    invite = invite_of(invite_id)
    assert [secret for secret in (invite.nonce, invite.token_hash) if secret in shown] == []
    assert "1 sent again." in act(browser, "invite", "resend", invite_id)
    assert invite_of(invite_id).sendings == 2
    assert "1 revoked." in act(browser, "invite", "revoke", invite_id)
    assert (invite_of(invite_id).state, invite_of(invite_id).email) == ("revoked", "")
    assert "withdrawn" in act(browser, "invite", "resend", invite_id)
    assert invite_of(invite_id).sendings == 2
    names = ("organizations.invite_sent_again", "organizations.invite_revoked")
    assert told(*names) == [(name, str(staff.user.pk), str(org_id)) for name in names]


def test_in_a_suspended_organization_invites_are_revoked_and_not_sent(
    browser: Client, owner: Person, org_id: UUID
) -> None:
    invite_id, _ = make_invite(org_id, owner, "guest@example.org")
    act(browser, "organization", "suspend", org_id)
    act(browser, "invite", "resend", invite_id)
    assert invite_of(invite_id).sendings == 1
    assert "1 revoked." in act(browser, "invite", "revoke", invite_id)


def test_who_may_only_look_changes_nothing(outsider: Person, owner: Person, org_id: UUID) -> None:
    invite_id, _ = make_invite(org_id, owner, "guest@example.org")
    outsider.user.is_staff = True
    outsider.user.save()
    outsider.user.user_permissions.set(Permission.objects.filter(codename__in=("view_organization", "view_invite")))
    client = Client()
    client.force_login(outsider.user)
    assert listed(client, "organization") == [str(org_id)]
    act(client, "organization", "suspend", org_id)
    act(client, "invite", "revoke", invite_id)
    assert client.get(f"{ADMIN}/membership/").status_code == 403
    assert Organization.objects.get(pk=org_id).status == OrganizationStatus.ACTIVE
    assert invite_of(invite_id).state == "open"
