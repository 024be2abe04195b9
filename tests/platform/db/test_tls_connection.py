"""PostgreSQL with TLS on, its own authority, and Django's own backend in between."""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker

from stoa.platform.db.connection import django_databases
from stoa.platform.db.connection_refusal import refusal_line
from stoa.runtime.config.loader import load
from stoa.runtime.process import Role
from tests.platform.db.tls_postgres import CERTIFICATE_ONLY, DATABASE, Authority, TlsServer, binaries, tls_server

Connected = Callable[..., tuple[bool, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, folder: Path) -> Iterator[TlsServer]:
    programs = binaries()
    if programs is None:
        missing = "needs the programs of a PostgreSQL server (initdb)"
        if request.config.getoption("--require-services"):
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    with tls_server(programs, Authority(folder, "authority")) as started:
        yield started


@pytest.fixture
def connect(server: TlsServer, django_db_blocker: DjangoDbBlocker) -> Iterator[Connected]:
    """Connect as the settings say; answers whether the connection is encrypted and what the server calls us."""
    opened: list[Any] = []

    def attempt(
        role: Role = "command", host: str = "localhost", name: str = DATABASE, **tls: object
    ) -> tuple[bool, str]:
        environ = {
            "DB_NAME": name,
            "DB_USER": "postgres",
            "DB_HOST": host,
            "DB_PORT": str(server.port),
            "DB_POOL_TIMEOUT_S": "0.2",
            **{f"POSTGRES_SSL_{part.upper()}": str(value) for part, value in tls.items()},
        }
        databases = django_databases(load(environ=environ, dotenv=None).settings, role)
        # Under a name of its own: pools are kept by name, and `default` is the suite's.
        connection = ConnectionHandler({"default": {}, "tls": databases["default"]})["tls"]
        opened.append(connection)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT ssl, application_name FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                "WHERE pid = pg_backend_pid()"
            )
            row = cursor.fetchone()
        return bool(row[0]), str(row[1])

    with django_db_blocker.unblock():
        yield attempt
        for connection in opened:
            connection.close()
            connection.close_pool()


def test_require_encrypts(connect: Connected) -> None:
    assert connect(mode="require") == (True, "stoa-command")


@pytest.mark.parametrize("role", ["web", "worker", "migrate"])
def test_every_role_inherits_it_through_the_pool_too(connect: Connected, role: Role) -> None:
    assert connect(role, mode="require") == (True, f"stoa-{role}")


def test_disable_does_not_encrypt(connect: Connected) -> None:
    assert connect(mode="disable") == (False, "stoa-command")


def test_an_unknown_mode_in_development_means_no_tls(connect: Connected) -> None:
    assert connect(mode="requier") == (False, "stoa-command")


def test_verify_ca_accepts_the_right_authority_under_any_host(connect: Connected, server: TlsServer) -> None:
    right = server.authority.certificate
    assert connect(host="127.0.0.1", mode="verify-ca", root_cert=right) == (True, "stoa-command")


def test_verify_ca_refuses_another_authority(connect: Connected, folder: Path) -> None:
    stranger = Authority(folder, "stranger")
    with pytest.raises(OperationalError, match="certificate verify failed"):
        connect(mode="verify-ca", root_cert=stranger.certificate)


def test_verify_full_accepts_the_host_that_the_certificate_names(connect: Connected, server: TlsServer) -> None:
    assert connect(host="localhost", mode="verify-full", root_cert=server.authority.certificate)[0] is True


def test_verify_full_refuses_another_host(connect: Connected, server: TlsServer) -> None:
    with pytest.raises(OperationalError, match=r'for "localhost".* does not match host name "127\.0\.0\.1"'):
        connect(host="127.0.0.1", mode="verify-full", root_cert=server.authority.certificate)


def test_a_missing_root_certificate_is_refused_by_path(connect: Connected, folder: Path) -> None:
    with pytest.raises(OperationalError, match=r"root certificate file .*nowhere\.crt.* does not exist"):
        connect(mode="verify-full", root_cert=folder / "nowhere.crt")


def test_the_pool_is_back_soon_after_the_server(
    connect: Connected, server: TlsServer, caplog: pytest.LogCaptureFixture
) -> None:
    """psycopg's pool doubles its pauses: left to itself it would try again 3 s after the return of this server."""
    caplog.set_level(logging.CRITICAL, "psycopg.pool")
    caplog.set_level(logging.CRITICAL, "django.db.backends")
    assert connect("web", mode="require")[0] is True
    server.stop()
    away_until = time.monotonic() + 4
    while time.monotonic() < away_until:
        with pytest.raises(OperationalError):
            connect("web", mode="require")
    server.start()
    returned = time.monotonic()
    while not answers(connect):
        assert time.monotonic() - returned < 2


def answers(connect: Connected) -> bool:
    try:
        return connect("web", mode="require")[0]
    except OperationalError:
        return False


def test_a_client_certificate_opens_what_asks_for_one(connect: Connected, server: TlsServer) -> None:
    certificate, key = server.authority.issue("postgres")
    tls = {"mode": "verify-full", "root_cert": server.authority.certificate, "cert": certificate, "key": key}
    assert connect(name=CERTIFICATE_ONLY, **tls) == (True, "stoa-command")
    with pytest.raises(OperationalError, match="requires a valid client certificate"):
        connect(name=CERTIFICATE_ONLY, mode="require")


def test_a_key_that_others_can_read_is_refused_in_one_line(connect: Connected, server: TlsServer) -> None:
    certificate, key = server.authority.issue("postgres", days=200)
    key.chmod(0o644)
    with pytest.raises(OperationalError) as refused:
        connect(mode="require", cert=certificate, key=key)
    line = refusal_line(refused.value)
    assert line.startswith("database: ")
    assert f'private key file "{key}" has group or world access' in line
    assert line.splitlines() == [line]
