"""Attacks that look right: each says which rule refuses it, so that none passes for another's work."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection

from stoa.apps.ledger.services.books import system_account
from stoa.apps.ledger.tests.factories import AT
from stoa.apps.ledger.tests.test_database_rules import PAST, ROLE, Scene, run, scene, sqlite
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.values import stored_time, stored_uuid

__all__ = ["scene"]
pytestmark = pytest.mark.django_db
_BEFORE_ITS_END = PAST + timedelta(days=30, hours=-1)


def refused(scene: Scene, attack: Callable[[], object], *, by: str) -> None:
    before = scene.state()
    with pytest.raises(IntegrityError, match=by), transaction():
        attack()
        if sqlite():
            connection.check_constraints()
        else:
            run("SET CONSTRAINTS ALL IMMEDIATE")
    assert scene.state() == before


def _posted(scene: Scene, *lines: tuple[Any, int, Any, str], **of: Any) -> None:
    made = new_uuid()
    for account, side, amount, currency in lines:
        scene.line(made, account, side, amount, currency)
    scene.entry(made, lines=len(lines), **of)


def _cash_and_equity(scene: Scene) -> tuple[Any, Any]:
    return scene.books["cash"], scene.books["equity"]


def _at(scene: Scene, instant: object, recorded_at: object = None) -> None:
    made = new_uuid()
    for account, side in zip(_cash_and_equity(scene), (1, -1), strict=True):
        scene.line(made, account, side, 5)
    recorded = ("recorded_at, ", "%s, ", [recorded_at]) if recorded_at else ("", "", [])
    run(
        f"INSERT INTO ledger_entry (id, book_id, kind, key, effective_at, {recorded[0]}description, reference_type, "
        f"reference_id, request_id, line_count, digest) VALUES (%s, %s, 'manual', %s, %s, {recorded[1]}"
        "'', '', '', '', 2, %s)",
        *(stored_uuid(made), stored_uuid(scene.books.id), new_id(), instant, *recorded[2], bytes(32)),
    )


def _with_riders(scene: Scene) -> None:
    """A mirror, and a debit and a credit of one more account."""
    mirror = ((scene.books["equity"], 1, 50_00, "USD"), (scene.books["bank"], -1, 50_00, "USD"))
    riders = ((scene.books["payable"], 1, 9, "USD"), (scene.books["payable"], -1, 9, "USD"))
    _posted(scene, *mirror, *riders, reverses=scene.plain)


def _in_parts(scene: Scene) -> None:
    bank = scene.books["bank"]
    lines = ((scene.books["equity"], 1, 50_00, "USD"), (bank, -1, 20_00, "USD"), (bank, -1, 30_00, "USD"))
    _posted(scene, *lines, reverses=scene.plain)


def _hold(change: str) -> Callable[[Scene], None]:
    return lambda scene: run(f"UPDATE ledger_hold SET {change} WHERE id = %s", stored_uuid(scene.hold))


def _hold_of(scene: Scene, amount: object) -> None:
    run(
        "INSERT INTO ledger_hold (id, book_id, account_id, key, amount_minor, state, expires_at) "
        "VALUES (%s, %s, %s, 'other', %s, 'pending', %s)",
        *(stored_uuid(new_uuid()), stored_uuid(scene.books.id), stored_uuid(scene.purse), amount),
        stored_time(utc_now()),
    )


ATTACKS: dict[str, tuple[Callable[[Scene], None], str]] = {
    "a reversal with riders": (_with_riders, "NOT_A_MIRROR"),
    "a reversal in parts": (_in_parts, "NOT_A_MIRROR"),
    "a hold voided for less": (_hold("state = 'voided', amount_minor = 1"), "HOLD_FIXED"),
    "a hold voided under another key": (_hold("state = 'voided', key = 'other'"), "HOLD_FIXED"),
    "a period of another name for itself": (
        lambda scene: run(
            "UPDATE ledger_period SET id = %s WHERE id = %s", stored_uuid(new_uuid()), stored_uuid(scene.period)
        ),
        "PERIOD_FIXED",
    ),
    "an instant before all books": (
        lambda scene: scene.post(*_cash_and_equity(scene), at=AT.replace(year=1969)),
        "INSTANT",
    ),
    "an instant after all books": (
        lambda scene: scene.post(*_cash_and_equity(scene), at=AT.replace(year=2200)),
        "INSTANT",
    ),
}

ON_SQLITE: dict[str, tuple[Callable[[Scene], None], str]] = {
    "half a minor unit": (lambda scene: scene.post(*_cash_and_equity(scene), 0.5), "AMOUNT"),  # type: ignore[arg-type]
    "a hold of a word": (lambda scene: _hold_of(scene, "much"), "AMOUNT"),
    "a hold of half a unit": (lambda scene: _hold_of(scene, 0.5), "AMOUNT"),
    "a closed period, said in another zone": (
        lambda scene: _at(scene, f"{_BEFORE_ITS_END + timedelta(hours=3):%Y-%m-%d %H:%M:%S}+03:00"),
        "INSTANT",
    ),
    "a closed period, said with a T": (lambda scene: _at(scene, f"{_BEFORE_ITS_END:%Y-%m-%dT%H:%M:%S}"), "INSTANT"),
    "a day that is none": (lambda scene: _at(scene, "2026-02-30 00:00:00"), "INSTANT"),
    "a number for an instant": (lambda scene: _at(scene, 1_800_000_000), "INSTANT"),
    "recorded when the caller says": (
        lambda scene: _at(scene, stored_time(AT), "2001-01-01 00:00:00"),
        "RECORDED_AT",
    ),
    "overdraft, and never mind": (
        lambda scene: scene.post(scene.purse, scene.books["cash"], 20_01, how="OR IGNORE"),
        "INSUFFICIENT_FUNDS",
    ),
}

ON_POSTGRES: dict[str, tuple[str, str]] = {
    "holds truncated": ("TRUNCATE ledger_hold", "append-only"),
    "periods truncated": ("TRUNCATE ledger_period", "append-only"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_its_own_rule_refuses(scene: Scene, name: str) -> None:
    attack, by = ATTACKS[name]
    refused(scene, lambda: attack(scene), by=by)


def test_each_currency_is_balanced_by_itself(scene: Scene) -> None:
    """Each line in its account's currency, and the amounts equal."""
    if not sqlite():
        run("RESET ROLE")
    euros = system_account(book_id=scene.books.id, role="equity", currency="EUR")
    if not sqlite():
        run(f"SET LOCAL ROLE {ROLE}")
    lines = ((scene.books["cash"], 1, 5, "USD"), (euros, -1, 5, "EUR"))
    refused(scene, lambda: _posted(scene, *lines), by="UNBALANCED")


@pytest.mark.parametrize("name", ON_SQLITE)
def test_sqlites_own_rule_refuses(scene: Scene, name: str) -> None:
    if not sqlite():
        pytest.skip("types and spellings that PostgreSQL does not take")
    attack, by = ON_SQLITE[name]
    refused(scene, lambda: attack(scene), by=by)


@pytest.mark.postgres
@pytest.mark.parametrize("name", ON_POSTGRES)
def test_postgresqls_own_rule_refuses(scene: Scene, name: str) -> None:
    statement, by = ON_POSTGRES[name]
    refused(scene, lambda: run(statement), by=by)


@pytest.mark.postgres
def test_an_instant_without_end_is_refused(scene: Scene) -> None:
    refused(scene, lambda: _at(scene, "infinity"), by="INSTANT")


def test_a_period_is_not_replaced_even_where_replacing_asks_no_trigger(scene: Scene) -> None:
    if not sqlite():
        pytest.skip("a setting of SQLite's own")
    run("PRAGMA recursive_triggers = OFF")
    try:
        refused(
            scene,
            lambda: run(
                "INSERT OR REPLACE INTO ledger_period (id, book_id, name, starts_at, ends_at, is_closed, version, "
                "created_at) SELECT id, book_id, name, '1999-01-01 00:00:00', '1999-02-01 00:00:00', 0, 1, created_at "
                "FROM ledger_period WHERE id = %s",
                stored_uuid(scene.period),
            ),
            by="REPLACED",
        )
    finally:
        run("PRAGMA recursive_triggers = ON")
