"""What the audit trail knows of a request id."""

from stoa.platform.audit.models import AuditRecord, AuditSeal
from stoa.platform.observability.contracts import MOST, TraceLine


def lines_of(request_id: str) -> list[TraceLine]:
    """Two queries. Without details: those are for whoever may read the trail."""
    rows = list(AuditRecord.objects.filter(request_id=request_id).order_by("id")[:MOST])
    places = dict(AuditSeal.objects.filter(record_id__in=[row.pk for row in rows]).values_list("record_id", "seq"))
    return [TraceLine(at=row.at, what="audit", detail=_told(row, places.get(row.pk))) for row in rows]


def _told(row: AuditRecord, place: int | None) -> str:
    about = f" on {row.object_type}:{row.object_id}" if row.object_type else ""
    by = f" by {row.actor_id}" if row.actor_id else ""
    sealed = f"sealed as row {place}" if place is not None else "not sealed yet"
    return f"{row.severity} {row.action}{about}{by}, {sealed}"
