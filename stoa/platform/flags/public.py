"""What the rest of Stoa asks about flags."""

import time
from collections.abc import Mapping

from stoa.platform.flags.declared import Flag, declared_flags, flag_named
from stoa.platform.flags.groups import groups_of, register_groups
from stoa.platform.flags.rules import ANYBODY, Rule, Subject, decide, value_for_all
from stoa.platform.flags.watch import watch
from stoa.runtime import context
from stoa.runtime.config.current import settings

__all__ = ["flags_of", "is_on", "is_on_for_anybody", "register_groups", "route_is_on"]


def is_on(flag: Flag, subject: Subject | None = None) -> bool:
    """For the person and organization of the request in force, unless `subject` says for whom. No query.

    FEATURE_<NAME> decides, then FEATURE_FLAGS, then the row, then the declared default."""
    current = settings()
    name = flag.name
    watching = watch()
    watching.asked.add(name)
    forced = current.features.get(name)
    if forced is not None:
        return forced
    if name in current.feature_flags:
        return True
    if not watching.fresh:
        watching.refresh()
    rule = watching.snapshot.rules.get(name)
    if rule is None:
        return flag.default
    return decide(name, rule, _subject(rule) if subject is None else subject, default=flag.default, now=time.time())


def is_on_for_anybody(flag: Flag) -> bool:
    """False: nobody at all has it, whoever asks."""
    if is_on(flag, ANYBODY):
        return True
    current = settings()
    rule = watch().snapshot.rules.get(flag.name)
    if rule is None or flag.name in current.features or flag.name in current.feature_flags:
        return False
    return value_for_all(rule, default=flag.default, now=time.time()) is not False


def flags_of(subject: Subject | None = None) -> Mapping[str, bool]:
    """Every declared flag for one caller, by name."""
    return {name: is_on(flag, subject) for name, flag in sorted(declared_flags().items())}


def route_is_on(flag: str, *, anybody: bool) -> bool:
    """The port of platform/http: may a route that names this flag be reached? Raises LookupError for an unknown one."""
    declared = flag_named(flag)
    return is_on_for_anybody(declared) if anybody else is_on(declared)


def _subject(rule: Rule) -> Subject:
    """Of the request in force. Groups are looked up only where the rule names some."""
    now = context.current()
    groups = groups_of(now.user_id) if rule.groups and now.user_id else frozenset()
    return Subject(now.user_id, now.org_id, groups)
