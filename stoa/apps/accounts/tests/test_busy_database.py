"""A database that is busy past its timeout: 503 and when to come back, never 500; and no change."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.platform.testing.client import ApiClient, envelope
from stoa.platform.testing.databases import on_postgres, url_of_test_database

ME = "/api/v1/users/me"


@contextmanager
def held_by_another(person: Person) -> Iterator[None]:
    """Another connection holds what an edit of this person needs; ours waits 0.2 s for it."""
    if on_postgres():
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 200")
        with psycopg.connect(url_of_test_database()) as other:
            other.execute("SELECT 1 FROM accounts_user WHERE id = %s FOR UPDATE", [person.user.pk])
            yield
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout")
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 200")
    with closing(sqlite3.connect(str(connection.settings_dict["NAME"]), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k1"}])
def test_a_write_that_waits_in_vain_is_told_to_come_back(
    api: ApiClient, committed_db: None, headers: dict[str, str]
) -> None:
    person = make_person("Busy")
    sent: dict[str, Any] = {"json": {"name": "Edited"}, "headers": {**person.bearer, **headers}}
    with held_by_another(person):
        refused = api.patch(ME, **sent)
        answer = envelope(refused)
        assert (answer.status, answer.code, refused.headers["retry-after"]) == (503, "UNAVAILABLE", "1")
        assert (answer.error or {})["details"] == {}
        assert api.get(ME, headers=person.bearer).json()["data"]["name"] == "Busy"
    assert api.patch(ME, **sent).status_code == 200


def test_signing_in_is_told_so_too(api: ApiClient, committed_db: None) -> None:
    if on_postgres():
        pytest.skip("an insert waits for no row there")
    person = make_person("Busy")
    with held_by_another(person):
        assert api.post("/api/v1/auth/refresh", json={"refresh": person.refresh}).status_code == 503
    assert api.post("/api/v1/auth/refresh", json={"refresh": person.refresh}).status_code == 200
