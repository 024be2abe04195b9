"""The settings of PostgreSQL's TLS in libpq's own words."""

from stoa.runtime.config.database_address import TLS_MODES
from stoa.runtime.config.model import Settings


def tls_options(settings: Settings) -> dict[str, str]:
    """sslmode, sslcert, sslkey and sslrootcert, each only when set.

    An unknown mode means no TLS at all: production has refused it before, and elsewhere `report_tls` warns. It is
    said as `disable`, because libpq without a word from us would try TLS first."""
    mode = settings.postgres_ssl_mode
    if mode and mode not in TLS_MODES:
        return {"sslmode": "disable"}
    options = {
        "sslmode": mode,
        "sslcert": settings.postgres_ssl_cert,
        "sslkey": settings.postgres_ssl_key,
        "sslrootcert": settings.postgres_ssl_root_cert,
    }
    return {name: value for name, value in options.items() if value}
