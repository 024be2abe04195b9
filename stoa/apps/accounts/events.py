"""What happened to people. Ids only: the outbox outlives the person."""

from typing import ClassVar
from uuid import UUID

from stoa.kit.event import Event


class ProfileChanged(Event):
    """Name, handle, bio, settings or any other part of a profile. `version` of the row after it is in the event, so
    that a late one is told from the newest."""

    name: ClassVar[str] = "accounts.profile_changed"

    user_id: UUID
    row_version: int

    @property
    def key(self) -> str:
        return str(self.user_id)


class _OfPerson(Event):
    user_id: UUID

    @property
    def key(self) -> str:
        return str(self.user_id)


class SecretAsked(Event):
    """A mail with a secret is due. The event has the row's id alone; whoever sends the mail computes the secret."""

    name: ClassVar[str] = "accounts.secret_asked"

    secret_id: UUID


class CodeAsked(Event):
    """Six digits are due, by mail or text message. The event has the row's id alone."""

    name: ClassVar[str] = "accounts.code_asked"

    code_id: UUID


class EmailChanged(_OfPerson):
    """The person showed that they read another address, and has that one now."""

    name: ClassVar[str] = "accounts.email_changed"


class AccountClosed(_OfPerson):
    """Signed out everywhere, out of sight, and erased after a grace period unless restored."""

    name: ClassVar[str] = "accounts.closed"


class AccountRestored(_OfPerson):
    name: ClassVar[str] = "accounts.restored"


class AccountErased(_OfPerson):
    """Every app forgets this person: deletes what is theirs and keeps at most the id. Must be safe to receive twice:
    after a restore of a backup it is published again."""

    name: ClassVar[str] = "accounts.erased"


class ExportRequested(Event):
    """A person asked for an archive of their data."""

    name: ClassVar[str] = "accounts.export_requested"

    export_id: UUID
    user_id: UUID


class AccountRegistered(_OfPerson):
    name: ClassVar[str] = "accounts.registered"


class SessionsEnded(_OfPerson):
    """Their tokens open nothing any more; whatever is connected with one is to be closed."""

    name: ClassVar[str] = "accounts.sessions_ended"

    session_ids: tuple[UUID, ...]
