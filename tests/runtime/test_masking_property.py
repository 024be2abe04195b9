"""Generated secrets on every road into a log line; none may stand in what was really written.

Each secret is odd characters, then a core of sixteen; a mask that stops at the odd characters leaves the core.
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import make_dataclass
from io import StringIO
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stoa.runtime.config.loader import load
from stoa.runtime.logs import configure_logging, get_logger

pytestmark = pytest.mark.slow

NAMES = ["password", "token", "otp", "national_code", "secret", "authorization", "cookie", "api_key", "refresh",
         "access", "card", "cvv", "pan"]  # fmt: skip
FORMS: list[Callable[[str], str]] = [
    str,
    str.upper,
    str.title,
    lambda name: f"user_{name}",
    lambda name: f"X-{name.title().replace('_', '-')}",
    lambda name: "my" + name.title().replace("_", ""),
    lambda name: f"{name}_1",
]
names = st.builds(lambda name, form: form(name), st.sampled_from(NAMES), st.sampled_from(FORMS))
cores = st.text(st.sampled_from("BCDFGHJKLMNPQRSTVWXZ23456789"), min_size=16, max_size=16)
ANYTHING = st.text(st.sampled_from("ab1 \t\n\r\"'\\{}[](),;:=&<>|/@%#?+~é💥\u2028"), max_size=8)
# What an unquoted value can hold without ending.
UNBROKEN = st.text(st.sampled_from("ab1{}[]():=|/#?+~!$*._-é"), max_size=8)


class Written:
    """All that went to the stream and to the files."""

    def __init__(self, folder: Path) -> None:
        self.stream, self.folder = StringIO(), folder

    def text(self) -> str:
        return self.stream.getvalue() + "".join(path.read_text() for path in self.folder.glob("*.log"))


@contextmanager
def logging_into(folder: Path, console: str, file: str) -> Iterator[Written]:
    root, stoa = logging.getLogger(), logging.getLogger("stoa")
    levels = root.level, stoa.level
    written = Written(folder)
    for path in folder.glob("*.log"):
        path.unlink()
    environ = {"LOG_DIR": str(folder), "LOG_FORMAT": console, "LOG_FILE_FORMAT": file, "LOG_LEVEL": "DEBUG"}
    try:
        configure_logging(load(environ=environ, dotenv=None).settings, stream=written.stream)
        # Without pytest's recorders, which would only slow this down.
        root.handlers[:] = [handler for handler in root.handlers if type(handler).__module__.startswith("stoa.")]
        yield written
    finally:
        off = {"ENABLE_FILE_LOGGING": "false", "ENABLE_CONSOLE_LOGGING": "false"}
        configure_logging(load(environ=off, dotenv=None).settings)
        logging.captureWarnings(False)
        root.setLevel(levels[0])
        stoa.setLevel(levels[1])


ours = get_logger("stoa.property")
theirs = logging.getLogger("django.property")


def _raise(message: str, cause: str) -> None:
    try:
        try:
            raise KeyError(cause)
        except KeyError as error:
            raise ValueError(message) from error
    except ValueError:
        ours.exception("failed")
        theirs.exception("failed")


def _structured(name: str, secret: str) -> None:
    made = make_dataclass("Made", [("data", object)])
    ours.info("fields", **{f"x_{name}": secret})
    ours.info("fields", data={"a": [{name: secret}, (name, secret), {"b": {name: [secret]}}]})
    ours.info("fields", data=made({name: {"inner": secret}}), raw=[name.encode(), secret.encode()])
    ours.info("fields", extra={name: secret})
    ours.bind(**{name: secret}).warning("bound")
    theirs.info("fields", extra={f"x_{name}": secret, "data": {name: secret}})
    ours.info("argument %s", {name: secret})
    theirs.info("argument %s and %r", [{name: secret}], (name, secret))
    theirs.info({name: secret})
    theirs.info(f"{name} %s, %s", secret, "bob")
    theirs.info(f"%({name})s", {name: secret})


def _quoted(name: str, secret: str) -> None:
    once = json.dumps({"a": 1, name: secret, "b": [{"deep": {name: {"inner": secret}}}]})
    twice = json.dumps({"body": once, "n": 1})
    thrice = json.dumps([twice], ensure_ascii=False)
    for text in (
        once,
        twice,
        thrice,
        repr({name: secret}),
        repr(once),
        repr([(name, secret)]),
        f"Form({name}={secret!r})",
    ):
        ours.info("got " + text)
        theirs.info("got %s", text)
        ours.info("got", body=text, nested=[{"text": text}])
        _raise(text, f"cause {text}")
    for safe in (quote(secret, safe=""), quote_plus(secret)):
        ours.info("fetch", url=f"https://u:{safe}@example.org/a?page=2&{name}={safe}&b=1#c")
        theirs.info("GET https://example.org/?%s=%s&x=1 200", name, safe)
        inner = quote(f"/a?{name}={safe}&b=1", safe="")
        ours.info("redirect", next=f"/login?next={inner}&x=1")
        ours.info("redirect", next="/login?next=" + quote(f"/b?next={inner}", safe=""))
    ours.info("body " + quote(json.dumps({name: secret, "b": 1})))


def _unquoted(name: str, secret: str) -> None:
    for text in (f"{name}={secret}", f"{name}: {secret}", f"a=1, {name} = {secret}, b=2", f"--{name}={secret} -v",
                 f"[{name}={secret}]", f"line\n{name}={secret}\nline", repr(f"line\n{name}={secret}")):  # fmt: skip
        ours.info("said " + text)
        theirs.warning("said %s", text)
        _raise(text, text)
    ours.info(f"curl -H 'Authorization: Bearer {secret}'", header=f"Authorization: Basic {secret}")
    ours.info(f"GET / HTTP/1.1\r\nHost: x\r\nCookie: a=1; sid={secret}\r\n\r\n", headers={"Cookie": f"sid={secret}"})
    ours.info("upstream said", detail=f"bearer {secret}")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=names,
    core=cores,
    odd=ANYTHING,
    unbroken=UNBROKEN,
    forms=st.sampled_from([("json", "text"), ("text", "json")]),
)
def test_no_secret_survives_on_any_road(
    tmp_path: Path, name: str, core: str, odd: str, unbroken: str, forms: tuple[str, str]
) -> None:
    with logging_into(tmp_path, *forms) as written:
        _structured(name, odd + core)
        _quoted(name, odd + core)
        _unquoted(name, unbroken + core)
    text = written.text()
    found = text.find(core)
    assert found == -1, text[max(0, found - 200) : found + 40]
    lines = (tmp_path / "app.log").read_text().splitlines() + written.stream.getvalue().splitlines()
    assert len([line for line in lines if "failed" in line and "ERROR" in line]) == 56  # none was lost either


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    local=st.from_regex(r"[a-z][a-z0-9._+-]{5,12}[a-z0-9]", fullmatch=True),
    domain=st.from_regex(r"[a-z][a-z0-9-]{4,10}[a-z0-9]", fullmatch=True),
    jwt=st.from_regex(r"eyJ[A-Za-z0-9_-]{12,30}\.eyJ[A-Za-z0-9_-]{12,30}\.[A-Za-z0-9_-]{20,40}", fullmatch=True),
    phone=st.from_regex(r"(\+[1-9][0-9]{9,13}|09[0-9]{9})", fullmatch=True),
)
def test_no_jwt_address_or_telephone_number_survives(
    tmp_path: Path, local: str, domain: str, jwt: str, phone: str
) -> None:
    roads: list[str] = ["%s", "to %s now", "<%s>", "value='%s'", '{"x": "%s"}', "(%s)", "/x?y=%s&z=1", "x=%s;", "%s\n"]
    with logging_into(tmp_path, "json", "text") as written:
        for value in (f"{local}@{domain}.com", jwt, phone):
            for road in roads:
                text = road.replace("%s", value)
                ours.info(text, data=[text])
                theirs.info("said %s", text, extra={text: text})
                _raise(text, text)
    text = written.text()
    for piece in (f"{local}@", f"@{domain}", *jwt.split("."), phone[1:]):
        assert piece not in text
