"""Whose e-mail an invite keeps, and until when: with their account it is forgotten too."""

from uuid import UUID

import pytest

from stoa.apps.accounts.events import AccountErased
from stoa.apps.accounts.tests.factories import PASSWORD, Person, make_person
from stoa.apps.organizations.models import Invite
from stoa.apps.organizations.services.invites import know_invitee, resend_invite
from stoa.apps.organizations.tests.factories import make_invite
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid
from stoa.platform.db.tenant import across_tenants
from stoa.platform.db.transactions import transaction
from stoa.platform.mail.client import mail_in_use
from stoa.platform.mail.ways import MemoryMail
from stoa.platform.outbox.draining import drain
from stoa.platform.outbox.publishing import publish
from stoa.platform.testing.client import ApiClient

EMAIL = "new@example.org"


def rows() -> list[tuple[str, str, UUID | None]]:
    with across_tenants("invites in a test"):
        return list(Invite.objects.order_by("created_at").values_list("state", "email", "user_id"))


def erase(user_id: UUID) -> None:
    with transaction():
        publish(AccountErased(user_id=user_id))
    drain()


def test_invited_first_and_registered_later_their_erasure_takes_the_address(
    api: ApiClient, owner: Person, outsider: Person, org_id: UUID
) -> None:
    make_invite(org_id, owner, EMAIL)
    make_invite(org_id, owner, outsider.user.email)
    assert [user_id for _, _, user_id in rows()] == [None, outsider.user.pk]
    body = {"email": EMAIL, "password": PASSWORD, "name": "New"}
    registered = UUID(api.send_json("POST", "/api/v1/auth/register", body).data["user"]["id"])
    drain()
    assert [user_id for _, _, user_id in rows()] == [registered, outsider.user.pk]
    erase(registered)
    assert rows() == [("revoked", "", None), ("open", outsider.user.email, outsider.user.pk)]


def test_sent_again_it_knows_who_has_come_by_then(owner: Person, org_id: UUID) -> None:
    invite_id, _ = make_invite(org_id, owner, EMAIL)
    person = make_person("New", email=EMAIL)
    resend_invite(org_id=org_id, actor_id=owner.user.pk, invite_id=invite_id)
    assert rows() == [("open", EMAIL, person.user.pk)]


def test_of_somebody_who_is_not_there_any_more_nothing_is_known(owner: Person, org_id: UUID) -> None:
    make_invite(org_id, owner, EMAIL)
    gone = make_person("New", email=EMAIL, is_active=False)
    assert (know_invitee(user_id=gone.user.pk), know_invitee(user_id=new_uuid())) == (0, 0)
    assert rows() == [("open", EMAIL, None)]


@pytest.mark.parametrize(("late", "mails"), [(False, 1), (True, 0)])
def test_a_mail_that_comes_to_its_turn_too_late_is_not_sent(
    owner: Person, org_id: UUID, late: bool, mails: int
) -> None:
    """The mail server was down for as long as the invite was good."""
    make_invite(org_id, owner, EMAIL)
    if late:
        with across_tenants("ageing an invite in a test"):
            Invite.objects.update(expires_at=utc_now())
    box = MemoryMail()
    with mail_in_use(box):
        drain()
    assert len(box.to(EMAIL)) == mails
