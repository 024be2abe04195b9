"""Extra limits of particular routes: a name and the setting that holds the rate."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LimitScope:
    """`setting` is a field of Settings with a rate such as 20/min; counted per user, or per address when nobody
    has signed in."""

    name: str
    setting: str
