"""Does everything in the books hold? Every rule that the triggers keep, asked again of what is there.

Each check is one set-based statement that names at most MOST_NAMED offenders more than are set aside; the chain is
walked in order. On PostgreSQL a look ahead over all books counts first, and only what may be wrong is asked by name.
What was changed by somebody who could switch the triggers off is found here: sums, balances, digests or the chain
differ."""

# ruff: noqa: S608 - every statement is written here; values are parameters

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import connection

from stoa.apps.ledger.contracts import Draft, Fault, Line, Side, Verdict
from stoa.apps.ledger.domain import digest_of, sealed
from stoa.apps.ledger.services.outlook import Outlook, outlook
from stoa.apps.ledger.services.quarantine import count_set_aside, known_faults, quarantine_faults
from stoa.apps.ledger.services.rules.checkpoints import DAY
from stoa.apps.ledger.services.sealing import GENESIS
from stoa.platform.db.rows import fetch_rows
from stoa.platform.outbox.values import read_time, read_uuid, stored_uuid
from stoa.runtime.logs import get_logger

log = get_logger(__name__)
MOST_NAMED = 100
_AT_ONCE = 5000

_ENTRY = "FROM ledger_entry AS entry WHERE {book}"
_LINES = """FROM ledger_line AS line JOIN ledger_entry AS entry ON entry.id = line.entry_id
JOIN ledger_account AS account ON account.id = line.account_id WHERE {book}"""


@dataclass(frozen=True, slots=True)
class Check:
    """`statement` gives the ids of what is wrong; `{book}` becomes the filter on `owner`'s book, if one is asked for."""

    kind: str
    told: str
    statement: str
    owner: str = "entry.book_id"


CHECKS = (
    Check(
        "unbalanced",
        "debits and credits of an entry differ",
        f"""SELECT line.entry_id {_LINES} GROUP BY line.entry_id, line.currency
        HAVING sum(line.side * line.amount_minor) <> 0""",
    ),
    Check(
        "line_count",
        "an entry has fewer or more lines than when it was posted",
        """SELECT entry.id FROM ledger_entry AS entry LEFT JOIN ledger_line AS line ON line.entry_id = entry.id
        WHERE {book} GROUP BY entry.id, entry.line_count HAVING count(line.id) <> entry.line_count OR count(line.id) < 2""",
    ),
    Check(
        "orphan_line",
        "a line has no entry",
        """SELECT line.id FROM ledger_line AS line JOIN ledger_account AS account ON account.id = line.account_id
        LEFT JOIN ledger_entry AS entry ON entry.id = line.entry_id WHERE {book} AND entry.id IS NULL""",
        "account.book_id",
    ),
    Check(
        "amount",
        "an amount is not more than 0",
        f"SELECT line.entry_id {_LINES} AND (line.amount_minor <= 0 OR line.side NOT IN (1, -1))",
    ),
    Check(
        "foreign_account",
        "an account of another book",
        f"SELECT line.entry_id {_LINES} AND account.book_id <> entry.book_id",
    ),
    Check(
        "currency",
        "a line in another currency than its account",
        f"SELECT line.entry_id {_LINES} AND account.currency <> line.currency",
    ),
    Check(
        "control_account",
        "a kind that may not post to this account",
        f"""SELECT line.entry_id {_LINES} AND account.owner <> ''
        AND substr(entry.kind, 1, length(account.owner) + 1) <> account.owner || '.'""",
    ),
    Check(
        "balance",
        "a balance is not the sum of its lines",
        """SELECT balance.account_id FROM ledger_balance AS balance LEFT JOIN (
          SELECT account_id, sum(CASE side WHEN 1 THEN amount_minor ELSE 0 END) AS debits,
            sum(CASE side WHEN -1 THEN amount_minor ELSE 0 END) AS credits FROM ledger_line GROUP BY account_id
        ) AS sums ON sums.account_id = balance.account_id
        WHERE {book} AND (balance.debit_minor <> coalesce(sums.debits, 0)
          OR balance.credit_minor <> coalesce(sums.credits, 0))""",
        "balance.book_id",
    ),
    Check(
        "no_balance",
        "an account has no balance",
        """SELECT account.id FROM ledger_account AS account
        LEFT JOIN ledger_balance AS balance ON balance.account_id = account.id
        WHERE {book} AND (balance.account_id IS NULL OR balance.normal <> account.normal
          OR balance.book_id <> account.book_id)""",
        "account.book_id",
    ),
    Check(
        "held",
        "what is held is not the sum of the pending holds",
        """SELECT balance.account_id FROM ledger_balance AS balance LEFT JOIN (
          SELECT account_id, sum(amount_minor) AS held FROM ledger_hold WHERE state = 'pending' GROUP BY account_id
        ) AS sums ON sums.account_id = balance.account_id
        WHERE {book} AND balance.held_minor <> coalesce(sums.held, 0)""",
        "balance.book_id",
    ),
    Check(
        "floor",
        "an account is below its limit",
        """SELECT balance.account_id FROM ledger_balance AS balance
        JOIN ledger_account AS account ON account.id = balance.account_id WHERE {book}
        AND account.floor_minor IS NOT NULL
        AND (balance.debit_minor - balance.credit_minor) * account.normal - balance.held_minor < account.floor_minor""",
        "balance.book_id",
    ),
    Check(
        "closed_period",
        "posted into a period after it was closed",
        f"""SELECT entry.id {_ENTRY} AND EXISTS (SELECT 1 FROM ledger_period AS period
          WHERE period.book_id = entry.book_id AND period.is_closed AND period.starts_at <= entry.effective_at
          AND entry.effective_at < period.ends_at AND entry.recorded_at > period.closed_at)""",
    ),
    Check(
        "reversal",
        "a reversal is not the mirror of one entry of its book",
        """SELECT entry.id FROM ledger_entry AS entry LEFT JOIN ledger_entry AS taken ON taken.id = entry.reverses_id
        WHERE {book} AND entry.reverses_id IS NOT NULL AND (taken.id IS NULL OR taken.book_id <> entry.book_id
          OR taken.reverses_id IS NOT NULL OR EXISTS (
            SELECT 1 FROM ledger_line AS line WHERE line.entry_id IN (entry.id, taken.id)
            GROUP BY line.account_id HAVING sum(line.side * line.amount_minor) <> 0))""",
    ),
    Check(
        "reversed_twice",
        "two entries reverse one",
        f"SELECT entry.reverses_id {_ENTRY} AND entry.reverses_id IS NOT NULL GROUP BY entry.reverses_id HAVING count(*) > 1",
    ),
    Check(
        "key",
        "two entries have one key",
        f"SELECT min(entry.key) {_ENTRY} GROUP BY entry.book_id, entry.key HAVING count(*) > 1",
    ),
    Check(
        "unsealed",
        "an entry has neither a number nor a place in the queue for one",
        f"""SELECT entry.id {_ENTRY} AND NOT EXISTS (SELECT 1 FROM ledger_seal AS seal WHERE seal.entry_id = entry.id)
        AND NOT EXISTS (SELECT 1 FROM ledger_unsealed AS unsealed WHERE unsealed.entry_id = entry.id)""",
    ),
    Check(
        "missing_entry",
        "an entry that was numbered or waited for its number is gone",
        """SELECT known.entry_id FROM (
          SELECT entry_id, book_id FROM ledger_seal UNION ALL SELECT entry_id, book_id FROM ledger_unsealed
        ) AS known LEFT JOIN ledger_entry AS entry ON entry.id = known.entry_id WHERE {book} AND entry.id IS NULL""",
        "known.book_id",
    ),
    Check(
        "hold",
        "a posted hold has no entry",
        """SELECT hold.id FROM ledger_hold AS hold LEFT JOIN ledger_entry AS entry ON entry.id = hold.entry_id
        WHERE {book} AND (hold.state = 'posted') <> (entry.id IS NOT NULL)""",
        "hold.book_id",
    ),
    Check(
        "checkpoint",
        "turnovers of days are not the sums of the lines that a checkpoint counted",
        """SELECT known.account_id FROM (
          SELECT book_id, account_id, day, debit_minor AS debits, credit_minor AS credits FROM ledger_day_turnover
          UNION ALL SELECT seal.book_id, line.account_id, {day},
            -CASE line.side WHEN 1 THEN line.amount_minor ELSE 0 END,
            -CASE line.side WHEN -1 THEN line.amount_minor ELSE 0 END
          FROM (SELECT book_id, max(sealed_to) AS sealed_to FROM ledger_checkpoint GROUP BY book_id) AS last
          JOIN ledger_seal AS seal ON seal.book_id = last.book_id AND seal.seq <= last.sealed_to
          JOIN ledger_entry AS entry ON entry.id = seal.entry_id JOIN ledger_line AS line ON line.entry_id = entry.id
        ) AS known WHERE {book} GROUP BY known.account_id, known.day
        HAVING sum(known.debits) <> 0 OR sum(known.credits) <> 0""",
        "known.book_id",
    ),
)


def verify_books(*, book_id: UUID | None = None, progress: Callable[[str], object] | None = None) -> Verdict:
    """All books, or one. Reads only; in one snapshot where the caller opened one. `progress` hears each check's name."""
    faults: list[Fault] = []
    on_postgresql = connection.vendor == "postgresql"
    # Beyond those that are known: a hundred of them would otherwise hide the next.
    most = MOST_NAMED + count_set_aside(book_id=book_id)
    ahead = outlook() if on_postgresql and book_id is None else Outlook()
    for check in CHECKS:
        if progress is not None:
            progress(check.kind)
        if check.kind not in ahead.clean:
            faults += _asked(check, book_id, most, more=ahead.narrowed(check.kind))
    if progress is not None:
        progress("digest")
    if "digest" not in ahead.clean:
        wrong = (
            _wrong_digests_by_sql(book_id, most, ahead.narrowed("digest"))
            if on_postgresql
            else _wrong_digests(book_id, most)
        )
        faults += [Fault(kind="digest", subject=found, told="an entry is not as it was posted") for found in wrong]
    if progress is not None:
        progress("chain")
    chain = _Chain(ahead.chain_length or 0)
    if ahead.chain_length is None:
        faults += chain.walk(book_id, most)
    known = known_faults(faults=faults, book_id=book_id) if faults else frozenset()
    return Verdict(
        entries=_count("ledger_entry", book_id),
        sealed=chain.length,
        faults=tuple(fault for fault in faults if fault not in known),
        known=tuple(fault for fault in faults if fault in known),
    )


def report_books() -> int:
    """Check all books, log each fault as an error and set its record aside; how many faults. For the sweep."""
    verdict = verify_books()
    for fault in verdict.faults:
        log.error("the books do not hold", check=fault.kind, subject=fault.subject, told=fault.told)
    quarantine_faults(faults=verdict.faults)
    log.info("books checked", entries=verdict.entries, sealed=verdict.sealed, faults=len(verdict.faults))
    return len(verdict.faults)


def _asked(check: Check, book_id: UUID | None, most: int, *, more: str = "") -> list[Fault]:
    book = (f"{check.owner} = %s" if book_id is not None else "1 = 1") + more
    statement = f"{check.statement.format(book=book, day=DAY[connection.vendor])} LIMIT {most}"
    found = fetch_rows(statement, [stored_uuid(book_id)] if book_id is not None else [])
    subjects = dict.fromkeys(_subject(row[0]) for row in found)
    return [Fault(kind=check.kind, subject=subject, told=check.told) for subject in subjects]


class _Chain:
    """Seals in order: no gap, and each hash what the one before and the entry make it."""

    def __init__(self, length: int = 0) -> None:
        self.length = length

    def walk(self, book_id: UUID | None, most: int) -> list[Fault]:
        faults = []
        for _, seals in groupby(_seals(book_id), key=lambda seal: seal[0]):
            seq, chain = 0, GENESIS
            for _, number, entry_id, stored, digest in seals:
                self.length += 1
                seq += 1
                if number != seq:
                    faults.append(Fault(kind="gap", subject=str(number), told="a number of the chain is missing"))
                    seq = number
                expected = sealed(chain, number, entry_id, digest)
                if stored != expected:
                    faults.append(Fault(kind="chain", subject=str(entry_id), told="the chain breaks at this entry"))
                chain = stored
        return faults[:most]


def _seals(book_id: UUID | None) -> Iterator[tuple[UUID, int, UUID, bytes, bytes]]:
    where = "WHERE seal.book_id = %s" if book_id is not None else ""
    statement = f"""SELECT seal.book_id, seal.seq, seal.entry_id, seal.hash, entry.digest FROM ledger_seal AS seal
    LEFT JOIN ledger_entry AS entry ON entry.id = seal.entry_id {where} ORDER BY seal.book_id, seal.seq"""
    for book, seq, entry_id, stored, digest in _stream(
        statement, [stored_uuid(book_id)] if book_id is not None else []
    ):
        yield read_uuid(book), seq, read_uuid(entry_id), bytes(stored), bytes(digest or b"")


_FIELD = "int4send(octet_length(convert_to({0}, 'UTF8'))) || convert_to({0}, 'UTF8')"
_SPELLED_HEAD = " || ".join(
    _FIELD.format(each)
    for each in (
        "entry.book_id::text",
        "entry.kind::text",
        "entry.key::text",
        """to_char(entry.effective_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')""",
        "entry.description::text",
        "entry.reference_type::text",
        "entry.reference_id::text",
        "coalesce(entry.reverses_id::text, '')",
    )
)
_SPELLED_LINE = " || ".join(
    _FIELD.format(each)
    for each in (
        "line.account_id::text",
        "line.side::text",
        "line.amount_minor::text",
        "line.currency::text",
        "line.memo::text",
    )
)


def _wrong_digests_by_sql(book_id: UUID | None, most: int, more: str) -> list[str]:
    """The spelling of `digest_of`, made where the rows are."""
    where = "entry.book_id = %s" if book_id is not None else "1 = 1"
    statement = f"""SELECT entry.id FROM ledger_entry AS entry JOIN (
      SELECT line.entry_id, string_agg({_SPELLED_LINE}, ''::bytea ORDER BY line.id) AS body
      FROM ledger_line AS line GROUP BY line.entry_id
    ) AS spelled ON spelled.entry_id = entry.id WHERE {where} {more}
    AND entry.digest <> sha256({_SPELLED_HEAD} || spelled.body) LIMIT {most}"""
    return [_subject(row[0]) for row in fetch_rows(statement, [book_id] if book_id is not None else [])]


def _wrong_digests(book_id: UUID | None, most: int) -> list[str]:
    where = "WHERE entry.book_id = %s" if book_id is not None else ""
    statement = f"""SELECT entry.id, entry.book_id, entry.kind, entry.key, entry.effective_at, entry.description,
      entry.reference_type, entry.reference_id, entry.reverses_id, entry.digest,
      line.account_id, line.side, line.amount_minor, line.currency, line.memo
    FROM ledger_entry AS entry JOIN ledger_line AS line ON line.entry_id = entry.id {where}
    ORDER BY entry.id, line.id"""
    wrong: list[str] = []
    rows = _stream(statement, [stored_uuid(book_id)] if book_id is not None else [])
    for entry_id, lines in groupby(rows, key=lambda row: row[0]):
        posted = list(lines)
        if digest_of(_draft(posted)) != bytes(posted[0][9]) and len(wrong) < most:
            wrong.append(_subject(entry_id))
    return wrong


def _draft(rows: list[tuple[Any, ...]]) -> Draft:
    head = rows[0]
    return Draft(
        book_id=read_uuid(head[1]),
        kind=head[2],
        key=head[3],
        effective_at=read_time(head[4]),
        description=head[5],
        reference_type=head[6],
        reference_id=head[7],
        reverses_id=read_uuid(head[8]) if head[8] is not None else None,
        lines=tuple(Line(read_uuid(row[10]), Side(row[11]), row[12], row[13], row[14]) for row in rows),
    )


def _count(table: str, book_id: UUID | None) -> int:
    where = "WHERE book_id = %s" if book_id is not None else ""
    values = [stored_uuid(book_id)] if book_id is not None else []
    return int(fetch_rows(f"SELECT count(*) FROM {table} {where}", values)[0][0])


def _subject(value: object) -> str:
    """An id as it is written outside; SQLite stores UUIDs as 32 hex digits."""
    if isinstance(value, str) and len(value) == 32:
        try:
            return str(UUID(value))
        except ValueError:
            return value
    return str(value)


def _stream(statement: str, values: list[Any]) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        while rows := cursor.fetchmany(_AT_ONCE):
            yield from rows
