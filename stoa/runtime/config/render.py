"""The documentation of every setting, written from its declaration: `.env.example`, README's table, environment.md."""

from collections.abc import Iterator
from itertools import groupby

from stoa.runtime.config.model import Settings
from stoa.runtime.config.registry import Declaration, declarations

BEGIN = "<!-- env:begin -->"
END = "<!-- env:end -->"

_EXAMPLE_HEAD = """\
# Every variable that Stoa reads. Copied to .env unchanged, this starts on SQLite with nothing else.
# A line that is commented out shows the default; a secret has none to show. The real environment wins over .env.
# Any NAME may be given as NAME_FILE instead: the path of a file that holds the value.
# Written by `python manage.py env_docs --write`; the reasons are in docs/environment.md.
"""

_GUIDE_HEAD = """\
# Environment

Written by `python manage.py env_docs --write` from `stoa/runtime/config/sections`; do not edit by hand.

- A value comes from the process environment, else from `.env` in the root, else it is the default. An empty value
  counts as unset. `python manage.py config` shows what is in force and where each value came from.
- Any `NAME` may be given as `NAME_FILE`: the path of a file that holds the value, as container secrets are mounted.
- A setting may have further names; the first that is found wins, in the order given here.
- All faults are listed at once at start, by the variable's name and what is allowed. Values are never shown.
- `ENVIRONMENT=production` refuses what is only fit for a laptop: default or short secrets, debug pages, `*` as a host,
  SQLite, demo people, metrics without a token.
- A name in `.env` that nothing reads is one line on standard error at start. `FEATURE_*`, `CELERY_*` and `COMPOSE_*`
  are left alone.
"""


def env_example() -> str:
    """The text of `.env.example`."""
    parts = [_EXAMPLE_HEAD]
    for category, members in _by_category():
        parts.append(f"\n# --- {category} ---\n")
        for each in members:
            note = f" (secret; {each.example})" if each.secret else f" ({', '.join(_plain_notes(each))})"
            parts.append(f"\n# {each.description}{note if note != ' ()' else ''}\n# {each.name}={each.default_text}\n")
    return "".join(parts)


def readme_table() -> str:
    """The lines that belong between BEGIN and END."""
    rows = [
        f"| {each.category} | `{each.name}` | {_cell(each.description)} | {_code(each.default_text)} "
        f"| {'yes' if each.secret else ''} |"
        for each in declarations(Settings)
    ]
    head = ["| Category | Name | Description | Default | Secret |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"


def with_table(readme: str) -> str | None:
    """README with its table brought up to date; None when it lacks the markers."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{BEGIN}\n{readme_table()}{END}{after}" if begin and end else None


def environment_guide() -> str:
    """The text of docs/environment.md."""
    parts = [_GUIDE_HEAD]
    for category, members in _by_category():
        parts.append(f"\n## {category}\n")
        parts.extend(_entry(each) for each in members)
    return "".join(parts)


def _entry(each: Declaration) -> str:
    facts = [f"Type: {each.kind}" + (f", in {each.unit}" if each.unit else "")]
    if each.allowed:
        facts.append(f"Allowed: {each.allowed}")
    if each.aliases:
        facts.append("Also read as: " + ", ".join(f"`{alias}`" for alias in each.aliases))
    if each.secret:
        facts.append("Secret: never shown or logged; no default is written down")
    else:
        facts.append(f"Default: {_code(each.default_text) or 'unset'}")
    facts.append(f"Example: `{each.example}`" if each.is_pattern else f"Example: `{each.name}={each.example}`")
    return f"\n### `{each.name}`\n\n{each.description} {each.why}\n\n" + "".join(f"- {fact}\n" for fact in facts)


def _plain_notes(each: Declaration) -> Iterator[str]:
    if each.unit:
        yield each.unit
    if each.allowed and each.kind != "list":
        yield each.allowed.replace("`", "")
    if not each.default_text:
        yield f"for example {each.example}"


def _by_category() -> Iterator[tuple[str, list[Declaration]]]:
    for category, members in groupby(declarations(Settings), key=lambda each: each.category):
        yield category, list(members)


def _code(text: str) -> str:
    return f"`{_cell(text)}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
