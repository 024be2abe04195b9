"""The WSGI application, put together from its layers."""

from django.core.wsgi import get_wsgi_application

from stoa.platform.health.admission import Admission
from stoa.platform.health.paths import HealthPaths
from stoa.platform.health.readiness import readiness_from_settings
from stoa.platform.http.entry import Entry, WsgiApplication, overloaded
from stoa.platform.metrics.requests import RequestMetrics
from stoa.project.metrics_path import MetricsPath
from stoa.runtime.config.current import settings


def build_application() -> WsgiApplication:
    current = settings()
    django = get_wsgi_application()
    admitted = Admission(
        django,
        concurrency=current.web_concurrency,
        queue=current.web_queue,
        queue_timeout_s=current.web_queue_timeout_s,
        overloaded=overloaded,
    )
    entry: WsgiApplication = Entry(HealthPaths(MetricsPath(admitted), readiness=readiness_from_settings()))
    if current.otel_exporter_otlp_endpoint:
        from stoa.platform.metrics.spans import RequestSpans  # noqa: PLC0415 - an extra, imported where it is wanted

        entry = RequestSpans(entry)
    return RequestMetrics(entry) if current.enable_metrics else entry
