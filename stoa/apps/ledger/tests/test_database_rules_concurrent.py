"""Attacks that need commits, a session of their own or a second one: by a role that signs in and owns nothing.

Nothing is taken back afterwards: each test has a book of its own and counts its rows."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest

from stoa.apps.ledger.models import Balance, Entry, Line
from stoa.apps.ledger.services.accounts import close_account
from stoa.apps.ledger.services.periods import add_period, close_period
from stoa.apps.ledger.services.posting import reverse_entry
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.testing.databases import url_of_test_database

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("committed_db")]
ROLE = f"stoa_attacker_{os.getpid()}"
LINE = "INSERT INTO ledger_line (entry_id, account_id, side, amount_minor, currency, memo) VALUES (%s, %s, %s, %s, 'USD', '')"
ENTRY = """INSERT INTO ledger_entry (id, book_id, kind, key, effective_at, description, reference_type, reference_id,
request_id, line_count, digest) VALUES (%s, %s, 'manual', %s, %s, '', '', '', '', 2, '')"""
Session = psycopg.Connection[Any]


@pytest.fixture
def url(committed_db: None, request: pytest.FixtureRequest) -> Iterator[str]:
    """Of the suite's database, for a role that may read and write every table and no more."""
    ours = url_of_test_database()
    with psycopg.connect(ours, autocommit=True) as owner:
        [may] = owner.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user").fetchone()  # type: ignore[misc]
        if not may and request.config.getoption("--require-services"):
            pytest.fail("needs a role of PostgreSQL that may create roles", pytrace=False)
        if not may:
            pytest.skip("needs a role of PostgreSQL that may create roles")
        owner.execute(f"CREATE ROLE {ROLE} NOSUPERUSER LOGIN")
        place = urlsplit(ours)
        try:
            owner.execute(f"GRANT {ROLE} TO CURRENT_USER")  # DROP OWNED asks for it where the owner is no superuser
            owner.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO {ROLE}")
            owner.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")
            yield place._replace(netloc=f"{ROLE}@{place.hostname}:{place.port or 5432}").geturl()
        finally:
            owner.execute(f"DROP OWNED BY {ROLE}")
            owner.execute(f"DROP ROLE {ROLE}")


@pytest.fixture
def session(url: str) -> Iterator[Session]:
    with psycopg.connect(url) as one:
        assert one.execute("SELECT current_user").fetchone() == (ROLE,)
        one.rollback()
        yield one


class Scene:
    purse: UUID

    def __init__(self) -> None:
        self.books = Books()
        self.spare = self.books.account("spare")
        self.posted = self.books.move("cash", "equity", 100_00).entry_id
        self.period = add_period(
            book_id=self.books.id, name="A day", starts_at=AT - timedelta(days=9), ends_at=AT - timedelta(days=8)
        ).id

    def state(self) -> list[list[tuple[Any, ...]]]:
        with tenant_scope(self.books.id):
            return [list(model.objects.order_by("pk").values_list()) for model in (Entry, Line, Balance)]


@pytest.fixture
def scene(committed_db: None) -> Scene:
    return Scene()


def write(session: Session, scene: Scene, *, to: UUID, days_ago: int = 0, entry: UUID | None = None) -> UUID:
    made = entry or new_uuid()
    session.execute(LINE, [made, to, 1, 5])
    session.execute(LINE, [made, scene.books["equity"], -1, 5])
    session.execute(ENTRY, [made, scene.books.id, new_id(), AT - timedelta(days=days_ago)])
    return made


def test_what_is_right_is_taken_from_that_role(session: Session, scene: Scene) -> None:
    write(session, scene, to=scene.books["cash"])
    session.commit()
    with tenant_scope(scene.books.id):
        assert (Entry.objects.count(), Balance.objects.get(pk=scene.books["cash"]).debit_minor) == (2, 100_05)


def test_an_old_snapshot_does_not_post_into_a_period_closed_meanwhile(session: Session, scene: Scene) -> None:
    session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    session.execute("SELECT 1 FROM ledger_period")
    close_period(book_id=scene.books.id, period_id=scene.period)
    before = scene.state()
    with pytest.raises(psycopg.errors.IntegrityError, match="ISOLATION"):
        write(session, scene, to=scene.books["cash"], days_ago=9)
    session.rollback()
    assert scene.state() == before


def test_an_old_snapshot_does_not_post_to_an_account_closed_meanwhile(session: Session, scene: Scene) -> None:
    session.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    session.execute("SELECT 1 FROM ledger_account")
    close_account(book_id=scene.books.id, account_id=scene.spare)
    before = scene.state()
    with pytest.raises(psycopg.errors.IntegrityError, match="ISOLATION"):
        write(session, scene, to=scene.spare)
    session.rollback()
    assert scene.state() == before


def test_an_orphan_line_fails_at_its_commit(session: Session, scene: Scene) -> None:
    before = scene.state()
    session.execute(LINE, [new_uuid(), scene.books["cash"], 1, 5])
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        session.commit()
    assert scene.state() == before


@pytest.mark.parametrize(
    ("isolation", "by"),
    [
        ("READ COMMITTED", "LATE_LINE"),
        # To an older snapshot the entry is not there at all.
        ("REPEATABLE READ", "foreign key"),
    ],
)
def test_late_lines_beside_an_entry_that_is_not_committed_fail_at_theirs(
    session: Session, scene: Scene, url: str, isolation: str, by: str
) -> None:
    with psycopg.connect(url) as other:
        made = write(session, scene, to=scene.books["cash"])
        other.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
        for account, side in ((scene.books["bank"], 1), (scene.books["payable"], -1)):
            other.execute(LINE, [made, account, side, 5])
        session.commit()
        before = scene.state()
        with pytest.raises(psycopg.errors.IntegrityError, match=by):
            other.commit()
    assert scene.state() == before
    with tenant_scope(scene.books.id):
        assert (Entry.objects.count(), Line.objects.count()) == (2, 4)


def test_a_trigger_of_the_callers_own_writes_no_balance(session: Session, scene: Scene) -> None:
    before = scene.state()
    session.execute("CREATE TEMP TABLE lever (account uuid)")
    session.execute(
        "CREATE FUNCTION pg_temp.pull() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE public.ledger_balance "
        "SET debit_minor = debit_minor + 777 WHERE account_id = NEW.account; RETURN NULL; END $$"
    )
    session.execute("CREATE TRIGGER lever AFTER INSERT ON lever FOR EACH ROW EXECUTE FUNCTION pg_temp.pull()")
    with pytest.raises(psycopg.errors.IntegrityError, match="BALANCE_WRITTEN"):
        session.execute("INSERT INTO lever VALUES (%s)", [scene.books["cash"]])
    session.rollback()
    assert scene.state() == before


def test_an_empty_temporary_table_opens_no_closed_period(session: Session, scene: Scene) -> None:
    close_period(book_id=scene.books.id, period_id=scene.period)
    before = scene.state()
    session.execute("CREATE TEMP TABLE ledger_period (LIKE public.ledger_period)")
    with pytest.raises(psycopg.errors.IntegrityError, match="PERIOD_CLOSED"):
        write(session, scene, to=scene.books["cash"], days_ago=9)
    session.rollback()
    assert scene.state() == before


def test_a_temporary_table_without_owners_frees_no_control_account(session: Session, scene: Scene) -> None:
    before = scene.state()
    session.execute(
        "CREATE TEMP TABLE ledger_account AS SELECT id, book_id, is_open, currency, ''::text AS owner "
        "FROM public.ledger_account"
    )
    with pytest.raises(psycopg.errors.IntegrityError, match="CONTROL_ACCOUNT"):
        write(session, scene, to=scene.books["inventory"])
    session.rollback()
    assert scene.state() == before


def test_lines_are_counted_in_our_balances_not_in_a_temporary_table(session: Session, scene: Scene) -> None:
    session.execute("CREATE TEMP TABLE ledger_balance (LIKE public.ledger_balance)")
    write(session, scene, to=scene.books["cash"])
    session.commit()
    with tenant_scope(scene.books.id):
        assert Balance.objects.get(pk=scene.books["cash"]).debit_minor == 100_05


def _entry(session: Session, scene: Scene, *lines: tuple[UUID, int, int, str], **of: Any) -> None:
    """Whole, as a service would write it, but for what is wrong with it."""
    made = new_uuid()
    for account, side, amount, currency in lines:
        session.execute(
            "INSERT INTO ledger_line (entry_id, account_id, side, amount_minor, currency, memo) "
            "VALUES (%s, %s, %s, %s, %s, '')",
            [made, account, side, amount, currency],
        )
    session.execute(
        """INSERT INTO ledger_entry (id, book_id, kind, key, effective_at, description, reference_type, reference_id,
        request_id, line_count, digest, reverses_id) VALUES (%s, %s, 'manual', %s, %s, '', '', '', '', %s, '', %s)""",
        [made, scene.books.id, of.get("key") or new_id(), of.get("at", AT), len(lines), of.get("reverses")],
    )


def _both(
    scene: Scene, amount: int = 5, other: int = 5, currency: str = "USD"
) -> tuple[tuple[UUID, int, int, str], ...]:
    return (scene.books["cash"], 1, amount, currency), (scene.books["equity"], -1, other, currency)


def _mirror(scene: Scene) -> tuple[tuple[UUID, int, int, str], ...]:
    return (scene.books["equity"], 1, 100_00, "USD"), (scene.books["cash"], -1, 100_00, "USD")


NAMED: dict[str, Callable[[Session, Scene], object]] = {
    "an unbalanced entry": lambda session, scene: _entry(session, scene, *_both(scene, 5, 4)),
    "a late line": lambda session, scene: session.execute(LINE, [scene.posted, scene.books["cash"], 1, 5]),
    "an orphan line": lambda session, scene: session.execute(LINE, [new_uuid(), scene.books["cash"], 1, 5]),
    "an update": lambda session, scene: session.execute("UPDATE ledger_entry SET description = 'x'"),
    "an update of lines": lambda session, scene: session.execute("UPDATE ledger_line SET amount_minor = 1"),
    "a delete": lambda session, scene: session.execute("DELETE FROM ledger_line"),
    "a replacement": lambda session, scene: session.execute(
        "INSERT INTO ledger_entry SELECT * FROM ledger_entry WHERE id = %s ON CONFLICT (id) DO UPDATE SET kind = 'x'",
        [scene.posted],
    ),
    "a replacement by MERGE": lambda session, scene: session.execute(
        "MERGE INTO ledger_line AS here USING ledger_line AS there ON here.id = there.id AND there.entry_id = %s "
        "WHEN MATCHED THEN UPDATE SET amount_minor = 1",
        [scene.posted],
    ),
    "a removal inside a query": lambda session, scene: session.execute(
        "WITH gone AS (DELETE FROM ledger_line WHERE entry_id = %s RETURNING id) SELECT count(*) FROM gone",
        [scene.posted],
    ),
    "a truncation": lambda session, scene: session.execute("TRUNCATE ledger_line"),
    "a truncation with all that hangs on it": lambda session, scene: session.execute("TRUNCATE ledger_entry CASCADE"),
    "a second reversal": lambda session, scene: _entry(session, scene, *_mirror(scene), reverses=scene.posted),
    "a closed period": lambda session, scene: _entry(session, scene, *_both(scene), at=AT - timedelta(days=8, hours=1)),
    "another currency": lambda session, scene: _entry(session, scene, *_both(scene, currency="EUR")),
    "a key again": lambda session, scene: _entry(session, scene, *_both(scene), key="taken"),
    "an overdraft": lambda session, scene: _entry(
        session, scene, (scene.purse, -1, 1, "USD"), (scene.books["cash"], 1, 1, "USD")
    ),
    "a balance written": lambda session, scene: session.execute(
        "UPDATE ledger_balance SET debit_minor = debit_minor + 1 WHERE account_id = %s", [scene.books["cash"]]
    ),
    "a rule asked early, and a line after it": lambda session, scene: (
        session.execute("SET CONSTRAINTS ALL IMMEDIATE"),
        session.execute(LINE, [scene.posted, scene.books["cash"], 1, 5]),
    ),
    "a line under another search path": lambda session, scene: (
        session.execute("CREATE TEMP TABLE ledger_entry (id uuid, line_count smallint)"),
        session.execute("SET search_path = pg_temp, public"),
        session.execute(LINE, [new_uuid(), scene.books["cash"], 1, 5]),
    ),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_second_connection_is_refused_what_the_first_is(url: str, scene: Scene, name: str) -> None:
    close_period(book_id=scene.books.id, period_id=scene.period)
    scene.purse = scene.books.account("purse", floor=0)
    scene.books.move("cash", "equity", 1, key="taken")
    reverse_entry(book_id=scene.books.id, entry_id=scene.posted, key="back")
    before = scene.state()
    with psycopg.connect(url) as session, pytest.raises(psycopg.Error) as refused:
        NAMED[name](session, scene)
        session.commit()
    assert refused.value.sqlstate is not None
    assert refused.value.sqlstate[:2] in {"23", "42"}  # integrity, or no right to
    assert scene.state() == before
