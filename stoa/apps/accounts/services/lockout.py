"""Guesses at passwords and codes, counted in rows that every process and host sees.

A guess is written before it is checked and taken back when it was right: what runs at the same time, or dies half way,
has counted. Who is locked out writes nothing more, so that a window never holds more rows than its limit."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q
from django.utils.crypto import salted_hmac

from stoa.apps.accounts.domain import (
    GUESSES_OF_ACCOUNT,
    GUESSES_OF_ADDRESS,
    GUESSES_OF_PAIR,
    LOCKOUT_WINDOW,
    locked_until,
)
from stoa.apps.accounts.errors import LockedOut
from stoa.apps.accounts.models import SignInAttempt, User
from stoa.kit.clock import utc_now
from stoa.kit.email import canonical_email
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.values import stored_time
from stoa.runtime.pause_points import pause_point

# One statement counts and writes. Without an address (a Unix socket) everybody would share the limit of one.
_COUNT_IN = f"""INSERT INTO accounts_sign_in_attempt (at, account, user_id, address, counts, of_pair)
SELECT %(now)s, %(account)s, %(user_id)s, %(address)s, TRUE, TRUE
WHERE (SELECT COUNT(*) FROM accounts_sign_in_attempt
       WHERE account = %(account)s AND address = %(address)s AND of_pair AND at > %(since)s) < {GUESSES_OF_PAIR}
  AND (SELECT COUNT(*) FROM accounts_sign_in_attempt
       WHERE account = %(account)s AND counts AND at > %(since)s) < {GUESSES_OF_ACCOUNT}
  AND (%(address)s = '' OR (SELECT COUNT(*) FROM accounts_sign_in_attempt
       WHERE address = %(address)s AND counts AND at > %(since)s) < {GUESSES_OF_ADDRESS})
RETURNING id"""  # noqa: S608 - our own figures
_FORGIVE = """UPDATE accounts_sign_in_attempt SET of_pair = FALSE, counts = (counts AND id <> %s)
WHERE account = %s AND address = %s AND of_pair"""


MOST_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class Attempt:
    """A guess that counts as wrong until it is forgiven or taken back."""

    id: int
    account: str
    address: str


def count_attempt(*, user: User | None, login: str, address: str, way: str, account: str = "") -> Attempt:
    """Count one guess before it is checked, in a transaction of its own. `login` is what was typed, for nobody's;
    `account` stands for both where an earlier request wrote it down.

    Locks account and address (advisory, in the order of their keys; SQLite has one writer), so that of many at once no
    more pass than the limit. Raises LockedOut, audited."""
    account = account or account_key(user=user, login=login)
    now, wait_s = utc_now(), 0
    with transaction():
        if connection.vendor == "postgresql" and not pause_point("accounts.lock_attempts"):
            _lock(account, address)
        attempt_id = _insert(account, user, address, now)
        pause_point("accounts.attempt_counted")
        if attempt_id is None:
            wait_s = _wait_s(account, address, now)
            record(
                action="accounts.sign_in_locked_out",
                object_type="user",
                object_id=user.pk if user is not None else "",
                actor_id="",
                after={"way": way},
                severity=Severity.WARNING,
            )
    if attempt_id is None:
        raise LockedOut(retry_after_s=wait_s)
    return Attempt(attempt_id, account, address)


def forgive(*, user: User, address: str, attempt: Attempt | None) -> None:
    """The account signed in from here, inside the caller's transaction: its guesses from this address are forgiven it.
    Against the address, and against the account from anywhere, the wrong ones go on counting."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGIVE, [attempt.id if attempt is not None else 0, account_key(user=user, login=""), address])


def take_back(*, attempt: Attempt | None) -> None:
    """It was right, but nobody is signed in by it alone: nothing else is forgiven."""
    if attempt is not None:
        SignInAttempt.objects.filter(pk=attempt.id).delete()


def forget_old_attempts(*, limit: int) -> int:
    """Delete up to `limit` that are past the window, oldest first; returns how many."""
    old = SignInAttempt.objects.filter(at__lte=utc_now() - LOCKOUT_WINDOW).order_by("at")
    return SignInAttempt.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()[0]


def locked_people() -> list[UUID]:
    """Who is locked out at the moment, from one address or from all; at most MOST_SHOWN. Two queries over what the window
    holds."""
    guesses = SignInAttempt.objects.filter(at__gt=utc_now() - LOCKOUT_WINDOW).exclude(user_id=None)
    of_pair = guesses.filter(of_pair=True).values("user_id", "address").annotate(n=Count("id"))
    of_account = guesses.filter(counts=True).values("user_id").annotate(n=Count("id"))
    found = (of_pair.filter(n__gte=GUESSES_OF_PAIR), of_account.filter(n__gte=GUESSES_OF_ACCOUNT))
    named = {user_id for rows in found for user_id in rows.values_list("user_id", flat=True)[:MOST_SHOWN]}
    return [user_id for user_id in named if user_id is not None]


def forget_guesses(*, user: User) -> int:
    """Against the account none counts any more, inside the caller's transaction; against the addresses they came from
    they go on counting. Returns how many there were."""
    return SignInAttempt.objects.filter(account=account_key(user=user, login="")).update(account="", user_id=None)


def account_key(*, user: User | None, login: str) -> str:
    """No key of the row tells an address that somebody typed. E-mail and handle of one person are one account."""
    named = f"user {user.pk}" if user is not None else f"login {canonical_email(login)}"
    return salted_hmac("stoa.accounts.lockout", named, algorithm="sha256").hexdigest()


def _lock(account: str, address: str) -> None:
    keys = sorted(
        int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)
        for text in (f"lockout account {account}", f"lockout address {address}")
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s), pg_advisory_xact_lock(%s)", keys)


def _insert(account: str, user: User | None, address: str, now: datetime) -> int | None:
    given = {
        "now": stored_time(now),
        "since": stored_time(now - LOCKOUT_WINDOW),
        "account": account,
        "user_id": _as_stored(user.pk if user is not None else None),
        "address": address,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_IN, given)
        row = cursor.fetchone()
    return int(row[0]) if row is not None else None


def _as_stored(user_id: UUID | None) -> object:
    return SignInAttempt._meta.get_field("user_id").get_db_prep_value(user_id, connection)


def _wait_s(account: str, address: str, now: datetime) -> int:
    """Until all limits have room again; whole seconds, rounded up."""
    rows = SignInAttempt.objects.filter(Q(account=account) | Q(address=address), at__gt=now - LOCKOUT_WINDOW)
    found = list(rows.values_list("at", "account", "address", "counts", "of_pair"))
    pair = [at for at, of, there, _, of_pair in found if of_pair and (of, there) == (account, address)]
    of_account = [at for at, of, _, counts, _ in found if counts and of == account]
    of_address = [at for at, _, there, counts, _ in found if counts and there == address != ""]
    ends = (
        locked_until(pair, GUESSES_OF_PAIR),
        locked_until(of_account, GUESSES_OF_ACCOUNT),
        locked_until(of_address, GUESSES_OF_ADDRESS),
    )
    return max((int((end - now).total_seconds()) + 1 for end in ends if end is not None), default=1)
