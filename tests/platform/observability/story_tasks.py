"""Tasks of one story for a real worker: retried by themselves twice, once by hand, then a chain, then a request out."""

import os
import signal
import time
from pathlib import Path

from celery import shared_task

from stoa.platform.db.transactions import refuse_in_transaction
from stoa.runtime.http_client import HttpClient
from stoa.runtime.logs import get_logger

log = get_logger(__name__)


class Flaky(Exception):
    pass


@shared_task(bind=True, autoretry_for=(Flaky,), retry_backoff=False, default_retry_delay=0, max_retries=5)
def begin(self, echo: str) -> str:
    log.info("begin", tries=self.request.retries)
    if self.request.retries < 2:
        raise Flaky
    if self.request.retries == 2:
        raise self.retry(countdown=0)
    return echo


@shared_task
def call_out(echo: str) -> None:
    answer = HttpClient("echo", guard=refuse_in_transaction).request(
        "GET", f"{echo}/called", params={"token": "hunter2"}
    )
    log.info("called out", status=answer.status_code)


@shared_task(bind=True)
def die_once(self, marker: str) -> None:
    log.info("about to die")
    if not Path(marker).exists():
        Path(marker).write_text("died")
        time.sleep(0.5)  # the worker has to know whose task this is, or nobody is missed when it dies
        os.kill(os.getpid(), signal.SIGKILL)
    log.info("alive again")


@shared_task
def leak(batch: list[dict[str, str]]) -> None:
    """Everything that a careless task may write about its arguments."""
    for each in batch:
        log.info("got", **each)
        log.info("said %s", " ".join(f"{name}={value}" for name, value in each.items()))
    try:
        raise ValueError(repr(batch))
    except ValueError:
        log.exception("failed")
