"""A gateway with its platform and its bus, at the word of a test in another language.

One JSON object a line on standard input, `do` and its arguments; one JSON line comes back for each. It all ends with the
input. `python -m tests.clients.stage local` or `redis`, which is a Redis of its own."""

import json
import signal
import sys
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id
from stoa.platform.realtime.bus import RedisBus
from stoa.wire.bus import Publication
from tests.gateway.harness import Gateway, Platform, PrivateRedis, gateway_in, publication, ticket, until


class Stage:
    def __init__(self, gateway: Gateway, platform: Platform, redis: PrivateRedis | None) -> None:
        self.gateway, self.platform, self.redis = gateway, platform, redis

    def person(self) -> dict[str, Any]:
        return {"user": new_id(), "session": new_id(), "url": self.gateway.url}

    def ticket(self, user: str, session: str, life_s: float = 600) -> str:
        """`life_s` is that of the access token it stands for."""
        return ticket(user, session, ends=utc_now() + timedelta(seconds=life_s))

    def channel(self, user: str) -> str:
        """A new one that this person may hear."""
        made = f"org:{new_id()}"
        self.platform.allowed.add((user, made))
        return made

    def break_platform(self, broken: bool) -> None:
        self.platform.is_broken = broken

    def publish(self, channel: str, numbers: list[int], ids: list[str] | None = None) -> list[str]:
        """Their ids; those that are given say again what was said before."""
        said = [publication(channel, number) for number in numbers]
        for one, known in zip(said, ids or [], strict=False):
            one["id"] = known
        if self.redis is None:
            assert self.gateway.post("/internal/publish", {"publications": said}).status_code == 200
        else:
            bus = RedisBus(self.redis.url)
            for one in said:
                bus.publish(Publication(**{**one, "id": UUID(one["id"])}))
        return [one["id"] for one in said]

    def command(self, **body: object) -> None:
        assert self.gateway.post("/internal/control", body).status_code == 204

    def kill(self) -> None:
        self.gateway.kill()

    def start(self) -> None:
        self.gateway.start()
        if self.redis is not None:
            until(lambda: (self.gateway.health() or {}).get("bus") == "up")

    def stop(self) -> int:
        return self.gateway.stop()

    def freeze(self) -> None:
        """Its sockets stay open and nothing comes through them, as over a cable that was pulled."""
        assert self.gateway.process is not None
        self.gateway.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.gateway.process is not None
        self.gateway.process.send_signal(signal.SIGCONT)


def main(bus: str) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stoa_stage_")))
        platform, redis = Platform(), None
        stack.callback(platform.end)
        environ = {}
        if bus == "redis":
            redis = PrivateRedis()
            stack.callback(redis.end)
            redis.start()
            environ["REALTIME_REDIS_URL"] = redis.url
        stage = Stage(stack.enter_context(gateway_in(folder, platform, **environ)), platform, redis)
        print(json.dumps("ready"), flush=True)
        for line in sys.stdin:
            asked = json.loads(line)
            answer = getattr(stage, asked.pop("do"))(**asked)
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
