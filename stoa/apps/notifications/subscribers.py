"""What notifications does when something happened below."""

from dataclasses import asdict
from uuid import UUID

from stoa.apps.accounts.events import AccountErased
from stoa.apps.accounts.public import people_named
from stoa.apps.notifications.domain import Kind
from stoa.apps.notifications.events import NotificationCreated
from stoa.apps.notifications.queries import notification_told
from stoa.apps.notifications.services import forget_person, notify
from stoa.apps.organizations.events import (
    InviteSent,
    MemberJoined,
    MemberRoleChanged,
    MembershipEnded,
    MembershipPaused,
    MembershipResumed,
)
from stoa.apps.organizations.public import words_of_invite, words_of_member
from stoa.kit.clock import isoformat
from stoa.platform.outbox.subscriptions import reacts, sends
from stoa.platform.realtime.telling import tell
from stoa.wire.channels import user_channel


@reacts(AccountErased)
def forget_erased(event: AccountErased) -> None:
    forget_person(user_id=event.user_id)


@sends(NotificationCreated)
def show_notification(event: NotificationCreated) -> None:
    """The row as `GET /notifications` gives it, in English: a client in another language asks again."""
    told = notification_told(event.notification_id)
    if told is not None:
        row = asdict(told) | {"id": str(told.id), "created_at": isoformat(told.created_at), "read_at": None}
        tell(channel=user_channel(event.user_id), kind="notification", data=row)


@reacts(InviteSent)
def tell_invitee(event: InviteSent) -> None:
    """Only if they have an account; sent again, the invite is the same fact."""
    words = words_of_invite(event.invite_id)
    if words is None or words.user_id is None:
        return
    data = {"organization": words.organization, "role": words.role}
    ids = {"organization_id": str(event.org_id), "invite_id": str(event.invite_id)}
    notify(user_id=words.user_id, kind=Kind.INVITE, data=data | ids, dedupe_key=f"invite:{event.invite_id}")


@reacts(MemberJoined)
def tell_inviter(event: MemberJoined) -> None:
    words = words_of_member(event.member_id)
    joined = people_named([event.user_id]).get(event.user_id)
    if words is None or joined is None:
        return
    data = {"organization": words.organization, "role": words.role, "name": joined.name}
    ids = {"organization_id": str(event.org_id), "member_id": str(event.member_id)}
    key = f"joined:{event.invite_id}"
    notify(
        user_id=event.invited_by,
        kind=Kind.INVITE_ACCEPTED,
        data=data | ids,
        dedupe_key=key,
        about_user_id=event.user_id,
    )


@reacts(MemberRoleChanged)
def tell_new_role(event: MemberRoleChanged) -> None:
    _tell_member(Kind.ROLE_CHANGED, event.org_id, event.member_id, event.user_id, event.change)


@reacts(MembershipEnded)
def tell_end(event: MembershipEnded) -> None:
    """Whoever left knows."""
    if not event.left:
        _tell_member(Kind.MEMBERSHIP_ENDED, event.org_id, event.member_id, event.user_id, event.change)


@reacts(MembershipPaused)
def tell_pause(event: MembershipPaused) -> None:
    _tell_member(Kind.MEMBERSHIP_PAUSED, event.org_id, event.member_id, event.user_id, event.change)


@reacts(MembershipResumed)
def tell_resumption(event: MembershipResumed) -> None:
    _tell_member(Kind.MEMBERSHIP_RESUMED, event.org_id, event.member_id, event.user_id, event.change)


def _tell_member(kind: Kind, org_id: UUID, member_id: UUID, user_id: UUID, change: int) -> None:
    words = words_of_member(member_id)
    if words is None:
        return
    data = {"organization": words.organization, "role": words.role, "organization_id": str(org_id)}
    notify(user_id=user_id, kind=kind, data=data, dedupe_key=f"membership:{member_id}:{change}")
