"""What others may call."""

from uuid import UUID

from stoa.apps.organizations.queries import (
    base_currency_of,
    caller_of_request,
    members_among,
    memberships_of,
    words_of_invite,
    words_of_member,
)
from stoa.apps.organizations.services.demo import remove_demo_organizations, seed_organization
from stoa.apps.organizations.services.members import refuse_to_lose_admin

__all__ = [
    "base_currency_of",
    "caller_of_request",
    "members_among",
    "memberships_of",
    "remove_demo_organizations",
    "seed_organization",
    "veto_of_last_admin",
    "words_of_invite",
    "words_of_member",
]


def veto_of_last_admin(user_id: UUID) -> None:
    """accounts' AccountClosingVeto. Raises AccountCannotClose."""
    refuse_to_lose_admin(user_id=user_id)
