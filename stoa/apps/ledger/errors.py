"""Refusals of the ledger."""

from stoa.kit.errors import Conflict, DomainError, Kind
from stoa.kit.money import Money


class Unbalanced(DomainError):
    code, kind, message = "UNBALANCED", Kind.INVALID, "Debits and credits differ."

    def __init__(self, currency: str, *, debit_sum: int, credit_sum: int) -> None:
        sums = {"debits": debit_sum, "credits": credit_sum, "difference": debit_sum - credit_sum}
        told = {name: Money(minor, currency).amount for name, minor in sums.items()}
        super().__init__(details={"currency": currency, **told})


class UnknownAccount(DomainError):
    code, kind, message = "UNKNOWN_ACCOUNT", Kind.INVALID, "An account of these lines is not in this book."


class CurrencyMismatch(DomainError):
    code, kind, message = "CURRENCY_MISMATCH", Kind.INVALID, "A line's currency is not its account's."


class AccountClosed(Conflict):
    code, message = "ACCOUNT_CLOSED", "An account of these lines is closed."


class AccountInUse(Conflict):
    code, message = "ACCOUNT_IN_USE", "An account with a balance or an open hold cannot be closed."


class SystemAccount(Conflict):
    code, message = "SYSTEM_ACCOUNT", "An account that the house posts to stays open."


class CodeTaken(Conflict):
    code, message = "ACCOUNT_CODE_TAKEN", "An account with this code exists."


class ControlAccount(Conflict):
    code, message = "CONTROL_ACCOUNT", "This account takes entries of its own part of the house only."


class PeriodLocked(Conflict):
    code, message = "PERIOD_CLOSED", "The period of this entry is closed."


class PeriodOverlaps(Conflict):
    code, message = "PERIOD_OVERLAPS", "A period of this time exists."


class InsufficientFunds(Conflict):
    code, message = "INSUFFICIENT_FUNDS", "The account would fall below its limit."


class BalanceTooLarge(Conflict):
    code, message = "BALANCE_TOO_LARGE", "More has been posted to this account than one account can hold."


class AlreadyReversed(Conflict):
    code, message = "ALREADY_REVERSED", "This entry is reversed already."


class ReversalOfReversal(Conflict):
    code, message = "REVERSAL_OF_REVERSAL", "A reversal is not reversed: post the entry anew."


class KeyReused(DomainError):
    code, kind, message = "KEY_REUSED", Kind.INVALID, "This key belongs to another entry."


class HoldResolved(Conflict):
    code, message = "HOLD_RESOLVED", "This hold was posted, voided or has expired."


class AlreadyQuarantined(Conflict):
    code, message = "ALREADY_QUARANTINED", "This record is set aside already."


class AlreadyCured(Conflict):
    code, message = "ALREADY_CURED", "This record has its cure already."


class RateExists(Conflict):
    code, message = "RATE_EXISTS", "A rate of this pair from this instant is there."


class RateMissing(Conflict):
    code, message = "RATE_MISSING", "There is no rate of this pair at that time."


class PeriodNotReady(Conflict):
    code, message = "PERIOD_NOT_READY", "Something in this period wants to be looked at before it is closed."
