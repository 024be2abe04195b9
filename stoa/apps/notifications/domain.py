"""Pure rules of notifications: the kinds of facts, and how each reads in a language."""

from collections.abc import Mapping
from enum import StrEnum

DEFAULT_LOCALE = "en"


class Kind(StrEnum):
    INVITE = "invite"
    INVITE_ACCEPTED = "invite_accepted"
    ROLE_CHANGED = "role_changed"
    MEMBERSHIP_ENDED = "membership_ended"
    MEMBERSHIP_PAUSED = "membership_paused"
    MEMBERSHIP_RESUMED = "membership_resumed"


_TEXTS: Mapping[str, Mapping[Kind, str]] = {
    "en": {
        Kind.INVITE: "You are invited to {organization} as {role}.",
        Kind.INVITE_ACCEPTED: "{name} joined {organization} as {role}.",
        Kind.ROLE_CHANGED: "Your role in {organization} is now {role}.",
        Kind.MEMBERSHIP_ENDED: "You are no longer a member of {organization}.",
        Kind.MEMBERSHIP_PAUSED: "Your membership of {organization} is paused.",
        Kind.MEMBERSHIP_RESUMED: "Your membership of {organization} is active again.",
    },
    "ru": {
        Kind.INVITE: "Вас приглашают в {organization}, роль: {role}.",
        Kind.INVITE_ACCEPTED: "{name} теперь в {organization}, роль: {role}.",
        Kind.ROLE_CHANGED: "Ваша роль в {organization} теперь {role}.",
        Kind.MEMBERSHIP_ENDED: "Вы больше не участник {organization}.",
        Kind.MEMBERSHIP_PAUSED: "Ваше участие в {organization} приостановлено.",
        Kind.MEMBERSHIP_RESUMED: "Ваше участие в {organization} возобновлено.",
    },
    "ka": {
        Kind.INVITE: "გიწვევენ {organization}-ში, როლი: {role}.",
        Kind.INVITE_ACCEPTED: "{name} შემოუერთდა {organization}-ს, როლი: {role}.",
        Kind.ROLE_CHANGED: "თქვენი როლი {organization}-ში ახლა არის {role}.",
        Kind.MEMBERSHIP_ENDED: "თქვენ აღარ ხართ {organization}-ის წევრი.",
        Kind.MEMBERSHIP_PAUSED: "თქვენი წევრობა {organization}-ში შეჩერებულია.",
        Kind.MEMBERSHIP_RESUMED: "თქვენი წევრობა {organization}-ში განახლდა.",
    },
}


class _Words(dict[str, str]):
    """A word that was not noted is shown as a dash: an old row must never break a list."""

    def __missing__(self, key: str) -> str:
        return "—"


def text_of(kind: Kind, words: Mapping[str, str], locale: str) -> str:
    """The sentence in `locale`, else in English. Values are put in as they are: the client escapes what it shows."""
    return _TEXTS.get(locale, _TEXTS[DEFAULT_LOCALE])[kind].format_map(_Words(words))


def locale_of(accept_language: str) -> str:
    """The language we have that the header prefers; of equals the first. Source: RFC 9110, 12.5.4."""
    preferred: list[tuple[float, str]] = []
    for part in accept_language.split(","):
        tag, _, quality = part.strip().partition(";")
        primary = tag.strip().partition("-")[0].lower()
        if primary in _TEXTS:
            preferred.append((_quality(quality), primary))
    best = max(preferred, key=lambda one: one[0], default=(0.0, DEFAULT_LOCALE))
    return best[1] if best[0] > 0 else DEFAULT_LOCALE


def _quality(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if not name:
        return 1.0
    try:
        return min(float(value), 1.0) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
