"""The database: one URL, or its parts under either of two names, else SQLite."""

from pydantic import SecretStr

from stoa.runtime.config.registry import Section, setting


class Database(Section):
    """Database."""

    database_url: SecretStr | None = setting(
        None,
        "Whole address of the database; wins over its parts. Without any of them: SQLite.",
        secret=True,
        example="postgresql://stoa:secret@localhost:5432/stoa",
        why="One line moves an installation from SQLite to PostgreSQL.",
    )
    migration_database_url: SecretStr | None = setting(
        None,
        "Address used by `migrate` only, with the role that owns the tables.",
        secret=True,
        example="postgresql://stoa_owner:secret@localhost:5432/stoa",
        why="The serving role then needs neither DDL nor TRUNCATE.",
    )
    db_name: str | None = setting(
        None, "Name of the PostgreSQL database.", aliases=("POSTGRES_DB",), example="stoa"
    )
    db_user: str = setting("", "PostgreSQL role.", aliases=("POSTGRES_USER",), example="stoa")
    db_password: SecretStr = setting(
        SecretStr(""), "Password of that role.", secret=True, aliases=("POSTGRES_PASSWORD",), example="from your vault"
    )
    db_host: str = setting("localhost", "PostgreSQL host.", aliases=("POSTGRES_HOST",), example="db.internal")
    db_port: int = setting(5432, "PostgreSQL port.", aliases=("POSTGRES_PORT",), ge=1, le=65535, example="5433")
    sqlite_path: str = setting(
        "var/stoa.sqlite3", "File of the SQLite database, used when no PostgreSQL is named.", example="/data/stoa.sqlite3"
    )
    sqlite_busy_timeout_s: float = setting(
        5.0,
        "How long a SQLite writer waits for another before the request is answered 503.",
        unit="seconds",
        gt=0,
        le=60,
        example="10",
    )
    db_pool_min: int = setting(1, "Connections a process keeps open.", unit="connections", ge=0, le=512, example="2")
    db_pool_max: int = setting(
        8,
        "Most connections a process opens.",
        unit="connections",
        ge=1,
        le=512,
        example="16",
        why="Equal to WEB_CONCURRENCY no admitted request waits for one; the sum over processes must fit the server.",
    )
    db_pool_timeout_s: float = setting(
        5.0, "Longest wait for a connection of the pool.", unit="seconds", gt=0, le=60, example="2"
    )
    db_connect_timeout_s: int = setting(
        3, "Longest wait for PostgreSQL to accept a connection.", unit="seconds", ge=2, le=60, example="5"
    )
    db_statement_timeout_web_ms: int = setting(
        5000, "PostgreSQL ends a web request's statement after this.", unit="milliseconds", ge=0, example="2000"
    )
    db_statement_timeout_worker_ms: int = setting(
        60000, "PostgreSQL ends a worker's statement after this.", unit="milliseconds", ge=0, example="120000"
    )


class DatabaseTls(Section):
    """Database TLS."""

    postgres_ssl_mode: str = setting(
        "",
        "disable, allow, prefer, require, verify-ca or verify-full; empty leaves it to libpq.",
        example="verify-full",
        why="Only verify-full proves that the server is the one you meant.",
    )
    postgres_ssl_cert: str = setting("", "Client certificate file.", example="/etc/stoa/client.crt")
    postgres_ssl_key: str = setting(
        "", "Client key file, readable by its owner only.", example="/etc/stoa/client.key"
    )
    postgres_ssl_root_cert: str = setting(
        "", "Certificate file of the authority that signed the server's.", example="/etc/stoa/ca.crt"
    )
