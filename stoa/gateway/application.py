"""The FastAPI application: the socket, the local bus's door, health and figures."""

import contextlib
import ipaddress
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter, ValidationError
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from stoa.gateway.house import House
from stoa.gateway.sessions import COMMAND
from stoa.gateway.sockets import serve_socket
from stoa.runtime import metrics
from stoa.runtime.config.current import settings
from stoa.runtime.internal_secret import knows_secret
from stoa.runtime.logs import get_logger
from stoa.runtime.version import VERSION
from stoa.wire.channels import parse_channel
from stoa.wire.internal import CONTROL_PATH, PUBLISH_PATH, PublishAnswer, PublishRequest

LARGEST_BODY = 4 * 1024 * 1024

log = get_logger(__name__)
_PUBLISH = TypeAdapter(PublishRequest)


class Gateway:
    """Sockets straight to their code, all else to FastAPI, whose stack would hold a dozen frames for each idle socket."""

    def __init__(self) -> None:
        self.web = _web()

    @property
    def house(self) -> House:
        """There while it runs."""
        house: House = self.web.state.house
        return house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and scope["path"] == "/ws":
            await serve_socket(self.house, WebSocket(scope, receive, send))
        else:
            await self.web(scope, receive, send)


def _web() -> FastAPI:
    application = FastAPI(title="Stoa gateway", openapi_url=None, lifespan=_lifespan)
    for path in ("/health", "/health/ready"):
        application.add_api_route(path, _ready if path.endswith("ready") else _alive)
    application.add_api_route("/metrics", _metrics)
    trusted = [Depends(_from_the_platform)]
    application.add_api_route(PUBLISH_PATH, _publish, methods=["POST"], dependencies=trusted)
    application.add_api_route(CONTROL_PATH, _control, methods=["POST"], dependencies=trusted)
    return application


@contextlib.asynccontextmanager
async def _lifespan(application: FastAPI) -> AsyncIterator[None]:
    current = settings()
    if current.enable_metrics:
        try:
            metrics.share_in(Path(current.metrics_dir))
        except OSError as error:
            log.error("no metrics: the folder cannot be used", setting="METRICS_DIR", error=type(error).__name__)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # it logs query strings
    house = application.state.house = House(current)
    async with house.running():
        log.info("gateway started", bus="redis" if current.realtime_address else "local")
        yield
    log.info("gateway stopped")
    metrics.stop_sharing()


def _house_of(request: Request) -> House:
    house: House = request.app.state.house
    return house


_House = Annotated[House, Depends(_house_of)]


async def _alive() -> dict[str, str]:
    return {"status": "ok", "version": VERSION}


def _ready(house: _House) -> JSONResponse:
    """503 while it drains, so that a balancer sends nobody new. A bus that is away is no reason: sockets are kept."""
    ready = not (house.draining or Path(house.settings.drain_file).exists())
    told = {
        "status": "ok" if ready and house.bus.is_up else "degraded" if ready else "draining",
        "bus": "up" if house.bus.is_up else "down",
        "sockets": len(house.sessions),
        "channels": len(house.rooms),
    }
    return JSONResponse(told, status_code=200 if ready else 503)


async def _metrics(request: Request, house: _House) -> Response:
    current = house.settings
    if not current.enable_metrics:
        raise HTTPException(404)
    token = current.metrics_token
    if token is not None and request.headers.get("authorization") != f"Bearer {token.get_secret_value()}":
        raise HTTPException(401)
    house.note_figures()
    return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)


async def _from_the_platform(request: Request, house: _House) -> None:
    """Local bus only, from this machine, under the secret. 404, 403, 401."""
    if house.settings.realtime_address is not None:
        raise HTTPException(404)
    if request.client is None or not _is_loopback(request.client.host):
        raise HTTPException(403)
    if not knows_secret(request.headers.get("authorization")):
        raise HTTPException(401)


async def _publish(request: Request, house: _House) -> Response:
    try:
        asked = _PUBLISH.validate_json(await _body(request))
    except ValidationError:
        raise HTTPException(422) from None
    if any(parse_channel(publication.channel) is None for publication in asked.publications):
        raise HTTPException(422)
    positions = [await house.bus.publish(publication) for publication in asked.publications]
    answer = TypeAdapter(PublishAnswer).dump_json(PublishAnswer(positions=tuple(positions)))
    return Response(answer, media_type="application/json")


async def _control(request: Request, house: _House) -> Response:
    try:
        await house.bus.command(COMMAND.validate_json(await _body(request)))
    except ValidationError:
        raise HTTPException(422) from None
    return Response(status_code=204)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise HTTPException(413)
    return bytes(body)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
