"""Buckets shared by all processes: one Lua script, so that reading and writing cannot be torn apart.

A read-modify-write from the client lets through whatever arrives between the two (measured: 400 of 400 requests past
a limit of 100 at 8 threads). The time is Redis's own: the clocks of the web hosts need not agree.
"""

import hashlib
from collections.abc import Sequence
from typing import cast

import redis
from redis.exceptions import NoScriptError, RedisError

from stoa.platform.http.limit_store import Bucket, Spending, StoreDown

# A key holds the moment at which its bucket is full and expires at that moment. A stored moment further off than the
# tolerance can only come from a clock that was set back; it is cut to an empty bucket, so that nobody waits for hours.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local stored = redis.call('MGET', unpack(KEYS))
local allowed, reply = 1, {1}
for i = 1, #KEYS do
  local interval, tolerance = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local debt = math.min(math.max((tonumber(stored[i] or now) or now) - now, 0), tolerance)
  if debt + interval > tolerance then allowed = 0 end
  reply[i + 1] = debt
end
reply[1] = allowed
if allowed == 1 then
  for i = 1, #KEYS do
    local debt = reply[i + 1] + tonumber(ARGV[2 * i - 1])
    reply[i + 1] = debt
    redis.call('SET', KEYS[i], string.format('%.0f', now + debt), 'PX', math.ceil(debt / 1000))
  end
end
return reply
"""


class RedisStore:
    """One round trip a call; a second one only when Redis has lost the script (restart, SCRIPT FLUSH)."""

    def __init__(self, client: redis.Redis, *, prefix: str = "stoa:limit:") -> None:
        self._client = client
        self._prefix = prefix
        self._sha = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()

    def spend(self, buckets: Sequence[Bucket]) -> Spending:
        keys = [self._prefix + bucket.key for bucket in buckets]
        figures = [str(figure) for bucket in buckets for figure in (bucket.interval_us, bucket.tolerance_us)]
        try:
            reply = self._run(keys, figures)
        except (RedisError, OSError) as error:
            raise StoreDown(type(error).__name__) from error
        return Spending(reply[0] == 1, reply[1:])

    def _run(self, keys: Sequence[str], figures: Sequence[str]) -> list[int]:
        try:
            return cast(list[int], self._client.evalsha(self._sha, len(keys), *keys, *figures))
        except NoScriptError:
            return cast(list[int], self._client.eval(SCRIPT, len(keys), *keys, *figures))
