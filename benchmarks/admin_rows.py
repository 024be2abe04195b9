"""Rows for the admin's figures, by straight SQL in PostgreSQL: copies of one row that the code itself made."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection

_NAMES = "Ada Ben Cleo Dan Eve Finn Gus Hera Ivo Jan Kai Lea Max Nia Oda Pia Quin Rhea Sam Tea Una Vic Wim Xena Yan Zoe"
_ACTIONS = (
    *(
        "signed_in",
        "sign_in_failed",
        "signed_out",
        "registered",
        "session_ended",
        "password_changed",
        "closed",
        "restored",
    ),
    *("created", "changed", "invited", "member_changed", "member_left", "suspended", "reactivated", "exported"),
)
_YEAR = "365 * 86400"


@dataclass(frozen=True, slots=True)
class Size:
    users: int
    acts: int


def fill(size: Size, *, user_id: str, org_id: str) -> None:
    """Around the given person and organization, of which there must be a row each. Ends with ANALYZE."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET synchronous_commit = off")
        _people(size, user_id)
        cursor.execute("CREATE TABLE bench_people AS SELECT id, row_number() OVER () AS n FROM accounts_user")
        cursor.execute("ALTER TABLE bench_people ADD PRIMARY KEY (n)")
        _sessions(size)
        _organizations(size, org_id)
        _acts(size)
        _outbox(size)
        cursor.execute("ANALYZE")


def _copies(table: str, count: int, columns: Mapping[str, str], *, of: str = "TRUE") -> None:
    """`count` copies of the row that `of` names; `columns` says in SQL what differs, with `g.n` as the number."""
    with connection.cursor() as cursor:
        names = [column.name for column in connection.introspection.get_table_description(cursor, table)]
        kept = [name for name in names if name != "id" or "id" in columns]
        values = ", ".join(columns.get(name, f"model.{name}") for name in kept)
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(kept)}) SELECT {values} "
            f"FROM (SELECT * FROM {table} WHERE {of} LIMIT 1) AS model, generate_series(1, {count}) AS g (n)"
        )


def _people(size: Size, user_id: str) -> None:
    name = f"(string_to_array('{_NAMES}', ' '))[1 + g.n % 26] || ' ' || md5(g.n::text)"
    key = "encode(convert_to(lower({}), 'UTF8'), 'hex')"
    columns = {
        "id": "gen_random_uuid()",
        "email": "'person.' || g.n || '@example.org'",
        "handle": "substr(md5('h' || g.n), 1, 8) || '_' || g.n",
        "handle_key": key.format("substr(md5('h' || g.n), 1, 8) || '_' || g.n"),
        "name": name,
        "name_key": key.format(name),
        "is_active": "g.n % 1000 <> 0",
        "is_staff": "g.n % 20000 = 0",
        "is_superuser": "FALSE",
        "created_at": "now() - g.n * interval '5 minutes'",
    }
    _copies("accounts_user", size.users, columns, of=f"id = '{user_id}'")


def _sessions(size: Size) -> None:
    columns = {
        "id": "gen_random_uuid()",
        "user_id": f"(SELECT p.id FROM bench_people p WHERE p.n = 1 + (g.n::bigint * 7919) % {size.users})",
        "refresh_hash": "md5('r' || g.n) || md5(g.n::text)",
        "created_at": "now() - g.n * interval '1 minute'",
        "revoked_at": "CASE WHEN g.n % 3 = 0 THEN now() END",
    }
    _copies("accounts_session", size.users * 2, columns)
    with connection.cursor() as cursor:
        cursor.execute(  # fifty who are locked out, and many who mistyped once
            "INSERT INTO accounts_sign_in_attempt (at, account, user_id, address, counts, of_pair) SELECT now(), "
            "md5(n::text), id, '203.0.113.' || n % 200, TRUE, TRUE FROM bench_people, generate_series(1, 6) AS t (times) "
            "WHERE n <= 50 OR (n <= 5000 AND times = 1)"
        )


def _organizations(size: Size, org_id: str) -> None:
    columns = {
        "id": "gen_random_uuid()",
        "name": "'House ' || md5(g.n::text)",
        "status": "CASE WHEN g.n % 500 = 0 THEN 'suspended' ELSE 'active' END",
        "created_at": "now() - g.n * interval '20 minutes'",
    }
    _copies("organizations_organization", size.users // 5, columns, of=f"id = '{org_id}'")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE bench_houses AS SELECT id, row_number() OVER () AS n FROM organizations_organization"
        )
        cursor.execute("ALTER TABLE bench_houses ADD PRIMARY KEY (n)")
    house = "(SELECT h.id FROM bench_houses h WHERE h.n = 1 + g.n % (SELECT MAX(n) FROM bench_houses))"
    members = {
        "id": "gen_random_uuid()",
        "organization_id": house,
        "user_id": "(SELECT p.id FROM bench_people p WHERE p.n = g.n)",
        "state": "CASE WHEN g.n % 700 = 0 THEN 'deactivated' ELSE 'active' END",
        "joined_at": "now() - g.n * interval '3 minutes'",
    }
    _copies("organizations_membership", size.users - 2, members)
    invites = {
        "id": "gen_random_uuid()",
        "organization_id": house,
        "email": "CASE WHEN g.n % 4 = 0 THEN 'guest.' || g.n || '@example.org' ELSE '' END",
        "user_id": "NULL",
        "state": "CASE WHEN g.n % 4 = 0 THEN 'open' ELSE 'expired' END",
        "created_at": "now() - g.n * interval '7 minutes'",
    }
    _copies("organizations_invite", size.users // 2, invites)


def _acts(size: Size) -> None:
    """Severities as a house has them: one of a hundred is a warning, one of a hundred thousand critical."""
    actions = "ARRAY[" + ", ".join(f"'accounts.{action}'" for action in _ACTIONS) + "]"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_record (at, action, actor_id, object_type, object_id, org_id, severity, request_id, digest) "
            f"SELECT now() - ({size.acts} - n) * ({_YEAR}::float8 / {size.acts}) * interval '1 second', "
            f"CASE WHEN n % 5 < 3 THEN 'accounts.signed_in' WHEN n % 50000 = 7 THEN 'accounts.rare' "
            f"ELSE ({actions})[1 + n % {len(_ACTIONS)}] END, "
            f"(SELECT id::text FROM bench_people p WHERE p.n = 1 + g.n % {size.users}), "
            "(ARRAY['user', 'session', 'organization', 'membership', 'invite', 'flag'])[1 + n % 6], "
            "md5(n::text)::uuid::text, '', "
            "CASE WHEN n % 100000 = 3 THEN 'critical' WHEN n % 100 = 1 THEN 'warning' WHEN n % 10 = 2 THEN 'notice' "
            "ELSE 'info' END, md5('r' || n)::uuid::text, '' "
            f"FROM generate_series(1, {size.acts}) AS g (n)"
        )


def _outbox(size: Size) -> None:
    """Eight of ten million deliveries wait at any time; here one in two thousand is parked and one in a thousand due."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_event (uid, name, version, key, payload, request_id, occurred_at, expanded_at) "
            "SELECT gen_random_uuid(), 'accounts.sessions_ended', 1, '', '{}', md5('r' || n)::uuid::text, "
            f"now() - ({size.acts} / 4 - n) * interval '2 seconds', now() FROM generate_series(1, {size.acts} / 4) AS g (n)"
        )
        cursor.execute(
            "INSERT INTO outbox_delivery (event_id, subscriber, ordered_key, state, attempts, due_at, error, done_at) "
            "SELECT id, subscriber, '', CASE WHEN id % 2000 = 5 THEN 'parked' WHEN id % 1000 = 6 THEN 'pending' ELSE 'done' "
            "END, 1, occurred_at, '', occurred_at "
            "FROM outbox_event, unnest(ARRAY['notifications.tell', 'organizations.know']) AS s (subscriber)"
        )
