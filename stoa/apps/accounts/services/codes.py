"""Codes of a second step: whether one is right, and that it is right once."""

import hashlib
import hmac
import secrets
from uuid import UUID

import pyotp

from stoa.apps.accounts.models import RecoveryCode, TotpDevice
from stoa.kit.clock import utc_now
from stoa.runtime.pause_points import pause_point

STEP_S = 30
_RECOVERY_CODES = 10
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def accept_totp(*, user_id: UUID, code: str) -> bool:
    """Spend the code's time step, inside the caller's transaction. Compare-and-set: a code, and each one older than
    it, works once."""
    device = TotpDevice.objects.filter(user_id=user_id, confirmed_at__isnull=False).first()
    step = step_of(secret=device.secret, code=code) if device is not None else None
    if device is None or step is None:
        return False
    pause_point("accounts.swap_totp_step")
    found = TotpDevice.objects.filter(pk=device.pk)
    if not pause_point("accounts.compare_totp_step"):
        found = found.filter(last_step__lt=step)
    return found.update(last_step=step) == 1


def step_of(*, secret: str, code: str) -> int | None:
    """The time step whose code this is, of now and one to either side: clocks differ."""
    typed = "".join(code.split()).encode()
    now = int(utc_now().timestamp()) // STEP_S
    codes = pyotp.TOTP(secret)
    matching = [
        step for step in (now - 1, now, now + 1) if hmac.compare_digest(codes.generate_otp(step).encode(), typed)
    ]
    return max(matching, default=None)


def accept_recovery_code(*, user_id: UUID, code: str) -> bool:
    """Spend the code, inside the caller's transaction. Compare-and-set."""
    pause_point("accounts.swap_recovery_code")
    found = RecoveryCode.objects.filter(user_id=user_id, code_hash=_hash(code))
    if not pause_point("accounts.compare_recovery_code"):
        found = found.filter(used_at=None)
    return found.update(used_at=utc_now()) == 1


def new_recovery_codes(*, user_id: UUID) -> tuple[str, ...]:
    """In place of the old set, inside the caller's transaction. Only their hashes are kept."""
    made = tuple(
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4)) for _ in range(_RECOVERY_CODES)
    )
    RecoveryCode.objects.filter(user_id=user_id).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(user_id=user_id, code_hash=_hash(code)) for code in made)
    return made


def _hash(code: str) -> str:
    """However it was typed: in capitals, with spaces, without dashes."""
    return hashlib.sha256("".join(code.lower().replace("-", "").split()).encode()).hexdigest()
