"""Guesses, codes and tokens of a sign-in used several times at once, on real connections."""

from collections.abc import Callable
from typing import Any

import pyotp
import pytest

from stoa.apps.accounts.contracts import SignedIn
from stoa.apps.accounts.errors import BadCredentials, LockedOut, MfaRefused, MfaRequired
from stoa.apps.accounts.models import RecoveryCode, SecondStep, Session, SignInAttempt, TotpDevice
from stoa.apps.accounts.services import mfa, sessions
from stoa.apps.accounts.services.sessions import Device
from stoa.apps.accounts.tests.factories import PASSWORD, Person, make_person
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.testing.pausing import meeting_at, skipped_at
from stoa.platform.testing.races import Outcome, repeat_together

pytestmark = pytest.mark.race
PARTIES = 4


def an_address() -> str:
    """One that no other test guesses from."""
    return str(new_uuid())[-12:]


class Enrolled:
    """Somebody whose authenticator is on, with no code spent, and somewhere to sign in from."""

    def __init__(self) -> None:
        self.person: Person = make_person("Racer")
        self.device = Device(agent="race", address=an_address())
        user_id = self.person.user.pk
        self.secret = mfa.enrol_totp(user_id=user_id, password=PASSWORD, address=self.device.address).secret
        self.codes = mfa.confirm_totp(user_id=user_id, code=self.code()).recovery_codes
        TotpDevice.objects.filter(user_id=user_id).update(last_step=0)

    def code(self) -> str:
        return pyotp.TOTP(self.secret).at(utc_now())

    def token(self) -> str:
        with pytest.raises(MfaRequired) as asked:
            sessions.sign_in(login=self.person.user.email, password=PASSWORD, device=self.device)
        return str(asked.value.details["mfa_token"])

    def finish(self, token: str, *, code: str = "", recovery_code: str = "") -> SignedIn:
        return sessions.finish_second_step(token=token, code=code, recovery_code=recovery_code, device=self.device)

    def opened(self) -> int:
        return Session.objects.filter(user=self.person.user).count() - 1


def winners(outcomes: list[Outcome[Any]], refusals: set[type[BaseException]]) -> int:
    assert {type(one.error) for one in outcomes if one.error is not None} <= refusals
    return sum(one.error is None for one in outcomes)


def one_of_four(point: str, who: Enrolled, finish: Callable[[int], SignedIn]) -> int:
    with meeting_at(point, parties=PARTIES):
        won = winners(repeat_together(PARTIES, finish), {MfaRefused})
    assert who.opened() == won
    return won


def sign_ins_of_one_totp_code() -> int:
    who = Enrolled()
    tokens, code = [who.token() for _ in range(PARTIES)], who.code()
    return one_of_four("accounts.swap_totp_step", who, lambda number: who.finish(tokens[number], code=code))


def test_a_totp_code_used_four_times_at_once_signs_in_once(committed_db: None) -> None:
    assert sign_ins_of_one_totp_code() == 1


def test_without_the_comparison_a_totp_code_signs_in_more_than_once(committed_db: None) -> None:
    with skipped_at("accounts.compare_totp_step"):
        assert sign_ins_of_one_totp_code() == PARTIES


def sign_ins_of_one_recovery_code() -> int:
    who = Enrolled()
    tokens = [who.token() for _ in range(PARTIES)]
    point = "accounts.swap_recovery_code"
    won = one_of_four(point, who, lambda number: who.finish(tokens[number], recovery_code=who.codes[0]))
    assert RecoveryCode.objects.filter(user=who.person.user, used_at=None).count() == 9
    return won


def test_a_recovery_code_used_four_times_at_once_signs_in_once(committed_db: None) -> None:
    assert sign_ins_of_one_recovery_code() == 1


def test_without_the_comparison_a_recovery_code_signs_in_more_than_once(committed_db: None) -> None:
    with skipped_at("accounts.compare_recovery_code"):
        assert sign_ins_of_one_recovery_code() == PARTIES


def sign_ins_of_one_mfa_token() -> tuple[int, int]:
    """And how many recovery codes are left: who lost keeps theirs."""
    who = Enrolled()
    token = who.token()
    point = "accounts.swap_second_step"
    won = one_of_four(point, who, lambda number: who.finish(token, recovery_code=who.codes[number]))
    return won, RecoveryCode.objects.filter(user=who.person.user, used_at=None).count()


def test_an_mfa_token_used_four_times_at_once_signs_in_once(committed_db: None) -> None:
    assert sign_ins_of_one_mfa_token() == (1, 9)


def test_without_the_comparison_an_mfa_token_signs_in_more_than_once(committed_db: None) -> None:
    with skipped_at("accounts.compare_second_step"):
        assert sign_ins_of_one_mfa_token() == (PARTIES, 6)


def test_wrong_codes_at_once_burn_the_token_after_five(committed_db: None) -> None:
    who = Enrolled()
    token = who.token()

    def elsewhere(number: int) -> SignedIn:
        device = Device(agent="race", address=an_address())
        return sessions.finish_second_step(token=token, code="wrong", recovery_code="", device=device)

    outcomes = repeat_together(8, elsewhere)
    assert winners(outcomes, {MfaRefused}) == 0
    assert SecondStep.objects.get(user=who.person.user).tries == 5
    with pytest.raises(MfaRefused):
        who.finish(token, code=who.code())


def guesses_let_through(*, login: str, parties: int = 12) -> int:
    address = an_address()

    def guess(_: int) -> SignedIn:
        return sessions.sign_in(login=login, password="wrong", device=Device(agent="race", address=address))

    with meeting_at("accounts.attempt_counted", parties=parties, timeout_s=0.5):
        outcomes = repeat_together(parties, guess)
    assert winners(outcomes, {BadCredentials, LockedOut}) == 0
    let_through = sum(isinstance(one.error, BadCredentials) for one in outcomes)
    assert SignInAttempt.objects.filter(address=address).count() == let_through
    return let_through


@pytest.mark.parametrize("known", [True, False])
def test_of_twelve_guesses_at_once_five_are_looked_at(committed_db: None, known: bool) -> None:
    login = make_person("Guessed").user.email if known else f"{new_id()}@example.org"
    assert guesses_let_through(login=login) == 5


def test_without_the_lock_every_guess_is_looked_at(committed_db: None) -> None:
    with skipped_at("accounts.lock_attempts"):
        assert guesses_let_through(login=make_person("Guessed").user.email) == 12


def test_guesses_from_many_addresses_at_once_pass_no_more_than_twenty(committed_db: None) -> None:
    login = make_person("Guessed").user.email

    def guess(_: int) -> SignedIn:
        return sessions.sign_in(login=login, password="wrong", device=Device(agent="race", address=an_address()))

    outcomes = repeat_together(24, guess)
    assert winners(outcomes, {BadCredentials, LockedOut}) == 0
    assert sum(isinstance(one.error, BadCredentials) for one in outcomes) == 20
