"""The rules of the books attacked with raw SQL, past every service: each is kept by the database itself.

On PostgreSQL as the application's role, which owns nothing. The deferred rules are asked for by SET CONSTRAINTS, as a
commit would; attacks of two connections are in tests/races/test_ledger_races.py."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection

from stoa.apps.ledger.models import Balance, Entry, Hold, Line, Period, Quarantined, Rate, Seal, Unsealed
from stoa.apps.ledger.services.holds import hold_funds
from stoa.apps.ledger.services.journal import AskedEntry, AskedLine
from stoa.apps.ledger.services.periods import add_period, close_period
from stoa.apps.ledger.services.posting import reverse_entry
from stoa.apps.ledger.services.quarantine import cure_record, quarantine_entry
from stoa.apps.ledger.services.rates import add_rate
from stoa.apps.ledger.services.sealing import seal_entries
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.db.transactions import transaction
from stoa.platform.db.triggers import MissingTriggers, require_triggers
from stoa.platform.outbox.values import stored_time, stored_uuid

pytestmark = pytest.mark.django_db
ROLE = "stoa_attacker"
PAST = AT - timedelta(days=400)


def sqlite() -> bool:
    return connection.vendor == "sqlite"


def run(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)


_KEPT = (Entry, Line, Balance, Hold, Period, Quarantined, Rate, Unsealed)


class Scene:
    def __init__(self) -> None:
        self.books = books = Books()
        self.other = Books()
        self.purse = books.account("purse", floor=0, kind="liability")
        self.closed = books.account("closed")
        self.posted = books.move("cash", self.purse, 100_00).entry_id
        self.plain = books.move("bank", "equity", 50_00).entry_id
        self.reversed = books.move("cash", "equity", 7_00).entry_id
        self.reversal = reverse_entry(book_id=books.id, entry_id=self.reversed, key="back").entry_id
        self.aside, self.cured = self._aside(), self._aside()
        lines = [
            AskedLine(account_id=books["equity"], debit="0.01"),
            AskedLine(account_id=books["cash"], credit="0.01"),
        ]
        cure_record(
            book_id=books.id,
            quarantine_id=self.cured,
            asked=AskedEntry(lines=lines),
            reason="R",
            key="cure",
            by=new_uuid(),
        )
        self.rate = add_rate(book_id=books.id, base="EUR", quote="USD", rate="1.08", at=AT).id
        until = utc_now() + timedelta(hours=1)
        self.hold = hold_funds(
            book_id=books.id, account_id=self.purse, amount_minor=80_00, key="h", expires_at=until
        ).id
        self.period = add_period(book_id=books.id, name="Past", starts_at=PAST, ends_at=PAST + timedelta(days=30)).id
        close_period(book_id=books.id, period_id=self.period)
        run(
            f"UPDATE ledger_account SET is_open = {'0' if sqlite() else 'false'} WHERE id = %s",
            stored_uuid(self.closed),
        )
        seal_entries()
        self.waiting = books.move("cash", "equity", 1).entry_id

    def _aside(self) -> Any:
        return quarantine_entry(
            book_id=self.books.id,
            entry_id=self.books.move("cash", "equity", 1).entry_id,
            reason="R",
            by=new_uuid(),
        ).id

    def state(self) -> list[list[tuple[Any, ...]]]:
        with tenant_scope(self.books.id):
            rows = [list(model.objects.order_by("pk").values_list()) for model in _KEPT]
            return [*rows, list(Seal.objects.order_by("pk").values_list())]

    def line(self, entry: Any, account: Any, side: int, amount: int, currency: str = "USD", how: str = "") -> None:
        run(
            f"INSERT {how} INTO ledger_line (entry_id, account_id, side, amount_minor, currency, memo) "
            "VALUES (%s, %s, %s, %s, %s, '')",
            *(stored_uuid(entry), stored_uuid(account), side, amount, currency),
        )

    def entry(self, entry: Any, *, lines: int = 2, key: str = "", at: datetime = AT, how: str = "", **of: Any) -> None:
        run(
            f"INSERT {how} INTO ledger_entry (id, book_id, kind, key, effective_at, description, reference_type, "
            "reference_id, request_id, reverses_id, line_count, digest) "
            "VALUES (%s, %s, %s, %s, %s, '', '', '', '', %s, %s, %s)",
            *(stored_uuid(entry), stored_uuid(self.books.id), of.get("kind", "manual"), key or new_id()),
            *(stored_time(at), stored_uuid(of["reverses"]) if "reverses" in of else None, lines, bytes(32)),
        )

    def post(self, to: Any, source: Any, amount: int = 5_00, **of: Any) -> None:
        """A whole entry as the services would write it, whatever is wrong with it."""
        made = new_uuid()
        self.line(made, to, 1, amount, of.pop("currency", "USD"))
        self.line(made, source, -1, of.pop("credit", amount), of.pop("credit_currency", "USD"))
        self.entry(made, **of)


@pytest.fixture
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    made = Scene()
    if not sqlite():
        refuse_to_pass_for_want_of_a_role(request.config)
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run("SET CONSTRAINTS ALL DEFERRED")
        run(f"CREATE ROLE {ROLE} NOSUPERUSER")
        run(f"GRANT {ROLE} TO CURRENT_USER")
        run(f"GRANT USAGE ON SCHEMA public TO {ROLE}")
        run(f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO {ROLE}")
        run(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")
        run(f"SET LOCAL ROLE {ROLE}")
    yield made
    if not sqlite():
        run("RESET ROLE")


def refuse_to_pass_for_want_of_a_role(config: pytest.Config) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        [may] = cursor.fetchone()
    if not may and config.getoption("--require-services"):
        pytest.fail("needs a role of PostgreSQL that may create roles", pytrace=False)
    if not may:
        pytest.skip("needs a role of PostgreSQL that may create roles")


def _two(scene: Scene) -> tuple[Any, Any]:
    return scene.books["cash"], scene.books["equity"]


def _alone(scene: Scene, lines: int, counted: int) -> None:
    made = new_uuid()
    for number in range(lines):
        scene.line(made, _two(scene)[number % 2], 1 - 2 * (number % 2), 5_00)
    scene.entry(made, lines=counted)


def _two_lines(scene: Scene, entry: Any) -> None:
    for account, side in zip(_two(scene), (1, -1), strict=True):
        scene.line(entry, account, side, 5_00)


def _of(table: str, change: str) -> Callable[[Scene], None]:
    return lambda scene: run(f"{change.format(table=table)} WHERE book_id = %s", stored_uuid(scene.books.id))


def _purse(change: str) -> Callable[[Scene], None]:
    return lambda scene: run(f"UPDATE ledger_balance SET {change} WHERE account_id = %s", stored_uuid(scene.purse))


def _mirror_of(scene: Scene, entry: Any, *, to: str = "equity", source: str = "bank", amount: int = 50_00) -> None:
    scene.post(scene.books[to], scene.books[source], amount, reverses=entry)


def _hold(change: str) -> Callable[[Scene], None]:
    return lambda scene: run(f"UPDATE ledger_hold SET {change} WHERE id = %s", stored_uuid(scene.hold))


def _aside(change: str, which: str = "aside") -> Callable[[Scene], None]:
    return lambda scene: run(f"UPDATE ledger_quarantine SET {change} WHERE id = %s", stored_uuid(getattr(scene, which)))


def _cured_by(entry: Callable[[Scene], Any]) -> Callable[[Scene], None]:
    def attack(scene: Scene) -> None:
        cure = f"cure_id = '{stored_uuid(entry(scene))}'"
        _aside(f"{cure}, cure_reason = 'R', cured_at = quarantined_at, cured_by = quarantined_by")(scene)

    return attack


def _floor(value: str) -> Callable[[Scene], None]:
    return lambda scene: run(f"UPDATE ledger_account SET floor_minor = {value} WHERE id = %s", stored_uuid(scene.purse))


def _rate(
    at: str = "recorded_at", *, mantissa: str = "108", scale: str = "2", pair: str = "'EUR', 'USD'"
) -> Callable[[Scene], None]:
    return lambda scene: run(
        "INSERT INTO ledger_rate (id, book_id, base, quote, mantissa, scale, at, source) "
        f"SELECT %s, book_id, {pair}, {mantissa}, {scale}, {at}, '' FROM ledger_rate WHERE id = %s",
        *(stored_uuid(new_uuid()), stored_uuid(scene.rate)),
    )


def _resolved_twice(scene: Scene) -> None:
    _hold("state = 'voided'")(scene)
    _hold("state = 'pending'")(scene)


def _account(change: str) -> Callable[[Scene], None]:
    return lambda scene: run(f"UPDATE ledger_account SET {change} WHERE id = %s", stored_uuid(scene.books["bank"]))


ATTACKS: dict[str, Callable[[Scene], None]] = {
    "unbalanced": lambda scene: scene.post(*_two(scene), credit=4_99),
    "unbalanced in each of two currencies": lambda scene: scene.post(*_two(scene), credit_currency="EUR"),
    "one line": lambda scene: _alone(scene, 1, 1),
    "no lines": lambda scene: _alone(scene, 0, 0),
    "fewer lines than said": lambda scene: _alone(scene, 2, 3),
    "more lines than said": lambda scene: _alone(scene, 4, 2),
    "a late line": lambda scene: scene.line(scene.posted, scene.books["cash"], 1, 5_00),
    "a balanced pair of late lines": lambda scene: _two_lines(scene, scene.posted),
    "an orphan line": lambda scene: scene.line(new_uuid(), scene.books["cash"], 1, 5_00),
    "amount 0": lambda scene: scene.post(*_two(scene), 0),
    "a negative amount": lambda scene: scene.post(*_two(scene), -5),
    "more than money can be": lambda scene: scene.post(*_two(scene), 10**15 + 1),
    "a side that is none": lambda scene: scene.line(new_uuid(), scene.books["cash"], 2, 5_00),
    "another book's account": lambda scene: scene.post(scene.other["cash"], scene.books["equity"]),
    "no account": lambda scene: scene.post(new_uuid(), scene.books["equity"]),
    "another currency": lambda scene: scene.post(*_two(scene), currency="EUR", credit_currency="EUR"),
    "a closed account": lambda scene: scene.post(scene.closed, scene.books["equity"]),
    "a closed period": lambda scene: scene.post(*_two(scene), at=PAST),
    "a control account": lambda scene: scene.post(scene.books["inventory"], scene.books["equity"]),
    "overdraft": lambda scene: scene.post(scene.purse, scene.books["cash"], 20_01),
    "overdraft by a line alone": lambda scene: scene.line(new_uuid(), scene.purse, 1, 20_01),
    "a key again": lambda scene: scene.post(*_two(scene), key="back"),
    "a second reversal": lambda scene: _mirror_of(scene, scene.reversed, source="cash", amount=7_00),
    "a reversal of a reversal": lambda scene: _mirror_of(
        scene, scene.reversal, to="cash", source="equity", amount=7_00
    ),
    "a reversal of something else": lambda scene: _mirror_of(scene, scene.plain, amount=49_00),
    "a reversal of nothing": lambda scene: _mirror_of(scene, new_uuid()),
    "an entry changed": _of("ledger_entry", "UPDATE {table} SET description = 'x'"),
    "an entry removed": _of("ledger_entry", "DELETE FROM {table}"),
    "a line changed": lambda scene: run(
        "UPDATE ledger_line SET amount_minor = 1 WHERE entry_id = %s", stored_uuid(scene.posted)
    ),
    "a line removed": lambda scene: run("DELETE FROM ledger_line WHERE entry_id = %s", stored_uuid(scene.posted)),
    "a seal changed": _of("ledger_seal", "UPDATE {table} SET seq = seq + 100"),
    "a seal removed": _of("ledger_seal", "DELETE FROM {table}"),
    "debits written": _purse("debit_minor = debit_minor + 1"),
    "credits written": _purse("credit_minor = credit_minor + 1"),
    "both written": _purse("credit_minor = credit_minor + 1, debit_minor = debit_minor + 1"),
    "what is held written": _purse("held_minor = 0"),
    "the floor taken away": _purse("floor_minor = NULL"),
    "the last line written": _purse("last_line = last_line + 1"),
    "a balance removed": _of("ledger_balance", "DELETE FROM {table}"),
    "a balance made": lambda scene: run(
        "INSERT INTO ledger_balance (account_id, book_id, normal, debit_minor, credit_minor, held_minor, last_line) "
        "VALUES (%s, %s, 1, 5, 0, 0, 0)",
        *(stored_uuid(new_uuid()), stored_uuid(scene.books.id)),
    ),
    "a hold resolved twice": _resolved_twice,
    "a hold made smaller": _hold("amount_minor = 1"),
    "a hold on another account": lambda scene: _hold(f"account_id = '{stored_uuid(scene.books['cash'])}'")(scene),
    "a hold removed": _of("ledger_hold", "DELETE FROM {table}"),
    "a hold beyond what is there": lambda scene: run(
        "INSERT INTO ledger_hold (id, book_id, account_id, key, amount_minor, state, expires_at) "
        "VALUES (%s, %s, %s, 'more', 2001, 'pending', %s)",
        *(stored_uuid(new_uuid()), stored_uuid(scene.books.id), stored_uuid(scene.purse), stored_time(utc_now())),
    ),
    "a period moved": _of("ledger_period", "UPDATE {table} SET ends_at = starts_at"),
    "a period removed": _of("ledger_period", "DELETE FROM {table}"),
    "an account in another currency": _account("currency = 'EUR'"),
    "an account that grows on the other side": _account("normal = -1"),
    "an account of nobody": _account("owner = 'payments'"),
    "an account closed with a balance": _account("is_open = " + "(1 = 0)"),
    "a floor lowered": _floor("-1"),
    "a floor removed": _floor("NULL"),
    "an entry taken out of the queue": lambda scene: run(
        "DELETE FROM ledger_unsealed WHERE entry_id = %s", stored_uuid(scene.waiting)
    ),
    "another entry in its place in the queue": lambda scene: run(
        "UPDATE ledger_unsealed SET entry_id = %s WHERE entry_id = %s",
        *(stored_uuid(new_uuid()), stored_uuid(scene.waiting)),
    ),
    "a rate changed": _of("ledger_rate", "UPDATE {table} SET mantissa = 1"),
    "a rate removed": _of("ledger_rate", "DELETE FROM {table}"),
    "a second rate of one instant": _rate(f"'{stored_time(AT)}'"),
    "a rate of nothing": _rate(mantissa="0"),
    "a negative rate": _rate(mantissa="-108"),
    "a rate of a currency to itself": _rate(pair="'EUR', 'EUR'"),
    "a rate with too many decimals": _rate(scale="19"),
    "a quarantined record removed": _of("ledger_quarantine", "DELETE FROM {table}"),
    "another record in its place": _aside("subject = 'x'"),
    "another reason": _aside("reason = 'x'"),
    "nobody's quarantine": _aside("quarantined_by = NULL"),
    "a cure taken back": _aside("cure_id = NULL, cured_at = NULL, cure_reason = ''", "cured"),
    "another cure": _aside("cure_reason = 'x'", "cured"),
    "a cure that is none": _cured_by(lambda scene: new_uuid()),
    "a cure from another book": _cured_by(lambda scene: scene.other.move("cash", "equity", 1).entry_id),
    "an entry that was posted for something else": _cured_by(lambda scene: scene.plain),
    "set aside and cured at once": lambda scene: run(
        "INSERT INTO ledger_quarantine (id, book_id, kind, subject, told, reason, cure_id, cure_reason, cured_by, "
        "cured_at) SELECT %s, book_id, 'digest', subject, told, reason, cure_id, cure_reason, cured_by, cured_at "
        "FROM ledger_quarantine WHERE id = %s",
        *(stored_uuid(new_uuid()), stored_uuid(scene.cured)),
    ),
    "a cure without a reason": _aside("cured_at = quarantined_at"),
    "an account removed": _of("ledger_account", "DELETE FROM {table}"),
}

ON_SQLITE: dict[str, Callable[[Scene], None]] = {
    "an entry replaced": lambda scene: scene.entry(scene.posted, how="OR REPLACE"),
    "an entry replaced by its key": lambda scene: scene.post(*_two(scene), key="back", how="OR REPLACE"),
    "a line replaced": lambda scene: run(
        "INSERT OR REPLACE INTO ledger_line (id, entry_id, account_id, side, amount_minor, currency, memo) "
        "SELECT id, 'f', account_id, side, 1, currency, memo FROM ledger_line WHERE entry_id = %s",
        stored_uuid(scene.posted),
    ),
    "a balance replaced": lambda scene: run(
        "INSERT OR REPLACE INTO ledger_balance (account_id, book_id, normal, debit_minor, credit_minor, held_minor, "
        "last_line) VALUES (%s, %s, -1, 0, 0, 0, 0)",
        *(stored_uuid(scene.purse), stored_uuid(scene.books.id)),
    ),
    "a hold replaced": lambda scene: run(
        "INSERT OR REPLACE INTO ledger_hold (id, book_id, account_id, key, amount_minor, state, expires_at) "
        "SELECT id, book_id, account_id, key, 1, 'pending', expires_at FROM ledger_hold WHERE id = %s",
        stored_uuid(scene.hold),
    ),
    "a seal replaced": lambda scene: run(
        "INSERT OR REPLACE INTO ledger_seal (id, book_id, seq, entry_id, hash) "
        "SELECT id, book_id, seq + 100, entry_id, hash FROM ledger_seal WHERE book_id = %s",
        stored_uuid(scene.books.id),
    ),
    "overdraft, and never mind": lambda scene: scene.line(new_uuid(), scene.purse, 1, 20_01, how="OR IGNORE"),
}

ON_POSTGRES: dict[str, str] = {
    "entries truncated": "TRUNCATE ledger_entry CASCADE",
    "lines truncated": "TRUNCATE ledger_line",
    "balances truncated": "TRUNCATE ledger_balance",
    "seals truncated": "TRUNCATE ledger_seal",
    "the queue of the sealer truncated": "TRUNCATE ledger_unsealed",
    "rates truncated": "TRUNCATE ledger_rate",
    "quarantined records truncated": "TRUNCATE ledger_quarantine",
    "checkpoints truncated": "TRUNCATE ledger_checkpoint, ledger_day_turnover",
    "a trigger switched off": "ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_judged",
    "a trigger dropped": "DROP TRIGGER ledger_balance_guarded ON ledger_balance",
    "a function replaced": "CREATE OR REPLACE FUNCTION ledger_balance_guarded_v1() RETURNS trigger LANGUAGE plpgsql "
    "AS $$ BEGIN RETURN NEW; END $$",
    "triggers taken for replicated": "SET session_replication_role = replica",
    "the table taken over": "ALTER TABLE ledger_line OWNER TO CURRENT_USER",
}


def refused(scene: Scene, attack: Callable[[], object]) -> None:
    """By the statement, or at what would be its commit; and everything is as before."""
    before = scene.state()
    with pytest.raises(DatabaseError), transaction():
        attack()
        if sqlite():
            connection.check_constraints()
        else:
            run("SET CONSTRAINTS ALL IMMEDIATE")
    assert scene.state() == before


@pytest.mark.parametrize("name", ATTACKS)
def test_the_database_refuses(scene: Scene, name: str) -> None:
    refused(scene, lambda: ATTACKS[name](scene))


@pytest.mark.parametrize("name", ON_SQLITE)
def test_sqlite_refuses(scene: Scene, name: str) -> None:
    if not sqlite():
        pytest.skip("words of SQLite's own")
    refused(scene, lambda: ON_SQLITE[name](scene))


@pytest.mark.postgres
@pytest.mark.parametrize("name", ON_POSTGRES)
def test_postgresql_refuses(scene: Scene, name: str) -> None:
    refused(scene, lambda: run(ON_POSTGRES[name]))


def test_what_is_right_is_taken(scene: Scene) -> None:
    """The attacks fail for what is wrong with them: the same statements with nothing wrong pass."""
    with transaction():
        scene.post(*_two(scene), at=datetime(2026, 5, 1, tzinfo=UTC))
        scene.post(scene.purse, scene.books["cash"], 20_00)
        _mirror_of(scene, scene.plain)
        _hold("state = 'voided'")(scene)
        if sqlite():
            connection.check_constraints()
        else:
            run("SET CONSTRAINTS ALL IMMEDIATE")
    with tenant_scope(scene.books.id):
        assert (Entry.objects.count(), Balance.objects.get(pk=scene.purse).available_minor) == (11, 80_00)


def test_a_missing_rule_stops_the_start() -> None:
    run("DROP TRIGGER ledger_entry_judged" + ("" if sqlite() else " ON ledger_entry"))
    if not sqlite():
        run("DROP FUNCTION ledger_post_v1")
    with pytest.raises(MissingTriggers, match="ledger_entry_judged") as stopped:
        require_triggers()
    assert sqlite() or "ledger_post_v1" in str(stopped.value)
