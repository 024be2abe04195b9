"""Sending one text message to one number. Called from `@sends` reactions, never from a request."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from stoa.kit.errors import Upstream
from stoa.platform.db.transactions import refuse_in_transaction
from stoa.runtime.config.current import settings


class SmsNotSent(Upstream):
    code, message = "SMS_NOT_SENT", "The text message was not taken."


class SmsWay(Protocol):
    def send(self, *, to: str, text: str, key: str) -> None:
        """`key` names this message, as `delivery_key()` does, for providers that drop repetitions. Raises SmsNotSent."""


class ConsoleSms:
    """On the error stream, past the logs: those are kept and shipped, and the text opens accounts."""

    def send(self, *, to: str, text: str, key: str) -> None:
        sys.stderr.write(f"SMS to {to}: {text}\n")


class MemorySms:
    """For tests. `broken` makes every message fail, as a provider that is down does."""

    def __init__(self) -> None:
        self.sent: dict[str, tuple[str, str]] = {}
        """Key -> number and text: one key is one message, however often it was sent."""
        self.broken = False

    def send(self, *, to: str, text: str, key: str) -> None:
        if self.broken:
            raise SmsNotSent
        self.sent[key] = (to, text)


def send_sms(*, to: str, text: str, key: str) -> None:
    """Raises SmsNotSent (try again), OutsideCallInTransaction."""
    refuse_in_transaction("a text message")
    _way().send(to=to, text=text, key=key)


_chosen: list[SmsWay] = []
_mailbox = MemorySms()


def _way() -> SmsWay:
    current = settings()
    if _chosen:
        return _chosen[-1]
    if current.sms_backend == "memory":
        return _mailbox
    if current.sms_backend == "auto" and current.in_production:
        raise SmsNotSent("SMS_BACKEND is not set.")
    return ConsoleSms()


@contextmanager
def sms_in_use(instead: SmsWay) -> Iterator[None]:
    """For tests: another way than the configured one."""
    _chosen.append(instead)
    try:
        yield
    finally:
        _chosen.remove(instead)
