"""Routes of one's own profile and settings."""

import re
from datetime import date, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from stoa.apps.accounts.contracts import OwnProfile
from stoa.apps.accounts.errors import HandleTaken
from stoa.apps.accounts.http.fields import Handle, Name
from stoa.apps.accounts.queries import own_profile_of, own_user
from stoa.apps.accounts.services import profiles
from stoa.kit.clock import utc_now
from stoa.platform.http.access import SIGNED_IN
from stoa.platform.http.endpoints import Answer, Routes
from stoa.platform.http.inputs import Day, Input, Text, TimeZone
from stoa.platform.http.views import Call

routes = Routes("accounts")

_LOCALE = r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_PHONE = r"\+[1-9][0-9]{6,14}"
_EARLIEST_BIRTH = date(1850, 1, 1)


def _matching(pattern: str, otherwise: str) -> AfterValidator:
    """Not Field(pattern=...): `$` of pydantic's engine and of JSON Schema end at different places."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(otherwise)
        return value

    return AfterValidator(check)


def _schema(pattern: str, example: str) -> Any:
    return Field(json_schema_extra={"pattern": f"^{pattern}$", "examples": [example]})


def _born(value: date) -> date:
    if not _EARLIEST_BIRTH <= value <= utc_now().date() + timedelta(days=1):
        raise ValueError("a day that somebody alive may have been born on is expected")
    return value


type Clock = Annotated[str, _matching(_CLOCK, "a time such as 22:00 is expected"), _schema(_CLOCK, "22:00")]
type Locale = Annotated[str, _matching(_LOCALE, "a locale such as ka-GE is expected"), _schema(_LOCALE, "en")]
type Phone = Annotated[
    str, _matching(_PHONE, "a number such as +995555123456 is expected"), _schema(_PHONE, "+995555123456")
]


class BirthPlaceInput(Input):
    name: Text
    lat: float = Field(ge=-90, le=90, allow_inf_nan=False)
    lon: float = Field(ge=-180, le=180, allow_inf_nan=False)
    timezone: TimeZone | None = None


class BirthInput(Input):
    date: Annotated[Day, AfterValidator(_born)]
    time: Clock | None = None
    place: BirthPlaceInput | None = None


class QuietHoursInput(Input):
    start: Clock
    end: Clock


class SettingsInput(Input):
    """Each is changed alone; null means "none" for quiet hours only."""

    privacy: Literal["public", "private"] = "public"
    dm_policy: Literal["everyone", "followed", "nobody"] = "everyone"
    language: Literal["en", "ru", "ka"] = "en"
    push_enabled: bool = True
    email_enabled: bool = True
    digest_enabled: bool = False
    quiet_hours: QuietHoursInput | None = None


class ProfileInput(Input):
    """What is not given stays; null clears phone and birth data, and leaves name and handle."""

    name: Name | None = None
    handle: Handle | None = None
    bio: Annotated[str, Field(max_length=500)] = ""
    locale: Locale = "en"
    timezone: TimeZone = "UTC"
    phone: Phone | None = None
    birth: BirthInput | None = None
    settings: SettingsInput = SettingsInput()

    def changes(self) -> dict[str, object]:
        """Columns and their new values, of what was given."""
        given = self.model_dump(mode="json", exclude_unset=True)
        settings = given.pop("settings", {})
        if "quiet_hours" in settings:
            hours = settings.pop("quiet_hours") or {"start": None, "end": None}
            settings |= {"quiet_from": _clock(hours["start"]), "quiet_until": _clock(hours["end"])}
        kept = {name for name in ("name", "handle") if given.get(name, "") is None}
        return {name: value for name, value in (given | settings).items() if name not in kept}


def _clock(text: str | None) -> time | None:
    return time.fromisoformat(text) if text is not None else None


@routes.get("profile/me", access=SIGNED_IN, answer=OwnProfile, conditional="read")
@routes.get("users/me", access=SIGNED_IN, answer=OwnProfile, conditional="read")
def show_me(call: Call[None, None]) -> Answer:
    """Show the caller's own profile and settings."""
    user = own_user(call.caller.user_id)
    return Answer(own_profile_of(user), etag=str(user.version))


@routes.patch(
    "profile/me", access=SIGNED_IN, body=ProfileInput, answer=OwnProfile, raises=(HandleTaken,), conditional="write"
)
@routes.patch(
    "users/me", access=SIGNED_IN, body=ProfileInput, answer=OwnProfile, raises=(HandleTaken,), conditional="write"
)
def edit_me(call: Call[ProfileInput, None]) -> Answer:
    """Edit the caller's own profile and settings."""
    edited = profiles.edit_profile(
        user_id=call.caller.user_id,
        changes=call.body.changes(),
        require_version=lambda version: call.require_match(str(version)),
    )
    return Answer(edited.profile, etag=str(edited.version))
