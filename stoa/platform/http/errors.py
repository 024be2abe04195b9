"""The one table kind -> status, and what each other exception of a request becomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions as drf

from stoa.kit.errors import DomainError, Kind, Unavailable
from stoa.runtime.logs import get_logger

log = get_logger(__name__)

STATUS_OF: Mapping[Kind, int] = {
    Kind.MALFORMED: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.DENIED: 403,
    Kind.MISSING: 404,
    Kind.CONFLICT: 409,
    Kind.STALE: 412,
    Kind.INVALID: 422,
    Kind.LIMITED: 429,
    Kind.UPSTREAM: 502,
    Kind.UNAVAILABLE: 503,
}
CODE_OF: Mapping[int, tuple[str, str]] = {
    400: ("BAD_REQUEST", "The request could not be read."),
    401: ("UNAUTHORIZED", "Sign in to do this."),
    403: ("FORBIDDEN", "You may not do this."),
    404: ("NOT_FOUND", "There is nothing here."),
    405: ("METHOD_NOT_ALLOWED", "This address does not take that method."),
    406: ("NOT_ACCEPTABLE", "There is no such representation."),
    409: ("CONFLICT", "The request conflicts with the present state."),
    411: ("LENGTH_REQUIRED", "Say how long the body is."),
    412: ("PRECONDITION_FAILED", "It has changed since you read it."),
    413: ("PAYLOAD_TOO_LARGE", "The body is too large."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "Send application/json in UTF-8."),
    422: ("VALIDATION_ERROR", "Some fields are not valid."),
    429: ("RATE_LIMITED", "Too many requests; try again later."),
    500: ("INTERNAL_ERROR", "Something went wrong on our side."),
    502: ("UPSTREAM_ERROR", "A service that Stoa depends on failed."),
    503: ("UNAVAILABLE", "The service is busy; try again shortly."),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A refusal ready to be written in whichever form the caller asked for."""

    status: int
    code: str
    message: str
    details: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def failure_of_status(status: int, headers: Mapping[str, str] | None = None) -> Failure:
    """For errors that know nothing but their status; an unlisted 4xx or 5xx takes its class's first."""
    code, message = CODE_OF.get(status) or CODE_OF[500 if status >= 500 else 400]
    return Failure(status, code, message, {}, headers or {})


def failure_of(error: BaseException) -> Failure:
    """Never the exception's own text, unless it is a DomainError, whose text is written for callers."""
    match error:
        case DomainError():
            return _of_domain(error)
        case drf.MethodNotAllowed():
            return failure_of_status(405)
        case drf.APIException():
            return failure_of_status(error.status_code)
        case Http404():
            return failure_of_status(404)
        case PermissionDenied():
            return failure_of_status(403)
        case RequestDataTooBig():
            return failure_of_status(413)
        case SuspiciousOperation():
            return failure_of_status(400)
        case OperationalError():
            # The database is away, locked past its timeout, or ended the statement: busy, not broken.
            log.warning("database unavailable", error=type(error).__name__, exc_info=error)
            return _of_domain(Unavailable(retry_after_s=1))
        case _:
            log.error("unhandled exception", error=type(error).__name__, exc_info=error)
            return failure_of_status(500)


def _of_domain(error: DomainError) -> Failure:
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    if error.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return Failure(STATUS_OF[error.kind], error.code, error.text, error.details, headers)
