"""Erasing a person: the row that others point to stays, with nothing in it but its id."""

import random
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.db.models import ForeignKey, Model

from stoa.apps.accounts.errors import AccountCannotClose
from stoa.apps.accounts.events import AccountErased
from stoa.apps.accounts.models import DmPolicy, Privacy, User
from stoa.apps.accounts.services.ports import ask_vetoes
from stoa.kit.clock import utc_now
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.audit.retention import erase_details
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.publishing import publish
from stoa.runtime.pause_points import pause_point

POSTPONED = timedelta(days=1)
KEPT = frozenset({"id", "version", "created_at", "is_demo"})
"""What a tombstone still says."""


def erase_due(*, limit: int) -> int:
    """Erase up to `limit` people whose grace period is over, each in a transaction of its own; returns how many were
    due. Whom a veto keeps is asked again in a day."""
    now = utc_now()
    due = list(User.objects.filter(erase_at__lte=now).order_by("erase_at").values_list("pk", flat=True)[:limit])
    random.shuffle(due)  # one that fails must not always fail before the same others
    pause_point("accounts.erasure_due")
    for user_id in due:
        try:
            erase_person(user_id=user_id, due_by=now)
        except AccountCannotClose:
            _postpone(user_id, now)
    return len(due)


def erase_person(*, user_id: UUID, due_by: datetime | None) -> bool:
    """Everything of accounts in one transaction, and AccountErased for all others. False where nothing was to be done:
    erased before, unknown, or restored since it was due.

    With `due_by` None no veto is asked and no date looked at: they were erased before, and a backup brought them back.
    Locks the person's row. Raises AccountCannotClose."""
    with transaction():
        wanted = User.objects.select_for_update(no_key=True).filter(pk=user_id, erased_at=None)
        if due_by is not None and not pause_point("accounts.still_due"):
            wanted = wanted.filter(erase_at__lte=due_by)
        user = wanted.first()
        if user is None:
            return False
        if due_by is not None:
            ask_vetoes(user_id=user_id)
        _forget_rows(user)
        _make_tombstone(user)
        erase_details(person_id=user_id)
        publish(AccountErased(user_id=user_id))
        pause_point("accounts.before_erasure_commit")
    return True


def _postpone(user_id: UUID, now: datetime) -> None:
    with transaction():
        if User.objects.filter(pk=user_id, erase_at__lte=now).update(erase_at=now + POSTPONED):
            record(
                action="accounts.erasure_postponed",
                object_type="user",
                object_id=user_id,
                actor_id="",
                severity=Severity.WARNING,
            )


def _make_tombstone(user: User) -> None:
    """Every column as of somebody new, so that one which is added later is not forgotten here."""
    for field in User._meta.concrete_fields:
        if field.name not in KEPT:
            setattr(user, field.attname, field.get_default())
    mark = secrets.token_hex(10)
    user.email, user.handle = f"{mark}@erased.invalid", f"erased_{mark}"
    user.privacy, user.dm_policy = Privacy.PRIVATE, DmPolicy.NOBODY
    user.push_enabled = user.email_enabled = user.is_active = False
    user.erased_at = utc_now()
    user.version += 1
    user.set_unusable_password()
    user.groups.clear()
    user.user_permissions.clear()
    user.save(force_update=True)


def _forget_rows(user: User) -> None:
    """Of accounts and of libraries, whatever points to the person; other apps forget by themselves."""
    # The admin's own log names people by their handle.
    LogEntry.objects.filter(content_type__app_label="accounts", object_id=str(user.pk)).delete()
    for model, field in tables_forgotten():
        model._base_manager.filter(**{field: user.pk}).delete()


def tables_forgotten() -> Iterator[tuple[type[Model], str]]:
    """Tables of accounts and of libraries with a foreign key to a person, and its name."""
    for relation in User._meta.get_fields(include_hidden=True):
        field = getattr(relation, "field", None)
        if not relation.auto_created or relation.concrete or not isinstance(field, ForeignKey):
            continue
        model = field.model
        other_app = model.__module__.startswith("stoa.") and not model.__module__.startswith("stoa.apps.accounts.")
        if not other_app and not model._meta.auto_created:
            yield model, field.name
