"""What the database keeps of an ask: only its answer is ever written, once, and no ask is removed."""

from stoa.platform.db.triggers import Trigger, declare, declare_function

_FIXED = ("id", "org_id", "action", "subject", "told", "reason", "payload", "asked_by", "asked_at")

_CHANGED = f"""CREATE OR REPLACE FUNCTION approvals_changed_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'waiting' OR NEW.state = 'waiting'
      OR ({", ".join(f"NEW.{each}" for each in _FIXED)}) IS DISTINCT FROM ({", ".join(f"OLD.{each}" for each in _FIXED)}) THEN
    RAISE EXCEPTION 'approvals:DECIDED' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$"""
_DIFFERS = " OR ".join(f"NEW.{each} IS NOT OLD.{each}" for each in _FIXED)


def declare_rules() -> None:
    """Called once, when Django is ready."""
    declare_function("approvals_changed_v1", _CHANGED, table="approvals_approval")
    declare(
        Trigger(
            "approvals_changed",
            "approvals_approval",
            sqlite=f"""CREATE TRIGGER approvals_changed BEFORE UPDATE ON approvals_approval
            WHEN OLD.state <> 'waiting' OR NEW.state = 'waiting' OR {_DIFFERS}
            BEGIN SELECT RAISE(ABORT, 'approvals:DECIDED'); END""",
            postgresql="""CREATE TRIGGER approvals_changed BEFORE UPDATE ON approvals_approval
            FOR EACH ROW EXECUTE FUNCTION approvals_changed_v1()""",
        )
    )
    declare(
        Trigger(
            "approvals_made",
            "approvals_approval",
            # A row put in place of another would ask no delete trigger.
            sqlite="""CREATE TRIGGER approvals_made BEFORE INSERT ON approvals_approval
            WHEN EXISTS (SELECT 1 FROM approvals_approval WHERE id = NEW.id)
            BEGIN SELECT RAISE(ABORT, 'approvals:REPLACED'); END""",
            postgresql="",
        )
    )
    declare(
        Trigger(
            "approvals_kept",
            "approvals_approval",
            sqlite="""CREATE TRIGGER approvals_kept BEFORE DELETE ON approvals_approval
            BEGIN SELECT RAISE(ABORT, 'approvals:KEPT'); END""",
            postgresql="""CREATE TRIGGER approvals_kept BEFORE DELETE ON approvals_approval
            FOR EACH ROW EXECUTE FUNCTION stoa_append_only()""",
        )
    )
    declare(
        Trigger(
            "approvals_no_truncate",
            "approvals_approval",
            sqlite="",
            postgresql="""CREATE TRIGGER approvals_no_truncate BEFORE TRUNCATE ON approvals_approval
            FOR EACH STATEMENT EXECUTE FUNCTION stoa_append_only()""",
        )
    )
