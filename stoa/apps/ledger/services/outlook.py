"""What `ledger_verify` need not ask by name, on PostgreSQL: a few statements over all books that only count.

Each answers whether anything may be wrong, never what: only where it may be do the statements that name records run.
They take every core they are given, which those with a group for each entry cannot."""

# ruff: noqa: S608 - every part is written here

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection

from stoa.apps.ledger.services.rules.checkpoints import DAY
from stoa.platform.db.rows import fetch_rows
from stoa.platform.db.transactions import transaction

_ROOM = {"jit": "off", "max_parallel_workers_per_gather": "2"}
"""Compiling costs more than it saves; a helper for each of two cores."""
_BY_INDEX = dict.fromkeys(("enable_hashjoin", "enable_mergejoin", "enable_seqscan", "enable_bitmapscan"), "off")
"""Entries, lines and seals lie in one order, so that looking each up is faster than a table of a million in memory, and
helpers share it without the server's shared memory, of which a container has little. No scan of a whole table, or the
planner takes one for each entry while it has no figures of the tables, as after a restore: minutes for ten thousand."""
_FOR_SUMS = {"work_mem": "'64MB'", "enable_parallel_hash": "off"}
_MOST_UNCOUNTED = 20_000
"""Entries behind the last checkpoints: with more of them the days are asked by name."""
OF_ENTRIES = frozenset(
    {"unbalanced", "line_count", "amount", "foreign_account", "currency", "control_account", "digest"}
)


@dataclass(frozen=True, slots=True)
class Outlook:
    """Checks that nothing fails, and those that only entries of more than two lines can still fail."""

    clean: frozenset[str] = frozenset()
    clean_in_pairs: frozenset[str] = frozenset()
    chain_length: int | None = None
    """Of a chain without a fault; None: walk it."""

    def narrowed(self, kind: str) -> str:
        """What is added to the condition of a check."""
        return " AND entry.line_count <> 2" if kind in self.clean_in_pairs else ""


def outlook() -> Outlook:
    """Reads only. In one transaction, for the options it asks of the server."""
    with transaction(), _set(_ROOM):
        with _set(_BY_INDEX):
            length = _chain_length()
            others, pairs_hold = _pairs()
        with _set(_FOR_SUMS):
            clean = _clean_sums(trusts_seals=length is not None)
    if pairs_hold and not others:
        return Outlook(clean | OF_ENTRIES, chain_length=length)
    return Outlook(clean, OF_ENTRIES if pairs_hold else frozenset(), length)


@contextmanager
def _set(options: Mapping[str, str]) -> Iterator[None]:
    """For what runs inside; a failure ends the transaction, and the options with it."""
    with connection.cursor() as cursor:
        for name, value in options.items():
            cursor.execute(f"SET LOCAL {name} = {value}")
        yield
        for name in options:
            cursor.execute(f"SET LOCAL {name} TO DEFAULT")


def _field(text: str) -> str:
    return f"int4send(octet_length({text})) || textsend({text})"


def _known(length: int, text: str) -> str:
    """A field whose length is known: an id or an instant."""
    return rf"'\x{length:08x}'::bytea || textsend({text})"


# As `digest_of` spells, by cheaper functions than the statement that names: in another encoding than UTF-8 they differ,
# and that statement decides.
_HEAD = " || ".join(
    (
        _known(36, "entry.book_id::text"),
        _field("entry.kind"),
        _field("entry.key"),
        _known(32, """to_char(entry.effective_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""),
        _field("entry.description"),
        _field("entry.reference_type"),
        _field("entry.reference_id"),
        rf"CASE WHEN entry.reverses_id IS NULL THEN '\x00000000'::bytea ELSE {_known(36, 'entry.reverses_id::text')} END",
    )
)


def _line(name: str) -> str:
    return " || ".join(
        (
            _known(36, f"{name}.account_id::text"),
            rf"CASE {name}.side WHEN 1 THEN '\x0000000131'::bytea ELSE '\x000000022d31'::bytea END",
            _field(f"{name}.amount_minor::text"),
            _field(f"{name}.currency"),
            _field(f"{name}.memo"),
        )
    )


def _fits(line: str, account: str) -> str:
    return f"""{account}.book_id = entry.book_id AND {account}.currency = {line}.currency AND ({account}.owner = ''
      OR substr(entry.kind, 1, length({account}.owner) + 1) = {account}.owner || '.')"""


# Two lines to an entry are what most have. A third one would make three pairs, of which one is no debit and credit, or
# none is what was posted; a single one makes none.
_PAIRS = f"""SELECT (SELECT count(*) FROM ledger_entry WHERE line_count <> 2),
  (SELECT count(*) FROM ledger_entry WHERE line_count = 2),
  count(*), count(*) FILTER (WHERE (
    first.side IN (1, -1) AND first.side = -second.side AND first.amount_minor = second.amount_minor
    AND first.amount_minor > 0 AND first.currency = second.currency
    AND {_fits("first", "here")} AND {_fits("second", "there")}
    AND entry.digest = sha256({_HEAD} || {_line("first")} || {_line("second")})
  ) IS NOT TRUE)
FROM ledger_entry AS entry JOIN ledger_line AS first ON first.entry_id = entry.id
JOIN ledger_line AS second ON second.entry_id = entry.id AND second.id > first.id
LEFT JOIN ledger_account AS here ON here.id = first.account_id
LEFT JOIN ledger_account AS there ON there.id = second.account_id
WHERE entry.line_count = 2"""


def _pairs() -> tuple[int, bool]:
    """How many entries are not of two lines, and whether all that should be are, and hold."""
    [(others, of_two, pairs, bad)] = fetch_rows(_PAIRS)
    return others, pairs == of_two and not bad


# Each number but 1 has the one before it, or its hash is unknown; with as many as the last one says, none is there twice.
_CHAIN = r"""SELECT (SELECT count(*) FROM ledger_seal),
  EXISTS (SELECT 1 FROM ledger_seal GROUP BY book_id HAVING count(*) <> max(seq) OR min(seq) <> 1),
  count(*), count(*) FILTER (WHERE (seal.hash = sha256(
    CASE seal.seq WHEN 1 THEN decode(repeat('00', 32), 'hex') ELSE last.hash END
    || int8send(seal.seq) || uuid_send(seal.entry_id) || entry.digest)) IS NOT TRUE)
FROM ledger_seal AS seal LEFT JOIN ledger_seal AS last ON last.book_id = seal.book_id AND last.seq = seal.seq - 1
LEFT JOIN ledger_entry AS entry ON entry.id = seal.entry_id"""


def _chain_length() -> int | None:
    [(length, gaps, linked, bad)] = fetch_rows(_CHAIN)
    return None if gaps or bad or linked != length else int(length)


_DAY = DAY["postgresql"]
_SIDES = """sum(CASE line.side WHEN 1 THEN line.amount_minor ELSE 0 END) AS debits,
  sum(CASE line.side WHEN -1 THEN line.amount_minor ELSE 0 END) AS credits"""
# One scan of all lines, for the balances and for the days. An orphan has no day.
_SUMS = f"""WITH moved AS MATERIALIZED (
  SELECT line.account_id, {_DAY} AS day, {_SIDES}
  FROM ledger_line AS line LEFT JOIN ledger_entry AS entry ON entry.id = line.entry_id GROUP BY line.account_id, {_DAY}
), uncounted AS MATERIALIZED (
  SELECT entry_id FROM (
    SELECT seal.entry_id FROM (SELECT book_id, max(sealed_to) AS sealed_to FROM ledger_checkpoint GROUP BY book_id) AS last
    JOIN ledger_seal AS seal ON seal.book_id = last.book_id AND seal.seq > last.sealed_to
    UNION ALL SELECT entry_id FROM ledger_unsealed
  ) AS later LIMIT {_MOST_UNCOUNTED + 1}
), counted AS (
  SELECT DISTINCT account.id FROM ledger_account AS account
  JOIN ledger_checkpoint AS checkpoint ON checkpoint.book_id = account.book_id
), days AS (
  SELECT account_id, day, debits, credits FROM moved WHERE account_id IN (SELECT id FROM counted)
  UNION ALL SELECT account_id, day, -debit_minor, -credit_minor FROM ledger_day_turnover
  UNION ALL SELECT line.account_id, {_DAY}, -{_SIDES.replace("AS debits,", "AS debits, -")}
  FROM uncounted JOIN ledger_entry AS entry ON entry.id = uncounted.entry_id
  JOIN ledger_line AS line ON line.entry_id = entry.id WHERE line.account_id IN (SELECT id FROM counted) GROUP BY line.account_id, {_DAY}
)
SELECT EXISTS (SELECT 1 FROM moved WHERE day IS NULL),
  EXISTS (SELECT 1 FROM ledger_balance AS balance LEFT JOIN (
      SELECT account_id, sum(debits) AS debits, sum(credits) AS credits FROM moved GROUP BY account_id
    ) AS sums ON sums.account_id = balance.account_id
    WHERE balance.debit_minor <> coalesce(sums.debits, 0) OR balance.credit_minor <> coalesce(sums.credits, 0)),
  EXISTS (SELECT 1 FROM days GROUP BY account_id, day HAVING sum(debits) <> 0 OR sum(credits) <> 0)
    OR (SELECT count(*) FROM uncounted) > {_MOST_UNCOUNTED}"""


def _clean_sums(*, trusts_seals: bool) -> frozenset[str]:
    """Without its seals nobody knows which lines a checkpoint counted."""
    [(orphans, balances, days)] = fetch_rows(_SUMS)
    wrong = {"orphan_line": orphans, "balance": balances, "checkpoint": days or not trusts_seals}
    return frozenset(kind for kind, is_wrong in wrong.items() if not is_wrong)
