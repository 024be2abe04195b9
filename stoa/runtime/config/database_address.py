"""Which database the settings name, whichever of the three ways they name it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

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
    password: str = ""
    host: str = ""
    port: int | None = None


def names_postgres(settings: "Settings") -> bool:
    if settings.database_url is not None:
        return settings.database_url.get_secret_value().startswith(("postgres://", "postgresql://"))
    return settings.db_name is not None


def database_address(settings: "Settings", *, for_migrations: bool = False) -> DatabaseAddress:
    """MIGRATION_DATABASE_URL (for migrations), DATABASE_URL, the parts, else SQLite. Raises ConfigurationError."""
    if for_migrations and settings.migration_database_url is not None:
        return _parse("MIGRATION_DATABASE_URL", settings.migration_database_url.get_secret_value())
    if settings.database_url is not None:
        return _parse("DATABASE_URL", settings.database_url.get_secret_value())
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


def _parse(name: str, url: str) -> DatabaseAddress:
    """Query parameters (`?schema=...`, written by other tools) are tolerated and ignored."""
    fault = ConfigurationError([f"{name}: postgresql://user:password@host:port/name, or sqlite:///path"])
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise fault from None
    if parts.scheme == "sqlite" and parts.path:
        return DatabaseAddress("sqlite", unquote(parts.path.removeprefix("/")) or ":memory:")
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise fault
    return DatabaseAddress(
        "postgresql",
        unquote(parts.path.strip("/")),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        unquote(parts.hostname or ""),
        port,
    )
