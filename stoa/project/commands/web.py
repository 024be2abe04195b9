"""`stoa web`: the WSGI application under Granian."""

import logging
import os
import resource
import signal
from functools import partial
from typing import TYPE_CHECKING

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import MPServer

from stoa.project.commands.ground import (
    name_django_settings,
    require_collected_static,
    require_database_rules,
    require_free_port,
    require_writable,
)
from stoa.project.supervisor import watch_parent
from stoa.runtime.config.current import settings
from stoa.runtime.logs import GRANIAN_LOGGING, configure_logging
from stoa.runtime.process import declare_role

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

SPARE_THREADS = 8
"""Threads beyond what admission lets in or queues: probes and refusals always find one."""
CONNECTIONS = 4096
"""Open connections a process accepts; idle ones count, so far above any number of requests at work."""
HEADER_TIMEOUT_MS = 10_000


def serve_web(*, host: str, port: int, workers: int, timeout_s: int, parent: int | None) -> int:
    """Until SIGINT or SIGTERM; then each process gets `timeout_s` to finish its requests. 1 when processes keep dying.

    Raises CannotStart when the port is taken or a folder is not writable."""
    declare_role("web")
    current = settings()
    require_free_port(host, port)
    require_writable(current)
    require_collected_static(current)
    if parent is not None:
        watch_parent(parent)
    configure_logging(current)
    _quieten_granian()
    _raise_open_files_limit()
    server = MPServer(
        "stoa.project.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=current.web_concurrency + current.web_queue + SPARE_THREADS,
        backpressure=CONNECTIONS,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS),
        websockets=False,
        log_dictconfig=GRANIAN_LOGGING,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=timeout_s,
    )
    try:
        server.serve(target_loader=partial(_load_application, os.getpid()), wrap_loader=False)
    except SystemExit as ended:  # Granian's way to say that a worker died before it was asked to stop
        return ended.code if isinstance(ended.code, int) else 1
    return 0


def _load_application(server: int) -> "WSGIApplication":
    """Runs in each worker process, before it serves."""
    # A terminal's Ctrl-C reaches workers too; only the server stops them, or it would report each as an unexpected end.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    watch_parent(server)
    declare_role("web")
    name_django_settings()
    from stoa.project.wsgi import application  # noqa: PLC0415 - only a worker process has Django

    require_database_rules()
    return application


class _ExpectedThreads(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Configuration allows spawning up to")


def _quieten_granian() -> None:
    """Its warning about many threads is no news: they wait in our admission queue, and only probes use the spare ones."""
    logging.getLogger("_granian").addFilter(_ExpectedThreads())


def _raise_open_files_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS if hard == resource.RLIM_INFINITY else min(2 * CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
