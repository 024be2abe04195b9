"""Two exchanges of one refresh token at once, and two registrations of one e-mail, on real connections."""

import pytest

from stoa.apps.accounts.errors import EmailTaken, HandleTaken, RefreshRefused
from stoa.apps.accounts.models import Session, User
from stoa.apps.accounts.services import people, sessions
from stoa.apps.accounts.services.sessions import Device
from stoa.apps.accounts.tests.factories import PASSWORD, make_person
from stoa.kit.ids import new_uuid
from stoa.platform.testing.pausing import meeting_at, skipped_at
from stoa.platform.testing.races import Outcome, repeat_together

pytestmark = pytest.mark.race
DEVICE = Device(agent="race", address="127.0.0.1")


def winners_of_one_refresh_token() -> int:
    person = make_person("Racer")
    with meeting_at("accounts.swap_refresh", parties=4):
        outcomes = repeat_together(4, lambda _: sessions.refresh(token=person.refresh))
    assert {type(one.error) for one in outcomes if one.error} <= {RefreshRefused}
    # A second copy of the token was shown, so the session is over for whoever won too.
    assert Session.objects.filter(user=person.user, revoked_at=None).count() == 0 or winners(outcomes) > 1
    return winners(outcomes)


def winners(outcomes: list[Outcome[sessions.TokenPair]]) -> int:
    return sum(one.error is None for one in outcomes)


def test_of_four_exchanges_of_one_token_exactly_one_wins(committed_db: None) -> None:
    assert winners_of_one_refresh_token() == 1


def test_without_the_comparison_more_than_one_wins(committed_db: None) -> None:
    with skipped_at("accounts.compare_refresh"):
        assert winners_of_one_refresh_token() == 4


@pytest.mark.parametrize("same", ["email", "handle"])
def test_of_eight_registrations_exactly_one_makes_an_account(committed_db: None, same: str) -> None:
    tail = new_uuid().hex[-12:]

    def register(number: int) -> None:
        email = f"Racer.{tail}@Example.org" if number % 2 else f"racer.{tail}@example.org"
        people.register(
            email=email if same == "email" else f"{number}.{tail}@example.org",
            password=PASSWORD,
            name="Racer",
            handle=f"r_{tail}" if same == "handle" else None,
            device=DEVICE,
        )

    outcomes = repeat_together(8, register)
    assert [one.error is None for one in outcomes].count(True) == 1
    refusals = {type(one.error) for one in outcomes if one.error is not None}
    assert refusals == {EmailTaken if same == "email" else HandleTaken}
    people_made = User.objects.filter(email__endswith=f"{tail}@example.org")
    assert people_made.count() == Session.objects.filter(user__in=people_made).count() == 1
