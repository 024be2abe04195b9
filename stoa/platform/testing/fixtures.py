"""Fixtures of the whole suite: the run's own database, real commits in it, and a server that sees them."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest
from django.db import connections
from django.test.utils import setup_databases, teardown_databases
from pytest_django import DjangoDbBlocker

from stoa.platform.flags.watch import watch
from stoa.platform.outbox.wake import wait_until_quiet
from stoa.platform.testing.databases import name_test_database, refuse_foreign_database, url_of_test_database
from stoa.platform.testing.remote_pauses import RemotePause
from stoa.platform.testing.servers import APPLICATION, OPTIONS, Server, served
from stoa.runtime.config.current import settings


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """pytest-django's fixture, with a database that belongs to this run alone; it is always created, by migrations."""
    verbosity = max(request.config.option.verbose - 1, 0)
    name_test_database(tmp_path_factory.mktemp("database"))
    with django_db_blocker.unblock():
        created = setup_databases(verbosity=verbosity, interactive=False, serialized_aliases=[])
        refuse_foreign_database()
    yield
    with django_db_blocker.unblock():
        watch().stop()
        teardown_databases(created, verbosity=verbosity)


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Real commits that every connection sees. Nothing is flushed or rolled back: a test counts its own rows."""
    refuse_foreign_database()
    with django_db_blocker.unblock():
        yield
        wait_until_quiet()
        connections.close_all()


class Serve(Protocol):
    """Start a server on this run's database (and Redis, when there is one); it ends with the test."""

    def __call__(
        self,
        *,
        application: str = APPLICATION,
        pauses: tuple[RemotePause, ...] = (),
        options: tuple[str, ...] = OPTIONS,
        **environ: str,
    ) -> Server: ...


@pytest.fixture
def serve(committed_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """`serve(THROTTLE_ANON_RATE="5/min")`: keywords are names of the configuration registry."""
    with ExitStack() as servers:

        def start(
            *,
            application: str = APPLICATION,
            pauses: tuple[RemotePause, ...] = (),
            options: tuple[str, ...] = OPTIONS,
            **environ: str,
        ) -> Server:
            folder: Path = tmp_path_factory.mktemp("served")
            return servers.enter_context(
                served(
                    folder=folder,
                    environ={**_services(), **environ},
                    pauses=pauses,
                    application=application,
                    options=options,
                )
            )

        yield start


def _services() -> dict[str, str]:
    redis = settings().redis_address
    return {"DATABASE_URL": url_of_test_database(), **({"REDIS_URL": redis} if redis else {})}
