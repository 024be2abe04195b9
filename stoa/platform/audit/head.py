"""The chain's head outside the database: without it, a trail whose end was cut off verifies like a shorter one."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from stoa.kit.clock import isoformat, utc_now
from stoa.platform.audit.chain import Keys, sign
from stoa.runtime.config.current import settings


class BrokenHead(ValueError):
    """The file cannot be read, or nobody who has AUDIT_KEY wrote it."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last row sealed."""

    seq: int
    mac: str


def head_path() -> Path:
    return Path(settings().audit_head_file)


def read_head(path: Path, keys: Keys) -> Head | None:
    """None where there is no file yet. Raises BrokenHead."""
    try:
        written = orjson.loads(path.read_bytes())
        head = Head(int(written["seq"]), str(written["mac"]))
        secret = keys.secrets[written["key_id"]]
        signature = str(written["signature"])
    except FileNotFoundError:
        return None
    except KeyError:
        raise BrokenHead(f"{path}: it was not written under a key that AUDIT_KEY names") from None
    except (OSError, ValueError, TypeError) as error:
        raise BrokenHead(f"{path}: {type(error).__name__}") from error
    if signature != _signature(head, secret):
        raise BrokenHead(f"{path}: it was not written under AUDIT_KEY")
    return head


def write_head(path: Path, head: Head, keys: Keys) -> None:
    """Atomically and for good: a new file, flushed, in the place of the old one. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {
        **asdict(head),
        "key_id": keys.first,
        "signature": _signature(head, keys.secrets[keys.first]),
        "written_at": isoformat(utc_now()),
    }
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with fresh.open("wb") as file:
        file.write(orjson.dumps(said, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def set_aside(path: Path) -> Path:
    """Keep the file beside, under the time of now; returns its new name."""
    kept = path.with_name(f"{path.name}.{utc_now():%Y%m%dT%H%M%S}")
    path.replace(kept)
    return kept


def _signature(head: Head, secret: bytes) -> str:
    return sign(["head", head.seq, head.mac], key=secret)
