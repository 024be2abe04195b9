"""Corruption planted by somebody who can switch the triggers off, one kind at a time, and found."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from stoa.apps.ledger.contracts import credit, debit
from stoa.apps.ledger.models import Seal
from stoa.apps.ledger.services.books import system_account
from stoa.apps.ledger.services.holds import hold_funds
from stoa.apps.ledger.services.periods import add_period, close_period
from stoa.apps.ledger.services.posting import post_entry, reverse_entry
from stoa.apps.ledger.services.sealing import seal_entries
from stoa.apps.ledger.services.verifying import report_books, verify_books
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.values import stored_time, stored_uuid
from stoa.platform.sweeps.registry import declared

pytestmark = pytest.mark.django_db


class _Undone(Exception):
    pass


TABLES = (
    "account",
    "balance",
    "checkpoint",
    "day_turnover",
    "entry",
    "hold",
    "line",
    "period",
    "quarantine",
    "seal",
    "unsealed",
)


@contextmanager
def unguarded() -> Iterator[None]:
    """As an owner who wants no rule; all of it is taken back."""
    with pytest.raises(_Undone), transaction():
        if sqlite():
            run("PRAGMA ignore_check_constraints = ON")
            for (name,) in run("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'ledger%'"):
                run(f"DROP TRIGGER {name}")
        else:
            run("SET CONSTRAINTS ALL IMMEDIATE")  # an ALTER refuses while triggers wait
            for table in TABLES:
                run(f"ALTER TABLE ledger_{table} DISABLE TRIGGER USER")
            run("ALTER TABLE ledger_line DROP CONSTRAINT ledger_line_amount")
            run("ALTER TABLE ledger_balance DROP CONSTRAINT ledger_balance_floor")
            run("SET CONSTRAINTS ALL DEFERRED")
        yield
        raise _Undone
    if sqlite():
        run("PRAGMA ignore_check_constraints = OFF")


def sqlite() -> bool:
    return connection.vendor == "sqlite"


def run(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall()) if cursor.description else []


class Scene:
    """A book in which everything has happened once, sealed."""

    def __init__(self) -> None:
        self.books = books = Books()
        self.other = Books()
        self.purse = books.account("purse", floor=0, kind="liability")
        self.first = books.move("cash", "equity", 100_00, description="Opening").entry_id
        self.second = books.move("cash", self.purse, 50_00).entry_id
        self.third = books.move("bank", "cash", 20_00).entry_id
        self.reversal = reverse_entry(book_id=books.id, entry_id=self.third, key="back").entry_id
        self.fourth = books.move("bank", "cash", 10_00).entry_id
        euros = [system_account(book_id=books.id, role=role, currency="EUR") for role in ("cash", "equity")]
        self.euro_cash = euros[0]
        lines = (debit(euros[0], 7_00, "EUR"), credit(euros[1], 7_00, "EUR"))
        post_entry(draft=books.draft(lines))
        until = utc_now() + timedelta(hours=1)
        hold = hold_funds(book_id=books.id, account_id=self.purse, amount_minor=5_00, key="h", expires_at=until)
        self.hold = hold.id
        past = AT - timedelta(days=400)
        self.period = add_period(book_id=books.id, name="Past", starts_at=past, ends_at=past + timedelta(days=30)).id
        close_period(book_id=books.id, period_id=self.period)
        seal_entries()

    def line_of(self, entry: object, side: int = 1) -> int:
        [(found,)] = run(
            "SELECT id FROM ledger_line WHERE entry_id = %s AND side = %s",
            stored_uuid(entry),  # type: ignore[arg-type]
            side,
        )
        return int(found)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def kinds(scene: Scene) -> set[str]:
    """Asked of this book by name, and of all books, where PostgreSQL looks ahead: with the same answer."""
    of_book = verify_books(book_id=scene.books.id).faults
    of_all = verify_books().faults
    assert {(fault.kind, fault.subject) for fault in of_all} >= {(fault.kind, fault.subject) for fault in of_book}
    found = {fault.kind for fault in of_book}
    assert {fault.kind for fault in of_all} == found
    return found


def test_what_is_whole_is_said_to_be(scene: Scene) -> None:
    verdict = verify_books()
    assert (verdict.entries, verdict.sealed, verdict.faults) == (6, 6, ())


def test_on_one_thousand_random_histories_there_is_no_false_alarm() -> None:
    """Ten books of a hundred entries each, sealed at random moments."""
    chance = random.Random(20260314)
    for _ in range(10):
        books = Books(currency=chance.choice(["USD", "JPY", "KWD"]))
        roles = ["cash", "bank", "equity", "payable", "sales_revenue", "fees"]
        posted = []
        for _ in range(100):
            to, source = chance.sample(roles, 2)
            at = AT + timedelta(seconds=chance.randrange(10_000_000), microseconds=chance.randrange(1_000_000))
            posted.append(
                books.move(to, source, chance.randrange(1, 10**9), at=at, description="Ж" * chance.randrange(9))
            )
            if chance.random() < 0.1:
                seal_entries()
        for each in chance.sample(posted, 10):
            reverse_entry(book_id=books.id, entry_id=each.entry_id, key=f"r{each.entry_id}")
        seal_entries()
    verdict = verify_books()
    assert (verdict.entries, verdict.sealed, verdict.faults) == (1100, 1100, ())


def _uuid(value: object) -> Any:
    return stored_uuid(value)  # type: ignore[arg-type]


PLANTED: dict[str, tuple[Callable[[Scene], object], str]] = {
    "an amount changed": (
        lambda scene: run("UPDATE ledger_line SET amount_minor = 1 WHERE id = %s", scene.line_of(scene.second)),
        "unbalanced balance digest",
    ),
    "both amounts and both balances changed": (
        lambda scene: (
            run("UPDATE ledger_line SET amount_minor = amount_minor + 1 WHERE entry_id = %s", _uuid(scene.second)),
            run(
                "UPDATE ledger_balance SET debit_minor = debit_minor + 1 WHERE account_id = %s",
                _uuid(scene.books["cash"]),
            ),
            run("UPDATE ledger_balance SET credit_minor = credit_minor + 1 WHERE account_id = %s", _uuid(scene.purse)),
        ),
        "digest",
    ),
    "a line removed": (
        lambda scene: run("DELETE FROM ledger_line WHERE id = %s", scene.line_of(scene.second)),
        "unbalanced line_count balance digest",
    ),
    "a line added": (
        lambda scene: run(
            "INSERT INTO ledger_line (entry_id, account_id, side, amount_minor, currency, memo) "
            "SELECT entry_id, account_id, side, amount_minor, currency, memo FROM ledger_line WHERE id = %s",
            scene.line_of(scene.second),
        ),
        "unbalanced line_count balance digest",
    ),
    "an orphan": (
        lambda scene: run(
            "INSERT INTO ledger_line (entry_id, account_id, side, amount_minor, currency, memo) "
            "VALUES (%s, %s, 1, 5, 'USD', '')",
            _uuid(new_uuid()),
            _uuid(scene.books["cash"]),
        ),
        "orphan_line balance",
    ),
    "an entry removed": (
        lambda scene: (
            run("DELETE FROM ledger_line WHERE entry_id = %s", _uuid(scene.first)),
            run("DELETE FROM ledger_entry WHERE id = %s", _uuid(scene.first)),
        ),
        "balance missing_entry chain",
    ),
    "a balance changed": (
        lambda scene: run(
            "UPDATE ledger_balance SET credit_minor = credit_minor + 1 WHERE account_id = %s", _uuid(scene.purse)
        ),
        "balance",
    ),
    "a balance removed": (
        lambda scene: run("DELETE FROM ledger_balance WHERE account_id = %s", _uuid(scene.books["bank"])),
        "no_balance",
    ),
    "what is held changed": (
        lambda scene: run("UPDATE ledger_balance SET held_minor = 0 WHERE account_id = %s", _uuid(scene.purse)),
        "held",
    ),
    "a floor raised": (
        lambda scene: run("UPDATE ledger_account SET floor_minor = 9999999 WHERE id = %s", _uuid(scene.purse)),
        "floor",
    ),
    "a line moved to another book's account": (
        lambda scene: run(
            "UPDATE ledger_line SET account_id = %s WHERE id = %s",
            _uuid(scene.other["cash"]),
            scene.line_of(scene.second),
        ),
        "foreign_account balance digest",
    ),
    "a line in another currency": (
        lambda scene: run("UPDATE ledger_line SET currency = 'EUR' WHERE entry_id = %s", _uuid(scene.second)),
        "currency digest",
    ),
    "a manual entry on a control account": (
        lambda scene: run("UPDATE ledger_account SET owner = 'payments' WHERE id = %s", _uuid(scene.books["bank"])),
        "control_account",
    ),
    "an entry in a period that was closed before": (
        lambda scene: run(
            "UPDATE ledger_period SET ends_at = %s, closed_at = %s WHERE id = %s",
            stored_time(AT + timedelta(days=1)),
            stored_time(AT),
            _uuid(scene.period),
        ),
        "closed_period",
    ),
    "a reversal of another entry": (
        lambda scene: run(
            "UPDATE ledger_entry SET reverses_id = %s WHERE id = %s", _uuid(scene.fourth), _uuid(scene.reversal)
        ),
        "reversal digest",
    ),
    "a description changed": (
        lambda scene: run("UPDATE ledger_entry SET description = 'Nothing' WHERE id = %s", _uuid(scene.first)),
        "digest",
    ),
    "a description and its digest changed": (
        lambda scene: run("UPDATE ledger_entry SET digest = %s WHERE id = %s", bytes(32), _uuid(scene.first)),
        "digest chain",
    ),
    "a seal removed": (
        lambda scene: run("DELETE FROM ledger_seal WHERE book_id = %s AND seq = 2", _uuid(scene.books.id)),
        "gap chain unsealed",
    ),
    "two seals exchanged": (
        lambda scene: run(
            "UPDATE ledger_seal SET seq = CASE seq WHEN 101 THEN 3 ELSE 2 END WHERE book_id = %s AND seq > 100",
            *_out_of_the_way(scene),
        ),
        "chain",
    ),
    "the end of the chain cut off": (
        lambda scene: run("DELETE FROM ledger_seal WHERE book_id = %s AND seq = 6", _uuid(scene.books.id)),
        "unsealed",
    ),
    "a hold resolved by hand": (
        lambda scene: run("UPDATE ledger_hold SET state = 'posted' WHERE id = %s", _uuid(scene.hold)),
        "hold held",
    ),
    "a negative amount": (
        lambda scene: run("UPDATE ledger_line SET amount_minor = -5000 WHERE entry_id = %s", _uuid(scene.second)),
        "amount balance digest",
    ),
}


def _out_of_the_way(scene: Scene) -> tuple[Any]:
    run("UPDATE ledger_seal SET seq = seq + 99 WHERE book_id = %s AND seq IN (2, 3)", _uuid(scene.books.id))
    return (_uuid(scene.books.id),)


@pytest.mark.parametrize("name", PLANTED)
def test_each_planted_corruption_is_found(scene: Scene, name: str) -> None:
    plant, found = PLANTED[name]
    assert kinds(scene) == set()
    with unguarded():
        plant(scene)
        assert kinds(scene) == set(found.split())
    assert kinds(scene) == set()


def test_a_chain_goes_on_without_a_gap(scene: Scene) -> None:
    scene.books.move("cash", "equity", 5)
    assert (seal_entries(), seal_entries()) == (1, 0)
    with tenant_scope(scene.books.id):
        assert list(Seal.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2, 3, 4, 5, 6, 7]
    assert kinds(scene) == set()


def test_the_command_says_what_holds_and_what_does_not(scene: Scene) -> None:
    assert "6 entries hold, 6 of them sealed" in command("ledger_verify")
    told = orjson.loads(command("ledger_verify", "--json", "--book", str(scene.books.id)))
    assert told == {"entries": 6, "sealed": 6, "faults": [], "known": []}
    with unguarded():
        run("UPDATE ledger_balance SET held_minor = 0 WHERE account_id = %s", _uuid(scene.purse))
        with pytest.raises(CommandError, match="BROKEN: 1 faults"):
            call_command("ledger_verify", "--json")


def test_the_sweep_says_each_fault_as_an_error(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    assert report_books() == 0
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    with unguarded():
        run("UPDATE ledger_balance SET held_minor = 0 WHERE account_id = %s", _uuid(scene.purse))
        assert report_books() == 1
        assert declared()["ledger.integrity"].run(500) == 1  # what /metrics tells as its rows
        assert declared()["ledger.integrity"].run(1) == 0  # a full batch would be asked for the next one
    assert [record.levelname for record in caplog.records if "do not hold" in record.getMessage()] == ["ERROR"] * 3


def test_a_chain_made_anew_is_not_the_one_that_was_exported(scene: Scene, tmp_path: Path) -> None:
    anchors = tmp_path / "anchors.jsonl"
    assert "1 books anchored" in command("ledger_anchor", "--file", str(anchors))
    assert "6 entries hold" in command("ledger_verify", "--anchors", str(anchors))
    assert orjson.loads(command("ledger_anchor"))["seq"] == 6
    with unguarded():
        # Somebody takes the last seal away and queues its entry again, so that nothing else shows it.
        run("DELETE FROM ledger_seal WHERE book_id = %s AND seq = 6", _uuid(scene.books.id))
        run(
            "INSERT INTO ledger_unsealed (entry_id, book_id) SELECT id, book_id FROM ledger_entry "
            "WHERE book_id = %s AND id NOT IN (SELECT entry_id FROM ledger_seal)",
            _uuid(scene.books.id),
        )
        assert kinds(scene) == set()
        with pytest.raises(CommandError, match="BROKEN"):
            call_command("ledger_verify", "--anchors", str(anchors), stdout=StringIO(), stderr=StringIO())
    anchors.write_text("{}")
    with pytest.raises(CommandError, match="line 1 is no anchor"):
        call_command("ledger_verify", "--anchors", str(anchors), stdout=StringIO(), stderr=StringIO())


def command(*words: str) -> str:
    said = StringIO()
    call_command(*words, stdout=said, stderr=StringIO())
    return said.getvalue()
