"""Writing an audit row with its act: one statement in the caller's transaction on PostgreSQL, three on SQLite."""

import secrets
from collections.abc import Mapping
from typing import Any

import orjson
from django.db import connection

from stoa.kit.clock import utc_now
from stoa.platform.audit.chain import digest_of
from stoa.platform.audit.models import AuditRecord, Severity
from stoa.platform.db.transactions import transaction_depth
from stoa.runtime import context
from stoa.runtime.config.current import settings
from stoa.runtime.masking import mask_value

_RECORD = """INSERT INTO audit_record
(at, action, actor_id, object_type, object_id, org_id, severity, request_id, digest)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"""
_DETAIL = "INSERT INTO audit_detail (record_id, salt, payload) VALUES (%s, %s, %s)"
_PENDING = "INSERT INTO audit_pending (record_id) VALUES (%s)"
_ALL_AT_ONCE = f"""WITH record AS ({_RECORD} RETURNING id),
pending AS (INSERT INTO audit_pending (record_id) SELECT id FROM record)
INSERT INTO audit_detail (record_id, salt, payload) SELECT id, %s, %s FROM record"""  # noqa: S608 - our own words
_WITHOUT_DETAIL = f"""WITH record AS ({_RECORD} RETURNING id)
INSERT INTO audit_pending (record_id) SELECT id FROM record"""  # noqa: S608 - our own words


class RecordedOutsideTransaction(RuntimeError):
    """An audit row without its act could survive a rollback of it."""


def record(
    *,
    action: str,
    object_type: str = "",
    object_id: object = "",
    actor_id: object = None,
    org_id: object = None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    severity: Severity = Severity.INFO,
    address: str | None = None,
    agent: str | None = None,
) -> None:
    """Say in the transaction in force who did what. `action` is `<app>.<past tense>`, as an event's name.

    Actor, organization, address and agent are the request's unless given. `before` and `after` hold what the act
    changed; secrets in them are masked before they are stored. Takes no locks.
    Raises RecordedOutsideTransaction at depth 0, also where ENABLE_AUDIT_LOGGING is off."""
    if transaction_depth() == 0:
        raise RecordedOutsideTransaction(f"{action} outside transaction()")
    if not settings().enable_audit_logging:
        return
    current = context.current()
    payload = _payload(
        address=current.address if address is None else address,
        agent=current.agent if agent is None else agent,
        before=before,
        after=after,
    )
    salt = secrets.token_hex(16) if payload else ""
    at = AuditRecord._meta.get_field("at").get_db_prep_value(utc_now(), connection)
    _insert(
        [
            at,
            action,
            current.user_id if actor_id is None else str(actor_id),
            object_type,
            str(object_id),
            current.org_id if org_id is None else str(org_id),
            severity.value,
            current.request_id,
            digest_of(salt, payload) if payload else "",
        ],
        [salt, payload] if payload else [],
    )


def _payload(**said: Any) -> str:
    """JSON of what is known, "" where nothing is."""
    known = {name: value for name, value in said.items() if value}
    return orjson.dumps(mask_value(known)).decode() if known else ""


def _insert(values: list[Any], detail: list[str]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_ALL_AT_ONCE if detail else _WITHOUT_DETAIL, [*values, *detail])
            return
        cursor.execute(_RECORD, values)
        record_id = cursor.lastrowid
        if detail:
            cursor.execute(_DETAIL, [record_id, *detail])
        cursor.execute(_PENDING, [record_id])
