"""The second step of a sign-in: what asks for it, and what answers it."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.db.models import F, QuerySet

from stoa.apps.accounts.domain import secret_hash
from stoa.apps.accounts.errors import BadCredentials, MfaRefused, MfaRequired
from stoa.apps.accounts.models import SecondStep, User
from stoa.apps.accounts.queries import has_authenticator
from stoa.apps.accounts.services.codes import accept_recovery_code, accept_totp
from stoa.apps.accounts.services.lockout import Attempt, count_attempt, forgive, take_back
from stoa.kit.clock import utc_now
from stoa.kit.ids import parse_id
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.runtime.pause_points import pause_point

LIFETIME = timedelta(minutes=5)
TRIES = 5


def ask_second_step(*, user: User, way: str, attempt: Attempt | None) -> None:
    """Nothing for somebody without an authenticator. Else raises MfaRequired, whose token a row remembers: call it
    outside a transaction, or the row goes with it. Takes the attempt back; what was guessed before stays counted, or
    who knows the password could guess codes for ever.

    Locks the person's row: a password changed since it was checked voided the steps there were, and would not have seen
    this one. Raises BadCredentials then."""
    if not has_authenticator(user.pk):
        return
    secret = secrets.token_urlsafe(32)
    step = SecondStep(user=user, token_hash=secret_hash(secret), way=way, expires_at=utc_now() + LIFETIME)
    pause_point("accounts.before_second_step")
    with transaction():
        current = User.objects.select_for_update(no_key=True).only("password").get(pk=user.pk)
        if current.password != user.password:
            raise BadCredentials
        take_back(attempt=attempt)
        step.save(force_insert=True)
        record(
            action="accounts.second_step_asked", object_type="user", object_id=user.pk, actor_id="", after={"way": way}
        )
    raise MfaRequired(details={"mfa_token": f"{step.pk}.{secret}"})


def answer_second_step[T](
    *, token: str, code: str, recovery_code: str, address: str, admitted: Callable[[User, str], T]
) -> T:
    """By the app's code, or by a recovery code where it is not empty. Calls `admitted` with the person and a word for
    the trail, in the transaction that spends token and code.

    Each try counts for the lockout and for the token, before it is looked at. Raises LockedOut, MfaRefused."""
    step = _named(token)
    attempt = count_attempt(user=step.user, login="", address=address, way="second_step")
    if not _valid(step.pk).filter(tries__lt=TRIES).update(tries=F("tries") + 1):
        take_back(attempt=attempt)
        raise MfaRefused
    with transaction():
        accepted = (
            accept_recovery_code(user_id=step.user_id, code=recovery_code)
            if recovery_code
            else accept_totp(user_id=step.user_id, code=code)
        )
        if accepted:
            _spend(step.pk)
            result = admitted(step.user, f"{step.way}+{'recovery_code' if recovery_code else 'totp'}")
            forgive(user=step.user, address=address, attempt=attempt)
            return result
        record(
            action="accounts.second_step_failed",
            object_type="user",
            object_id=step.user_id,
            actor_id="",
            after={"way": step.way},
            severity=Severity.WARNING,
        )
    raise MfaRefused


def forget_old_steps(*, limit: int) -> int:
    """Delete up to `limit` that expired, oldest first; returns how many."""
    old = SecondStep.objects.filter(expires_at__lte=utc_now()).order_by("expires_at")
    return SecondStep.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()[0]


def _named(token: str) -> SecondStep:
    number, _, secret = token.partition(".")
    step_id = parse_id(number)
    step = _valid(step_id).select_related("user").filter(token_hash=secret_hash(secret)).first() if step_id else None
    if step is None:
        raise MfaRefused
    return step


def _valid(step_id: UUID) -> QuerySet[SecondStep]:
    return SecondStep.objects.filter(pk=step_id, spent_at=None, expires_at__gt=utc_now())


def _spend(step_id: UUID) -> None:
    """Compare-and-set: of two answers at once one goes on, and the other's code is not spent."""
    pause_point("accounts.swap_second_step")
    step = SecondStep.objects.filter(pk=step_id)
    if not pause_point("accounts.compare_second_step"):
        step = step.filter(spent_at=None)
    if not step.update(spent_at=utc_now()):
        raise MfaRefused
