"""What the gateway asks, and what a browser opens a socket with."""

from typing import Annotated

from pydantic import Field

from stoa.kit.contract import Contract
from stoa.platform.http.access import INTERNAL, SIGNED_IN
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.inputs import Id, Input
from stoa.platform.http.views import Call
from stoa.platform.realtime.public import check_sessions
from stoa.runtime.tickets import LIFE_S, make_ticket
from stoa.wire.internal import MOST_SESSIONS, LiveSession, SessionsAnswer

routes = Routes("realtime")
internal = Routes("internal", default_limits=False)

_LONGEST_NAME = 100


class TicketMade(Contract):
    """Sent as `auth {"ticket": ...}` in a socket's first frame: once, within `expires_in_s` seconds."""

    ticket: str
    expires_in_s: int


class LiveSessionInput(Input):
    user_id: Id
    session_id: Id
    channels: list[Annotated[str, Field(max_length=_LONGEST_NAME)]] = Field(default_factory=list)


class SessionsInput(Input):
    sessions: list[LiveSessionInput] = Field(max_length=MOST_SESSIONS)


@routes.post("realtime/ticket", access=SIGNED_IN, answer=TicketMade, status=201, idempotency="ignored")
def make_a_ticket(call: Call[None, None]) -> TicketMade:
    """Make a ticket to open a realtime socket with, in place of the access token."""
    caller = call.caller
    ticket = make_ticket(user_id=caller.user_id, session_id=caller.session_id, expires_at=caller.access_ends_at)
    return TicketMade(ticket=ticket, expires_in_s=LIFE_S)


@internal.post("realtime/sessions", access=INTERNAL, body=SessionsInput, answer=SessionsAnswer, idempotency="ignored")
def sessions(call: Call[SessionsInput, None]) -> SessionsAnswer:
    """Which of these sessions ended, and which of their channels they may not hear any more."""
    return check_sessions(
        [
            LiveSession(user_id=each.user_id, session_id=each.session_id, channels=tuple(each.channels))
            for each in call.body.sessions
        ]
    )
