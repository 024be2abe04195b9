"""The only two that may delete: retention, by whole sealed segments, and erasure of what is personal."""

from datetime import datetime, timedelta

from django.db import connection

from stoa.kit.clock import utc_now
from stoa.platform.audit.chain import chain_keys, sign
from stoa.platform.audit.models import AuditPurge, AuditSegment, Severity
from stoa.platform.audit.recording import record
from stoa.platform.audit.statements import lock_sealing, permit_to_delete
from stoa.platform.audit.verifying import ERASED
from stoa.platform.db.transactions import transaction
from stoa.runtime.config.current import settings

SEGMENTS_AT_ONCE = 500
_OF_SEALS = "(SELECT record_id FROM audit_seal WHERE seq <= %s)"
_DELETIONS = (
    f"DELETE FROM audit_detail WHERE record_id IN {_OF_SEALS}",  # noqa: S608 - our own words
    f"DELETE FROM audit_record WHERE id IN {_OF_SEALS}",  # noqa: S608 - our own words
    "DELETE FROM audit_seal WHERE seq <= %s",
    "DELETE FROM audit_segment WHERE last_seq <= %s",
)
_ERASE = """DELETE FROM audit_detail WHERE record_id IN (
SELECT id FROM audit_record WHERE actor_id = %s UNION SELECT id FROM audit_record WHERE object_id = %s)"""


def purge_expired(*, now: datetime | None = None) -> int:
    """Delete up to 500 of the oldest segments whose every row is older than AUDIT_RETENTION_DAYS; returns how many.

    Leaves a signed word of how far it went, so that the rest verifies. Idempotent; skipped while another holds the
    sealer's lock."""
    moment = now or utc_now()
    cutoff = moment - timedelta(days=settings().audit_retention_days)
    with transaction():
        if not lock_sealing():
            return 0
        expired = []
        for segment in AuditSegment.objects.order_by("first_seq")[:SEGMENTS_AT_ONCE]:
            if segment.newest_at >= cutoff:
                break  # not by the time alone: what is kept must be one piece
            expired.append(segment)
        if not expired:
            return 0
        last = expired[-1]
        keys = chain_keys()
        AuditPurge.objects.create(
            to_seq=last.last_seq,
            mac=last.mac,
            key_id=keys.first,
            purged_at=moment,
            signature=sign(["purge", last.last_seq, last.mac], key=keys.secrets[keys.first]),
        )
        with permit_to_delete("retention"), connection.cursor() as cursor:
            for statement in _DELETIONS:
                cursor.execute(statement, [last.last_seq])
    return len(expired)


def erase_details(*, person_id: object) -> int:
    """Delete address, agent, before and after of every act by this person or about them; returns how many.

    Joins the caller's transaction. The acts themselves stay, with ids; the erasure is an act on the trail, and
    `audit_verify` accepts a missing detail only on its word."""
    person = str(person_id)
    with transaction():
        with permit_to_delete("erasure"), connection.cursor() as cursor:
            cursor.execute(_ERASE, [person, person])
            erased = int(cursor.rowcount)
        record(
            action=ERASED,
            object_type="person",
            object_id=person,
            severity=Severity.NOTICE,
            # Nothing that would be personal again; of one's own erasure the request is told by its id.
            address="",
            agent="",
        )
    return erased
