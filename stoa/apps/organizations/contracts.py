"""What organizations shows of itself."""

from datetime import datetime
from uuid import UUID

from stoa.kit.contract import Contract


class OrganizationView(Contract):
    """`seats` null: no limit; `email_domains` empty: any."""

    id: UUID
    name: str
    country: str
    base_currency: str
    timezone: str
    status: str
    seats: int | None
    email_domains: tuple[str, ...]
    created_at: datetime


class OwnOrganization(Contract):
    """One of the caller's, with what they are there."""

    id: UUID
    name: str
    status: str
    role: str
    member_id: UUID
    joined_at: datetime


class MemberView(Contract):
    id: UUID
    user_id: UUID
    handle: str
    name: str
    role: str
    state: str
    allow: tuple[str, ...]
    deny: tuple[str, ...]
    joined_at: datetime


class RoleView(Contract):
    """`system`: ships with Stoa and cannot be changed."""

    id: UUID
    name: str
    permissions: tuple[str, ...]
    system: bool


class EffectivePermissions(Contract):
    member_id: UUID
    role: str
    permissions: tuple[str, ...]


class InviteView(Contract):
    """As members see it who may."""

    id: UUID
    email: str
    role: str
    state: str
    invited_by: UUID
    created_at: datetime
    expires_at: datetime


class OwnInvite(Contract):
    """As the invited person sees it; the token is in the mail alone."""

    id: UUID
    organization_id: UUID
    organization: str
    role: str
    expires_at: datetime


class Joined(Contract):
    organization_id: UUID
    member_id: UUID
    role: str


class Done(Contract):
    done: bool = True


class FactWords(Contract):
    """Names and ids of an organization's facts, for those who tell people: never an e-mail."""

    organization: str
    role: str
    user_id: UUID | None
