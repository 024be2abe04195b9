"""Showing that an e-mail is read by whoever registered it, and changing it."""

from uuid import UUID

from django.db import IntegrityError

from stoa.apps.accounts.errors import WrongPassword
from stoa.apps.accounts.events import EmailChanged, ProfileChanged
from stoa.apps.accounts.models import Errand, User
from stoa.apps.accounts.services.mailed_secrets import ask_secret, find_secret, spend_secret, void_secrets
from stoa.apps.accounts.services.own_password import prove_own_password
from stoa.apps.accounts.services.people import taken
from stoa.apps.accounts.services.sessions import may_sign_in
from stoa.kit.clock import utc_now
from stoa.kit.email import canonical_email
from stoa.kit.errors import Invalid
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.publishing import publish
from stoa.runtime.pause_points import pause_point


def ask_to_verify(*, user_id: UUID) -> None:
    """After registration. Publishes SecretAsked."""
    with transaction():
        user = User.objects.filter(pk=user_id, email_verified_at=None, is_active=True).first()
        if user is not None:
            ask_secret(user=user, errand=Errand.VERIFY_EMAIL)


def ask_again(*, email: str) -> None:
    """The same work and answer for an address that is nobody's or verified already. Publishes SecretAsked."""
    user = User.objects.filter(email=canonical_email(email)).first()
    waits = user is not None and user.email_verified_at is None and may_sign_in(user=user)
    with transaction():
        ask_secret(user=user if waits else None, errand=Errand.VERIFY_EMAIL)


def verify_email(*, token: str) -> None:
    """Once a token. Locks the person's row; audited. Raises TokenRefused."""
    row, person = find_secret(token=token, errand=Errand.VERIFY_EMAIL)
    with transaction():
        user = User.objects.select_for_update().get(pk=person.pk)
        spend_secret(row=row, user=user)
        user.email_verified_at = utc_now()
        user.save(update_fields=["email_verified_at"])
        record(action="accounts.email_verified", object_type="user", object_id=user.pk, actor_id=user.pk)


def ask_to_change(*, user_id: UUID, password: str, new_email: str, address: str) -> None:
    """A token goes to the new address, and before it a notice to the old one. An earlier wish is void. The same answer
    for an address that somebody has already. Locks the person's row. Publishes SecretAsked; audited.

    Raises WrongPassword, LockedOut, Invalid (email)."""
    wanted = canonical_email(new_email)
    user = prove_own_password(user_id=user_id, password=password, address=address, way="change_email")
    if wanted == user.email:
        raise Invalid({"email": ["this is the address already"]})
    with transaction():
        current = User.objects.select_for_update(no_key=True).get(pk=user_id)
        if current.password != user.password:
            raise WrongPassword  # changed meanwhile: by whoever has the account now
        void_secrets(user_id=user_id, errand=Errand.CHANGE_EMAIL)
        ask_secret(user=current, errand=Errand.CHANGE_EMAIL, new_email=wanted)
        record(
            action="accounts.email_change_asked",
            object_type="user",
            object_id=user_id,
            actor_id=user_id,
            severity=Severity.NOTICE,
        )


def change_email(*, token: str) -> None:
    """Once a token: whoever shows it reads the new address. Mails asked for at the old one are void, and so are codes;
    sessions stay. Locks the person's row; audited. Publishes EmailChanged, ProfileChanged.

    Raises TokenRefused, EmailTaken: then the token is unspent."""
    row, person = find_secret(token=token, errand=Errand.CHANGE_EMAIL)
    pause_point("accounts.change_found")
    with transaction():
        user = User.objects.select_for_update().get(pk=person.pk)
        spend_secret(row=row, user=user)
        user.email = row.new_email or ""
        user.email_verified_at = utc_now()
        user.version += 1
        try:
            user.save(update_fields=["email", "email_verified_at", "version"])
        except IntegrityError as error:
            raise taken(error=error) from None
        for errand in Errand:
            void_secrets(user_id=user.pk, errand=errand)
        record(
            action="accounts.email_changed",
            object_type="user",
            object_id=user.pk,
            actor_id=user.pk,
            severity=Severity.NOTICE,
        )
        publish(EmailChanged(user_id=user.pk))
        publish(ProfileChanged(user_id=user.pk, row_version=user.version))
        pause_point("accounts.before_email_commit")
