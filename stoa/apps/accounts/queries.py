"""Reads of accounts. Nobody sees another's e-mail through these."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, time
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from stoa.apps.accounts.contracts import (
    Birth,
    BirthPlace,
    MfaState,
    OwnProfile,
    PersonSettings,
    PersonSummary,
    PersonView,
    Profile,
    PushDeviceView,
    QuietHours,
    SessionView,
)
from stoa.apps.accounts.domain import search_key
from stoa.apps.accounts.models import PushDevice, RecoveryCode, Session, TotpDevice, User
from stoa.kit.clock import utc_now
from stoa.kit.cursors import Position
from stoa.kit.email import canonical_email
from stoa.kit.errors import Missing, Unauthenticated
from stoa.kit.ids import parse_id
from stoa.platform.audit.queries import Filters, acts, view_of
from stoa.platform.db.keyset import BadPosition, Slice, slice_of
from stoa.platform.db.written_list import WrittenList
from stoa.platform.http.contracts import Caller
from stoa.platform.http.pages import Page, PageQuery, written_page
from stoa.platform.realtime.contracts import SessionAsked
from stoa.runtime.config.current import settings
from stoa.runtime.tokens import read_access_token

_OF_SIGN_IN = (
    "email",
    "email_verified_at",
    "phone",
    "phone_verified_at",
    "handle",
    "name",
    "password",
    "is_active",
    "is_staff",
    "is_superuser",
    "is_demo",
    "created_at",
)


def user_by_login(login: str) -> User | None:
    """By canonical e-mail or handle; a handle has no @ and an e-mail has one. With the columns that signing in reads.

    Written out: behind Argon2, which empties the processor's caches, compiling a query costs a millisecond."""
    column = "email" if "@" in login else "handle"
    found = User.objects.raw(f"SELECT id, {', '.join(_OF_SIGN_IN)} FROM accounts_user WHERE {column} = %s", [login])
    return next(iter(found), None)


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


def has_authenticator(user_id: UUID) -> bool:
    """A confirmed one. Written out for the reason of `user_by_login`."""
    as_id = TotpDevice._meta.get_field("id")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM accounts_totp_device WHERE user_id = %s AND confirmed_at IS NOT NULL",
            [as_id.get_db_prep_value(user_id, connection)],
        )
        return cursor.fetchone() is not None


def mfa_state(user_id: UUID) -> MfaState:
    """Two queries."""
    since = TotpDevice.objects.filter(user_id=user_id).values_list("confirmed_at", flat=True).first()
    left = RecoveryCode.objects.filter(user_id=user_id, used_at=None).count()
    return MfaState(totp=since is not None, totp_since=since, recovery_codes_left=left)


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
    return frozenset(User.groups.through._default_manager.filter(user_id=user_id).values_list("group__name", flat=True))


# Written out because every signed-in request runs it: compiling it through the ORM costs more than PostgreSQL takes.
_LIVE_CALLER = """
SELECT person.is_staff, person.is_superuser, person.is_demo, person.staff_permissions {columns}
FROM accounts_session AS session JOIN accounts_user AS person ON person.id = session.user_id {joins}
WHERE session.id = %s AND session.user_id = %s AND session.revoked_at IS NULL AND session.expires_at > %s
  AND person.is_active {limit}
"""
_ALONE = _LIVE_CALLER.format(columns="", joins="", limit="")


def caller_of_token(access_token: str) -> Caller:
    """One query joins session and user, so that signing out or disabling a person works on the next request.

    Raises Unauthenticated."""
    return _read_caller(access_token, _ALONE, ())[0]


@dataclass(frozen=True)
class CallerJoin:
    """What an app above joins to the row of the live session: SQL on `person`, and as many rows as it wants at most."""

    columns: str
    joins: str
    rows: int

    @cached_property
    def statement(self) -> str:
        return _LIVE_CALLER.format(columns=f", {self.columns}", joins=self.joins, limit=f"LIMIT {self.rows}")


def caller_with(access_token: str, join: CallerJoin, values: Sequence[Any]) -> tuple[Caller, list[tuple[Any, ...]]]:
    """The caller, and the joined columns of each row, in the same one query. Raises Unauthenticated."""
    return _read_caller(access_token, join.statement, values)


def _read_caller(access_token: str, statement: str, values: Sequence[Any]) -> tuple[Caller, list[tuple[Any, ...]]]:
    claims = read_access_token(access_token)
    as_id, as_time = Session._meta.get_field("id"), Session._meta.get_field("expires_at")
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            [
                *values,
                as_id.get_db_prep_value(claims.session_id, connection),
                as_id.get_db_prep_value(claims.user_id, connection),
                as_time.get_db_prep_value(utc_now(), connection),
            ],
        )
        rows = cursor.fetchall()
    if not rows:
        raise Unauthenticated
    is_staff, is_superuser, is_demo = map(bool, rows[0][:3])  # SQLite has no booleans
    if is_demo and not settings().demo_data:
        raise Unauthenticated
    granted = rows[0][3] if is_staff and not is_superuser else "[]"
    caller = Caller(
        user_id=claims.user_id,
        session_id=claims.session_id,
        access_ends_at=claims.expires_at,
        is_staff=is_staff,
        is_superuser=is_superuser,
        staff_permissions=frozenset(orjson.loads(granted) if isinstance(granted, str) else granted),
    )
    return caller, [row[4:] for row in rows]


def live_sessions(asked: Sequence[SessionAsked]) -> frozenset[SessionAsked]:
    """realtime's LiveSessions. One query."""
    rows = Session.objects.live(utc_now()).filter(pk__in=[one.session_id for one in asked])
    if not settings().demo_data:
        rows = rows.filter(user__is_demo=False)
    alive = set(rows.values_list("user_id", "pk"))
    return frozenset(one for one in asked if (one.user_id, one.session_id) in alive)


def people_named(user_ids: Collection[UUID]) -> dict[UUID, PersonSummary]:
    """Handle and name of each that there is. One query."""
    rows = User.objects.filter(pk__in=user_ids).values_list("pk", "handle", "name")
    return {pk: PersonSummary(id=pk, handle=handle, name=name) for pk, handle, name in rows}


def user_id_of(login: str) -> UUID | None:
    """By e-mail or handle, for a caller who was told it by its owner or by somebody who invites them; never for a list."""
    known = {"email": canonical_email(login)} if "@" in login else {"handle": login.lower()}
    return User.objects.filter(**known).values_list("pk", flat=True).first()


def email_of(user_id: UUID) -> str:
    """One query. Raises Missing."""
    found = User.objects.filter(pk=user_id, is_active=True).values_list("email", flat=True).first()
    if found is None:
        raise Missing
    return found


def own_profile_of(user: User) -> OwnProfile:
    """Decrypts phone and birth data. No query."""
    return OwnProfile(
        **asdict(profile_of(user)),
        bio=user.bio,
        locale=user.locale,
        timezone=user.timezone,
        email_verified=user.email_verified_at is not None,
        phone=user.phone,
        phone_verified=user.phone_verified_at is not None,
        birth=_birth(user.birth),
        settings=PersonSettings(
            privacy=user.privacy,
            dm_policy=user.dm_policy,
            language=user.language,
            push_enabled=user.push_enabled,
            email_enabled=user.email_enabled,
            digest_enabled=user.digest_enabled,
            quiet_hours=_quiet_hours(user.quiet_from, user.quiet_until),
        ),
    )


def _birth(stored: Mapping[str, Any] | None) -> Birth | None:
    if stored is None:
        return None
    place = stored.get("place")
    return Birth(
        date=date.fromisoformat(stored["date"]),
        time=stored.get("time"),
        place=BirthPlace(**place) if place is not None else None,
    )


def _quiet_hours(start: time | None, end: time | None) -> QuietHours | None:
    if start is None or end is None:
        return None
    return QuietHours(start=f"{start:%H:%M}", end=f"{end:%H:%M}")


def person_view(caller: Caller, user_id: UUID) -> PersonView:
    """As the caller may see them. One query. Raises Missing for who is erased, and, but for themselves and staff, for
    who is disabled or has closed their account."""
    user = User.objects.filter(pk=user_id, erased_at=None).first()
    in_full = caller.user_id == user_id or _reads_people(caller)
    if user is None or not (in_full or (user.is_active and user.erase_at is None)):
        raise Missing
    return PersonView(
        id=user.pk,
        handle=user.handle,
        name=user.name,
        bio=user.bio,
        created_at=user.created_at,
        own=own_profile_of(user) if in_full else None,
    )


def _reads_people(caller: Caller) -> bool:
    return caller.is_staff and (caller.is_superuser or "people:read" in caller.staff_permissions)


class _PeopleFound:
    """Who has a handle or a name that begins so: two walks of an index, each of one page, merged by key and id.

    Whoever is found by both stands where the handle is."""

    order = ("key", "id")

    def read(
        self, values: Mapping[str, Any], *, limit: int, position: Position | None, backwards: bool = False
    ) -> Slice[tuple[Any, ...]]:
        """One query. Raises BadPosition."""
        first, beyond = values["prefix"], f"{values['prefix']}g"  # after every hexadecimal digit
        as_id = User._meta.get_field("id")
        place: list[Any] = []
        if position is not None:
            place = _place(position, as_id)
        sign, turn = ("<", "DESC") if backwards else (">", "ASC")
        hand, name = (self._walk(column, sign if place else "", turn) for column in ("handle_key", "name_key"))
        not_twice = "AND NOT (handle_key >= %s AND handle_key < %s)"
        one = [first, beyond, *place]
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT key, id, handle, name FROM (SELECT * FROM ({hand.format('')}) AS by_handle UNION ALL "
                f"SELECT * FROM ({name.format(not_twice)}) AS by_name) AS found "
                f"ORDER BY key {turn}, id {turn} LIMIT %s",
                [*one, limit + 1, *one, first, beyond, limit + 1, limit + 1],
            )
            rows = [(key, as_id.to_python(found), *rest) for key, found, *rest in cursor.fetchall()]
        return slice_of(
            rows,
            limit=limit,
            backwards=backwards,
            from_somewhere=position is not None,
            place=lambda row: (row[0], str(row[1])),
        )

    def _walk(self, column: str, sign: str, turn: str) -> str:
        """`{}` stays for one more condition."""
        beyond = f"AND ({column}, id) {sign} (%s, %s)" if sign else ""
        return (
            f"SELECT {column} AS key, id, handle, name FROM accounts_user WHERE {column} >= %s AND {column} < %s "
            f"{beyond} AND is_active AND erase_at IS NULL {{}} ORDER BY {column} {turn}, id {turn} LIMIT %s"
        )


def _place(position: Position, as_id: Any) -> list[Any]:
    found = parse_id(str(position[-1]))
    if len(position) != 2 or found is None:
        raise BadPosition
    return [position[0], as_id.get_db_prep_value(found, connection)]


def people_page(query: PageQuery, text: str, *, route: str) -> Page:
    """Active people whose handle or name begins with `text`, by the folded form. One query, two index walks."""

    def shape(row: tuple[Any, ...]) -> PersonSummary:
        return PersonSummary(id=row[1], handle=row[2], name=row[3])

    return written_page(_PeopleFound(), {"prefix": search_key(text)}, query, route=route, shape=shape)


_OWN_DEVICES = WrittenList(
    model=PushDevice,
    columns=("id", "platform", "name", "created_at", "seen_at"),
    where="user_id = %(user_id)s",
    given={"user_id": "id"},
    order=("-created_at", "-id"),
)


def device_page(caller: Caller, query: PageQuery, *, route: str) -> Page:
    """The caller's devices, newest first. One query."""

    def shape(row: tuple[Any, ...]) -> PushDeviceView:
        return PushDeviceView(**dict(zip(_OWN_DEVICES.columns, row, strict=True)))

    return written_page(_OWN_DEVICES, {"user_id": caller.user_id}, query, route=route, shape=shape)


def device_view_of(device: PushDevice) -> PushDeviceView:
    return PushDeviceView(
        id=device.pk,
        platform=device.platform,
        name=device.name,
        created_at=device.created_at,
        seen_at=device.seen_at,
    )


def own_data(user_id: UUID) -> Mapping[str, Iterable[object]]:
    """The export port. Tokens and hashes are keys, not data about anybody."""
    return {
        "profile": [own_profile_of(own_user(user_id))],
        "sessions": _sessions(user_id),
        "devices": (device_view_of(each) for each in PushDevice.objects.filter(user_id=user_id).iterator()),
        "acts": (view_of(each) for each in acts(Filters(actor=str(user_id))).order_by("id").iterator()),
    }


def _sessions(user_id: UUID) -> Iterator[dict[str, object]]:
    shown = ("id", "agent", "address", "created_at", "last_used_at", "expires_at", "revoked_at")
    yield from Session.objects.filter(user_id=user_id).order_by("created_at").values(*shown).iterator()
