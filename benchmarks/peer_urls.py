"""The peers' routes: Django's own answer, a plain view with the same SQL, DRF as its tutorial shows it."""

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from rest_framework import authentication, exceptions, generics, pagination, permissions, serializers, throttling

from stoa.apps.accounts.models import Session
from stoa.kit.clock import utc_now
from stoa.runtime.tokens import read_access_token

_WHO = """SELECT u.is_staff, u.is_superuser, u.is_demo FROM accounts_session s
JOIN accounts_user u ON u.id = s.user_id
WHERE s.revoked_at IS NULL AND s.expires_at > %s AND u.is_active AND s.id = %s AND s.user_id = %s LIMIT 1"""
_LIST = """SELECT s.id, s.user_id, s.refresh_hash, s.family_hash, s.agent, s.address, s.created_at, s.last_used_at,
s.expires_at, s.revoked_at FROM accounts_session s JOIN accounts_user u ON u.id = s.user_id
WHERE s.revoked_at IS NULL AND s.expires_at > %s AND u.is_active AND s.user_id = %s
ORDER BY s.created_at DESC, s.id DESC LIMIT 21"""


def hello(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "healthy"})


def plain(request: HttpRequest) -> HttpResponse:
    """The same two statements through a cursor, and nothing else: no limits, no envelope, no schema, no log."""
    claims = read_access_token(request.headers["Authorization"].removeprefix("Bearer "))
    now = utc_now()
    with connection.cursor() as cursor:
        cursor.execute(_WHO, [now, claims.session_id, claims.user_id])
        if cursor.fetchone() is None:
            return HttpResponse(status=401)
        cursor.execute(_LIST, [now, claims.user_id])
        rows = cursor.fetchall()[:20]
    return JsonResponse(
        {
            "results": [
                {"id": r[0], "agent": r[4], "address": r[5], "created_at": r[6], "expires_at": r[8]} for r in rows
            ]
        }
    )


class TokenUser(authentication.BaseAuthentication):
    def authenticate(self, request):
        claims = read_access_token(request.headers["Authorization"].removeprefix("Bearer "))
        session = Session.objects.select_related("user").filter(pk=claims.session_id, revoked_at=None).first()
        if session is None:
            raise exceptions.AuthenticationFailed
        return session.user, session


class SessionSerializer(serializers.ModelSerializer):
    """The same seven fields as Stoa's own list."""

    current = serializers.SerializerMethodField()

    class Meta:
        model = Session
        fields = ("id", "created_at", "last_used_at", "expires_at", "agent", "address", "current")

    def get_current(self, session: Session) -> bool:
        return session.pk == self.context["request"].auth.pk


class Throttle(throttling.UserRateThrottle):
    rate = "1000000/min"


class ByCreation(pagination.CursorPagination):
    ordering = ("-created_at", "-id")
    page_size = 20


class SessionList(generics.ListAPIView):
    """DRF as its tutorial shows it, limited by its own throttle as Stoa's route is by ours."""

    authentication_classes = (TokenUser,)
    permission_classes = (permissions.IsAuthenticated,)
    serializer_class = SessionSerializer
    pagination_class = ByCreation
    throttle_classes = (Throttle,)

    def get_queryset(self):
        return Session.objects.filter(user=self.request.user, revoked_at=None, expires_at__gt=utc_now())


urlpatterns = [path("health", hello), path("plain", plain), path("drf", SessionList.as_view())]
