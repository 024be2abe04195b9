"""The peer: Django Channels, a group over channels-redis, under uvicorn."""

import asyncio
import os
import sys
import time

import django
import orjson
import uvicorn
from django.conf import settings


def application(redis_url: str):  # type: ignore[no-untyped-def]  # Channels has no types
    settings.configure(
        SECRET_KEY="bench",
        INSTALLED_APPS=["channels"],
        CHANNEL_LAYERS={
            "default": {
                "BACKEND": "channels_redis.core.RedisChannelLayer",
                "CONFIG": {"hosts": [redis_url], "capacity": 5000},
            }
        },
    )
    django.setup()
    from channels.generic.websocket import AsyncWebsocketConsumer
    from channels.layers import get_channel_layer

    class Room(AsyncWebsocketConsumer):  # type: ignore[misc]
        async def connect(self) -> None:
            await self.channel_layer.group_add("room", self.channel_name)
            await self.accept()

        async def disconnect(self, code: int) -> None:
            await self.channel_layer.group_discard("room", self.channel_name)

        async def said(self, event: dict[str, str]) -> None:
            await self.send(text_data=event["text"])

    consumer = Room.as_asgi()
    running: set[asyncio.Task[None]] = set()

    async def speak(rate: float, seconds: float) -> None:
        layer, began = get_channel_layer(), time.monotonic()
        for number in range(int(rate * seconds)):
            wait = began + number / rate - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            body = {"op": "event", "n": number, "t": time.monotonic_ns(), "data": {"padding": "x" * 60}}
            await layer.group_send("room", {"type": "said", "text": orjson.dumps(body).decode()})

    async def served(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        if scope["type"] == "websocket":
            await consumer(scope, receive, send)
        elif scope["type"] == "http":
            if scope["path"] == "/say":
                asked = dict(pair.split("=") for pair in scope["query_string"].decode().split("&"))
                task = asyncio.create_task(speak(float(asked["rate"]), float(asked["seconds"])))
                running.add(task)
                task.add_done_callback(running.discard)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})

    return served


if __name__ == "__main__":
    uvicorn.run(
        application(os.environ["PEER_REDIS"]),
        port=int(sys.argv[1]),
        log_level="error",
        access_log=False,
        lifespan="off",
        ws_per_message_deflate=False,
        ws="websockets-sansio",
    )
