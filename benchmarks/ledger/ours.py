"""One client of the ledger: the service, the service inside a caller's transaction, batches, and the bare function."""

import json
import os
from collections import deque
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import django
import psycopg

from benchmarks.ledger.rounds import Act, serve
from stoa.runtime.process import declare_role

REQUEST_ID = "0198c0de-0000-7000-8000-000000000001"
RESERVE = 1.5
"""Of the fastest that was seen, per second: so many arguments the bare function finds made."""
FASTEST_ALONE, FASTEST_EACH = 4000, 1500


def main() -> None:
    declare_role("web")
    django.setup()
    from stoa.runtime import context

    with context.scope(request_id=REQUEST_ID):
        serve(_Poster().prepared)


class _Poster:
    def __init__(self) -> None:
        told = json.loads(os.environ["BENCH_BOOK"])
        self._book, self._currency = UUID(told["book"]), told["currency"]
        own = told["cold"][int(os.environ["BENCH_CLIENT"])]
        self._pairs = {"cold": _pair(own), "hot": _pair(told["hot"])}
        self._bare = psycopg.connect(told["conninfo"], autocommit=True)

    def prepared(self, asked: dict[str, Any]) -> Act:
        drafts = self._drafts(asked["scene"])
        if asked["way"] == "limit":
            return self._limit(drafts, asked)
        return self._service(drafts, asked)

    def _drafts(self, scene: str) -> Iterator[Any]:
        """Two lines on the scene's pair, to and fro, so that whoever locks as they come meets the other way round."""
        from stoa.apps.ledger.contracts import Draft, credit, debit
        from stoa.kit.clock import utc_now
        from stoa.kit.ids import new_id

        here, there = self._pairs[scene]
        at, number = utc_now(), 0
        while True:
            here, there, number = there, here, number + 1
            yield Draft(
                book_id=self._book,
                kind="manual",
                key=new_id(),
                effective_at=at,
                lines=(debit(here, 1250 + number, self._currency), credit(there, 1250 + number, self._currency)),
                description=f"Sale {number:07}",
                reference_type="order",
                reference_id=new_id(),
            )

    def _service(self, drafts: Iterator[Any], asked: dict[str, Any]) -> Act:
        from stoa.apps.ledger.services.posting import post_entries, post_entry
        from stoa.platform.db.transactions import transaction

        def alone() -> int:
            post_entry(draft=next(drafts))
            return 1

        def inside() -> int:
            with transaction():
                post_entry(draft=next(drafts))
            return 1

        def batch() -> int:
            return len(post_entries(drafts=[next(drafts) for _ in range(asked["entries"])]))

        return {"ours": alone, "inside": inside, "batch": batch}[asked["way"]]

    def _limit(self, drafts: Iterator[Any], asked: dict[str, Any]) -> Act:
        """The same statement, bound and prepared as ours, with values made beforehand."""
        fastest = FASTEST_ALONE if asked["clients"] == 1 else FASTEST_EACH
        made = deque(_call(next(drafts)) for _ in range(int(asked["seconds"] * fastest * RESERVE)))

        def call() -> int:
            statement, values = made.popleft() if made else _call(next(drafts))
            self._bare.execute(statement, values, prepare=True).fetchall()
            return 1

        return call


def _call(draft: Any) -> tuple[Any, list[Any]]:
    """As the service makes it."""
    from stoa.apps.ledger.domain import digest_of
    from stoa.apps.ledger.services.post_call import call_of
    from stoa.kit.ids import new_uuid

    return call_of(drafts=[draft], digests=[digest_of(draft)], ids=[new_uuid()])


def _pair(ids: list[str]) -> tuple[UUID, UUID]:
    return UUID(ids[0]), UUID(ids[1])


if __name__ == "__main__":
    main()
