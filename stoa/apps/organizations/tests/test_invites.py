"""Inviting, the mail that leaves by the outbox, and answering: by the token, to one's own e-mail, once."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from stoa.apps.accounts.tests.factories import PASSWORD, Person
from stoa.apps.organizations.models import Invite, Membership, Organization
from stoa.apps.organizations.services.invites import expire_invites
from stoa.apps.organizations.services.organizations import suspend_organization
from stoa.apps.organizations.tests.factories import (
    join,
    make_invite,
    make_member,
    make_organization,
    role_id_of,
)
from stoa.kit.clock import utc_now
from stoa.platform.audit.models import AuditDetail
from stoa.platform.db.tenant import across_tenants
from stoa.platform.mail.client import mail_in_use
from stoa.platform.mail.ways import MemoryMail
from stoa.platform.outbox.draining import drain
from stoa.platform.outbox.models import OutboxDelivery, OutboxEvent
from stoa.platform.testing.client import ApiClient, Envelope
from tests.platform.outbox.notes import in_s

ROOT, ACCEPT, DECLINE = (f"/api/v1/organizations{tail}" for tail in ("", "/invites/accept", "/invites/decline"))
REFUSED = (404, "INVITE_NOT_FOUND")


def said(answer: Envelope) -> tuple[int, str]:
    return answer.status, answer.code


@pytest.fixture
def org_id(owner: Person) -> UUID:
    return make_organization(owner)


@pytest.fixture
def mailbox() -> Iterator[MemoryMail]:
    box = MemoryMail()
    with mail_in_use(box):
        yield box


def ask(api: ApiClient, by: Person, org_id: UUID, email: str, role: str = "VIEWER") -> Envelope:
    body = {"email": email, "role_id": str(role_id_of(role))}
    return api.bearer(by.access).send_json("POST", f"{ROOT}/{org_id}/invites", body)


def answer(api: ApiClient, by: Person, token: str, path: str = ACCEPT) -> Envelope:
    return api.bearer(by.access).send_json("POST", path, {"token": token})


def row(invite_id: object) -> Invite:
    with across_tenants("one invite in a test"):
        return Invite.objects.get(pk=str(invite_id))


def invites() -> int:
    with across_tenants("counting in a test"):
        return Invite.objects.count()


def members(org_id: UUID) -> int:
    with across_tenants("counting in a test"):
        return Membership.objects.filter(organization_id=org_id, state="active").count()


def test_by_the_link_in_the_mail_a_newcomer_registers_and_joins(
    api: ApiClient, owner: Person, org_id: UUID, mailbox: MemoryMail
) -> None:
    made = ask(api, owner, org_id, " New@Example.org ", "CASHIER")
    assert (made.status, made.data["email"], made.data["state"]) == (201, "new@example.org", "open")
    assert mailbox.sent == []  # never in the request
    drain()
    (mail,) = mailbox.sent
    assert mail.to == ["new@example.org"]
    assert "Garden" in mail.subject
    (link,) = [line for line in str(mail.body).splitlines() if "token=" in line]
    token = parse_qs(urlsplit(link).query)["token"][0]
    body = {"email": "new@example.org", "password": PASSWORD, "name": "New"}
    access = api.send_json("POST", "/api/v1/auth/register", body).data["access"]
    caller = api.bearer(access)
    assert [found["organization"] for found in caller.read("/api/v1/users/me/invites").data] == ["Garden"]
    joined = caller.send_json("POST", ACCEPT, {"token": token})
    assert (joined.status, joined.data["role"], joined.data["organization_id"]) == (200, "CASHIER", str(org_id))
    assert caller.read(f"{ROOT}/{org_id}").status == 200
    assert said(caller.send_json("POST", ACCEPT, {"token": token})) == REFUSED
    assert caller.read("/api/v1/users/me/invites").data == []
    assert (row(made.data["id"]).state, row(made.data["id"]).email) == ("accepted", "")
    assert members(org_id) == 2


def test_accepting_never_touches_a_password(api: ApiClient, owner: Person, org_id: UUID, outsider: Person) -> None:
    _, token = make_invite(org_id, owner, outsider.user.email)
    with_password = api.bearer(outsider.access).send_json("POST", ACCEPT, {"token": token, "password": "another-one"})
    assert said(with_password) == (422, "VALIDATION_ERROR")
    assert answer(api, outsider, token).status == 200
    outsider.user.refresh_from_db()
    assert outsider.user.check_password(PASSWORD)


def test_nobody_joins_without_signing_in_or_by_knowing_the_organization(
    api: ApiClient, owner: Person, org_id: UUID, outsider: Person
) -> None:
    _, token = make_invite(org_id, owner, "new@example.org")
    assert said(api.send_json("POST", ACCEPT, {"token": token})) == (401, "UNAUTHORIZED")
    body = {"email": "x@example.org", "password": PASSWORD, "name": "X", "organization_id": str(org_id)}
    assert said(api.send_json("POST", "/api/v1/auth/register", body)) == (422, "VALIDATION_ERROR")
    for guess in (str(org_id), token[:-1] + ("A" if token[-1] != "A" else "B"), "x", f"{org_id.hex}.x", "\u0661.x"):
        assert said(answer(api, outsider, guess)) == REFUSED
    assert members(org_id) == 1


def test_anothers_invite_is_not_there(api: ApiClient, owner: Person, org_id: UUID, outsider: Person) -> None:
    invite_id, token = make_invite(org_id, owner, "somebody.else@example.org")
    for path in (ACCEPT, DECLINE):
        assert said(answer(api, outsider, token, path)) == REFUSED
    assert row(invite_id).state == "open"
    assert members(org_id) == 1


def test_declined_it_is_over_and_may_be_made_again(
    api: ApiClient, owner: Person, org_id: UUID, outsider: Person
) -> None:
    invite_id, token = make_invite(org_id, owner, outsider.user.email)
    assert answer(api, outsider, token, DECLINE).status == 200
    assert (row(invite_id).state, row(invite_id).email) == ("declined", "")
    assert said(answer(api, outsider, token)) == REFUSED
    _, again = make_invite(org_id, owner, outsider.user.email)
    assert answer(api, outsider, again).status == 200


def test_one_open_invite_an_address(api: ApiClient, owner: Person, org_id: UUID, outsider: Person) -> None:
    assert ask(api, owner, org_id, "New@example.org").status == 201
    assert said(ask(api, owner, org_id, "new@EXAMPLE.org")) == (409, "ALREADY_INVITED")
    assert said(ask(api, owner, org_id, owner.user.email)) == (409, "ALREADY_MEMBER")
    assert invites() == 1
    other = make_organization(outsider)
    assert ask(api, outsider, other, "new@example.org").status == 201


def test_whoever_left_may_be_invited_again(api: ApiClient, owner: Person, org_id: UUID) -> None:
    person, member_id = make_member(org_id, "MANAGER", allowed=["journal:approve"])
    assert api.bearer(person.access).send_json("POST", f"{ROOT}/{org_id}/leave").status == 200
    _, token = make_invite(org_id, owner, person.user.email, "VIEWER")
    assert answer(api, person, token).data["member_id"] == str(member_id)
    effective = api.bearer(person.access).read(f"{ROOT}/{org_id}/permissions/effective").data
    assert effective["role"] == "VIEWER"
    assert "journal:approve" not in effective["permissions"]


def test_a_mail_server_that_is_down_delays_the_mail_alone(
    api: ApiClient, owner: Person, org_id: UUID, mailbox: MemoryMail
) -> None:
    mailbox.broken = True
    made = ask(api, owner, org_id, "new@example.org")
    drain(expect_failures=True)
    assert (made.status, row(made.data["id"]).state, mailbox.sent) == (201, "open", [])
    assert OutboxDelivery.objects.filter(subscriber="organizations.mail_the_invite", state="pending").count() == 1
    # Withdrawn and asked for again, as somebody does whose mail did not come.
    path = f"{ROOT}/{org_id}/invites/{made.data['id']}"
    assert api.bearer(owner.access).send_json("POST", f"{path}/revoke").status == 200
    assert ask(api, owner, org_id, "new@example.org").status == 201
    mailbox.broken = False
    from stoa.platform.outbox.worker import run_once

    for _ in range(3):
        run_once(now=in_s(60))
        drain()
    assert len(mailbox.sent) == 1  # the withdrawn one has nothing to say any more


def test_sent_again_it_is_the_same_link_for_longer(
    api: ApiClient, owner: Person, org_id: UUID, mailbox: MemoryMail
) -> None:
    invite_id, _ = make_invite(org_id, owner, "new@example.org")
    with across_tenants("ageing an invite in a test"):
        Invite.objects.update(expires_at=utc_now() + timedelta(hours=1))
    sent = api.bearer(owner.access).send_json("POST", f"{ROOT}/{org_id}/invites/{invite_id}/resend")
    assert sent.status == 200
    assert row(invite_id).expires_at > utc_now() + timedelta(days=6)
    drain()
    links = {line for mail in mailbox.sent for line in str(mail.body).splitlines() if "token=" in line}
    keys = {mail.extra_headers["Message-ID"] for mail in mailbox.sent}
    assert (len(mailbox.sent), len(links), len(keys)) == (2, 1, 2)


@pytest.mark.parametrize("how", ["revoke", "resend"])
def test_what_is_not_open_is_neither_sent_nor_withdrawn(api: ApiClient, owner: Person, org_id: UUID, how: str) -> None:
    invite_id, _ = make_invite(org_id, owner, "new@example.org")
    path = f"{ROOT}/{org_id}/invites/{invite_id}"
    assert api.bearer(owner.access).send_json("POST", f"{path}/revoke").status == 200
    assert said(api.bearer(owner.access).send_json("POST", f"{path}/{how}")) == (409, "INVITE_NOT_OPEN")
    assert OutboxEvent.objects.filter(name="organizations.invite_sent").count() == 1


def test_after_its_time_it_opens_nothing_and_forgets_the_address(
    api: ApiClient, owner: Person, org_id: UUID, outsider: Person
) -> None:
    invite_id, token = make_invite(org_id, owner, outsider.user.email)
    with across_tenants("ageing an invite in a test"):
        Invite.objects.update(expires_at=utc_now())
    assert said(answer(api, outsider, token)) == REFUSED
    assert api.bearer(outsider.access).read("/api/v1/users/me/invites").data == []
    assert ask(api, owner, org_id, outsider.user.email).status == 201  # the late one is not in the way
    assert (row(invite_id).state, row(invite_id).email, row(invite_id).user_id) == ("expired", "", None)
    with across_tenants("ageing an invite in a test"):
        Invite.objects.filter(state="open").update(expires_at=utc_now())
    assert [expire_invites(limit=10) for _ in range(2)] == [1, 0]
    with across_tenants("counting in a test"):
        assert Invite.objects.exclude(email="").count() == 0


def test_nobody_invites_above_themselves(api: ApiClient, org_id: UUID) -> None:
    manager, _ = make_member(org_id, "MANAGER")
    assert said(ask(api, manager, org_id, "new@example.org", "ORG_ADMIN")) == (403, "BEYOND_OWN_RIGHTS")
    assert invites() == 0
    assert ask(api, manager, org_id, "new@example.org", "CASHIER").status == 201


def test_sending_again_asks_for_the_rights_too(api: ApiClient, owner: Person, org_id: UUID) -> None:
    manager, _ = make_member(org_id, "MANAGER")
    invite_id, _ = make_invite(org_id, owner, "new@example.org", "ORG_ADMIN")
    sent = api.bearer(manager.access).send_json("POST", f"{ROOT}/{org_id}/invites/{invite_id}/resend")
    assert said(sent) == (403, "BEYOND_OWN_RIGHTS")
    assert row(invite_id).sendings == 1


def test_domains_and_seats_are_asked_when_it_is_made_and_when_it_is_accepted(
    api: ApiClient, owner: Person, org_id: UUID, outsider: Person
) -> None:
    invite_id, token = make_invite(org_id, owner, outsider.user.email)
    Organization.objects.filter(pk=org_id).update(email_domains=["stoa.test"], seats=1)
    assert said(ask(api, owner, org_id, "new@example.org")) == (409, "EMAIL_DOMAIN_REFUSED")
    assert said(answer(api, outsider, token)) == (409, "EMAIL_DOMAIN_REFUSED")
    Organization.objects.filter(pk=org_id).update(email_domains=["example.org"])
    assert said(answer(api, outsider, token)) == (409, "SEATS_TAKEN")
    assert (row(invite_id).state, members(org_id)) == ("open", 1)
    Organization.objects.filter(pk=org_id).update(seats=2)
    assert answer(api, outsider, token).status == 200


def test_whoever_is_in_by_another_way_keeps_what_they_are(
    api: ApiClient, owner: Person, org_id: UUID, outsider: Person
) -> None:
    invite_id, token = make_invite(org_id, owner, outsider.user.email, "VIEWER")
    join(org_id, outsider, "CASHIER")
    assert said(answer(api, outsider, token)) == (409, "ALREADY_MEMBER")
    assert row(invite_id).state == "open"
    effective = api.bearer(outsider.access).read(f"{ROOT}/{org_id}/permissions/effective").data
    assert effective["role"] == "CASHIER"


def test_a_suspended_organization_takes_nobody_in(
    api: ApiClient, owner: Person, org_id: UUID, outsider: Person, staff: Person
) -> None:
    _, token = make_invite(org_id, owner, outsider.user.email)
    suspend_organization(org_id=org_id, actor_id=staff.user.pk)
    assert said(answer(api, outsider, token)) == (403, "ORG_SUSPENDED")
    assert members(org_id) == 1


def test_no_address_and_no_token_in_events_and_on_the_trail(
    api: ApiClient, owner: Person, org_id: UUID, outsider: Person, mailbox: MemoryMail
) -> None:
    _, token = make_invite(org_id, owner, outsider.user.email)
    drain()
    assert answer(api, outsider, token).status == 200
    told = " ".join(OutboxEvent.objects.values_list("payload", flat=True))
    told += " ".join(AuditDetail.objects.values_list("payload", flat=True))
    assert str(org_id) in told
    assert outsider.user.email not in told
    assert token not in told
    assert token.partition(".")[2] not in told


def test_invites_are_for_those_who_may_see_them(api: ApiClient, owner: Person, org_id: UUID) -> None:
    viewer, _ = make_member(org_id)
    make_invite(org_id, owner, "new@example.org")
    path = f"{ROOT}/{org_id}/invites"
    assert said(api.bearer(viewer.access).read(path)) == (403, "FORBIDDEN")
    (listed,) = api.bearer(owner.access).read(path).data
    assert (listed["email"], listed["role"], listed["invited_by"]) == (
        "new@example.org",
        "VIEWER",
        str(owner.user.pk),
    )
    assert not {"token_hash", "nonce"} & set(listed)
