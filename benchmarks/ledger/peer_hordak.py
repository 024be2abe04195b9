"""The peer: django-hordak, a transfer between two accounts by the method that its documentation names.

It checks the sum of a transaction in the database; it keeps no key, no balance, no digest and no event."""

import itertools
from typing import Any

from benchmarks.ledger.peer_django import ACCOUNTS, pair, run
from benchmarks.ledger.rounds import Act


def set_up() -> None:
    from hordak.models import Account

    for number in range(ACCOUNTS):
        Account.objects.create(name=f"account {number}", code=str(number + 1), type="AS", currencies=["USD"])


def prepared(asked: dict[str, Any]) -> Act:
    from hordak.models import Account
    from moneyed import Money

    here, there = (Account.objects.get(name=f"account {number}") for number in pair(asked["scene"]))
    turns = itertools.cycle([(here, there), (there, here)])
    numbers = itertools.count(1)

    def transfer() -> int:
        (source, to), number = next(turns), next(numbers)
        source.transfer_to(to, Money(f"{12 + number}.50", "USD"), description=f"Sale {number:07}")
        return 1

    return transfer


if __name__ == "__main__":
    run(
        ["mptt", "djmoney", "hordak"],
        set_up,
        prepared,
        DEFAULT_CURRENCY="USD",
        CURRENCIES=["USD"],
        HORDAK_INTERNAL_CURRENCY="USD",
    )
