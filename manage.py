#!/usr/bin/env python
"""Django's command line, for Stoa. `stoa` (run, web, drain) is the other one."""

import os
import sys
from contextlib import nullcontext
from pathlib import Path


def main() -> None:
    os.chdir(Path(__file__).resolve().parent)
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    try:  # a fresh clone has none of these yet
        from django.core.management import execute_from_command_line  # noqa: PLC0415

        from stoa.runtime import context  # noqa: PLC0415
        from stoa.runtime.config.errors import ConfigurationError  # noqa: PLC0415
        from stoa.runtime.process import declare_role  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        sys.exit(f"stoa: {missing.name} is not installed in {sys.executable}; `make install`, or use .venv/bin/python")
    if command == "test":
        # Not a default: the suite must never run on the settings of a real installation.
        os.environ["DJANGO_SETTINGS_MODULE"] = "stoa.project.settings.testing"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stoa.project.settings.main")
    declare_role("web" if command == "runserver" else "migrate" if command == "migrate" else "command")
    try:
        # A command is the root of a story, as a request is: one id on its lines, its events and its tasks.
        with nullcontext() if command == "test" else context.scope(task_name=command):
            execute_from_command_line(sys.argv)
    except ConfigurationError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
