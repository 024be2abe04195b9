"""What must hold before a server starts: a free port, folders to write to, Django's settings named."""

import errno
import os
import socket
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import handle_default_options

from stoa.project.commands.refusal import CannotStart
from stoa.project.settings.collected import COLLECTED
from stoa.runtime.config.database_address import database_address
from stoa.runtime.config.model import Settings

SETTINGS_MODULE = "stoa.project.settings.main"


def name_django_settings() -> None:
    """Let Django find its settings, unless the environment names others. Call after `declare_role`."""
    try:
        _ = django_settings.INSTALLED_APPS
    except ImproperlyConfigured:
        handle_default_options(Namespace(settings=SETTINGS_MODULE, pythonpath=None))


def require_free_port(host: str, port: int, *, setting: str = "PORT") -> None:
    """Raises CannotStart when nobody could listen there. Bound without SO_REUSEPORT, so another Stoa counts as taken."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotStart(
                f"port {port} on {host} is taken; stop what listens there or choose another with {setting}"
            ) from None
        raise CannotStart(f"cannot listen on {host}:{port} ({error.strerror}); see BIND_HOST and {setting}") from None


def require_collected_static(settings: Settings) -> None:
    """Raises CannotStart in production without `collectstatic`: pages would answer 500 while the API is well."""
    if settings.in_production and not (COLLECTED / "staticfiles.json").is_file():
        raise CannotStart("static files are not collected; run `python manage.py collectstatic --noinput` first")


def require_writable(settings: Settings) -> None:
    """Raises CannotStart for the first folder that can neither be made nor written to, or a database file like that."""
    folders = [Path(settings.drain_file).parent]
    if settings.enable_file_logging:
        folders.append(Path(settings.log_dir))
    address = database_address(settings)
    if address.engine == "sqlite" and address.name != ":memory:":
        file = Path(address.name)
        folders.append(file.parent)
        if file.exists() and not os.access(file, os.W_OK):
            raise CannotStart(f"{file.resolve()} cannot be written to; it is the database")
    require_writable_folders(folders)


def require_writable_folders(folders: Sequence[Path]) -> None:
    for folder in folders:
        probe = folder / f".stoa-{os.getpid()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise CannotStart(f"cannot write to {folder.resolve()} ({error.strerror})") from None


def require_database_rules() -> None:
    """With Django set up. Raises CannotStart while a trigger that keeps a rule is missing from the database."""
    from django.db import connection  # noqa: PLC0415 - only a process that has Django asks

    from stoa.platform.db.triggers import MissingTriggers, require_triggers  # noqa: PLC0415 - the same

    try:
        require_triggers()
    except MissingTriggers as error:
        raise CannotStart(str(error)) from None
    finally:
        connection.close()
