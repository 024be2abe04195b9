"""Sending one mail to one person. Called from `@sends` reactions, never from a request."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parseaddr

from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.template import Context, Engine, TemplateDoesNotExist
from django.template.loader import get_template

from stoa.platform.db.transactions import refuse_in_transaction
from stoa.platform.mail.errors import MailRefused
from stoa.platform.mail.ways import ConsoleMail, FolderMail, MailWay, MemoryMail, SmtpMail
from stoa.runtime.config.current import settings
from stoa.runtime.logs import get_logger

_LONGEST_SUBJECT = 200
_SUBJECT = re.compile(r"Subject:(?P<subject>[^\n]*)\n\n(?P<body>.*)", re.DOTALL)

log = get_logger(__name__)


def send_mail(*, to: str, template: str, values: Mapping[str, object], key: str) -> None:
    """Send `<template>.txt`, and `<template>.html` beside it where there is one.

    The text begins with `Subject: ...` and an empty line. `key` names this mail, as `delivery_key()` does: tried
    again it has the same Message-ID, by which mailboxes drop a second copy.
    Raises MailNotSent (try again), MailRefused (trying again is no use), OutsideCallInTransaction."""
    refuse_in_transaction("a mail")
    message = _message(to, template, values, key)
    _way().send(message)
    log.info("mail sent", template=template, message_id=message.extra_headers["Message-ID"])


def message_id_of(key: str) -> str:
    domain = parseaddr(settings().default_from_email)[1].rpartition("@")[2] or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


def _message(to: str, template: str, values: Mapping[str, object], key: str) -> EmailMultiAlternatives:
    try:
        validate_email(to)
    except ValidationError:
        raise MailRefused("Not one e-mail address.") from None
    subject, body = _text(template, values)
    message = EmailMultiAlternatives(
        subject=subject,
        body=body,
        from_email=settings().default_from_email,
        to=[to],
        headers={"Message-ID": message_id_of(key), "Auto-Submitted": "auto-generated"},
    )
    try:
        message.attach_alternative(get_template(f"{template}.html").render(dict(values)), "text/html")
    except TemplateDoesNotExist as missing:
        if missing.args[0] != f"{template}.html":
            raise
    return message


def _text(template: str, values: Mapping[str, object]) -> tuple[str, str]:
    """Subject and body. What a value brings along cannot begin another header: the subject is one printable line."""
    found = _SUBJECT.fullmatch(_source(template).replace("\r\n", "\n"))
    if found is None:
        raise ValueError(f"{template}.txt does not begin with a subject and an empty line")
    subject, body = (_filled(part, values) for part in (found["subject"], found["body"]))
    printable = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in subject)
    return " ".join(printable.split())[:_LONGEST_SUBJECT], body


def _source(template: str) -> str:
    """Subject and body are filled each by itself, so that no value can move the border between them."""
    return str(get_template(f"{template}.txt").template.source)  # type: ignore[attr-defined]  # Django's own engine


def _filled(source: str, values: Mapping[str, object]) -> str:
    from_source = Engine.get_default().from_string(source)
    return str(from_source.render(Context(dict(values), autoescape=False)))


_chosen: list[MailWay] = []
_mailbox = MemoryMail()


def _way() -> MailWay:
    if _chosen:
        return _chosen[-1]
    current = settings()
    match current.mail_goes_to:
        case "smtp":
            return SmtpMail(current)
        case "memory":
            return _mailbox
        case "console":
            return ConsoleMail()
    return FolderMail(current.email_dir)


@contextmanager
def mail_in_use(instead: MailWay) -> Iterator[None]:
    """For tests: another way than the configured one."""
    _chosen.append(instead)
    try:
        yield
    finally:
        _chosen.remove(instead)
