"""Sessions, sign-in and messages for the admin's pages only.

The API signs in by bearer token: a cookie that came along must not matter there, nor cost anything."""

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from stoa.runtime import context

ADMIN = "/admin/"


class _AdminOnly(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(ADMIN):
            return super().__call__(request)  # type: ignore[return-value]  # as above
        return self.get_response(request)  # type: ignore[return-value]  # as above


class AdminSessions(_AdminOnly, SessionMiddleware):
    pass


class AdminAuthentication(_AdminOnly, AuthenticationMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        """Log lines and the audit trail say who it is, as of requests to the API."""
        super().process_request(request)
        if request.user.is_authenticated:
            context.update(user_id=str(request.user.pk))


class AdminMessages(_AdminOnly, MessageMiddleware):
    pass
