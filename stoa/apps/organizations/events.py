"""What happens to organizations and their members. Ids only; the organization is the key."""

from typing import ClassVar
from uuid import UUID

from stoa.kit.event import Event


class OrganizationEvent(Event):
    """Published under the organization row's lock, so that one organization's events have an order."""

    org_id: UUID

    @property
    def key(self) -> str:
        return str(self.org_id)


class OrganizationCreated(OrganizationEvent):
    name: ClassVar[str] = "organizations.created"
    owner_id: UUID


class OrganizationSuspended(OrganizationEvent):
    name: ClassVar[str] = "organizations.suspended"


class OrganizationReactivated(OrganizationEvent):
    name: ClassVar[str] = "organizations.reactivated"


class OrganizationDeleted(OrganizationEvent):
    name: ClassVar[str] = "organizations.deleted"


class MemberJoined(OrganizationEvent):
    """By an invite; whoever creates an organization is told by OrganizationCreated."""

    name: ClassVar[str] = "organizations.member_joined"
    member_id: UUID
    user_id: UUID
    invite_id: UUID
    invited_by: UUID


class MemberRoleChanged(OrganizationEvent):
    """`change` counts the membership's changes: the same role given twice is two facts."""

    name: ClassVar[str] = "organizations.member_role_changed"
    member_id: UUID
    user_id: UUID
    change: int


class MembershipEnded(OrganizationEvent):
    name: ClassVar[str] = "organizations.membership_ended"
    member_id: UUID
    user_id: UUID
    change: int
    left: bool
    """By their own wish."""


class MembershipPaused(OrganizationEvent):
    name: ClassVar[str] = "organizations.membership_paused"
    member_id: UUID
    user_id: UUID
    change: int


class MembershipResumed(OrganizationEvent):
    name: ClassVar[str] = "organizations.membership_resumed"
    member_id: UUID
    user_id: UUID
    change: int


class InviteSent(OrganizationEvent):
    """Asked for; the mail leaves by its subscriber. `sending` counts from 1."""

    name: ClassVar[str] = "organizations.invite_sent"
    invite_id: UUID
    sending: int


class InviteClosed(OrganizationEvent):
    """Declined by whom it was for, or revoked; an accepted one is told by MemberJoined."""

    name: ClassVar[str] = "organizations.invite_closed"
    invite_id: UUID
    state: str
