"""What accounts does after its own events: what has to happen outside a transaction."""

from stoa.apps.accounts.events import (
    AccountErased,
    AccountRegistered,
    CodeAsked,
    ExportRequested,
    SecretAsked,
    SessionsEnded,
)
from stoa.apps.accounts.services.emails import ask_to_verify
from stoa.apps.accounts.services.erasure_list import write_down
from stoa.apps.accounts.services.exports import build_export, folder_of
from stoa.apps.accounts.services.mailed_secrets import mail_secret
from stoa.apps.accounts.services.one_time_codes import send_code
from stoa.platform.outbox.delivering import delivery_key
from stoa.platform.outbox.subscriptions import reacts, sends
from stoa.platform.realtime.telling import close_sockets
from stoa.platform.storage.client import storage


@sends(ExportRequested)
def write_archive(event: ExportRequested) -> None:
    build_export(export_id=event.export_id, user_id=event.user_id)


@sends(AccountErased)
def list_erasure(event: AccountErased) -> None:
    write_down(user_id=event.user_id)


@sends(AccountErased)
def remove_archives(event: AccountErased) -> None:
    storage().delete_all(folder_of(user_id=event.user_id))


@reacts(AccountRegistered)
def ask_new_person_to_verify(event: AccountRegistered) -> None:
    ask_to_verify(user_id=event.user_id)


@sends(SecretAsked)
def send_secret(event: SecretAsked) -> None:
    mail_secret(secret_id=event.secret_id, key=delivery_key())


@sends(CodeAsked)
def send_one_time_code(event: CodeAsked) -> None:
    send_code(code_id=event.code_id, key=delivery_key())


@sends(SessionsEnded)
def close_sockets_of_ended(event: SessionsEnded) -> None:
    close_sockets(user_id=event.user_id, session_ids=event.session_ids)
