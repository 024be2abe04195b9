"""The audit trail: on or off, its key, how long, and where its head is kept."""

from pydantic import SecretStr

from stoa.runtime.config.registry import Section, setting
from stoa.runtime.config.values import Switch


class Audit(Section):
    """Audit."""

    enable_audit_logging: Switch = setting(
        True,
        "Write an audit row in the transaction of each act that asks for one.",
        example="false",
        why="Off, nobody can tell afterwards who did what; the tables and what is in them stay.",
    )
    audit_key: SecretStr | None = setting(
        None,
        "Key of the audit chain; several with commas between: the first seals, all verify.",
        secret=True,
        example="<output of: openssl rand -base64 48>",
        why="Whoever can write to the database but lacks it cannot mend the chain. Required in production; elsewhere "
        "derived from DJANGO_SECRET_KEY.",
    )
    audit_retention_days: int = setting(
        365,
        "How long audit rows are kept; whole sealed segments are deleted.",
        unit="days",
        ge=1,
        le=36_500,
        example="730",
        why="Long enough for a yearly review, no longer than personal data may be kept.",
    )
    audit_head_file: str = setting(
        "var/audit-head.json",
        "File with the chain's last number and mac, written by the sealer.",
        example="/var/lib/stoa/audit-head.json",
        why="Outside the database it shows when the end of the trail was cut off; put it on a disk that stays.",
    )
