"""`/ws`: from the handshake to the end of a socket."""

import asyncio

from starlette.websockets import WebSocket, WebSocketDisconnect

from stoa.gateway import figures
from stoa.gateway.connection import Connection
from stoa.gateway.house import House
from stoa.gateway.limits import address_key
from stoa.gateway.outbox import Outbox
from stoa.gateway.protocol import GatewayProtocol, protocol_of
from stoa.gateway.session import Session
from stoa.gateway.sign_in import (
    SignInRefused,
    chosen_subprotocol,
    is_allowed_origin,
    offered_credential,
    sign_in,
)
from stoa.runtime import context
from stoa.runtime.client_address import client_address
from stoa.runtime.logs import get_logger
from stoa.wire.client_frames import Auth, BadFrame, parse
from stoa.wire.close_codes import Close
from stoa.wire.headers import REQUEST_ID
from stoa.wire.server_frames import ErrorFrame, encode

LONGEST_ADMISSION_S = 5.0
REFUSALS_BEFORE_AUTH = 3

log = get_logger(__name__)


async def serve_socket(house: House, websocket: WebSocket) -> None:
    """Until either side closes. A page of another origin gets no socket at all (403)."""
    if not is_allowed_origin(websocket, house.settings.gateway_allowed_origins):
        await websocket.close()
        return
    address = address_key(address_of(websocket, house.settings.trusted_proxy_count))
    with context.scope(request_id=context.accepted_request_id(websocket.headers.get(REQUEST_ID))):
        wait = house.admission.wait_s(LONGEST_ADMISSION_S)
        if wait:
            await asyncio.sleep(wait)
        await websocket.accept(subprotocol=chosen_subprotocol(websocket))
        protocol = protocol_of(websocket.scope["state"])
        if wait is None:
            _end(protocol, Close.TOO_MANY_REQUESTS, "too many at once")
        elif house.draining:
            _end(protocol, Close.SHUTDOWN, "retry after 1000")
        elif not house.per_address.take(address):
            _end(protocol, Close.CONNECTION_LIMIT, "too many sockets from this address")
        else:
            try:
                await _serve_if_room(house, websocket, protocol)
            finally:
                house.per_address.give_back(address)


def address_of(websocket: WebSocket, trusted_proxy_count: int) -> str:
    """As the platform reads it: X-Forwarded-For is believed for TRUSTED_PROXY_COUNT hops and no further."""
    seen = {
        "REMOTE_ADDR": websocket.client.host if websocket.client else "",
        "HTTP_X_FORWARDED_FOR": ",".join(websocket.headers.getlist("x-forwarded-for")),
    }
    return client_address(seen, trusted_proxy_count)


async def _serve_if_room(house: House, websocket: WebSocket, protocol: GatewayProtocol) -> None:
    if not house.open_files.take():
        # Reconnectable: another gateway, or this one a little later, may have room.
        _end(protocol, Close.TOO_MANY_REQUESTS, "no room here")
        return
    try:
        await _serve(house, websocket, protocol)
    finally:
        house.open_files.give_back()


async def _serve(house: House, websocket: WebSocket, protocol: GatewayProtocol) -> None:
    try:
        async with asyncio.timeout(house.settings.gateway_handshake_s):
            credential = offered_credential(websocket) or await _first_frame(websocket, protocol)
            identity = await sign_in(credential, bus=house.bus, platform=house.platform)
    except SignInRefused as refused:
        _end(protocol, refused.code, refused.reason)
        return
    except TimeoutError:
        _end(protocol, Close.INVALID_TOKEN, "nobody signed in")
        return
    except WebSocketDisconnect:
        return
    user = str(identity.user_id)
    if not house.per_user.take(user):
        _end(protocol, Close.CONNECTION_LIMIT, "too many sockets of this person")
        return
    outbox = Outbox(most_frames=house.settings.gateway_outbox_frames, most_bytes=house.settings.gateway_outbox_bytes)
    connection = Connection(protocol, house.ticker, outbox)
    session = Session(identity, connection=connection, rooms=house.rooms, platform=house.platform)
    house.sessions.add(session)
    context.update(user_id=user)
    try:
        session.begin()
        while True:
            await session.take(await _receive(websocket))
    except WebSocketDisconnect as ended:
        log.info("socket ended", code=connection.closed_with or ended.code)
    finally:
        house.sessions.remove(session)
        session.end()
        house.per_user.give_back(user)


async def _first_frame(websocket: WebSocket, protocol: GatewayProtocol) -> Auth:
    """Raises SignInRefused, WebSocketDisconnect."""
    for _ in range(REFUSALS_BEFORE_AUTH):
        try:
            frame = parse(await _receive(websocket))
        except BadFrame as bad:
            said = ErrorFrame(code=bad.code, message=bad.message, about=bad.op)
        else:
            if isinstance(frame, Auth):
                return frame
            said = ErrorFrame(code="NOT_SIGNED_IN", message="The first frame is `auth`.", about=frame.op)
        figures.REFUSED.inc(said.code)
        await websocket.send_text(encode(said))
    raise SignInRefused(Close.INVALID_TOKEN, "nobody signed in")


async def _receive(websocket: WebSocket) -> str | bytes:
    """Raises WebSocketDisconnect."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    text: str | bytes | None = message.get("text")
    return text if text is not None else message.get("bytes") or b""


def _end(protocol: GatewayProtocol, code: Close, reason: str) -> None:
    figures.CLOSED.inc(str(int(code)))
    protocol.end(code, reason)
