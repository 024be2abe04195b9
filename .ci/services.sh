# shellcheck shell=bash
# PostgreSQL and Redis for the lanes: the ones named by DATABASE_URL and REDIS_URL, else private ones that end with the
# run. Private, because a machine's own cluster may refuse us, and is nobody's to configure for a test. RabbitMQ: the
# one on 127.0.0.1:5672, where the Celery tests look for it, else a private one there. Sourced.

services_folder=
rabbitmq_port=5672

start_services() {
    services_folder=$(mktemp -d /tmp/stoa_ci.XXXXXX)
    chmod 755 "$services_folder"
    [ -n "${DATABASE_URL:-}" ] || start_postgres
    [ -n "${REDIS_URL:-}" ] || start_redis
    answers "$rabbitmq_port" || start_rabbitmq
}

answers() { (: < "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

# The server refuses to run as root, so root hands it to the user `postgres` that the package made.
as_postgres() {
    (cd / && if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi)
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start_postgres() {
    local bin data="$services_folder/postgres" port
    bin=$(find /usr/lib/postgresql/*/bin -maxdepth 0 2> /dev/null | sort -V | tail -n 1)
    if [ -z "$bin" ]; then
        echo 'no PostgreSQL server is installed and DATABASE_URL is not set' >&2
        return
    fi
    mkdir "$data"
    [ "$(id -u)" -ne 0 ] || chown postgres "$data"
    port=$(free_port)
    as_postgres "$bin/initdb" -D "$data/data" -U stoa_test_admin -A trust -E UTF8 --locale=C.UTF-8 --no-sync \
        > "$services_folder/initdb.log" 2>&1 || cat "$services_folder/initdb.log" >&2
    # fsync off: rows that outlive a power cut are of no use to a test. Durability across killed processes is unchanged.
    as_postgres "$bin/pg_ctl" -D "$data/data" -w -t 30 -l "$data/server.log" -o \
        "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$data -c fsync=off" start > /dev/null ||
        cat "$data/server.log" >&2
    # A plain role that may create databases, and roles to attack them with: the suite must not need a superuser.
    as_postgres "$bin/psql" -q -h 127.0.0.1 -p "$port" -U stoa_test_admin -d postgres \
        -c 'CREATE ROLE stoa_test LOGIN CREATEDB CREATEROLE' -c 'CREATE DATABASE test_stoa OWNER stoa_test'
    export DATABASE_URL="postgresql://stoa_test@127.0.0.1:$port/test_stoa"
    postgres_bin=$bin postgres_data="$data/data"
    echo "PostgreSQL $(basename "$(dirname "$bin")") on port $port"
}

start_redis() {
    local port
    port=$(free_port)
    redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$services_folder" --daemonize yes \
        --pidfile "$services_folder/redis.pid" > /dev/null || return
    export REDIS_URL="redis://127.0.0.1:$port/15"
    echo "Redis on port $port"
}

# Debian's wrapper wants root or the user rabbitmq; the program behind it runs as anybody, with folders of its own.
start_rabbitmq() {
    local home="$services_folder/rabbitmq"
    if [ ! -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then
        echo 'RabbitMQ is not installed' >&2
        return
    fi
    mkdir "$home"
    touch "$home/rabbitmq.conf" # the machine's own would win over these variables
    env HOME="$home" ERL_EPMD_ADDRESS=127.0.0.1 ERL_FLAGS='-kernel inet_dist_use_interface {127,0,0,1}' \
        RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_CONFIG_FILE="$home/rabbitmq" RABBITMQ_NODENAME="stoa_ci_$$@localhost" \
        RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT="$rabbitmq_port" RABBITMQ_DIST_PORT="$(free_port)" \
        RABBITMQ_MNESIA_BASE="$home/data" RABBITMQ_LOG_BASE="$home/log" RABBITMQ_ENABLED_PLUGINS_FILE="$home/plugins" \
        setsid /usr/lib/rabbitmq/bin/rabbitmq-server > "$home.log" 2>&1 < /dev/null &
    rabbitmq_group=$!
    disown
    for _ in $(seq 300); do
        answers "$rabbitmq_port" && break
        sleep 0.1
    done
    if answers "$rabbitmq_port"; then echo "RabbitMQ on port $rabbitmq_port"; else tail -n 20 "$home.log" >&2; fi
}

stop_services() {
    [ -n "$services_folder" ] || return 0
    [ -z "${postgres_data:-}" ] || as_postgres "$postgres_bin/pg_ctl" -D "$postgres_data" -m immediate stop > /dev/null
    [ ! -f "$services_folder/redis.pid" ] || kill "$(cat "$services_folder/redis.pid")"
    [ -z "${rabbitmq_group:-}" ] || kill -KILL -- "-$rabbitmq_group" 2> /dev/null || kill -KILL "$rabbitmq_group"
    rm -rf "$services_folder"
}
