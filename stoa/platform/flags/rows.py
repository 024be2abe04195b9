"""Reads and writes of flag rows in the background: a snapshot of all, and who was asked for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import connection
from django.db.models import Count, Sum

from stoa.kit.clock import utc_now
from stoa.platform.flags.declared import declared_flags
from stoa.platform.flags.models import FeatureFlag
from stoa.platform.flags.rules import Rule

type Fingerprint = tuple[int, int]

READS_KEPT_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All rows at one moment. `fingerprint` is None before the first."""

    rules: Mapping[str, Rule] = field(default_factory=dict)
    fingerprint: Fingerprint | None = None


def fingerprint() -> Fingerprint:
    """How many rows there are and the sum of their revisions: one query over a table of tens of rows.

    A sum and not a maximum: of two writers at once the later commit may carry the lower revision."""
    found = FeatureFlag.objects.aggregate(rows=Count("name"), revisions=Sum("revision"))
    return found["rows"], int(found["revisions"] or 0)


def read_snapshot(known: Snapshot) -> Snapshot:
    """`known` itself while nothing has changed: one query then, two otherwise.

    The fingerprint comes first: a change between the two queries is read twice, and not missed."""
    seen = fingerprint()
    if seen == known.fingerprint:
        return known
    return Snapshot({row.name: rule_of(row) for row in FeatureFlag.objects.all()}, seen)


def rule_of(row: FeatureFlag) -> Rule:
    return Rule(
        enabled=row.enabled,
        percent=row.percent,
        users=frozenset(row.users),
        orgs=frozenset(row.orgs),
        groups=frozenset(row.groups),
        expires_at=row.expires_at.timestamp() if row.expires_at else None,
    )


_ADD_DECLARED = """INSERT INTO flags_flag (name, description, enabled, percent, users, groups, orgs, owner, revision,
    at_one_value_since, last_read_at, created_at, updated_at)
VALUES (%s, %s, NULL, 0, %s, %s, %s, %s, 0, %s, %s, %s, %s) ON CONFLICT (name) DO NOTHING"""


def note_reads(names: Collection[str]) -> None:
    """Write that these flags were asked for, at most once a minute each over all processes.

    A flag that is only declared gets its row here: enabled unknown, which changes nothing for anybody."""
    now = utc_now()
    moment = FeatureFlag._meta.get_field("created_at").get_db_prep_value(now, connection)
    declared = declared_flags()
    rows = FeatureFlag.objects.filter(name__in=names)
    present = set(rows.values_list("name", flat=True))
    rows.exclude(last_read_at__gt=now - READS_KEPT_EVERY).update(last_read_at=now)
    missing = [declared[name] for name in sorted(set(names) - present) if name in declared]
    if missing:
        with connection.cursor() as cursor:
            cursor.executemany(
                _ADD_DECLARED,
                [(flag.name, flag.description, "[]", "[]", "[]", flag.owner, *[moment] * 4) for flag in missing],
            )
