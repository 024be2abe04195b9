"""The configuration in force in this process, read once."""

import sys
from functools import lru_cache
from pathlib import Path

from stoa.runtime.config.loader import Loaded, load
from stoa.runtime.config.model import Settings

_chosen: list[Loaded] = []


@lru_cache(maxsize=1)
def _from_environment() -> Loaded:
    loaded = load(dotenv=Path(".env"))
    # Not the log: the configuration is what tells how to log.
    sys.stderr.writelines(f"{remark}\n" for remark in loaded.remarks)
    return loaded


def loaded() -> Loaded:
    return _chosen[-1] if _chosen else _from_environment()


def settings() -> Settings:
    return loaded().settings


def use(configuration: Loaded) -> None:
    """Put another configuration in force before Django starts: the tests' own, which never reads `.env`."""
    _chosen.append(configuration)
