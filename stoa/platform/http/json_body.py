"""Reading a body: strict JSON by the standard library, then clean text.

Not orjson: it turns 10^30 into a float and keeps the last of two equal keys."""

import json
import unicodedata
from typing import Any, NoReturn

from stoa.kit.errors import Invalid, Malformed


def read_json(body: bytes) -> Any:
    """The value, its text in NFC. Raises Malformed, or Invalid naming each text that no database can hold."""
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_object_without_repeats, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise Malformed("The body is not valid JSON in UTF-8.") from None
    faults: dict[str, list[str]] = {}
    clean = clean_text(value, (), faults)
    if faults:
        raise Invalid(faults)
    return clean


def clean_text(value: Any, path: tuple[str, ...], faults: dict[str, list[str]]) -> Any:
    """The same value with every string in NFC; a NUL or an unpaired surrogate is noted under its dotted path."""
    if isinstance(value, str):
        if value.isascii():
            clean, storable = value, "\x00" not in value
        else:
            clean = unicodedata.normalize("NFC", value)
            storable = "\x00" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
        if not storable:
            faults.setdefault(".".join(path) or "body", []).append("NUL and unpaired surrogates are not text")
        return clean
    if isinstance(value, list):
        return [clean_text(item, (*path, str(index)), faults) for index, item in enumerate(value)]
    if isinstance(value, dict):
        return {clean_text(k, path, faults): clean_text(v, (*path, k), faults) for k, v in value.items()}
    return value


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
