"""Signing in to the admin: Django's form and cookie, our rule of who may."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from stoa.apps.accounts.models import User
from stoa.apps.accounts.services.sessions import may_sign_in


class AdminSignIn(ModelBackend):
    """Named in AUTHENTICATION_BACKENDS. Asked at sign-in and again on every request of the admin, so that a demo
    account is out, cookie and all, as soon as demo data is off."""

    def user_can_authenticate(self, user: Any) -> bool:
        return isinstance(user, User) and may_sign_in(user=user)
