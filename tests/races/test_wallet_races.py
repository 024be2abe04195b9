"""Wallets wanted by several at once: sending both ways, spending the last coin, refunds, a suspension, a first look."""

import pytest

from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.apps.ledger.contracts import PLATFORM_BOOK
from stoa.apps.ledger.errors import InsufficientFunds
from stoa.apps.ledger.services.verifying import verify_books
from stoa.apps.wallet.errors import OverRefund, TransferLimit, WalletSuspended
from stoa.apps.wallet.models import Spend, Wallet
from stoa.apps.wallet.queries import own_wallet
from stoa.apps.wallet.services.coins import mint, refund_spend, spend, transfer
from stoa.apps.wallet.services.snapshots import check_wallets
from stoa.apps.wallet.services.wallets import suspend_wallet, wallet_of
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
