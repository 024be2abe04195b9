"""What of the flags can go: the report behind `flags_report`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from stoa.platform.flags.declared import declared_flags
from stoa.platform.flags.models import FeatureFlag
from stoa.runtime.config.model import Settings


@dataclass(frozen=True, slots=True)
class ReportLine:
    """`state` is what is in force, in a few words; `remarks` are reasons to look at the flag, empty for none."""

    name: str
    state: str
    last_read_at: datetime | None
    owner: str
    remarks: tuple[str, ...]


def flags_report(*, now: datetime, release: timedelta, settings: Settings) -> list[ReportLine]:
    """Every declared flag, every row and every name in the environment, by name. One query.

    `release` is how long a flag may stand at one value before it is a candidate for removal."""
    rows = {row.name: row for row in FeatureFlag.objects.all()}
    declared = declared_flags()
    named = {*declared, *rows, *settings.features, *settings.feature_flags}
    return [
        ReportLine(
            name=name,
            state=_state(name, rows.get(name), settings),
            last_read_at=rows[name].last_read_at if name in rows else None,
            owner=(rows[name].owner if name in rows else "") or (declared[name].owner if name in declared else ""),
            remarks=tuple(_remarks(name, rows.get(name), now=now, release=release)),
        )
        for name in sorted(named)
    ]


def _state(name: str, row: FeatureFlag | None, settings: Settings) -> str:
    if name in settings.features:
        return f"{_word(settings.features[name])} by FEATURE_{name.upper()}"
    if name in settings.feature_flags:
        return "on by FEATURE_FLAGS"
    if row is None or row.enabled is None:
        flag = declared_flags().get(name)
        return f"{_word(flag.default)} by default" if flag else "nobody asks"
    if not row.enabled:
        return "off"
    named = [
        f"{len(who)} {what}" for what, who in (("users", row.users), ("groups", row.groups), ("orgs", row.orgs)) if who
    ]
    return ", ".join(["on" if row.percent == 100 else f"{row.percent} %", *named])


def _remarks(name: str, row: FeatureFlag | None, *, now: datetime, release: timedelta) -> Iterator[str]:
    if name not in declared_flags():
        yield "no code declares it"
    if row is None:
        return
    if row.expires_at is not None and row.expires_at <= now:
        yield f"expired {row.expires_at:%Y-%m-%d}"
    if row.at_one_value_since is not None and row.at_one_value_since <= now - release:
        yield f"at one value since {row.at_one_value_since:%Y-%m-%d}"
    if row.last_read_at is not None and row.last_read_at <= now - release:
        yield "not read for a release"


def _word(on: bool) -> str:
    return "on" if on else "off"
