"""What readiness says, and what each check behind it said."""

from stoa.kit.contract import Contract


class Outcome(Contract):
    """One check. `error` is the name of an exception class: never a host, an address or a message."""

    name: str
    ok: bool
    duration_ms: float
    error: str | None = None


class Verdict(Contract):
    """Ready only when every check is."""

    checks: tuple[Outcome, ...]

    @property
    def ready(self) -> bool:
        return all(outcome.ok for outcome in self.checks)
