"""Making, reading, changing, suspending and deleting organizations."""

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stoa.apps.accounts.tests.factories import Person
from stoa.apps.organizations.domain import PERMISSIONS
from stoa.apps.organizations.models import Membership, Organization
from stoa.apps.organizations.tests.factories import make_invite, make_member, make_organization
from stoa.platform.audit.models import AuditRecord
from stoa.platform.db.tenant import across_tenants
from stoa.platform.outbox.models import OutboxEvent
from stoa.platform.testing.client import ApiClient, Envelope
from tests.platform.outbox.notes import with_settings

ROOT = "/api/v1/organizations"


def said(answer: Envelope) -> tuple[int, str]:
    return answer.status, answer.code


def events(name: str) -> int:
    return OutboxEvent.objects.filter(name=name).count()


def memberships() -> int:
    with across_tenants("counting in a test"):
        return Membership.objects.count()


def test_whoever_creates_one_is_its_admin(api: ApiClient, member: Person) -> None:
    body = {"name": "Garden", "country": "GE", "base_currency": "GEL", "timezone": "Asia/Tbilisi"}
    answer = api.bearer(member.access).send_json("POST", ROOT, body)
    assert answer.status == 201
    assert {**body, "status": "active", "seats": None, "email_domains": []}.items() <= answer.data.items()
    own = api.bearer(member.access).read(ROOT).data
    assert [(row["id"], row["role"], row["status"]) for row in own] == [(answer.data["id"], "ORG_ADMIN", "active")]
    assert events("organizations.created") == 1
    assert AuditRecord.objects.filter(action="organizations.created", org_id=answer.data["id"]).count() == 1


def test_what_is_not_named_is_the_installations_default(api: ApiClient, member: Person) -> None:
    with with_settings(default_base_currency="GEL", default_org_timezone="Asia/Tbilisi"):
        answer = api.bearer(member.access).send_json("POST", ROOT, {"name": "Garden"})
    assert (answer.data["base_currency"], answer.data["timezone"], answer.data["country"]) == (
        "GEL",
        "Asia/Tbilisi",
        "",
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 121),
        ("country", "XX"),
        ("country", "ge"),
        ("base_currency", "XXX"),
        ("base_currency", "usd"),
        ("timezone", "../../etc/passwd"),
        ("timezone", "Mars/Olympus"),
        ("timezone", "UTC\x00"),
        ("owner_id", "0198f3a0-7c1e-7d3a-9a55-2f7d3c1b9e10"),
        ("status", "active"),
        ("seats", 5),
    ],
)
def test_what_is_not_valid_makes_nothing(api: ApiClient, member: Person, field: str, value: object) -> None:
    """`owner_id` among them: nobody makes an organization in another's name."""
    answer = api.bearer(member.access).send_json("POST", ROOT, {"name": "Garden", field: value})
    assert said(answer) == (422, "VALIDATION_ERROR")
    assert set(answer.fields) == {field}
    assert (Organization.objects.count(), memberships(), events("organizations.created")) == (0, 0, 0)


def test_an_installation_limits_countries_and_currencies(api: ApiClient, member: Person) -> None:
    with with_settings(allowed_countries=("GE",), allowed_currencies=("GEL",)):
        body = {"name": "Garden", "country": "AM", "base_currency": "USD"}
        answer = api.bearer(member.access).send_json("POST", ROOT, body)
        assert set(answer.fields) == {"country", "base_currency"}
        fine = {"name": "Garden", "country": "GE", "base_currency": "GEL"}
        assert api.bearer(member.access).send_json("POST", ROOT, fine).status == 201


def test_the_list_of_ones_own_is_one_query_after_the_callers(api: ApiClient, member: Person, outsider: Person) -> None:
    for number in range(21):
        make_organization(member, f"Garden {number}")
    make_organization(outsider)
    with CaptureQueriesContext(connection) as asked:
        answer = api.bearer(member.access).read(ROOT)
    assert (len(answer.data), len(asked)) == (20, 2)
    rest = api.bearer(member.access).read(ROOT, cursor=answer.meta["pagination"]["next_cursor"]).data
    assert len({row["id"] for row in answer.data + rest}) == 21


@pytest.mark.parametrize("tail", ["", "/settings"])
def test_an_edit_keeps_what_is_not_given_and_tells_what_changed(api: ApiClient, member: Person, tail: str) -> None:
    org_id = make_organization(member)
    path = f"{ROOT}/{org_id}{tail}"
    answer = api.bearer(member.access).send_json("PATCH", path, {"name": "Stoa", "email_domains": ["example.org"]})
    assert (answer.data["name"], answer.data["email_domains"]) == ("Stoa", ["example.org"])
    assert answer.data["base_currency"] == "USD"
    assert AuditRecord.objects.filter(action="organizations.changed", org_id=str(org_id)).count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", None),
        ("timezone", "/etc/localtime"),
        ("email_domains", ["no"]),
        ("email_domains", ["a@b.c"]),
        ("email_domains", None),
        ("status", "deleted"),
    ],
)
def test_an_edit_that_is_not_valid_changes_nothing(api: ApiClient, member: Person, field: str, value: object) -> None:
    org_id = make_organization(member)
    answer = api.bearer(member.access).send_json("PATCH", f"{ROOT}/{org_id}", {field: value})
    assert said(answer) == (422, "VALIDATION_ERROR")
    found = Organization.objects.get(pk=org_id)
    assert (found.name, found.status, found.version, found.email_domains) == ("Garden", "active", 1, [])


def test_of_two_editors_the_second_is_told(api: ApiClient, member: Person) -> None:
    path = f"{ROOT}/{make_organization(member)}"
    caller = api.bearer(member.access)
    tag = caller.get(path).headers["etag"]
    assert caller.send_json("PATCH", path, {"name": "First"}, If_Match=tag).status == 200
    assert said(caller.send_json("PATCH", path, {"name": "Second"}, If_Match=tag)) == (412, "PRECONDITION_FAILED")
    assert caller.read(path).data["name"] == "First"


def test_authorising_costs_one_query_whatever_is_named(api: ApiClient, member: Person) -> None:
    """Session, person, membership, role and organization; the second query is what the route reads."""
    org_id = make_organization(member)
    with CaptureQueriesContext(connection) as asked:
        assert api.bearer(member.access).read(f"{ROOT}/{org_id}").status == 200
    assert len(asked) == 2
    assert all(
        table in asked[0]["sql"]
        for table in (
            *("accounts_session", "accounts_user", "organizations_membership"),
            *("organizations_role", "organizations_organization"),
        )
    )


def test_effective_permissions_of_the_caller(api: ApiClient, member: Person) -> None:
    org_id = make_organization(member)
    person, _ = make_member(org_id, "VENDOR", allowed=["sales:read"], denied=["devices:read"])
    path = f"{ROOT}/{org_id}/permissions/effective"
    assert set(api.bearer(member.access).read(path).data["permissions"]) == PERMISSIONS
    answer = api.bearer(person.access).read(path)
    assert answer.data["role"] == "VENDOR"
    assert answer.data["permissions"] == ["orders:read", "organization:read", "sales:read"]


def test_suspended_it_is_read_and_not_changed_until_staff_end_it(api: ApiClient, member: Person, staff: Person) -> None:
    org_id = make_organization(member)
    path, caller, helper = f"{ROOT}/{org_id}", api.bearer(member.access), api.bearer(staff.access)
    assert said(caller.send_json("POST", f"{path}/suspend")) == (403, "FORBIDDEN")
    assert helper.send_json("POST", f"{path}/suspend").data["status"] == "suspended"
    assert said(helper.send_json("POST", f"{path}/suspend")) == (409, "WRONG_STATE")
    assert caller.read(path).status == 200
    assert said(caller.send_json("PATCH", path, {"name": "Stoa"})) == (403, "ORG_SUSPENDED")
    assert said(caller.send_json("DELETE", path)) == (403, "ORG_SUSPENDED")
    assert helper.send_json("POST", f"{path}/reactivate").data["status"] == "active"
    assert said(helper.send_json("POST", f"{path}/reactivate")) == (409, "WRONG_STATE")
    assert caller.send_json("PATCH", path, {"name": "Stoa"}).status == 200
    assert (events("organizations.suspended"), events("organizations.reactivated")) == (1, 1)


def test_staff_need_the_permission_to_suspend(api: ApiClient, member: Person) -> None:
    from stoa.apps.accounts.tests.factories import make_person

    org_id = make_organization(member)
    for permissions, status in (([], 403), (["organizations:suspend"], 200)):
        helper = make_person("Helper", is_staff=True, staff_permissions=permissions)
        assert api.bearer(helper.access).send_json("POST", f"{ROOT}/{org_id}/suspend").status == status


def test_deleted_it_is_nobodys_any_more(api: ApiClient, member: Person) -> None:
    org_id = make_organization(member)
    invite_id, _ = make_invite(org_id, member, "new@example.org")
    path, caller = f"{ROOT}/{org_id}", api.bearer(member.access)
    assert caller.send_json("DELETE", path).status == 200
    assert said(caller.read(path)) == (404, "NOT_FOUND")
    assert caller.read(ROOT).data == []
    assert invite_of(invite_id) == ("revoked", "")
    assert Organization.objects.get(pk=org_id).status == "deleted"


def invite_of(invite_id: UUID) -> tuple[str, str]:
    from stoa.apps.organizations.models import Invite

    with across_tenants("one invite in a test"):
        found = Invite.objects.get(pk=invite_id)
    return found.state, found.email
