"""Posting, reversal, holds and periods: one contract on SQLite and PostgreSQL."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stoa.apps.ledger import errors
from stoa.apps.ledger.contracts import AccountView, Draft, Line, Side, credit, debit
from stoa.apps.ledger.domain import MOST_LINES
from stoa.apps.ledger.models import Entry
from stoa.apps.ledger.models import Line as LineRow
from stoa.apps.ledger.queries import account_view, entry_view, trial_balance
from stoa.apps.ledger.services.accounts import close_account, reopen_account
from stoa.apps.ledger.services.holds import expire_holds, hold_funds, post_hold, void_hold
from stoa.apps.ledger.services.periods import add_period, close_period, reopen_period
from stoa.apps.ledger.services.posting import post_entries, post_entry, reverse_entry
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.kit.clock import utc_now
from stoa.kit.errors import DomainError, Invalid
from stoa.kit.ids import new_uuid
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def books() -> Books:
    return Books()


def rows(books: Books) -> tuple[int, int]:
    with tenant_scope(books.id):
        return Entry.objects.count(), LineRow.objects.count()


def view(books: Books, role: str) -> AccountView:
    with tenant_scope(books.id):
        return account_view(books[role])


def refused(books: Books, error: type[DomainError], act: Callable[[], object]) -> DomainError:
    """And nothing happened."""
    before, balances, events = rows(books), trial_balance(book_id=books.id), OutboxEvent.objects.count()
    with pytest.raises(error) as caught, transaction():
        act()
    assert (rows(books), trial_balance(book_id=books.id), OutboxEvent.objects.count()) == (before, balances, events)
    return caught.value


def test_an_entry_moves_both_balances_and_is_told(books: Books) -> None:
    posted = books.move("cash", "equity", 12_50)
    assert posted.is_new
    assert (view(books, "cash").balance.amount, view(books, "equity").balance.amount) == ("12.50", "12.50")
    with tenant_scope(books.id):
        entry = entry_view(posted.entry_id)
    assert [(line.account_code, line.side, line.amount.amount) for line in entry.lines] == [
        ("1000", "debit", "12.50"),
        ("3000", "credit", "12.50"),
    ]
    assert (entry.recorded_at, entry.number) == (posted.recorded_at, None)
    assert OutboxEvent.objects.filter(name="ledger.entry_posted").count() == 1


def test_the_same_key_has_one_effect(books: Books) -> None:
    draft = books.draft(books.between(books["cash"], books["equity"], 5), key="k")
    first = post_entry(draft=draft)
    again = post_entry(draft=draft)
    assert (again.entry_id, again.recorded_at, again.is_new) == (first.entry_id, first.recorded_at, False)
    assert rows(books) == (1, 2)
    other = replace(draft, description="another")
    refused(books, errors.KeyReused, lambda: post_entry(draft=other))


def test_effective_now_is_when_the_key_first_came(books: Books) -> None:
    draft = replace(books.draft(books.between(books["cash"], books["equity"], 5), key="k"), effective_at=None)
    first, again = post_entry(draft=draft), post_entry(draft=draft)
    assert (again.entry_id, again.is_new) == (first.entry_id, False)
    refused(books, errors.KeyReused, lambda: post_entry(draft=replace(draft, description="another")))
    assert rows(books) == (1, 2)


def test_a_key_belongs_to_its_book(books: Books) -> None:
    other = Books()
    assert books.move("cash", "equity", 5, key="k").entry_id != other.move("cash", "equity", 5, key="k").entry_id


def test_unbalanced_says_by_how_much(books: Books) -> None:
    lines = (debit(books["cash"], 300, "USD"), credit(books["equity"], 200, "USD"))
    error = refused(books, errors.Unbalanced, lambda: post_entry(draft=books.draft(lines)))
    assert error.details == {"currency": "USD", "debits": "3.00", "credits": "2.00", "difference": "1.00"}


def _with(books: Books, **changes: object) -> Draft:
    return replace(books.draft(books.between(books["cash"], books["equity"], 5)), **changes)  # type: ignore[arg-type]


def _line(books: Books, amount: object, currency: str = "USD") -> Draft:
    made = Line(books["cash"], Side.DEBIT, amount, currency)  # type: ignore[arg-type]
    return _with(books, lines=(made, replace(made, side=Side.CREDIT)))


@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("lines.0.amount", lambda books: _line(books, 0)),
        ("lines.0.amount", lambda books: _line(books, -5)),
        ("lines.0.amount", lambda books: _line(books, 1.5)),
        ("lines.0.amount", lambda books: _line(books, True)),
        ("lines.0.amount", lambda books: _line(books, 10**30)),
        ("lines.0.currency", lambda books: _line(books, 5, "XXX")),
        ("lines", lambda books: _with(books, lines=(debit(books["cash"], 5, "USD"),))),
        ("lines", lambda books: _with(books, lines=(debit(books["cash"], 5, "USD"),) * (MOST_LINES + 1))),
        ("key", lambda books: _with(books, key="")),
        ("key", lambda books: _with(books, key="k" * 256)),
        ("kind", lambda books: _with(books, kind="")),
        ("effective_at", lambda books: _with(books, effective_at=datetime(1800, 1, 1, tzinfo=UTC))),
        ("effective_at", lambda books: _with(books, effective_at=datetime(2026, 1, 1))),  # noqa: DTZ001 - that is it
        ("description", lambda books: _with(books, description="a\x00b")),
        ("description", lambda books: _with(books, description="a" * 501)),
    ],
)
def test_bad_input_names_its_field(books: Books, field: str, make: Callable[[Books], Draft]) -> None:
    draft = make(books)
    error = refused(books, Invalid, lambda: post_entry(draft=draft))
    assert isinstance(error, Invalid)
    assert min(error.fields) == field


def test_an_account_of_another_book_is_refused(books: Books) -> None:
    other = Books()
    for strange in (other["cash"], new_uuid()):
        lines = books.between(strange, books["equity"], 5)
        refused(books, errors.UnknownAccount, lambda lines=lines: post_entry(draft=books.draft(lines)))  # type: ignore[misc]
    assert rows(other) == (0, 0)


def test_another_currency_than_the_account_has_is_refused(books: Books) -> None:
    lines = (debit(books["cash"], 5, "EUR"), credit(books["equity"], 5, "EUR"))
    refused(books, errors.CurrencyMismatch, lambda: post_entry(draft=books.draft(lines)))


def test_a_control_account_takes_its_owners_kinds_only(books: Books) -> None:
    refused(books, errors.ControlAccount, lambda: books.move("inventory", "equity", 5))
    refused(books, errors.ControlAccount, lambda: books.move("inventory", "equity", 5, kind="salesman.bought"))
    assert books.move("inventory", "equity", 5, kind="sales.bought").is_new


def test_nothing_falls_below_its_floor(books: Books) -> None:
    purse = books.account("purse", floor=0, kind="liability")
    books.move("cash", purse, 10)
    refused(books, errors.InsufficientFunds, lambda: books.move(purse, "cash", 11))
    books.move(purse, "cash", 10)


def test_a_closed_account_takes_nothing(books: Books) -> None:
    purse = books.account("purse")
    books.move(purse, "cash", 10)
    refused(books, errors.AccountInUse, lambda: close_account(book_id=books.id, account_id=purse))
    books.move("cash", purse, 10)
    assert not close_account(book_id=books.id, account_id=purse).is_open
    refused(books, errors.AccountClosed, lambda: books.move(purse, "cash", 10))
    reopen_account(book_id=books.id, account_id=purse)
    books.move(purse, "cash", 10)


def test_a_closed_period_takes_nothing_until_it_is_open_again(books: Books) -> None:
    march = [datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4)]
    period = add_period(book_id=books.id, name="March", starts_at=march[0], ends_at=march[1])
    close_period(book_id=books.id, period_id=period.id)
    refused(books, errors.PeriodLocked, lambda: books.move("cash", "equity", 5, at=march[0]))
    books.move("cash", "equity", 5, at=march[1])
    books.move("cash", "equity", 5, at=march[0] - timedelta(microseconds=1))
    reopen_period(book_id=books.id, period_id=period.id, reason="A forgotten invoice.")
    books.move("cash", "equity", 5, at=march[0])
    with pytest.raises(errors.PeriodOverlaps):
        add_period(book_id=books.id, name="Twice", starts_at=AT, ends_at=AT + timedelta(days=60))


def test_a_reversal_takes_it_back_once(books: Books) -> None:
    posted = books.move("cash", "equity", 7)
    taken_back = reverse_entry(book_id=books.id, entry_id=posted.entry_id, key="back")
    assert (view(books, "cash").balance.minor, view(books, "equity").balance.minor) == (0, 0)
    again = reverse_entry(book_id=books.id, entry_id=posted.entry_id, key="back")
    assert (again.entry_id, again.is_new) == (taken_back.entry_id, False)
    reverse = {"book_id": books.id, "key": "other"}
    refused(books, errors.AlreadyReversed, lambda: reverse_entry(entry_id=posted.entry_id, **reverse))  # type: ignore[arg-type]
    refused(books, errors.ReversalOfReversal, lambda: reverse_entry(entry_id=taken_back.entry_id, **reverse))  # type: ignore[arg-type]
    with tenant_scope(books.id):
        assert entry_view(posted.entry_id).reversed_by_id == taken_back.entry_id


def test_a_hold_is_posted_in_part_and_the_rest_is_free(books: Books) -> None:
    purse = books.account("purse", floor=0, kind="liability")
    books.move("cash", purse, 100)
    until = utc_now() + timedelta(hours=1)
    hold = hold_funds(book_id=books.id, account_id=purse, amount_minor=80, key="h", expires_at=until)
    with tenant_scope(books.id):
        assert account_view(purse).available.minor == 20
    assert hold_funds(book_id=books.id, account_id=purse, amount_minor=80, key="h", expires_at=until).id == hold.id
    refused(books, errors.InsufficientFunds, lambda: books.move(purse, "cash", 21))
    draft = books.draft(books.between(purse, books["cash"], 50))
    posted = post_hold(book_id=books.id, hold_id=hold.id, draft=draft)
    assert post_hold(book_id=books.id, hold_id=hold.id, draft=draft).entry_id == posted.entry_id
    with tenant_scope(books.id):
        assert (account_view(purse).balance.minor, account_view(purse).held.minor) == (50, 0)
    refused(books, errors.HoldResolved, lambda: void_hold(book_id=books.id, hold_id=hold.id))
    # Whoever comes with another key hears that, and not that what is left would not do for it.
    too_much = books.draft(books.between(purse, books["cash"], 51))
    refused(books, errors.HoldResolved, lambda: post_hold(book_id=books.id, hold_id=hold.id, draft=too_much))


def test_a_hold_is_voided_or_expires(books: Books) -> None:
    purse = books.account("purse", floor=0, kind="liability")
    books.move("cash", purse, 100)
    until = utc_now() + timedelta(hours=1)
    first = hold_funds(book_id=books.id, account_id=purse, amount_minor=60, key="a", expires_at=until)
    with pytest.raises(errors.InsufficientFunds):
        hold_funds(book_id=books.id, account_id=purse, amount_minor=41, key="b", expires_at=until)
    assert void_hold(book_id=books.id, hold_id=first.id).state == "voided"
    soon = utc_now() + timedelta(milliseconds=20)
    second = hold_funds(book_id=books.id, account_id=purse, amount_minor=100, key="c", expires_at=soon)
    while utc_now() < soon:
        pass
    draft = books.draft(books.between(purse, books["cash"], 50))
    refused(books, errors.HoldResolved, lambda: post_hold(book_id=books.id, hold_id=second.id, draft=draft))
    assert (expire_holds(), expire_holds()) == (1, 0)
    with tenant_scope(books.id):
        assert account_view(purse).available.minor == 100


def test_a_batch_is_whole_or_nothing(books: Books) -> None:
    good = [books.draft(books.between(books["cash"], books["equity"], 5)) for _ in range(3)]
    bad = books.draft(books.between(books["inventory"], books["equity"], 5))
    refused(books, errors.ControlAccount, lambda: post_entries(drafts=[*good, bad]))
    assert all(each.is_new for each in post_entries(drafts=good))


def test_balances_as_of_both_times(books: Books) -> None:
    books.move("cash", "equity", 5, at=AT)
    known = books.move("cash", "equity", 7, at=AT + timedelta(days=2)).recorded_at
    books.move("cash", "equity", 11, at=AT)

    def cash(**instants: datetime) -> int:
        told = trial_balance(book_id=books.id, **instants)  # type: ignore[arg-type]
        return sum(row.balance.minor for row in told.rows if row.code == "1000")

    assert cash() == 23
    assert cash(effective_to=AT) == 16
    assert cash(effective_to=AT - timedelta(seconds=1)) == 0
    if connection.vendor == "postgresql":  # SQLite's clock counts milliseconds
        assert cash(recorded_to=known) == 12
        assert cash(recorded_to=known, effective_to=AT) == 5


def test_a_posting_asks_little_of_the_database(books: Books) -> None:
    draft = books.draft(books.between(books["cash"], books["equity"], 5))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        post_entry(draft=draft)
    most = 1 if connection.vendor == "postgresql" else 7  # with its savepoint there
    assert len(asked) <= most, [each["sql"] for each in asked]
