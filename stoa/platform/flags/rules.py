"""Who has a flag: pure rules, no Django, no clock, no I/O."""

from dataclasses import dataclass
from hashlib import blake2b

STEPS = 10_000
"""Shares of a roll-out: hundredths of a per cent."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a flag is asked for. Empty strings mean "nobody" and "no organization"."""

    user_id: str = ""
    org_id: str = ""
    groups: frozenset[str] = frozenset()


ANYBODY = Subject()


@dataclass(frozen=True, slots=True)
class Rule:
    """A row as evaluation needs it. `enabled` None: as declared; `expires_at` in seconds of Unix time, None for never.

    An enabled rule lets in `percent` of all, and whoever is named by user, organization or group."""

    enabled: bool | None
    percent: int
    users: frozenset[str]
    orgs: frozenset[str]
    groups: frozenset[str]
    expires_at: float | None


def share_of(name: str, key: str) -> int:
    """Where somebody stands in the roll-out of one flag: 0 to STEPS - 1, the same in every process and release.

    Each flag shuffles people anew, so that the same ones are not always first."""
    return int.from_bytes(blake2b(f"{name}:{key}".encode(), digest_size=8).digest()) % STEPS


def decide(name: str, rule: Rule, subject: Subject, *, default: bool, now: float) -> bool:
    """An expired rule counts no more, and the declared default does. 0 per cent is nobody, 100 is everybody.

    Raising `percent` never switches anybody off: one's share does not move, only the bound does. Nobody in particular
    has a flag from 100 per cent on."""
    if rule.enabled is None or (rule.expires_at is not None and rule.expires_at <= now):
        return default
    if not rule.enabled:
        return False
    if rule.percent >= 100 or subject.user_id in rule.users or subject.org_id in rule.orgs:
        return True
    if rule.groups and not rule.groups.isdisjoint(subject.groups):
        return True
    key = subject.user_id or subject.org_id
    return bool(key) and rule.percent > 0 and share_of(name, key) < rule.percent * (STEPS // 100)


def value_for_all(rule: Rule, *, default: bool, now: float) -> bool | None:
    """What everybody gets, or None where it differs from one to another."""
    if rule.enabled is None or (rule.expires_at is not None and rule.expires_at <= now):
        return default
    if not rule.enabled:
        return False
    if rule.percent >= 100:
        return True
    return None if rule.percent > 0 or rule.users or rule.orgs or rule.groups else False
