"""A platform that allows everything, in a process of its own: what is measured is the gateway."""

import sys
from typing import Any

import uvicorn

_ANSWERS = {
    "/internal/realtime/sessions": b'{"revoked":[],"ended":[]}',
}


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": _ANSWERS.get(scope["path"], b"{}")})


if __name__ == "__main__":
    uvicorn.run(application, port=int(sys.argv[1]), log_level="error", access_log=False, lifespan="off")
