"""Debts by age: first in, first out, and the buckets always add up to the balance."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.apps.ledger.contracts import AgedReport, Draft, credit, debit
from stoa.apps.ledger.domain import aged, bucket_names
from stoa.apps.ledger.queries import trial_balance
from stoa.apps.ledger.services.aging import PAYABLE, RECEIVABLE, aged_report
from stoa.apps.ledger.services.books import system_account
from stoa.apps.ledger.services.posting import post_entry
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.kit.ids import new_id

DAYS = (30, 60, 90)


def ago(days: int, minor: int) -> tuple[object, int]:
    return AT - timedelta(days=days), minor


@pytest.mark.parametrize(
    ("movements", "buckets"),
    [
        ([], [0, 0, 0, 0]),
        ([ago(0, 5)], [5, 0, 0, 0]),
        ([ago(30, 5)], [5, 0, 0, 0]),
        ([ago(31, 5)], [0, 5, 0, 0]),
        ([ago(60, 5), ago(61, 7)], [0, 5, 7, 0]),
        ([ago(91, 9), ago(10, 1)], [1, 0, 0, 9]),
        ([ago(91, 9), ago(40, 4), ago(5, -10)], [0, 3, 0, 0]),
        ([ago(91, 9), ago(5, -12)], [-3, 0, 0, 0]),
        ([ago(91, -12), ago(40, 20)], [0, 8, 0, 0]),
    ],
)
def test_payments_settle_the_oldest(movements: list[tuple[object, int]], buckets: list[int]) -> None:
    assert aged(movements, AT, DAYS) == buckets  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(-1000, 1000))), st.sets(st.integers(1, 300), min_size=1))
def test_buckets_add_up(moved: list[tuple[int, int]], days: set[int]) -> None:
    movements = [ago(each, minor) for each, minor in sorted(moved, reverse=True)]
    told = aged(movements, AT, sorted(days))  # type: ignore[arg-type]
    assert (sum(told), len(told)) == (sum(minor for _, minor in moved), len(days) + 1)
    assert all(minor >= 0 for minor in told[1:])


def test_buckets_have_names() -> None:
    assert bucket_names(DAYS) == ("0-30", "31-60", "61-90", "over 90")
    assert bucket_names((7,)) == ("0-7", "over 7")


def post(books: Books, role: str, minor: int, *, days: int, reference: str, currency: str = "USD") -> None:
    """A positive amount is new debt; the other side is cash."""
    account = system_account(book_id=books.id, role=role, currency=currency)
    cash = system_account(book_id=books.id, role="cash", currency=currency)
    grows = (minor > 0) == (role == RECEIVABLE)
    to, source = (account, cash) if grows else (cash, account)
    post_entry(
        draft=Draft(
            book_id=books.id,
            kind="sales.invoice" if role == RECEIVABLE else "manual",
            key=new_id(),
            effective_at=AT - timedelta(days=days),
            lines=(debit(to, abs(minor), currency), credit(source, abs(minor), currency)),
            reference_type="invoice",
            reference_id=reference,
        )
    )


def shown(report: AgedReport) -> list[tuple[str, list[str], str]]:
    return [(row.reference_id, [each.amount for each in row.amounts], row.total.currency) for row in report.rows]


@pytest.mark.django_db
@pytest.mark.parametrize("role", [RECEIVABLE, PAYABLE])
def test_a_report_ties_to_its_account(role: str) -> None:
    books = Books()
    post(books, role, 100_00, days=95, reference="A")
    post(books, role, -60_00, days=50, reference="A")
    post(books, role, 30_00, days=45, reference="B")
    post(books, role, 20_00, days=1, reference="C")
    post(books, role, -20_00, days=0, reference="C")
    post(books, role, 7_00, days=10, reference="A", currency="EUR")
    report = aged_report(book_id=books.id, role=role, until=AT + timedelta(seconds=1))
    assert report.buckets == ("0-30", "31-60", "61-90", "over 90")
    assert shown(report) == [
        ("A", ["7.00", "0.00", "0.00", "0.00"], "EUR"),
        ("A", ["0.00", "0.00", "0.00", "40.00"], "USD"),
        ("B", ["0.00", "30.00", "0.00", "0.00"], "USD"),
    ]
    held = {
        row.balance.currency: row.balance
        for row in trial_balance(book_id=books.id).rows
        if row.code.startswith("1200" if role == RECEIVABLE else "2000")
    }
    assert {total.currency: total for total in report.totals} == held
    early = aged_report(book_id=books.id, role=role, until=AT - timedelta(days=48), days=(10,))
    assert shown(early) == [("A", ["0.00", "40.00"], "USD")]
