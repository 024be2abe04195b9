"""Which features are on, and where what happens is told: errors and traces."""

from collections.abc import Mapping

from pydantic import SecretStr

from stoa.runtime.config.registry import Section, setting
from stoa.runtime.config.values import Words


class Features(Section):
    """Features."""

    feature_flags: Words = setting(
        (),
        "Names of flags that are switched on.",
        example="mentor_llm soulmatch",
        why="A feature can be tried on one machine without touching the database.",
    )
    features: Mapping[str, bool] = setting(
        {},
        "FEATURE_<NAME>=true or false decides one flag, whatever FEATURE_FLAGS and the database say.",
        name="FEATURE_*",
        example="FEATURE_PAYMENTS=false",
        why="In an emergency the last word must not need a database that answers.",
    )


class Telemetry(Section):
    """Telemetry."""

    sentry_dsn: SecretStr | None = setting(
        None,
        "Address of a Sentry project; errors are reported there, masked. Needs the extra `sentry`.",
        secret=True,
        example="https://<key>@sentry.example.org/<project>",
        why="An error that nobody reads in a log is seen there, once, with its count.",
    )
    otel_exporter_otlp_endpoint: str | None = setting(
        None,
        "Address of an OpenTelemetry collector (OTLP over HTTP); requests are traced. Needs the extra `otel`.",
        example="http://localhost:4318",
        why="A trace shows where the time of one request went, over several services.",
    )
