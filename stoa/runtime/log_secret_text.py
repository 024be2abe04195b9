"""Secrets inside text: `name=value` in all its dresses, URLs, headers, JWTs, keys, e-mail addresses, phone numbers.

When in doubt it masks too much. What it cannot know: a secret in a plain sentence ("the word is swordfish"), and
where an unquoted value with blanks ends: such a value is masked up to the blank.
Every pattern is linear in the length of the text, because callers choose the text.
"""

import re
from typing import Final

from stoa.runtime.log_secret_names import is_header_name, is_phone_name, is_secret_name

MASK: Final = "***"

_QUOTE = r"(?:\\*[\"'`]|\\+u002[27]|%22|%27|&quot;|&#0?39;|&#x27;)"
_SEPARATOR = r"(?:[=:]+>?|->|%(?:25)*3[DA])"
_NAMED = re.compile(
    r"(?<![\w.\-\[\]])"
    # The tail of an escape (`\n`, `\u0022`, `%3F`) touches the name behind it.
    r"((?<=%)(?:25)*[0-9A-F]{2}|(?<=\\)(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[nrtbf]))?"
    r"((?:(?:api|national|private) (?=key|code))?[\w.\-\[\]]++)"
    rf"(?:({_QUOTE})[ \t]*({_SEPARATOR}|,)|[ \t]*({_SEPARATOR}))(?:[ \t]|%20)*",
    re.IGNORECASE,
)
# A quote behind a backslash never closes: one text may be escaped several times over.
_QUOTED = re.compile(rf"([bru]{{0,2}})({_QUOTE})[\s\S]*?(?:(?<!\\)(?<!%5C)\2|\Z)", re.IGNORECASE)
_BARE = re.compile(
    r"(?:(?:bearer|basic|digest|token|jwt)[ \t]+)?<[^>]*>?"
    r"|(?:(?:bearer|basic|digest|token|jwt)(?:[ \t]|%20)+)?"
    r"(?:(?!&|\\+[\"'rn]|[,;](?:\s|\"|'|[\w.\-]+[=:]))[^\s\"'<>])+",
    re.IGNORECASE,
)
_TO_LINE_END = re.compile(r"[^\r\n]*")
_BRACKETS = re.compile(rf"[\[({{]|[\])}}]|{_QUOTE}")

_USERINFO = re.compile(r"(://)[^\s/?#\"'<>]*@")
_JWT = re.compile(r"eyJ[\w-]{4,}+\.[\w-]+(?:\.[\w-]*)*")
_BEARER = re.compile(r"\b(bearer)((?:\s|%20)+)[^\s\"'<>,;]+", re.IGNORECASE)
_PRIVATE_KEY = re.compile(r"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)[\s\S]*?(-----END [A-Z ]{0,30}|\Z)")
_EMAIL = re.compile(r"(?<![\w.+%-])((?:[\w.+'-]|%(?!40))++)(@|%40)(\w[\w-]*+)((?:\.[\w-]++)+)")
# The first character stands before everything else, lookbehinds included, so that the search can skip to it.
_PHONE = re.compile(
    r"[+%(\d](?:"
    r"(?:(?<=\+)(?<!\d\+)|(?<=%)(?<!\d%)2[Bb])[ ]?[1-9](?:[ ().-]{0,2}+\d){7,14}+(?!\d)"
    r"|(?<![\w.,+:-].)(?:"
    r"(?<=[0۰٠])(?:[1-9۱-۹١-٩]\d{8,9}(?![\w-]|[.,]\d)"
    r"|0[1-9]\d{8,12}(?![\w-]|[.,]\d)"
    r"|[1-9]\d{1,3}[ -]\d{3,4}[ -]?\d{3,4}(?![\w-]))"
    r"|(?:(?<=\()\d{3}\) ?|(?<=\d)\d{2}[.-])\d{3}[.-]\d{4}(?![\w-])"
    r"))"
)


def mask_text(text: str) -> str:
    """The text without secrets; the very same object when there is nothing to hide."""
    if "=" in text or ":" in text or '"' in text or "'" in text or "%" in text or "->" in text:
        text = _mask_named(text)
        if "://" in text:
            text = _USERINFO.sub(rf"\1{MASK}@", text)
    if "eyJ" in text:
        text = _JWT.sub(MASK, text)
    if "bearer" in text.lower():
        text = _BEARER.sub(rf"\1\2{MASK}", text)
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEY.sub(rf"\1{MASK}\2", text)
    if "@" in text or "%40" in text:
        text = _EMAIL.sub(_partly_email, text)
    return _PHONE.sub(_partly_phone, text)


def mask_phone(text: str) -> str:
    """For a value whose name says phone: the last two digits stay if there are enough to hide."""
    digits = [character for character in text if character.isdigit()]
    if len(digits) < 5:
        return mask_text(text)
    return ("+" if text.startswith("+") else "") + MASK + "".join(digits[-2:])


def _mask_named(text: str) -> str:
    """Mask the values that a secret name announces. Nested text is searched at its own depth."""
    pieces: list[str] = []
    done = position = 0
    while (named := _NAMED.search(text, position)) is not None:
        position = named.end()
        escape, name, quote, quoted_separator, bare_separator = named.groups()
        separator = quoted_separator or bare_separator
        if separator == "," and (named.start() == 0 or text[named.start() - 1] not in "\"'`"):
            continue
        secret = is_secret_name(name) or (escape is not None and is_secret_name(escape + name))
        if not secret and not is_phone_name(name):
            continue
        end = _value_end(text, position, separator, whole_line=quote is None and is_header_name(name))
        if end == position:
            continue
        pieces += text[done:position], _masked_value(text[position:end], separator, secret=secret)
        done = position = end
    return "".join((*pieces, text[done:])) if pieces else text


def _quoted(text: str, start: int, separator: str) -> re.Match[str] | None:
    """A percent-encoded quote is one only behind a percent-encoded separator, else it belongs to the value."""
    quoted = _QUOTED.match(text, start)
    return None if quoted is not None and quoted[2][0] == "%" and separator[0] != "%" else quoted


def _masked_value(value: str, separator: str, *, secret: bool) -> str:
    """Quotes stay, so that what was JSON is JSON afterwards."""
    quoted = _quoted(value, 0, separator)
    if quoted is None:
        return MASK if secret else mask_phone(value)
    prefix, quote = quoted.groups()
    closed = len(value) > len(prefix) + len(quote) and value.endswith(quote)
    inner = value[len(prefix) + len(quote) : len(value) - len(quote) if closed else None]
    return prefix + quote + (MASK if secret else mask_phone(inner)) + (quote if closed else "")


def _value_end(text: str, start: int, separator: str, *, whole_line: bool) -> int:
    quoted = _quoted(text, start, separator)
    if quoted is not None:
        return quoted.end()
    matched = (_TO_LINE_END if whole_line else _BARE).match(text, start)
    end = start if matched is None else matched.end()
    if text[start : start + 1] in {"{", "[", "("}:
        return max(end, _closing_bracket(text, start))
    if separator[0] != "%":
        return end
    # Percent-encoded like its separator, once or several times: `&` and quotes of that same depth end it.
    ends = (text.find(separator[:-2] + code, start, end) for code in ("26", "22", "27"))
    return min((found for found in ends if found >= 0), default=end)


def _closing_bracket(text: str, start: int) -> int:
    """Behind the bracket that closes the one at `start`; the end of the text if none does."""
    depth, position = 0, start
    while (found := _BRACKETS.search(text, position)) is not None:
        position = found.end()
        if found[0] in "([{":
            depth += 1
        elif found[0] in ")]}":
            depth -= 1
            if depth == 0:
                return position
        elif (quoted := _QUOTED.match(text, found.start())) is not None:
            position = quoted.end()
    return len(text)


def _partly_email(match: re.Match[str]) -> str:
    local, at, domain, rest = match.groups()
    shown = local[0] if len(local) > 1 and local[0].isalnum() else ""
    return f"{shown}{MASK}{at}{domain[0]}{MASK}.{rest.rpartition('.')[2]}"


def _partly_phone(match: re.Match[str]) -> str:
    return ("+" if match[0][0] in "+%" else "") + MASK + match[0][-2:]
