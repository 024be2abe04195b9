"""What other apps may call. They write under kinds of their own (`<app>.<what>`) and on accounts that they own."""

from stoa.apps.ledger.queries import account_line_page, account_view, lines_of_request, trial_balance
from stoa.apps.ledger.services.accounts import open_account
from stoa.apps.ledger.services.books import open_book, system_account
from stoa.apps.ledger.services.holds import hold_funds, post_hold, void_hold
from stoa.apps.ledger.services.ledger_lines import account_statement
from stoa.apps.ledger.services.posting import post_entries, post_entry, reverse_entry
from stoa.apps.ledger.services.quarantine import cure_on_approval

__all__ = [
    "account_line_page",
    "account_statement",
    "account_view",
    "cure_on_approval",
    "hold_funds",
    "lines_of_request",
    "open_account",
    "open_book",
    "post_entries",
    "post_entry",
    "post_hold",
    "reverse_entry",
    "system_account",
    "trial_balance",
    "void_hold",
]
