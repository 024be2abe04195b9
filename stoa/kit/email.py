"""The one form of an e-mail address."""

import unicodedata


def canonical_email(email: str) -> str:
    """The form that is stored and compared: nobody's mail server tells Ann@ from ann@ any more."""
    return unicodedata.normalize("NFKC", email).strip().lower()
