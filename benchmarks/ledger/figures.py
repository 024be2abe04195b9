"""The ledger's figures: `python -m benchmarks.ledger.figures [--smoke]`. PostgreSQL only.

Ours, the bare function and the peers take turns within each round, so that a neighbour on the machine disturbs all
alike; medians of the rounds. Then the book is filled to its size, and what is read from it is timed."""

import contextlib
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from benchmarks.ledger.clients import Client, Found, Measured, play
from benchmarks.scratch import scratch

if TYPE_CHECKING:
    from benchmarks.ledger.world import Book

BATCH = 100
SCENES = {"one": ("cold", 1), "cold": ("cold", 8), "hot": ("hot", 8)}
"""Accounts and clients."""


@dataclass(frozen=True, slots=True)
class Length:
    rounds: int
    seconds: float
    entries: int


SMOKE, FULL = Length(1, 0.5, 10_000), Length(3, 2.5, 1_000_000)


def measure(*, smoke: bool) -> list[Figure]:
    from stoa.runtime.process import declare_role

    length = SMOKE if smoke else FULL
    declare_role("command")
    with scratch() as database:
        from django.db import connection

        if connection.vendor != "postgresql":
            return []
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            if cursor.fetchone()[0] != "on":
                raise RuntimeError("the figures are of a server that waits for its disk: synchronous_commit = on")
        from benchmarks.ledger import reading, world
        from benchmarks.ledger.verdicts import PEERS, of_posting, of_reading

        book = world.open_bench_book()
        queries = reading.queries_of_a_posting(book)
        before = reading.entries_of(book)
        found = _play_all(book, database.url, length)
        posted = sum(each.posted for (way, _), each in found.items() if way not in PEERS)
        kept = reading.entries_of(book) - before
        if kept != posted:
            raise RuntimeError(f"{posted} entries were posted and {kept} are there")
        read = reading.read_at(book, entries=length.entries, rounds=length.rounds)
    figures = [*of_posting(found, queries), *of_reading(read)]
    # Half a second on a busy machine is too short to judge by: the short form shows that all of it runs.
    return [Figure(each.what, each.value, each.unit, each.beside) for each in figures] if smoke else figures


def _play_all(book: "Book", url: str, length: Length) -> Found:
    from benchmarks.ledger import world

    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(world.our_clients(book, url))
        asked: dict[str, list[Client]] = {"ours": ours, "limit": ours, "inside": ours}
        for name, python in world.peers().items():
            asked[name] = stack.enter_context(world.peer_clients(name, python))
        found: Found = {(way, scene): Measured() for way in asked for scene in SCENES}
        found |= {("batch", scene): Measured() for scene in ("one", "cold")}
        ways = list(asked)
        for number in range(length.rounds):
            # Each round begins with another way: none is always the one after the peer's.
            turn = number % len(ways)
            for scene, (accounts, count) in SCENES.items():
                for way in ways[turn:] + ways[:turn]:
                    clients = asked[way]
                    play(found[way, scene], clients[:count], way=way, scene=accounts, seconds=length.seconds)
            for scene in ("one", "cold"):
                accounts, count = SCENES[scene]
                batch = found["batch", scene]
                play(batch, ours[:count], way="batch", scene=accounts, seconds=length.seconds, entries=BATCH)
        return found


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stoa.project.settings.testing")
    os.environ.setdefault("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
    for each in measure(smoke="--smoke" in sys.argv):
        print(each.line(), flush=True)
