"""The events that benchmarks.outbox_figures publishes, and what reacts to them. Imported once Django is set up."""

from collections.abc import Callable
from typing import ClassVar

from django.db import connection

from stoa.kit.event import Event
from stoa.kit.ids import new_uuid
from stoa.platform.outbox.subscriptions import reacts, sends
from stoa.platform.outbox.values import stored_uuid


class Measured(Event):
    name: ClassVar[str] = "bench.measured"
    number: int


class Asked(Event):
    name: ClassVar[str] = "bench.asked"
    number: int


def one_effect(title: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO probe_note (id, title, owner_id, amount_minor, currency, version, created_at)"
            " VALUES (%s, %s, %s, 0, 'USD', 1, '2026-01-01 00:00:00+00:00')",
            [stored_uuid(new_uuid()), title, stored_uuid(new_uuid())],
        )


def register_three() -> None:
    @reacts(Measured)
    def first(event: Measured) -> None:
        one_effect(f"effect 1 {event.number}")

    @reacts(Measured)
    def second(event: Measured) -> None:
        one_effect(f"effect 2 {event.number}")

    @reacts(Measured)
    def third(event: Measured) -> None:
        one_effect(f"effect 3 {event.number}")


def answer_by(note: Callable[[], None]) -> None:
    @sends(Asked)
    def answer(event: Asked) -> None:
        note()
