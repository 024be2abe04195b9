"""One effect for one Idempotency-Key, however often and however concurrently it is sent.

The record is written in the transaction of the effect: killed between effect and answer, a retry replays; killed
before the commit, nothing happened and a retry acts. A refusal rolls both back, so it leaves no key behind.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, connection

from stoa.kit.clock import utc_now
from stoa.kit.errors import Conflict, DomainError, Kind, Malformed
from stoa.platform.db.transactions import transaction
from stoa.platform.http.models import IdempotencyRecord
from stoa.runtime.config.current import settings
from stoa.runtime.pause_points import pause_point

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class IdempotencyKeyRequired(Malformed):
    code, message = "IDEMPOTENCY_KEY_REQUIRED", "This request moves money or stock: send an Idempotency-Key."


class IdempotencyKeyInvalid(Malformed):
    code, message = "IDEMPOTENCY_KEY_INVALID", "An Idempotency-Key is 1 to 255 visible ASCII characters."


class IdempotencyMismatch(DomainError):
    code, kind, message = "IDEMPOTENCY_MISMATCH", Kind.INVALID, "This Idempotency-Key was used with another body."


class IdempotencyInProgress(Conflict):
    code, message = "IDEMPOTENCY_IN_PROGRESS", "The first request with this Idempotency-Key is still running."


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the answer to one keyed request belongs."""

    scope: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """`data` as JSON bytes, ready to be put into an envelope."""

    status: int
    message: str
    data: bytes
    replayed: bool = False


def slot_for(*, key: str, user_id: str, org_id: str, method: str, path: str, query: str, body: bytes) -> Slot:
    """Raises IdempotencyKeyInvalid."""
    if _KEY.fullmatch(key) is None:
        raise IdempotencyKeyInvalid
    scope = hashlib.sha256("\n".join((user_id, org_id, method, path, query, key)).encode()).hexdigest()
    secret = settings().django_secret_key.get_secret_value().encode()
    return Slot(scope, hmac.digest(secret, b"idempotency:" + body, hashlib.sha256).hex())


def run_once(slot: Slot, act: Callable[[], Outcome]) -> Outcome:
    """Run `act` and keep its outcome in one transaction, or replay the kept one.

    Locks the slot first: on PostgreSQL an advisory lock, not waited for; SQLite's writer lock, waited for.
    Raises IdempotencyMismatch, IdempotencyInProgress and whatever `act` raises."""
    with transaction():
        if not pause_point("idempotency.lock") and not _lock(slot):
            raise IdempotencyInProgress(retry_after_s=1)
        pause_point("idempotency.locked")
        kept = IdempotencyRecord.objects.filter(scope=slot.scope).first()
        if kept is not None and kept.created_at <= _expiry():
            kept.delete()  # the sweep has not come by yet
        elif kept is not None:
            if not hmac.compare_digest(kept.fingerprint, slot.fingerprint):
                raise IdempotencyMismatch
            return Outcome(kept.status, kept.message, bytes(kept.data), replayed=True)
        outcome = act()
        _keep(slot, outcome)
        pause_point("idempotency.before_commit")
    pause_point("idempotency.committed")
    return outcome


def _lock(slot: Slot) -> bool:
    if connection.vendor != "postgresql":
        return True  # BEGIN IMMEDIATE already holds the one writer lock
    number = int.from_bytes(bytes.fromhex(slot.scope)[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


def _keep(slot: Slot, outcome: Outcome) -> None:
    """The unique index is the second net under the lock: whoever is second takes its own effect back."""
    try:
        IdempotencyRecord.objects.create(
            scope=slot.scope,
            fingerprint=slot.fingerprint,
            status=outcome.status,
            message=outcome.message,
            data=outcome.data,
        )
    except IntegrityError:
        raise IdempotencyInProgress(retry_after_s=1) from None


def sweep_expired(limit: int) -> int:
    """Delete up to `limit` records past their time, oldest first; returns how many. One transaction.

    A request that is replacing its own expired record is passed over, not waited for."""
    with transaction():
        expired = IdempotencyRecord.objects.filter(created_at__lte=_expiry()).order_by("created_at")
        ids = list(expired.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
        return IdempotencyRecord.objects.filter(pk__in=ids).delete()[0]


def _expiry() -> datetime:
    return utc_now() - timedelta(hours=settings().idempotency_retention_hours)
