"""Ten thousand random entries in four currencies, and somebody else's program adds them up: hledger must agree."""

import csv
import random
import shutil
import subprocess
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from stoa.apps.ledger.contracts import Draft, Line, Side
from stoa.apps.ledger.queries import trial_balance
from stoa.apps.ledger.services.books import system_account
from stoa.apps.ledger.services.posting import post_entries
from stoa.apps.ledger.services.sealing import seal_entries
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.kit.ids import new_id
from stoa.kit.money import Money

ENTRIES, AT_ONCE = 10_000, 250
CURRENCIES = ("USD", "EUR", "JPY", "KWD")
ROLES = ("cash", "bank", "equity", "payable", "sales_revenue", "fees", "fx")


def random_draft(books: Books, accounts: dict[str, list[Line]], chance: random.Random) -> Draft:
    """One to three balanced groups of two to five lines, each in a currency of its own."""
    lines: list[Line] = []
    for currency in chance.sample(CURRENCIES, chance.choice([1, 1, 1, 2, 3])):
        there = [line.account_id for line in accounts[currency]]
        amounts = [chance.randrange(1, 10 ** chance.randrange(1, 10)) for _ in range(chance.randrange(1, 5))]
        side = chance.choice(list(Side))
        lines += [Line(chance.choice(there), side, amount, currency) for amount in amounts]
        lines.append(Line(chance.choice(there), side.other, sum(amounts), currency))
    at = AT + timedelta(minutes=chance.randrange(500_000))
    return books.draft(tuple(lines), key=new_id(), at=at, description=chance.choice(["", "Кофе; чай | сок", "a  b"]))


@pytest.fixture
def hledger(request: pytest.FixtureRequest) -> str:
    """Where it is; CI installs it, and there its absence is a failure."""
    found = shutil.which("hledger")
    if found is None and request.config.getoption("--require-services"):
        pytest.fail("needs hledger", pytrace=False)
    if found is None:
        pytest.skip("needs hledger (apt install hledger)")
    return found


def test_hledger_agrees_to_the_minor_unit(hledger: str, committed_db: None) -> None:
    """In commits of their own: in one transaction PostgreSQL keeps every version of a balance that is written so often."""
    chance, books = random.Random(1494), Books()
    accounts = {
        currency: [
            Line(system_account(book_id=books.id, role=role, currency=currency), Side.DEBIT, 1, currency)
            for role in ROLES
        ]
        for currency in CURRENCIES
    }
    for _ in range(ENTRIES // AT_ONCE):
        post_entries(drafts=[random_draft(books, accounts, chance) for _ in range(AT_ONCE)])
    seal_entries(limit=ENTRIES)
    journal = StringIO()
    call_command("ledger_export", str(books.id), stdout=journal)
    command = [hledger, "-f", "-", "balance", "--flat", "--no-total", "--empty", "-O", "csv"]
    done = subprocess.run(command, input=journal.getvalue(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    theirs = {account.partition(":")[2]: balance for account, balance in list(csv.reader(done.stdout.splitlines()))[1:]}
    ours = {
        row.code: Money(row.debits.minor - row.credits.minor, row.debits.currency)
        for row in trial_balance(book_id=books.id).rows
    }
    assert len(ours) == len(CURRENCIES) * len(ROLES)
    assert {code: theirs[code] for code in ours} == {code: _as_hledger(money) for code, money in ours.items()}


def test_of_a_book_that_is_not_there_nothing_is_written(db: None) -> None:
    with pytest.raises(CommandError, match="no such book"):
        call_command("ledger_export", "01a1f8ec-407b-73a7-8378-ce56ae6fb93a")


def _as_hledger(money: Money) -> str:
    return f"{money.currency} {money.amount}" if money.minor else "0"
