"""Becoming and being a person here."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from stoa.apps.accounts.contracts import Profile, SignedIn
from stoa.apps.accounts.domain import candidate_handles, canonical_email
from stoa.apps.accounts.errors import EmailTaken, HandleTaken
from stoa.apps.accounts.models import User
from stoa.apps.accounts.queries import profile_of
from stoa.apps.accounts.services.sessions import Device, open_session
from stoa.kit.errors import Invalid
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.runtime.pause_points import pause_point

_TRIES = 5


def register(*, email: str, password: str, name: str, handle: str | None, device: Device) -> SignedIn:
    """Make an account and sign it in, in one transaction. The unique indexes decide a race, not a look before.

    Raises Invalid (password), EmailTaken, HandleTaken."""
    user = User(email=canonical_email(email), name=name, handle=handle or "")
    _check_password(password, user)
    user.set_password(password)  # some 50 ms of argon2: before the transaction, not inside it
    with transaction():
        _insert(user, chosen=handle is not None)
        opened = open_session(user=user, device=device)
        record(action="accounts.registered", object_type="user", object_id=user.pk, actor_id=user.pk)
    return SignedIn(user=profile_of(user), access=opened.access, refresh=opened.refresh)


@dataclass(frozen=True, slots=True)
class Edited:
    profile: Profile
    version: int


def edit_profile(
    *, user_id: UUID, name: str | None, handle: str | None, require_version: Callable[[int], None]
) -> Edited:
    """Change what is given. Locks the row, so that two edits cannot both pass the version check.

    Raises HandleTaken, and whatever `require_version` raises for another version than the caller read."""
    with transaction():
        users = User.objects.all() if pause_point("accounts.lock_user") else User.objects.select_for_update()
        user = users.get(pk=user_id)
        pause_point("accounts.version_read")
        require_version(user.version)
        user.name = name if name is not None else user.name
        user.handle = handle if handle is not None else user.handle
        user.version += 1
        try:
            user.save(update_fields=["name", "handle", "version"])
        except IntegrityError as error:
            raise _taken(error) from None
    return Edited(profile_of(user), user.version)


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid({"password": list(error.messages)}) from None


def _insert(user: User, *, chosen: bool) -> None:
    """Insert, or say which unique index refused. Without a chosen handle try a few."""
    candidates = iter([user.handle]) if chosen else candidate_handles(user.email, _suffixes())
    for candidate in candidates:
        user.handle = candidate
        if User.objects.filter(handle=candidate).exists() and not chosen:
            continue
        try:
            user.save(force_insert=True)
        except IntegrityError as error:
            raise _taken(error) from None
        return
    raise HandleTaken


def _taken(error: IntegrityError) -> EmailTaken | HandleTaken:
    """Which unique index refused: by its name, never by the message's text, in which the refused value stands too.

    Raises the error itself if it was another constraint."""
    diagnosis = getattr(error.__cause__, "diag", None)
    named = diagnosis.constraint_name if diagnosis is not None else str(error)
    if named in {"accounts_user_email_key", "UNIQUE constraint failed: accounts_user.email"}:
        return EmailTaken()
    if named in {"accounts_user_handle_key", "UNIQUE constraint failed: accounts_user.handle"}:
        return HandleTaken()
    raise error


def _suffixes() -> Iterator[str]:
    for _ in range(_TRIES):
        yield f"{secrets.randbelow(10**6):06d}"
