"""Where values come from, which forms they take, and what is said when they cannot be used."""

from pathlib import Path

import pytest

from stoa.runtime.config.errors import ConfigurationError
from stoa.runtime.config.loader import Loaded, load
from stoa.runtime.config.model import Settings

RATE = "a rate such as 120/min: a whole number, a slash, and s, min, hour or day"


def configured(**environ: str) -> Settings:
    return load(environ=environ, dotenv=None).settings


def faults(**environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as refused:
        load(environ=environ, dotenv=None)
    return refused.value.faults


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_nothing_set_is_a_laptop() -> None:
    loaded = load(environ={}, dotenv=None)
    assert (loaded.settings.environment, loaded.settings.port, loaded.settings.sqlite_path) == (
        "development",
        8000,
        "var/stoa.sqlite3",
    )
    assert loaded.origins == {}
    assert loaded.remarks == ()


def test_every_fault_is_listed_at_once_without_a_value() -> None:
    assert faults(
        ENVIRONMENT="prod", PORT="eighty", WEB_QUEUE="-1", DEBUG="maybe", THROTTLE_USER_RATE="5/week", LOG_LEVEL="LOUD"
    ) == (
        "ENVIRONMENT: input should be 'development', 'test', 'staging' or 'production' (from environment (ENVIRONMENT))",
        "DJANGO_DEBUG: one of true, false, 1, 0, yes, no, on, off (from environment (DEBUG))",
        "PORT: input should be a valid integer, unable to parse string as an integer (from environment (PORT))",
        "WEB_QUEUE: input should be greater than or equal to 0 (from environment (WEB_QUEUE))",
        f"THROTTLE_USER_RATE: {RATE} (from environment (THROTTLE_USER_RATE))",
        "LOG_LEVEL: input should be 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL' (from environment (LOG_LEVEL))",
    )


def test_a_file_that_is_missing_is_listed_beside_the_other_faults(tmp_path: Path) -> None:
    assert faults(JWT_SECRET_FILE=str(tmp_path / "nowhere"), PORT="0") == (
        "JWT_SECRET_FILE: the file cannot be read (FileNotFoundError)",
        "PORT: input should be greater than or equal to 1 (from environment (PORT))",
    )


def test_the_text_of_one_fault_and_of_two() -> None:
    assert str(ConfigurationError(["A: no"])) == "configuration: 1 fault\n  A: no"
    assert str(ConfigurationError(["A: no", "B: no"])) == "configuration: 2 faults\n  A: no\n  B: no"


def test_the_environment_wins_over_the_file_and_says_so(dotenv: Path) -> None:
    dotenv.write_text("PORT=8001\nWEB_WORKERS=3\nexport LOG_DIR='a b'\n")
    loaded = load(environ={"PORT": "8002"}, dotenv=dotenv)
    assert (loaded.settings.port, loaded.settings.web_workers, loaded.settings.log_dir) == (8002, 3, "a b")
    assert loaded.origins == {
        "port": "environment (PORT)",
        "web_workers": f"{dotenv} (WEB_WORKERS)",
        "log_dir": f"{dotenv} (LOG_DIR)",
    }


def test_an_alias_in_the_environment_wins_over_the_name_in_the_file(dotenv: Path) -> None:
    dotenv.write_text("DB_NAME=from_file\n")
    loaded = load(environ={"POSTGRES_DB": "from_environment"}, dotenv=dotenv)
    assert loaded.settings.db_name == "from_environment"
    assert loaded.origins["db_name"] == "environment (POSTGRES_DB)"


@pytest.mark.parametrize(
    ("name", "alias", "field"),
    [
        ("DB_NAME", "POSTGRES_DB", "db_name"),
        ("DB_USER", "POSTGRES_USER", "db_user"),
        ("DB_HOST", "POSTGRES_HOST", "db_host"),
        ("DJANGO_ALLOWED_HOSTS", "ALLOWED_HOSTS", "django_allowed_hosts"),
    ],
)
def test_a_name_wins_over_its_alias(name: str, alias: str, field: str) -> None:
    both = getattr(configured(**{name: "first", alias: "second"}), field)
    only_alias = getattr(configured(**{name: "", alias: "second"}), field)
    assert (both, only_alias) in [("first", "second"), (("first",), ("second",))]


def test_secrets_port_and_debug_have_aliases_too() -> None:
    settings = configured(SECRET_KEY="k" * 40, POSTGRES_PASSWORD="pw", POSTGRES_PORT="6432", DEBUG="on")
    assert settings.django_secret_key.get_secret_value() == "k" * 40
    assert settings.db_password.get_secret_value() == "pw"
    assert (settings.db_port, settings.django_debug) == (6432, True)


def test_empty_is_unset_and_lets_the_file_speak(dotenv: Path) -> None:
    dotenv.write_text("PORT=8001\nDATABASE_URL=\nWEB_QUEUE\n")
    loaded = load(environ={"PORT": "", "REDIS_URL": ""}, dotenv=dotenv)
    assert (loaded.settings.port, loaded.settings.database_url, loaded.settings.redis_url) == (8001, None, None)
    assert loaded.settings.web_queue == 16


def test_a_file_that_is_not_text_is_a_fault(dotenv: Path) -> None:
    dotenv.write_bytes(b"PORT=\xff\xfe")
    with pytest.raises(ConfigurationError) as refused:
        load(environ={}, dotenv=dotenv)
    assert refused.value.faults == (f"{dotenv}: cannot be read (UnicodeDecodeError)",)


def test_dollars_in_the_file_are_plain_characters(dotenv: Path) -> None:
    dotenv.write_text("DB_PASSWORD=a${PORT}$b\n")
    assert load(environ={}, dotenv=dotenv).settings.db_password.get_secret_value() == "a${PORT}$b"


def test_a_value_may_be_the_content_of_a_file(tmp_path: Path) -> None:
    mounted = tmp_path / "secret"
    mounted.write_text("from-the-vault\n")
    loaded = load(environ={"POSTGRES_PASSWORD_FILE": str(mounted), "DB_PASSWORD": ""}, dotenv=None)
    assert loaded.settings.db_password.get_secret_value() == "from-the-vault"
    assert loaded.origins["db_password"] == "file of POSTGRES_PASSWORD_FILE"


def test_the_value_itself_wins_over_its_file(tmp_path: Path) -> None:
    environ = {"DB_PASSWORD": "given", "DB_PASSWORD_FILE": str(tmp_path / "nowhere")}
    assert load(environ=environ, dotenv=None).settings.db_password.get_secret_value() == "given"


def test_an_empty_file_is_a_fault_not_a_default(tmp_path: Path) -> None:
    mounted = tmp_path / "secret"
    mounted.write_text("\n")
    assert faults(JWT_SECRET_FILE=str(mounted)) == ("JWT_SECRET_FILE: the file is empty",)


@pytest.mark.parametrize("text", ["a.org,b.org", "a.org b.org", " a.org ,  b.org, ", "a.org\tb.org\n", ",a.org,,b.org"])
def test_lists_take_commas_or_spaces(text: str) -> None:
    assert configured(DJANGO_ALLOWED_HOSTS=text).django_allowed_hosts == ("a.org", "b.org")


@pytest.mark.parametrize("text", ["true", "1", "yes", "on", "TRUE", "Yes", " On "])
def test_every_spelling_of_true(text: str) -> None:
    assert configured(DEMO_DATA=text).demo_data is True


@pytest.mark.parametrize("text", ["false", "0", "no", "off", "FALSE", "No", " Off "])
def test_every_spelling_of_false(text: str) -> None:
    assert configured(ENABLE_FILE_LOGGING=text).enable_file_logging is False


@pytest.mark.parametrize("text", ["2", "y", "t", "none", "enabled", "-"])
def test_no_other_spelling(text: str) -> None:
    assert faults(DEMO_DATA=text) == (
        "DEMO_DATA: one of true, false, 1, 0, yes, no, on, off (from environment (DEMO_DATA))",
    )


def test_redis_is_one_address_or_its_parts() -> None:
    assert configured().redis_address is None
    assert configured(REDIS_HOST="cache").redis_address == "redis://cache:6379/0"
    parts = configured(REDIS_HOST="cache", REDIS_PORT="6380", REDIS_DB="2", REDIS_PASSWORD="p@ss/w:rd")
    assert parts.redis_address == "redis://:p%40ss%2Fw%3Ard@cache:6380/2"
    assert configured(REDIS_HOST="cache", REDIS_URL="rediss://other:1/3").redis_address == "rediss://other:1/3"
    assert faults(REDIS_URL="http://cache") == (
        "REDIS_URL: redis://:password@host:port/number, rediss://... or unix://...",
    )


@pytest.mark.parametrize("keys", ["nokid", ":secret", "kid:", "a:x,a:y", "a:x,", ","])
def test_signing_keys_have_a_form(keys: str) -> None:
    assert faults(JWT_KEYS=keys) == ("JWT_KEYS: kid:secret pairs with commas between, each kid once",)


def remarks(dotenv: Path, text: str) -> tuple[str, ...]:
    dotenv.write_text(text)
    loaded: Loaded = load(environ={"NOBODY_READS_THIS": "1"}, dotenv=dotenv)
    return tuple(remark.removeprefix(f"{dotenv}: ") for remark in loaded.remarks)


def test_a_name_in_the_file_that_nothing_reads_is_remarked_on(dotenv: Path) -> None:
    assert remarks(dotenv, "DJANGO_DEBGU=1\nTHROTLE_USER_RATE=x\nMY_OWN_THING=hidden-word\ndatabase_url=x\n") == (
        "DJANGO_DEBGU is not a setting; did you mean DJANGO_DEBUG?",
        "THROTLE_USER_RATE is not a setting; did you mean THROTTLE_USER_RATE?",
        "MY_OWN_THING is not a setting",
        "database_url is not a setting; did you mean DATABASE_URL?",
    )


def test_names_of_others_that_share_the_file_are_left_alone(dotenv: Path) -> None:
    others = ("CELERY_TASK_ACKS_LATE", "DJANGO_SETTINGS_MODULE", "COMPOSE_FILE", "DB_PASSWORD_FILE")
    dotenv.with_name("secret").write_text("x")
    text = "".join(f"{name}={dotenv.with_name('secret')}\n" for name in others)
    assert remarks(dotenv, f"{text}FEATURE_GIFTS=true\nPOSTGRES_DB=\nPORT=8001\n") == ()


def test_switches_of_features_are_read_by_pattern(dotenv: Path) -> None:
    mounted = dotenv.with_name("mounted")
    mounted.write_text("off\n")
    environ = {"FEATURE_GIFTS": "yes", "FEATURE_FLAGS": "mentor_llm, gifts", "FEATURE_MOUNTED_FILE": str(mounted)}
    dotenv.write_text("FEATURE_GIFTS=no\nFEATURE_SOULMATCH=on\nFEATURE_EMPTY=\n")
    loaded = load(environ=environ, dotenv=dotenv)
    assert loaded.settings.features == {"gifts": True, "mounted": False, "soulmatch": True}
    assert loaded.settings.feature_flags == ("mentor_llm", "gifts")
    assert loaded.origins["features"] == (
        f"environment (FEATURE_GIFTS), file of FEATURE_MOUNTED_FILE, {dotenv} (FEATURE_SOULMATCH)"
    )
    assert loaded.remarks == ()


def test_a_switch_that_is_none_is_a_fault_by_its_name() -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(environ={"FEATURE_GIFTS": "maybe", "PORT": "8000", "feature_lower": "maybe"}, dotenv=None)
    assert list(refused.value.faults) == [
        "FEATURE_GIFTS: one of true, false, 1, 0, yes, no, on, off (from environment (FEATURE_GIFTS))"
    ]
