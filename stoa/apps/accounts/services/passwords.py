"""Changing a password one knows, and setting one anew by mail."""

from uuid import UUID

from django.contrib.auth.hashers import make_password

from stoa.apps.accounts.errors import TokenRefused, WrongPassword
from stoa.apps.accounts.models import Errand, SecondStep, Session, User
from stoa.apps.accounts.services.ending import end_sessions
from stoa.apps.accounts.services.mailed_secrets import ask_secret, find_secret, spend_secret, void_secrets
from stoa.apps.accounts.services.own_password import prove_own_password
from stoa.apps.accounts.services.people import check_new_password
from stoa.apps.accounts.services.sessions import may_sign_in
from stoa.kit.clock import utc_now
from stoa.kit.email import canonical_email
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.runtime.pause_points import pause_point


def change_password(*, user_id: UUID, session_id: UUID | None, old: str, new: str, address: str) -> int:
    """Ends all other sessions, and resets that were asked for; returns how many sessions. Locks the person's row, then
    the sessions. Publishes SessionsEnded; audited.

    A wrong one counts for the lockout, or a stolen access token could guess it. Raises WrongPassword, LockedOut, Invalid
    (new_password)."""
    user = prove_own_password(user_id=user_id, password=old, address=address, way="change")
    check_new_password(password=new, user=user)
    encoded = make_password(new)  # argon2, twice: before the transaction
    with transaction():
        current = User.objects.select_for_update().get(pk=user_id)
        if not pause_point("accounts.compare_password") and current.password != user.password:
            raise WrongPassword  # changed meanwhile: by whoever has the account now
        return _set_password(current, encoded, action="accounts.password_changed", kept=session_id)


def ask_reset(*, email: str) -> None:
    """The same work and answer for an address that is nobody's. Publishes SecretAsked; audited either way."""
    user = User.objects.filter(email=canonical_email(email)).first()
    known = user if user is not None and may_sign_in(user=user) else None
    with transaction():
        ask_secret(user=known, errand=Errand.RESET_PASSWORD)
        record(
            action="accounts.password_reset_asked",
            object_type="user",
            object_id=known.pk if known is not None else "",
            actor_id="",
        )


def reset_password(*, token: str, new: str) -> int:
    """Once a token. Ends all sessions; returns how many. Whoever reads the mail has shown the address to be theirs.

    Lockouts stay as they are: they end by themselves, and a reset must not buy a guesser more tries. Publishes
    SessionsEnded; audited. Locks the person's row, then the sessions. A password that is refused leaves the token as it was. Raises TokenRefused, Invalid."""
    row, person = find_secret(token=token, errand=Errand.RESET_PASSWORD)
    pause_point("accounts.secret_found")
    if not may_sign_in(user=person):
        raise TokenRefused
    check_new_password(password=new, user=person)
    encoded = make_password(new)
    with transaction():
        user = User.objects.select_for_update().get(pk=person.pk)
        spend_secret(row=row, user=user)
        user.email_verified_at = user.email_verified_at or utc_now()
        ended = _set_password(user, encoded, action="accounts.password_reset", kept=None)
        pause_point("accounts.before_reset_commit")
    return ended


def _set_password(user: User, encoded: str, *, action: str, kept: UUID | None) -> int:
    user.password = encoded
    user.save(update_fields=["password", "email_verified_at"])
    for errand in (Errand.RESET_PASSWORD, Errand.CHANGE_EMAIL):
        void_secrets(user_id=user.pk, errand=errand)
    # A sign-in that waits for its second step began with the old password.
    SecondStep.objects.filter(user_id=user.pk, spent_at=None).update(spent_at=utc_now())
    others = Session.objects.all() if kept is None else Session.objects.exclude(pk=kept)
    ended = len(end_sessions(user_id=user.pk, sessions=others))
    record(
        action=action,
        object_type="user",
        object_id=user.pk,
        actor_id=user.pk,
        after={"sessions_ended": ended},
        severity=Severity.NOTICE,
    )
    return ended
