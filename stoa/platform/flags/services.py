"""Changes of flags."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from stoa.kit.clock import utc_now
from stoa.kit.errors import Invalid, Missing
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import hint_after_commit, transaction
from stoa.platform.flags.declared import declared_flags, flag_named
from stoa.platform.flags.models import FeatureFlag
from stoa.platform.flags.rows import rule_of
from stoa.platform.flags.rules import value_for_all
from stoa.platform.flags.watch import watch


@dataclass(frozen=True, slots=True)
class Rollout:
    """Who has the flag; the whole of it, so that two editors do not mix theirs. `enabled` None: as declared."""

    enabled: bool | None
    percent: int = 0
    users: Collection[UUID] = ()
    orgs: Collection[UUID] = ()
    groups: Collection[str] = ()
    expires_at: datetime | None = None


def set_flag(*, name: str, rollout: Rollout, owner: str | None = None) -> FeatureFlag:
    """Say who has a declared flag; `owner` None leaves it. Locks the row. In force here at once after the commit, in
    other processes within two seconds. Raises Missing for a flag that no code declares, Invalid for a bad per cent."""
    if name not in declared_flags():
        raise Missing
    if not 0 <= rollout.percent <= 100:
        raise Invalid({"percent": ["from 0 to 100"]})
    flag, now = flag_named(name), utc_now()
    with transaction():
        FeatureFlag.objects.bulk_create(
            [FeatureFlag(name=name, description=flag.description, owner=flag.owner)], ignore_conflicts=True
        )
        row = FeatureFlag.objects.select_for_update().get(name=name)
        before = value_for_all(rule_of(row), default=flag.default, now=now.timestamp())
        row.enabled, row.percent, row.expires_at = rollout.enabled, rollout.percent, rollout.expires_at
        row.users, row.orgs = sorted(map(str, rollout.users)), sorted(map(str, rollout.orgs))
        row.groups, row.description, row.updated_at = sorted(rollout.groups), flag.description, now
        row.owner = row.owner if owner is None else owner
        row.revision = max(row.revision + 1, time.time_ns() // 1_000_000)
        after = value_for_all(rule_of(row), default=flag.default, now=now.timestamp())
        if after is None:
            row.at_one_value_since = None
        elif after != before:
            row.at_one_value_since = now
        row.save(force_update=True)
        said = {"enabled": row.enabled, "percent": row.percent, "users": len(row.users), "orgs": len(row.orgs)}
        expires = row.expires_at.isoformat() if row.expires_at else None
        record(
            action="flags.changed",
            object_type="flag",
            object_id=name,
            before={"for_all": before},
            after={"for_all": after, **said, "groups": row.groups, "expires_at": expires},
            severity=Severity.NOTICE,
        )
        hint_after_commit(watch().refresh)
    return row


def remove_flag(*, name: str) -> bool:
    """Delete the row of a flag, declared or not; the declared default counts then. False when there was none."""
    with transaction():
        removed, _ = FeatureFlag.objects.filter(name=name).delete()
        if removed:
            record(action="flags.removed", object_type="flag", object_id=name, severity=Severity.NOTICE)
        hint_after_commit(watch().refresh)
    return removed > 0
