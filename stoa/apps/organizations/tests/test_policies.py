"""Seats, the end of an organization, and an ORG_ADMIN who lacks rights: what must not leave anybody stuck."""

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stoa.apps.accounts.tests.factories import PASSWORD, Person
from stoa.apps.organizations.domain import SYSTEM_ROLES
from stoa.apps.organizations.models import Membership, Organization, Role
from stoa.apps.organizations.tests.factories import make_invite, make_member, make_organization, member_id_of
from stoa.platform.audit.models import AuditRecord
from stoa.platform.db.tenant import across_tenants, tenant_scope
from stoa.platform.testing.client import ApiClient, Envelope

ROOT = "/api/v1/organizations"
LAST = (409, "LAST_ADMIN")


def said(answer: Envelope) -> tuple[int, str]:
    return answer.status, answer.code


def states(org_id: UUID) -> list[str]:
    with tenant_scope(org_id):
        return sorted(Membership.objects.values_list("state", flat=True))


def test_roles_in_the_database_are_those_of_the_catalogue(db: None) -> None:
    with across_tenants("the roles that ship, in a test"):
        seeded = {row.name: frozenset(row.permissions) for row in Role.objects.filter(organization=None)}
    assert seeded == dict(SYSTEM_ROLES)


def test_seats_are_the_organizations_policy(api: ApiClient, owner: Person, org_id: UUID, outsider: Person) -> None:
    path, caller = f"{ROOT}/{org_id}", api.bearer(owner.access)
    assert caller.send_json("PATCH", path, {"seats": 2}).data["seats"] == 2
    _, token = make_invite(org_id, owner, outsider.user.email)
    joining = api.bearer(outsider.access)
    assert said(joining.send_json("POST", f"{ROOT}/invites/accept", {"token": token})) == (409, "SEATS_TAKEN")
    # Fewer seats than members throw nobody out.
    assert caller.send_json("PATCH", path, {"seats": 1}).status == 200
    assert states(org_id) == ["active", "active"]
    assert caller.send_json("PATCH", path, {"seats": None}).data["seats"] is None
    assert joining.send_json("POST", f"{ROOT}/invites/accept", {"token": token}).status == 200
    assert states(org_id) == ["active"] * 3
    assert AuditRecord.objects.filter(action="organizations.changed", org_id=str(org_id)).count() == 3


@pytest.mark.parametrize("seats", [0, -1, 1_000_001, 1.5, "2", True])
def test_seats_that_cannot_be_change_nothing(api: ApiClient, owner: Person, org_id: UUID, seats: object) -> None:
    answer = api.bearer(owner.access).send_json("PATCH", f"{ROOT}/{org_id}", {"seats": seats})
    assert (said(answer), set(answer.fields)) == ((422, "VALIDATION_ERROR"), {"seats"})
    found = Organization.objects.get(pk=org_id)
    assert (found.seats, found.version) == (None, 1)


def test_a_member_sees_the_organization_and_changes_no_policy(api: ApiClient, member: Person, org_id: UUID) -> None:
    caller = api.bearer(member.access)
    assert caller.read(f"{ROOT}/{org_id}/settings").data["seats"] is None
    assert said(caller.send_json("PATCH", f"{ROOT}/{org_id}/settings", {"seats": 5})) == (403, "FORBIDDEN")
    assert Organization.objects.get(pk=org_id).seats is None


def test_a_moderator_suspends_by_permission_and_is_no_member(api: ApiClient, moderator: Person, org_id: UUID) -> None:
    caller = api.bearer(moderator.access)
    assert caller.send_json("POST", f"{ROOT}/{org_id}/suspend").data["status"] == "suspended"
    assert said(caller.read(f"{ROOT}/{org_id}")) == (404, "NOT_FOUND")
    assert caller.send_json("POST", f"{ROOT}/{org_id}/reactivate").data["status"] == "active"


def test_an_org_route_without_a_path_costs_one_query_for_its_authorisation(
    api: ApiClient, member: Person, outsider: Person, org_id: UUID
) -> None:
    """Also where it ends in a refusal: none of them asks a second time."""
    path = "/api/v1/probe/org"
    named = {"X-Org-Id": str(org_id)}
    for person, headers, status in (
        (member, {}, 403),
        (member, named, 403),
        (outsider, named, 404),
        (outsider, {}, 403),
    ):
        with CaptureQueriesContext(connection) as asked:
            assert api.get(path, headers={**person.bearer, **headers}).status_code == status
        assert len(asked) == 1


def test_in_a_deleted_organization_nobody_is_and_accounts_can_close(
    api: ApiClient, owner: Person, member: Person, org_id: UUID
) -> None:
    assert api.bearer(owner.access).send_json("DELETE", f"{ROOT}/{org_id}").status == 200
    assert states(org_id) == ["ended", "ended"]
    for person in (owner, member):
        assert said(api.bearer(person.access).read(f"{ROOT}/{org_id}")) == (404, "NOT_FOUND")
    closing = api.bearer(owner.access).send_json("DELETE", "/api/v1/users/me", {"password": PASSWORD})
    assert closing.status == 200
    owner.user.refresh_from_db()
    assert owner.user.erase_at is not None


def test_many_deleted_organizations_do_not_hide_the_one_that_lives(api: ApiClient, member: Person) -> None:
    make_organization(member, "Alive")
    for number in range(21):
        gone = make_organization(member, f"Gone {number}")
        assert api.bearer(member.access).send_json("DELETE", f"{ROOT}/{gone}").status == 200
    assert api.get("/api/v1/probe/org", headers=member.bearer).status_code == 403  # found, without the probe's word
    assert [row["name"] for row in api.bearer(member.access).read(ROOT).data] == ["Alive"]


def test_the_last_admin_keeps_every_right(api: ApiClient, owner: Person, org_id: UUID) -> None:
    """Rights that the last one had denied to themselves nobody could give back."""
    own = f"{ROOT}/{org_id}/members/{member_id_of(org_id, owner)}"
    caller = api.bearer(owner.access)
    assert said(caller.send_json("PATCH", own, {"deny": ["members:update"]})) == LAST
    _, other = make_member(org_id, "ORG_ADMIN", denied=["members:update"])
    assert said(caller.send_json("PATCH", own, {"deny": ["members:update"]})) == LAST
    assert said(caller.send_json("POST", f"{ROOT}/{org_id}/leave")) == LAST
    assert caller.send_json("PATCH", f"{ROOT}/{org_id}/members/{other}", {"deny": []}).status == 200
    assert caller.send_json("PATCH", own, {"deny": ["members:update"]}).status == 200
    with tenant_scope(org_id):
        assert list(Membership.objects.filter(role__name="ORG_ADMIN", denied=[]).values_list("pk", flat=True)) == [
            other
        ]
