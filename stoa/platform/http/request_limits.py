"""Which limits one request is under."""

from collections.abc import Mapping
from typing import Any

from stoa.kit.errors import Limited
from stoa.platform.http.contracts import Caller
from stoa.platform.http.endpoints import Endpoint
from stoa.platform.http.limits import Limit, global_limits, limit_headers, limit_subject, own_limiter
from stoa.runtime.client_address import client_address
from stoa.runtime.config.current import settings


def take_limits(endpoint: Endpoint, caller: Caller | None, meta: Mapping[str, Any], headers: dict[str, str]) -> None:
    """Count this request, in one round trip, and note the RateLimit headers. Raises Limited.

    A signed-in caller is counted by user, anybody else by address."""
    current = settings()
    address = meta.get("stoa.client_address") or client_address(meta, current.trusted_proxy_count)
    limits = list(global_limits(current, signed_in=caller is not None)) if endpoint.default_limits else []
    limits += [Limit.from_rate(scope.name, getattr(current, scope.setting)) for scope in endpoint.limits]
    if not limits:
        return
    subject = limit_subject(user_id=str(caller.user_id) if caller is not None else "", address=address)
    verdict = own_limiter().take(limits, subject=subject)
    headers.update(limit_headers(verdict))
    if not verdict.allowed:
        raise Limited(retry_after_s=verdict.retry_after_s)
