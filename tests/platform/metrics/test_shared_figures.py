"""Figures of several processes: right sums, slots that are taken again, and a scrape that does not grow."""

import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import stoa
from stoa.runtime import metrics
from stoa.runtime.metrics_series import CountSeries, GaugeSeries, TimeSeries
from stoa.runtime.metrics_store import LAYOUT, Store, current_store
from stoa.runtime.process import role
from tests.platform.metrics.samples import samples_of

ROOT = Path(next(iter(stoa.__path__))).parent
PROCESS = Path(__file__).with_name("counting_process.py")
DONE = CountSeries("stoa_probe_done", "Done.", ("kind",))
TOOK = TimeSeries("stoa_probe_seconds", "Took.", ("kind",))
OPEN = GaugeSeries("stoa_probe_open", "Open.")
SCRAPE_MS = 200


def start(folder: Path, role: str, end: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROCESS), str(folder), role, end],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
    )


def counted(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "counted\n"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / LAYOUT).iterdir())


def roles(*processes: str) -> dict[tuple[str, ...], float]:
    return {(name,): float(count) for name, count in Counter(processes).items()}


def scrape() -> tuple[float, dict[str, dict[tuple[str, ...], float]]]:
    started = time.perf_counter()
    text = metrics.exposition().decode()
    return (time.perf_counter() - started) * 1000, samples_of(text)


def test_two_web_processes_and_a_worker_add_up(counting: Path) -> None:
    processes = [start(counting, role, "wait") for role in ("web", "web", "worker")]
    try:
        for each in processes:
            counted(each)
        DONE.inc("cup")
        DONE.inc("plate")
        _, found = scrape()
        assert found["stoa_probe_done_total"] == {("cup",): 10.0, ("plate",): 1.0}
        assert found["stoa_probe_seconds_count"] == {("cup",): 3.0}
        assert found["stoa_probe_seconds_sum"][("cup",)] == pytest.approx(0.06)
        assert found["stoa_probe_seconds_bucket"][("cup", "0.01")] == 0.0
        assert found["stoa_probe_seconds_bucket"][("cup", "0.025")] == 3.0
        assert found["stoa_probe_seconds_bucket"][("cup", "+Inf")] == 3.0
        assert found["stoa_probe_open"] == {(): 15.0}
        assert found["stoa_processes"] == roles("web", "web", "worker", role())
    finally:
        for each in processes:
            each.kill()
            each.communicate()
    _, found = scrape()
    assert found["stoa_probe_done_total"][("cup",)] == 10.0, "what the dead counted stays counted"
    assert found.get("stoa_probe_open") is None, "their gauges are gone with them"
    assert found["stoa_processes"] == roles(role())


def test_killed_processes_leave_their_slot_to_the_next(counting: Path) -> None:
    sizes = set()
    for round_ in range(1, 7):
        process = start(counting, "web", "kill")
        counted(process)
        assert process.wait(10) == -9
        process.communicate()
        _, found = scrape()
        assert found["stoa_probe_done_total"] == {("cup",): 3.0 * round_}
        sizes.add((len(files(counting)), len(metrics.exposition())))
    assert len({number for number, _ in sizes}) == 1
    assert files(counting) == [
        "counter_0.db", "gauge_livesum_0.db", "histogram_0.db", "slot_0.lock", "slots.lock"
    ]  # fmt: skip


def test_after_two_hundred_restarts_the_scrape_is_flat(counting: Path) -> None:
    """Real processes, forked: each takes a slot and dies without a word, two at a time, beside one that stays."""
    DONE.inc("cup")
    routes = [f"route-{number}" for number in range(60)]
    for route in routes:
        TOOK.observe(0.02, route)
    before: list[str] = []
    ended = 0
    for round_ in range(100):
        children = [_forked(routes) for _ in range(2)]
        for child in children:
            _, status = os.waitpid(child, 0)
            assert os.waitstatus_to_exitcode(status) == -9
            ended += 1
        if round_ == 4:
            before = files(counting)
    assert ended == 200
    assert files(counting) == before
    took_ms, found = scrape()
    assert found["stoa_probe_done_total"] == {("cup",): 201.0}
    assert found["stoa_probe_seconds_count"] == {(route,): 201.0 for route in routes}
    assert min(took_ms, scrape()[0], scrape()[0]) <= SCRAPE_MS
    print(f"{ended} processes killed; a scrape of {len(metrics.exposition())} bytes takes {took_ms:.0f} ms")


def _forked(routes: list[str]) -> int:
    child = os.fork()
    if child == 0:
        try:
            DONE.inc("cup")
            for route in routes:
                TOOK.observe(0.02, route)
        finally:
            os.kill(os.getpid(), 9)
    return child


def test_off_nothing_is_counted_nor_written(tmp_path: Path) -> None:
    assert current_store() is None
    DONE.inc("cup")
    TOOK.observe(1.0, "cup")
    OPEN.put(1)
    assert "stoa_probe" not in metrics.exposition().decode()
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_counts_nothing_takes_no_slot(counting: Path) -> None:
    assert files(counting) == []
    assert "stoa_probe" not in metrics.exposition().decode()
    assert files(counting) == ["slots.lock"]


def test_a_file_that_cannot_be_read_is_begun_anew(counting: Path) -> None:
    (counting / LAYOUT / "counter_0.db").write_bytes(b"\xff" * 65536)
    DONE.inc("cup")
    assert scrape()[1]["stoa_probe_done_total"] == {("cup",): 1.0}


def test_labels_that_do_not_fit_are_refused(counting: Path) -> None:
    with pytest.raises(ValueError, match="stoa_probe_done has the labels"):
        DONE.inc("cup", "plate")


def test_threads_of_a_process_lose_no_count(counting: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: DONE.inc("cup"), range(4000)))
    assert scrape()[1]["stoa_probe_done_total"] == {("cup",): 4000.0}


def test_a_store_that_is_closed_frees_its_slot(tmp_path: Path) -> None:
    first, second = Store(tmp_path), Store(tmp_path)
    for store in (first, second):
        store.put("gauge_livesum", '["stoa_a", "stoa_a", {}, "A."]', 1.0)
    assert sorted(first.collect()[1]) == [0, 1]
    first.close()
    assert sorted(second.collect()[1]) == [1]
    second.close()
