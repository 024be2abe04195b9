"""Wallets over HTTP and as services: coins that move, keys, suspension, refunds, limits, erasure, snapshots."""

from datetime import UTC, datetime
from io import StringIO
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.core.management import CommandError, call_command

from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.apps.ledger.contracts import PLATFORM_BOOK
from stoa.apps.ledger.public import trial_balance
from stoa.apps.wallet.models import Snapshot, Spend, Wallet
from stoa.apps.wallet.services.coins import mint, refund_spend, spend, transfer
from stoa.apps.wallet.services.snapshots import check_wallets
from stoa.apps.wallet.services.wallets import forget_person
from stoa.kit.ids import new_id
from stoa.kit.money import Money
from stoa.platform.audit.models import AuditRecord
from stoa.platform.outbox.models import OutboxEvent
from stoa.platform.testing.client import ApiClient, Envelope

pytestmark = pytest.mark.django_db


def coins(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "SLC"}


class Purse:
    def __init__(self, api: ApiClient, person: Person, amount: str = "0.00") -> None:
        self.api, self.person = api, person
        if amount != "0.00":
            mint(user_id=person.user.pk, amount=Money.parse(amount, "SLC"), payment_id=new_id())

    def post(self, path: str, body: Any, key: str = "") -> Envelope:
        headers = {"Idempotency_Key": key or new_id()}
        return self.api.bearer(self.person.access).send_json("POST", f"/api/v1/wallet/{path}", body, **headers)

    def send(self, to: str, amount: str, key: str = "") -> Envelope:
        return self.post("transfers", {"recipient": to, "amount": coins(amount)}, key)

    @property
    def told(self) -> Any:
        return self.api.bearer(self.person.access).read("/api/v1/wallet").data

    @property
    def balance(self) -> str:
        return str(self.told["balance"]["amount"])

    @property
    def key(self) -> str:
        return f"user:{self.person.user.pk}"


@pytest.fixture
def ann(api: ApiClient) -> Purse:
    return Purse(api, make_person("Ann"), "100.00")


@pytest.fixture
def ben(api: ApiClient) -> Purse:
    return Purse(api, make_person("Ben"))


def verdict() -> dict[str, Any]:
    """What ledger_verify says of the platform's book."""
    said = StringIO()
    call_command("ledger_verify", "--json", "--book", str(PLATFORM_BOOK), stdout=said)
    told: dict[str, Any] = orjson.loads(said.getvalue())
    return told


def entries() -> int:
    return int(verdict()["entries"])


def test_looking_opens_nothing(ben: Purse) -> None:
    assert ben.told == {
        "account_key": ben.key,
        "balance": coins("0.00"),
        "held": coins("0.00"),
        "available": coins("0.00"),
        "is_suspended": False,
    }
    assert ben.api.bearer(ben.person.access).read("/api/v1/wallet/entries").data == []
    assert Wallet.objects.count() == 0


def test_coins_are_sent_by_handle_and_by_account_key_once_a_key(ann: Purse, ben: Purse) -> None:
    key = new_id()
    first = ann.send(ben.person.user.handle, "30.00", key)
    assert (first.status, first.data["wallet"]["balance"]) == (201, coins("70.00"))
    assert ann.send(ben.person.user.handle, "30.00", key).data["entry_id"] == first.data["entry_id"]
    assert ann.send(ben.key, "20.00").status == 201
    assert (ann.balance, ben.balance) == ("50.00", "50.00")
    rows = ben.api.bearer(ben.person.access).read("/api/v1/wallet/entries").data
    assert [(row["kind"], row["side"], row["amount"]["amount"]) for row in rows] == [
        ("wallet.transfer", "credit", "20.00"),
        ("wallet.transfer", "credit", "30.00"),
    ]
    assert OutboxEvent.objects.filter(name="wallet.coins_received").count() == 3
    assert AuditRecord.objects.filter(action="wallet.sent").count() == 2


@pytest.mark.parametrize(
    ("to", "amount", "status", "code"),
    [
        ("nobody_here", coins("1.00"), 404, "RECIPIENT_NOT_FOUND"),
        ("user:01a218a4-ff0f-7fe8-be1b-f71638d98011", coins("1.00"), 404, "RECIPIENT_NOT_FOUND"),
        ("user:", coins("1.00"), 404, "RECIPIENT_NOT_FOUND"),
        ("ann@example.org", coins("1.00"), 404, "RECIPIENT_NOT_FOUND"),
        ("", coins("1.00"), 422, "VALIDATION_ERROR"),
        ("ben", coins("0.00"), 422, "VALIDATION_ERROR"),
        ("ben", coins("-1.00"), 422, "VALIDATION_ERROR"),
        ("ben", coins("1.001"), 422, "VALIDATION_ERROR"),
        ("ben", {"amount": "1.00", "currency": "USD"}, 422, "VALIDATION_ERROR"),
        ("ben", {"amount": 1, "currency": "SLC"}, 422, "VALIDATION_ERROR"),
        ("ben", coins("100.01"), 409, "INSUFFICIENT_FUNDS"),
        ("ann", coins("1.00"), 409, "OWN_WALLET"),
    ],
)
def test_what_cannot_be_sent_moves_nothing(
    ann: Purse, ben: Purse, to: str, amount: dict[str, object], status: int, code: str
) -> None:
    named = {"ben": ben.key, "ann": ann.key}.get(to, to)
    before = entries()
    answer = ann.post("transfers", {"recipient": named, "amount": amount})
    assert (answer.status, answer.code) == (status, code)
    assert (entries(), ann.balance, ben.balance) == (before, "100.00", "0.00")


def test_a_spend_is_refunded_in_parts_and_no_more(ann: Purse, staff: Person, api: ApiClient) -> None:
    key = new_id()
    spent = ann.post("spend", {"amount": coins("40.00"), "reference_type": "gift", "reference_id": "g1"}, key)
    assert (spent.status, ann.balance) == (201, "60.00")
    assert (
        ann.post("spend", {"amount": coins("40.00"), "reference_type": "gift", "reference_id": "g1"}, key).status == 201
    )
    desk = Purse(api, staff)
    path, once = f"spend/{spent.data['entry_id']}/refund", new_id()
    assert desk.post(path, {"amount": coins("15.00")}, once).status == 201
    assert desk.post(path, {"amount": coins("15.00")}, once).status == 201
    assert ann.balance == "75.00"
    assert desk.post(path, {"amount": coins("25.01")}).code == "OVER_REFUND"
    assert desk.post(path, {"amount": coins("25.00")}).status == 201
    assert desk.post(path, {"amount": coins("0.01")}).code == "OVER_REFUND"
    assert desk.post(f"spend/{new_id()}/refund", {"amount": coins("0.01")}).code == "NOT_FOUND"
    assert (ann.balance, Spend.objects.get().refunded_minor) == ("100.00", 40_00)
    assert check_wallets() == []


def test_a_suspended_wallet_receives_and_does_not_spend(ann: Purse, ben: Purse, staff: Person, api: ApiClient) -> None:
    desk = Purse(api, staff)
    assert desk.post(f"{ben.person.user.pk}/suspend", {"reason": "Reported."}).data["is_suspended"]
    assert ann.send(ben.key, "10.00").status == 201
    assert ben.send(ann.key, "1.00").code == "WALLET_SUSPENDED"
    assert ben.post("spend", {"amount": coins("1.00")}).code == "WALLET_SUSPENDED"
    assert (ben.balance, ben.told["is_suspended"]) == ("10.00", True)
    assert not desk.post(f"{ben.person.user.pk}/resume", {"reason": "A mistake."}).data["is_suspended"]
    assert ben.send(ann.key, "1.00").status == 201
    assert desk.post(f"{new_id()}/suspend", {"reason": "Who?"}).status == 404
    assert ann.post(f"{ben.person.user.pk}/suspend", {"reason": "I do not like them."}).status == 403


def test_what_may_be_sent_within_a_day_is_limited(ann: Purse, ben: Purse) -> None:
    rich = Purse(ann.api, ann.person, "20000.00")
    assert rich.send(ben.key, "9999.00").status == 201
    refused = rich.send(ben.key, "1.01")
    assert (refused.status, refused.code) == (409, "TRANSFER_LIMIT")
    assert rich.send(ben.key, "1.00").status == 201
    assert ben.balance == "10000.00"


def test_one_payment_mints_once(ann: Purse) -> None:
    payment, amount = new_id(), Money(5_00, "SLC")
    first = mint(user_id=ann.person.user.pk, amount=amount, payment_id=payment)
    assert mint(user_id=ann.person.user.pk, amount=amount, payment_id=payment).entry_id == first.entry_id
    assert ann.balance == "105.00"


def test_who_is_erased_leaves_the_books_whole(ann: Purse, ben: Purse) -> None:
    ann.send(ben.key, "30.00")
    for _ in range(2):
        forget_person(user_id=ann.person.user.pk)
    assert Wallet.objects.filter(user_id=None, is_suspended=True).count() == 1
    assert ann.told["balance"] == coins("0.00")
    rows = trial_balance(book_id=PLATFORM_BOOK).rows
    assert sorted(row.balance.amount for row in rows if row.name == "Wallet") == ["30.00", "70.00"]
    assert (check_wallets(), verdict()["faults"]) == ([], [])


def test_a_month_is_kept_once_and_cannot_be_kept_before_it_is_over(ann: Purse) -> None:
    said = StringIO()
    last = datetime.now(UTC).replace(day=1)
    month = f"{last.year - 1}-12"
    call_command("wallet_snapshot", month, stdout=said)
    call_command("wallet_snapshot", month, stdout=said)
    lines = said.getvalue().splitlines()
    assert lines[0] == lines[1]
    assert Snapshot.objects.get().total_minor == 0
    for bad in (f"{last:%Y-%m}", "2026-13", "March"):
        with pytest.raises(CommandError):
            call_command("wallet_snapshot", bad, stdout=said)


def test_the_check_names_what_does_not_hold(ann: Purse) -> None:
    said = StringIO()
    call_command("wallet_check", stdout=said)
    assert "agree" in said.getvalue()
    stray = UUID(new_id())
    Wallet.objects.update(account_id=stray)
    with pytest.raises(CommandError, match="BROKEN: 1 faults"):
        call_command("wallet_check", stdout=said)
    assert "wallet of nobody" in said.getvalue()


def test_a_key_of_something_else_is_refused(ann: Purse, ben: Purse, staff: Person, api: ApiClient) -> None:
    """As after the time for which the house remembers its answers: the books remember for ever."""
    key, whose = new_id(), ann.person.user.pk
    spent = spend(user_id=whose, amount=Money(1_00, "SLC"), key=key).entry_id
    assert ann.post("spend", {"amount": coins("2.00")}, key).code == "KEY_REUSED"
    transfer(sender_id=whose, recipient=ben.key, amount=Money(1_00, "SLC"), key=key)
    assert ann.send(ben.key, "2.00", key).code == "KEY_REUSED"
    refund_spend(entry_id=spent, amount=Money(50, "SLC"), key=key)
    refused = Purse(api, staff).post(f"spend/{spent}/refund", {"amount": coins("0.10")}, key)
    assert (refused.code, ann.balance, ben.balance) == ("KEY_REUSED", "98.50", "1.00")


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        *((amount, "SLC") for amount in ("0.00", "-1.00", "1.001", "NaN", "1e3", "1" + "0" * 30, 1, None)),
        ("1.00", "USD"),
        ("1.00", "XXX"),
    ],
)
def test_no_route_takes_a_bad_amount(ann: Purse, ben: Purse, staff: Person, amount: Any, currency: str) -> None:
    money = {"amount": amount, "currency": currency}
    spent = ann.post("spend", {"amount": coins("10.00")}).data["entry_id"]
    before = (ann.balance, ben.balance, Spend.objects.count())
    for who, path, body in (
        (ann, "transfers", {"recipient": ben.key, "amount": money}),
        (ann, "spend", {"amount": money}),
        (Purse(ann.api, staff), f"spend/{spent}/refund", {"amount": money}),
    ):
        refused = who.post(path, body)
        assert (refused.status, refused.code) == (422, "VALIDATION_ERROR"), (path, refused.error)
    for path in ("transfers", "spend"):
        body = {"recipient": ben.key, "amount": coins("1.00")} if path == "transfers" else {"amount": coins("1.00")}
        assert ann.post(path, body, "k" * 256).code == "IDEMPOTENCY_KEY_INVALID"
    assert (ann.balance, ben.balance, Spend.objects.count()) == before
