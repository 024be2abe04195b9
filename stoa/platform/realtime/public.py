"""Ports of platform/realtime: connected in project/wiring.py only. A channel that no app answers for, nobody hears."""

from collections.abc import Sequence
from uuid import UUID

from stoa.platform.realtime.contracts import ChannelAuthoriser, Hearing, LiveSessions, SessionAsked
from stoa.wire.channels import ChannelKind, parse_channel
from stoa.wire.internal import EndedChannel, LiveSession, SessionsAnswer


def _none(asked: Sequence[SessionAsked]) -> frozenset[SessionAsked]:
    return frozenset()


class _Ports:
    live_sessions: LiveSessions = staticmethod(_none)


_authorisers: dict[ChannelKind, ChannelAuthoriser] = {}


def register_live_sessions(port: LiveSessions) -> None:
    _Ports.live_sessions = staticmethod(port)


def register_channel_authoriser(kind: ChannelKind, port: ChannelAuthoriser) -> None:
    if kind == "user":
        raise ValueError("one's own channel is one's own: nobody decides about it")
    _authorisers[kind] = port


def check_sessions(sessions: Sequence[LiveSession]) -> SessionsAnswer:
    """One query for the sessions and one for each kind of channel, however many there are."""
    asked = [SessionAsked(user_id=each.user_id, session_id=each.session_id) for each in sessions]
    alive = _Ports.live_sessions(asked)
    revoked = {one.session_id for one in asked if one not in alive}
    wanted = {(each.user_id, name) for each in sessions if each.session_id not in revoked for name in each.channels}
    allowed = _allowed(wanted)
    ended = tuple(EndedChannel(user_id=user, channel=name) for user, name in sorted(wanted - allowed, key=str))
    return SessionsAnswer(revoked=tuple(sorted(revoked)), ended=ended)


def _allowed(wanted: set[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
    allowed: set[tuple[UUID, str]] = set()
    by_kind: dict[ChannelKind, dict[Hearing, str]] = {}
    for user_id, name in wanted:
        channel = parse_channel(name)
        if channel is None:
            continue
        if channel.kind == "user":
            if channel.id == user_id:
                allowed.add((user_id, name))
        else:
            by_kind.setdefault(channel.kind, {})[Hearing(user_id=user_id, of=channel.id)] = name
    for kind, names in by_kind.items():
        if (authoriser := _authorisers.get(kind)) is not None:
            heard = authoriser(list(names))
            allowed |= {(one.user_id, name) for one, name in names.items() if one in heard}
    return allowed
