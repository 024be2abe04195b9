"""What the envelope adds to a page of 20 contracts, beside bare orjson and DRF's renderer."""

import time
from datetime import UTC, datetime
from uuid import UUID

import django
import orjson

from benchmarks.figures import Figure
from benchmarks.timing import microseconds
from stoa.kit.contract import Contract
from stoa.kit.money import Money


class Row(Contract):
    id: UUID
    title: str
    amount: Money
    created_at: datetime


def measure(*, calls: int) -> list[Figure]:
    django.setup()
    from rest_framework.renderers import JSONRenderer

    from stoa.platform.http.envelope import ENVELOPE, dumps, write_success

    moment = datetime(2026, 2, 3, 12, 34, 56, 789_000, tzinfo=UTC)
    rows = [
        Row(id=UUID(int=number), title=f"row {number}", amount=Money(number, "USD"), created_at=moment)
        for number in range(20)
    ]
    plain = orjson.loads(dumps(rows))
    page = {"limit": 20, "next_cursor": "x" * 80, "prev_cursor": None, "has_more": True}
    started = time.perf_counter()
    ours = microseconds(
        lambda: write_success(rows, form=ENVELOPE, message="OK", started=started, pagination=page), calls
    )
    bare = microseconds(lambda: dumps(rows), calls)
    raw = microseconds(lambda: orjson.dumps(plain), calls)
    drf = microseconds(lambda: JSONRenderer().render({"results": plain}), calls)
    return [
        Figure(
            "envelope around a page of 20 contracts",
            ours,
            "us",
            f"contracts alone {bare:.1f}, orjson on plain dicts {raw:.1f}, DRF's JSONRenderer on dicts {drf:.1f}",
        )
    ]
