"""Which database the settings name, whichever of the three ways they name it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from stoa.runtime.config.errors import ConfigurationError

if TYPE_CHECKING:
    from stoa.runtime.config.model import Settings

TLS_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """`engine` is "postgresql" or "sqlite"; for SQLite `name` is the file."""

    engine: str
    name: str
    user: str = ""
    password: str = field(default="", repr=False)
    host: str = ""
    port: int | None = None


def names_postgres(settings: "Settings") -> bool:
    if settings.database_url is not None:
        return settings.database_url.get_secret_value().startswith(("postgres://", "postgresql://"))
    return settings.db_name is not None


def database_address(settings: "Settings", *, for_migrations: bool = False) -> DatabaseAddress:
    """MIGRATION_DATABASE_URL (for migrations), DATABASE_URL, the parts, else SQLite. Raises ConfigurationError."""
    if for_migrations and settings.migration_database_url is not None:
        return _parse("MIGRATION_DATABASE_URL", settings.migration_database_url)
    if settings.database_url is not None:
        return _parse("DATABASE_URL", settings.database_url)
    if settings.db_name is not None:
        return DatabaseAddress(
            "postgresql",
            settings.db_name,
            settings.db_user,
            settings.db_password.get_secret_value(),
            settings.db_host,
            settings.db_port,
        )
    return DatabaseAddress("sqlite", settings.sqlite_path)


def address_faults(settings: "Settings") -> list[str]:
    """One sentence for each database URL that cannot be read."""
    urls = {"DATABASE_URL": settings.database_url, "MIGRATION_DATABASE_URL": settings.migration_database_url}
    faults: list[str] = []
    for name, url in urls.items():
        try:
            if url is not None:
                _parse(name, url)
        except ConfigurationError as error:
            faults.extend(error.faults)
    return faults


def ignored_tls_parameters(settings: "Settings") -> list[str]:
    """The URLs that carry libpq's ssl parameters: whoever wrote them believes the connection to be safer than it is."""
    urls = {"DATABASE_URL": settings.database_url, "MIGRATION_DATABASE_URL": settings.migration_database_url}
    return [
        name
        for name, url in urls.items()
        if url is not None
        and any(key.startswith("ssl") for key, _ in parse_qsl(urlsplit(url.get_secret_value()).query))
    ]


def _parse(name: str, url: SecretStr) -> DatabaseAddress:
    """Query parameters (`?schema=...`, written by other tools) are tolerated and ignored."""
    fault = ConfigurationError(
        [f"{name}: postgresql://user:password@host:port/name (special characters percent-encoded), or sqlite:///path"]
    )
    try:
        parts = urlsplit(url.get_secret_value())
        port = parts.port
    except ValueError:
        raise fault from None
    if parts.scheme == "sqlite" and not parts.netloc and parts.path:
        return DatabaseAddress("sqlite", unquote(parts.path.removeprefix("/")) or ":memory:")
    database = parts.path.strip("/")
    # An unencoded `/` in a password would otherwise pass its rest off as the database's name.
    if parts.scheme not in {"postgres", "postgresql"} or not database or "/" in database or "@" in database:
        raise fault
    return DatabaseAddress(
        "postgresql",
        unquote(database),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        unquote(_host(parts)),
        port,
    )


def _host(parts: SplitResult) -> str:
    """As written: `hostname` lowers the case, and a percent-encoded folder of a socket has one to keep."""
    written = parts.netloc.rpartition("@")[2]
    return parts.hostname or "" if written.startswith("[") else written.partition(":")[0]
