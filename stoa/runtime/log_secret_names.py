"""Which names say that their value is a secret.

A name is cut into segments at everything that is not a letter or digit and at camelCase borders; a segment must
match as a whole, so `pan` covers `card_pan` and `cardPan` and leaves `company` alone.
"""

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SECRET: Final = _words(
    "password token otp secret authorization cookie refresh access card cvv pan "
    # Other spellings of the same things, and names that sign or open something.
    "passwd pwd passphrase passcode totp cvc credential signature sessionid csrftoken bearer jwt "
    "apikey nationalcode accesstoken refreshtoken authtoken idtoken privatekey secretkey cardnumber"
)
_SECRET_PAIRS: Final = frozenset({("api", "key"), ("national", "code"), ("private", "key"), ("session", "id")})
_HEADERS: Final = _words("authorization cookie")
_PHONE: Final = _words("phone mobile msisdn telephone cellphone phonenumber")

_CHUNK = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\W_A-Za-z]+")
_LONGEST_NAME = 256


def _segments(name: str) -> list[str]:
    """Lower case, without trailing digits: Django's `password1`."""
    # A chunk counts as a whole too: `PassWord` has a border where no word ends.
    pieces = [piece for chunk in _CHUNK.findall(name) for piece in dict.fromkeys([chunk, *_CAMEL.findall(chunk)])]
    return [piece.lower().rstrip("0123456789") for piece in pieces]


def _names_one_of(words: frozenset[str], name: str) -> bool:
    """Singular or plural. Of a name longer than 256 characters only the end is looked at."""
    return any(segment in words or segment.removesuffix("s") in words for segment in _segments(name[-_LONGEST_NAME:]))


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Case does not matter."""
    if _names_one_of(_SECRET, name):
        return True
    singular = [segment.removesuffix("s") for segment in _segments(name[-_LONGEST_NAME:])]
    return not _SECRET_PAIRS.isdisjoint(pairwise(singular))


@lru_cache(maxsize=1024)
def is_header_name(name: str) -> bool:
    """Authorization, Cookie and their kin: an unquoted value runs to the end of its line."""
    return _names_one_of(_HEADERS, name)


@lru_cache(maxsize=4096)
def is_plain_name(name: str) -> bool:
    """Neither a secret's name nor a telephone's: one look-up for what is nearly always the answer."""
    return not (is_secret_name(name) or is_phone_name(name))


@lru_cache(maxsize=4096)
def is_phone_name(name: str) -> bool:
    return _names_one_of(_PHONE, name)
