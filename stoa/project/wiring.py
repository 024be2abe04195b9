"""Which implementation stands behind each port. The only place where neighbours meet."""

from stoa.apps.accounts.public import caller_of_token, groups_of_person
from stoa.platform.flags.public import register_groups, route_is_on
from stoa.platform.http.public import register_authenticator, register_features


def connect() -> None:
    register_authenticator(caller_of_token)
    register_features(route_is_on)
    register_groups(groups_of_person)
