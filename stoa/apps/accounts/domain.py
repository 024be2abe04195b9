"""Pure rules of accounts: what an e-mail and a handle are, and how long tokens live."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

HANDLE = re.compile(r"[a-z0-9_]{3,30}")
_LONGEST_HANDLE = 30
_SHORTEST_HANDLE = 3


def is_handle(text: str) -> bool:
    return HANDLE.fullmatch(text) is not None


def candidate_handles(email: str, random_suffix: Iterator[str]) -> Iterator[str]:
    """Handles to try for somebody who chose none: the e-mail's name, then with suffixes.

    The name before the @ is personal data that its owner did not ask to publish, so only its letters are taken and a
    suffix always follows."""
    letters = re.sub(r"[^a-z]", "", email.partition("@")[0].lower())[:12] or "member"
    for suffix in random_suffix:
        candidate = f"{letters}_{suffix}"[:_LONGEST_HANDLE]
        yield candidate.ljust(_SHORTEST_HANDLE, "_")


_KEY_LETTERS = 64


def folded(text: str) -> str:
    """For comparing by eye: width, case and forms of a letter do not count."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def search_key(text: str) -> str:
    """The beginning of the folded text as hexadecimal UTF-8. A prefix stays a prefix, and digits and a-f sort alike in
    every collation of every database, so one plain index serves prefix and order."""
    return folded(text).strip()[:_KEY_LETTERS].encode().hex()


LOCKOUT_WINDOW = timedelta(minutes=15)
GUESSES_OF_PAIR, GUESSES_OF_ADDRESS, GUESSES_OF_ACCOUNT = 5, 50, 20


def locked_until(guesses: Iterable[datetime], most: int) -> datetime | None:
    """When one more guess fits below `most` in the window, given those that lie in it; None: it fits now."""
    newest = sorted(guesses)[-most:]
    return newest[0] + LOCKOUT_WINDOW if len(newest) == most else None


@dataclass(frozen=True, slots=True)
class SocialIdentity:
    """Who somebody is at a provider: `uid` stays, all else may change there. `email_verified` is the provider's word."""

    provider: str
    uid: str
    email: str
    email_verified: bool
    name: str


def allowed_redirect(wanted: str, allowed: Sequence[str]) -> str | None:
    """Where a browser may be sent: an address of the list, or any path of an origin that stands there alone; "" means
    the first. None for anything else."""
    if not wanted:
        return allowed[0] if allowed else None
    if wanted in allowed:
        return wanted
    # Browsers read a backslash as a slash and drop control characters; urlsplit does not.
    if "\\" in wanted or any(ord(letter) <= 0x20 for letter in wanted):
        return None
    try:
        parts = urlsplit(wanted)
        origins = {urlsplit(each)[:2] for each in allowed if urlsplit(each).path in {"", "/"}}
    except ValueError:
        return None
    return wanted if parts[:2] in origins and parts.netloc and not parts.fragment else None


def with_parameter(url: str, name: str, value: str) -> str:
    """The address with one more parameter in its query; one of that name there is replaced."""
    parts = urlsplit(url)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != name]
    return parts._replace(query=urlencode([*kept, (name, value)])).geturl()


def secret_hash(secret: str) -> str:
    """What is stored of a token that carries 256 random bits: SHA-256, with no need of a salt."""
    return hashlib.sha256(secret.encode()).hexdigest()
