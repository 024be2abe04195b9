"""Signing in through a provider: whose account it is, and the one-time code that carries it to the app."""

import secrets
from datetime import timedelta

from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError

from stoa.apps.accounts.contracts import SignedIn
from stoa.apps.accounts.domain import SocialIdentity, secret_hash
from stoa.apps.accounts.errors import (
    BadCredentials,
    EmailTaken,
    HandleTaken,
    SocialAccountRefused,
    SocialCodeRefused,
    SocialEmailNotVerified,
)
from stoa.apps.accounts.models import SocialCode, User
from stoa.apps.accounts.services.people import insert_person
from stoa.apps.accounts.services.sessions import Device, finish_sign_in, may_sign_in, sign_in_failed
from stoa.kit.clock import utc_now
from stoa.kit.email import canonical_email
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.runtime.pause_points import pause_point

CODE_LIFE = timedelta(seconds=60)
_TRIES = 3


def arrive(*, identity: SocialIdentity) -> str:
    """The one-time code of whoever the provider says it is: the account linked before, else the one whose verified
    e-mail is theirs (linked now), else a new one. Of two first arrivals at once the unique indexes choose one; the
    other looks again.

    Raises SocialEmailNotVerified and SocialAccountRefused; then nothing but a line on the audit trail is written."""
    for left in reversed(range(_TRIES)):
        try:
            with transaction():
                return _code_for(_person_of(identity), identity)
        except (EmailTaken, HandleTaken, IntegrityError):
            if pause_point("accounts.social_again") or not left:
                raise
        except (SocialEmailNotVerified, SocialAccountRefused):
            sign_in_failed(user=None, login=identity.email, way=f"social:{identity.provider}")
            raise
    raise AssertionError


def exchange(*, code: str, device: Device) -> SignedIn:
    """Spend a code, then sign in. Killed between the two, the person begins again: better than a code that works twice.

    Raises SocialCodeRefused for one unknown, spent or older than a minute, and of somebody who may not sign in (any
    more); MfaRequired."""
    with transaction():
        found = SocialCode.objects.select_related("user").filter(code_hash=secret_hash(code), expires_at__gt=utc_now())
        row = found.first()
        pause_point("accounts.social_code_read")
        if row is None or not _spend(row):
            raise SocialCodeRefused
    try:
        return finish_sign_in(user=row.user, device=device, way=f"social:{row.provider}")
    except BadCredentials:
        raise SocialCodeRefused from None


def forget_old_codes(*, limit: int) -> int:
    """Delete up to `limit` codes that nobody spent in time; returns how many."""
    old = SocialCode.objects.filter(expires_at__lt=utc_now()).order_by("expires_at")
    return SocialCode.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()[0]


def _person_of(identity: SocialIdentity) -> User:
    """Locks the person's row."""
    people = User.objects.select_for_update(no_key=True)
    link = SocialAccount.objects.filter(provider=identity.provider, uid=identity.uid).first()
    if link is not None:
        user = people.get(pk=link.user_id)
        if not may_sign_in(user=user):
            raise SocialAccountRefused
        return user
    if not identity.email_verified:
        raise SocialEmailNotVerified
    found = people.filter(email=canonical_email(identity.email)).first()
    pause_point("accounts.social_person_read")
    if found is None:
        found = _join(identity)
    else:
        # Anybody may have registered this address without reading it: then a link would give them this person's way in.
        if found.email_verified_at is None:
            raise SocialEmailNotVerified
        if not may_sign_in(user=found):
            raise SocialAccountRefused
        _record("accounts.social_linked", found, identity, Severity.NOTICE)
    # Nothing of what the provider told is kept: it is personal, and nobody asks for it.
    SocialAccount.objects.create(user=found, provider=identity.provider, uid=identity.uid, extra_data={})
    return found


def _join(identity: SocialIdentity) -> User:
    user = User(email=canonical_email(identity.email), name=identity.name or "New member", email_verified_at=utc_now())
    user.set_unusable_password()
    insert_person(user=user, chosen=False)
    _record("accounts.registered", user, identity, Severity.INFO)
    return user


def _code_for(user: User, identity: SocialIdentity) -> str:
    code = secrets.token_urlsafe(32)
    SocialCode.objects.create(
        user=user, provider=identity.provider, code_hash=secret_hash(code), expires_at=utc_now() + CODE_LIFE
    )
    return code


def _spend(row: SocialCode) -> bool:
    """Of two at once one deletes the row."""
    if pause_point("accounts.spend_social_code"):
        return True
    return SocialCode.objects.filter(pk=row.pk).delete()[0] == 1


def _record(action: str, user: User, identity: SocialIdentity, severity: Severity) -> None:
    way = {"way": f"social:{identity.provider}"}
    record(action=action, object_type="user", object_id=user.pk, actor_id=user.pk, after=way, severity=severity)
