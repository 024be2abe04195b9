"""What is personal: the keys it is encrypted under, archives for its owner, and its erasure."""

from pydantic import SecretStr

from stoa.runtime.config.registry import Section, setting
from stoa.runtime.config.values import Rate


class Privacy(Section):
    """Privacy."""

    field_encryption_keys: SecretStr | None = setting(
        None,
        "Keys of encrypted columns, `kid:base64` pairs of 32 bytes each: the first encrypts, all decrypt.",
        secret=True,
        example="<2027a:output of: openssl rand -base64 32>",
        why="A stolen dump tells no birth date and no phone. After a new first key run `manage.py rekey`, then drop the "
        "old one. Required in production; elsewhere derived from DJANGO_SECRET_KEY.",
    )
    export_ttl_days: int = setting(
        7,
        "How long an archive of a person's data can be downloaded.",
        unit="days",
        ge=1,
        le=90,
        example="3",
        why="It holds all there is about somebody in clear: long enough to fetch it, no longer.",
    )
    export_rate: Rate = setting(
        "60/hour",
        "Requests for one's archive and looks whether it is ready, of one person.",
        example="30/hour",
        why="An archive reads every table; whoever asks in a loop makes others wait.",
    )
    erasure_grace_days: int = setting(
        14,
        "How long a closed account can still be restored by signing in.",
        unit="days",
        ge=0,
        le=90,
        example="30",
        why="People change their minds, and thieves close accounts; after it nothing can be brought back.",
    )
    erasure_list_file: str = setting(
        "var/erasures.jsonl",
        "File with the ids of everybody who was erased.",
        example="/var/lib/stoa/erasures.jsonl",
        why="Outside the database, so that a restored backup forgets again who was erased after it: keep it on a disk "
        "that a restore does not touch.",
    )
