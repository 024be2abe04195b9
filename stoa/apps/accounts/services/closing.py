"""Closing one's account, and what brings it back: signing in within ERASURE_GRACE_DAYS."""

from datetime import timedelta
from uuid import UUID

from django.db import connection

from stoa.apps.accounts.contracts import AccountClosed
from stoa.apps.accounts.errors import BadCredentials, WrongPassword
from stoa.apps.accounts.events import AccountClosed as ClosedEvent
from stoa.apps.accounts.events import AccountRestored
from stoa.apps.accounts.models import User
from stoa.apps.accounts.services.ending import end_sessions
from stoa.apps.accounts.services.own_password import prove_own_password
from stoa.apps.accounts.services.ports import ask_vetoes
from stoa.kit.clock import utc_now
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.publishing import publish
from stoa.runtime.config.current import settings
from stoa.runtime.pause_points import pause_point


def close_account(*, user_id: UUID, password: str, address: str) -> AccountClosed:
    """Sign out everywhere and go out of sight; erased after the grace period. Locks the person's row, then whatever
    the vetoes lock. Publishes AccountClosed and SessionsEnded; audited.

    Raises WrongPassword, also for an account without a password (reset it first), LockedOut and AccountCannotClose."""
    proven = prove_own_password(user_id=user_id, password=password, address=address, way="close")
    now = utc_now()
    with transaction():
        # NO KEY: a row that begins to point here (a membership) does not wait, and so cannot wait in a circle.
        user = User.objects.select_for_update(no_key=True).get(pk=user_id)
        if user.password != proven.password:
            raise WrongPassword  # changed meanwhile: by whoever has the account now
        ask_vetoes(user_id=user_id)
        user.erase_at = user.erase_at or now + timedelta(days=settings().erasure_grace_days)
        user.version += 1
        user.save(update_fields=["erase_at", "version"])
        end_sessions(user_id=user_id)
        record(
            action="accounts.closed",
            object_type="user",
            object_id=user_id,
            actor_id=user_id,
            after={"erase_at": user.erase_at.isoformat()},
            severity=Severity.NOTICE,
        )
        publish(ClosedEvent(user_id=user_id))
    return AccountClosed(erase_at=user.erase_at)


def admit(*, user: User) -> None:
    """Every way of signing in passes here, inside the transaction that opens the session: restores a closed account.

    Locks the person's row, so that erasure and sign-in come one after the other. Raises BadCredentials for somebody
    erased since their password was checked, whose address would be kept again, or whose password was changed since: that
    ended the sessions there were."""
    pause_point("accounts.before_admit")
    if pause_point("accounts.admit"):
        return
    password, erase_at, erased_at = _locked(user.pk)
    if erased_at is not None or password != user.password:
        raise BadCredentials
    if erase_at is None:
        return
    User.objects.filter(pk=user.pk).update(erase_at=None)
    record(
        action="accounts.restored",
        object_type="user",
        object_id=user.pk,
        actor_id=user.pk,
        severity=Severity.NOTICE,
    )
    publish(AccountRestored(user_id=user.pk))


def _locked(user_id: UUID) -> tuple[str, object, object]:
    """Password, and whether the account is closed or erased, under the row's lock. Written out for the reason of
    `user_by_login`."""
    lock = " FOR NO KEY UPDATE" if connection.vendor == "postgresql" else ""
    as_id = User._meta.get_field("id")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT password, erase_at, erased_at FROM accounts_user WHERE id = %s{lock}",  # noqa: S608 - our own words
            [as_id.get_db_prep_value(user_id, connection)],
        )
        password, erase_at, erased_at = cursor.fetchone()
    return password, erase_at, erased_at
