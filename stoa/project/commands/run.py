"""`stoa run`: everything on this machine, from an empty folder to a served page, until Ctrl-C."""

import http.client
import io
import signal
from collections.abc import Callable
from pathlib import Path

import django
from django.core.management import call_command
from django.db import DatabaseError, connections

from stoa.project.commands.ground import (
    name_django_settings,
    require_free_port,
    require_writable,
    require_writable_folders,
)
from stoa.project.commands.refusal import CannotStart
from stoa.project.dotenv_file import write_once
from stoa.project.supervisor import Program, Supervisor
from stoa.runtime.config.current import settings
from stoa.runtime.config.model import Settings
from stoa.runtime.process import declare_role

# Below the supervisor's own patience, so that a hung request is ended by its server and not with it.
CHILD_TIMEOUT_S = 3


def run(*, say: Callable[[str], None]) -> int:
    """0 when it was asked to stop, whenever that was. Raises CannotStart and ConfigurationError, before migrating."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        current = _configure(say)
        require_free_port(current.bind_host, current.port)
        require_free_port(current.bind_host, current.gateway_port, setting="GATEWAY_PORT")
        demo = _prepare(current, say)
        return Supervisor(_programs(), say).run(
            ready=lambda: _answers(current, current.port) and _answers(current, current.gateway_port),
            on_ready=lambda: say(_welcome(current, demo)),
        )
    except KeyboardInterrupt:
        say("stopped")
        return 0


def _programs() -> list[Program]:
    return [Program.stoa("web", "--timeout", str(CHILD_TIMEOUT_S)), Program.stoa("worker"), Program.stoa("gateway")]


def _configure(say: Callable[[str], None]) -> Settings:
    dotenv = Path(".env")
    if not dotenv.exists():
        require_writable_folders([Path()])
        if write_once(dotenv):
            say("wrote .env with fresh secrets and development limits")
    current = settings()
    require_writable(current)
    return current


def _prepare(current: Settings, say: Callable[[str], None]) -> str:
    """Migrate, and seed the demo people where wanted; what the seeding said, which names their sign-ins."""
    declare_role("migrate")
    name_django_settings()
    django.setup()
    told = io.StringIO()
    try:
        say("bringing the database up to date")
        call_command("migrate", verbosity=0, interactive=False)
        if current.demo_data:
            call_command("seed_demo", stdout=told)
    except DatabaseError as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CannotStart(f"the database refused: {reason}") from None
    finally:
        connections.close_all()
    return told.getvalue().strip()


def _reachable_host(current: Settings) -> str:
    """A name of this machine: the addresses that mean "all" cannot be visited."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(current.bind_host, current.bind_host)  # noqa: S104


def _answers(current: Settings, port: int) -> bool:
    connection = http.client.HTTPConnection(_reachable_host(current), port, timeout=1)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _welcome(current: Settings, demo: str) -> str:
    host = _reachable_host(current)
    base = f"http://[{host}]:{current.port}" if ":" in host else f"http://{host}:{current.port}"
    lines = [
        "Stoa is up.",
        f"  start here   {base}/",
        f"  API docs     {base}/api/docs/",
        f"  admin        {base}/admin/",
        "  worker       runs beside it: deliveries and sweeps",
        f"  realtime     ws{base.removeprefix('http').rpartition(':')[0]}:{current.gateway_port}/ws",
        *(f"  {line}" for line in demo.splitlines()),
        "  Ctrl-C stops everything.",
    ]
    return "\n".join(lines)
