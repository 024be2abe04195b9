"""A process that counts into a folder, says so, and ends as it is told: `counting_process.py FOLDER ROLE END`.

END is `kill` (SIGKILL to itself) or `wait` (until its standard input ends)."""

import os
import signal
import sys
from pathlib import Path

from stoa.runtime import metrics
from stoa.runtime.metrics_series import CountSeries, GaugeSeries, TimeSeries
from stoa.runtime.process import declare_role

DONE = CountSeries("stoa_probe_done", "Done.", ("kind",))
TOOK = TimeSeries("stoa_probe_seconds", "Took.", ("kind",))
OPEN = GaugeSeries("stoa_probe_open", "Open.")


def main(folder: str, role: str, end: str) -> None:
    declare_role("web" if role == "web" else "worker")
    metrics.share_in(Path(folder))
    DONE.inc("cup")
    DONE.inc("cup", by=2)
    TOOK.observe(0.02, "cup")
    OPEN.put(5)
    print("counted", flush=True)
    if end == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
