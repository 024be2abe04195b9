"""Signing in to the admin: Django's form and cookie, our rule of who may."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from stoa.apps.accounts.domain import canonical_email
from stoa.apps.accounts.models import User
from stoa.apps.accounts.queries import user_by_login
from stoa.apps.accounts.services.sessions import may_sign_in, sign_in_failed, signed_in
from stoa.platform.db.transactions import transaction


class AdminSignIn(ModelBackend):
    """Named in AUTHENTICATION_BACKENDS. Asked at sign-in and again on every request of the admin, so that a demo
    account is out, cookie and all, as soon as demo data is off."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """As Django's, and either way on the audit trail."""
        user = super().authenticate(request, username=username, password=password, **kwargs)
        if isinstance(user, User):
            with transaction():
                signed_in(user=user, way="admin")
            return user
        login = canonical_email(username or "")
        sign_in_failed(user=user_by_login(login), login=login, way="admin")
        return None

    def user_can_authenticate(self, user: Any) -> bool:
        return isinstance(user, User) and may_sign_in(user=user)
