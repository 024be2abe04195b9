"""What follows an invite, a registration and an erasure; what members who are connected hear of it."""

from stoa.apps.accounts.events import AccountErased, AccountRegistered, EmailChanged
from stoa.apps.organizations.events import (
    InviteClosed,
    InviteSent,
    MemberJoined,
    MembershipEnded,
    MembershipPaused,
    OrganizationDeleted,
)
from stoa.apps.organizations.queries import everybody_of, words_of_invite
from stoa.apps.organizations.services.invite_mail import mail_invite
from stoa.apps.organizations.services.invites import forget_invitee, know_invitee
from stoa.apps.organizations.services.members import forget_member
from stoa.platform.outbox.delivering import delivery_key
from stoa.platform.outbox.subscriptions import reacts, sends
from stoa.platform.realtime.telling import end_subscription, tell
from stoa.wire.channels import org_channel, user_channel


@sends(InviteSent)
def mail_the_invite(event: InviteSent) -> None:
    """Under one Message-ID a sending, however often it is tried."""
    mail_invite(invite_id=event.invite_id, key=delivery_key())


@reacts(AccountRegistered)
def know_registered(event: AccountRegistered) -> None:
    know_invitee(user_id=event.user_id)


@reacts(EmailChanged)
def know_by_new_address(event: EmailChanged) -> None:
    know_invitee(user_id=event.user_id)


@reacts(AccountErased)
def forget_erased(event: AccountErased) -> None:
    forget_member(user_id=event.user_id)
    forget_invitee(user_id=event.user_id)


@sends(InviteSent, ordered=True)
def show_invite(event: InviteSent) -> None:
    """To the organization by its ids alone: not every member may read whom it is for."""
    ids = {"invite_id": str(event.invite_id), "organization_id": str(event.org_id), "state": "open"}
    tell(channel=org_channel(event.org_id), kind="org.invite", data=ids)
    words = words_of_invite(event.invite_id)
    if words is not None and words.user_id is not None:
        data = ids | {"organization": words.organization, "role": words.role}
        tell(channel=user_channel(words.user_id), kind="org.invite", data=data)


@sends(MemberJoined, ordered=True)
def show_accepted(event: MemberJoined) -> None:
    data = {"invite_id": str(event.invite_id), "organization_id": str(event.org_id), "state": "accepted"}
    tell(channel=org_channel(event.org_id), kind="org.invite", data=data | {"member_id": str(event.member_id)})


@sends(InviteClosed, ordered=True)
def show_closed(event: InviteClosed) -> None:
    data = {"invite_id": str(event.invite_id), "organization_id": str(event.org_id), "state": event.state}
    tell(channel=org_channel(event.org_id), kind="org.invite", data=data)


@sends(MembershipEnded)
def silence_former_member(event: MembershipEnded) -> None:
    end_subscription(user_id=event.user_id, channel=org_channel(event.org_id))


@sends(MembershipPaused)
def silence_paused_member(event: MembershipPaused) -> None:
    end_subscription(user_id=event.user_id, channel=org_channel(event.org_id))


@sends(OrganizationDeleted)
def silence_everybody(event: OrganizationDeleted) -> None:
    for user_id in everybody_of(event.org_id):
        end_subscription(user_id=user_id, channel=org_channel(event.org_id))
