"""How Stoa reaches people outside: mail and text messages."""

from typing import Literal

from pydantic import SecretStr

from stoa.runtime.config.registry import Section, setting
from stoa.runtime.config.values import Rate, Switch


class Mail(Section):
    """Mail and SMS."""

    email_backend: Literal["auto", "smtp", "file", "console", "memory"] = setting(
        "auto",
        "Where mail goes; auto: to EMAIL_HOST if there is one or in production, else to files in EMAIL_DIR.",
        example="console",
        why="On a laptop the link of a mail can be read without a mail server: in a file or on the console.",
    )
    email_host: str | None = setting(
        None,
        "The SMTP server that takes our mail.",
        example="smtp.example.org",
        why="Without it production sends no mail: deliveries wait, are tried again, and are parked in sight.",
    )
    email_port: int = setting(
        587,
        "Port of the SMTP server.",
        ge=1,
        le=65535,
        example="465",
        why="587 goes with EMAIL_USE_TLS, 465 with EMAIL_USE_SSL, 25 with neither.",
    )
    email_host_user: str = setting(
        "",
        "User name at the SMTP server; empty: no login.",
        example="stoa",
        why="A server that takes mail from anybody is soon on every blacklist.",
    )
    email_host_password: SecretStr | None = setting(
        None,
        "Password at the SMTP server.",
        secret=True,
        example="<from your vault>",
        why="Apart from the host it may hold any character, and can come from a mounted file.",
    )
    email_use_tls: Switch = setting(
        True,
        "STARTTLS: encrypt after the greeting.",
        example="false",
        why="Mails carry links that open accounts; off only for a relay on the same machine.",
    )
    email_use_ssl: Switch = setting(
        False,
        "TLS from the first byte (port 465), in place of EMAIL_USE_TLS.",
        example="true",
        why="Some providers offer only this; it wins where both are on.",
    )
    email_timeout_s: float = setting(
        10.0,
        "How long sending one mail may take in all.",
        unit="seconds",
        gt=0,
        le=50,
        example="20",
        why="Below OUTBOX_LEASE_S, or a slow server makes another worker send the same mail again.",
    )
    email_dir: str = setting(
        "var/mail",
        "Folder of the mails that EMAIL_BACKEND=file writes, one .eml each.",
        example="/var/lib/stoa/mail",
        why="Links in them open accounts, so only this user can read them.",
    )
    default_from_email: str = setting(
        "Stoa <noreply@localhost>",
        "Sender of every mail.",
        example="Stoa <noreply@example.org>",
        why="Its domain has to allow the SMTP server (SPF, DKIM), or mail ends up as spam.",
    )
    email_verify_url_base: str | None = setting(
        None,
        "Page of your client that confirms an e-mail; `?token=` is added. Unset: the mail shows the token.",
        example="https://app.example.org/verify",
        why="The API has no pages of its own; only the client knows where its form is.",
    )
    email_change_url_base: str | None = setting(
        None,
        "Page of your client that confirms a new e-mail; `?token=` is added. Unset: the mail shows the token.",
        example="https://app.example.org/new-address",
        why="As above; another page, since it calls another route.",
    )
    password_reset_url_base: str | None = setting(
        None,
        "Page of your client that sets a new password; `?token=` is added. Unset: the mail shows the token.",
        example="https://app.example.org/reset",
        why="As above: and never from a request's Host header, which anybody can forge.",
    )
    reset_rate: Rate = setting(
        "10/hour",
        "Password resets asked for or confirmed from one address.",
        example="5/hour",
        why="Each one that is asked for may become a mail to somebody.",
    )
    resend_rate: Rate = setting(
        "5/hour",
        "Verification mails asked for again from one address.",
        example="3/hour",
        why="A mailbox must not be filled through us.",
    )
    otp_rate: Rate = setting(
        "10/hour",
        "One-time codes asked for from one address.",
        example="5/hour",
        why="Each may become a mail or a text message to somebody, and messages cost money.",
    )
    sms_backend: Literal["auto", "console", "memory"] = setting(
        "auto",
        "Where text messages go; auto: to the console, and nowhere in production.",
        example="console",
        why="No provider is built in yet; production refuses to pretend that a message was sent.",
    )
