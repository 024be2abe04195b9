"""Two callbacks of one new person at once, and one code spent twice at once."""

import pytest
from allauth.socialaccount.models import SocialAccount

from stoa.apps.accounts.contracts import SignedIn
from stoa.apps.accounts.domain import SocialIdentity
from stoa.apps.accounts.errors import EmailTaken, SocialCodeRefused
from stoa.apps.accounts.models import Session, User
from stoa.apps.accounts.services.sessions import Device
from stoa.apps.accounts.services.social import arrive, exchange
from stoa.kit.ids import new_id
from stoa.platform.testing.pausing import meeting_at, skipped_at
from stoa.platform.testing.races import Outcome, repeat_together

pytestmark = pytest.mark.race
DEVICE = Device(agent="race", address="127.0.0.1")


def arrivals(*, providers: tuple[str, ...]) -> tuple[str, list[Outcome[str]]]:
    """One new e-mail, from four callbacks at once."""
    name = new_id()
    identities = [SocialIdentity(each, name, f"{name}@example.org", True, "Racer") for each in providers]
    with meeting_at("accounts.social_person_read", parties=4):
        return name, repeat_together(4, lambda number: arrive(identity=identities[number]))


@pytest.mark.parametrize("providers", [("google",) * 4, ("google", "github", "google", "github")], ids=["one", "two"])
def test_four_callbacks_of_one_new_email_make_one_account(committed_db: None, providers: tuple[str, ...]) -> None:
    name, outcomes = arrivals(providers=providers)
    assert [one.error for one in outcomes] == [None] * 4
    user = User.objects.get(email=f"{name}@example.org")
    links = SocialAccount.objects.filter(uid=name)
    assert sorted(links.values_list("provider", "user_id")) == sorted({(each, user.pk) for each in providers})
    signed_in = [exchange(code=str(one.value), device=DEVICE) for one in outcomes]
    assert {each.user.id for each in signed_in} == {user.pk}


def test_without_looking_again_the_others_are_refused(committed_db: None) -> None:
    with skipped_at("accounts.social_again"):
        _, outcomes = arrivals(providers=("google",) * 4)
    assert sum(one.error is None for one in outcomes) == 1
    assert {type(one.error) for one in outcomes if one.error is not None} == {EmailTaken}


def spent_by_four() -> tuple[str, list[Outcome[SignedIn]]]:
    name = new_id()
    code = arrive(identity=SocialIdentity("google", name, f"{name}@example.org", True, "Racer"))
    with meeting_at("accounts.social_code_read", parties=4):
        return name, repeat_together(4, lambda _: exchange(code=code, device=DEVICE))


def test_of_four_exchanges_of_one_code_exactly_one_wins(committed_db: None) -> None:
    name, outcomes = spent_by_four()
    assert sum(one.error is None for one in outcomes) == 1
    assert {type(one.error) for one in outcomes if one.error is not None} == {SocialCodeRefused}
    assert Session.objects.filter(user__email=f"{name}@example.org").count() == 1


def test_without_the_count_of_deleted_rows_all_four_win(committed_db: None) -> None:
    with skipped_at("accounts.spend_social_code"):
        name, outcomes = spent_by_four()
    assert [one.error for one in outcomes] == [None] * 4
    assert Session.objects.filter(user__email=f"{name}@example.org").count() == 4
