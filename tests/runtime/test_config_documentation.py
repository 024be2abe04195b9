"""Declarations, their documentation and the code that reads them agree."""

import re
from pathlib import Path

import pytest

import stoa
from stoa.runtime.config.loader import load
from stoa.runtime.config.model import Settings
from stoa.runtime.config.registry import Declaration, Section, declarations, setting
from stoa.runtime.config.render import BEGIN, END, env_example, environment_guide, readme_table, with_table
from stoa.runtime.config.values import Rate, Switch, Words

PACKAGE = Path(next(iter(stoa.__path__)))
FIELD_KEY = "a:CzBVep/E6Q4zWH2ix+wRNluApcrvFDleg6jN8hc8YYY="
STRONG = "Zq7-0pRk2vXw9LmT4bNc8yHs5dFg1jUe"
ALL = list(declarations(Settings))
every_setting = pytest.mark.parametrize("declaration", ALL, ids=lambda declaration: declaration.name)


class Sample(Section):
    """Sample words | of it."""

    sample_switch: Switch = setting(True, "On or off.", example="no", why="To see both.")
    sample_rate: Rate = setting("1/s", "A | rate.", example="2/min", why="To see a bar.", aliases=("OLD_RATE",))
    sample_words: Words = setting(("a", "b"), "A list.", example="c", why="To see spaces.")
    sample_count: int | None = setting(None, "A number.", example="3", why="x", unit="cats", gt=0, le=9)


def samples() -> dict[str, Declaration]:
    composed = type("Composed", (Sample,), {})
    return {declaration.name: declaration for declaration in declarations(composed)}


def test_a_declaration_tells_its_kind_and_limits() -> None:
    found = {name: (each.kind, each.allowed, each.unit, each.default_text) for name, each in samples().items()}
    assert found == {
        "SAMPLE_SWITCH": ("switch", "`true`, `1`, `yes`, `on`; `false`, `0`, `no`, `off`", "", "true"),
        "SAMPLE_RATE": ("rate", "a whole number, a slash, and `s`, `min`, `hour` or `day`", "", "1/s"),
        "SAMPLE_WORDS": ("list", "any number of words, commas or spaces between", "", "a b"),
        "SAMPLE_COUNT": ("whole number", "more than 0 and at most 9", "cats", ""),
    }


@every_setting
def test_a_setting_says_what_why_and_how(declaration: Declaration) -> None:
    for sentence in (declaration.description, declaration.why):
        assert re.fullmatch(r"\S.*\.", sentence), sentence
    assert declaration.example.strip() == declaration.example != ""
    assert declaration.example != declaration.default_text, "the default is no example"
    if declaration.secret:
        assert declaration.default_text == ""


@every_setting
def test_the_example_of_a_setting_is_accepted(declaration: Declaration) -> None:
    if "<" not in declaration.example:
        good = {"DJANGO_ALLOWED_HOSTS": "api.example.org", "DATABASE_URL": "postgresql://db/stoa"}
        secrets = {
            "DJANGO_SECRET_KEY": STRONG,
            "JWT_SECRET": STRONG,
            "AUDIT_KEY": STRONG,
            "FIELD_ENCRYPTION_KEYS": FIELD_KEY,
        }
        load(environ={**good, **secrets, declaration.name: declaration.example}, dotenv=None)


def test_an_example_of_a_secret_is_a_form_and_not_a_value() -> None:
    complete = {
        "REDIS_URL",
        "REALTIME_REDIS_URL",
        "CELERY_BROKER_URL",
        "CELERY_RESULT_BACKEND",
    }  # addresses without a password
    assert [each.name for each in ALL if each.secret and "<" not in each.example and each.name not in complete] == []


def test_no_name_is_declared_twice() -> None:
    names = [name for declaration in ALL for name in declaration.names]
    assert sorted(names) == sorted(set(names))


def test_no_name_is_the_file_form_of_another() -> None:
    names = {name for declaration in ALL for name in declaration.names}
    assert {name for name in names if f"{name}_FILE" in names} == set()


@every_setting
def test_a_setting_is_read_somewhere(declaration: Declaration) -> None:
    read = re.compile(rf"[.\"]{declaration.field}\b")  # as an attribute, or by name as a LimitScope does
    sections = PACKAGE / "runtime" / "config" / "sections"
    code = (path for path in PACKAGE.rglob("*.py") if "tests" not in path.parts and sections not in path.parents)
    assert any(read.search(path.read_text(encoding="utf-8")) for path in code), "declared, and nothing reads it"


def test_the_example_file_copied_unchanged_is_the_defaults(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(env_example(), encoding="utf-8")
    loaded = load(environ={}, dotenv=tmp_path / ".env")
    assert loaded == load(environ={}, dotenv=None)


def test_the_example_file_uncommented_is_the_defaults_still(tmp_path: Path) -> None:
    lines = re.sub(r"^# ([A-Z_*]+=)", r"\1", env_example(), flags=re.MULTILINE)
    assert [line.partition("=")[0] for line in lines.splitlines() if re.match(r"[A-Z_*]+=", line)] == [
        each.name for each in ALL
    ]
    (tmp_path / ".env").write_text(lines, encoding="utf-8")
    loaded = load(environ={}, dotenv=tmp_path / ".env")
    assert loaded.settings == load(environ={}, dotenv=None).settings
    assert loaded.remarks == ()


def test_the_example_file_holds_no_secret() -> None:
    secrets = {each.name for each in ALL if each.secret}
    assigned = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", env_example(), flags=re.MULTILINE))
    assert {name: assigned[name] for name in secrets} == dict.fromkeys(secrets, "")


def test_the_table_has_a_row_for_each_setting_and_no_default_for_a_secret() -> None:
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in readme_table().splitlines()]
    assert [cell.strip() for cell in rows[0]] == ["Category", "Name", "Description", "Default", "Secret"]
    cells = [[cell.strip() for cell in row] for row in rows[2:]]
    assert [row[1] for row in cells] == [f"`{each.name}`" for each in ALL]
    assert {len(row) for row in cells} == {5}
    assert [row[3] for row in cells if row[4] == "yes"] == [""] * sum(each.secret for each in ALL)


def test_the_table_goes_between_the_markers_and_nowhere_else() -> None:
    readme = f"# Title\n\n{BEGIN}\nold\n{END}\n\nafter\n"
    written = with_table(readme)
    assert written == f"# Title\n\n{BEGIN}\n{readme_table()}{END}\n\nafter\n"
    assert with_table(written) == written
    assert with_table("# Title\n") is None
    assert with_table(f"# Title\n{BEGIN}\n") is None


def test_the_guide_tells_everything_about_a_setting() -> None:
    guide = environment_guide()
    assert re.findall(r"^### `(.+)`$", guide, flags=re.MULTILINE) == [each.name for each in ALL]
    _, _, entry = guide.partition("### `DB_POOL_MAX`\n")
    assert entry.partition("\n###")[0] == (
        "\nMost connections a process opens. Above WEB_CONCURRENCY no admitted request waits for one; the sum over "
        "processes must fit the server.\n\n"
        "- Type: whole number, in connections\n"
        "- Allowed: at least 1 and at most 512\n"
        "- Default: `8`\n"
        "- Example: `DB_POOL_MAX=16`\n"
    )
    _, _, entry = guide.partition("### `DB_PASSWORD`\n")
    assert "- Also read as: `POSTGRES_PASSWORD`\n- Secret: never shown or logged" in entry.partition("\n###")[0]
