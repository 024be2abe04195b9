"""Which implementation stands behind each port. The only place where neighbours meet."""

from stoa.apps.accounts.public import caller_of_token
from stoa.platform.http.public import register_authenticator


def connect() -> None:
    register_authenticator(caller_of_token)
