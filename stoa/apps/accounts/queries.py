"""Reads of accounts. Nobody sees another's e-mail through these."""

from typing import Any
from uuid import UUID

from django.db import connection

from stoa.apps.accounts.contracts import Profile, SessionView
from stoa.apps.accounts.models import Session, User
from stoa.kit.clock import utc_now
from stoa.kit.errors import Unauthenticated
from stoa.platform.db.written_list import WrittenList
from stoa.platform.http.contracts import Caller
from stoa.platform.http.pages import Page, PageQuery, written_page
from stoa.runtime.config.current import settings
from stoa.runtime.tokens import read_access_token


def user_by_login(login: str) -> User | None:
    """By canonical e-mail or handle; a handle has no @ and an e-mail has one."""
    if "@" in login:
        return User.objects.filter(email=login).first()
    return User.objects.filter(handle=login).first()


def profile_of(user: User) -> Profile:
    return Profile(
        id=user.pk,
        email=user.email,
        handle=user.handle,
        name=user.name,
        is_staff=user.is_staff,
        created_at=user.created_at,
    )


def own_user(user_id: UUID) -> User:
    """One query."""
    return User.objects.get(pk=user_id)


_OWN_SESSIONS = WrittenList(
    model=Session,
    columns=("id", "created_at", "last_used_at", "expires_at", "agent", "address"),
    where="user_id = %(user_id)s AND revoked_at IS NULL AND expires_at > %(now)s",
    given={"user_id": "id", "now": "expires_at"},
    order=("-created_at", "-id"),
)


def session_page(caller: Caller, query: PageQuery, *, route: str) -> Page:
    """The caller's live sessions, newest first. One query."""

    def shape(row: tuple[Any, ...]) -> SessionView:
        session_id, created_at, last_used_at, expires_at, agent, address = row
        return SessionView(
            id=session_id,
            created_at=created_at,
            last_used_at=last_used_at,
            expires_at=expires_at,
            agent=agent,
            address=address,
            current=session_id == caller.session_id,
        )

    return written_page(_OWN_SESSIONS, {"user_id": caller.user_id, "now": utc_now()}, query, route=route, shape=shape)


def groups_of_person(user_id: UUID) -> frozenset[str]:
    """Names of the groups a person was put in, in the admin. One query."""
    return frozenset(User.groups.through.objects.filter(user_id=user_id).values_list("group__name", flat=True))


# Written out because every signed-in request runs it: compiling it through the ORM costs more than PostgreSQL takes.
_LIVE_CALLER = """
SELECT person.is_staff, person.is_superuser, person.is_demo
FROM accounts_session AS session JOIN accounts_user AS person ON person.id = session.user_id
WHERE session.id = %s AND session.user_id = %s AND session.revoked_at IS NULL AND session.expires_at > %s
  AND person.is_active
"""


def caller_of_token(access_token: str) -> Caller:
    """The authenticator port: one query joins session and user, so that signing out or disabling a person works on
    the next request. Raises Unauthenticated."""
    claims = read_access_token(access_token)
    as_id, as_time = Session._meta.get_field("id"), Session._meta.get_field("expires_at")
    with connection.cursor() as cursor:
        cursor.execute(
            _LIVE_CALLER,
            [
                as_id.get_db_prep_value(claims.session_id, connection),
                as_id.get_db_prep_value(claims.user_id, connection),
                as_time.get_db_prep_value(utc_now(), connection),
            ],
        )
        row = cursor.fetchone()
    if row is None:
        raise Unauthenticated
    is_staff, is_superuser, is_demo = map(bool, row)  # SQLite has no booleans
    if is_demo and not settings().demo_data:
        raise Unauthenticated
    return Caller(user_id=claims.user_id, session_id=claims.session_id, is_staff=is_staff, is_superuser=is_superuser)
