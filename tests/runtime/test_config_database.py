"""The three ways to name a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.runtime.config.database_address import DatabaseAddress, database_address, names_postgres
from stoa.runtime.config.errors import ConfigurationError
from stoa.runtime.config.loader import load

FORM = "postgresql://user:password@host:port/name (special characters percent-encoded), or sqlite:///path"


def address(*, for_migrations: bool = False, **environ: str) -> DatabaseAddress:
    return database_address(load(environ=environ, dotenv=None).settings, for_migrations=for_migrations)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgres://u:p@h:6432/n", DatabaseAddress("postgresql", "n", "u", "p", "h", 6432)),
        ("postgresql://u:p@h/n", DatabaseAddress("postgresql", "n", "u", "p", "h", None)),
        ("postgresql://u:p@h/n?schema=public", DatabaseAddress("postgresql", "n", "u", "p", "h", None)),
        ("postgres://u:p@h/n/?schema=a&pgbouncer=true", DatabaseAddress("postgresql", "n", "u", "p", "h", None)),
        ("postgresql://u:p%40%3A%2F%23%25@h/n", DatabaseAddress("postgresql", "n", "u", "p@:/#%", "h", None)),
        ("postgresql://u%40org@h/n%20m", DatabaseAddress("postgresql", "n m", "u@org", "", "h", None)),
        ("postgresql://[::1]:5433/n", DatabaseAddress("postgresql", "n", "", "", "::1", 5433)),
        ("postgresql:///n", DatabaseAddress("postgresql", "n")),
        ("postgresql://u@%2FTmp%2Fpg/n", DatabaseAddress("postgresql", "n", "u", "", "/Tmp/pg", None)),
        ("sqlite:///var/my.sqlite3", DatabaseAddress("sqlite", "var/my.sqlite3")),
        ("sqlite:////data/my%20own.sqlite3", DatabaseAddress("sqlite", "/data/my own.sqlite3")),
        ("sqlite:///:memory:", DatabaseAddress("sqlite", ":memory:")),
    ],
)
def test_forms_of_the_url(url: str, expected: DatabaseAddress) -> None:
    assert address(DATABASE_URL=url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:p@h/n",
        "postgresql://u:p@h",
        "postgresql://u:p@h/",
        "postgresql://u:p@h:port/n",
        "postgresql://u:p@h:99999/n",
        "postgresql://[::1/n",
        "sqlite://",
        "sqlite://relative.sqlite3",
        "just-a-name",
        "postgresql://u:1/hidden@h/n",
        "postgresql://u:hid/den@h/n",
        "postgresql://u:#hidden@h/n",
    ],
)
@pytest.mark.parametrize("name", ["DATABASE_URL", "MIGRATION_DATABASE_URL"])
def test_what_is_no_address_is_refused_at_load(name: str, url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(environ={name: url}, dotenv=None)
    assert refused.value.faults == (f"{name}: {FORM}",)


def test_the_url_wins_over_the_parts_and_the_parts_over_sqlite() -> None:
    parts = {"DB_NAME": "n", "POSTGRES_USER": "u", "DB_PASSWORD": "p@:/", "POSTGRES_HOST": "h", "DB_PORT": "6432"}
    assert address(**parts) == DatabaseAddress("postgresql", "n", "u", "p@:/", "h", 6432)
    assert address(**parts, DATABASE_URL="postgres://other/m") == DatabaseAddress("postgresql", "m", host="other")
    assert address(SQLITE_PATH="here.sqlite3", DB_USER="u") == DatabaseAddress("sqlite", "here.sqlite3")


def test_only_migrations_use_the_address_of_the_owner() -> None:
    urls = {"DATABASE_URL": "postgres://app@h/n", "MIGRATION_DATABASE_URL": "postgres://owner@h/n"}
    assert (address(**urls).user, address(for_migrations=True, **urls).user) == ("app", "owner")
    assert address(for_migrations=True, DATABASE_URL="postgres://app@h/n").user == "app"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"DATABASE_URL": "sqlite:///x"}, False),
        ({"DATABASE_URL": "sqlite:///x", "DB_NAME": "n"}, False),
        ({"DATABASE_URL": "postgres://h/n"}, True),
        ({"POSTGRES_DB": "n"}, True),
    ],
)
def test_whether_it_is_postgresql(environ: dict[str, str], expected: bool) -> None:
    assert names_postgres(load(environ=environ, dotenv=None).settings) is expected


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_any_password_survives_percent_encoding(password: str) -> None:
    from urllib.parse import quote

    found = address(DATABASE_URL=f"postgres://u:{quote(password, safe='')}@h/n")
    assert (found.password, found.host, found.name) == (password, "h", "n")
    assert repr(found) == "DatabaseAddress(engine='postgresql', name='n', user='u', host='h', port=None)"
