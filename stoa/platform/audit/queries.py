"""Reads of the trail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from django.db import connection
from django.db.models import QuerySet

from stoa.platform.audit.contracts import AuditView
from stoa.platform.audit.models import AuditDetail, AuditRecord
from stoa.platform.http.pages import Page, PageQuery, keyset_page

# From one value to the next in an index: DISTINCT would read the whole trail.
_VALUES = """WITH RECURSIVE seen (value) AS (
  SELECT MIN({column}) FROM audit_record
  UNION ALL
  SELECT (SELECT MIN({column}) FROM audit_record WHERE {column} > seen.value) FROM seen WHERE seen.value IS NOT NULL)
SELECT value FROM seen WHERE value IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class Filters:
    """None: any. `object` is `type` or `type:id`."""

    actor: str | None = None
    action: str | None = None
    object: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def acts(wanted: Filters) -> QuerySet[AuditRecord]:
    """With their details, in one query."""
    found = AuditRecord.objects.select_related("detail")
    kind, _, number = (wanted.object or "").partition(":")
    conditions = {
        "actor_id": wanted.actor,
        "action": wanted.action,
        "object_type": kind or None,
        "object_id": number or None,
        "at__gte": wanted.since,
        "at__lt": wanted.until,
    }
    return found.filter(**{name: value for name, value in conditions.items() if value is not None})


def audit_page(query: PageQuery, wanted: Filters, *, route: str) -> Page:
    """Newest first; one query. `query` holds the same filters, so that a cursor belongs to them."""
    return keyset_page(acts(wanted), query, route=route, order=("-id",), shape=view_of)


def actions_recorded() -> list[str]:
    """Every action that the trail holds, by name. One query of as many look-ups in an index as there are actions."""
    return _values("action")


def object_types_recorded() -> list[str]:
    """The same of the types of objects."""
    return _values("object_type")


def _values(column: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_VALUES.format(column=column))
        return [value for (value,) in cursor.fetchall()]


def view_of(row: AuditRecord) -> AuditView:
    return AuditView(
        id=row.pk,
        at=row.at,
        action=row.action,
        actor_id=row.actor_id,
        object_type=row.object_type,
        object_id=row.object_id,
        org_id=row.org_id,
        severity=row.severity,
        request_id=row.request_id,
        detail=detail_of(row),
    )


def detail_of(row: AuditRecord) -> Mapping[str, object] | None:
    """None where there was none, or it was erased. No query when the row was read with its detail."""
    try:
        payload = row.detail.payload
    except AuditDetail.DoesNotExist:
        return None
    read: Mapping[str, object] = orjson.loads(payload)
    return read
