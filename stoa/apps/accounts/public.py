"""What others may call."""

from stoa.apps.accounts.queries import caller_of_token, groups_of_person
from stoa.apps.accounts.services.demo import demo_people

__all__ = ["caller_of_token", "demo_people", "groups_of_person"]
