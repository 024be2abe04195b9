"""Ports, processes and threads of the web server."""

from stoa.runtime.config.registry import Section, setting


class Serving(Section):
    """Serving."""

    bind_host: str = setting(
        "127.0.0.1",
        "Address that `stoa run` and `stoa web` listen on.",
        example="0.0.0.0",
        why="A laptop should not serve the café's network unless asked to.",
    )
    port: int = setting(
        8000,
        "Port of the HTTP API.",
        ge=1,
        le=65535,
        example="8080",
        why="Below 1024 a process needs a privilege that Stoa should not have; a proxy has it.",
    )
    web_workers: int = setting(
        1, "Web processes.", unit="processes", ge=1, le=256, example="4", why="About one a core for CPU-bound work."
    )
    web_concurrency: int = setting(
        4,
        "Requests a web process works on at once.",
        unit="requests",
        ge=1,
        le=512,
        example="16",
        why="Each may hold a database connection. More only queue for the interpreter (measured: 8 gave 4 % less and a "
        "p99 a quarter longer than 4); a database far away wants more.",
    )
    web_queue: int = setting(
        16,
        "Requests a web process lets wait for a free place before it answers 503.",
        unit="requests",
        ge=0,
        le=4096,
        example="32",
        why="A short queue absorbs bursts; a long one only makes everybody late.",
    )
    web_queue_timeout_s: float = setting(
        2.0,
        "Longest wait in that queue.",
        unit="seconds",
        gt=0,
        le=60,
        example="5",
        why="Past it the caller is told 503 and Retry-After while somebody still listens.",
    )
    web_timeout_s: int = setting(
        60,
        "Time a web process gets to finish its requests when it is told to stop.",
        unit="seconds",
        ge=1,
        le=3600,
        example="30",
        why="A deployment must not cut a payment in half, nor wait for ever for a stuck request.",
    )
    drain_file: str = setting(
        "var/drain",
        "While this file exists every process answers 503 on /health/ready.",
        example="/run/stoa/drain",
        why="Servers refuse connections at once on SIGTERM: take the node out of the balancer first (`stoa drain`).",
    )
