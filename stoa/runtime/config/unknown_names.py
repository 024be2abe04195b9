"""Names in `.env` that nothing reads: most often a slip of the pen, and silent without a word from us."""

from collections.abc import Iterable
from difflib import get_close_matches

from stoa.runtime.config.registry import Declaration

_PATTERNS = ("FEATURE_", "CELERY_", "COMPOSE_")
_OTHERS = frozenset({"DJANGO_SETTINGS_MODULE"})


def remarks_on_unknown(names: Iterable[str], known: Iterable[Declaration], source: str) -> list[str]:
    """One sentence for each name that is neither declared nor read by a tool that shares the file."""
    declared = sorted(name for declaration in known for name in declaration.names)
    return [_remark(name, declared, source) for name in names if not _tolerated(name, declared)]


def did_you_mean(name: str, declared: Iterable[str]) -> str:
    close = get_close_matches(name.upper(), list(declared), n=1, cutoff=0.75)
    return f"; did you mean {close[0]}?" if close else ""


def _tolerated(name: str, declared: list[str]) -> bool:
    return name in declared or name in _OTHERS or name.startswith(_PATTERNS) or name.endswith("_FILE")


def _remark(name: str, declared: list[str], source: str) -> str:
    return f"{source}: {name} is not a setting{did_you_mean(name, declared)}"
