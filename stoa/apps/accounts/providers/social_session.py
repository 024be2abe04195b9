"""What allauth sends to a provider, through our client: a deadline, no transaction, no address inside our network."""

import ipaddress
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from stoa.platform.db.transactions import refuse_in_transaction
from stoa.runtime.config.current import settings
from stoa.runtime.http_client import HttpClient

LARGEST_ANSWER = 256 * 1024

_client = HttpClient("social sign-in", guard=refuse_in_transaction)
_until: ContextVar[float] = ContextVar("stoa_social_deadline", default=0.0)


class AddressRefused(ValueError):
    """A provider's own document named an address that Stoa does not call."""


@contextmanager
def one_deadline() -> Iterator[None]:
    """All requests of one sign-in together have SOCIAL_DEADLINE_S: four slow answers are not four deadlines."""
    token = _until.set(time.monotonic() + settings().social_deadline_s)
    try:
        yield
    finally:
        _until.reset(token)


class Session:
    """The part of `requests.Session` that allauth's providers use. Raises NoAnswer and AddressRefused."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.request("GET", url, **options)

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, auth: Any = None, **options: Any
    ) -> httpx.Response:
        check_address(url)
        given = {name: value for name, value in options.items() if value}
        return _client.request(
            method,
            url,
            deadline_s=max(_until.get() - time.monotonic(), 0.0),
            largest_answer=LARGEST_ANSWER,
            headers={"Accept": "application/json", **(headers or {})},
            auth=(auth.username, auth.password) if auth is not None else None,
            **given,
        )


def check_address(url: str) -> None:
    """The operator's own server is called as it was named; anything else by https and in the public network only.
    A name that leads elsewhere a moment later would still have to show the certificate of the first."""
    parts = urlsplit(url)
    named = urlsplit(settings().social_openid_server_url or "")
    if named.hostname and (parts.scheme, parts.netloc) == (named.scheme, named.netloc):
        return
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise AddressRefused("https is expected")
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise AddressRefused("the name is unknown") from error
    if not all(ipaddress.ip_address(str(each[4][0])).is_global for each in found):
        raise AddressRefused("the address is not public")
