"""The version of Stoa: pyproject.toml is the one place that states it."""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def _version() -> str:
    try:
        return version("stoa")
    except PackageNotFoundError:  # a checkout that runs without being installed: pip install -r requirements.txt
        declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
        return str(declared["project"]["version"])


VERSION = _version()
