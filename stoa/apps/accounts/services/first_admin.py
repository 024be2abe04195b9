"""The first person who may use the admin, and the groups that staff are put into."""

import secrets
from dataclasses import dataclass

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError

from stoa.apps.accounts.errors import EmailTaken
from stoa.apps.accounts.models import User
from stoa.apps.accounts.services.people import check_new_password
from stoa.kit.email import canonical_email
from stoa.kit.errors import Invalid
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction

STAFF_GROUPS = ("moderation_team", "support")


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """`generated` is a password nobody chose, to be shown once; empty where one was given or the account was there."""

    email: str
    created: bool
    generated: str = ""


def ensure_admin(*, email: str, password: str | None) -> FirstAdmin:
    """Make a superuser of this e-mail, and the staff groups. Idempotent.

    An account that is there already becomes a superuser and keeps its password: whoever starts this twice, or with a
    stranger's address, must not take an account over. Raises Invalid (email, password), EmailTaken (made meanwhile)."""
    canonical = _checked_email(email)
    ensure_groups()
    with transaction():
        known = User.objects.select_for_update().filter(email=canonical).first()
        if known is not None:
            _promote(known)
            return FirstAdmin(canonical, created=False)
    chosen = password or secrets.token_urlsafe(18)
    check_new_password(password=chosen, user=User(email=canonical))
    try:
        with transaction():
            made = User.objects.create_superuser(canonical, chosen, name="Administrator")
            _tell("accounts.admin_made", made)
    except IntegrityError:
        raise EmailTaken from None
    return FirstAdmin(canonical, created=True, generated="" if password else chosen)


def ensure_groups() -> None:
    for name in STAFF_GROUPS:
        Group.objects.get_or_create(name=name)


def _promote(user: User) -> None:
    if user.is_staff and user.is_superuser and user.is_active:
        return
    user.is_staff = user.is_superuser = user.is_active = True
    user.version += 1
    user.save(update_fields=["is_staff", "is_superuser", "is_active", "version"])
    _tell("accounts.admin_promoted", user)


def _tell(action: str, user: User) -> None:
    record(action=action, object_type="user", object_id=user.pk, actor_id="", severity=Severity.WARNING)


def _checked_email(email: str) -> str:
    canonical = canonical_email(email)
    try:
        validate_email(canonical)
    except ValidationError:
        raise Invalid({"email": ["not an e-mail address"]}) from None
    return canonical
