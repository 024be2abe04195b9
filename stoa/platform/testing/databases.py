"""The database of a test run: one of its own, named test_stoa_*, made at its start and dropped at its end."""

import os
import time
from pathlib import Path
from urllib.parse import quote

from django.db import connections

PREFIX = "test_stoa_"


def name_of_this_run() -> str:
    """Two runs on one machine never share a database; the second since 1970 tells which leftovers are old."""
    return f"{PREFIX}{int(time.time())}_{os.getpid()}"


def name_test_database(folder: Path) -> None:
    """Before it is created: gives the default database's test twin its name (SQLite: a file in `folder`).

    A file, not memory, because threads and served processes open connections of their own."""
    configured = connections.settings["default"]
    name = name_of_this_run()
    sqlite = configured["ENGINE"].endswith("sqlite3")
    configured["TEST"]["NAME"] = str(folder / f"{name}.sqlite3") if sqlite else name


def refuse_foreign_database() -> None:
    """Raises RuntimeError unless the database in use is one that a test run made."""
    name = str(connections.settings["default"]["NAME"])
    if not Path(name).name.startswith(PREFIX):
        raise RuntimeError("tests touch only databases whose name begins with test_stoa_")


def url_of_test_database() -> str:
    """DATABASE_URL for a served process that shall see this run's rows. Carries the password: not for printing."""
    refuse_foreign_database()
    used = connections.settings["default"]
    if used["ENGINE"].endswith("sqlite3"):
        return f"sqlite:///{quote(str(used['NAME']))}"
    password = f":{quote(used['PASSWORD'], safe='')}" if used.get("PASSWORD") else ""
    user = f"{quote(used['USER'], safe='')}{password}@" if used.get("USER") else ""
    port = f":{used['PORT']}" if used.get("PORT") else ""
    return f"postgresql://{user}{quote(used.get('HOST', ''), safe='')}{port}/{used['NAME']}"


def on_postgres() -> bool:
    return bool(connections.settings["default"]["ENGINE"].endswith("postgresql"))
