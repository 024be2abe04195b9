"""What a refused request is: a stable code, a kind, a sentence and typed details.

The kind says who is at fault and whether trying again can help; `platform/http` alone turns kinds into statuses and
runners alone turn them into retries.
"""

import copyreg
from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    DENIED = "denied"
    MISSING = "missing"
    CONFLICT = "conflict"
    STALE = "stale"
    INVALID = "invalid"
    LIMITED = "limited"
    UPSTREAM = "upstream"
    UNAVAILABLE = "unavailable"


class DomainError(Exception):
    """An expected refusal. Subclasses name the broken rule and set `code`, `kind` and `message`.

    `details` reaches the caller as it is, so it never holds a secret or another's data.
    `retry_after_s`, whole seconds, becomes the Retry-After header."""

    code: ClassVar[str]
    kind: ClassVar[Kind]
    message: ClassVar[str]

    def __init__(
        self, message: str = "", *, details: Mapping[str, object] | None = None, retry_after_s: int | None = None
    ) -> None:
        self.text = message or self.message
        self.details = dict(details or {})
        self.retry_after_s = retry_after_s
        super().__init__(self.text)

    def __reduce__(self) -> tuple[object, ...]:
        # A refusal may leave a worker process pickled. By default __init__ is then called with the text alone, which
        # a subclass with another signature (Invalid) cannot take.
        return copyreg.__newobj__, (type(self), self.text), self.__dict__  # type: ignore[attr-defined]


class Malformed(DomainError):
    code, kind, message = "BAD_REQUEST", Kind.MALFORMED, "The request could not be read."


class Unauthenticated(DomainError):
    code, kind, message = "UNAUTHORIZED", Kind.UNAUTHENTICATED, "Sign in to do this."


class Denied(DomainError):
    code, kind, message = "FORBIDDEN", Kind.DENIED, "You may not do this."


class Missing(DomainError):
    code, kind, message = "NOT_FOUND", Kind.MISSING, "There is nothing here."


class Conflict(DomainError):
    code, kind, message = "CONFLICT", Kind.CONFLICT, "The request conflicts with the present state."


class Stale(DomainError):
    code, kind, message = "PRECONDITION_FAILED", Kind.STALE, "It has changed since you read it."


class Invalid(DomainError):
    """Well-formed, but some fields cannot be accepted: `fields` maps a dotted path to its reasons."""

    code, kind, message = "VALIDATION_ERROR", Kind.INVALID, "Some fields are not valid."

    def __init__(self, fields: Mapping[str, list[str]], message: str = "") -> None:
        self.fields = dict(fields)
        super().__init__(message, details={"fields": self.fields})


class Limited(DomainError):
    code, kind, message = "RATE_LIMITED", Kind.LIMITED, "Too many requests; try again later."


class Upstream(DomainError):
    code, kind, message = "UPSTREAM_ERROR", Kind.UPSTREAM, "A service that Stoa depends on failed."


class Unavailable(DomainError):
    code, kind, message = "UNAVAILABLE", Kind.UNAVAILABLE, "The service is busy; try again shortly."
