"""A signed-in socket: what its frames do, when its token ends, what it may hear."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from stoa.gateway import figures
from stoa.gateway.channels import Rooms
from stoa.gateway.connection import Connection, Deadline
from stoa.gateway.limits import Bucket
from stoa.gateway.platform_calls import Platform, PlatformAway
from stoa.gateway.sign_in import Identity, SignInRefused, sign_in
from stoa.kit.clock import isoformat, utc_now
from stoa.wire.bus import Position
from stoa.wire.channels import SERVED, parse_channel, user_channel
from stoa.wire.client_frames import Auth, BadFrame, Ping, Presence, Subscribe, Typing, Unsubscribe, parse
from stoa.wire.close_codes import Close
from stoa.wire.internal import LiveSession
from stoa.wire.server_frames import ErrorFrame, Pong, Ready, Refresh, Unsubscribed

MOST_CHANNELS = 128
FRAMES_PER_S, FRAMES_AT_ONCE = 20.0, 160
"""At once: everything a client with MOST_CHANNELS says when it comes back."""
REFUSALS_BORNE = 100
REFRESH_BEFORE_S = 60.0
EXPIRY_GRACE_S = 5.0


class Session:
    def __init__(self, identity: Identity, *, connection: Connection, rooms: Rooms, platform: Platform) -> None:
        self.identity = identity
        self.connection = connection
        self._rooms, self._platform = rooms, platform
        self.own = user_channel(identity.user_id)
        self.channels: dict[str, asyncio.Task[None] | None] = {}
        """Heard or about to be. A task while it is asked for and filled."""
        self._bucket = Bucket(per_s=FRAMES_PER_S, burst=FRAMES_AT_ONCE)
        self._refused = 0
        self._refresh, self._expiry = Deadline(), Deadline()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        self._ready()
        self._hear(self.own, None)

    def end(self) -> None:
        self._refresh.clear()
        self._expiry.clear()
        for task in list(self._tasks):
            task.cancel()
        for channel in list(self.channels):
            self._rooms.unsubscribe(self.connection, channel)
        self.channels.clear()

    def as_live(self) -> LiveSession:
        others = tuple(channel for channel in self.channels if channel != self.own)
        return LiveSession(user_id=self.identity.user_id, session_id=self.identity.session_id, channels=others)

    async def take(self, text: str | bytes) -> None:
        """One frame of the client. Answers, and never raises for what it says."""
        if not self._bucket.take():
            self._refuse("RATE_LIMITED", "Too many frames; wait a moment.")
            return
        try:
            frame = parse(text)
        except BadFrame as bad:
            self._refuse(bad.code, bad.message, about=bad.op)
            return
        match frame:
            case Ping():
                self.connection.say(Pong())
            case Subscribe():
                self._subscribe(frame)
            case Unsubscribe():
                self._unsubscribe(frame.channel)
            case Auth():
                await self._renew(frame)
            case Typing() | Presence():
                self._refuse("NOT_SUPPORTED", "This arrives with messaging.", about=frame.op)

    def drop(self, channel: str) -> None:
        """The right to it ended."""
        if channel not in self.channels or channel == self.own:
            return
        self._forget(channel)
        self.connection.say(Unsubscribed(channel=channel, reason="permission"))

    def _subscribe(self, frame: Subscribe) -> None:
        channel = parse_channel(frame.channel)
        assert channel is not None  # the frame was read
        since = None
        if frame.epoch is not None and frame.offset is not None:
            since = Position(epoch=frame.epoch, offset=frame.offset)
        if channel.kind not in SERVED:
            self._refuse("NOT_SUPPORTED", "Such channels are not served yet.", about="subscribe", channel=frame.channel)
        elif channel.kind == "user" and frame.channel != self.own:
            self._refuse("FORBIDDEN", "You may not hear this channel.", about="subscribe", channel=frame.channel)
        elif frame.channel not in self.channels and len(self.channels) >= MOST_CHANNELS:
            self._refuse("TOO_MANY_CHANNELS", f"At most {MOST_CHANNELS}.", about="subscribe", channel=frame.channel)
        else:
            self._hear(frame.channel, since)

    def _hear(self, channel: str, since: Position | None) -> None:
        """Again for a channel that is heard: begins anew, and it need not be allowed again."""
        running = self.channels.get(channel)
        allowed = channel == self.own or (channel in self.channels and running is None)
        if running is not None:
            running.cancel()
        self.channels[channel] = self._run(self._ask_and_hear(channel, since, allowed=allowed))

    async def _ask_and_hear(self, channel: str, since: Position | None, *, allowed: bool) -> None:
        if not allowed:
            identity = self.identity
            try:
                allowed = await self._platform.may_hear(
                    user_id=identity.user_id, session_id=identity.session_id, channel=channel
                )
            except PlatformAway:
                self._give_up(channel)
                self._refuse("UNAVAILABLE", "Try again shortly.", about="subscribe", channel=channel)
                return
        if not allowed:
            self._give_up(channel)
            self._refuse("FORBIDDEN", "You may not hear this channel.", about="subscribe", channel=channel)
            return
        await self._rooms.subscribe(self.connection, channel, since)
        if channel in self.channels:
            self.channels[channel] = None

    def _unsubscribe(self, channel: str) -> None:
        if channel == self.own or channel not in self.channels:
            self._refuse("NOT_SUBSCRIBED", "There is no such subscription.", about="unsubscribe", channel=channel)
            return
        self._forget(channel)
        self.connection.say(Unsubscribed(channel=channel, reason="asked"))

    def _forget(self, channel: str) -> None:
        task = self.channels.pop(channel)
        if task is not None:
            task.cancel()
        self._rooms.unsubscribe(self.connection, channel)

    def _give_up(self, channel: str) -> None:
        self.channels.pop(channel, None)
        self._rooms.unsubscribe(self.connection, channel)

    async def _renew(self, frame: Auth) -> None:
        """Another token of the same person, in place. What was allowed under the old one is asked for again."""
        try:
            renewed = await sign_in(frame, bus=self._rooms.bus, platform=self._platform)
        except SignInRefused as refused:
            if refused.code == Close.INSUFFICIENT_STATE:
                self._refuse("UNAVAILABLE", "Try again shortly.", about="auth")
            else:
                self.connection.close(refused.code, refused.reason)
            return
        if renewed.user_id != self.identity.user_id:
            self.connection.close(Close.INVALID_TOKEN, "another subject")
            return
        self.identity = renewed
        self._ready()
        for channel in [name for name, task in self.channels.items() if task is None and name != self.own]:
            self._run(self._ask_again(channel))

    async def _ask_again(self, channel: str) -> None:
        identity = self.identity
        try:
            allowed = await self._platform.may_hear(
                user_id=identity.user_id, session_id=identity.session_id, channel=channel
            )
        except PlatformAway:
            return  # it was allowed; a command or the next renewal takes it away
        if not allowed:
            self.drop(channel)

    def _ready(self) -> None:
        identity = self.identity
        ends = isoformat(identity.expires_at)
        self.connection.say(Ready(user_id=identity.user_id, session_id=identity.session_id, expires_at=ends))
        left = (identity.expires_at - utc_now()).total_seconds()
        # At once would be a circle: a client whose next token ends no later would renew it as fast as it can.
        wait = left - REFRESH_BEFORE_S if left > REFRESH_BEFORE_S else left / 2
        self._refresh.set(wait, lambda: self.connection.say(Refresh(expires_at=ends)))
        self._expiry.set(left + EXPIRY_GRACE_S, lambda: self.connection.close(Close.EXPIRED, "expired"))

    def _refuse(self, code: str, message: str, *, about: str | None = None, channel: str | None = None) -> None:
        figures.REFUSED.inc(code)
        self._refused += 1
        if self._refused > REFUSALS_BORNE:
            self.connection.close(Close.TOO_MANY_REQUESTS, "too many refused frames")
            return
        self.connection.say(ErrorFrame(code=code, message=message, about=about, channel=channel))

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
