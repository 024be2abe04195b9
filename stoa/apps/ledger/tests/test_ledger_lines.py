"""The general ledger: every line stands in it once, and it closes where the trial balance stands."""

import random
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stoa.apps.ledger.contracts import Span
from stoa.apps.ledger.models import Line
from stoa.apps.ledger.queries import trial_balance
from stoa.apps.ledger.services import ledger_lines
from stoa.apps.ledger.services.ledger_lines import (
    account_statement,
    count_lines,
    general_ledger,
    streamed_general_ledger,
)
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.kit.errors import Invalid
from stoa.platform.db.tenant import tenant_scope

pytestmark = pytest.mark.django_db


def busy(entries: int = 60) -> Books:
    books, chance = Books(), random.Random(7)
    roles = ["cash", "bank", "equity", "payable", "sales_revenue", "fees"]
    for _ in range(entries):
        to, source = chance.sample(roles, 2)
        books.move(to, source, chance.randrange(1, 10**6), at=AT + timedelta(days=chance.randrange(60)))
    return books


def test_it_ties_to_the_trial_balance_at_both_ends() -> None:
    books = busy()
    since, until = AT + timedelta(days=20), AT + timedelta(days=40)
    span, instant = Span(since, until), timedelta(microseconds=1)
    told = general_ledger(book_id=books.id, span=span)
    for side, at in (("opening", since), ("closing", until)):
        trial = {row.code: row.balance for row in trial_balance(book_id=books.id, effective_to=at - instant).rows}
        shown = {account.code: getattr(account, side) for account in told.accounts}
        assert {code: money for code, money in shown.items() if money.minor} == {
            code: money for code, money in trial.items() if money.minor
        }
    signed = [
        (1 if row.side == "debit" else -1) * row.amount.minor for account in told.accounts for row in account.rows
    ]
    assert (sum(signed), len(signed)) == (0, count_lines(book_id=books.id, span=span))
    assert [account.code for account in told.accounts] == sorted(account.code for account in told.accounts)


def test_all_of_it_is_every_line_once_and_each_account_its_statement() -> None:
    books = busy()
    told = general_ledger(book_id=books.id, span=Span())
    with tenant_scope(books.id):
        assert sum(len(account.rows) for account in told.accounts) == Line.objects.count()
    for account in told.accounts:
        statement = account_statement(book_id=books.id, account_id=account.account_id, span=Span())
        assert (statement.opening, statement.rows, statement.closing) == (
            account.opening,
            account.rows,
            account.closing,
        )


def test_what_is_read_while_it_is_used_says_the_same() -> None:
    books = busy()
    for span in (Span(), Span(since=AT + timedelta(days=30)), Span(since=AT + timedelta(days=90))):
        told = general_ledger(book_id=books.id, span=span)
        streamed = [
            (account.code, account.opening, tuple(rows))
            for account, rows in streamed_general_ledger(book_id=books.id, span=span)
        ]
        assert streamed == [(account.code, account.opening, account.rows) for account in told.accounts]


def test_it_asks_the_same_however_much_there_is() -> None:
    asked = []
    for entries in (5, 50):
        books = busy(entries)
        with CaptureQueriesContext(connection) as queries:
            general_ledger(book_id=books.id, span=Span(since=AT))
        asked.append(len(queries))
    assert asked == [6, 6]


def test_more_than_an_answer_bears_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    books = busy(6)
    monkeypatch.setattr(ledger_lines, "MOST_ROWS", 11)
    with pytest.raises(Invalid) as refused:
        general_ledger(book_id=books.id, span=Span())
    assert list(refused.value.fields) == ["since"]
    monkeypatch.setattr(ledger_lines, "MOST_ROWS", 12)
    assert general_ledger(book_id=books.id, span=Span()).accounts
