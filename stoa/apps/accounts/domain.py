"""Pure rules of accounts: what an e-mail and a handle are, and how long tokens live."""

import re
import unicodedata
from collections.abc import Iterator

HANDLE = re.compile(r"[a-z0-9_]{3,30}")
_LONGEST_HANDLE = 30
_SHORTEST_HANDLE = 3


def canonical_email(email: str) -> str:
    """The form that is stored and compared: nobody's mail server tells Ann@ from ann@ any more."""
    return unicodedata.normalize("NFKC", email).strip().lower()


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
