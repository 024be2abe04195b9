"""Checkpoints: a row that says which entries are counted, whose insert counts them. Nobody else writes the sums.

No lock: a checkpoint begins where another one of its book ended, and two cannot begin at one place. All numbers in its
interval are there, so that no entry can come to stand between them later."""

# ruff: noqa: S608 - every part is written here

from stoa.apps.ledger.services.rules.postgresql import _AS_OWNER, _OURS
from stoa.apps.ledger.services.rules.postgresql import _refuse as _refuse_there
from stoa.apps.ledger.services.rules.sqlite import _refuse
from stoa.platform.db.triggers import Trigger, declare, declare_append_only, declare_function

_UNFOLLOWED = """NEW.sealed_after <> 0 AND NOT EXISTS (SELECT 1 FROM ledger_checkpoint
  WHERE book_id = NEW.book_id AND sealed_to = NEW.sealed_after)"""
_GAP = """(SELECT count(*) FROM ledger_seal WHERE book_id = NEW.book_id
  AND seq > NEW.sealed_after AND seq <= NEW.sealed_to) <> NEW.sealed_to - NEW.sealed_after"""
_COUNT = """INSERT INTO ledger_day_turnover (book_id, account_id, day, sealed_to, debit_minor, credit_minor)
SELECT NEW.book_id, line.account_id, {day}, NEW.sealed_to,
  sum(CASE line.side WHEN 1 THEN line.amount_minor ELSE 0 END),
  sum(CASE line.side WHEN -1 THEN line.amount_minor ELSE 0 END)
FROM ledger_seal AS seal JOIN ledger_entry AS entry ON entry.id = seal.entry_id
JOIN ledger_line AS line ON line.entry_id = entry.id
WHERE seal.book_id = NEW.book_id AND seal.seq > NEW.sealed_after AND seal.seq <= NEW.sealed_to
GROUP BY line.account_id, {day} ORDER BY {day}, line.account_id;"""
DAY = {
    "postgresql": "(entry.effective_at AT TIME ZONE 'UTC')::date",
    "sqlite": "substr(entry.effective_at, 1, 10)",
}
"""The UTC day on which an entry is effective, as each database stores a day."""

CHECKPOINT_JUDGED = f"""CREATE OR REPLACE FUNCTION ledger_checkpoint_judged_v1() RETURNS trigger {_OURS} AS $$
BEGIN
  IF {_UNFOLLOWED} OR {_GAP} THEN {_refuse_there("CHECKPOINT")}; END IF;
  NEW.made_at := clock_timestamp();
  NEW.is_counting := false;
  RETURN NEW;
END $$"""
CHECKPOINT_COUNTED = f"""CREATE OR REPLACE FUNCTION ledger_checkpoint_counted_v1() RETURNS trigger {_AS_OWNER} AS $$
BEGIN
  {_COUNT.format(day=DAY["postgresql"])}
  RETURN NULL;
END $$"""
# As balances are guarded: the checkpoint's trigger arrives at depth 2 and as the owner.
TURNOVER_GUARDED = f"""CREATE OR REPLACE FUNCTION ledger_turnover_guarded_v1() RETURNS trigger {_OURS} AS $$
BEGIN
  IF pg_trigger_depth() < 2 OR NOT has_table_privilege(TG_RELID, 'TRIGGER') THEN
    {_refuse_there("CHECKPOINT_WRITTEN")}; END IF;
  RETURN NULL;
END $$"""
FUNCTIONS = {
    "ledger_checkpoint_judged_v1": CHECKPOINT_JUDGED,
    "ledger_checkpoint_counted_v1": CHECKPOINT_COUNTED,
    "ledger_turnover_guarded_v1": TURNOVER_GUARDED,
}

_REPLACED = """EXISTS (SELECT 1 FROM ledger_checkpoint WHERE id = NEW.id OR (book_id = NEW.book_id
  AND (sealed_after = NEW.sealed_after OR sealed_to = NEW.sealed_to)))"""
_TURNOVER_REPLACED = """EXISTS (SELECT 1 FROM ledger_day_turnover WHERE id = NEW.id
  OR (account_id = NEW.account_id AND day = NEW.day AND sealed_to = NEW.sealed_to))"""
_NOT_COUNTING = """NOT EXISTS (SELECT 1 FROM ledger_checkpoint
  WHERE book_id = NEW.book_id AND sealed_to = NEW.sealed_to AND is_counting)"""
_MORE_THAN_COUNTED = "NOT OLD.is_counting OR NEW.is_counting OR " + " OR ".join(
    f"NEW.{name} IS NOT OLD.{name}" for name in ("id", "book_id", "sealed_after", "sealed_to", "made_at")
)
_NOT_WHOLE = "typeof(NEW.sealed_after) <> 'integer' OR typeof(NEW.sealed_to) <> 'integer' OR NEW.sealed_after < 0"


def declare_checkpoint_rules() -> None:
    for name, statement in FUNCTIONS.items():
        declare_function(name, statement, table="ledger_checkpoint")
    declare_append_only("ledger_checkpoint")
    declare_append_only("ledger_day_turnover")
    checkpoint, turnover = "ledger_checkpoint", "ledger_day_turnover"
    judged = f"BEFORE INSERT ON {checkpoint}"
    refusals = (("REPLACED", _REPLACED), ("CHECKPOINT", _NOT_WHOLE), ("CHECKPOINT", _UNFOLLOWED), ("CHECKPOINT", _GAP))
    _declare(
        "ledger_checkpoint_judged",
        checkpoint,
        sqlite=f"{judged} BEGIN {' '.join(_refuse(*each) for each in refusals)} "
        f"{_refuse('CHECKPOINT', 'NOT NEW.is_counting')} END",
        postgresql=f"{judged} FOR EACH ROW EXECUTE FUNCTION ledger_checkpoint_judged_v1()",
    )
    counted = f"AFTER INSERT ON {checkpoint}"
    _declare(
        "ledger_checkpoint_counted",
        checkpoint,
        sqlite=f"{counted} BEGIN {_COUNT.format(day=DAY['sqlite'])} "
        "UPDATE ledger_checkpoint SET is_counting = 0 WHERE id = NEW.id; END",
        postgresql=f"{counted} FOR EACH ROW EXECUTE FUNCTION ledger_checkpoint_counted_v1()",
    )
    # SQLite's own trigger ends the counting; nothing else of a checkpoint changes.
    _declare(
        "ledger_checkpoint_no_update",
        checkpoint,
        sqlite=f"BEFORE UPDATE ON {checkpoint} BEGIN {_refuse('CHECKPOINT_WRITTEN', _MORE_THAN_COUNTED)} END",
        postgresql=f"BEFORE UPDATE ON {checkpoint} FOR EACH ROW EXECUTE FUNCTION stoa_append_only()",
    )
    guarded = f"BEFORE INSERT ON {turnover}"
    _declare(
        "ledger_day_turnover_guarded",
        turnover,
        sqlite=f"{guarded} BEGIN {_refuse('CHECKPOINT_WRITTEN', _NOT_COUNTING)} "
        f"{_refuse('REPLACED', _TURNOVER_REPLACED)} END",
        postgresql=f"{guarded} FOR EACH STATEMENT EXECUTE FUNCTION ledger_turnover_guarded_v1()",
    )


def _declare(name: str, table: str, *, sqlite: str, postgresql: str) -> None:
    create = f"CREATE TRIGGER {name}"
    declare(Trigger(name, table, sqlite=f"{create} {sqlite}", postgresql=f"{create} {postgresql}"))
