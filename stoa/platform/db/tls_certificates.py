"""How long the certificate files for PostgreSQL are still good."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from stoa.kit.clock import utc_now
from stoa.runtime.config.model import Settings
from stoa.runtime.logs import get_logger

log = get_logger(__name__)

WARN_BELOW_DAYS = 30
SYSTEM_STORE = "system"
"""libpq's word for the trust store of the operating system: not a file."""


def certificate_files(settings: Settings) -> Mapping[str, Path]:
    """The certificate files in use, by the name of their setting."""
    paths = {
        "POSTGRES_SSL_CERT": settings.postgres_ssl_cert,
        "POSTGRES_SSL_ROOT_CERT": settings.postgres_ssl_root_cert,
    }
    return {name: Path(path) for name, path in paths.items() if path and path != SYSTEM_STORE}


def earliest_expiry(path: Path) -> float:
    """Unix time at which the first certificate of a PEM file expires. Raises OSError, ValueError."""
    certificates = x509.load_pem_x509_certificates(path.read_bytes())
    return min(certificate.not_valid_after_utc for certificate in certificates).timestamp()


@dataclass(slots=True, eq=False)
class CertificateDays(Collector):
    """Gauge stoa_certificate_days_left{certificate}; negative once expired, absent while a file cannot be read.

    A file is parsed again only when it changed. Each version of a file is warned about once, when it comes under
    WARN_BELOW_DAYS, so that a process that runs for months still says it."""

    files: Mapping[str, Path]
    _parsed: dict[str, tuple[int, float]] = field(default_factory=dict)
    _warned: set[tuple[str, int]] = field(default_factory=set)

    def days_left(self) -> Mapping[str, float]:
        days = {}
        for name, path in self.files.items():
            try:
                changed = path.stat().st_mtime_ns
                if self._parsed.get(name, (0, 0.0))[0] != changed:
                    self._parsed[name] = (changed, earliest_expiry(path))
            except (OSError, ValueError):
                continue  # said once, at start, by report_tls
            days[name] = (self._parsed[name][1] - utc_now().timestamp()) / 86400
            if days[name] < WARN_BELOW_DAYS and (name, changed) not in self._warned:
                self._warned.add((name, changed))
                ends = "The certificate expires soon" if days[name] >= 0 else "The certificate has expired"
                log.warning(ends, setting=name, path=str(path), days_left=int(days[name]))
        return days

    def collect(self) -> Iterable[Metric]:
        gauge = GaugeMetricFamily(
            "stoa_certificate_days_left",
            "Days until a certificate file for PostgreSQL expires.",
            labels=["certificate"],
        )
        for name, days in self.days_left().items():
            gauge.add_metric([name], days)
        yield gauge
