"""All settings as one frozen object. To add one: a field in its section; the rest follows from it."""

from urllib.parse import quote

from stoa.runtime.config.sections.audit import Audit
from stoa.runtime.config.sections.core import Core
from stoa.runtime.config.sections.database import Database, DatabaseTls
from stoa.runtime.config.sections.features import Features, Telemetry
from stoa.runtime.config.sections.http import Http, Tokens
from stoa.runtime.config.sections.logs import Logs
from stoa.runtime.config.sections.services import Services
from stoa.runtime.config.sections.serving import Serving


class Settings(Core, Serving, Database, DatabaseTls, Services, Http, Tokens, Logs, Telemetry, Features, Audit):
    """Read with `stoa.runtime.config.current.settings()`."""

    @property
    def in_production(self) -> bool:
        return self.environment == "production"

    @property
    def redis_address(self) -> str | None:
        """REDIS_URL, or one built from its parts, or None."""
        if self.redis_url is not None:
            return self.redis_url.get_secret_value()
        if self.redis_host is None:
            return None
        password = quote(self.redis_password.get_secret_value(), safe="") if self.redis_password else ""
        return f"redis://{f':{password}@' if password else ''}{self.redis_host}:{self.redis_port}/{self.redis_db}"
