"""The peer: django-ledger, a posted journal entry of two transactions by `commit_txs`, as its own examples do.

Its number takes a lock on the entity's row of the year; balance and roles are checked in Python."""

import itertools
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from benchmarks.ledger.peer_django import ACCOUNTS, pair, run
from benchmarks.ledger.rounds import Act


def set_up() -> None:
    from django.contrib.auth import get_user_model
    from django_ledger.models import EntityModel

    admin = get_user_model().objects.create_user("bench")
    entity = EntityModel.create_entity("Bench", use_accrual_method=True, admin=admin, fy_start_month=1)
    entity.create_chart_of_accounts(assign_as_default=True, commit=True)
    entity.create_ledger("bench", posted=True)
    for number in range(ACCOUNTS):
        entity.create_account(
            code=str(1100 + number), role="asset_ca_recv", name=f"account {number}", balance_type="debit", active=True
        )


def prepared(asked: dict[str, Any]) -> Act:
    from django_ledger.models import AccountModel, LedgerModel

    ledger = LedgerModel.objects.select_related("entity").get(name="bench")
    here, there = (AccountModel.objects.get(name=f"account {number}") for number in pair(asked["scene"]))
    turns = itertools.cycle([(here, there), (there, here)])
    numbers = itertools.count(1)

    def commit() -> int:
        (source, to), number = next(turns), next(numbers)
        amount, said = Decimal(12 + number), f"Sale {number:07}"
        ledger.commit_txs(
            je_timestamp=datetime.now(UTC),
            je_txs=[
                {"account": to, "amount": amount, "tx_type": "debit", "description": said},
                {"account": source, "amount": amount, "tx_type": "credit", "description": said},
            ],
            je_posted=True,
            je_desc=said,
        )
        return 1

    return commit


if __name__ == "__main__":
    run(["treebeard", "django_ledger"], set_up, prepared, DJANGO_LEDGER_USE_DEPRECATED_BEHAVIOR=False)
