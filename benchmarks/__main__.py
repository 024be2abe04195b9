"""`make bench`: every figure with its raw limit and its peer, in one run. `--smoke` is the short form of CI.

`--write` puts the table into docs/benchmarks.md. Exit status 1 when a goal is missed."""

import argparse
import os
import platform
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from benchmarks.figures import Figure, markdown
from benchmarks.suite import BENCHMARKS

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="short rounds: shows that all of it runs")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(each.__name__ for each in BENCHMARKS))
    chosen = parser.parse_args()
    # The suite's settings: no `.env`, scratch databases only. A choice by hand wins.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stoa.project.settings.testing")
    os.environ.setdefault("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
    figures: list[Figure] = []
    for each in BENCHMARKS:
        if not chosen.names or each.__name__ in chosen.names:
            # A process of its own each: what one imports or configures does not weigh on the next.
            with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
                found = pool.submit(each, chosen.smoke).result()
            figures += found
            for figure in found:
                print(figure.line(), flush=True)
    if chosen.write:
        write(figures)
    missed = [figure.what for figure in figures if figure.met is False]
    print(f"{len(figures)} figures, {len(missed)} goals missed" + "".join(f"\n  {what}" for what in missed))
    # Rounds of a second are too short to judge by: the short form shows that all of it runs.
    return 1 if missed and not chosen.smoke else 0


def write(figures: list[Figure]) -> None:
    text = PAGE.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    where = f"Python {platform.python_version()}, {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}."
    PAGE.write_text(f"{head}{BEGIN}\n{where}\n\n{markdown(figures)}\n{END}{tail}")


if __name__ == "__main__":
    sys.exit(main())
