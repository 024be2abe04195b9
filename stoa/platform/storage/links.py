"""Links to private files: signed, for a while, and where they say so for one person alone."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from stoa.kit.clock import utc_now
from stoa.kit.cursors import BadCursor, read_cursor, sign_cursor
from stoa.runtime.config.current import settings

PATH = "files"
_SCOPE = ("storage link",)


class BadLink(ValueError):
    """Not signed by us, or over."""


@dataclass(frozen=True, slots=True)
class Link:
    """`owner` is the id of the only person who may follow it, with their access token; "" for whoever has it."""

    key: str
    filename: str
    owner: str
    expires_at: datetime


def link_to(link: Link) -> str:
    """A path with the token in its query: access lines leave that out."""
    position = (link.key, link.filename, link.owner, int(link.expires_at.timestamp()))
    return f"/{PATH}?{urlencode({'t': sign_cursor(position, scope=_SCOPE, key=_secret())})}"


def read_link(token: str) -> Link:
    """Raises BadLink."""
    try:
        key, filename, owner, expires = read_cursor(token, scope=_SCOPE, key=_secret())
    except BadCursor:
        raise BadLink from None
    link = Link(str(key), str(filename), str(owner), datetime.fromtimestamp(int(expires), UTC))
    if link.expires_at <= utc_now():
        raise BadLink
    return link


def _secret() -> bytes:
    secret = settings().django_secret_key.get_secret_value().encode()
    return hmac.digest(secret, b"stoa storage links", hashlib.sha256)
