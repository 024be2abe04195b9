"""Ending sessions: one way, so that whoever keeps a connection open hears of each."""

from uuid import UUID

from django.db.models import QuerySet

from stoa.apps.accounts.events import SessionsEnded
from stoa.apps.accounts.models import Session
from stoa.kit.clock import utc_now
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.publishing import publish


def end_sessions(*, user_id: UUID, sessions: QuerySet[Session] | None = None) -> tuple[UUID, ...]:
    """End a person's sessions, all or those of the query that are theirs; returns which were open until now.

    Inside the caller's transaction, who says on the trail why. Locks the rows in the order of their ids.
    Publishes SessionsEnded, once, if there was any."""
    wanted = Session.objects.all() if sessions is None else sessions
    open_ones = wanted.filter(user_id=user_id, revoked_at=None).order_by("pk").select_for_update(of=("self",))
    ids = tuple(open_ones.values_list("pk", flat=True))
    if ids:
        Session.objects.filter(pk__in=ids).update(revoked_at=utc_now())
        publish(SessionsEnded(user_id=user_id, session_ids=ids))
    return ids


def sign_out_everywhere(*, user_id: UUID) -> None:
    """End all of one's sessions, the present one too."""
    with transaction():
        if end_sessions(user_id=user_id):
            record(action="accounts.signed_out_everywhere", object_type="user", object_id=user_id, actor_id=user_id)


def end_one(*, sessions: QuerySet[Session], action: str, severity: Severity = Severity.INFO) -> bool:
    """End the one session of the query, and say so on the trail; False when there was none to end."""
    with transaction():
        found = sessions.values_list("pk", "user_id").first()
        if found is None or not end_sessions(user_id=found[1], sessions=sessions.filter(pk=found[0])):
            return False
        record(action=action, object_type="session", object_id=found[0], actor_id=found[1], severity=severity)
    return True
