"""Masking of values before they are written: by name at any depth, by pattern in every text."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Final
from uuid import UUID

from stoa.runtime.log_secret_names import is_plain_name, is_secret_name
from stoa.runtime.log_secret_text import MASK, mask_phone, mask_text

__all__ = ["MASK", "is_secret_name", "mask_arguments", "mask_field", "mask_text", "mask_value", "printable"]

_DEEPEST: Final = 12
_PLAIN: Final = frozenset({int, float, bool, type(None)})
_SCALARS: Final = (Decimal, UUID, date, time, timedelta)
_PLACEHOLDER = re.compile(r"%(\(|[^a-zA-Z%]*\*)?[^a-zA-Z%(*]*([a-zA-Z%])")
_NAME_BEFORE = re.compile(r"((?:\w+ )?[\w.\-\[\]]+)[\s\"'`=:>(\[{-]*\Z")


def mask_field(name: str, value: object, depth: int = 0) -> object:
    """The value under this name as JSON types. A secret name hides everything but None and booleans."""
    kind = type(value)
    if is_plain_name(name):
        if kind is str:
            return mask_text(value)  # type: ignore[arg-type]  # `type() is` does not narrow, and isinstance costs
        return value if kind in _PLAIN else mask_value(value, depth)
    if value is None or kind is bool:
        return value
    if is_secret_name(name):
        return MASK
    return mask_phone(str(value)) if isinstance(value, (str, int)) else mask_value(value, depth)


def mask_value(value: object, depth: int = 0) -> object:
    """Without secrets, made of JSON types; whatever is neither text, scalar nor container is masked as its text."""
    kind = type(value)
    if kind is str:
        return mask_text(value)  # type: ignore[arg-type]  # as above
    if kind in _PLAIN:
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, _SCALARS):
        return str(value)
    if isinstance(value, Enum):
        return mask_value(value.value, depth)
    if isinstance(value, str):
        return mask_text(str(value))
    if depth >= _DEEPEST:
        return mask_text(printable(value))
    return _mask_container(value, depth + 1)


def _mask_container(value: object, depth: int) -> object:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return mask_text(bytes(value).decode("utf-8", "backslashreplace"))
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {_key(key): mask_field(_name(key), item, depth) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: mask_field(field.name, getattr(value, field.name, None), depth) for field in fields}
    if isinstance(value, Sequence):
        return _mask_sequence(value, depth)
    if isinstance(value, AbstractSet):
        return [mask_value(item, depth) for item in value]
    return mask_text(printable(value))


def _mask_sequence(value: Sequence[object], depth: int) -> list[object]:
    """An item that is a secret's name hides the one after it: header pairs, raw header lists, command lines."""
    masked: list[object] = []
    name = ""
    for item in value:
        masked.append(mask_field(name, item, depth) if name else mask_value(item, depth))
        name = _name(item) if isinstance(item, (str, bytes)) and len(item) <= 64 else ""
    return masked


def _name(key: object) -> str:
    return key.decode("latin-1") if isinstance(key, bytes) else printable(key)


def _key(key: object) -> str:
    return mask_text(_name(key))


def printable(value: object) -> str:
    """`str(value)`, for an exception with its type; a word about the type when that fails."""
    if type(value) is str:
        return value
    try:
        return f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else str(value)
    except Exception as error:  # noqa: BLE001 - any foreign __str__ may fail anyhow, and the line must still be written
        return f"<{type(value).__name__}: {type(error).__name__} in __str__>"


def mask_arguments(template: str, arguments: object) -> object:
    """The %-arguments of a message: containers by name, and whole those that follow a secret's name in the template.

    Text and scalars pass: the formatted message is masked as text afterwards."""
    if isinstance(arguments, Mapping):
        return {key: mask_field(str(key), item) for key, item in arguments.items()}
    if not isinstance(arguments, tuple):
        return arguments
    hidden = _hidden_positions(template)
    return tuple(
        MASK if index in hidden and item is not None else _mask_argument(item) for index, item in enumerate(arguments)
    )


def _mask_argument(item: object) -> object:
    if type(item) is str or type(item) in _PLAIN or isinstance(item, (*_SCALARS, Enum)):
        return item
    if isinstance(item, (Mapping, bytes, Sequence, AbstractSet)) or dataclasses.is_dataclass(item):
        return mask_value(item)
    return item


@lru_cache(maxsize=2048)
def _hidden_positions(template: str) -> frozenset[int]:
    """`wrong password %r for %s` hides its first argument: a value with blanks in it has no end in the text."""
    hidden, index, behind = set(), 0, 0
    for placeholder in _PLACEHOLDER.finditer(template):
        if placeholder[1] is not None:
            return frozenset()
        if placeholder[2] == "%":
            continue
        before = _NAME_BEFORE.search(template[behind : placeholder.start()][-80:])
        if before is not None and _announces_secret(before[1]):
            hidden.add(index)
        behind = placeholder.end()
        index += 1
    return frozenset(hidden)


def _announces_secret(words: str) -> bool:
    """The last word alone, so that the person in `wrong password for %s` stays; two for `api key`."""
    last = words.rpartition(" ")[2]
    return is_secret_name(last) or (last.lower() in {"key", "code"} and is_secret_name(words))
