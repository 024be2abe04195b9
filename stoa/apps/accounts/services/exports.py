"""A person's archive: asked for, built in the background, fetched by its owner, gone after EXPORT_TTL_DAYS."""

import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import BinaryIO, cast
from uuid import UUID

import orjson

from stoa.apps.accounts.contracts import ExportState
from stoa.apps.accounts.events import ExportRequested
from stoa.apps.accounts.models import DataExport
from stoa.apps.accounts.services.ports import SOURCES
from stoa.kit.clock import isoformat, utc_now
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.publishing import publish
from stoa.platform.storage.client import storage
from stoa.platform.storage.links import Link, link_to
from stoa.runtime.config.current import settings
from stoa.runtime.pause_points import pause_point

GIVEN_UP_AFTER = timedelta(days=1)
LINK_LIVES = timedelta(minutes=15)


def folder_of(*, user_id: UUID) -> str:
    """Where all archives of one person lie, so that erasure finds those whose rows are gone."""
    return f"exports/{user_id}"


def request_export(*, user_id: UUID) -> ExportState:
    """Ask for the archive, or see how it does. Of two at once one asks: there is one row a person.

    Publishes ExportRequested; audited."""
    old = DataExport.objects.filter(user_id=user_id, expires_at__lte=utc_now()).first()
    if old is not None:
        _remove(old)
    with transaction():
        fresh = DataExport(user_id=user_id, expires_at=utc_now() + GIVEN_UP_AFTER)
        DataExport.objects.bulk_create([fresh], ignore_conflicts=not pause_point("accounts.one_export"))
        export = DataExport.objects.get(user_id=user_id)
        if export.pk == fresh.pk:
            publish(ExportRequested(export_id=export.pk, user_id=user_id))
            record(action="accounts.export_requested", object_type="user", object_id=user_id, actor_id=user_id)
    return _state(export)


def build_export(*, export_id: UUID, user_id: UUID) -> None:
    """Write the archive and say that it is ready. Safe to run twice; of one that nobody waits for any more (expired,
    its person erased) nothing is left behind, whenever this is killed: it is run again until it ends."""
    key = _key(user_id, export_id)
    if not DataExport.objects.filter(pk=export_id).exists():
        storage().delete(key)
        return
    if DataExport.objects.filter(pk=export_id, ready_at__isnull=False).exists():
        return
    with tempfile.TemporaryFile() as file:
        archive = cast(BinaryIO, file)
        _write(archive, user_id)
        archive.seek(0)
        size = storage().put(key, archive)
    pause_point("accounts.export_stored")
    now = utc_now()
    expires = now + timedelta(days=settings().export_ttl_days)
    with transaction():
        waiting = DataExport.objects.filter(pk=export_id, ready_at=None)
        ready = waiting.update(ready_at=now, expires_at=expires, size_bytes=size)
        if ready:
            record(action="accounts.export_ready", object_type="user", object_id=user_id, severity=Severity.NOTICE)
    if not ready and not DataExport.objects.filter(pk=export_id).exists():
        storage().delete(key)


def forget_exports(*, limit: int) -> int:
    """Remove archives that expired, and requests that nobody fulfilled within a day; returns how many."""
    old = DataExport.objects.filter(expires_at__lte=utc_now()).order_by("expires_at")[:limit]
    for export in old:
        _remove(export)
    return len(old)


def _remove(export: DataExport) -> None:
    """The file first: killed in between, the row is found again and the file is not there to be found."""
    storage().delete(_key(export.user_id, export.pk))
    DataExport.objects.filter(pk=export.pk).delete()


def _key(user_id: UUID, export_id: UUID) -> str:
    return f"{folder_of(user_id=user_id)}/{export_id}.zip"


def _state(export: DataExport) -> ExportState:
    if export.ready_at is None:
        return ExportState(
            state="pending", requested_at=export.requested_at, expires_at=None, size_bytes=None, url=None
        )
    until = min(export.expires_at, utc_now() + LINK_LIVES)
    link = Link(_key(export.user_id, export.pk), "stoa-archive.zip", str(export.user_id), until)
    return ExportState(
        state="ready",
        requested_at=export.requested_at,
        expires_at=export.expires_at,
        size_bytes=export.size_bytes,
        url=link_to(link),
    )


def _write(file: BinaryIO, user_id: UUID) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for app, source in sorted(SOURCES.items()):
            _write_app(archive, app, source(user_id))
        about = {"person": str(user_id), "made_at": isoformat(utc_now()), "apps": sorted(SOURCES)}
        archive.writestr("about.json", orjson.dumps(about, option=orjson.OPT_INDENT_2))


def _write_app(archive: zipfile.ZipFile, app: str, files: Mapping[str, Iterable[object]]) -> None:
    """Row by row: a list of everything somebody wrote need not fit into memory."""
    for name, rows in files.items():
        with archive.open(f"{app}/{name}.json", "w") as written:
            separator = b"[\n"
            for row in rows:
                written.write(separator + orjson.dumps(row, option=orjson.OPT_UTC_Z, default=str))
                separator = b",\n"
            written.write(b"[]\n" if separator == b"[\n" else b"\n]\n")
