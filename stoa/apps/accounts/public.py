"""What others may call."""

from stoa.apps.accounts.contracts import AccountClosingVeto, ExportSource
from stoa.apps.accounts.queries import (
    CallerJoin,
    caller_of_token,
    caller_with,
    email_of,
    groups_of_person,
    live_sessions,
    own_data,
    people_named,
    user_id_of,
)
from stoa.apps.accounts.services.demo import demo_ids, demo_people, remove_people, seed_people
from stoa.apps.accounts.services.first_admin import ensure_admin
from stoa.apps.accounts.services.ports import SOURCES, VETOES

__all__ = [
    "CallerJoin",
    "caller_of_token",
    "caller_with",
    "demo_ids",
    "demo_people",
    "email_of",
    "ensure_admin",
    "groups_of_person",
    "live_sessions",
    "own_data",
    "people_named",
    "register_account_closing_veto",
    "register_export_source",
    "remove_people",
    "seed_people",
    "user_id_of",
]


def register_account_closing_veto(app: str, veto: AccountClosingVeto) -> None:
    """In project/wiring.py only. The veto runs inside the transaction that closes or erases; without any, nobody objects."""
    VETOES[app] = veto


def register_export_source(app: str, source: ExportSource) -> None:
    """In project/wiring.py only. Its files go into the archive's folder `app`."""
    SOURCES[app] = source
