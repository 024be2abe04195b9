"""The `stoa` command line: what runs Stoa, on a laptop and in production. Everything else is `manage.py`."""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from stoa.project.commands.refusal import CannotStart
from stoa.runtime.config.current import settings
from stoa.runtime.config.errors import ConfigurationError
from stoa.runtime.version import VERSION


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, 1 for a refusal (its reason on stderr, no traceback), 2 for a wrong command line."""
    options = _parser().parse_args(arguments)
    _go_home()
    try:
        return _dispatch(options)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
    except CannotStart as error:
        print(f"stoa: {error}", file=sys.stderr)
    return 1


def say(line: str) -> None:
    print(f"stoa: {line}", flush=True)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="stoa", description="One self-hosted backend for people, conversation and money.")
    parser.add_argument("--version", action="version", version=f"stoa {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("run", help="everything on this machine, ready to use; Ctrl-C stops it")
    web = commands.add_parser("web", help="the HTTP API; run migrations first")
    web.add_argument("--host", help="address to listen on (BIND_HOST)")
    web.add_argument("--port", type=_port, help="port to listen on (PORT)")
    web.add_argument("--workers", type=_positive, help="processes (WEB_WORKERS)")
    web.add_argument("--timeout", type=_positive, help="seconds a process gets to finish when stopped (WEB_TIMEOUT_S)")
    web.add_argument("--parent", type=_positive, help="end when this process does; set by `stoa run`")
    worker = commands.add_parser("worker", help="the outbox and the sweeps; run migrations first")
    worker.add_argument("--parent", type=_positive, help="end when this process does; set by `stoa run`")
    gateway = commands.add_parser("gateway", help="the realtime gateway: everything that stays connected")
    gateway.add_argument("--host", help="address to listen on (BIND_HOST)")
    gateway.add_argument("--port", type=_port, help="port to listen on (GATEWAY_PORT)")
    gateway.add_argument("--parent", type=_positive, help="end when this process does; set by `stoa run`")
    drain = commands.add_parser("drain", help="answer 503 on /health/ready, before stopping this node")
    drain.add_argument("--off", action="store_true", help="be ready again")
    return parser


def _dispatch(options: Namespace) -> int:
    if options.command == "run":
        from stoa.project.commands.run import run  # noqa: PLC0415 - Django is no use to the others

        return run(say=say)
    if options.command == "drain":
        from stoa.project.commands.drain import drain  # noqa: PLC0415

        return drain(off=options.off, say=say)
    if options.command == "worker":
        from stoa.project.commands.worker import work  # noqa: PLC0415

        return work(parent=options.parent)
    if options.command == "gateway":
        from stoa.project.commands.gateway import serve_gateway  # noqa: PLC0415

        chosen = settings()
        return serve_gateway(
            host=options.host or chosen.bind_host, port=options.port or chosen.gateway_port, parent=options.parent
        )
    from stoa.project.commands.web import serve_web  # noqa: PLC0415 - nor is Granian

    current = settings()
    return serve_web(
        host=options.host or current.bind_host,
        port=options.port or current.port,
        workers=options.workers or current.web_workers,
        timeout_s=options.timeout or current.web_timeout_s,
        parent=options.parent,
    )


def _go_home() -> None:
    """`.env` and relative paths mean the checkout's folder, wherever `stoa` was called. Installed elsewhere: here."""
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "manage.py").is_file():
        os.chdir(checkout)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _port(text: str) -> int:
    number = _positive(text)
    if number > 65535:
        raise ValueError
    return number


if __name__ == "__main__":
    sys.exit(main())
