"""The frames of stoa/wire as types for clients in other worlds; written from the code, so that they cannot drift.

.venv/bin/python scripts/wire_frames.py [--check]
"""

import argparse
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints
from uuid import UUID

ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)

from stoa.wire import client_frames, server_frames  # noqa: E402 - found from the root
from stoa.wire.close_codes import FIRST_FINAL, Close  # noqa: E402 - the same

PYTHON = ROOT / "clients/python/stoa_realtime/frames.py"
TYPESCRIPT = ROOT / "clients/typescript/src/frames.ts"
HEAD = "From stoa/wire by scripts/wire_frames.py; do not edit."


def main() -> int:
    parser = argparse.ArgumentParser(description="frames of the realtime protocol for clients")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a file is stale")
    check = parser.parse_args().check
    stale = [path for path, text in rendered().items() if not path.exists() or path.read_text() != text]
    if check:
        for path in stale:
            print(f"{path.relative_to(ROOT)} does not fit stoa/wire; run scripts/wire_frames.py", file=sys.stderr)
        return 1 if stale else 0
    for path, text in rendered().items():
        path.write_text(text)
    return 0


def rendered() -> dict[Path, str]:
    return {PYTHON: _python(), TYPESCRIPT: _typescript()}


def server_types() -> tuple[type[Any], ...]:
    return get_args(server_frames.ServerFrame.__value__)


def client_types() -> tuple[type[Any], ...]:
    return get_args(client_frames.ClientFrame.__value__)


def _python() -> str:
    lines = [f'"""{HEAD}"""', "", "from typing import Any, Literal, NotRequired, TypedDict", ""]
    lines += [f'SUBPROTOCOL = "{client_frames.SUBPROTOCOL}"', f"FIRST_FINAL = {FIRST_FINAL}"]
    lines += [f"{code.name} = {code.value}" for code in Close]
    for each in (*server_types(), *client_types()):
        lines += ["", "", f"class {each.__name__}(TypedDict):"]
        lines += [
            f"    {line}" for line in _fields(each, _python_type, "{name}: {type}", "{name}: NotRequired[{type}]")
        ]
    names = " | ".join(each.__name__ for each in server_types())
    said = " | ".join(each.__name__ for each in client_types())
    lines += ["", "", f"type ServerFrame = {names}", f"type ClientFrame = {said}"]
    return "\n".join(lines) + "\n"


def _typescript() -> str:
    lines = [f"// {HEAD}", "", f'export const SUBPROTOCOL = "{client_frames.SUBPROTOCOL}";']
    lines += [f"export const FIRST_FINAL = {FIRST_FINAL};", ""]
    lines += ["export const CLOSE = {", *(f"  {code.name}: {code.value}," for code in Close), "} as const;"]
    for each in (*server_types(), *client_types()):
        lines += ["", f"export interface {each.__name__} {{"]
        lines += [f"  {line}" for line in _fields(each, _typescript_type, "{name}: {type};", "{name}?: {type};")]
        lines += ["}"]
    names = " | ".join(each.__name__ for each in server_types())
    said = " | ".join(each.__name__ for each in client_types())
    lines += ["", f"export type ServerFrame = {names};", f"export type ClientFrame = {said};"]
    return "\n".join(lines) + "\n"


def _fields(frame: type[Any], written: Callable[[Any], str], always: str, optional: str) -> Iterator[str]:
    """What a server always sends is always there; what a client may leave out is not."""
    hints = get_type_hints(frame)
    by_client = frame in client_types()
    for one in fields(frame):
        may_miss = by_client and one.name != "op" and _has_default(one)
        yield (optional if may_miss else always).format(name=one.name, type=written(hints[one.name]))


def _has_default(one: Field[Any]) -> bool:
    return one.default is not MISSING or one.default_factory is not MISSING


def _python_type(hint: Any) -> str:
    if get_origin(hint) is types.UnionType:
        return " | ".join(_python_type(each) for each in get_args(hint))
    if get_origin(hint) is Literal:
        return f"Literal[{', '.join(f'{word!r}'.replace(chr(39), chr(34)) for word in get_args(hint))}]"
    if get_origin(hint) is dict:
        return "dict[str, Any]"
    simple = {str: "str", UUID: "str", int: "int", bool: "bool", type(None): "None"}
    return simple[hint]


def _typescript_type(hint: Any) -> str:
    if get_origin(hint) is types.UnionType:
        return " | ".join(_typescript_type(each) for each in get_args(hint))
    if get_origin(hint) is Literal:
        return " | ".join(f'"{word}"' for word in get_args(hint))
    if get_origin(hint) is dict:
        return "Record<string, unknown>"
    simple = {str: "string", UUID: "string", int: "number", bool: "boolean", type(None): "null"}
    return simple[hint]


if __name__ == "__main__":
    sys.exit(main())
