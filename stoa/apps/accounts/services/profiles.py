"""Editing one's profile and settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError

from stoa.apps.accounts.contracts import OwnProfile
from stoa.apps.accounts.events import ProfileChanged
from stoa.apps.accounts.models import User
from stoa.apps.accounts.queries import own_profile_of
from stoa.apps.accounts.services.people import taken
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.publishing import publish
from stoa.runtime.pause_points import pause_point

EDITABLE = frozenset(
    [
        "name",
        "handle",
        "bio",
        "locale",
        "timezone",
        "phone",
        "birth",
        "privacy",
        "dm_policy",
        "language",
        "push_enabled",
        "email_enabled",
        "digest_enabled",
        "quiet_from",
        "quiet_until",
    ]
)
"""Columns that a person may write of their own row. Never a role, staff or the e-mail."""


@dataclass(frozen=True, slots=True)
class Edited:
    profile: OwnProfile
    version: int


def edit_profile(*, user_id: UUID, changes: Mapping[str, object], require_version: Callable[[int], None]) -> Edited:
    """Change the columns named in `changes`, a subset of EDITABLE. Locks the row, so that two edits cannot both pass
    the version check, and edits of different columns keep each other. Publishes ProfileChanged.

    Raises HandleTaken, and whatever `require_version` raises for another version than the caller read."""
    if not EDITABLE.issuperset(changes):
        raise ValueError("a column that nobody edits by oneself")
    with transaction():
        users = User.objects.all() if pause_point("accounts.lock_user") else User.objects.select_for_update()
        user = users.get(pk=user_id)
        pause_point("accounts.version_read")
        require_version(user.version)
        if changes.get("phone", user.phone) != user.phone:
            user.phone_verified_at = None
        for column, value in changes.items():
            setattr(user, column, value)
        user.version += 1
        try:
            user.save(update_fields=[*changes, "handle_key", "name_key", "phone_verified_at", "version"])
        except IntegrityError as error:
            raise taken(error=error) from None
        publish(ProfileChanged(user_id=user.pk, row_version=user.version))
    return Edited(own_profile_of(user), user.version)
