"""Becoming and being a person here."""

import secrets
from collections.abc import Iterator

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from stoa.apps.accounts.contracts import SignedIn
from stoa.apps.accounts.domain import candidate_handles
from stoa.apps.accounts.errors import EmailTaken, HandleTaken
from stoa.apps.accounts.events import AccountRegistered
from stoa.apps.accounts.models import User
from stoa.apps.accounts.queries import profile_of
from stoa.apps.accounts.services.sessions import Device, open_session
from stoa.kit.email import canonical_email
from stoa.kit.errors import Invalid
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.publishing import publish

_TRIES = 5


def register(*, email: str, password: str, name: str, handle: str | None, device: Device) -> SignedIn:
    """Make an account and sign it in, in one transaction. The unique indexes decide a race, not a look before.

    Publishes AccountRegistered. Raises Invalid (password), EmailTaken, HandleTaken."""
    user = User(email=canonical_email(email), name=name, handle=handle or "")
    check_new_password(password=password, user=user)
    user.set_password(password)  # some 50 ms of argon2: before the transaction, not inside it
    with transaction():
        insert_person(user=user, chosen=handle is not None)
        opened = open_session(user=user, device=device)
        record(action="accounts.registered", object_type="user", object_id=user.pk, actor_id=user.pk)
        publish(AccountRegistered(user_id=user.pk))
    return SignedIn(user=profile_of(user), access=opened.access, refresh=opened.refresh)


def check_new_password(*, password: str, user: User) -> None:
    """Every way of choosing one passes here. Raises Invalid."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid({"password": list(error.messages)}) from None


def insert_person(*, user: User, chosen: bool) -> None:
    """Insert, or say which unique index refused. Without a chosen handle try a few."""
    candidates = iter([user.handle]) if chosen else candidate_handles(user.email, _suffixes())
    for candidate in candidates:
        user.handle = candidate
        if User.objects.filter(handle=candidate).exists() and not chosen:
            continue
        try:
            user.save(force_insert=True)
        except IntegrityError as error:
            raise taken(error=error) from None
        return
    raise HandleTaken


def taken(*, error: IntegrityError) -> EmailTaken | HandleTaken:
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
