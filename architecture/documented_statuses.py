"""A route documents only what some test has produced, and every operation has succeeded at least once.

    python -m architecture.documented_statuses DIR

DIR is what `pytest --answers DIR` wrote over a whole suite (both app lanes: SQLite never answers 409 while the first
request with a key is running). Exits 1 and names each operation and each of its statuses and codes that is missing.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stoa.platform.http.endpoints import Endpoint
    from stoa.platform.testing.answers import Answer

_SERVED = "stoa.project.urls"
BEFORE_THE_ROUTE = frozenset({400, 413, 503})
"""What any address may answer before its route is reached: an unusable Host, a large body, no room."""


def status_faults(operations: Iterable[tuple[str, "Endpoint"]], answers: Iterable["Answer"]) -> list[str]:
    given: dict[tuple[str, str], set[tuple[int, str]]] = {}
    for method, route, status, code in answers:
        given.setdefault((method, route), set()).add((status, code))
    return [
        f"{endpoint.method} {route}: {fault}"
        for route, endpoint in operations
        for fault in _of_operation(route, endpoint, given.get((endpoint.method, route), set()))
    ]


def _of_operation(route: str, endpoint: "Endpoint", given: set[tuple[int, str]]) -> Iterator[str]:
    from stoa.platform.http.openapi import documented_statuses

    documented = {(endpoint.status, "")} | ({(304, "")} if endpoint.conditional == "read" else set())
    for status, codes in documented_statuses(route, endpoint).items():
        documented |= {(status, code) for code in codes}
    if not any(200 <= status < 300 or status == endpoint.status for status, _ in given):
        yield "no test has seen it succeed"
    for status, code in sorted(documented - given):
        yield f"documents {' '.join(filter(None, (str(status), code)))}, which no test has produced"
    for status, code in sorted(given - documented):
        if status not in BEFORE_THE_ROUTE:
            yield f"answered {' '.join(filter(None, (str(status), code)))}, which it does not document"


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m architecture.documented_statuses DIR\n")
        return 2
    os.environ["DJANGO_SETTINGS_MODULE"] = "stoa.project.settings.testing"
    import django

    django.setup()
    from django.urls import get_resolver

    from stoa.platform.http.endpoints import all_endpoints
    from stoa.platform.testing.answers import read_answers

    # Internal routes stand in no public document; tests/platform/realtime has theirs.
    served = all_endpoints(get_resolver(_SERVED).url_patterns)
    operations = [(route, endpoint) for route, endpoint in served if endpoint.access.kind != "internal"]
    faults = status_faults(operations, read_answers(Path(arguments[0])))
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    if not faults:
        sys.stdout.write(f"{len(operations)} operations answered all that they document\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
