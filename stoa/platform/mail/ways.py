"""The ways a mail can go. Each is given one whole message and delivers it, or raises."""

import os
import smtplib
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend

from stoa.platform.mail.errors import MailNotSent, MailRefused
from stoa.runtime.config.model import Settings

_PERMANENT = 500


class MailWay(Protocol):
    def send(self, message: EmailMultiAlternatives) -> None:
        """Raises MailNotSent, MailRefused."""


class SmtpMail:
    """A connection for each mail: they are rare, and a kept one dies unseen."""

    def __init__(self, current: Settings) -> None:
        self._current = current

    def send(self, message: EmailMultiAlternatives) -> None:
        current = self._current
        if current.email_host is None:
            raise MailNotSent("EMAIL_HOST is not set.")
        password = current.email_host_password
        backend = _DeadlineBackend(
            host=current.email_host,
            port=current.email_port,
            username=current.email_host_user,
            password=password.get_secret_value() if password is not None else "",
            use_tls=current.email_use_tls and not current.email_use_ssl,
            use_ssl=current.email_use_ssl,
            timeout=current.email_timeout_s,
        )
        # `from None`: smtplib's errors hold the address, and a traceback is logged whole.
        try:
            backend.send_messages([message])
        except smtplib.SMTPRecipientsRefused as error:
            statuses = [status for status, _ in error.recipients.values()]
            raise _refusal(max(statuses, default=0)) from None
        except smtplib.SMTPAuthenticationError as error:
            raise MailNotSent(f"The mail server refused the login ({error.smtp_code}).") from None
        except smtplib.SMTPResponseException as error:
            raise _refusal(error.smtp_code) from None
        except (OSError, smtplib.SMTPException) as error:
            raise MailNotSent(f"The mail server did not answer ({type(error).__name__}).") from None


def _refusal(status: int) -> MailNotSent | MailRefused:
    """5xx is for good, 4xx (greylisting, a full queue) passes."""
    if status >= _PERMANENT:
        return MailRefused(f"The mail server refused the mail ({status}).")
    return MailNotSent(f"The mail server did not take the mail now ({status}).")


class _Deadline(smtplib.SMTP):
    """smtplib's timeout is for each wait; a server that sends a byte a second would never meet it. Once the time is
    over the connection is shut, and whatever waits on it fails."""

    _clock: threading.Timer | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        self._clock = threading.Timer(timeout, self._shut)
        self._clock.daemon = True
        self._clock.start()
        try:
            return super()._get_socket(host, port, timeout)  # type: ignore[misc]  # not in the stubs
        except OSError:
            self._clock.cancel()
            raise

    def _shut(self) -> None:
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
        super().close()


class _DeadlineSsl(_Deadline, smtplib.SMTP_SSL):
    pass


class _DeadlineBackend(EmailBackend):
    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _DeadlineSsl if self.use_ssl else _Deadline


class FolderMail:
    """One file a mail, named by its Message-ID: the same mail twice is one file. Readable by this user alone."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def send(self, message: EmailMultiAlternatives) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = message.extra_headers["Message-ID"].strip("<>").partition("@")[0]
        opened = os.open(self._folder / f"{name}.eml", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(opened, "wb") as file:
            file.write(message.message().as_bytes())


class ConsoleMail:
    """On the error stream, past the logs: those are kept and shipped, and the mail opens accounts."""

    def send(self, message: EmailMultiAlternatives) -> None:
        sys.stderr.write(f"{'-' * 79}\n{message.message().as_string()}\n{'-' * 79}\n")


class MemoryMail:
    """A mailbox for tests. `broken` makes every mail fail, as a server that is down does."""

    def __init__(self) -> None:
        self.sent: list[EmailMultiAlternatives] = []
        self.broken = False

    def send(self, message: EmailMultiAlternatives) -> None:
        if self.broken:
            raise MailNotSent
        message.message()  # as the others do: a header that cannot be written fails here too
        self.sent.append(message)

    def to(self, address: str) -> list[EmailMultiAlternatives]:
        return [message for message in self.sent if message.to == [address]]
