"""Members: listing, roles, overrides, pauses, ends, and the last ORG_ADMIN."""

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stoa.apps.accounts.tests.factories import PASSWORD, Person, make_person
from stoa.apps.organizations.models import Membership, Organization
from stoa.apps.organizations.tests.factories import (
    join,
    make_member,
    make_organization,
    make_role,
    member_id_of,
    role_id_of,
)
from stoa.kit.ids import new_id
from stoa.platform.audit.models import AuditRecord
from stoa.platform.db.tenant import across_tenants, tenant_scope
from stoa.platform.outbox.models import OutboxEvent
from stoa.platform.testing.client import ApiClient, Envelope

ROOT = "/api/v1/organizations"
BEYOND, LAST = (403, "BEYOND_OWN_RIGHTS"), (409, "LAST_ADMIN")


def said(answer: Envelope) -> tuple[int, str]:
    return answer.status, answer.code


@pytest.fixture
def org_id(owner: Person) -> UUID:
    return make_organization(owner)


def row(member_id: UUID) -> tuple[str, str, list[str], list[str]]:
    with across_tenants("one membership in a test"):
        found = Membership.objects.select_related("role").get(pk=member_id)
    return found.role.name, found.state, found.allowed, found.denied


def change(api: ApiClient, by: Person, org_id: UUID, member_id: UUID, **body: object) -> Envelope:
    return api.bearer(by.access).send_json("PATCH", f"{ROOT}/{org_id}/members/{member_id}", body)


def post(api: ApiClient, by: Person, org_id: UUID, tail: str) -> Envelope:
    return api.bearer(by.access).send_json("POST", f"{ROOT}/{org_id}/{tail}")


def test_a_page_of_twenty_is_two_queries_with_the_authorisation(api: ApiClient, owner: Person, org_id: UUID) -> None:
    for _ in range(20):
        make_member(org_id)
    with CaptureQueriesContext(connection) as asked:
        answer = api.bearer(owner.access).read(f"{ROOT}/{org_id}/members")
    assert (len(answer.data), len(asked)) == (20, 2)
    assert all(row["handle"] and row["name"] == "Member" for row in answer.data)
    assert "email" not in answer.data[0]
    rest = api.bearer(owner.access).read(f"{ROOT}/{org_id}/members", cursor=answer.meta["pagination"]["next_cursor"])
    assert [row["role"] for row in rest.data] == ["ORG_ADMIN"]


def test_a_new_role_works_on_the_next_request(api: ApiClient, owner: Person, org_id: UUID) -> None:
    person, member_id = make_member(org_id, "VENDOR")
    listing = f"{ROOT}/{org_id}/members"
    assert said(api.bearer(person.access).read(listing)) == (403, "FORBIDDEN")
    answer = change(api, owner, org_id, member_id, role_id=str(role_id_of("VIEWER")))
    assert (answer.status, answer.data["role"]) == (200, "VIEWER")
    assert api.bearer(person.access).read(listing).status == 200
    assert change(api, owner, org_id, member_id, deny=["members:read"]).data["deny"] == ["members:read"]
    assert said(api.bearer(person.access).read(listing)) == (403, "FORBIDDEN")
    assert change(api, owner, org_id, member_id, role_id=str(role_id_of("VENDOR")), deny=[]).status == 200
    assert change(api, owner, org_id, member_id, allow=["members:read"]).status == 200
    assert api.bearer(person.access).read(listing).status == 200
    assert OutboxEvent.objects.filter(name="organizations.member_role_changed").count() == 4
    assert AuditRecord.objects.filter(action="organizations.member_changed", org_id=str(org_id)).count() == 4


def test_nobody_gives_or_takes_what_they_lack(api: ApiClient, owner: Person, org_id: UUID) -> None:
    manager, own = make_member(org_id, "MANAGER")
    _, clerk = make_member(org_id, "CASHIER")
    admin = str(role_id_of("ORG_ADMIN"))
    assert said(change(api, manager, org_id, clerk, role_id=admin)) == BEYOND
    assert said(change(api, manager, org_id, own, role_id=admin)) == BEYOND
    assert said(change(api, manager, org_id, clerk, allow=["roles:manage"])) == BEYOND
    # DENY over what they lack does not make it giveable: the override may be lifted later by the one who has it.
    assert said(change(api, manager, org_id, clerk, role_id=admin, deny=["roles:manage"])) == BEYOND
    above = member_id_of(org_id, owner)
    assert said(change(api, manager, org_id, above, role_id=str(role_id_of("VIEWER")))) == BEYOND
    assert said(post(api, manager, org_id, f"members/{above}/deactivate")) == BEYOND
    _, paused = make_member(org_id, "ORG_ADMIN", state="deactivated")
    assert said(post(api, manager, org_id, f"members/{paused}/reactivate")) == BEYOND
    assert row(paused)[1] == "deactivated"
    gone = api.bearer(manager.access).send_json("DELETE", f"{ROOT}/{org_id}/members/{above}")
    assert said(gone) == BEYOND
    assert (row(above)[0], row(clerk)[0], row(own)[0]) == ("ORG_ADMIN", "CASHIER", "MANAGER")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"allow": ["moon:land"]}, {"allow"}),
        ({"deny": ["moon:land"], "allow": ["x:y"]}, {"allow", "deny"}),
        ({"allow": ["members"]}, {"allow"}),
        ({"role_id": "admin"}, {"role_id"}),
        ({"role": "ORG_ADMIN"}, {"role"}),
    ],
)
def test_what_is_not_valid_changes_nothing(
    api: ApiClient, owner: Person, org_id: UUID, body: dict[str, object], fields: set[str]
) -> None:
    _, member_id = make_member(org_id)
    answer = change(api, owner, org_id, member_id, **body)
    assert said(answer) == (422, "VALIDATION_ERROR")
    assert {name.partition(".")[0] for name in answer.fields} == fields
    assert row(member_id) == ("VIEWER", "active", [], [])


def test_a_role_of_another_organization_is_not_there(api: ApiClient, owner: Person, org_id: UUID) -> None:
    other = make_organization(make_person("Stranger"))
    _, member_id = make_member(org_id)
    foreign_role, (_, foreign_member) = make_role(other, "members:read"), make_member(other)
    assert said(change(api, owner, org_id, member_id, role_id=str(foreign_role))) == (404, "NOT_FOUND")
    assert said(change(api, owner, org_id, foreign_member, deny=["members:read"])) == (404, "NOT_FOUND")
    assert row(foreign_member) == ("VIEWER", "active", [], [])


def test_removed_they_are_out_at_once_and_gone_from_the_list(api: ApiClient, owner: Person, org_id: UUID) -> None:
    person, member_id = make_member(org_id)
    path = f"{ROOT}/{org_id}/members/{member_id}"
    assert api.bearer(owner.access).send_json("DELETE", path).status == 200
    assert said(api.bearer(person.access).read(f"{ROOT}/{org_id}")) == (404, "NOT_FOUND")
    assert said(api.bearer(owner.access).send_json("DELETE", path)) == (404, "NOT_FOUND")
    listed = api.bearer(owner.access).read(f"{ROOT}/{org_id}/members").data
    assert [found["role"] for found in listed] == ["ORG_ADMIN"]
    assert api.bearer(person.access).read("/api/v1/users/me").status == 200


def test_deactivated_they_are_out_of_this_organization_only(api: ApiClient, owner: Person, org_id: UUID) -> None:
    person, member_id = make_member(org_id)
    other = make_organization(make_person("Stranger"))
    join(other, person)
    assert post(api, owner, org_id, f"members/{member_id}/deactivate").data["state"] == "deactivated"
    assert said(post(api, owner, org_id, f"members/{member_id}/deactivate")) == (409, "WRONG_STATE")
    caller = api.bearer(person.access)
    assert said(caller.read(f"{ROOT}/{org_id}")) == (404, "NOT_FOUND")
    assert (caller.read(f"{ROOT}/{other}").status, caller.read("/api/v1/users/me").status) == (200, 200)
    assert post(api, owner, org_id, f"members/{member_id}/reactivate").data["state"] == "active"
    assert said(post(api, owner, org_id, f"members/{member_id}/reactivate")) == (409, "WRONG_STATE")
    assert caller.read(f"{ROOT}/{org_id}").status == 200


def test_a_full_organization_reactivates_nobody(api: ApiClient, owner: Person, org_id: UUID) -> None:
    _, member_id = make_member(org_id, state="deactivated")
    Organization.objects.filter(pk=org_id).update(seats=1)
    assert said(post(api, owner, org_id, f"members/{member_id}/reactivate")) == (409, "SEATS_TAKEN")
    assert row(member_id)[1] == "deactivated"


def test_the_last_admin_stays(api: ApiClient, owner: Person, org_id: UUID) -> None:
    own = member_id_of(org_id, owner)
    assert said(change(api, owner, org_id, own, role_id=str(role_id_of("MANAGER")))) == LAST
    assert said(api.bearer(owner.access).send_json("DELETE", f"{ROOT}/{org_id}/members/{own}")) == LAST
    assert said(post(api, owner, org_id, f"members/{own}/deactivate")) == LAST
    assert said(post(api, owner, org_id, "leave")) == LAST
    assert row(own) == ("ORG_ADMIN", "active", [], [])


@pytest.mark.parametrize("how", ["deactivated", "disabled", "closed"])
def test_an_admin_who_cannot_act_is_no_other_admin(api: ApiClient, owner: Person, org_id: UUID, how: str) -> None:
    other, member_id = make_member(org_id, "ORG_ADMIN")
    match how:
        case "deactivated":
            assert post(api, owner, org_id, f"members/{member_id}/deactivate").status == 200
        case "disabled":
            other.user.is_active = False
            other.user.save()
        case _:
            api.bearer(other.access).send_json("DELETE", "/api/v1/users/me", {"password": PASSWORD})
    assert said(post(api, owner, org_id, "leave")) == LAST


def test_with_another_admin_one_may_go(api: ApiClient, owner: Person, org_id: UUID) -> None:
    make_member(org_id, "ORG_ADMIN")
    assert post(api, owner, org_id, "leave").status == 200
    assert said(api.bearer(owner.access).read(f"{ROOT}/{org_id}")) == (404, "NOT_FOUND")
    assert OutboxEvent.objects.filter(name="organizations.membership_ended").count() == 1


def test_the_last_admin_cannot_close_their_account(api: ApiClient, owner: Person, org_id: UUID) -> None:
    closing = api.bearer(owner.access).send_json("DELETE", "/api/v1/users/me", {"password": PASSWORD})
    assert said(closing) == (409, "ACCOUNT_CANNOT_CLOSE")
    details = (closing.error or {})["details"]
    assert details == {"reason": "last_admin", "organizations": [{"id": str(org_id), "name": "Garden"}]}
    assert api.bearer(owner.access).read("/api/v1/users/me").status == 200
    make_member(org_id, "ORG_ADMIN")
    assert api.bearer(owner.access).send_json("DELETE", "/api/v1/users/me", {"password": PASSWORD}).status == 200


def test_roles_of_ones_own(api: ApiClient, owner: Person, org_id: UUID) -> None:
    caller, path = api.bearer(owner.access), f"{ROOT}/{org_id}/roles"
    made = caller.send_json("POST", path, {"name": "SHIFT_LEAD", "permissions": ["sales:read", "members:read"]})
    assert (made.status, made.data["system"]) == (201, False)
    assert said(caller.send_json("POST", path, {"name": "SHIFT_LEAD", "permissions": []})) == (409, "ROLE_NAME_TAKEN")
    assert said(caller.send_json("POST", path, {"name": "MANAGER", "permissions": []})) == (409, "ROLE_NAME_TAKEN")
    person, member_id = make_member(org_id, "VENDOR")
    assert change(api, owner, org_id, member_id, role_id=made.data["id"]).data["role"] == "SHIFT_LEAD"
    listing = f"{ROOT}/{org_id}/members"
    assert api.bearer(person.access).read(listing).status == 200
    edited = caller.send_json("PATCH", f"{path}/{made.data['id']}", {"permissions": ["sales:read"]})
    assert edited.data["permissions"] == ["sales:read"]
    assert said(api.bearer(person.access).read(listing)) == (403, "FORBIDDEN")
    one = f"{path}/{made.data['id']}"
    assert said(caller.send_json("DELETE", one)) == (409, "ROLE_IN_USE")
    assert change(api, owner, org_id, member_id, role_id=str(role_id_of("VENDOR"))).status == 200
    assert caller.send_json("DELETE", one).status == 200
    assert said(caller.send_json("DELETE", one)) == (404, "NOT_FOUND")
    names = [found["name"] for found in caller.read(path).data]
    assert names == sorted(names)
    assert "SHIFT_LEAD" not in names
    assert len(names) == 9


def test_a_role_that_ships_is_nobodys_to_change(api: ApiClient, owner: Person, org_id: UUID) -> None:
    path = f"{ROOT}/{org_id}/roles/{role_id_of('VIEWER')}"
    for method, body in (("PATCH", {"permissions": []}), ("DELETE", None)):
        assert said(api.bearer(owner.access).send_json(method, path, body)) == (409, "SYSTEM_ROLE")
    renamed = make_role(org_id)
    taken = api.bearer(owner.access).send_json("PATCH", f"{ROOT}/{org_id}/roles/{renamed}", {"name": "VIEWER"})
    assert said(taken) == (409, "ROLE_NAME_TAKEN")


def test_whoever_manages_roles_gives_only_what_they_have(api: ApiClient, org_id: UUID) -> None:
    lead, _ = make_member(org_id, "VIEWER", allowed=["roles:manage"])
    strong, path = make_role(org_id, "journal:post"), f"{ROOT}/{org_id}/roles"
    caller = api.bearer(lead.access)
    assert said(caller.send_json("POST", path, {"name": "TOO_MUCH", "permissions": ["journal:post"]})) == BEYOND
    edits: tuple[dict[str, object], ...] = ({"permissions": []}, {"name": "RENAMED"})
    for body in edits:
        assert said(caller.send_json("PATCH", f"{path}/{strong}", body)) == BEYOND
    weak = make_role(org_id, "sales:read")
    assert said(caller.send_json("PATCH", f"{path}/{weak}", {"permissions": ["journal:post"]})) == BEYOND
    with tenant_scope(org_id):
        assert Membership.objects.count() == 2


def test_a_bad_role_name_is_422(api: ApiClient, owner: Person, org_id: UUID) -> None:
    for name in ("lead", "A", "9LEAD", "LEAD\n", "L" * 41, f"{new_id()}"):
        body = {"name": name, "permissions": []}
        assert api.bearer(owner.access).send_json("POST", f"{ROOT}/{org_id}/roles", body).status == 422
