"""Which address a request came from, as far as it can be believed."""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache


def client_address(meta: Mapping[str, object], trusted_proxy_count: int) -> str:
    """The caller's address in canonical form, from a WSGI environ or Django's `request.META`.

    Each trusted proxy appends the peer it saw to X-Forwarded-For, so only that many entries from the right are
    believed, nearest first; the walk ends at the first one that is not an address. 0 means REMOTE_ADDR alone.
    A port, brackets and a zone are dropped, IPv4 inside IPv6 becomes IPv4. An IPv6 address stays whole: a caller with
    a /64 has many of them, and a limit by address counts each one. Empty when no hop has an address (a Unix socket
    without trusted proxies)."""
    address = _canonical(str(meta.get("REMOTE_ADDR") or ""))
    forwarded = str(meta.get("HTTP_X_FORWARDED_FOR") or "")
    if trusted_proxy_count <= 0 or not forwarded:
        return address
    hops = forwarded.rsplit(",", trusted_proxy_count)[-trusted_proxy_count:]
    for hop in reversed(hops):
        believed = _canonical(hop)
        if not believed:
            break
        address = believed
    return address


@lru_cache(maxsize=1024)
def _canonical(text: str) -> str:
    """Empty if it is not an address."""
    text = text.strip(' \t"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)
