"""One code, and one new address, used several times at once, on real connections."""

import pytest

from stoa.apps.accounts.contracts import SignedIn
from stoa.apps.accounts.errors import EmailTaken, LockedOut, OtpRefused, TokenRefused
from stoa.apps.accounts.models import CodeWay, Errand, MailedSecret, OneTimeCode, Session, User
from stoa.apps.accounts.services import emails, one_time_codes
from stoa.apps.accounts.services.mailed_secrets import ask_secret
from stoa.apps.accounts.services.one_time_codes import TRIES
from stoa.apps.accounts.services.sessions import Device
from stoa.apps.accounts.tests.factories import make_user
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid
from stoa.platform.db.transactions import transaction
from stoa.platform.testing.pausing import meeting_at, skipped_at
from stoa.platform.testing.races import repeat_together
from stoa.runtime.travelling_secrets import make_code, make_token

pytestmark = pytest.mark.race
PARTIES = 4


def a_device() -> Device:
    """Somewhere that no other guess comes from."""
    return Device(agent="race", address=str(new_uuid())[-12:])


def asked_code() -> tuple[OneTimeCode, str]:
    user = make_user("Racer", email_verified_at=utc_now())
    code_id = one_time_codes.ask_sign_in_code(login=user.email, way=CodeWay.EMAIL)
    row = OneTimeCode.objects.get(pk=code_id)
    return row, make_code(purpose="code sign_in", row_id=row.pk, nonce=row.nonce)


def sign_ins_by_one_code() -> int:
    row, code = asked_code()

    def sign_in(_: int) -> SignedIn:
        return one_time_codes.sign_in_with_code(code_id=row.pk, code=code, device=a_device())

    # The comparison stands in the transaction that holds the person's row: they come to it one by one.
    with meeting_at("accounts.try_counted", parties=PARTIES, timeout_s=10):
        outcomes = repeat_together(PARTIES, sign_in)
    assert {type(one.error) for one in outcomes if one.error is not None} <= {OtpRefused}
    won = sum(one.error is None for one in outcomes)
    assert Session.objects.filter(user_id=row.user_id).count() == won
    return won


def test_a_code_used_four_times_at_once_signs_in_once(committed_db: None) -> None:
    assert sign_ins_by_one_code() == 1


def test_without_the_comparison_a_code_signs_in_more_than_once(committed_db: None) -> None:
    with skipped_at("accounts.compare_code"):
        assert sign_ins_by_one_code() == PARTIES


def guesses_looked_at() -> int:
    row, code = asked_code()
    wrong = f"{(int(code) + 1) % 10**6:06d}"

    def guess(_: int) -> SignedIn:
        return one_time_codes.sign_in_with_code(code_id=row.pk, code=wrong, device=a_device())

    with meeting_at("accounts.before_try", parties=12, timeout_s=10):
        outcomes = repeat_together(12, guess)
    assert {type(one.error) for one in outcomes} <= {OtpRefused, LockedOut}
    return OneTimeCode.objects.get(pk=row.pk).tries


def test_of_twelve_guesses_at_once_five_are_looked_at(committed_db: None) -> None:
    assert guesses_looked_at() == TRIES


def test_without_the_comparison_more_than_five_are_looked_at(committed_db: None) -> None:
    with skipped_at("accounts.compare_tries"):
        assert guesses_looked_at() == 12


def change_token(user: User, address: str) -> str:
    with transaction():
        row = MailedSecret.objects.get(pk=ask_secret(user=user, errand=Errand.CHANGE_EMAIL, new_email=address))
    return make_token(purpose=row.errand, row_id=row.pk, nonce=row.nonce)


def test_of_four_people_who_take_one_address_at_once_one_gets_it(committed_db: None) -> None:
    """Its twin is the unique index itself: without it the database could hold two."""
    address = f"{new_uuid().hex}@example.org"
    people = [make_user("Racer") for _ in range(PARTIES)]
    tokens = [change_token(person, address) for person in people]
    with meeting_at("accounts.change_found", parties=PARTIES, timeout_s=10):
        outcomes = repeat_together(PARTIES, lambda number: emails.change_email(token=tokens[number]))
    assert sorted(type(one.error).__name__ for one in outcomes) == ["EmailTaken"] * 3 + ["NoneType"]
    assert {type(one.error) for one in outcomes if one.error} == {EmailTaken}
    winner = next(number for number, one in enumerate(outcomes) if one.error is None)
    assert User.objects.get(email=address).pk == people[winner].pk
    unspent = MailedSecret.objects.filter(user__in=people, used_at=None)
    assert unspent.count() == 3


def changes_by_one_token() -> int:
    user = make_user("Racer")
    token = change_token(user, f"{new_uuid().hex}@example.org")
    with meeting_at("accounts.change_found", parties=PARTIES, timeout_s=10):
        outcomes = repeat_together(PARTIES, lambda _: emails.change_email(token=token))
    assert {type(one.error) for one in outcomes if one.error} <= {TokenRefused}
    return sum(one.error is None for one in outcomes)


def test_a_change_token_shown_four_times_at_once_works_once(committed_db: None) -> None:
    assert changes_by_one_token() == 1
