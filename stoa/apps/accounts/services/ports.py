"""What accounts asks of the apps above: who has something to say before an account closes, and what each knows."""

from uuid import UUID

from stoa.apps.accounts.contracts import AccountClosingVeto, ExportSource

VETOES: dict[str, AccountClosingVeto] = {}
SOURCES: dict[str, ExportSource] = {}
"""By app; filled through accounts.public."""


def ask_vetoes(*, user_id: UUID) -> None:
    """Raises AccountCannotClose."""
    for veto in VETOES.values():
        veto(user_id)
