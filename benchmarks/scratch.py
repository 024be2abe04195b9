"""A scratch database of the benchmark's own, with one person who has a hundred sessions."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import django
from django.test.utils import setup_databases, teardown_databases

from stoa.platform.testing.databases import name_test_database, url_of_test_database

SESSIONS = 100


@dataclass(frozen=True, slots=True)
class Scratch:
    url: str
    access: str
    session_id: str
    user_id: str


@contextmanager
def scratch() -> Iterator[Scratch]:
    """On the database that DATABASE_URL names, else SQLite. Dropped at the end."""
    django.setup()
    with tempfile.TemporaryDirectory() as folder:
        name_test_database(Path(folder))
        created = setup_databases(verbosity=0, interactive=False, serialized_aliases=())
        try:
            yield _seed()
        finally:
            teardown_databases(created, verbosity=0)


def _seed() -> Scratch:
    from stoa.apps.accounts.models import Session
    from stoa.apps.accounts.tests.factories import make_person
    from stoa.kit.clock import utc_now
    from stoa.runtime.tokens import read_access_token

    person = make_person("Bench")
    now = utc_now()
    Session.objects.bulk_create(
        Session(
            user=person.user,
            refresh_hash=f"{number:064x}",
            agent="bench",
            created_at=now - timedelta(minutes=number),
            expires_at=now + timedelta(days=1),
        )
        for number in range(SESSIONS)
    )
    session_id = read_access_token(person.access).session_id
    return Scratch(url_of_test_database(), person.access, str(session_id), str(person.user.pk))
