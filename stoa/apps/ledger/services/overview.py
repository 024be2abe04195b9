"""A book at a glance, for whoever looks after it: its accounts as a tree with sums, its months, a check within a time.

Each is a fixed number of queries, whatever the book holds."""

# ruff: noqa: S608 - every statement is written here; values are parameters

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from stoa.apps.ledger.contracts import AccountType, Verdict
from stoa.apps.ledger.domain import YEAR_CLOSE
from stoa.apps.ledger.models import Entry, Hold, Quarantined
from stoa.apps.ledger.services.verifying import verify_books
from stoa.kit.ids import parse_id
from stoa.kit.money import Money
from stoa.platform.db.rows import fetch_rows
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.observability.contracts import TraceLine
from stoa.platform.observability.public import story_of
from stoa.platform.outbox.values import read_uuid, stored_time, stored_uuid

MOST_SHOWN = 2000
"""Accounts that a tree names one by one."""
MONTHS = 12
MOST_TOLD = 100

# Accounts that another part of the house opens by the thousand (wallets) are one row for all of them.
_MANY = """account.owner <> '' AND account.role = '' AND account.parent_id IS NULL
  AND NOT EXISTS (SELECT 1 FROM ledger_account AS child WHERE child.parent_id = account.id)"""
_ACCOUNTS = f"""SELECT account.id, account.parent_id, account.code, account.name, account.type, account.currency,
  account.is_open, balance.debit_minor - balance.credit_minor, balance.held_minor
FROM ledger_account AS account JOIN ledger_balance AS balance ON balance.account_id = account.id
WHERE account.book_id = %s AND NOT ({_MANY}) ORDER BY account.code LIMIT {MOST_SHOWN + 1}"""
_TOGETHER = f"""SELECT account.owner, account.type, account.currency, count(*),
  sum(balance.debit_minor - balance.credit_minor), sum(balance.held_minor)
FROM ledger_account AS account JOIN ledger_balance AS balance ON balance.account_id = account.id
WHERE account.book_id = %s AND {_MANY} GROUP BY account.owner, account.type, account.currency
ORDER BY account.owner, account.currency"""
_TOTALS = """SELECT account.type, account.currency, sum(balance.debit_minor - balance.credit_minor)
FROM ledger_account AS account JOIN ledger_balance AS balance ON balance.account_id = account.id
WHERE account.book_id = %s GROUP BY account.type, account.currency ORDER BY account.currency"""


@dataclass(slots=True)
class Node:
    """An account with everything below it: `sums` by currency in minor units on its type's side. `id` None: a row for
    many accounts."""

    id: UUID | None
    code: str
    name: str
    is_open: bool
    held: Money
    sums: dict[str, int]
    depth: int = 0
    children: list["Node"] = field(default_factory=list)

    @property
    def moneys(self) -> tuple[Money, ...]:
        return _moneys(self.sums)


@dataclass(frozen=True, slots=True)
class Branch:
    """The accounts of one type, parents before their children; `totals` are of all of them, shown or not."""

    type: AccountType
    nodes: tuple[Node, ...]
    totals: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class AccountTree:
    """`is_cut`: more accounts than MOST_SHOWN, so that a parent's sum may lack some; totals lack none."""

    branches: tuple[Branch, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Month:
    """`revenue` of the month; `cash` at its end, in cash and bank together."""

    starts_at: datetime
    revenue: Money
    cash: Money


def account_tree(*, book_id: UUID) -> AccountTree:
    """From the cached balances. Three queries."""
    book = stored_uuid(book_id)
    rows = fetch_rows(_ACCOUNTS, [book])
    roots: dict[AccountType, list[Node]] = {each: [] for each in AccountType}
    for kind, node in _rolled_up(rows[:MOST_SHOWN]):
        roots[kind].append(node)
    for owner, kind, currency, count, signed, held in fetch_rows(_TOGETHER, [book]):
        of = AccountType(kind)
        sums = {currency: int(signed) * of.normal}
        roots[of].append(Node(None, "", f"{count:,} accounts of {owner}", True, Money(int(held), currency), sums))
    totals: dict[AccountType, dict[str, int]] = defaultdict(dict)
    for kind, currency, signed in fetch_rows(_TOTALS, [book]):
        totals[AccountType(kind)][currency] = int(signed) * AccountType(kind).normal
    branches = tuple(Branch(each, tuple(_walked(roots[each])), _moneys(totals[each])) for each in AccountType)
    return AccountTree(branches, is_cut=len(rows) > MOST_SHOWN)


def months_of(*, book_id: UUID, now: datetime) -> dict[str, list[Month]]:
    """The last MONTHS months by currency, in UTC, this one included. Two queries."""
    starts = _month_starts(now)
    revenue = _by_month(
        f"account.type = 'revenue' AND entry.kind <> '{YEAR_CLOSE}' AND entry.effective_at >= %s",
        book_id,
        [stored_time(starts[0])],
        now,
        sign=-1,
    )
    cash = _by_month("account.role IN ('cash', 'bank')", book_id, [], now, sign=1)
    found: dict[str, list[Month]] = {}
    for currency in sorted({*revenue, *cash}):
        running = sum(minor for key, minor in cash[currency].items() if key < _key(starts[0]))
        months = []
        for start in starts:
            running += cash[currency].get(_key(start), 0)
            earned = Money(revenue[currency].get(_key(start), 0), currency)
            months.append(Month(start, earned, Money(running, currency)))
        found[currency] = months
    return found


@dataclass(frozen=True, slots=True)
class EntryChain:
    """What an entry came from and what came of it. `reference`: the entry that its reference names, if it is one."""

    reference: Entry | None
    holds: tuple[Hold, ...]
    quarantined: tuple[Quarantined, ...]
    story: tuple[TraceLine, ...]


def chain_of(*, entry: Entry, with_story: bool) -> EntryChain:
    """At most three queries, and those of every source of a story. At most MOST_TOLD lines of it."""
    named = parse_id(entry.reference_id)
    with tenant_scope(entry.book_id):
        return EntryChain(
            reference=Entry.objects.filter(pk=named).first() if named is not None else None,
            holds=tuple(Hold.objects.filter(entry_id=entry.pk)[:MOST_TOLD]),
            quarantined=tuple(
                Quarantined.objects.filter(Q(entry_id=entry.pk) | Q(cure_id=entry.pk)).order_by("pk")[:MOST_TOLD]
            ),
            story=tuple(story_of(entry.request_id)[:MOST_TOLD]) if with_story and entry.request_id else (),
        )


def verify_within(*, book_id: UUID, within_s: float) -> Verdict | None:
    """As `verify_books` of one book; None where the time is over before the last check has begun."""
    until = time.monotonic() + within_s

    def refuse_late(check: str) -> None:
        if time.monotonic() >= until:
            raise TimeoutError(check)

    try:
        return verify_books(book_id=book_id, progress=refuse_late)
    except TimeoutError:
        return None


def _rolled_up(rows: Sequence[tuple[Any, ...]]) -> list[tuple[AccountType, Node]]:
    """Nodes that stand below none that is there, with their children in them."""
    nodes: dict[UUID, tuple[UUID | None, AccountType, Node]] = {}
    for id_, parent, code, name, kind, currency, is_open, signed, held in rows:
        of = AccountType(kind)
        node = Node(read_uuid(id_), code, name, bool(is_open), Money(held, currency), {currency: signed * of.normal})
        nodes[read_uuid(id_)] = (read_uuid(parent) if parent is not None else None, of, node)
    roots = []
    for parent_id, of, node in nodes.values():
        above = nodes.get(parent_id) if parent_id is not None else None
        if above is not None and above[1] is of:
            above[2].children.append(node)
        else:  # a parent of another type says nothing of this one's section
            roots.append((of, node))
    for _, node in roots:
        _sum_up(node, 0)
    return roots


def _sum_up(node: Node, depth: int) -> None:
    node.depth = depth
    for child in node.children:
        _sum_up(child, depth + 1)
        for currency, minor in child.sums.items():
            node.sums[currency] = node.sums.get(currency, 0) + minor


def _walked(nodes: Iterable[Node]) -> Iterable[Node]:
    for node in nodes:
        yield node
        yield from _walked(node.children)


def _by_month(where: str, book_id: UUID, values: list[Any], now: datetime, *, sign: int) -> dict[str, dict[str, int]]:
    """Signed sums by currency and month (`2026-03`), of what is effective by now."""
    month = "to_char(entry.effective_at AT TIME ZONE 'UTC', 'YYYY-MM')"
    if connection.vendor == "sqlite":
        month = "substr(entry.effective_at, 1, 7)"
    statement = f"""SELECT account.currency, {month}, sum(line.side * line.amount_minor)
    FROM ledger_account AS account JOIN ledger_line AS line ON line.account_id = account.id
    JOIN ledger_entry AS entry ON entry.id = line.entry_id
    WHERE account.book_id = %s AND entry.effective_at <= %s AND {where} GROUP BY 1, 2"""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for currency, key, signed in fetch_rows(statement, [stored_uuid(book_id), stored_time(now), *values]):
        found[currency][key] = sign * int(signed)
    return found


def _month_starts(now: datetime) -> list[datetime]:
    counted = now.year * 12 + now.month - 1
    return [datetime(each // 12, each % 12 + 1, 1, tzinfo=UTC) for each in range(counted - MONTHS + 1, counted + 1)]


def _key(start: datetime) -> str:
    return f"{start:%Y-%m}"


def _moneys(sums: dict[str, int]) -> tuple[Money, ...]:
    return tuple(Money(minor, currency) for currency, minor in sorted(sums.items()))
