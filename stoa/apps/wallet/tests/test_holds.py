"""Coins that are promised, and the running balance of what moved."""

from datetime import timedelta
from io import StringIO
from time import sleep
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.apps.ledger.contracts import PLATFORM_BOOK
from stoa.apps.ledger.errors import HoldResolved, InsufficientFunds, KeyReused
from stoa.apps.wallet.contracts import CoinsHeld, WalletView
from stoa.apps.wallet.errors import OverRefund, WalletSuspended
from stoa.apps.wallet.models import CoinHold, Spend
from stoa.apps.wallet.queries import own_wallet
from stoa.apps.wallet.services.coins import mint, refund_spend, spend, transfer
from stoa.apps.wallet.services.holds import capture_hold, hold_coins, release_hold
from stoa.apps.wallet.services.snapshots import check_wallets
from stoa.apps.wallet.services.wallets import suspend_wallet
from stoa.kit.clock import utc_now
from stoa.kit.errors import Invalid, Missing
from stoa.kit.ids import new_id, new_uuid
from stoa.kit.money import Money
from stoa.platform.sweeps.registry import declared
from stoa.platform.testing.client import ApiClient

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def slc(minor: int) -> Money:
    return Money(minor, "SLC")


@pytest.fixture
def ann() -> Person:
    person = make_person("Ann")
    mint(user_id=person.user.pk, amount=slc(100_00), payment_id=new_id())
    return person


def hold(person: Person, minor: int, key: str = "") -> CoinsHeld:
    return hold_coins(user_id=person.user.pk, amount=slc(minor), key=key or new_id(), expires_at=utc_now() + HOUR)


def told(person: Person) -> tuple[int, int, int]:
    """Balance, held, available."""
    seen: WalletView = own_wallet(person.user.pk)
    return seen.balance.minor, seen.held.minor, seen.available.minor


def whole() -> None:
    """By wallet_check, and by ledger_verify, which ends with an error where something does not hold."""
    call_command("ledger_verify", "--book", str(PLATFORM_BOOK), stdout=StringIO())
    assert check_wallets() == []


def test_what_is_held_cannot_be_spent_and_is_shown(ann: Person, api: ApiClient) -> None:
    held = hold(ann, 60_00, "once")
    assert (held.state, held.wallet.available, told(ann)) == ("pending", slc(40_00), (100_00, 60_00, 40_00))
    assert hold(ann, 60_00, "once").hold_id == held.hold_id
    shown = api.bearer(ann.access).read("/api/v1/wallet").data
    assert [shown[name]["amount"] for name in ("balance", "held", "available")] == ["100.00", "60.00", "40.00"]
    for spending in (
        lambda: spend(user_id=ann.user.pk, amount=slc(40_01), key=new_id()),
        lambda: transfer(
            sender_id=ann.user.pk, recipient=f"user:{make_person('Ben').user.pk}", amount=slc(40_01), key=new_id()
        ),
        lambda: hold(ann, 40_01),
    ):
        with pytest.raises(InsufficientFunds):
            spending()
    with pytest.raises(KeyReused):
        hold(ann, 59_00, "once")
    assert (told(ann), CoinHold.objects.count()) == ((100_00, 60_00, 40_00), 1)
    whole()


def test_a_part_is_captured_once_the_rest_is_free_and_it_can_be_refunded(ann: Person) -> None:
    held = hold(ann, 60_00)
    with pytest.raises(Invalid):
        capture_hold(hold_id=held.hold_id, amount=slc(60_01))
    assert told(ann) == (100_00, 60_00, 40_00)
    taken = capture_hold(hold_id=held.hold_id, amount=slc(25_00))
    assert capture_hold(hold_id=held.hold_id, amount=slc(25_00)).entry_id == taken.entry_id
    assert (taken.wallet.available, told(ann)) == (slc(75_00), (75_00, 0, 75_00))
    with pytest.raises(KeyReused):
        capture_hold(hold_id=held.hold_id, amount=slc(24_00))
    with pytest.raises(HoldResolved):
        release_hold(hold_id=held.hold_id)
    refund_spend(entry_id=taken.entry_id, amount=slc(25_00), key="back")
    with pytest.raises(OverRefund):
        refund_spend(entry_id=taken.entry_id, amount=slc(1), key="more")
    assert told(ann) == (100_00, 0, 100_00)
    whole()


def test_what_is_released_or_late_is_free_and_captured_no_more(ann: Person) -> None:
    released, soon = hold(ann, 60_00), utc_now() + timedelta(milliseconds=700)
    for _ in range(2):
        assert release_hold(hold_id=released.hold_id).state == "voided"
    late = hold_coins(user_id=ann.user.pk, amount=slc(10_00), key="late", expires_at=soon)
    assert told(ann) == (100_00, 10_00, 90_00)
    while utc_now() < soon:
        sleep(0.05)
    assert (declared()["ledger.late_holds"].run(10), told(ann)) == (1, (100_00, 0, 100_00))
    for hold_id in (released.hold_id, late.hold_id):
        with pytest.raises(HoldResolved):
            capture_hold(hold_id=hold_id, amount=slc(1))
    assert (told(ann), Spend.objects.count()) == ((100_00, 0, 100_00), 0)
    whole()


def test_a_suspended_wallet_is_neither_held_nor_captured_but_released(ann: Person) -> None:
    held = hold(ann, 60_00)
    suspend_wallet(user_id=ann.user.pk, reason="Reported.")
    with pytest.raises(WalletSuspended):
        hold(ann, 1)
    with pytest.raises(WalletSuspended):
        capture_hold(hold_id=held.hold_id, amount=slc(1))
    assert told(ann) == (100_00, 60_00, 40_00)
    release_hold(hold_id=held.hold_id)
    assert told(ann) == (100_00, 0, 100_00)
    mint(user_id=ann.user.pk, amount=slc(1_00), payment_id=new_id())
    assert told(ann) == (101_00, 0, 101_00)
    whole()


@pytest.mark.parametrize("amount", [Money(1, "USD"), slc(0), slc(-1)])
def test_what_cannot_be_held_holds_nothing(ann: Person, amount: Money) -> None:
    with pytest.raises(Invalid):
        hold_coins(user_id=ann.user.pk, amount=amount, key="k", expires_at=utc_now() + HOUR)
    with pytest.raises(Invalid):
        hold_coins(user_id=ann.user.pk, amount=slc(1), key="k", expires_at=utc_now() - HOUR)
    for act in (lambda: capture_hold(hold_id=new_uuid(), amount=slc(1)), lambda: release_hold(hold_id=new_uuid())):
        with pytest.raises(Missing):
            act()
    assert (told(ann), CoinHold.objects.count()) == ((100_00, 0, 100_00), 0)


def test_the_check_names_holds_that_do_not_hold(ann: Person) -> None:
    first, second = hold(ann, 30_00), hold(ann, 20_00)
    wallet = CoinHold.objects.values_list("wallet_id", flat=True)[0]
    CoinHold.objects.filter(pk=first.hold_id).update(amount_minor=30_01)
    assert check_wallets() == [f"wallet {wallet} promised more than is held of it"]
    CoinHold.objects.filter(pk=first.hold_id).update(amount_minor=30_00)
    whole()
    entry_id: UUID = capture_hold(hold_id=second.hold_id, amount=slc(20_00)).entry_id
    Spend.objects.filter(entry_id=entry_id).update(amount_minor=19_00)
    assert check_wallets() == [f"hold {second.hold_id} was captured without its spend"]


def test_the_database_knows_that_no_more_is_captured_than_held(ann: Person) -> None:
    held = hold(ann, 30_00)
    with pytest.raises(IntegrityError):
        CoinHold.objects.filter(pk=held.hold_id).update(captured_minor=30_01, entry_id=new_uuid())


def test_each_line_has_the_balance_after_it_on_every_page(ann: Person, api: ApiClient) -> None:
    amounts = (10, 20, 30, 40, 50, 60)
    for minor in amounts:
        spend(user_id=ann.user.pk, amount=slc(minor), key=new_id())
    counts: list[int] = []
    seen: list[str] = []
    query: dict[str, str] = {}
    browser = api.bearer(ann.access)
    while True:
        with CaptureQueriesContext(connection) as asked:
            page = browser.read("/api/v1/wallet/entries", limit=3, **query)
        counts.append(len([each for each in asked if "ledger_line" in each["sql"]]))
        seen += [row["balance"]["amount"] for row in page.data]
        if len(seen) == 3:  # posted between two pages
            spend(user_id=ann.user.pk, amount=slc(5_00), key=new_id())
        if not page.meta["pagination"]["has_more"]:
            break
        query = {"cursor": page.meta["pagination"]["next_cursor"]}
    assert (seen, counts) == (["97.90", "98.50", "99.00", "99.40", "99.70", "99.90", "100.00"], [2, 2, 2])
    back = browser.read("/api/v1/wallet/entries", limit=3, cursor=page.meta["pagination"]["prev_cursor"])
    assert [row["balance"]["amount"] for row in back.data] == ["99.40", "99.70", "99.90"]
