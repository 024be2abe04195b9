"""Every kind of fact reads in every language, whatever was noted of it."""

import string

import pytest

from stoa.apps.notifications.domain import _TEXTS, Kind, locale_of, text_of

WORDS = {"organization": "Garden", "role": "VIEWER", "name": "Ada"}


@pytest.mark.parametrize("locale", sorted(_TEXTS))
@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_reads_in_each_language(kind: Kind, locale: str) -> None:
    pattern = _TEXTS[locale][kind]
    named = {name for _, name, _, _ in string.Formatter().parse(pattern) if name}
    text = text_of(kind, WORDS, locale)
    assert named == {name for _, name, _, _ in string.Formatter().parse(_TEXTS["en"][kind]) if name}
    assert all(WORDS[name] in text for name in named)


def test_a_word_that_was_not_noted_is_a_dash_and_braces_are_only_text() -> None:
    assert text_of(Kind.ROLE_CHANGED, {"organization": "{role}"}, "en") == "Your role in {role} is now —."


def test_a_language_nobody_translated_reads_in_english() -> None:
    assert text_of(Kind.MEMBERSHIP_ENDED, WORDS, "fr") == "You are no longer a member of Garden."


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("", "en"),
        ("ru", "ru"),
        ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("fr-FR, ka;q=0.5, en;q=0.4", "ka"),
        ("en;q=0.1, ru;q=0.2", "ru"),
        ("ru;q=0", "en"),
        ("ru;q=x, ka;q=0.1", "ka"),
        ("*", "en"),
        (",;=,ru;q=", "en"),
    ],
)
def test_the_language_the_header_prefers(header: str, locale: str) -> None:
    assert locale_of(header) == locale
