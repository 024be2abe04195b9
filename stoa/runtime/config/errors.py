"""A configuration that cannot be used."""

from collections.abc import Sequence


class ConfigurationError(Exception):
    """Every fault at once, a line each: the variable's name and what is allowed. A value is never repeated."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__(f"configuration: {count}\n" + "\n".join(f"  {fault}" for fault in self.faults))
