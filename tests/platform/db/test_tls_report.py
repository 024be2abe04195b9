"""What is said about TLS at start, and the certificates' days as a metric. No server is needed for it."""

import logging
import os
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stoa.platform.db.tls import Finding, report_tls, tls_findings
from stoa.platform.db.tls_options import tls_options
from stoa.runtime.config.errors import ConfigurationError
from stoa.runtime.config.loader import load
from stoa.runtime.config.model import Settings
from stoa.runtime.log_lines import FIELDS
from stoa.runtime.metrics import exposition
from tests.platform.db.tls_postgres import Authority

DATABASE = "postgresql://stoa:hidden-word@db.internal/stoa"
PRODUCTION = {
    "ENVIRONMENT": "production",
    "DJANGO_SECRET_KEY": "Zq7-0pRk2vXw9LmT4bNc8yHs5dFg1jUe",
    "JWT_SECRET": "Aq7-1pRk2vXw9LmT4bNc8yHs5dFg1jUf",
    "AUDIT_KEY": "Wd4-8sKq1nZr6VbY3mPx0cHt7gJf2LeU",
    "FIELD_ENCRYPTION_KEYS": "a:CzBVep/E6Q4zWH2ix+wRNluApcrvFDleg6jN8hc8YYY=",
    "DJANGO_ALLOWED_HOSTS": "api.example.org",
}


def configured(**environ: object) -> Settings:
    return load(environ={"DATABASE_URL": DATABASE, **{k: str(v) for k, v in environ.items()}}, dotenv=None).settings


def texts(settings: Settings, level: int) -> list[str]:
    return [finding.text for finding in tls_findings(settings) if finding.level == level]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.mark.parametrize(
    ("mode", "state"),
    [
        ("", "PostgreSQL TLS: on if the server offers it (mode unset)"),
        ("disable", "PostgreSQL TLS: off (mode disable)"),
        ("allow", "PostgreSQL TLS: off unless the server insists (mode allow)"),
        ("prefer", "PostgreSQL TLS: on if the server offers it (mode prefer)"),
        ("require", "PostgreSQL TLS: on (mode require)"),
        ("verify-ca", "PostgreSQL TLS: on (mode verify-ca)"),
        ("verify-full", "PostgreSQL TLS: on (mode verify-full)"),
    ],
)
def test_the_state_is_said_first_and_alone_in_development(mode: str, state: str) -> None:
    assert list(tls_findings(configured(POSTGRES_SSL_MODE=mode))) == [Finding(logging.INFO, state)]


def test_sqlite_has_nothing_to_say() -> None:
    assert list(tls_findings(load(environ={"POSTGRES_SSL_MODE": "require"}, dotenv=None).settings)) == []


def test_an_unknown_mode_is_a_warning_and_no_tls_in_development() -> None:
    settings = configured(POSTGRES_SSL_MODE="verify_full", POSTGRES_SSL_ROOT_CERT="")
    assert tls_options(settings) == {"sslmode": "disable"}
    assert texts(settings, logging.INFO) == ["PostgreSQL TLS: off (mode unknown)"]
    assert texts(settings, logging.WARNING) == [
        "POSTGRES_SSL_MODE is none of disable, allow, prefer, require, verify-ca, verify-full: TLS is off"
    ]


def test_an_unknown_mode_is_refused_in_production() -> None:
    with pytest.raises(ConfigurationError) as refused:
        configured(**PRODUCTION, POSTGRES_SSL_MODE="verify_full")
    assert refused.value.faults == (
        "POSTGRES_SSL_MODE: one of disable, allow, prefer, require, verify-ca, verify-full",
    )


@pytest.mark.parametrize("mode", ["", "disable", "allow", "prefer"])
def test_production_below_require_is_a_warning(mode: str) -> None:
    assert texts(configured(**PRODUCTION, POSTGRES_SSL_MODE=mode), logging.WARNING) == [
        "POSTGRES_SSL_MODE is below require: passwords and rows may travel in the clear"
    ]


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_production_verifying_without_a_root_certificate_is_a_warning(mode: str) -> None:
    assert texts(configured(**PRODUCTION, POSTGRES_SSL_MODE=mode), logging.WARNING) == [
        f"{mode} without POSTGRES_SSL_ROOT_CERT depends on ~/.postgresql/root.crt"
    ]


@pytest.mark.parametrize("root", ["system", ""])
def test_production_has_no_complaint_about_what_is_safe(root: str, authority: Authority) -> None:
    settings = configured(
        **PRODUCTION, POSTGRES_SSL_MODE="verify-full", POSTGRES_SSL_ROOT_CERT=root or authority.certificate
    )
    assert [finding.level for finding in tls_findings(settings)] == [logging.INFO]


def test_production_over_a_unix_socket_has_no_network_to_warn_about() -> None:
    settings = configured(**{**PRODUCTION, "DATABASE_URL": "postgresql://stoa@%2Frun%2Fpostgresql/stoa"})
    assert [finding.level for finding in tls_findings(settings)] == [logging.INFO]


def test_ssl_words_in_the_address_are_not_read_and_that_is_said() -> None:
    settings = configured(DATABASE_URL=f"{DATABASE}?schema=public&sslmode=require")
    assert list(tls_findings(settings))[1:] == [
        Finding(
            logging.WARNING, "ssl parameters of the URL are not read; set POSTGRES_SSL_MODE instead", "DATABASE_URL"
        )
    ]


@pytest.mark.parametrize("part", ["CERT", "KEY", "ROOT_CERT"])
def test_a_missing_file_is_an_error_with_its_path(part: str, tmp_path: Path) -> None:
    name, path = f"POSTGRES_SSL_{part}", str(tmp_path / "nowhere")
    assert list(tls_findings(configured(**{name: path})))[1:] == [
        Finding(logging.ERROR, f"No such file: {path}", name, path)
    ]


def test_a_folder_and_a_file_that_is_no_certificate_are_errors(tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("not a certificate")
    assert texts(configured(POSTGRES_SSL_CERT=tmp_path, POSTGRES_SSL_ROOT_CERT=note), logging.ERROR) == [
        f"Not a file that this process can read: {tmp_path}",
        f"Not a certificate in PEM form: {note}",
    ]


def test_a_key_that_others_can_read_is_a_warning(authority: Authority) -> None:
    _, key = authority.issue("postgres")
    settings = configured(POSTGRES_SSL_KEY=key)
    assert texts(settings, logging.WARNING) == []
    key.chmod(0o604)
    assert list(tls_findings(settings))[1:] == [
        Finding(
            logging.WARNING,
            "Others can read the key, so libpq will refuse it: chmod 600",
            "POSTGRES_SSL_KEY",
            str(key),
        )
    ]
    key.chmod(0o640)  # libpq lets root's own key be read by a group
    assert len(texts(settings, logging.WARNING)) == (0 if key.stat().st_uid == 0 else 1)


def days_left() -> dict[str, float]:
    return {
        sample.labels["certificate"]: sample.value
        for family in text_string_to_metric_families(exposition().decode())
        for sample in family.samples
        if sample.name == "stoa_certificate_days_left"
    }


def warnings(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, object]]]:
    return [(r.getMessage(), r.__dict__[FIELDS]) for r in caplog.records if r.levelno == logging.WARNING]


def test_days_left_are_a_metric_that_follows_the_file(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    used = tmp_path / "client.crt"
    used.write_bytes(authority.issue("postgres", days=40.5)[0].read_bytes())
    report_tls(configured(POSTGRES_SSL_CERT=used, POSTGRES_SSL_ROOT_CERT=authority.certificate))
    assert days_left() == {
        "POSTGRES_SSL_CERT": pytest.approx(40.5, abs=0.01),
        "POSTGRES_SSL_ROOT_CERT": pytest.approx(365, abs=0.01),
    }
    assert warnings(caplog) == []

    used.write_bytes(authority.issue("postgres", days=29.5)[0].read_bytes())
    os.utime(used, ns=(1, 1))  # another time than before, whatever the file system's grain
    for _ in range(3):
        assert days_left()["POSTGRES_SSL_CERT"] == pytest.approx(29.5, abs=0.01)
    assert warnings(caplog) == [
        (
            "The certificate expires soon",
            {"setting": "POSTGRES_SSL_CERT", "path": str(used), "days_left": 29},
        )
    ]

    used.write_bytes(authority.issue("postgres", days=-1.5)[0].read_bytes())
    os.utime(used, ns=(2, 2))
    assert days_left()["POSTGRES_SSL_CERT"] == pytest.approx(-1.5, abs=0.01)
    assert [text for text, _ in warnings(caplog)] == ["The certificate expires soon", "The certificate has expired"]

    used.unlink()
    assert list(days_left()) == ["POSTGRES_SSL_ROOT_CERT"]


def test_the_first_certificate_of_a_bundle_to_expire_counts(authority: Authority, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.crt"
    bundle.write_bytes(authority.certificate.read_bytes() + authority.issue("old", days=50)[0].read_bytes())
    report_tls(configured(POSTGRES_SSL_ROOT_CERT=bundle))
    assert days_left() == {"POSTGRES_SSL_ROOT_CERT": pytest.approx(50, abs=0.01)}


def test_the_report_is_logged_at_its_levels_and_holds_no_password(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.INFO)
    report_tls(configured(POSTGRES_SSL_MODE="never", POSTGRES_SSL_ROOT_CERT=tmp_path / "nowhere"))
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING", "ERROR"]
    assert caplog.records[2].__dict__[FIELDS]["path"] == str(tmp_path / "nowhere")
    assert "hidden-word" not in str([record.__dict__ for record in caplog.records])
    assert days_left() == {}


def test_a_day_under_thirty_is_warned_about_at_start(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    report_tls(configured(POSTGRES_SSL_CERT=authority.issue("postgres", days=3)[0]))
    assert [text for text, _ in warnings(caplog)] == ["The certificate expires soon"]
