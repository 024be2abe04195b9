"""The rules as SQLite keeps them, for Stoa's own connections: whoever holds the file can take them away.

SQLite runs one writer at a time, so there is nothing to lock. It has no statement that may fire only inside a trigger:
a balance row therefore names the last line that is in it, and may move only by exactly the next one. `INSERT OR
REPLACE` removes a row without asking its delete triggers, hence the rules against a second row of one id; `INSERT OR
IGNORE` passes over a failed CHECK in the triggers that it fires, hence what counts is kept by RAISE. A column takes
values of any type: an amount is asked to be whole, and an instant to be spelled as Django does, because instants are
compared as texts."""

# ruff: noqa: S608 - every part is written here

from stoa.apps.ledger.domain import EARLIEST, LATEST, MOST_TURNOVER, QUARANTINE


def _refuse(code: str, where: str) -> str:
    return f"SELECT RAISE(ABORT, 'ledger:{code}') WHERE {where};"


_BELOW = """EXISTS (SELECT 1 FROM ledger_balance WHERE account_id {which} AND floor_minor IS NOT NULL
  AND (debit_minor - credit_minor) * normal - held_minor < floor_minor)"""
_NOT_WHOLE = "typeof(NEW.amount_minor) <> 'integer'"
_NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
_LINES = "FROM ledger_line AS line JOIN ledger_account AS account ON account.id = line.account_id"


def _misspelled(instant: str) -> str:
    """UTC, with microseconds or without a fraction."""
    seconds, rest = f"substr({instant}, 1, 19)", f"substr({instant}, 20)"
    return (
        # Reckoned with, or SQLite gives the 30th of February back as it came.
        f"datetime({seconds}, '+0 seconds') IS NOT {seconds} "
        f"OR NOT ({rest} = '' OR {rest} GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]')"
    )


LINE_JUDGED = f"""BEFORE INSERT ON ledger_line BEGIN
{_refuse("AMOUNT", _NOT_WHOLE)}
{_refuse("LATE_LINE", "EXISTS (SELECT 1 FROM ledger_entry WHERE id = NEW.entry_id)")}
{_refuse("REPLACED", "EXISTS (SELECT 1 FROM ledger_line WHERE id = NEW.id)")}
{_refuse("UNKNOWN_ACCOUNT", "NOT EXISTS (SELECT 1 FROM ledger_balance WHERE account_id = NEW.account_id)")}
END"""

_NOT_COUNTED = "NOT EXISTS (SELECT 1 FROM ledger_balance WHERE account_id = NEW.account_id AND last_line = NEW.id)"
LINE_COUNTED = f"""AFTER INSERT ON ledger_line BEGIN
UPDATE ledger_balance SET last_line = NEW.id,
  debit_minor = debit_minor + CASE NEW.side WHEN 1 THEN NEW.amount_minor ELSE 0 END,
  credit_minor = credit_minor + CASE NEW.side WHEN -1 THEN NEW.amount_minor ELSE 0 END
WHERE account_id = NEW.account_id;
{_refuse("BALANCE_WRITTEN", _NOT_COUNTED)}
END"""

_BAD_REVERSAL = """NEW.reverses_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger_entry
  WHERE id = NEW.reverses_id AND book_id = NEW.book_id AND reverses_id IS NULL)"""
# Line for line: sums alone would let a debit and a credit of any one account ride along.
_NO_MIRROR = """NEW.reverses_id IS NOT NULL AND EXISTS (SELECT 1 FROM ledger_line
  WHERE entry_id IN (NEW.id, NEW.reverses_id)
  GROUP BY account_id, amount_minor, CASE WHEN entry_id = NEW.id THEN -side ELSE side END
  HAVING sum(CASE WHEN entry_id = NEW.id THEN 1 ELSE -1 END) <> 0)"""
_OUT_OF_TIME = f"NEW.effective_at < '{EARLIEST:%Y-%m-%d}' OR NEW.effective_at >= '{LATEST:%Y-%m-%d}'"
_CLOSED_PERIOD = """EXISTS (SELECT 1 FROM ledger_period WHERE book_id = NEW.book_id AND is_closed
  AND starts_at <= NEW.effective_at AND NEW.effective_at < ends_at)"""
_FOREIGN_KIND = """EXISTS (SELECT 1 {lines} WHERE line.entry_id = NEW.id AND account.owner <> ''
  AND substr(NEW.kind, 1, length(account.owner) + 1) <> account.owner || '.')"""
_NOT_ZERO = """EXISTS (SELECT 1 FROM ledger_line WHERE entry_id = NEW.id
  GROUP BY currency HAVING sum(side * amount_minor) <> 0)"""
_REPLACED = """EXISTS (SELECT 1 FROM ledger_entry WHERE id = NEW.id OR (book_id = NEW.book_id AND key = NEW.key)
  OR (NEW.reverses_id IS NOT NULL AND reverses_id = NEW.reverses_id))"""


def _any_line(where: str) -> str:
    return f"EXISTS (SELECT 1 {_LINES} WHERE line.entry_id = NEW.id AND {where})"


ENTRY_JUDGED = f"""BEFORE INSERT ON ledger_entry BEGIN
{_refuse("ALREADY_REVERSED", "EXISTS (SELECT 1 FROM ledger_entry WHERE reverses_id = NEW.reverses_id)")}
{_refuse("REPLACED", _REPLACED)}
{_refuse("INSTANT", _misspelled("NEW.effective_at"))}
{_refuse("INSTANT", _OUT_OF_TIME)}
{_refuse("RECORDED_AT", f"NEW.recorded_at IS NOT {_NOW}")}
{_refuse("TOO_FEW_LINES", "(SELECT count(*) FROM ledger_line WHERE entry_id = NEW.id) < 2")}
{_refuse("LINE_COUNT", "(SELECT count(*) FROM ledger_line WHERE entry_id = NEW.id) <> NEW.line_count")}
{_refuse("UNKNOWN_ACCOUNT", _any_line("account.book_id <> NEW.book_id"))}
{_refuse("CURRENCY_MISMATCH", _any_line("account.currency <> line.currency"))}
{_refuse("UNBALANCED", _NOT_ZERO)}
{_refuse("INSUFFICIENT_FUNDS", _BELOW.format(which="IN (SELECT account_id FROM ledger_line WHERE entry_id = NEW.id)"))}
{_refuse("ACCOUNT_CLOSED", _any_line("NOT account.is_open"))}
{_refuse("CONTROL_ACCOUNT", _FOREIGN_KIND.format(lines=_LINES))}
{_refuse("PERIOD_CLOSED", _CLOSED_PERIOD)}
{_refuse("REVERSAL_OF_REVERSAL", _BAD_REVERSAL)}
{_refuse("NOT_A_MIRROR", _NO_MIRROR)}
INSERT INTO ledger_unsealed (entry_id, book_id) VALUES (NEW.id, NEW.book_id);
END"""

_FORGED_SUM = """(NEW.debit_minor <> OLD.debit_minor OR NEW.credit_minor <> OLD.credit_minor
  OR NEW.last_line <> OLD.last_line) AND NOT EXISTS (SELECT 1 FROM ledger_line AS line
  WHERE line.id = NEW.last_line AND line.id > OLD.last_line AND line.account_id = NEW.account_id
  AND NEW.debit_minor - OLD.debit_minor = CASE line.side WHEN 1 THEN line.amount_minor ELSE 0 END
  AND NEW.credit_minor - OLD.credit_minor = CASE line.side WHEN -1 THEN line.amount_minor ELSE 0 END)"""
_FORGED_HOLD = """NEW.held_minor <> coalesce((SELECT sum(amount_minor) FROM ledger_hold
  WHERE account_id = NEW.account_id AND state = 'pending'), 0)"""
_FORGED_FLOOR = "NEW.floor_minor IS NOT (SELECT floor_minor FROM ledger_account WHERE id = NEW.account_id)"

BALANCE_GUARDED = f"""BEFORE UPDATE ON ledger_balance BEGIN
{_refuse("BALANCE_WRITTEN", "NEW.account_id <> OLD.account_id OR NEW.book_id <> OLD.book_id OR NEW.normal <> OLD.normal")}
{_refuse("BALANCE_WRITTEN", _FORGED_SUM)}
{_refuse("BALANCE_WRITTEN", _FORGED_HOLD)}
{_refuse("BALANCE_WRITTEN", _FORGED_FLOOR)}
{_refuse("BALANCE_TOO_LARGE", f"NEW.debit_minor > {MOST_TURNOVER} OR NEW.credit_minor > {MOST_TURNOVER}")}
END"""
BALANCE_MADE = f"""BEFORE INSERT ON ledger_balance BEGIN
{_refuse("BALANCE_WRITTEN", "EXISTS (SELECT 1 FROM ledger_balance WHERE account_id = NEW.account_id)")}
{_refuse("BALANCE_WRITTEN", "NEW.debit_minor <> 0 OR NEW.credit_minor <> 0 OR NEW.held_minor <> 0")}
END"""
BALANCE_KEPT = f"BEFORE DELETE ON ledger_balance BEGIN {_refuse('BALANCE_WRITTEN', '1')} END"

ACCOUNT_KEPT = f"BEFORE DELETE ON ledger_account BEGIN {_refuse('ACCOUNT_FIXED', '1')} END"
ACCOUNT_OPENED = """AFTER INSERT ON ledger_account BEGIN
INSERT INTO ledger_balance (account_id, book_id, normal, debit_minor, credit_minor, held_minor, floor_minor, last_line)
VALUES (NEW.id, NEW.book_id, NEW.normal, 0, 0, 0, NEW.floor_minor, 0);
END"""
_FIXED = " OR ".join(
    f"NEW.{name} <> OLD.{name}" for name in ("id", "book_id", "type", "normal", "currency", "owner", "role")
)
_IN_USE = """OLD.is_open AND NOT NEW.is_open AND EXISTS (SELECT 1 FROM ledger_balance
  WHERE account_id = NEW.id AND (debit_minor <> credit_minor OR held_minor <> 0))"""
ACCOUNT_CHANGED = f"""AFTER UPDATE ON ledger_account BEGIN
{_refuse("ACCOUNT_FIXED", _FIXED)}
{_refuse("ACCOUNT_IN_USE", _IN_USE)}
UPDATE ledger_balance SET floor_minor = NEW.floor_minor
  WHERE account_id = NEW.id AND floor_minor IS NOT NEW.floor_minor;
{_refuse("INSUFFICIENT_FUNDS", _BELOW.format(which="= NEW.id"))}
END"""

_CLOSED_ACCOUNT = """NOT EXISTS (SELECT 1 FROM ledger_account
  WHERE id = NEW.account_id AND book_id = NEW.book_id AND is_open)"""
HOLD_JUDGED = f"""BEFORE INSERT ON ledger_hold BEGIN
{_refuse("REPLACED", "EXISTS (SELECT 1 FROM ledger_hold WHERE id = NEW.id OR (book_id = NEW.book_id AND key = NEW.key))")}
{_refuse("AMOUNT", _NOT_WHOLE)}
{_refuse("HOLD_RESOLVED", "NEW.state <> 'pending'")}
{_refuse("ACCOUNT_CLOSED", _CLOSED_ACCOUNT)}
END"""
_HELD = """UPDATE ledger_balance SET held_minor = coalesce((SELECT sum(amount_minor) FROM ledger_hold
  WHERE account_id = NEW.account_id AND state = 'pending'), 0) WHERE account_id = NEW.account_id;"""
_HELD_TOO_MUCH = _refuse("INSUFFICIENT_FUNDS", _BELOW.format(which="= NEW.account_id"))
HOLD_MADE = f"AFTER INSERT ON ledger_hold BEGIN {_HELD} {_HELD_TOO_MUCH} END"
_HOLD_FIXED = " OR ".join(
    f"NEW.{name} <> OLD.{name}" for name in ("id", "book_id", "account_id", "key", "amount_minor")
)
_RESOLVED_TWICE = """(OLD.state <> 'pending' OR NEW.state = 'pending')
  AND NOT (OLD.state = 'posted' AND NEW.state = 'posted' AND OLD.entry_id IS NULL)"""
HOLD_CHANGED = f"""AFTER UPDATE ON ledger_hold BEGIN
{_refuse("HOLD_RESOLVED", _RESOLVED_TWICE)}
{_refuse("HOLD_FIXED", _HOLD_FIXED)}
{_HELD}
END"""
HOLD_KEPT = f"BEFORE DELETE ON ledger_hold BEGIN {_refuse('HOLD_FIXED', '1')} END"

_OVERLAP = """EXISTS (SELECT 1 FROM ledger_period WHERE book_id = NEW.book_id
  AND starts_at < NEW.ends_at AND NEW.starts_at < ends_at)"""
PERIOD_MADE = f"""BEFORE INSERT ON ledger_period BEGIN
{_refuse("REPLACED", "EXISTS (SELECT 1 FROM ledger_period WHERE id = NEW.id)")}
{_refuse("INSTANT", _misspelled("NEW.starts_at"))}
{_refuse("INSTANT", _misspelled("NEW.ends_at"))}
{_refuse("PERIOD_OVERLAPS", _OVERLAP)}
END"""
_PERIOD_FIXED = " OR ".join(f"NEW.{name} <> OLD.{name}" for name in ("id", "book_id", "starts_at", "ends_at"))
PERIOD_CHANGED = f"BEFORE UPDATE ON ledger_period BEGIN {_refuse('PERIOD_FIXED', _PERIOD_FIXED)} END"
PERIOD_KEPT = f"BEFORE DELETE ON ledger_period BEGIN {_refuse('PERIOD_FIXED', '1')} END"
_SEAL_REPLACED = "EXISTS (SELECT 1 FROM ledger_seal WHERE id = NEW.id OR entry_id = NEW.entry_id)"
SEAL_MADE = f"BEFORE INSERT ON ledger_seal BEGIN {_refuse('REPLACED', _SEAL_REPLACED)} END"

_QUARANTINE_FIXED = " OR ".join(
    f"NEW.{name} IS NOT OLD.{name}"
    for name in ("id", "book_id", "kind", "subject", "entry_id", "told", "reason", "quarantined_by", "quarantined_at")
)
# Only what was posted as the cure of this record: no other entry of the book will do. Ids are 32 digits here.
_UNKNOWN_CURE = f"""NEW.cure_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger_entry
  WHERE id = NEW.cure_id AND book_id = NEW.book_id AND reference_type = '{QUARANTINE}'
  AND replace(reference_id, '-', '') = NEW.id)"""
QUARANTINE_CHANGED = f"""BEFORE UPDATE ON ledger_quarantine BEGIN
{_refuse("QUARANTINE_FIXED", _QUARANTINE_FIXED)}
{_refuse("CURED", "OLD.cure_id IS NOT NULL")}
{_refuse("UNKNOWN_CURE", _UNKNOWN_CURE)}
END"""
_QUARANTINE_REPLACED = """EXISTS (SELECT 1 FROM ledger_quarantine
  WHERE id = NEW.id OR (book_id = NEW.book_id AND kind = NEW.kind AND subject = NEW.subject))"""
QUARANTINE_MADE = f"""BEFORE INSERT ON ledger_quarantine BEGIN
{_refuse("REPLACED", _QUARANTINE_REPLACED)}
{_refuse("CURED", "NEW.cure_id IS NOT NULL")}
END"""
_RATE_REPLACED = """EXISTS (SELECT 1 FROM ledger_rate WHERE id = NEW.id OR (book_id = NEW.book_id
  AND base = NEW.base AND quote = NEW.quote AND at = NEW.at))"""
RATE_MADE = f"""BEFORE INSERT ON ledger_rate BEGIN
{_refuse("REPLACED", _RATE_REPLACED)}
{_refuse("AMOUNT", "typeof(NEW.mantissa) <> 'integer' OR typeof(NEW.scale) <> 'integer'")}
{_refuse("INSTANT", _misspelled("NEW.at"))}
END"""
QUARANTINE_KEPT = f"BEFORE DELETE ON ledger_quarantine BEGIN {_refuse('QUARANTINE_FIXED', '1')} END"

_LOWERED = "OLD.floor_minor IS NOT NULL AND (NEW.floor_minor IS NULL OR NEW.floor_minor < OLD.floor_minor)"
FLOOR_KEPT = f"BEFORE UPDATE OF floor_minor ON ledger_account BEGIN {_refuse('FLOOR_LOWERED', _LOWERED)} END"
# Out of the queue only into the chain: an entry in neither would have no number for ever.
_NO_SEAL = "NOT EXISTS (SELECT 1 FROM ledger_seal WHERE entry_id = OLD.entry_id)"
UNSEALED_KEPT = f"BEFORE DELETE ON ledger_unsealed BEGIN {_refuse('UNSEALED', _NO_SEAL)} END"
UNSEALED_FIXED = f"BEFORE UPDATE ON ledger_unsealed BEGIN {_refuse('UNSEALED', '1')} END"

TRIGGERS = {
    "ledger_line_judged": ("ledger_line", LINE_JUDGED),
    "ledger_line_counted": ("ledger_line", LINE_COUNTED),
    "ledger_entry_judged": ("ledger_entry", ENTRY_JUDGED),
    "ledger_balance_guarded": ("ledger_balance", BALANCE_GUARDED),
    "ledger_balance_made": ("ledger_balance", BALANCE_MADE),
    "ledger_balance_kept": ("ledger_balance", BALANCE_KEPT),
    "ledger_account_kept": ("ledger_account", ACCOUNT_KEPT),
    "ledger_account_opened": ("ledger_account", ACCOUNT_OPENED),
    "ledger_account_changed": ("ledger_account", ACCOUNT_CHANGED),
    "ledger_hold_judged": ("ledger_hold", HOLD_JUDGED),
    "ledger_hold_made": ("ledger_hold", HOLD_MADE),
    "ledger_hold_changed": ("ledger_hold", HOLD_CHANGED),
    "ledger_hold_kept": ("ledger_hold", HOLD_KEPT),
    "ledger_period_made": ("ledger_period", PERIOD_MADE),
    "ledger_period_changed": ("ledger_period", PERIOD_CHANGED),
    "ledger_period_kept": ("ledger_period", PERIOD_KEPT),
    "ledger_seal_made": ("ledger_seal", SEAL_MADE),
    "ledger_rate_made": ("ledger_rate", RATE_MADE),
    "ledger_floor_kept": ("ledger_account", FLOOR_KEPT),
    "ledger_unsealed_kept": ("ledger_unsealed", UNSEALED_KEPT),
    "ledger_unsealed_fixed": ("ledger_unsealed", UNSEALED_FIXED),
    "ledger_quarantine_changed": ("ledger_quarantine", QUARANTINE_CHANGED),
    "ledger_quarantine_made": ("ledger_quarantine", QUARANTINE_MADE),
    "ledger_quarantine_kept": ("ledger_quarantine", QUARANTINE_KEPT),
}
