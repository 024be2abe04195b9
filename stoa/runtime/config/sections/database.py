"""The database: one URL, or its parts under either of two names, else SQLite."""

from pydantic import SecretStr

from stoa.runtime.config.registry import Section, setting


class Database(Section):
    """Database."""

    database_url: SecretStr | None = setting(
        None,
        "Whole address of the database; wins over its parts. Without any of them: SQLite.",
        secret=True,
        example="postgresql://stoa:<password>@localhost:5432/stoa",
        why="One line moves an installation from SQLite to PostgreSQL. Percent-encode special characters.",
    )
    migration_database_url: SecretStr | None = setting(
        None,
        "Address used by `migrate` only, with the role that owns the tables.",
        secret=True,
        example="postgresql://stoa_owner:<password>@localhost:5432/stoa",
        why="The serving role then needs neither DDL nor TRUNCATE.",
    )
    db_name: str | None = setting(
        None,
        "Name of the PostgreSQL database.",
        aliases=("POSTGRES_DB",),
        example="stoa",
        why="Setting it is what chooses PostgreSQL when DATABASE_URL is unset.",
    )
    db_user: str = setting(
        "",
        "PostgreSQL role.",
        aliases=("POSTGRES_USER",),
        example="stoa",
        why="A role of its own, not a superuser, keeps a fault inside one database.",
    )
    db_password: SecretStr = setting(
        SecretStr(""),
        "Password of that role.",
        secret=True,
        aliases=("POSTGRES_PASSWORD",),
        example="<from your vault>",
        why="Apart from the address it may hold any character, and can come from a mounted file.",
    )
    db_host: str = setting(
        "localhost",
        "PostgreSQL host, or the folder of its Unix socket.",
        aliases=("POSTGRES_HOST",),
        example="db.internal",
        why="With verify-full it must be a name that the server's certificate carries.",
    )
    db_port: int = setting(
        5432,
        "PostgreSQL port.",
        aliases=("POSTGRES_PORT",),
        ge=1,
        le=65535,
        example="6432",
        why="A pooler in front of the server listens on another.",
    )
    sqlite_path: str = setting(
        "var/stoa.sqlite3",
        "File of the SQLite database, used when no PostgreSQL is named.",
        example="/data/stoa.sqlite3",
        why="It belongs on a local disk: WAL does not work over a network file system.",
    )
    sqlite_busy_timeout_s: float = setting(
        5.0,
        "How long a SQLite writer waits for another before the request is answered 503.",
        unit="seconds",
        gt=0,
        le=60,
        example="10",
        why="SQLite has one writer at a time; a longer wait trades refusals for slow answers.",
    )
    db_pool_min: int = setting(
        1,
        "Connections a process keeps open.",
        unit="connections",
        ge=0,
        le=512,
        example="2",
        why="The first request after a quiet hour then does not wait for a connection.",
    )
    db_pool_max: int = setting(
        8,
        "Most connections a process opens.",
        unit="connections",
        ge=1,
        le=512,
        example="16",
        why="Above WEB_CONCURRENCY no admitted request waits for one; the sum over processes must fit the server.",
    )
    db_pool_timeout_s: float = setting(
        5.0,
        "Longest wait for a connection of the pool.",
        unit="seconds",
        gt=0,
        le=60,
        example="2",
        why="Past it the caller is answered 503 and may try elsewhere.",
    )
    db_prepared_statements: bool = setting(
        True,
        "Whether PostgreSQL keeps the statements that are called all day.",
        example="false",
        why="A pooler that hands one server connection to several clients may not know them; posting is then slower.",
    )
    db_connect_timeout_s: int = setting(
        3,
        "Longest wait for PostgreSQL to accept a connection.",
        unit="seconds",
        ge=2,
        le=60,
        example="5",
        why="A host that swallows packets would otherwise hold a thread for minutes. libpq knows nothing under 2.",
    )
    db_statement_timeout_web_ms: int = setting(
        5000,
        "PostgreSQL ends a web request's statement after this; 0 never.",
        unit="milliseconds",
        ge=0,
        example="2000",
        why="The caller has gone by then, and the statement would still hold its locks.",
    )
    db_statement_timeout_worker_ms: int = setting(
        60000,
        "PostgreSQL ends a worker's statement after this; 0 never.",
        unit="milliseconds",
        ge=0,
        example="120000",
        why="A sweep may take longer than a request, but not for ever.",
    )


class DatabaseTls(Section):
    """Database TLS."""

    postgres_ssl_mode: str = setting(
        "",
        "disable, allow, prefer, require, verify-ca or verify-full; empty leaves it to libpq.",
        example="verify-full",
        why="Only verify-full proves that the server is the one you meant.",
    )
    postgres_ssl_cert: str = setting(
        "",
        "Client certificate file.",
        example="/etc/stoa/client.crt",
        why="A server may ask for one instead of a password, or beside it.",
    )
    postgres_ssl_key: str = setting(
        "",
        "Client key file, readable by its owner only.",
        example="/etc/stoa/client.key",
        why="libpq refuses a key that others can read.",
    )
    postgres_ssl_root_cert: str = setting(
        "",
        "Certificate file of the authority that signed the server's; `system` for the machine's own store.",
        example="/etc/stoa/ca.crt",
        why="verify-ca and verify-full compare against it; without it they look for ~/.postgresql/root.crt.",
    )
