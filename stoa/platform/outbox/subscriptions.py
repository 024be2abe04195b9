"""Who reacts to what. Two decorators say what a reaction may do and what is promised about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import TypeAdapter

from stoa.kit.event import Event

type Reaction = Callable[[Any], None]
type Mode = Literal["reacts", "sends"]

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Subscription:
    """`since`: events before it are not delivered, unless outbox_replay asks for them.

    `versions`: the classes by which this release reads the event, each under its version."""

    name: str
    event_name: str
    versions: Mapping[int, type[Event]]
    mode: Mode
    reaction: Reaction
    since: datetime
    ordered: bool


_subscriptions: dict[str, Subscription] = {}


def reacts(event: type[Event], *, since: str = "", ordered: bool = False) -> Callable[[Reaction], Reaction]:
    """React inside a transaction that also marks the delivery done: the effect happens exactly once.

    The function writes to the database and calls nothing outside (law 3 is enforced). It may run again after a
    rollback. `since` is an ISO date of the release that brought it; `ordered` asks for the order of each key.
    A function that reads two versions of an event carries one decorator for each."""
    return _subscribe(event, "reacts", since, ordered)


def sends(event: type[Event], *, since: str = "", ordered: bool = False) -> Callable[[Reaction], Reaction]:
    """React outside any transaction, under a lease: mail, push, commands. At least once: killed between the act and
    its mark it runs again, so act under a stable key, such as `delivery_key()`."""
    return _subscribe(event, "sends", since, ordered)


def subscriptions() -> Mapping[str, Subscription]:
    return _subscriptions


def read_event(event: type[Event], payload: str) -> Event:
    """From the JSON it was published as. Raises pydantic.ValidationError."""
    read: Event = _adapter(event).validate_json(payload)
    return read


def write_event(event: Event) -> str:
    return _adapter(type(event)).dump_json(event).decode()


_adapters: dict[type[Event], TypeAdapter[Any]] = {}
"""Building one takes a millisecond; each is built when its event is first met."""


def _adapter(event: type[Event]) -> TypeAdapter[Any]:
    return _adapters.get(event) or _adapters.setdefault(event, TypeAdapter(event))


def _subscribe(event: type[Event], mode: Mode, since: str, ordered: bool) -> Callable[[Reaction], Reaction]:
    if not event.name:
        raise ValueError(f"{event.__name__} has no name")

    def register(reaction: Reaction) -> Reaction:
        # The app's label and the function: stays the same when modules move inside the app.
        app = reaction.__module__.removeprefix("stoa.apps.").removeprefix("stoa.").partition(".")[0]
        name = f"{app}.{reaction.__name__}"
        start = datetime.fromisoformat(since).replace(tzinfo=UTC) if since else BEGINNING
        asked = Subscription(name, event.name, {event.version: event}, mode, reaction, start, ordered)
        _subscriptions[name] = _joined(_subscriptions.get(name), asked)
        return reaction

    return register


def _joined(known: Subscription | None, asked: Subscription) -> Subscription:
    """One function decorated for several versions is one subscriber. Raises ValueError for two of one name."""
    if known is None:
        return asked
    if known.reaction is not asked.reaction or known.event_name != asked.event_name:
        raise ValueError(f"two subscribers are called {asked.name}")
    if (known.mode, known.since, known.ordered) != (asked.mode, asked.since, asked.ordered):
        raise ValueError(f"{asked.name} promises one thing for one version and another for the next")
    return replace(known, versions={**known.versions, **asked.versions})
