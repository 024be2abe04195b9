"""What staff do to somebody's account. Django's permissions decide who may call these; here stands what nobody may.

Only a superuser changes a superuser or gives out rights, and nobody shuts themself out: so one superuser remains."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import Group
from django.db import IntegrityError

from stoa.apps.accounts.errors import OwnAccount
from stoa.apps.accounts.events import ProfileChanged
from stoa.apps.accounts.models import Session, User
from stoa.apps.accounts.services.ending import end_sessions
from stoa.apps.accounts.services.lockout import forget_guesses
from stoa.apps.accounts.services.people import insert_person, taken
from stoa.kit.errors import Denied, Missing
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.publishing import publish

RIGHTS = frozenset(["is_staff", "is_superuser", "staff_permissions"])
EDITABLE = frozenset(["email", "handle", "name", "is_active"]) | RIGHTS


@dataclass(frozen=True, slots=True)
class _Target:
    user: User
    actor: User


def edit_person(
    *, user_id: UUID, actor_id: UUID, changes: Mapping[str, object], groups: Collection[Group] | None = None
) -> None:
    """Change the columns named in `changes`, a subset of EDITABLE, and, unless None, the groups. Locks the row.

    Whoever is disabled by it is signed out, and stays so when enabled again; a new e-mail counts as not verified.
    Raises Missing, Denied, OwnAccount, EmailTaken, HandleTaken. Publishes ProfileChanged, SessionsEnded; audited."""
    if not EDITABLE.issuperset(changes):
        raise ValueError("a column that staff do not edit")
    with transaction():
        target = _locked(user_id, actor_id)
        user = target.user
        before = {name: getattr(user, name) for name in changes}
        if (groups is not None or RIGHTS.intersection(changes)) and not target.actor.is_superuser:
            raise Denied
        _refuse_to_shut_oneself_out(target, changes)
        _write(user, changes)
        if groups is not None:
            before["groups"] = sorted(group.name for group in user.groups.all())
            user.groups.set(groups)
        if not user.is_active:
            end_sessions(user_id=user.pk)
        given = {} if groups is None else {"groups": sorted(group.name for group in groups)}
        _tell("accounts.changed_by_staff", target, before=before, after={**changes, **given})
        publish(ProfileChanged(user_id=user.pk, row_version=user.version))


def disable_person(*, user_id: UUID, actor_id: UUID) -> None:
    """Sign out everywhere, and let nobody in until enabled. Idempotent. Locks the row. Raises Missing, Denied, OwnAccount.
    Publishes SessionsEnded; audited."""
    _turn(user_id, actor_id, active=False)


def enable_person(*, user_id: UUID, actor_id: UUID) -> None:
    """They may sign in again; the sessions they had stay ended. Idempotent. Locks the row. Raises Missing, Denied.
    Audited."""
    _turn(user_id, actor_id, active=True)


def end_sessions_of(*, user_id: UUID, actor_id: UUID) -> int:
    """End all of a person's sessions; returns how many were open. Raises Missing, Denied. Publishes SessionsEnded;
    audited."""
    with transaction():
        target = _locked(user_id, actor_id)
        ended = end_sessions(user_id=user_id)
        _tell("accounts.sessions_ended_by_staff", target, after={"sessions": len(ended)})
    return len(ended)


def end_session_of(*, session_id: UUID, actor_id: UUID) -> None:
    """End one session. Raises Missing for one that is over, Denied. Publishes SessionsEnded; audited."""
    with transaction():
        session = Session.objects.filter(pk=session_id).first()
        if session is None:
            raise Missing
        target = _locked(session.user_id, actor_id)
        if not end_sessions(user_id=session.user_id, sessions=Session.objects.filter(pk=session_id)):
            raise Missing
        _tell("accounts.session_ended_by_staff", target, session_id=session_id)


def unlock_person(*, user_id: UUID, actor_id: UUID) -> int:
    """Let somebody guess again at once; returns how many guesses counted. Raises Missing, Denied. Audited."""
    with transaction():
        target = _locked(user_id, actor_id)
        guesses = forget_guesses(user=target.user)
        _tell("accounts.unlocked", target, after={"guesses": guesses})
    return guesses


def add_person(*, actor_id: UUID, email: str, name: str, handle: str) -> UUID:
    """An account without a password: its owner sets one by the mail of "forgotten password". `email` canonical; returns the id.

    Raises EmailTaken, HandleTaken. Audited."""
    user = User(email=email, name=name, handle=handle)
    user.set_unusable_password()
    with transaction():
        insert_person(user=user, chosen=True)
        _tell("accounts.added_by_staff", _Target(user, User.objects.get(pk=actor_id)))
    return user.pk


def _turn(user_id: UUID, actor_id: UUID, *, active: bool) -> None:
    with transaction():
        target = _locked(user_id, actor_id)
        if target.user.is_active == active:
            return
        changes = {"is_active": active}
        _refuse_to_shut_oneself_out(target, changes)
        _write(target.user, changes)
        if not active:
            end_sessions(user_id=user_id)
        _tell("accounts.enabled" if active else "accounts.disabled", target)


def _locked(user_id: UUID, actor_id: UUID) -> _Target:
    """NO KEY: a row that begins to point to the person does not wait."""
    actor = User.objects.get(pk=actor_id)
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id, erased_at=None).first()
    if user is None:
        raise Missing
    if user.is_superuser and not actor.is_superuser:
        raise Denied
    return _Target(user, actor)


def _refuse_to_shut_oneself_out(target: _Target, changes: Mapping[str, object]) -> None:
    if target.user.pk != target.actor.pk:
        return
    if any(changes.get(name) is False for name in ("is_active", "is_staff", "is_superuser")):
        raise OwnAccount


def _write(user: User, changes: Mapping[str, object]) -> None:
    if "email" in changes and changes["email"] != user.email:
        user.email_verified_at = None
    for column, value in changes.items():
        setattr(user, column, value)
    user.version += 1
    try:
        user.save(update_fields=[*changes, "handle_key", "name_key", "email_verified_at", "version"])
    except IntegrityError as error:
        raise taken(error=error) from None


def _tell(
    action: str,
    target: _Target,
    *,
    session_id: UUID | None = None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    record(
        action=action,
        object_type="user" if session_id is None else "session",
        object_id=session_id or target.user.pk,
        actor_id=target.actor.pk,
        before=before,
        after=after,
        severity=Severity.NOTICE,
    )
