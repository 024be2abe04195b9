"""The peer: a bare FastAPI broadcast, as its documentation shows it. No outbox, no offsets, no rights."""

import asyncio
import sys
import time

import orjson
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

application = FastAPI(openapi_url=None)
_sockets: set[WebSocket] = set()
_tasks: set[asyncio.Task[None]] = set()


@application.get("/health/ready")
async def ready() -> dict[str, int]:
    return {"sockets": len(_sockets)}


@application.websocket("/ws")
async def listen(websocket: WebSocket) -> None:
    await websocket.accept()
    _sockets.add(websocket)
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        _sockets.discard(websocket)


@application.post("/say")
async def say(rate: float, seconds: float) -> dict[str, bool]:
    task = asyncio.create_task(_speak(rate, seconds))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return {"said": True}


async def _speak(rate: float, seconds: float) -> None:
    began = time.monotonic()
    for number in range(int(rate * seconds)):
        wait = began + number / rate - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        body = orjson.dumps({"op": "event", "n": number, "t": time.monotonic_ns(), "data": {"padding": "x" * 60}})
        for websocket in list(_sockets):
            await websocket.send_text(body.decode())


if __name__ == "__main__":
    uvicorn.run(
        application,
        port=int(sys.argv[1]),
        log_level="error",
        access_log=False,
        ws_per_message_deflate=False,
        ws="websockets-sansio",
    )
