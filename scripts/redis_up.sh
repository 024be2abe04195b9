#!/bin/sh
# A Redis on localhost:6379 for development: found, or started in the background with its data in var/redis.
cd "$(dirname "$0")/.." || exit 1
port="${REDIS_PORT:-6379}"
if redis-cli -p "$port" ping 2>/dev/null | grep -q PONG; then
    echo "stoa: Redis answers already: redis://localhost:$port/0"
    exit 0
fi
if ! command -v redis-server >/dev/null; then
    echo "stoa: no redis-server here; install it (apt install redis-server, brew install redis)" >&2
    exit 1
fi
mkdir -p var/redis
redis-server --port "$port" --bind 127.0.0.1 --daemonize yes --dir "$PWD/var/redis" \
    --pidfile "$PWD/var/redis/redis.pid" --logfile "$PWD/var/redis/redis.log" >/dev/null || exit 1
for _ in 1 2 3 4 5 6 7 8 9 10; do
    if redis-cli -p "$port" ping 2>/dev/null | grep -q PONG; then
        echo "stoa: Redis is up: redis://localhost:$port/0 (stop it with: redis-cli -p $port shutdown)"
        exit 0
    fi
    sleep 0.3
done
echo "stoa: Redis did not start; see var/redis/redis.log" >&2
exit 1
