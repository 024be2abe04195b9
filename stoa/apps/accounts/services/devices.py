"""Devices that pushes go to."""

import hashlib
from uuid import UUID

from stoa.apps.accounts.contracts import PushDeviceView
from stoa.apps.accounts.models import PushDevice
from stoa.apps.accounts.queries import device_view_of
from stoa.kit.clock import utc_now
from stoa.kit.errors import Missing, Unavailable
from stoa.platform.db.transactions import transaction
from stoa.runtime.pause_points import pause_point

_TRIES = 5


def keep_device(*, user_id: UUID, platform: str, token: str, name: str) -> PushDeviceView:
    """Remember where this person is pushed to. The same token again renews its row; of another account's it is taken
    away there and gets a new id here, so that one device never shows two people's pushes.

    The unique hash and a lock on the row that has it decide between several at once: the last one has the device."""
    digest = hashlib.sha256(f"{platform}:{token}".encode()).hexdigest()
    for _ in range(_TRIES):
        with transaction():
            device = _kept(user_id, platform, token, name, digest)
        if device is not None:
            return device_view_of(device)
    raise Unavailable


def _kept(user_id: UUID, platform: str, token: str, name: str, digest: str) -> PushDevice | None:
    """None where somebody else moved the token between our insert and our lock."""
    fresh = PushDevice(user_id=user_id, platform=platform, token=token, name=name, token_hash=digest)
    PushDevice.objects.bulk_create([fresh], ignore_conflicts=True)
    rows = PushDevice.objects.filter(token_hash=digest)
    found = (rows if pause_point("accounts.lock_device") else rows.select_for_update()).first()
    pause_point("accounts.device_read")
    if found is None:
        return None
    if found.pk == fresh.pk:
        return found
    if found.user_id != user_id:
        found.delete()
        fresh.save(force_insert=True)
        return fresh
    found.name, found.seen_at = name, utc_now()
    found.save(update_fields=["name", "seen_at"])
    return found


def forget_device(*, user_id: UUID, device_id: UUID) -> None:
    """Raises Missing, also for another person's."""
    if not PushDevice.objects.filter(pk=device_id, user_id=user_id).delete()[0]:
        raise Missing
