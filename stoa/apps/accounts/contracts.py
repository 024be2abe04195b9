"""What accounts tells others about people."""

from datetime import datetime
from uuid import UUID

from stoa.kit.contract import Contract


class Profile(Contract):
    """A person as they see themselves."""

    id: UUID
    email: str
    handle: str
    name: str
    is_staff: bool
    created_at: datetime


class SignedIn(Contract):
    """`access` is short-lived; `refresh` works once and gives the next pair."""

    user: Profile
    access: str
    refresh: str


class TokenPair(Contract):
    access: str
    refresh: str


class SessionView(Contract):
    """One device or browser that is signed in."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    agent: str
    address: str
    current: bool


class SignedOut(Contract):
    signed_out: bool = True
