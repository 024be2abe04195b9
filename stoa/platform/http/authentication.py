"""Bearer tokens, through the authenticator port."""

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from stoa.kit.errors import Unauthenticated
from stoa.platform.http.contracts import Caller
from stoa.platform.http.public import authenticate
from stoa.runtime import context

_LONGEST = 4096


class BearerAuthentication(BaseAuthentication):
    """No cookie and no session: an API that browsers' ambient credentials cannot reach needs no CSRF token."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Caller] | None:
        """None without an Authorization header. Raises Unauthenticated for anything but a valid bearer token."""
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > _LONGEST or not token.isascii():
            raise Unauthenticated
        caller = authenticate(token.strip(), request.META.get("stoa.org_asked"))
        context.update(user_id=str(caller.user_id))
        return AnonymousUser(), caller

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
