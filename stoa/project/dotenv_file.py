"""The `.env` of a first start: fresh secrets, and limits that do not stand in a developer's way."""

import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from stoa.runtime.config.model import Settings
from stoa.runtime.config.registry import declarations

SECRETS = ("DJANGO_SECRET_KEY", "JWT_SECRET")
DEVELOPMENT = {
    "DEMO_DATA": "true",
    "THROTTLE_USER_RATE": "6000/min",
    "THROTTLE_ANON_RATE": "6000/min",
    "SIGN_IN_RATE": "600/min",
    "REGISTER_RATE": "600/hour",
}
_HEAD = """\
# Written by the first `stoa run` for this folder alone; never commit it.
# Every variable there is: .env.example and docs/environment.md. The real environment wins over this file.
"""


def development_values() -> Mapping[str, str]:
    return {name: secrets.token_urlsafe(48) for name in SECRETS} | DEVELOPMENT


def render(values: Mapping[str, str]) -> str:
    """The values under the registry's own words, in its order. Raises KeyError for a name it does not declare."""
    known = {declaration.name: declaration for declaration in declarations(Settings)}
    unknown = values.keys() - known.keys()
    if unknown:
        raise KeyError(*sorted(unknown))
    chosen = [declaration for name, declaration in known.items() if name in values]
    return _HEAD + "".join(f"\n# {each.description}\n{each.name}={values[each.name]}\n" for each in chosen)


def write_once(path: Path) -> bool:
    """Write `path`, readable by its owner only, unless it exists. Whole or not at all, also against a second start.

    Raises OSError when the folder cannot be written to."""
    if path.exists():
        return False
    # mkstemp creates with mode 0600.
    handle, name = tempfile.mkstemp(prefix=".env-", dir=path.parent)
    half = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(render(development_values()))
        os.link(half, path)
    except FileExistsError:
        return False
    finally:
        half.unlink()
    return True
