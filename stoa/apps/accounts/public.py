"""What others may call."""

from stoa.apps.accounts.queries import caller_of_token

__all__ = ["caller_of_token"]
