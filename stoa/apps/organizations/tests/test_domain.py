"""Permissions, roles that ship, who may give what."""

import pytest

from stoa.apps.organizations.domain import (
    ADMIN,
    PERMISSIONS,
    ROLE_NAME,
    SYSTEM_ROLES,
    effective_permissions,
    email_is_allowed,
    is_country,
    may_give,
    unknown_permissions,
)


def test_every_role_gives_known_permissions_and_the_admin_all() -> None:
    assert set(SYSTEM_ROLES) == {
        *("ORG_ADMIN", "MANAGER", "FINANCE", "ACCOUNTANT", "APPROVER"),
        *("CASHIER", "INVENTORY_CLERK", "VIEWER", "VENDOR"),
    }
    assert all(words <= PERMISSIONS and ROLE_NAME.fullmatch(name) for name, words in SYSTEM_ROLES.items())
    assert SYSTEM_ROLES[ADMIN] == PERMISSIONS
    assert all(SYSTEM_ROLES[name] < PERMISSIONS for name in SYSTEM_ROLES if name != ADMIN)


def test_whoever_only_looks_changes_nothing() -> None:
    assert all(word.endswith(":read") for word in SYSTEM_ROLES["VIEWER"])


@pytest.mark.parametrize(
    ("role", "allowed", "denied", "has"),
    [
        ((), (), (), False),
        (("members:read",), (), (), True),
        ((), ("members:read",), (), True),
        (("members:read",), (), ("members:read",), False),
        ((), ("members:read",), ("members:read",), False),
    ],
    ids=["nothing", "role", "allow", "deny beats role", "deny beats allow"],
)
def test_precedence_is_deny_allow_role_deny(
    role: tuple[str, ...], allowed: tuple[str, ...], denied: tuple[str, ...], has: bool
) -> None:
    assert ("members:read" in effective_permissions(role, allowed=allowed, denied=denied)) is has


def test_nobody_gives_what_they_lack() -> None:
    manager = SYSTEM_ROLES["MANAGER"]
    assert may_give(PERMISSIONS, manager)
    assert may_give(manager, SYSTEM_ROLES["CASHIER"])
    assert not may_give(manager, PERMISSIONS)
    assert may_give((), ())


def test_unknown_words_are_named() -> None:
    assert unknown_permissions(["members:read", "moon:land", "", "members"]) == ["", "members", "moon:land"]


@pytest.mark.parametrize(
    ("email", "domains", "allowed"),
    [
        ("a@example.org", [], True),
        ("a@example.org", ["example.org"], True),
        ("a@EXAMPLE.org", ["example.org"], True),
        ("a@mail.example.org", ["example.org"], False),
        ("a@evil-example.org", ["example.org"], False),
        ("example.org@evil.test", ["example.org"], False),
    ],
)
def test_a_domain_stands_for_itself(email: str, domains: list[str], allowed: bool) -> None:
    assert email_is_allowed(email, domains) is allowed


def test_countries_are_those_of_iso_3166() -> None:
    assert is_country("GE")
    assert not any(is_country(code) for code in ("XX", "ge", "", "GEO"))
