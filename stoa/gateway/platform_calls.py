"""What the gateway asks the platform: may this person hear this channel, do these sessions still live."""

import asyncio
import logging
from collections.abc import Sequence
from uuid import UUID

import httpx
import orjson
from pydantic import TypeAdapter, ValidationError

from stoa.runtime import context
from stoa.runtime.internal_secret import internal_secret
from stoa.runtime.logs import get_logger
from stoa.wire.headers import REQUEST_ID
from stoa.wire.internal import (
    MOST_SESSIONS,
    SESSIONS_PATH,
    LiveSession,
    SessionsAnswer,
    SessionsRequest,
)

DEADLINE_S = 3.0
AT_ONCE = 16

log = get_logger(__name__)
_SESSIONS = TypeAdapter(SessionsAnswer)


class PlatformAway(Exception):
    """No answer, or none that means anything."""


class Platform:
    def __init__(self, address: str) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole URLs
        self._client = httpx.AsyncClient(
            base_url=address,
            headers={"authorization": f"Bearer {internal_secret()}", "content-type": "application/json"},
            timeout=DEADLINE_S,
            limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE),
            trust_env=False,
        )
        self._waiting: dict[LiveSession, asyncio.Future[bool]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        await self._client.aclose()

    async def may_hear(self, *, user_id: UUID, session_id: UUID, channel: str) -> bool:
        """Whether a session that lives may hear this. Asked together, as `lives` is. Raises PlatformAway."""
        return await self._asked_together(LiveSession(user_id=user_id, session_id=session_id, channels=(channel,)))

    async def check(self, sessions: Sequence[LiveSession]) -> SessionsAnswer:
        """At most MOST_SESSIONS. Raises PlatformAway."""
        body = await self._post(SESSIONS_PATH, orjson.dumps(SessionsRequest(sessions=tuple(sessions))))
        try:
            return _SESSIONS.validate_json(body)
        except ValidationError:
            raise PlatformAway("an answer that is none") from None

    async def lives(self, *, user_id: UUID, session_id: UUID) -> bool:
        """Whether one session does. Raises PlatformAway."""
        return await self._asked_together(LiveSession(user_id=user_id, session_id=session_id))

    async def _asked_together(self, asked: LiveSession) -> bool:
        """Those that connect or subscribe at the same time are asked about in one call: a gateway that starts again gets
        everybody back at once, and a call for each would find its deadline in the queue (measured with 2,000)."""
        future = self._waiting.get(asked)
        if future is None:
            future = self._waiting[asked] = asyncio.get_running_loop().create_future()
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_in_batches())
        return await asyncio.shield(future)

    async def _ask_in_batches(self) -> None:
        try:
            await asyncio.sleep(0)  # who comes in the same turn of the loop is asked about together
            while self._waiting:
                taken = {one: self._waiting.pop(one) for one in list(self._waiting)[:MOST_SESSIONS]}
                try:
                    answer = await self.check(list(taken))
                except PlatformAway as error:
                    for future in taken.values():
                        future.set_exception(error)
                        future.exception()  # seen, also where nobody waits any more
                    continue
                revoked = set(answer.revoked)
                ended = {(one.user_id, one.channel) for one in answer.ended}
                for asked, future in taken.items():
                    refused = any((asked.user_id, channel) in ended for channel in asked.channels)
                    future.set_result(asked.session_id not in revoked and not refused)
        finally:
            self._asking = None

    async def _post(self, path: str, body: bytes) -> bytes:
        headers = {REQUEST_ID: context.current().request_id or context.new_request_id()}
        try:
            async with asyncio.timeout(DEADLINE_S):
                response = await self._client.post(path, content=body, headers=headers)
        except (httpx.HTTPError, TimeoutError) as error:
            log.warning("the platform does not answer", path=path, error=type(error).__name__)
            raise PlatformAway(type(error).__name__) from None
        if response.status_code != 200:
            log.warning("the platform refused an internal call", path=path, status=response.status_code)
            raise PlatformAway(str(response.status_code))
        return response.content
