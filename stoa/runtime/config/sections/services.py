"""Redis and the task broker: both optional."""

from pydantic import SecretStr

from stoa.runtime.config.registry import Section, setting


class Services(Section):
    """Redis and tasks."""

    redis_url: SecretStr | None = setting(
        None,
        "Address of Redis: shared rate limits and cache. Without it both live in the process.",
        secret=True,
        example="redis://localhost:6379/0",
        why="With several web processes limits are exact only through Redis.",
    )
    redis_host: str | None = setting(
        None,
        "Redis host, instead of REDIS_URL.",
        example="localhost",
        why="Setting it is what chooses Redis when REDIS_URL is unset.",
    )
    redis_port: int = setting(
        6379,
        "Redis port, with REDIS_HOST.",
        ge=1,
        le=65535,
        example="6380",
        why="For a second Redis on one machine.",
    )
    redis_db: int = setting(
        0,
        "Redis database number, with REDIS_HOST.",
        ge=0,
        le=1023,
        example="1",
        why="Installations that share a Redis must not share their keys.",
    )
    redis_password: SecretStr | None = setting(
        None,
        "Redis password, with REDIS_HOST.",
        secret=True,
        example="<from your vault>",
        why="Apart from the address it may hold any character, and can come from a mounted file.",
    )
    celery_broker_url: SecretStr | None = setting(
        None,
        "Address of the Celery broker; unset means tasks run in the local worker.",
        secret=True,
        example="redis://localhost:6379/1",
        why="RabbitMQ (amqp://) and Redis are both supported.",
    )
    celery_result_backend: SecretStr | None = setting(
        None,
        "Where Celery keeps results; unset: in the database, for a day.",
        secret=True,
        example="redis://localhost:6379/2",
        why="Results of many small tasks are a load that Redis bears more easily.",
    )
    outbox_retention_days: int = setting(
        7,
        "How long an event is kept after all its deliveries are done.",
        unit="days",
        ge=1,
        le=3650,
        example="30",
        why="So far back can outbox_replay fill what a new subscriber missed; what is not done is kept for ever.",
    )
    outbox_lease_s: int = setting(
        60,
        "How long a worker that went silent keeps the deliveries it had claimed.",
        unit="seconds",
        ge=1,
        le=3600,
        example="30",
        why="A shorter one resumes sooner after a crash; one reaction that takes longer than this may run twice.",
    )
