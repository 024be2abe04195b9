"""An authenticator app and recovery codes: adding, confirming, renewing, removing."""

from uuid import UUID

import pyotp

from stoa.apps.accounts.contracts import MfaState, RecoveryCodes, TotpEnrolment
from stoa.apps.accounts.errors import TotpOff, TotpOn, WrongCode, WrongPassword
from stoa.apps.accounts.models import RecoveryCode, SecondStep, TotpDevice, User
from stoa.apps.accounts.queries import mfa_state
from stoa.apps.accounts.services.codes import new_recovery_codes, step_of
from stoa.apps.accounts.services.own_password import prove_own_password
from stoa.apps.accounts.services.sessions import sign_in_failed
from stoa.kit.clock import utc_now
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction

ISSUER = "Stoa"


def enrol_totp(*, user_id: UUID, password: str, address: str) -> TotpEnrolment:
    """A new secret, in place of one that was never confirmed; asked at sign-in only once it is confirmed.

    Locks the person's row. Raises LockedOut, WrongPassword, TotpOn."""
    encoded = _show_password(user_id, password, address)
    secret = pyotp.random_base32()
    with transaction():
        user = _locked(user_id, encoded)
        if TotpDevice.objects.filter(user_id=user_id, confirmed_at__isnull=False).exists():
            raise TotpOn
        TotpDevice.objects.filter(user_id=user_id).delete()
        TotpDevice(user=user, secret=secret).save(force_insert=True)
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)
    return TotpEnrolment(secret=secret, otpauth_uri=uri)


def confirm_totp(*, user_id: UUID, code: str) -> RecoveryCodes:
    """From now on signing in asks for it. The code is spent by this. Locks the person's row; audited.

    Raises TotpOff where nothing was enrolled, TotpOn, WrongCode."""
    with transaction():
        User.objects.select_for_update().only("pk").get(pk=user_id)
        device = TotpDevice.objects.filter(user_id=user_id).first()
        if device is None:
            raise TotpOff
        if device.confirmed_at is not None:
            raise TotpOn
        step = step_of(secret=device.secret, code=code)
        if step is None:
            raise WrongCode
        TotpDevice.objects.filter(pk=device.pk).update(confirmed_at=utc_now(), last_step=step)
        codes = new_recovery_codes(user_id=user_id)
        _tell("accounts.totp_added", user_id)
    return RecoveryCodes(recovery_codes=codes)


def remove_totp(*, user_id: UUID, password: str, address: str) -> MfaState:
    """With its recovery codes and every sign-in that waits for one. Without any it is done already.

    Locks the person's row; audited. Raises LockedOut, WrongPassword."""
    encoded = _show_password(user_id, password, address)
    with transaction():
        _locked(user_id, encoded)
        RecoveryCode.objects.filter(user_id=user_id).delete()
        SecondStep.objects.filter(user_id=user_id).delete()
        if TotpDevice.objects.filter(user_id=user_id).delete()[0]:
            _tell("accounts.totp_removed", user_id)
    return mfa_state(user_id)


def renew_recovery_codes(*, user_id: UUID, password: str, address: str) -> RecoveryCodes:
    """A new set; the old one works no more. Locks the person's row; audited. Raises LockedOut, WrongPassword, TotpOff."""
    encoded = _show_password(user_id, password, address)
    with transaction():
        _locked(user_id, encoded)
        if not TotpDevice.objects.filter(user_id=user_id, confirmed_at__isnull=False).exists():
            raise TotpOff
        codes = new_recovery_codes(user_id=user_id)
        _tell("accounts.recovery_codes_renewed", user_id)
    return RecoveryCodes(recovery_codes=codes)


def _show_password(user_id: UUID, password: str, address: str) -> str:
    """Returns the hash it was checked against; a wrong one is on the trail."""
    try:
        return prove_own_password(user_id=user_id, password=password, address=address, way="mfa").password
    except WrongPassword:
        sign_in_failed(user=User.objects.get(pk=user_id), login="", way="mfa")
        raise


def _locked(user_id: UUID, encoded: str) -> User:
    user = User.objects.select_for_update().get(pk=user_id)
    if user.password != encoded:
        raise WrongPassword  # changed meanwhile: by whoever has the account now
    return user


def _tell(action: str, user_id: UUID) -> None:
    record(action=action, object_type="user", object_id=user_id, actor_id=user_id, severity=Severity.NOTICE)
