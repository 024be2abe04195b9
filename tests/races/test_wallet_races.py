"""Wallets wanted by several at once: sending both ways, spending the last coin, holds, refunds, a suspension, a first
look."""

from datetime import timedelta
from uuid import UUID

import pytest

from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.apps.ledger.contracts import PLATFORM_BOOK
from stoa.apps.ledger.errors import HoldResolved, InsufficientFunds
from stoa.apps.ledger.services.verifying import verify_books
from stoa.apps.wallet.errors import OverRefund, TransferLimit, WalletSuspended
from stoa.apps.wallet.models import Spend, Wallet
from stoa.apps.wallet.queries import own_wallet
from stoa.apps.wallet.services.coins import mint, refund_spend, spend, transfer
from stoa.apps.wallet.services.holds import capture_hold, hold_coins, hold_faults, release_hold
from stoa.apps.wallet.services.snapshots import check_wallets
from stoa.apps.wallet.services.wallets import suspend_wallet, wallet_of
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id
from stoa.kit.money import Money
from stoa.platform.testing.pausing import held_at, meeting_at, skipped_at
from stoa.platform.testing.races import repeat_together, run_together

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("committed_db")]


def slc(minor: int) -> Money:
    return Money(minor, "SLC")


def owner_of(minor: int) -> Person:
    person = make_person("Owner")
    if minor:
        mint(user_id=person.user.pk, amount=slc(minor), payment_id=new_id())
    return person


def balance(person: Person) -> int:
    return own_wallet(person.user.pk).balance.minor


def send(sender: Person, to: Person, minor: int) -> object:
    return transfer(sender_id=sender.user.pk, recipient=f"user:{to.user.pk}", amount=slc(minor), key=new_id())


def whole() -> None:
    assert verify_books(book_id=PLATFORM_BOOK).faults == ()


def test_sent_both_ways_by_eight_nothing_is_lost_and_nothing_deadlocks() -> None:
    ann, ben = owner_of(1000), owner_of(1000)

    def both_ways(number: int) -> None:
        for _ in range(10):
            send(*((ann, ben) if number % 2 else (ben, ann)), 7)

    outcomes = repeat_together(8, both_ways)
    assert [outcome.error for outcome in outcomes] == [None] * 8
    assert (balance(ann), balance(ben)) == (1000, 1000)
    whole()


def test_the_last_coins_are_spent_once() -> None:
    person = owner_of(100)
    outcomes = repeat_together(8, lambda _: spend(user_id=person.user.pk, amount=slc(60), key=new_id()))
    failed = [type(outcome.error) for outcome in outcomes if outcome.error is not None]
    assert (failed, balance(person)) == ([InsufficientFunds] * 7, 40)
    whole()


def test_sixteen_refunds_give_back_what_was_spent_and_no_more() -> None:
    person = owner_of(100)
    spent = spend(user_id=person.user.pk, amount=slc(100), key=new_id()).entry_id
    outcomes = repeat_together(16, lambda _: refund_spend(entry_id=spent, amount=slc(30), key=new_id()))
    failed = [type(outcome.error) for outcome in outcomes if outcome.error is not None]
    assert (failed, balance(person)) == ([OverRefund] * 13, 90)
    assert Spend.objects.get(pk=spent).refunded_minor == 90
    whole()


def test_their_twin_without_the_lock_gives_back_more_than_was_spent() -> None:
    person = owner_of(100)
    spent = spend(user_id=person.user.pk, amount=slc(100), key=new_id()).entry_id
    with skipped_at("wallet.lock_spend"), meeting_at("wallet.spend_read", parties=4, timeout_s=5):
        outcomes = repeat_together(4, lambda _: refund_spend(entry_id=spent, amount=slc(30), key=new_id()))
    assert [outcome.error for outcome in outcomes] == [None] * 4
    assert (balance(person), Spend.objects.get(pk=spent).refunded_minor) == (120, 30)
    assert check_wallets() == ["refunds in the ledger are not those of the spends"]


def test_one_refund_asked_for_sixteen_times_is_given_once() -> None:
    person = owner_of(100)
    spent = spend(user_id=person.user.pk, amount=slc(100), key=new_id()).entry_id
    outcomes = repeat_together(16, lambda _: refund_spend(entry_id=spent, amount=slc(30), key="once"))
    assert len({outcome.result().entry_id for outcome in outcomes if outcome.result()}) == 1  # type: ignore[union-attr]
    assert (balance(person), Spend.objects.get(pk=spent).refunded_minor) == (30, 30)


def test_the_days_limit_holds_for_two_at_once() -> None:
    ann, ben = owner_of(3_000_000), owner_of(0)
    outcomes = repeat_together(4, lambda _: send(ann, ben, 600_000))
    failed = [type(outcome.error) for outcome in outcomes if outcome.error is not None]
    assert (failed, balance(ben)) == ([TransferLimit] * 3, 600_000)
    whole()


def test_a_suspension_waits_for_a_spend_under_way_and_then_nothing_is_spent() -> None:
    person = owner_of(100)
    with held_at("ledger.posted") as spending:

        def suspend() -> None:
            spending.wait_until_reached()
            spending.release()
            suspend_wallet(user_id=person.user.pk, reason="Reported.")

        outcomes = run_together(lambda: spend(user_id=person.user.pk, amount=slc(60), key=new_id()), suspend)
    assert [outcome.error for outcome in outcomes] == [None, None]
    with pytest.raises(WalletSuspended):
        spend(user_id=person.user.pk, amount=slc(1), key=new_id())
    assert balance(person) == 40


def test_its_twin_without_the_lock_spends_what_is_suspended() -> None:
    person = owner_of(100)
    with skipped_at("wallet.lock_wallet"), held_at("wallet.wallet_read") as spending:

        def suspend() -> None:
            spending.wait_until_reached()
            suspend_wallet(user_id=person.user.pk, reason="Reported.")
            spending.release()

        outcomes = run_together(lambda: spend(user_id=person.user.pk, amount=slc(60), key=new_id()), suspend)
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert (balance(person), own_wallet(person.user.pk).is_suspended) == (40, True)


def test_a_wallet_is_opened_once() -> None:
    person = owner_of(0)
    outcomes = repeat_together(8, lambda _: wallet_of(user_id=person.user.pk).pk)
    assert len({outcome.result() for outcome in outcomes}) == 1
    assert Wallet.objects.filter(user_id=person.user.pk).count() == 1
    whole()


def hold(person: Person, minor: int) -> UUID:
    until = utc_now() + timedelta(hours=1)
    return hold_coins(user_id=person.user.pk, amount=slc(minor), key=new_id(), expires_at=until).hold_id


def test_the_last_coins_are_held_or_spent_and_never_both() -> None:
    person = owner_of(100)

    def want(number: int) -> None:
        if number % 2:
            hold(person, 60)
        else:
            spend(user_id=person.user.pk, amount=slc(60), key=new_id())

    outcomes = repeat_together(8, want)
    failed = [type(outcome.error) for outcome in outcomes if outcome.error is not None]
    assert (failed, own_wallet(person.user.pk).available.minor) == ([InsufficientFunds] * 7, 40)
    assert hold_faults() == []
    whole()


def test_a_hold_is_captured_or_released_and_never_both() -> None:
    person = owner_of(100)
    held = hold(person, 60)

    def resolve(number: int) -> None:
        if number % 2:
            capture_hold(hold_id=held, amount=slc(45))
        else:
            release_hold(hold_id=held)

    outcomes = repeat_together(8, resolve)
    failed = [type(outcome.error) for outcome in outcomes if outcome.error is not None]
    seen = own_wallet(person.user.pk)
    assert failed == [HoldResolved] * 4
    assert (seen.held.minor, seen.available.minor) in {(0, 55), (0, 100)}
    assert Spend.objects.filter(wallet__user_id=person.user.pk).count() == (1 if seen.balance.minor == 55 else 0)
    assert hold_faults() == []
    whole()


def test_a_suspension_waits_for_a_hold_under_way_and_then_nothing_is_held() -> None:
    person = owner_of(100)
    with held_at("wallet.wallet_read") as holding:

        def suspend() -> None:
            holding.wait_until_reached()
            holding.release()
            suspend_wallet(user_id=person.user.pk, reason="Reported.")

        outcomes = run_together(lambda: hold(person, 60), suspend)
    assert [outcome.error for outcome in outcomes] == [None, None]
    with pytest.raises(WalletSuspended):
        hold(person, 1)
    assert own_wallet(person.user.pk).held.minor == 60


def test_its_twin_without_the_lock_holds_what_is_suspended() -> None:
    person = owner_of(100)
    with skipped_at("wallet.lock_wallet"), held_at("wallet.wallet_read") as holding:

        def suspend() -> None:
            holding.wait_until_reached()
            suspend_wallet(user_id=person.user.pk, reason="Reported.")
            holding.release()  # with the lock this line would wait for the hold, and the hold for it

        outcomes = run_together(lambda: hold(person, 60), suspend)
    assert [outcome.error for outcome in outcomes] == [None, None]
    seen = own_wallet(person.user.pk)
    assert (seen.held.minor, seen.is_suspended) == (60, True)
