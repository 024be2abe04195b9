"""The realtime gateway, and what it and the platform tell each other."""

from typing import Literal

from pydantic import SecretStr

from stoa.runtime.config.registry import Section, setting
from stoa.runtime.config.values import Words


class Gateway(Section):
    """Gateway."""

    gateway_port: int = setting(
        8001,
        "Port of the realtime gateway, on BIND_HOST.",
        ge=1,
        le=65535,
        example="8081",
        why="Sockets that stay open are served apart from requests that end.",
    )
    gateway_url: str | None = setting(
        None,
        "Where the platform reaches a gateway without Redis; unset: GATEWAY_PORT on this machine.",
        example="http://gateway:8001",
        why="With Redis nobody calls the gateway; without, events are handed to it here, over loopback only.",
    )
    gateway_public_url: str | None = setting(
        None,
        "Where clients reach the gateway; unset: GATEWAY_PORT on the host they asked.",
        example="wss://rt.example.org/ws",
        why="Behind a proxy it has a name of its own; the landing page and its policy have to know it.",
    )
    platform_url: str | None = setting(
        None,
        "Where the gateway reaches the platform's internal routes; unset: PORT on this machine.",
        example="http://web:8000",
        why="It asks who may see a channel and which sessions still live.",
    )
    internal_secret: SecretStr | None = setting(
        None,
        "What the platform and the gateway know each other by; derived from DJANGO_SECRET_KEY when unset.",
        secret=True,
        example="<output of: openssl rand -base64 48>",
        why="The internal routes lie on the same ports as the public ones.",
    )
    realtime_redis_url: SecretStr | None = setting(
        None,
        "Redis of the realtime bus; unset: the server of REDIS_URL, database 1. Without either the bus is local.",
        secret=True,
        example="redis://localhost:6379/1",
        why="The bus may be flushed and may be full without taking the limits and the cache along.",
    )
    realtime_bus: Literal["auto", "memory", "off"] = setting(
        "auto",
        "What the platform tells the gateways through; auto: Redis if there is one, else the gateway of this machine.",
        example="off",
        why="Without a gateway nobody takes the events, and they would wait in the outbox for ever: off says so.",
    )
    gateway_allowed_origins: Words = setting(
        (),
        "Origins whose pages may open a socket, besides the gateway's own host.",
        example="https://app.example.org",
        why="A browser sends a socket's handshake from any page; only the Origin tells whose page it was.",
    )
    gateway_connections_per_user: int = setting(
        10,
        "Sockets one person may have open at a gateway.",
        unit="sockets",
        ge=1,
        le=1000,
        example="20",
        why="A client that forgets to close its sockets takes its own places and nobody else's.",
    )
    gateway_connections_per_address: int = setting(
        100,
        "Sockets from one address (IPv6: one /64) at a gateway.",
        unit="sockets",
        ge=1,
        le=100_000,
        example="1000",
        why="Offices share an address; a flood from one still has to end somewhere.",
    )
    gateway_accepts_per_s: int = setting(
        2000,
        "Sockets a gateway lets in per second; more wait, up to five seconds, and are then asked to come later.",
        unit="sockets",
        ge=1,
        le=100_000,
        example="500",
        why="After a restart everybody comes at once; those already in must not suffer for it.",
    )
    gateway_outbox_bytes: int = setting(
        1_048_576,
        "Bytes that may wait for one slow socket before it is closed to recover later.",
        unit="bytes",
        ge=65_536,
        example="262144",
        why="What waits is memory, and a reader this late reads history faster than he is fed.",
    )
    gateway_outbox_frames: int = setting(
        2048,
        "Frames that may wait for one slow socket.",
        unit="frames",
        ge=600,
        le=100_000,
        example="4096",
        why="As above, for many small ones; at least a channel's whole history fits.",
    )
    gateway_heartbeat_s: float = setting(
        25.0,
        "Pause between pings to a client; one that stays silent for two of them is closed.",
        unit="seconds",
        gt=0,
        le=300,
        example="15",
        why="Below the idle limit of proxies (often 60 s), and not so short that it keeps phones awake.",
    )
    gateway_handshake_s: float = setting(
        10.0,
        "Time a socket has to say who it is.",
        unit="seconds",
        gt=0,
        le=60,
        example="5",
        why="A socket nobody stands behind holds a place.",
    )
    gateway_drain_s: float = setting(
        3.0,
        "Time over which a stopping gateway lets its sockets go.",
        unit="seconds",
        ge=0,
        le=60,
        example="20",
        why="All at once they would come back all at once; what is left at the end is closed together.",
    )
