"""What platform/http needs from above, and the little it knows of a caller."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from stoa.kit.contract import Contract


class OrgAsked(Contract):
    """What an org route asks for: the organization that the path or X-Org-Id names ("" where neither does), and the
    permission."""

    named: str
    permission: str
    writes: bool


class Standing(Contract):
    """One active membership of the caller, as it stands now."""

    org_id: UUID
    org_name: str
    suspended: bool
    role: str
    permissions: frozenset[str]
    """`resource:action`, effective: overrides are in."""


class Caller(Contract):
    """Who is behind a valid access token, read from the database for this request."""

    user_id: UUID
    session_id: UUID
    access_ends_at: datetime
    """When the access token does."""
    is_staff: bool = False
    is_superuser: bool = False
    staff_permissions: frozenset[str] = frozenset()
    """`resource:action`, for staff routes."""
    standings: tuple[Standing, ...] = ()
    """On org routes only: of the organization named, or of all where none is."""


class Authenticator(Protocol):
    """Resolve an access token, and on an org route the caller's standings, in one query. Raises Unauthenticated."""

    def __call__(self, access_token: str, asked: OrgAsked | None) -> Caller: ...


class Features(Protocol):
    """Is the feature on for the caller of the request in force, or with `anybody`, for anyone at all?"""

    def __call__(self, flag: str, *, anybody: bool) -> bool: ...
