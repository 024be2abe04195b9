"""What a client may say to the gateway, read strictly: one JSON object with `op`, known fields of the right type only.

Version 1, selected by the subprotocol `stoa.v1`. A second version gets its own name and runs beside this one."""

from collections.abc import Callable, Mapping
from typing import Any, Literal
from uuid import UUID

import orjson

from stoa.kit.contract import Contract
from stoa.kit.ids import parse_id
from stoa.wire.channels import parse_channel

VERSION = 1
SUBPROTOCOL = "stoa.v1"
TOKEN_PROTOCOL = "stoa.token."  # noqa: S105 - the prefix under which a browser offers a token as a subprotocol
TICKET_PROTOCOL = "stoa.ticket."
LARGEST_FRAME = 65_536
LARGEST_OFFSET = 2**53 - 1
"""What every JSON client holds exactly."""
_LONGEST_CREDENTIAL = 8192
_LONGEST_EPOCH = 64


class Auth(Contract):
    """Exactly one of the two."""

    op: Literal["auth"] = "auth"
    token: str | None = None
    ticket: str | None = None


class Subscribe(Contract):
    """With the last epoch and offset seen, both or neither, to resume."""

    op: Literal["subscribe"] = "subscribe"
    channel: str
    epoch: str | None = None
    offset: int | None = None


class Unsubscribe(Contract):
    op: Literal["unsubscribe"] = "unsubscribe"
    channel: str


class Typing(Contract):
    op: Literal["typing"] = "typing"
    thread_id: UUID
    is_typing: bool


class Presence(Contract):
    op: Literal["presence"] = "presence"
    status: Literal["online", "away", "offline"]


class Ping(Contract):
    op: Literal["ping"] = "ping"


type ClientFrame = Auth | Subscribe | Unsubscribe | Typing | Presence | Ping


class BadFrame(Exception):
    """What is wrong with a frame, in the words of an `error` frame; never its content."""

    def __init__(self, code: str, message: str, op: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.op = code, message, op


def parse(text: str | bytes) -> ClientFrame:
    """Raises BadFrame, and nothing else, whatever it is given."""
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > LARGEST_FRAME:
        raise BadFrame("FRAME_TOO_LARGE", f"A frame may have {LARGEST_FRAME} bytes.")
    try:
        whole = orjson.loads(text)
    except ValueError:  # also what is nested too deeply, and a lone surrogate
        raise BadFrame("BAD_FRAME", "A frame is one JSON object.") from None
    if not isinstance(whole, dict):
        raise BadFrame("BAD_FRAME", "A frame is one JSON object.")
    op = whole.pop("op", None)
    reader = _READERS.get(op) if isinstance(op, str) else None
    if reader is None:
        raise BadFrame("UNKNOWN_OP", "No such op.")
    fields = _Fields(op, whole)
    frame = reader(fields)
    fields.end()
    return frame


class _Fields:
    """The fields of one frame, each taken once; what is left over at the end is a fault."""

    def __init__(self, op: str, values: Mapping[str, Any]) -> None:
        self.op = op
        self._left = dict(values)

    def fault(self, message: str) -> BadFrame:
        return BadFrame("BAD_FRAME", message, self.op)

    def text(self, name: str, longest: int) -> str | None:
        """None when absent or null."""
        value = self._left.pop(name, None)
        if value is not None and not (isinstance(value, str) and 0 < len(value) <= longest):
            raise self.fault(f"`{name}` is a text of 1 to {longest} characters.")
        return value

    def offset(self, name: str) -> int | None:
        value = self._left.pop(name, None)
        if value is not None and not (type(value) is int and 0 <= value <= LARGEST_OFFSET):
            raise self.fault(f"`{name}` is a whole number from 0 to {LARGEST_OFFSET}.")
        return value

    def channel(self) -> str:
        name = self.text("channel", 64)
        if name is None or parse_channel(name) is None:
            raise self.fault("`channel` is user:, org:, thread: or post: and a UUID in lower case.")
        return name

    def uuid(self, name: str) -> UUID:
        value = parse_id(self.text(name, 36) or "")
        if value is None:
            raise self.fault(f"`{name}` is a UUID.")
        return value

    def boolean(self, name: str) -> bool:
        value = self._left.pop(name, None)
        if not isinstance(value, bool):
            raise self.fault(f"`{name}` is true or false.")
        return value

    def end(self) -> None:
        if self._left:
            raise self.fault("There are fields that this op does not have.")


def _auth(fields: _Fields) -> Auth:
    frame = Auth(token=fields.text("token", _LONGEST_CREDENTIAL), ticket=fields.text("ticket", _LONGEST_CREDENTIAL))
    if (frame.token is None) == (frame.ticket is None):
        raise fields.fault("`auth` takes a token or a ticket.")
    return frame


def _subscribe(fields: _Fields) -> Subscribe:
    frame = Subscribe(
        channel=fields.channel(), epoch=fields.text("epoch", _LONGEST_EPOCH), offset=fields.offset("offset")
    )
    if (frame.epoch is None) != (frame.offset is None):
        raise fields.fault("`epoch` and `offset` come together or not at all.")
    return frame


def _presence(fields: _Fields) -> Presence:
    match fields.text("status", 16):
        case "online" | "away" | "offline" as status:
            return Presence(status=status)
    raise fields.fault("`status` is online, away or offline.")


_READERS: Mapping[str, Callable[[_Fields], ClientFrame]] = {
    "auth": _auth,
    "subscribe": _subscribe,
    "unsubscribe": lambda fields: Unsubscribe(channel=fields.channel()),
    "typing": lambda fields: Typing(thread_id=fields.uuid("thread_id"), is_typing=fields.boolean("is_typing")),
    "presence": _presence,
    "ping": lambda _: Ping(),
}
