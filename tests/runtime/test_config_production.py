"""What production refuses, one at a time, and that no secret is ever repeated."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoa.runtime.config.effective import MASK, UNSET, effective
from stoa.runtime.config.errors import ConfigurationError
from stoa.runtime.config.loader import load
from stoa.runtime.config.model import Settings
from stoa.runtime.config.registry import Declaration, declarations
from stoa.runtime.config.sections.core import DEVELOPMENT_SECRET

GOOD = {
    "ENVIRONMENT": "production",
    "DJANGO_SECRET_KEY": "Zq7-0pRk2vXw9LmT4bNc8yHs5dFg1jUe",
    "JWT_SECRET": "Aq7-1pRk2vXw9LmT4bNc8yHs5dFg1jUf",
    "AUDIT_KEY": "Wd4-8sKq1nZr6VbY3mPx0cHt7gJf2LeU",
    "FIELD_ENCRYPTION_KEYS": "a:CzBVep/E6Q4zWH2ix+wRNluApcrvFDleg6jN8hc8YYY=",
    "DJANGO_ALLOWED_HOSTS": "api.example.org",
    "DATABASE_URL": "postgresql://stoa@db/stoa",
}
SECRETS = [declaration for declaration in declarations(Settings) if declaration.secret]


def test_a_good_production_starts() -> None:
    assert load(environ=GOOD, dotenv=None).settings.in_production is True


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"DJANGO_SECRET_KEY": ""}, "DJANGO_SECRET_KEY: the development default is refused in production"),
        (
            {"DJANGO_SECRET_KEY": DEVELOPMENT_SECRET},
            "DJANGO_SECRET_KEY: the development default is refused in production",
        ),
        (
            {"DJANGO_SECRET_KEY": "Zq7-0pRk2vXw9LmT4bNc8yHs5dFg1jU"},
            "DJANGO_SECRET_KEY: at least 32 unguessable characters in production",
        ),
        (
            {"DJANGO_SECRET_KEY": "abcdefg" * 9},
            "DJANGO_SECRET_KEY: at least 32 unguessable characters in production",
        ),
        ({"JWT_SECRET": ""}, "JWT_SECRET: required in production"),
        ({"AUDIT_KEY": ""}, "AUDIT_KEY: required in production"),
        ({"AUDIT_KEY": "short"}, "AUDIT_KEY: at least 32 unguessable characters in production"),
        ({"JWT_SECRET": "short"}, "JWT_SECRET: at least 32 unguessable characters in production"),
        (
            {"JWT_KEYS": f"new:{GOOD['JWT_SECRET']},old:short"},
            "JWT_KEYS: key 2: at least 32 unguessable characters in production",
        ),
        ({"FIELD_ENCRYPTION_KEYS": ""}, "FIELD_ENCRYPTION_KEYS: required in production"),
        (
            {"FIELD_ENCRYPTION_KEYS": f"{GOOD['FIELD_ENCRYPTION_KEYS']},b:{'A' * 43}="},
            "FIELD_ENCRYPTION_KEYS: key 2: 32 random bytes, not a word",
        ),
        ({"DEBUG": "true"}, "DJANGO_DEBUG: must be false in production"),
        (
            {"DJANGO_ALLOWED_HOSTS": "api.example.org,*"},
            "DJANGO_ALLOWED_HOSTS: `*` is refused in production; name the hosts",
        ),
        ({"DJANGO_ALLOWED_HOSTS": ""}, "DJANGO_ALLOWED_HOSTS: required in production"),
        ({"DATABASE_URL": ""}, "DATABASE_URL: production needs PostgreSQL, not SQLite"),
        ({"DATABASE_URL": "sqlite:///x"}, "DATABASE_URL: production needs PostgreSQL, not SQLite"),
        ({"DEMO_DATA": "yes"}, "DEMO_DATA: demo people are refused in production"),
        ({"ENABLE_METRICS": "1"}, "METRICS_TOKEN: required in production when ENABLE_METRICS is on"),
        (
            {"POSTGRES_SSL_MODE": "full"},
            "POSTGRES_SSL_MODE: one of disable, allow, prefer, require, verify-ca, verify-full",
        ),
    ],
)
def test_production_refuses(change: dict[str, str], fault: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(environ={**GOOD, **change}, dotenv=None)
    assert refused.value.faults == (fault,)
    load(environ={**GOOD, **change, "ENVIRONMENT": "staging"}, dotenv=None)


def test_what_replaces_a_refused_value_is_accepted() -> None:
    keys = {"JWT_SECRET": "", "JWT_KEYS": f"new:{GOOD['JWT_SECRET']},old:{GOOD['DJANGO_SECRET_KEY']}"}
    metrics = {"ENABLE_METRICS": "1", "METRICS_TOKEN": "t"}
    assert load(environ={**GOOD, **keys, **metrics}, dotenv=None).settings.enable_metrics is True


@pytest.mark.parametrize(
    "keys",
    [
        "no-colon",
        ":" + "A" * 43 + "=",
        "a:AAAA",
        "a:not base64",
        f"a:{'A' * 43}=,a:{'B' * 43}=",
        f"derived:{'A' * 43}=",
        f"a.b:{'A' * 43}=",
    ],
)
def test_field_keys_that_cannot_be_read_are_refused_everywhere(keys: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(environ={"FIELD_ENCRYPTION_KEYS": keys}, dotenv=None)
    assert refused.value.faults == (
        "FIELD_ENCRYPTION_KEYS: kid:base64 pairs with commas between, each of 32 bytes, each kid once",
    )


def test_a_bare_production_names_everything_at_once() -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(environ={"ENVIRONMENT": "production"}, dotenv=None)
    assert [fault.partition(":")[0] for fault in refused.value.faults] == [
        "DJANGO_SECRET_KEY",
        "JWT_SECRET",
        "AUDIT_KEY",
        "FIELD_ENCRYPTION_KEYS",
        "DJANGO_ALLOWED_HOSTS",
        "DATABASE_URL",
    ]


marked = st.text("abcdefghijkmnopqrstuvwxyz0123456789@:/#?%&=,;$[] ", max_size=40).map(lambda text: f"qXvZ{text}Zk9w")


@settings(max_examples=25)
@given(
    st.fixed_dictionaries({declaration.name: marked for declaration in SECRETS}),
    st.sampled_from(["development", "production"]),
    st.booleans(),
)
def test_a_secret_is_in_no_text_that_comes_out(values: dict[str, str], environment: str, broken: bool) -> None:
    environ = {**values, "ENVIRONMENT": environment, "PORT": "no" if broken else "8000"}
    try:
        loaded = load(environ=environ, dotenv=None)
    except ConfigurationError as error:
        assert "qXvZ" not in f"{error} {error!r} {error.args} {error.faults} {error.__cause__!r}"
        assert error.__suppress_context__ or error.__context__ is None
    else:
        assert "qXvZ" not in f"{loaded} {loaded.settings!r} {loaded.settings.model_dump_json()} {effective(loaded)}"


@pytest.mark.parametrize("declaration", SECRETS, ids=lambda declaration: declaration.name)
def test_each_secret_alone_is_masked_whatever_its_length(declaration: Declaration, tmp_path: Path) -> None:
    name = declaration.name
    form = {
        "DATABASE_URL": "postgres://h/",
        "MIGRATION_DATABASE_URL": "postgres://h/",
        "REDIS_URL": "redis://",
        "REALTIME_REDIS_URL": "redis://",
        "JWT_KEYS": "kid:",
        "SENTRY_DSN": "https://key@host/",
    }
    for length in (1, 60):
        mounted = tmp_path / "secret"
        rest = f":{'k' * 43}=" if name == "FIELD_ENCRYPTION_KEYS" else ""
        mounted.write_text(f"{form.get(name, '')}{'q' * length}{rest}")
        loaded = load(environ={f"{name}_FILE": str(mounted)}, dotenv=None)
        (shown,) = effective(loaded, [name])
        assert (shown.value, shown.origin) == (MASK, f"file of {name}_FILE")
        assert "qqq" not in repr(loaded)


def test_what_is_in_force_is_told_with_its_origin() -> None:
    loaded = load(environ={"ALLOWED_HOSTS": "a, b", "DEBUG": "1"}, dotenv=None)
    asked = ["debug", "DJANGO_ALLOWED_HOSTS", "DB_NAME", "DB_PASSWORD", "DB_POOL_TIMEOUT_S", "CORS_ALLOWED_ORIGINS"]
    assert [(each.name, each.value, each.origin) for each in effective(loaded, asked)] == [
        ("DJANGO_DEBUG", "true", "environment (DEBUG)"),
        ("DJANGO_ALLOWED_HOSTS", "a b", "environment (ALLOWED_HOSTS)"),
        ("DB_NAME", UNSET, "default"),
        ("DB_PASSWORD", UNSET, "default"),
        ("DB_POOL_TIMEOUT_S", "5.0", "default"),
        ("CORS_ALLOWED_ORIGINS", UNSET, "default"),
    ]
    assert len(effective(loaded)) == len(list(declarations(Settings)))
    with pytest.raises(KeyError):
        effective(loaded, ["NOT_A_SETTING"])
