"""Sentry and OpenTelemetry, each where its setting is set. Their packages are extras, imported only then."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from stoa.runtime.masking import mask_value
from stoa.runtime.version import VERSION

if TYPE_CHECKING:
    from stoa.runtime.config.model import Settings

SPANS_SENT_EVERY_MS = 1000


def extras_missing(settings: "Settings") -> list[str]:
    """One sentence for each extra that is asked for and not installed. Looks, and imports nothing of it."""
    wanted = (
        ("SENTRY_DSN", settings.sentry_dsn, "sentry", ("sentry_sdk",)),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            settings.otel_exporter_otlp_endpoint,
            "otel",
            ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"),
        ),
    )
    return [
        f"{name}: needs the extra `{extra}`, which is not installed: pip install 'stoa[{extra}]'"
        for name, value, extra, modules in wanted
        if value and not all(map(_is_installed, modules))
    ]


def start_telemetry(settings: "Settings", *, role: str) -> None:
    """Once a process, after the logs. Without the settings nothing is imported and nothing is done."""
    if settings.sentry_dsn is not None:
        _start_sentry(settings, role)
    if settings.otel_exporter_otlp_endpoint:
        _start_spans(settings, role)


def masked_event(event: Any, hint: object = None) -> Any:
    """Whatever Sentry is about to send, with the rules of the logs: names at any depth, patterns in every text."""
    return mask_value(event)


def _start_sentry(settings: "Settings", role: str) -> None:
    import sentry_sdk  # noqa: PLC0415 - an extra

    assert settings.sentry_dsn is not None
    sentry_sdk.init(
        dsn=settings.sentry_dsn.get_secret_value(),
        release=VERSION,
        environment=settings.environment,
        send_default_pii=False,
        max_request_body_size="never",
        before_send=masked_event,
        before_send_transaction=masked_event,
        before_breadcrumb=masked_event,
    )
    sentry_sdk.set_tag("role", role)


def _start_spans(settings: "Settings", role: str) -> None:
    from opentelemetry import trace  # noqa: PLC0415 - an extra
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - an extra

    told = {"service.name": f"stoa-{role}", "service.version": VERSION, "deployment.environment": settings.environment}
    provider = TracerProvider(resource=Resource.create(told))
    endpoint = cast(str, settings.otel_exporter_otlp_endpoint).rstrip("/") + "/v1/traces"
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=SPANS_SENT_EVERY_MS))
    trace.set_tracer_provider(provider)


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
