"""What platform/http needs from above, and the little it knows of a caller."""

from typing import Protocol
from uuid import UUID

from stoa.kit.contract import Contract


class Caller(Contract):
    """Who is behind a valid access token, read from the database for this request."""

    user_id: UUID
    session_id: UUID
    is_staff: bool = False
    is_superuser: bool = False
    staff_permissions: frozenset[str] = frozenset()
    """`resource:action`, for staff routes."""


class Authenticator(Protocol):
    """Resolve an access token in one query. Raises Unauthenticated."""

    def __call__(self, access_token: str) -> Caller: ...


class Features(Protocol):
    """Is the feature on for the caller of the request in force, or with `anybody`, for anyone at all?"""

    def __call__(self, flag: str, *, anybody: bool) -> bool: ...


class OrgPermissions(Protocol):
    """May this caller do `resource:action` in the organization the request names? Raises DomainError if not.

    Returns the organization's id. `named` is X-Org-Id, "" when absent."""

    def __call__(self, caller: Caller, *, named: str, resource: str, action: str) -> UUID: ...
