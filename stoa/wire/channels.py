"""Channel names: `user:<id>`, `org:<id>`, `thread:<id>`, `post:<id>`. A name that is not canonical is no name."""

from typing import Literal
from uuid import UUID

from stoa.kit.contract import Contract
from stoa.kit.ids import parse_id

type ChannelKind = Literal["user", "org", "thread", "post"]

KINDS: tuple[ChannelKind, ...] = ("user", "org", "thread", "post")
SERVED: frozenset[ChannelKind] = frozenset({"user", "org"})
"""Those that a client may subscribe to today; the others arrive with messaging and social."""


class Channel(Contract):
    kind: ChannelKind
    id: UUID

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


def parse_channel(name: str) -> Channel | None:
    """None unless the name is exactly what `str()` of the channel gives: two spellings would be two histories."""
    kind, _, text = name.partition(":")
    parsed = parse_id(text)
    if kind not in KINDS or parsed is None or text != str(parsed):
        return None
    return Channel(kind=kind, id=parsed)


def user_channel(user_id: UUID) -> str:
    return f"user:{user_id}"


def org_channel(org_id: UUID) -> str:
    return f"org:{org_id}"
