"""All settings as one frozen object. To add one: a field in its section; the rest follows from it."""

from urllib.parse import quote, urlsplit, urlunsplit

from stoa.runtime.config.sections.audit import Audit
from stoa.runtime.config.sections.core import Core
from stoa.runtime.config.sections.database import Database, DatabaseTls
from stoa.runtime.config.sections.features import Features, Telemetry
from stoa.runtime.config.sections.gateway import Gateway
from stoa.runtime.config.sections.http import Http, Tokens
from stoa.runtime.config.sections.ledger import Ledger
from stoa.runtime.config.sections.logs import Logs
from stoa.runtime.config.sections.mail import Mail
from stoa.runtime.config.sections.organizations import Organizations
from stoa.runtime.config.sections.privacy import Privacy
from stoa.runtime.config.sections.services import Services
from stoa.runtime.config.sections.serving import Serving
from stoa.runtime.config.sections.social import Social
from stoa.runtime.config.sections.storage import Storage
from stoa.runtime.config.sections.wallet import Wallets


class Settings(
    Core,
    Serving,
    Database,
    DatabaseTls,
    Services,
    Http,
    Tokens,
    Gateway,
    Logs,
    Telemetry,
    Features,
    Audit,
    Privacy,
    Storage,
    Mail,
    Social,
    Organizations,
    Ledger,
    Wallets,
):
    """Read with `stoa.runtime.config.current.settings()`."""

    @property
    def in_production(self) -> bool:
        return self.environment == "production"

    @property
    def mail_goes_to(self) -> str:
        """EMAIL_BACKEND, or what follows from the rest: no mail of people in production lands in a folder."""
        if self.email_backend != "auto":
            return self.email_backend
        return "smtp" if self.email_host or self.in_production else "file"

    @property
    def redis_address(self) -> str | None:
        """REDIS_URL, or one built from its parts, or None."""
        if self.redis_url is not None:
            return self.redis_url.get_secret_value()
        if self.redis_host is None:
            return None
        password = quote(self.redis_password.get_secret_value(), safe="") if self.redis_password else ""
        return f"redis://{f':{password}@' if password else ''}{self.redis_host}:{self.redis_port}/{self.redis_db}"

    @property
    def realtime_address(self) -> str | None:
        """REALTIME_REDIS_URL, or database 1 of the other Redis, or None for the local bus."""
        if self.realtime_redis_url is not None:
            return self.realtime_redis_url.get_secret_value()
        if self.redis_address is None:
            return None
        parts = urlsplit(self.redis_address)
        if parts.scheme == "unix":
            return urlunsplit(parts._replace(query="db=1"))
        return urlunsplit(parts._replace(path="/1", query=""))

    @property
    def platform_address(self) -> str:
        return self.platform_url or f"http://{_local(self.bind_host)}:{self.port}"

    @property
    def gateway_address(self) -> str:
        return self.gateway_url or f"http://{_local(self.bind_host)}:{self.gateway_port}"


def _local(bind_host: str) -> str:
    """A name under which this machine reaches itself: the addresses that mean "all" cannot be called."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(bind_host, bind_host)  # noqa: S104
    return f"[{host}]" if ":" in host else host
