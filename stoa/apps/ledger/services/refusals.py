"""From what the database refused to what the caller is told."""

import re

from django.db import IntegrityError

from stoa.apps.ledger import errors
from stoa.kit.errors import DomainError

_CODE = re.compile(r"ledger:([A-Z_]+)")
_REFUSALS: dict[str, type[DomainError]] = {
    "UNKNOWN_ACCOUNT": errors.UnknownAccount,
    "CURRENCY_MISMATCH": errors.CurrencyMismatch,
    "ACCOUNT_CLOSED": errors.AccountClosed,
    "ACCOUNT_IN_USE": errors.AccountInUse,
    "CONTROL_ACCOUNT": errors.ControlAccount,
    "PERIOD_CLOSED": errors.PeriodLocked,
    "PERIOD_OVERLAPS": errors.PeriodOverlaps,
    "ALREADY_REVERSED": errors.AlreadyReversed,
    "REVERSAL_OF_REVERSAL": errors.ReversalOfReversal,
    "INSUFFICIENT_FUNDS": errors.InsufficientFunds,
    "BALANCE_TOO_LARGE": errors.BalanceTooLarge,
    "HOLD_RESOLVED": errors.HoldResolved,
}
_CONSTRAINTS: dict[str, type[DomainError]] = {
    "ledger_balance_floor": errors.InsufficientFunds,
    "ledger_balance_size": errors.BalanceTooLarge,
    "reverses_id": errors.AlreadyReversed,
    "ledger_account_code": errors.CodeTaken,
    "ledger_account.code": errors.CodeTaken,  # SQLite names the columns
    "ledger_period_once": errors.PeriodOverlaps,
}


def refusal_of(*, error: IntegrityError) -> DomainError:
    """The rule that the database kept. An integrity error that no caller could cause is raised again as it is."""
    told = str(error)
    # PostgreSQL's text quotes the statements around it, which name half of the schema: its own fields are exact.
    diagnosis = getattr(error.__cause__, "diag", None)
    if diagnosis is not None:
        told = f"{diagnosis.constraint_name or ''} {diagnosis.message_primary}"
    code = _CODE.search(told)
    if code is not None and code[1] in _REFUSALS:
        return _REFUSALS[code[1]]()
    for name, refusal in _CONSTRAINTS.items():
        if name in told:
            return refusal()
    raise error
