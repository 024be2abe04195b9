"""What accounts tells others about people."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Literal, Protocol
from uuid import UUID

from stoa.kit.contract import Contract


class Profile(Contract):
    """A person as they see themselves."""

    id: UUID
    email: str
    handle: str
    name: str
    is_staff: bool
    created_at: datetime


class BirthPlace(Contract):
    name: str
    lat: float
    lon: float
    timezone: str | None = None


class Birth(Contract):
    """`time` is HH:MM by the clocks of the place."""

    date: date
    time: str | None = None
    place: BirthPlace | None = None


class QuietHours(Contract):
    """HH:MM in the person's time zone; from 22:00 to 07:00 goes over midnight."""

    start: str
    end: str


class PersonSettings(Contract):
    privacy: str
    """public or private."""
    dm_policy: str
    """everyone, followed or nobody may begin a conversation."""
    language: str
    """en, ru or ka."""
    push_enabled: bool
    email_enabled: bool
    digest_enabled: bool
    quiet_hours: QuietHours | None


class OwnProfile(Profile):
    """With what only its owner and staff see."""

    bio: str
    locale: str
    timezone: str
    email_verified: bool
    phone: str | None
    phone_verified: bool
    birth: Birth | None
    settings: PersonSettings


class PersonSummary(Contract):
    """A person in a list."""

    id: UUID
    handle: str
    name: str


class PersonView(PersonSummary):
    """A person as others see them; `own` is for the person and staff, null for everybody else."""

    bio: str
    created_at: datetime
    own: OwnProfile | None


class PushDeviceView(Contract):
    id: UUID
    platform: str
    name: str
    created_at: datetime
    seen_at: datetime


class DeviceRemoved(Contract):
    removed: bool = True


class SignedIn(Contract):
    """`access` is short-lived; `refresh` works once and gives the next pair."""

    user: Profile
    access: str
    refresh: str


class TokenPair(Contract):
    access: str
    refresh: str


class CodeSent(Contract):
    """`otp_id` goes with the code to where it is verified."""

    otp_id: UUID


class PhoneVerified(Contract):
    verified: bool = True


class SessionView(Contract):
    """One device or browser that is signed in."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    agent: str
    address: str
    current: bool


class SignedOut(Contract):
    signed_out: bool = True


class ExportState(Contract):
    """`url` is a path under which the archive can be fetched with the same person's access token, for a while."""

    state: Literal["pending", "ready"]
    requested_at: datetime
    expires_at: datetime | None
    size_bytes: int | None
    url: str | None


class AccountClosed(Contract):
    """Signing in before `erase_at` restores the account."""

    erase_at: datetime


class ExportSource(Protocol):
    """What an app knows of a person: file name without ending -> rows (contracts or mappings of JSON types).

    Called outside a transaction. Nothing of other people beyond what the person sees anyway."""

    def __call__(self, user_id: UUID) -> Mapping[str, Iterable[object]]: ...


class AccountClosingVeto(Protocol):
    """Raise accounts.errors.AccountCannotClose with the reason, or return.

    Called inside the transaction that closes or erases, with the person's row locked: what it reads it must lock."""

    def __call__(self, user_id: UUID) -> None: ...


class MfaState(Contract):
    """Whether signing in asks a second step. `totp_since` is null while it does not."""

    totp: bool
    totp_since: datetime | None
    recovery_codes_left: int


class TotpEnrolment(Contract):
    """For the authenticator app, as text and as the URI that a QR code shows. Shown once; on after its confirmation."""

    secret: str
    otpauth_uri: str


class RecoveryCodes(Contract):
    """Shown once. Each signs in once in place of the app's code; those made before work no more."""

    recovery_codes: tuple[str, ...]


class MailAsked(Contract):
    """The same whether or not the address is known here."""

    accepted: bool = True


class EmailVerified(Contract):
    verified: bool = True


class PasswordChanged(Contract):
    """`sessions_ended`: how many others were signed out."""

    sessions_ended: int
