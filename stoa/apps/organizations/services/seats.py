"""How many active members an organization may have."""

from stoa.apps.organizations.errors import SeatsTaken
from stoa.apps.organizations.models import Membership, MembershipState, Organization


def require_seat(*, organization: Organization) -> None:
    """Before one more becomes active. Call under the organization's lock, or two take the last seat. Raises SeatsTaken."""
    if organization.seats is None:
        return
    if Membership.objects.filter(state=MembershipState.ACTIVE).count() >= organization.seats:
        raise SeatsTaken
