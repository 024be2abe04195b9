"""Organizations: what they may choose, and how long an invite lasts."""

from stoa.runtime.config.registry import Section, setting
from stoa.runtime.config.values import Rate, Words


class Organizations(Section):
    """Organizations."""

    allowed_countries: Words = setting(
        (),
        "Countries an organization may be in, as ISO 3166 codes; empty: any.",
        example="GE AM KZ",
        why="Where a business is licensed in some countries only.",
    )
    allowed_currencies: Words = setting(
        (),
        "Base currencies an organization may choose, as ISO 4217 codes; empty: any.",
        example="GEL USD EUR",
        why="Books in a currency that nobody can pay in help nobody.",
    )
    default_base_currency: str = setting(
        "USD",
        "Base currency of an organization that names none.",
        pattern=r"^[A-Z]{3}$",
        example="GEL",
        why="Most organizations of an installation share one.",
    )
    default_org_timezone: str = setting(
        "UTC",
        "Time zone of an organization that names none.",
        example="Asia/Tbilisi",
        why="Days of reports begin at its midnight.",
    )
    invite_ttl_days: int = setting(
        7,
        "How long an invite can be accepted.",
        unit="days",
        ge=1,
        le=90,
        example="14",
        why="An old link in a mailbox should open nothing.",
    )
    invite_accept_url_base: str = setting(
        "http://localhost:3000/invites",
        "Page of your site that accepts invites; the token follows behind `?token=`.",
        example="https://app.example.org/invites",
        why="It is the link in the mail.",
    )
    invite_accept_rate: Rate = setting(
        "30/min",
        "Attempts of one person to answer an invite.",
        example="10/min",
        why="Tokens cannot be guessed; this keeps those who try from costing anything.",
    )
