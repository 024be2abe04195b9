"""All sockets of this process: found by person and by session, told when their right ends, let go at the end."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import batched
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from stoa.gateway.platform_calls import Platform, PlatformAway
from stoa.gateway.session import Session
from stoa.runtime.logs import get_logger
from stoa.wire.bus import Command, EndSubscription, Revoke
from stoa.wire.close_codes import Close
from stoa.wire.internal import MOST_SESSIONS

CHECK_EVERY_S = 5.0
LATEST_RETURN_MS = 10_000

log = get_logger(__name__)
COMMAND: TypeAdapter[Command] = TypeAdapter(Revoke | EndSubscription)


class Sessions:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._by_user: dict[UUID, set[Session]] = defaultdict(set)
        self._checking: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return sum(len(sessions) for sessions in self._by_user.values())

    def __iter__(self) -> Iterator[Session]:
        return iter([session for sessions in self._by_user.values() for session in sessions])

    def add(self, session: Session) -> None:
        self._by_user[session.identity.user_id].add(session)

    def remove(self, session: Session) -> None:
        sessions = self._by_user[session.identity.user_id]
        sessions.discard(session)
        if not sessions:
            del self._by_user[session.identity.user_id]

    def take_command(self, body: bytes) -> None:
        """From the bus; what cannot be read is one line in the log."""
        try:
            command = COMMAND.validate_json(body)
        except ValidationError:
            log.error("unreadable command on the bus")
            return
        self.obey(command)

    def obey(self, command: Command) -> None:
        match command:
            case Revoke(user_id=user_id, session_id=session_id):
                self._close(
                    session
                    for session in self._of(user_id)
                    if session_id is None or session.identity.session_id == session_id
                )
            case EndSubscription(user_id=user_id, channel=channel):
                for session in self._of(user_id):
                    session.drop(channel)

    def bus_changed(self, up: bool) -> None:
        """While the bus is away nobody hears commands, so the platform is asked; and once more when it is back, for
        what was said in between."""
        if self._checking is not None:
            self._checking.cancel()
        self._checking = asyncio.create_task(self._check_once() if up else self._check_for_ever())

    async def stop(self, over_s: float) -> None:
        """Close all with 3001 over so many seconds, each with a time of its own to come back."""
        if self._checking is not None:
            self._checking.cancel()
        leaving = list(self)
        random.shuffle(leaving)
        steps = max(1, round(over_s * 20))
        for step in range(steps):
            for session in leaving[step::steps]:
                wait_ms = random.randint(0, LATEST_RETURN_MS)
                session.connection.close(Close.SHUTDOWN, f"retry after {wait_ms}")
            if step + 1 < steps and len(leaving) > step:
                await asyncio.sleep(over_s / steps)
        for session in self:  # signed in meanwhile
            session.connection.close(Close.SHUTDOWN, f"retry after {random.randint(0, LATEST_RETURN_MS)}")

    async def _check_for_ever(self) -> None:
        while True:
            await self._check_once()
            await asyncio.sleep(CHECK_EVERY_S)

    async def _check_once(self) -> None:
        for some in batched([session.as_live() for session in self], MOST_SESSIONS):
            try:
                answer = await self._platform.check(some)
            except PlatformAway:
                continue  # said in the log; tokens end by themselves
            revoked = set(answer.revoked)
            self._close(session for session in self if session.identity.session_id in revoked)
            for ended in answer.ended:
                self.obey(EndSubscription(user_id=ended.user_id, channel=ended.channel))

    def _of(self, user_id: UUID) -> list[Session]:
        return list(self._by_user.get(user_id, ()))

    def _close(self, sessions: Iterable[Session]) -> None:
        for session in list(sessions):
            session.connection.close(Close.REVOKED, "revoked")
