"""The trace port: each package's own rows, connected in project/wiring.py only."""

from stoa.platform.observability.contracts import TraceLine, TraceSource

_sources: dict[str, TraceSource] = {}


def register_trace_source(name: str, source: TraceSource) -> None:
    """A second registration under a name replaces the first."""
    _sources[name] = source


def story_of(request_id: str) -> list[TraceLine]:
    """What every source knows, in time order; lines of one moment in the order of registration. Empty: nobody knows
    the id."""
    lines = [line for source in _sources.values() for line in source(request_id)]
    return sorted(lines, key=lambda line: line.at)
