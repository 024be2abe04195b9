"""Mail: over a real SMTP server, never in a transaction, one Message-ID a key, no header from a value, in time."""

import socket
import threading
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.test import override_settings

from stoa.platform.db.transactions import OutsideCallInTransaction, transaction
from stoa.platform.mail.client import mail_in_use, message_id_of, send_mail
from stoa.platform.mail.errors import MailNotSent, MailRefused
from stoa.platform.mail.ways import ConsoleMail, FolderMail, MailWay, MemoryMail, SmtpMail
from stoa.runtime.config import current
from stoa.runtime.config.loader import load

TO = "ann@example.org"


class Server:
    """Takes mail, or answers `refusal` to a recipient."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.refusal = ""

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        assert envelope.rcpt_tos == [TO]
        self.taken.append(envelope.original_content or b"")
        return "250 OK"

    def only(self) -> EmailMessage:
        [raw] = self.taken
        return message_from_bytes(raw, policy=policy.default)  # type: ignore[return-value]  # that policy's class


def smtp(port: int, **changes: object) -> SmtpMail:
    fields = {"email_host": "127.0.0.1", "email_port": port, "email_use_tls": False, "email_timeout_s": 5.0, **changes}
    return SmtpMail(current.settings().model_copy(update=fields))


def a_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server() -> Iterator[tuple[Server, int]]:
    handler, port = Server(), a_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


@pytest.fixture(autouse=True)
def templates() -> Iterator[None]:
    texts = {
        "a.txt": "Subject: Hello {{ name }}\n\nDear {{ name }}\n{{ link }}\n",
        "a.html": "<p>Dear {{ name }}</p>",
        "plain.txt": "Subject: Plain\n\nBody",
        "none.txt": "No subject",
    }
    options = {"loaders": [("django.template.loaders.locmem.Loader", texts)]}
    engine = {"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": options}
    with override_settings(TEMPLATES=[engine]):
        yield


def send(template: str = "a", *, to: str = TO, key: str = "k", name: str = "Ann") -> None:
    send_mail(to=to, template=template, values={"name": name, "link": "https://x.test/?a=1&b=2"}, key=key)


def test_a_mail_reaches_a_real_server_whole(server: tuple[Server, int]) -> None:
    handler, port = server
    with mail_in_use(smtp(port)):
        send(name="Ännchen & Co")
    message = handler.only()
    assert (message["To"], message["Subject"]) == (TO, "Hello Ännchen & Co")
    assert message["Message-ID"] == message_id_of("k")
    assert message["Auto-Submitted"] == "auto-generated"
    text, html = message.iter_parts()
    assert text.get_content().replace("\r\n", "\n") == "Dear Ännchen & Co\nhttps://x.test/?a=1&b=2\n"
    assert html.get_content().strip() == "<p>Dear Ännchen &amp; Co</p>"


def test_tried_again_it_is_the_same_mail_and_another_key_is_another(tmp_path: Path) -> None:
    with mail_in_use(FolderMail(str(tmp_path / "mail"))):
        for key in ("k", "k", "other"):
            send(key=key)
    files = sorted((tmp_path / "mail").iterdir())
    assert len(files) == 2
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert (tmp_path / "mail").stat().st_mode & 0o777 == 0o700
    assert all(b"https://x.test/?a=1&b=2" in file.read_bytes() for file in files)


@pytest.mark.parametrize("way", [MemoryMail(), ConsoleMail(), FolderMail("/nowhere"), smtp(1)])
def test_no_mail_leaves_inside_a_transaction(way: MailWay, db: None) -> None:
    with mail_in_use(way), pytest.raises(OutsideCallInTransaction), transaction():
        send()


@pytest.mark.parametrize("name", ["Ann\r\nBcc: eve@example.org", "Ann\n\nBody of Eve", "Ann\u2028Bcc: x", "A\x00nn"])
def test_a_value_makes_no_header_and_moves_no_border(server: tuple[Server, int], name: str) -> None:
    handler, port = server
    with mail_in_use(smtp(port)):
        send("a", name=name)
    message = handler.only()
    assert message["Bcc"] is None
    assert message["Subject"].startswith("Hello A")
    assert "Dear A" in message.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # there is one


@pytest.mark.parametrize("to", ["", "ann", "ann@example.org, eve@example.org", "ann@example.org\nBcc: eve@example.org"])
def test_only_one_address_is_written_to(to: str) -> None:
    box = MemoryMail()
    with mail_in_use(box), pytest.raises(MailRefused):
        send(to=to)
    assert box.sent == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [("550 no such user", MailRefused), ("450 later", MailNotSent), ("451 greylisted", MailNotSent)],
)
def test_what_the_server_refuses_is_told_without_the_address(
    server: tuple[Server, int], answer: str, error: type[Exception]
) -> None:
    handler, port = server
    handler.refusal = answer
    with mail_in_use(smtp(port)), pytest.raises(error) as told:
        send()
    assert handler.taken == []
    assert TO not in f"{told.value!r} {told.value} {told.value.__cause__!r}"


def test_a_server_that_is_down_and_none_at_all_are_told() -> None:
    for way in (smtp(a_port()), smtp(1, email_host=None)):
        with mail_in_use(way), pytest.raises(MailNotSent):
            send()


def test_a_server_that_sends_a_byte_now_and_then_meets_the_deadline() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip() -> None:
        connection, _ = listening.accept()
        with connection:
            while not over.wait(0.1):
                try:
                    connection.sendall(b"2")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    began = time.monotonic()
    with mail_in_use(smtp(listening.getsockname()[1], email_timeout_s=0.5)), pytest.raises(MailNotSent):
        send()
    took = time.monotonic() - began
    over.set()
    thread.join(5)
    listening.close()
    assert 0.4 < took < 3


def test_a_template_needs_its_subject_and_no_html() -> None:
    box = MemoryMail()
    with mail_in_use(box):
        send("plain")
        with pytest.raises(ValueError, match="subject"):
            send("none")
    [message] = box.sent
    assert (message.subject, message.body, message.alternatives) == ("Plain", "Body", [])


@pytest.mark.parametrize(
    ("environ", "way"),
    [
        ({}, "file"),
        ({"EMAIL_HOST": "mail"}, "smtp"),
        ({"EMAIL_BACKEND": "console", "EMAIL_HOST": "mail"}, "console"),
    ],
)
def test_a_laptop_writes_files_and_a_host_means_smtp(environ: dict[str, str], way: str) -> None:
    assert load(environ=environ, dotenv=None).settings.mail_goes_to == way


def test_production_without_a_host_sends_nothing_and_writes_no_file() -> None:
    fields = {"environment": "production", "email_backend": "auto", "email_host": None}
    assert current.settings().model_copy(update=fields).mail_goes_to == "smtp"
