"""The journal as a plain-text journal that hledger and its like read: an accountant's way out, and our oracle."""

from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import connection

from stoa.apps.ledger.models import Account
from stoa.kit.money import EXPONENTS, Money
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.outbox.values import stored_uuid

_AT_ONCE = 5000
_LINES = """SELECT entry.id, entry.effective_at, entry.kind, entry.description, seal.seq, account.type, account.code,
  line.side, line.amount_minor, line.currency, line.memo
FROM ledger_line AS line JOIN ledger_entry AS entry ON entry.id = line.entry_id
JOIN ledger_account AS account ON account.id = line.account_id
LEFT JOIN ledger_seal AS seal ON seal.entry_id = entry.id
WHERE entry.book_id = %s ORDER BY entry.effective_at, entry.id, line.id"""


def plain_text_journal(*, book_id: UUID) -> Iterator[str]:
    """Text in pieces: the commodities, the accounts, then every entry in order of its effective time. Two queries."""
    with tenant_scope(book_id):
        accounts = list(Account.objects.order_by("code").values_list("type", "code", "name", "currency"))
    for currency in sorted({each[3] for each in accounts}):
        exponent = EXPONENTS[currency]
        yield f"commodity {currency} 1{'.' + '0' * exponent if exponent else '.'}\n"
    for kind, code, name, _ in accounts:
        yield f"account {kind}:{code}  ; {_clean(name)}\n"
    # A plain one would bring every row to the client before the first is read.
    with closing(connection.chunked_cursor()) as cursor:
        cursor.execute(_LINES, [stored_uuid(book_id)])
        for _, lines in groupby(_rows(cursor), key=lambda row: row[0]):
            yield _entry(list(lines))


def _entry(lines: list[tuple[Any, ...]]) -> str:
    _, at, kind, description, number, *_ = lines[0]
    said = [f"\n{str(at)[:10]} ({number if number is not None else 'provisional'}) {_clean(description or kind)}\n"]
    for *_, account_type, code, side, amount, currency, memo in lines:
        money = Money(side * amount, currency)
        said.append(f"    {account_type}:{code}  {currency} {money.amount}{'  ; ' + _clean(memo) if memo else ''}\n")
    return "".join(said)


def _clean(text: str) -> str:
    """One line, and no `;`, which begins a comment, nor `|`, which divides payee and note."""
    return " ".join(text.replace(";", ",").replace("|", "/").split())


def _rows(cursor: Any) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(_AT_ONCE):
        yield from rows
