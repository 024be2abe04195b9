"""Nobody chooses the address that limits and audit see."""

import pytest

from stoa.runtime.client_address import client_address

PEER = "192.0.2.9"


def seen(forwarded: str | None, proxies: int, peer: str = PEER) -> str:
    meta: dict[str, object] = {"REMOTE_ADDR": peer}
    if forwarded is not None:
        meta["HTTP_X_FORWARDED_FOR"] = forwarded
    return client_address(meta, proxies)


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        ("198.51.100.7", 0, PEER),
        (None, 1, PEER),
        ("", 1, PEER),
        ("198.51.100.7", 1, "198.51.100.7"),
        ("203.0.113.66, 198.51.100.7", 1, "198.51.100.7"),
        ("203.0.113.66, 198.51.100.7, 10.0.0.2", 2, "198.51.100.7"),
        ("198.51.100.7", 3, "198.51.100.7"),
        ("198.51.100.7,10.0.0.2", 16, "198.51.100.7"),
    ],
)
def test_only_the_trusted_hops_are_believed(forwarded: str | None, proxies: int, address: str) -> None:
    assert seen(forwarded, proxies) == address


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        ("unknown", 1, PEER),
        ("198.51.100.7, unknown", 2, PEER),
        ("unknown, 198.51.100.7", 2, "198.51.100.7"),
        ("198.51.100.7, ", 1, PEER),
        ("198.51.100.999", 1, PEER),
        ("1", 1, PEER),
        ("' OR 1=1 --", 1, PEER),
        ("198.51.100.7\x00", 1, PEER),
        ("," * 100_000, 16, PEER),
    ],
)
def test_the_walk_ends_at_what_is_no_address(forwarded: str, proxies: int, address: str) -> None:
    assert seen(forwarded, proxies) == address


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("198.51.100.7:51234", "198.51.100.7"),
        ('"198.51.100.7"', "198.51.100.7"),
    ],
)
def test_one_address_has_one_spelling(written: str, address: str) -> None:
    assert seen(written, 1) == address
    assert seen(None, 0, peer=written) == address


def test_two_addresses_of_one_64_stay_two() -> None:
    assert seen("2001:db8::1", 1) != seen("2001:db8::2", 1)


@pytest.mark.parametrize("peer", ["", "unix:", "@"])
def test_a_unix_socket_has_no_address_of_its_own(peer: str) -> None:
    assert seen("198.51.100.7", 0, peer=peer) == ""
    assert seen("198.51.100.7", 1, peer=peer) == "198.51.100.7"
    assert client_address({}, 0) == ""
