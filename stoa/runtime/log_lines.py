"""From a log record to one line: the masked entry, and its two forms.

The entry is made once a record, whatever the number of handlers, and kept on the record.
"""

import json
import logging
import re
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import orjson

from stoa.runtime import context
from stoa.runtime.masking import mask_arguments, mask_field, mask_text, mask_value, printable

FIELDS: Final = "stoa_fields"
"""The record's attribute that carries our keywords; as `extra` they would collide with `name`, `args`, `module`."""
_ENTRY: Final = "stoa_entry"
_OF_A_RECORD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", FIELDS, _ENTRY}
_OURS: Final = frozenset({"ts", "level", "logger", "msg", "exception", "stack", "log_id", "file", "func"})
_CONTEXT: Final = ("request_id", "user_id", "org_id", "task_id", "task_name")

_LONE_BAR = re.compile(r"(?<!\S)\|(?!\S)")
_UNFIT_FOR_A_KEY = re.compile(r"[^\w.\-]")
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(slots=True)
class Entry:
    """What a line says, already masked. `known` holds the context's ids and `fields` everything else."""

    level: str
    logger: str
    message: str
    known: dict[str, str]
    fields: dict[str, object]
    exception: str
    stack: str


class LineFormatter(logging.Formatter):
    def __init__(self, form: Literal["json", "text"]) -> None:
        super().__init__()
        self._render: Callable[[logging.LogRecord, Entry], str] = render_json if form == "json" else render_text

    def format(self, record: logging.LogRecord) -> str:
        entry = record.__dict__.get(_ENTRY)
        if entry is None:
            entry = record.__dict__[_ENTRY] = _entry(record)
        return self._render(record, entry)


def render_json(record: logging.LogRecord, entry: Entry) -> str:
    """One object. `ts` is when it happened, UTC with milliseconds; a field never replaces one of ours."""
    seconds, milliseconds = divmod(int(record.created * 1000), 1000)
    line: dict[str, object] = {
        "ts": f"{_moment(seconds, 'T')}.{milliseconds:03}Z",
        "level": entry.level,
        "logger": entry.logger,
        "msg": entry.message,
        "request_id": None,
        **entry.known,
        **entry.fields,
    }
    if entry.exception:
        line["exception"] = entry.exception
    if entry.stack:
        line["stack"] = entry.stack
    return _json(line)


def render_text(record: logging.LogRecord, entry: Entry) -> str:
    """`2026-02-03 12:34:56 | INFO | log_id=... | file=...:87 | func=... | msg=... | key=value`, in UTC.

    A traceback follows, each line indented: what starts in the first column is a line of ours."""
    known = entry.known
    parts = [
        _moment(int(record.created), " "),
        entry.level,
        f"log_id={_one_line(known.get('request_id', '-'))}",
        f"file={_one_line(record.filename)}:{record.lineno}",
        f"func={_one_line(record.funcName or '-')}",
        f"msg={_one_line(entry.message)}",
    ]
    for name, value in known.items():
        if name != "request_id":
            parts.append(f"{name}={_one_line(value)}")
    for name, field in entry.fields.items():
        text = field if type(field) is str else _json(field)
        parts.append(f"{_fit_key(name)}={_one_line(text)}")
    line = " | ".join(parts)
    if entry.exception or entry.stack:
        below = "\n".join(part for part in (entry.exception, entry.stack) if part)
        line += "".join(f"\n    {_one_line(row)}" for row in below.split("\n"))
    return line


def _entry(record: logging.LogRecord) -> Entry:
    raw = record.__dict__.get(FIELDS)
    if raw is None:
        raw = {name: value for name, value in record.__dict__.items() if name not in _OF_A_RECORD}
    known = _known_ids()
    return Entry(
        level=record.levelname,
        logger=record.name,
        message=_message(record),
        known=known,
        fields=_fields(raw, known) if raw else {},
        exception=mask_text(_traceback(record)) if record.exc_info or record.exc_text else "",
        stack=mask_text(record.stack_info) if record.stack_info else "",
    )


def _known_ids() -> dict[str, str]:
    now = context.current()
    if not (now.user_id or now.org_id or now.task_id or now.task_name):
        return {"request_id": now.request_id} if now.request_id else {}
    return {name: value for name in _CONTEXT if (value := getattr(now, name))}


def _fields(raw: Mapping[str, object], known: dict[str, str]) -> dict[str, object]:
    """A field under one of our names gets the prefix `extra_`; an id that the context lacks is taken from here."""
    fields: dict[str, object] = {}
    for given, value in raw.items():
        name = _field_name(given)
        masked = mask_field(given, value)
        if name in known:
            if masked == known[name]:
                continue
            name = f"extra_{name}"
        elif name == "request_id" and masked:
            known[name] = printable(masked)
            continue
        fields[name] = masked
    return fields


@lru_cache(maxsize=1024)
def _field_name(given: str) -> str:
    return f"extra_{given}" if given in _OURS else mask_text(given)


def _message(record: logging.LogRecord) -> str:
    template = record.msg if type(record.msg) is str else printable(_unmasked_text(record.msg))
    if record.args:
        arguments = mask_arguments(template, record.args)
        try:
            template = template % arguments
        except Exception:  # noqa: BLE001 - wrong placeholders or a failing __str__ must not cost the line
            template = f"{template} {_json(mask_value(arguments))}"
    return mask_text(template)


def _unmasked_text(message: object) -> object:
    """A container as the message is masked by its names first; anything else by its text afterwards."""
    return mask_value(message) if isinstance(message, (Mapping, list, tuple)) else message


def _traceback(record: logging.LogRecord) -> str:
    """Chained causes included. `exc_text` is another formatter's rendering and all that a pickled record has."""
    if record.exc_info and record.exc_info[1] is not None:
        return "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    return record.exc_text or ""


def _json(value: object) -> str:
    try:
        return orjson.dumps(value, default=printable, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        # Lone surrogates and integers beyond 64 bits: orjson refuses what json writes.
        return json.dumps(value, default=printable)


@lru_cache(maxsize=16)
def _moment(seconds: int, between: str) -> str:
    return time.strftime(f"%Y-%m-%d{between}%H:%M:%S", time.gmtime(seconds))


def _one_line(text: str) -> str:
    """Line breaks, control and other unprintable characters escaped, and a bar that would pass for a separator."""
    if "|" in text:
        text = _LONE_BAR.sub(r"\\|", text)
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    return _SHORT.get(character) or character.encode("unicode_escape", "backslashreplace").decode()


@lru_cache(maxsize=1024)
def _fit_key(name: str) -> str:
    return _UNFIT_FOR_A_KEY.sub("_", name)
