"""What publishing an event adds to the POST around it, over real HTTP: `python -m benchmarks.post_cost`.

Two routes of tests/probe write the same row and the same line of the audit trail; one of them publishes an event too.
One connection asks, so that what is compared is the time of a request. The two take turns of ten requests; what
counts is the median of what neighbouring turns say."""

import json
import statistics
import time
from http import HTTPStatus
from http.client import HTTPConnection

from benchmarks.each_database import on_each_database, run
from benchmarks.figures import Figure
from benchmarks.http_throughput import STOA, serving
from benchmarks.scratch import scratch

GOAL_PERCENT = 10
TURNS, A_TURN = 150, 10
ROUTES = {"kept": "/api/v1/probe/kept", "told": "/api/v1/probe/told"}


def measure(*, smoke: bool) -> list[Figure]:
    figures = []
    for vendor, found in on_each_database("benchmarks.post_cost", smoke=smoke).items():
        added = found["added_percent"]
        beside = f"{found['kept_us']:.0f} us a POST without, {found['told_us']:.0f} with: the medians of all"
        # Two turns are too few to judge by.
        goal, met = ("", None) if smoke else (f"< {GOAL_PERCENT}", added < GOAL_PERCENT)
        figures.append(Figure(f"publish adds to the audited POST around it, {vendor}", added, "%", beside, goal, met))
    return figures


def _one(smoke: bool) -> dict[str, float]:
    turns = 2 if smoke else TURNS
    times: dict[str, list[list[float]]] = {name: [] for name in ROUTES}
    with scratch() as data:
        environ = {"DATABASE_URL": data.url, "ENABLE_CONSOLE_LOGGING": "true", "ENABLE_FILE_LOGGING": "false"}
        with serving(STOA, environ) as server:
            asking = HTTPConnection("127.0.0.1", server.port, timeout=10)
            headers = {"Authorization": f"Bearer {data.access}", "Content-Type": "application/json"}
            for turn in range(turns + 1):
                # In turn who is first, so that a table that grows weighs on both alike.
                for name in sorted(ROUTES, reverse=turn % 2 == 1):
                    took = [_post(asking, name, f"{name} {turn} {number}", headers) for number in range(A_TURN)]
                    if turn:  # the first warms up
                        times[name].append(took)
            asking.close()
    middle = {name: statistics.median(each for took in turns_of for each in took) for name, turns_of in times.items()}
    # Of neighbouring turns, so that what a busy machine does to one it does to the other.
    added = [
        (statistics.median(told) / statistics.median(kept) - 1) * 100
        for told, kept in zip(times["told"], times["kept"], strict=True)
    ]
    return {
        "kept_us": middle["kept"],
        "told_us": middle["told"],
        "added_percent": statistics.median(added),
    }


def _post(asking: HTTPConnection, name: str, title: str, headers: dict[str, str]) -> float:
    """Microseconds, from the request's first byte to the answer's last."""
    body = json.dumps({"title": title})
    began = time.perf_counter()
    asking.request("POST", ROUTES[name], body, headers)
    answer = asking.getresponse()
    answer.read()
    took = time.perf_counter() - began
    if answer.status != HTTPStatus.CREATED:
        raise RuntimeError(f"{answer.status} from {ROUTES[name]}")
    return took * 1e6


if __name__ == "__main__":
    run(measure, one=_one)
