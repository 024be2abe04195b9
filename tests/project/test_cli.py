"""`stoa` as production calls it: web and drain, and the other server that is documented."""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from stoa.project.cli import main
from tests.project.checkout import Checkout, wait_for

CLI = ("-m", "stoa.project.cli")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Migrated, without a `.env`."""
    made = Checkout(tmp_path_factory.mktemp("stoa") / "a checkout")
    assert made.call_python("manage.py", "migrate").returncode == 0
    yield made
    made.end()


def test_web_serves_with_several_processes_and_stops_on_ctrl_c(checkout: Checkout) -> None:
    process = checkout.python(*CLI, "web", "--host", "127.0.0.1", "--workers", "2", "--timeout", "5")
    wait_for(checkout.answers)
    wait_for(lambda: len(checkout.pids("web --host")) >= 3)
    # As a terminal does it: the server and its processes get the signal at once.
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(10) == 0
    assert checkout.family() == []
    assert "Unexpected exit" not in checkout.output()


def test_idle_connections_do_not_use_up_the_server(checkout: Checkout) -> None:
    """Granian counts connections, not requests, against its limit; idle ones must leave room for a probe."""
    process = checkout.python(*CLI, "web", "--timeout", "1")
    wait_for(checkout.answers)
    idle = [socket.create_connection(("127.0.0.1", checkout.port)) for _ in range(300)]
    for each in idle:
        each.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert all(each.recv(12) == b"HTTP/1.1 200" for each in idle)
    began = time.monotonic()
    assert httpx.get(f"{checkout.base}/health", timeout=2).status_code == 200
    assert time.monotonic() - began < 1
    for each in idle:
        each.close()
    process.terminate()
    assert process.wait(10) == 0


def test_server_lines_are_in_our_form_and_there_is_no_second_access_line(checkout: Checkout) -> None:
    (checkout.folder / "output").write_text("")
    process = checkout.python(*CLI, "web", "--timeout", "1", LOG_FORMAT="json")
    wait_for(checkout.answers)
    process.terminate()
    process.wait(10)
    lines = checkout.output().splitlines()
    assert any('"logger":"_granian"' in line for line in lines)
    assert [line for line in lines if not line.startswith("{")] == []
    assert [line for line in lines if "/health" in line or "Configuration allows spawning" in line] == []


def test_taken_port_is_one_line(checkout: Checkout) -> None:
    with socket.create_server(("127.0.0.1", checkout.port)):
        done = checkout.call_python(*CLI, "web")
    assert done.returncode == 1
    assert done.stderr == (
        f"stoa: port {checkout.port} on 127.0.0.1 is taken; stop what listens there or choose another with PORT\n"
    )


def test_drain_turns_readiness_red_and_off_again(checkout: Checkout) -> None:
    process = checkout.python(*CLI, "web", "--timeout", "1")
    wait_for(lambda: checkout.answers("/health/ready"))
    done = checkout.call_python(*CLI, "drain")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "stoa: draining: /health/ready answers 503 while var/drain exists; `stoa drain --off` ends it\n"
    )
    wait_for(lambda: httpx.get(f"{checkout.base}/health/ready", timeout=2).status_code == 503, within_s=3)
    assert checkout.answers("/health")
    assert checkout.call_python(*CLI, "drain", "--off").stdout == "stoa: serving again: var/drain is gone\n"
    wait_for(lambda: checkout.answers("/health/ready"), within_s=3)
    assert checkout.call_python(*CLI, "drain", "--off").returncode == 0
    process.terminate()
    assert process.wait(10) == 0


def test_gunicorn_serves_too_and_speaks_through_our_logging(checkout: Checkout) -> None:
    (checkout.folder / "output").write_text("")
    bind = f"127.0.0.1:{checkout.port}"
    command = ("-m", "gunicorn", "stoa.project.wsgi:application", "--workers", "2", "--bind", bind, "--timeout", "60")
    process = checkout.python(*command, LOG_FORMAT="json")
    wait_for(checkout.answers)
    process.terminate()
    assert process.wait(10) == 0
    lines = checkout.output().splitlines()
    assert any('"msg":"Listening at: ' in line for line in lines)
    assert [line for line in lines if not line.startswith("{") or "/health" in line] == []


@pytest.mark.parametrize(
    "arguments", [[], ["web", "--port", "0"], ["web", "--port", "65536"], ["web", "--workers", "0"]]
)
def test_wrong_command_line_is_refused_with_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2


def test_stoa_means_the_checkout_wherever_it_is_called(checkout: Checkout, tmp_path: Path) -> None:
    # The script that `pip install -e` makes, by its import.
    script = (
        f"import sys; sys.path.insert(0, {str(checkout.folder)!r}); from stoa.project.cli import main; main(['drain'])"
    )
    done = checkout.call("sh", "-c", f'cd "{tmp_path}" && exec "{sys.executable}" -c "{script}"')
    assert done.returncode == 0
    assert (checkout.folder / "var/drain").exists()
    assert list(tmp_path.iterdir()) == []
    (checkout.folder / "var/drain").unlink()


def test_production_without_collected_static_files_does_not_start(checkout: Checkout) -> None:
    production = {
        "ENVIRONMENT": "production",
        "DJANGO_SECRET_KEY": "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8",
        "JWT_SECRET": "z1y2x3w4v5u6t7s8r9q0p1o2n3m4l5k6j7i8",
        "AUDIT_KEY": "q9w8e7r6t5y4u3i2o1p0a9s8d7f6g5h4j3k2",
        "FIELD_ENCRYPTION_KEYS": "a:CzBVep/E6Q4zWH2ix+wRNluApcrvFDleg6jN8hc8YYY=",
        "DJANGO_ALLOWED_HOSTS": "api.example.org",
        "DATABASE_URL": "postgresql://stoa@127.0.0.1/stoa",
        "POSTGRES_SSL_MODE": "disable",
    }
    done = checkout.call_python(*CLI, "web", **production)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("run `python manage.py collectstatic --noinput` first")
