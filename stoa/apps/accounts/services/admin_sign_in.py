"""Signing in to the admin: Django's form and cookie, our rule of who may, our lockout and second step."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from stoa.apps.accounts.errors import BadCredentials
from stoa.apps.accounts.models import User
from stoa.apps.accounts.services.closing import admit
from stoa.apps.accounts.services.lockout import forgive
from stoa.apps.accounts.services.second_step import answer_second_step, ask_second_step
from stoa.apps.accounts.services.sessions import may_sign_in, prove_password, sign_in_failed, signed_in
from stoa.platform.db.transactions import transaction
from stoa.runtime.client_address import client_address
from stoa.runtime.config.current import settings

BACKEND = "stoa.apps.accounts.services.admin_sign_in.AdminSignIn"


class AdminSignIn(ModelBackend):
    """Named in AUTHENTICATION_BACKENDS. Asked at sign-in and again on every request of the admin, so that a demo
    account is out, cookie and all, as soon as demo data is off."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """As Django's, and either way on the audit trail. Nobody who is no staff, whose guess then counts as wrong.

        Raises LockedOut and MfaRequired, which Django's form lets through to `http.admin_sign_in`."""
        address, login = address_of(request=request), username or ""
        try:
            proven = prove_password(login=login, password=password or "", address=address, way="admin")
        except BadCredentials:
            return None
        user = proven.user
        if not user.is_staff:
            sign_in_failed(user=user, login=login, way="admin")
            return None
        ask_second_step(user=user, way="admin", attempt=proven.attempt)
        with transaction():
            _admit(user, "admin")
            forgive(user=user, address=address, attempt=proven.attempt)
        return user

    def get_user(self, user_id: Any) -> User | None:
        """Nobody who closed their account, until they sign in again."""
        user = super().get_user(user_id)
        return user if isinstance(user, User) and user.erase_at is None else None

    def user_can_authenticate(self, user: Any) -> bool:
        return isinstance(user, User) and may_sign_in(user=user)


def finish_in_admin(*, token: str, code: str, address: str) -> User:
    """The second step, on its own page: the code of the app, or a recovery code, which is longer.

    Raises LockedOut, MfaRefused, and BadCredentials for somebody who is no staff."""
    digits = "".join(code.split())
    is_of_app = digits.isdecimal() and len(digits) <= 8
    return answer_second_step(
        token=token,
        code=code if is_of_app else "",
        recovery_code="" if is_of_app else code,
        address=address,
        admitted=_admit,
    )


def address_of(*, request: HttpRequest | None) -> str:
    """As the API's: behind a proxy only what TRUSTED_PROXY_COUNT believes."""
    if request is None:
        return ""
    seen = request.META.get("stoa.client_address")
    return str(seen) if seen else client_address(request.META, settings().trusted_proxy_count)


def _admit(user: User, way: str) -> User:
    if not user.is_staff or not may_sign_in(user=user):
        raise BadCredentials
    admit(user=user)
    signed_in(user=user, way=way)
    return user
