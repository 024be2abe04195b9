"""Flags as code declares them: the only ones that can be asked for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_NAME = re.compile(r"[a-z][a-z0-9_]{1,62}")


@dataclass(frozen=True, slots=True)
class Flag:
    """`PAYMENTS = declare("payments", default=True, description="...")`.

    `default` holds for everybody where neither the environment nor a row decides; False, opt-in, unless said."""

    name: str
    description: str
    default: bool
    owner: str


_declared: dict[str, Flag] = {}


def declare(name: str, *, description: str, default: bool = False, owner: str = "") -> Flag:
    """Once a flag, at import. Raises ValueError for a name that is taken or could not stand in FEATURE_<NAME>."""
    # FEATURE_FLAGS is the list, and FEATURE_<NAME>_FILE the file that holds a value.
    if not _NAME.fullmatch(name) or name == "flags" or name.endswith("_file"):
        raise ValueError(f"{name!r} is no name for a flag: lower-case letters, digits and _, not `flags` nor `*_file`")
    if name in _declared:
        raise ValueError(f"the flag {name} is declared twice")
    flag = Flag(name, description, default, owner)
    _declared[name] = flag
    return flag


def declared_flags() -> Mapping[str, Flag]:
    return MappingProxyType(_declared)


def flag_named(name: str) -> Flag:
    """Raises LookupError for a name that no code declares."""
    try:
        return _declared[name]
    except KeyError:
        raise LookupError(f"no flag {name} is declared") from None
