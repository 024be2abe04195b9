"""The rules as PostgreSQL keeps them. A refusal is an integrity violation whose text begins with `ledger:` and a code.

Whoever posts holds the book's advisory lock shared, whoever closes a period or an account holds it alone; what the lock
protects is read in a later statement than the lock, which in READ COMMITTED sees what was committed before it. An older
snapshot would not: whoever asks for one is refused.

The functions name their own schemas: a caller's temporary table would otherwise stand before ours of the same name.
Those that write balances do it as the tables' owner, by which the guard tells them from a caller's own trigger."""

# ruff: noqa: S608 - every part is written here

from stoa.apps.ledger.domain import EARLIEST, LATEST, QUARANTINE

_OURS = "LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp"
_AS_OWNER = f"{_OURS} SECURITY DEFINER"

BOOK_LOCK = "hashtextextended({book}::text, 6021)"
"""6021: our own family of advisory locks."""


def _refuse(code: str) -> str:
    return f"RAISE EXCEPTION 'ledger:{code}' USING ERRCODE = 'integrity_constraint_violation'"


_NEWEST_SNAPSHOT = f"""IF current_setting('transaction_isolation') <> 'read committed' THEN
    {_refuse("ISOLATION")}; END IF;"""

LINES_INSERTED = f"""CREATE OR REPLACE FUNCTION ledger_lines_inserted_v1() RETURNS trigger {_AS_OWNER} AS $$
BEGIN
  -- Once a statement and account, however many lines: each version of a row makes the next one dearer.
  UPDATE ledger_balance AS balance
    SET debit_minor = balance.debit_minor + sums.debits, credit_minor = balance.credit_minor + sums.credits
    FROM (SELECT account_id,
            coalesce(sum(amount_minor) FILTER (WHERE side = 1), 0) AS debits,
            coalesce(sum(amount_minor) FILTER (WHERE side = -1), 0) AS credits
          FROM fresh GROUP BY account_id) AS sums
    WHERE balance.account_id = sums.account_id;
  RETURN NULL;
END $$"""

LINE_KEPT = f"""CREATE OR REPLACE FUNCTION ledger_line_kept_v1() RETURNS trigger {_OURS} AS $$
BEGIN
  -- At commit, when it can be seen what other transactions have committed meanwhile: a line that was not there when
  -- its entry was judged is one too many, and one without an entry has none to count.
  IF (SELECT count(*) FROM ledger_line WHERE entry_id = NEW.entry_id)
      IS DISTINCT FROM (SELECT line_count::bigint FROM ledger_entry WHERE id = NEW.entry_id) THEN
    {_refuse("LATE_LINE")};
  END IF;
  RETURN NULL;
END $$"""

ENTRY_JUDGED = f"""CREATE OR REPLACE FUNCTION ledger_entry_judged_v1() RETURNS trigger {_OURS} AS $$
DECLARE judged record;
BEGIN
  {_NEWEST_SNAPSHOT}
  PERFORM pg_advisory_xact_lock_shared({BOOK_LOCK.format(book="NEW.book_id")});
  NEW.recorded_at := clock_timestamp();
  SELECT count(*) AS lines,
      coalesce(bool_and(coalesce(account.book_id = NEW.book_id, false)), false) AS ours,
      coalesce(bool_and(account.is_open), false) AS open,
      coalesce(bool_and(account.currency = line.currency), false) AS same_currency,
      coalesce(bool_and(account.owner = '' OR NEW.kind LIKE account.owner || '.%'), false) AS permitted
    INTO judged
    FROM ledger_line AS line LEFT JOIN ledger_account AS account ON account.id = line.account_id
    WHERE line.entry_id = NEW.id;
  IF judged.lines < 2 THEN {_refuse("TOO_FEW_LINES")}; END IF;
  IF judged.lines <> NEW.line_count THEN {_refuse("LINE_COUNT")}; END IF;
  IF NOT judged.ours THEN {_refuse("UNKNOWN_ACCOUNT")}; END IF;
  IF NOT judged.same_currency THEN {_refuse("CURRENCY_MISMATCH")}; END IF;
  IF EXISTS (SELECT 1 FROM ledger_line WHERE entry_id = NEW.id GROUP BY currency HAVING sum(side * amount_minor) <> 0)
    THEN {_refuse("UNBALANCED")}; END IF;
  IF NEW.effective_at < '{EARLIEST.isoformat()}' OR NEW.effective_at >= '{LATEST.isoformat()}' THEN
    {_refuse("INSTANT")}; END IF;
  IF NOT judged.open THEN {_refuse("ACCOUNT_CLOSED")}; END IF;
  IF NOT judged.permitted THEN {_refuse("CONTROL_ACCOUNT")}; END IF;
  IF EXISTS (SELECT 1 FROM ledger_period WHERE book_id = NEW.book_id AND is_closed
      AND starts_at <= NEW.effective_at AND NEW.effective_at < ends_at) THEN {_refuse("PERIOD_CLOSED")}; END IF;
  IF NEW.reverses_id IS NOT NULL THEN
    PERFORM 1 FROM ledger_entry
      WHERE id = NEW.reverses_id AND book_id = NEW.book_id AND reverses_id IS NULL;
    IF NOT FOUND THEN {_refuse("REVERSAL_OF_REVERSAL")}; END IF;
    -- Line for line: sums alone would let a debit and a credit of any one account ride along.
    IF EXISTS (
      SELECT 1 FROM ledger_line WHERE entry_id IN (NEW.id, NEW.reverses_id)
      GROUP BY account_id, amount_minor, CASE WHEN entry_id = NEW.id THEN -side ELSE side END
      HAVING sum(CASE WHEN entry_id = NEW.id THEN 1 ELSE -1 END) <> 0) THEN {_refuse("NOT_A_MIRROR")}; END IF;
  END IF;
  INSERT INTO ledger_unsealed (entry_id, book_id) VALUES (NEW.id, NEW.book_id);
  RETURN NEW;
END $$"""

BALANCE_GUARDED = f"""CREATE OR REPLACE FUNCTION ledger_balance_guarded_v1() RETURNS trigger {_OURS} AS $$
BEGIN
  -- Depth 1: a statement wrote here itself; the ledger's own triggers arrive at 2, and as the owner. A trigger that a
  -- caller put on a table of its own arrives at 2 as the caller, who may make no triggers here.
  IF pg_trigger_depth() < 2 OR NOT has_table_privilege(TG_RELID, 'TRIGGER') THEN {_refuse("BALANCE_WRITTEN")}; END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$"""

ACCOUNT_OPENED = f"""CREATE OR REPLACE FUNCTION ledger_account_opened_v1() RETURNS trigger {_AS_OWNER} AS $$
BEGIN
  INSERT INTO ledger_balance
      (account_id, book_id, normal, debit_minor, credit_minor, held_minor, floor_minor, last_line)
    VALUES (NEW.id, NEW.book_id, NEW.normal, 0, 0, 0, NEW.floor_minor, 0);
  RETURN NULL;
END $$"""

ACCOUNT_CHANGED = f"""CREATE OR REPLACE FUNCTION ledger_account_changed_v1() RETURNS trigger {_AS_OWNER} AS $$
BEGIN
  IF (NEW.id, NEW.book_id, NEW.type, NEW.normal, NEW.currency, NEW.owner, NEW.role)
      IS DISTINCT FROM (OLD.id, OLD.book_id, OLD.type, OLD.normal, OLD.currency, OLD.owner, OLD.role) THEN
    {_refuse("ACCOUNT_FIXED")};
  END IF;
  IF OLD.is_open AND NOT NEW.is_open THEN
    {_NEWEST_SNAPSHOT}
    PERFORM pg_advisory_xact_lock({BOOK_LOCK.format(book="NEW.book_id")});
    PERFORM 1 FROM ledger_balance
      WHERE account_id = NEW.id AND (debit_minor <> credit_minor OR held_minor <> 0);
    IF FOUND THEN {_refuse("ACCOUNT_IN_USE")}; END IF;
  END IF;
  IF NEW.floor_minor IS DISTINCT FROM OLD.floor_minor THEN
    UPDATE ledger_balance SET floor_minor = NEW.floor_minor WHERE account_id = NEW.id;
  END IF;
  RETURN NULL;
END $$"""

HOLD_CHANGED = f"""CREATE OR REPLACE FUNCTION ledger_hold_changed_v1() RETURNS trigger {_AS_OWNER} AS $$
DECLARE named boolean;
BEGIN
  IF TG_OP = 'INSERT' THEN
    {_NEWEST_SNAPSHOT}
    PERFORM pg_advisory_xact_lock_shared({BOOK_LOCK.format(book="NEW.book_id")});
    IF NEW.state <> 'pending' THEN {_refuse("HOLD_RESOLVED")}; END IF;
    PERFORM 1 FROM ledger_account WHERE id = NEW.account_id AND book_id = NEW.book_id AND is_open;
    IF NOT FOUND THEN {_refuse("ACCOUNT_CLOSED")}; END IF;
    UPDATE ledger_balance SET held_minor = held_minor + NEW.amount_minor WHERE account_id = NEW.account_id;
    RETURN NULL;
  END IF;
  -- A posted hold learns once by which entry.
  named := OLD.state = 'posted' AND NEW.state = 'posted' AND OLD.entry_id IS NULL;
  IF NOT named AND (OLD.state <> 'pending' OR NEW.state = 'pending') THEN {_refuse("HOLD_RESOLVED")}; END IF;
  IF (NEW.id, NEW.book_id, NEW.account_id, NEW.key, NEW.amount_minor)
      IS DISTINCT FROM (OLD.id, OLD.book_id, OLD.account_id, OLD.key, OLD.amount_minor) THEN
    {_refuse("HOLD_FIXED")};
  END IF;
  IF named THEN RETURN NULL; END IF;
  UPDATE ledger_balance SET held_minor = held_minor - OLD.amount_minor WHERE account_id = OLD.account_id;
  RETURN NULL;
END $$"""

PERIOD_CHANGED = f"""CREATE OR REPLACE FUNCTION ledger_period_changed_v1() RETURNS trigger {_OURS} AS $$
BEGIN
  {_NEWEST_SNAPSHOT}
  PERFORM pg_advisory_xact_lock({BOOK_LOCK.format(book="NEW.book_id")});
  IF TG_OP = 'UPDATE' AND (NEW.id, NEW.book_id, NEW.starts_at, NEW.ends_at)
      IS DISTINCT FROM (OLD.id, OLD.book_id, OLD.starts_at, OLD.ends_at) THEN {_refuse("PERIOD_FIXED")}; END IF;
  IF TG_OP = 'INSERT' AND EXISTS (SELECT 1 FROM ledger_period WHERE book_id = NEW.book_id
      AND starts_at < NEW.ends_at AND NEW.starts_at < ends_at) THEN {_refuse("PERIOD_OVERLAPS")}; END IF;
  -- Under the lock: whatever was recorded before it is earlier, by one clock.
  IF TG_OP = 'UPDATE' AND NEW.is_closed AND NOT OLD.is_closed THEN NEW.closed_at := clock_timestamp(); END IF;
  RETURN NEW;
END $$"""

POST = f"""CREATE OR REPLACE FUNCTION ledger_post_v1(
  p_book uuid, p_request_id text,
  p_ids uuid[], p_kinds text[], p_keys text[], p_effective_ats timestamptz[], p_descriptions text[],
  p_reference_types text[], p_reference_ids text[], p_reverses uuid[], p_line_counts smallint[], p_digests bytea[],
  p_events uuid[], p_payloads text[], p_event_name text, p_event_version integer,
  p_line_entries uuid[], p_accounts uuid[], p_sides smallint[], p_amounts bigint[], p_currencies text[], p_memos text[])
RETURNS TABLE (key text, entry_id uuid, recorded_at timestamptz, digest bytea, effective_at timestamptz) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$  -- arrays of unknown length make the planner plan each call anew
DECLARE known uuid[];
BEGIN
  -- One key at a time, in one order: the second waits here and then sees the first.
  PERFORM pg_advisory_xact_lock(wanted.lock)
    FROM (SELECT hashtextextended(p_book::text || each, 6022) AS lock FROM unnest(p_keys) AS each ORDER BY 1) AS wanted;
  -- A look by the key's index for each: a join would be planned for the many rows that unnest might give, and scan.
  SELECT coalesce(array_agg(asked.id) FILTER (WHERE (
      SELECT true FROM ledger_entry AS entry WHERE entry.book_id = p_book AND entry.key = asked.key)), '{{}}')
    INTO known FROM unnest(p_ids, p_keys) AS asked (id, key);
  IF cardinality(known) > 0 THEN
    RETURN QUERY SELECT asked.key, first.id, first.recorded_at, first.digest, first.effective_at
      FROM unnest(p_keys) AS asked (key) CROSS JOIN LATERAL (
        SELECT entry.id, entry.recorded_at, entry.digest, entry.effective_at FROM ledger_entry AS entry
        WHERE entry.book_id = p_book AND entry.key = asked.key LIMIT 1) AS first;
  END IF;
  IF cardinality(known) < cardinality(p_ids) THEN
    -- The book before its accounts, as whoever closes one takes them.
    PERFORM pg_advisory_xact_lock_shared({BOOK_LOCK.format(book="p_book")});
    -- In id order, so that two entries on the same accounts wait instead of deadlocking. NO KEY: a plain FOR UPDATE
    -- deadlocks against the share locks of foreign keys.
    PERFORM 1 FROM ledger_balance WHERE account_id = ANY (p_accounts) ORDER BY account_id FOR NO KEY UPDATE;
    INSERT INTO ledger_line (entry_id, account_id, side, amount_minor, currency, memo)
      SELECT line.* FROM unnest(p_line_entries, p_accounts, p_sides, p_amounts, p_currencies, p_memos)
        AS line (entry, account, side, amount, currency, memo)
      WHERE line.entry <> ALL (known);
    RETURN QUERY INSERT INTO ledger_entry AS entry (id, kind, key, effective_at, description, reference_type,
        reference_id, reverses_id, line_count, digest, book_id, request_id)
      SELECT made.*, p_book, p_request_id
      FROM unnest(p_ids, p_kinds, p_keys, p_effective_ats, p_descriptions, p_reference_types, p_reference_ids,
        p_reverses, p_line_counts, p_digests)
        AS made (id, kind, key, effective_at, description, reference_type, reference_id, reverses, lines, digest)
      WHERE made.id <> ALL (known)
      RETURNING entry.key::text, entry.id, entry.recorded_at, entry.digest, entry.effective_at;
    PERFORM outbox_publish_v1(p_event_name, p_event_version, p_request_id,
      array_agg(told.event), array_agg(told.payload))
      FROM unnest(p_ids, p_events, p_payloads) AS told (id, event, payload) WHERE told.id <> ALL (known);
  END IF;
END $$"""

_QUARANTINE_FIXED = (
    "id",
    "book_id",
    "kind",
    "subject",
    "entry_id",
    "told",
    "reason",
    "quarantined_by",
    "quarantined_at",
)
QUARANTINE_CHANGED = f"""CREATE OR REPLACE FUNCTION ledger_quarantine_changed_v1() RETURNS trigger {_OURS} AS $$
BEGIN
  IF ({", ".join(f"NEW.{each}" for each in _QUARANTINE_FIXED)})
      IS DISTINCT FROM ({", ".join(f"OLD.{each}" for each in _QUARANTINE_FIXED)}) THEN {_refuse("QUARANTINE_FIXED")}; END IF;
  IF OLD.cure_id IS NOT NULL THEN {_refuse("CURED")}; END IF;
  -- Only what was posted as the cure of this record: no other entry of the book will do.
  IF NEW.cure_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger_entry WHERE id = NEW.cure_id AND book_id = NEW.book_id
      AND reference_type = '{QUARANTINE}' AND reference_id = NEW.id::text) THEN {_refuse("UNKNOWN_CURE")}; END IF;
  RETURN NEW;
END $$"""

QUARANTINE_MADE = f"""CREATE OR REPLACE FUNCTION ledger_quarantine_made_v1() RETURNS trigger {_OURS} AS $$
BEGIN
  IF NEW.cure_id IS NOT NULL THEN {_refuse("CURED")}; END IF;
  RETURN NEW;
END $$"""

FLOOR_KEPT = f"""CREATE OR REPLACE FUNCTION ledger_floor_kept_v1() RETURNS trigger {_OURS} AS $$
BEGIN
  IF OLD.floor_minor IS NOT NULL AND (NEW.floor_minor IS NULL OR NEW.floor_minor < OLD.floor_minor) THEN
    {_refuse("FLOOR_LOWERED")}; END IF;
  RETURN NEW;
END $$"""

UNSEALED_KEPT = f"""CREATE OR REPLACE FUNCTION ledger_unsealed_kept_v1() RETURNS trigger {_OURS} AS $$
BEGIN
  -- Out of the queue only into the chain: an entry in neither would have no number for ever.
  IF TG_OP = 'UPDATE' OR NOT EXISTS (SELECT 1 FROM ledger_seal WHERE entry_id = OLD.entry_id) THEN
    {_refuse("UNSEALED")}; END IF;
  RETURN OLD;
END $$"""

FUNCTIONS = {
    "ledger_lines_inserted_v1": LINES_INSERTED,
    "ledger_line_kept_v1": LINE_KEPT,
    "ledger_entry_judged_v1": ENTRY_JUDGED,
    "ledger_balance_guarded_v1": BALANCE_GUARDED,
    "ledger_account_opened_v1": ACCOUNT_OPENED,
    "ledger_account_changed_v1": ACCOUNT_CHANGED,
    "ledger_hold_changed_v1": HOLD_CHANGED,
    "ledger_period_changed_v1": PERIOD_CHANGED,
    "ledger_post_v1": POST,
    "ledger_quarantine_changed_v1": QUARANTINE_CHANGED,
    "ledger_floor_kept_v1": FLOOR_KEPT,
    "ledger_unsealed_kept_v1": UNSEALED_KEPT,
    "ledger_quarantine_made_v1": QUARANTINE_MADE,
}
"""In the order in which they are made."""

TRIGGERS = {
    "ledger_lines_inserted": (
        "ledger_line",
        """AFTER INSERT ON ledger_line REFERENCING NEW TABLE AS fresh
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_lines_inserted_v1()""",
    ),
    "ledger_entry_judged": (
        "ledger_entry",
        "BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION ledger_entry_judged_v1()",
    ),
    "ledger_balance_guarded": (
        "ledger_balance",
        "BEFORE INSERT OR UPDATE OR DELETE ON ledger_balance FOR EACH ROW EXECUTE FUNCTION ledger_balance_guarded_v1()",
    ),
    "ledger_balance_kept": (
        "ledger_balance",
        "BEFORE TRUNCATE ON ledger_balance FOR EACH STATEMENT EXECUTE FUNCTION stoa_append_only()",
    ),
    "ledger_account_kept": (
        "ledger_account",
        "BEFORE DELETE ON ledger_account FOR EACH ROW EXECUTE FUNCTION stoa_append_only()",
    ),
    "ledger_account_opened": (
        "ledger_account",
        "AFTER INSERT ON ledger_account FOR EACH ROW EXECUTE FUNCTION ledger_account_opened_v1()",
    ),
    "ledger_account_changed": (
        "ledger_account",
        "AFTER UPDATE ON ledger_account FOR EACH ROW EXECUTE FUNCTION ledger_account_changed_v1()",
    ),
    "ledger_hold_changed": (
        "ledger_hold",
        "AFTER INSERT OR UPDATE ON ledger_hold FOR EACH ROW EXECUTE FUNCTION ledger_hold_changed_v1()",
    ),
    "ledger_hold_kept": (
        "ledger_hold",
        "BEFORE DELETE ON ledger_hold FOR EACH ROW EXECUTE FUNCTION stoa_append_only()",
    ),
    "ledger_hold_no_truncate": (
        "ledger_hold",
        "BEFORE TRUNCATE ON ledger_hold FOR EACH STATEMENT EXECUTE FUNCTION stoa_append_only()",
    ),
    "ledger_period_changed": (
        "ledger_period",
        "BEFORE INSERT OR UPDATE ON ledger_period FOR EACH ROW EXECUTE FUNCTION ledger_period_changed_v1()",
    ),
    "ledger_period_kept": (
        "ledger_period",
        "BEFORE DELETE ON ledger_period FOR EACH ROW EXECUTE FUNCTION stoa_append_only()",
    ),
    "ledger_period_no_truncate": (
        "ledger_period",
        "BEFORE TRUNCATE ON ledger_period FOR EACH STATEMENT EXECUTE FUNCTION stoa_append_only()",
    ),
    "ledger_floor_kept": (
        "ledger_account",
        "BEFORE UPDATE OF floor_minor ON ledger_account FOR EACH ROW EXECUTE FUNCTION ledger_floor_kept_v1()",
    ),
    "ledger_unsealed_kept": (
        "ledger_unsealed",
        "BEFORE UPDATE OR DELETE ON ledger_unsealed FOR EACH ROW EXECUTE FUNCTION ledger_unsealed_kept_v1()",
    ),
    "ledger_unsealed_no_truncate": (
        "ledger_unsealed",
        "BEFORE TRUNCATE ON ledger_unsealed FOR EACH STATEMENT EXECUTE FUNCTION stoa_append_only()",
    ),
    "ledger_quarantine_changed": (
        "ledger_quarantine",
        "BEFORE UPDATE ON ledger_quarantine FOR EACH ROW EXECUTE FUNCTION ledger_quarantine_changed_v1()",
    ),
    "ledger_quarantine_made": (
        "ledger_quarantine",
        "BEFORE INSERT ON ledger_quarantine FOR EACH ROW EXECUTE FUNCTION ledger_quarantine_made_v1()",
    ),
    "ledger_quarantine_kept": (
        "ledger_quarantine",
        "BEFORE DELETE ON ledger_quarantine FOR EACH ROW EXECUTE FUNCTION stoa_append_only()",
    ),
    "ledger_quarantine_no_truncate": (
        "ledger_quarantine",
        "BEFORE TRUNCATE ON ledger_quarantine FOR EACH STATEMENT EXECUTE FUNCTION stoa_append_only()",
    ),
}
CONSTRAINT_TRIGGERS = {
    "ledger_line_kept": (
        "ledger_line",
        "AFTER INSERT ON ledger_line DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_line_kept_v1()",
    ),
}
