"""`make soak`: 200 processes killed on each way of delivering, and nothing lost, doubled or sent under two keys.

    python -m benchmarks.soak [--kills 200] [--seed N] [--broker redis://... | amqp://...]

On the database that DATABASE_URL names, else SQLite. With --broker relays and Celery workers are killed, else local
workers. Prints what was really killed; exit status 1 on any fault."""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="random ones, after one at each named point")
    parser.add_argument("--seed", type=int, default=None, help="of the choice of victims; printed")
    parser.add_argument(
        "--broker", default="", help="a Redis or RabbitMQ of its own: relay and Celery instead of local workers"
    )
    chosen = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stoa.project.settings.testing")

    import django
    from django.test.utils import setup_databases, teardown_databases

    django.setup()
    from stoa.platform.testing.databases import name_test_database

    with tempfile.TemporaryDirectory(prefix="stoa_soak_") as name:
        name_test_database(Path(name))
        created = setup_databases(verbosity=0, interactive=False)
        try:
            return soak(Path(name), chosen)
        finally:
            teardown_databases(created, verbosity=0)


def soak(folder: Path, chosen: argparse.Namespace) -> int:
    from django.db import connection

    from benchmarks.soak.world import World, at_named_points, at_random, points

    seed = chosen.seed if chosen.seed is not None else int(time.time())
    way = f"{connection.vendor}, {'relay and Celery' if chosen.broker else 'local workers'}"
    print(f"soak: {way}, seed {seed}", flush=True)
    world, began = World(folder, broker=chosen.broker), time.monotonic()
    try:
        for where in at_named_points(world, points(celery=bool(chosen.broker))):
            print(f"killed: {where}")
        at_random(world, kills=chosen.kills, seed=seed)
    finally:
        world.end()
    faults = world.faults()
    print(
        f"{world.killed} processes killed, {world.ended_backends} database sessions ended, {len(world.causes())} causes"
        f" with {2 * len(world.causes())} effects, {world.sent()} acts outside, in {time.monotonic() - began:.0f} s"
    )
    for fault in faults[:20]:
        print(f"FAULT {fault}")
    print(f"{len(faults)} faults", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
