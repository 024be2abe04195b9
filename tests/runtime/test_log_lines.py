"""The two forms of a line, from our loggers and from everybody else's, as they were really written."""

import json
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BytesIO, StringIO, TextIOWrapper
from typing import TextIO

import pytest
from granian.log import LogLevels
from granian.log import configure_logging as configure_granian

from stoa.kit.clock import isoformat
from stoa.runtime import context
from stoa.runtime.config.loader import load
from stoa.runtime.logs import GRANIAN_LOGGING, configure_logging, get_logger

ours = get_logger("stoa.lines")
theirs = logging.getLogger("someone.else")


class Console(StringIO):
    def lines(self) -> list[str]:
        return self.getvalue().splitlines()

    def objects(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.lines()]


class Terminal(Console):
    def isatty(self) -> bool:
        return True


def configure(stream: TextIO, form: str = "json", **environ: str) -> None:
    environ = {"ENABLE_FILE_LOGGING": "false", "LOG_FORMAT": form} | environ
    configure_logging(load(environ=environ, dotenv=None).settings, stream=stream)
    root = logging.getLogger()  # pytest's recorders raise on what our handlers must survive
    root.handlers[:] = [handler for handler in root.handlers if type(handler).__module__.startswith("stoa.")]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root, stoa = logging.getLogger(), logging.getLogger("stoa")
    levels = root.level, stoa.level
    yield
    configure(StringIO(), ENABLE_CONSOLE_LOGGING="false")
    logging.captureWarnings(False)
    root.setLevel(levels[0])
    stoa.setLevel(levels[1])


def test_the_text_line_to_the_letter() -> None:
    configure(console := Console(), "text")
    with context.scope(request_id="abc123"):
        record = logging.LogRecord("stoa.x", logging.INFO, "/srv/invoice_service.py", 87, "Invoice created", (), None)
        record.funcName, record.key = "create_invoice", "value"
        record.created = datetime(2026, 2, 3, 12, 34, 56, 789_000, tzinfo=UTC).timestamp()
        logging.getLogger("stoa.x").handle(record)
    assert console.getvalue() == (
        "2026-02-03 12:34:56 | INFO | log_id=abc123 | file=invoice_service.py:87 | func=create_invoice"
        " | msg=Invoice created | key=value\n"
    )


def test_the_json_line() -> None:
    configure(console := Console())
    before = datetime.now(UTC)
    with context.scope(request_id="abc123", user_id="u1", org_id="o1", task_id="t1", task_name="tasks.x"):
        ours.info("Invoice %s", "created", lines=2, total={"amount": "1.50"}, at=datetime(2026, 1, 1, tzinfo=UTC))
    (line,) = console.objects()
    ts = str(line.pop("ts"))
    assert line == {
        "level": "INFO", "logger": "stoa.lines", "msg": "Invoice created", "request_id": "abc123", "user_id": "u1",
        "org_id": "o1", "task_id": "t1", "task_name": "tasks.x", "lines": 2, "total": {"amount": "1.50"},
        "at": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", ts)
    assert isoformat(before) <= ts <= isoformat(datetime.now(UTC))


def test_the_context_in_text_and_a_line_without_one() -> None:
    configure(console := Console(), "text")
    with context.scope(request_id="abc123", user_id="u1", org_id="o1", task_id="t1", task_name="tasks.x"):
        ours.info("in")
    ours.info("out")
    inside, outside = console.lines()
    assert inside.endswith(" | msg=in | user_id=u1 | org_id=o1 | task_id=t1 | task_name=tasks.x")
    assert " | log_id=abc123 | " in inside
    assert " | log_id=- | " in outside


FORGERY = "x\n2026-02-03 12:34:56 | INFO | log_id=abc | msg=paid\r\x1b[2K\u2028\x85 | role=admin |"


@pytest.mark.parametrize("log", [ours.error, lambda text, **fields: theirs.error("%s", text, extra=fields)])
def test_a_line_cannot_be_forged(log: Callable[..., None]) -> None:
    configure(console := Console(), "text")
    with context.scope(request_id="a | log_id=b\n"):
        log(FORGERY, **{"key": FORGERY, "bad | role=admin\nkey": "| role=admin", "log_id": "other", "file": ["\n | "]})
    (line,) = console.getvalue().split("\n")[:-1]
    assert line.isprintable()
    fields = line.split(" | ")
    assert [field.partition("=")[0] for field in fields[2:]] == [
        "log_id", "file", "func", "msg", "key", "bad___role_admin_key", "extra_log_id", "extra_file",
    ]  # fmt: skip
    assert fields[5] == (
        r"msg=x\n2026-02-03 12:34:56 \| INFO \| log_id=abc \| msg=paid\r\x1b[2K\u2028\x85 \| role=admin \|"
    )


def test_a_forged_traceback_line_does_not_start_in_the_first_column() -> None:
    configure(console := Console(), "text")
    ours.error("bad", exc_info=ValueError("x\n2026-02-03 12:34:56 | INFO | log_id=abc | msg=paid"))
    first, *below = console.lines()
    assert first.endswith(" | msg=bad")
    assert below == ["    ValueError: x", r"    2026-02-03 12:34:56 \| INFO \| log_id=abc \| msg=paid"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_tracebacks_with_their_causes_are_never_dropped(form: str) -> None:
    configure(console := Console(), form)
    for log in (ours, theirs):
        try:
            try:
                {}["missing"]
            except KeyError as cause:
                raise RuntimeError("token=hunter2") from cause
        except RuntimeError as error:
            log.exception("one")
            log.error("two", exc_info=True)  # noqa: G201 - what others write
            log.warning("three", exc_info=error)
    text = console.getvalue()
    assert text.count("Traceback (most recent call last)") == 12
    assert text.count("KeyError: 'missing'") == 6
    assert text.count("RuntimeError: token=***") == 6
    assert "hunter2" not in text


def test_stack_info_is_written() -> None:
    configure(console := Console())
    ours.info("here", stack_info=True)
    assert "test_stack_info_is_written" in str(console.objects()[0]["stack"])


@pytest.mark.parametrize("method", ["debug", "info", "warning", "error", "critical", "exception", "log", "bound"])
def test_the_place_is_the_callers_for_every_method(method: str) -> None:
    configure(console := Console(), "text", LOG_LEVEL="DEBUG")
    calls = {"log": lambda: ours.log(30, "x"), "bound": lambda: ours.bind(a=1).info("x")}
    calls.get(method, lambda: getattr(ours, method)("x"))()
    assert re.search(r" \| file=test_log_lines\.py:\d+ \| func=<lambda> \| msg=x", console.lines()[0])


def test_fields_may_have_names_that_logging_uses_itself() -> None:
    configure(console := Console())
    names = ["name", "args", "module", "filename", "message", "process", "levelname", "lineno", "created"]
    ours.info("x", **dict.fromkeys(names, 1), msg=2, level=3, extra={"from_extra": 4})
    theirs.info("x", extra={"user": "bob", "status_code": 404})
    first, second = console.objects()
    assert {name: first[name] for name in names} == dict.fromkeys(names, 1)
    assert (first["msg"], first["extra_msg"], first["level"], first["extra_level"]) == ("x", 2, "INFO", 3)
    assert first["from_extra"] == 4
    assert (second["user"], second["status_code"]) == ("bob", 404)


def test_a_field_never_replaces_the_context_but_fills_its_gap() -> None:
    configure(console := Console())
    with context.scope(request_id="abc123", user_id="u1"):
        ours.info("x", user_id="u2", request_id="abc123", org_id="o2")
    theirs.info("received", extra={"request_id": "r9"})
    first, second = console.objects()
    assert (first["user_id"], first["extra_user_id"], first["org_id"]) == ("u1", "u2", "o2")
    assert "extra_request_id" not in first
    assert second["request_id"] == "r9"


def test_what_cannot_be_formatted_or_encoded_is_still_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure(console := Console())
    theirs.info("count %d", "password=hunter2")
    ours.info("lone \ud800", big=2**70, nan=float("nan"))
    ours.info("", value=object)
    assert [line["msg"] for line in console.objects()] == ['count %d ["password=***"]', "lone \ud800", ""]
    assert console.objects()[1]["big"] == 2**70
    assert capsys.readouterr().err == ""


def test_a_stream_that_lacks_a_character() -> None:
    raw = BytesIO()
    configure(TextIOWrapper(raw, encoding="ascii"), "text")
    ours.info("grüße")
    assert raw.getvalue().endswith(b"msg=gr\\xfc\\xdfe\n")


def test_a_dead_stream_costs_one_line_without_the_content(capsys: pytest.CaptureFixture[str]) -> None:
    dead = Console()
    configure(dead)
    dead.close()
    ours.info("password is hunter2")
    ours.info("password is hunter2")
    assert re.fullmatch(
        r"stoa: a log line of test_log_lines\.py:\d+ could not be written: ValueError\n", capsys.readouterr().err
    )


@pytest.mark.parametrize(("stream", "form"), [(Terminal, "text"), (Console, "json")])
def test_auto_is_text_on_a_terminal_and_json_elsewhere(stream: type[Console], form: str) -> None:
    configure(console := stream(), "auto")
    ours.info("x")
    assert console.getvalue().startswith("{") == (form == "json")


def test_configuring_twice_writes_once_and_takes_over_other_writers() -> None:
    granian = logging.getLogger("_granian")
    foreign = Console()
    granian.addHandler(logging.StreamHandler(foreign))
    granian.propagate = False
    configure(Console())
    configure(console := Console())
    granian.warning("token=%s", "hunter2")
    assert foreign.getvalue() == ""
    assert [(line["logger"], line["msg"]) for line in console.objects()] == [("_granian", "token=***")]


def test_granians_own_configuration_leaves_ours_in_place() -> None:
    configure(console := Console())
    configure_granian(LogLevels.info, GRANIAN_LOGGING)
    logging.getLogger("_granian").info("Listening at: http://127.0.0.1:8000")
    assert [line["msg"] for line in console.objects()] == ["Listening at: http://127.0.0.1:8000"]


def test_levels_of_ours_and_of_the_others() -> None:
    configure(console := Console(), LOG_LEVEL="WARNING", APP_LOG_LEVEL="DEBUG")
    for log in (ours, theirs):
        log.debug("low")
        log.warning("high")
    assert [(line["logger"], line["msg"]) for line in console.objects()] == [
        ("stoa.lines", "low"), ("stoa.lines", "high"), ("someone.else", "high"),
    ]  # fmt: skip


def test_python_warnings_come_out_as_lines() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure(console := Console())
        warnings.warn("old token=hunter2", UserWarning, stacklevel=1)
        logging.captureWarnings(False)
    (line,) = console.objects()
    assert (line["logger"], line["level"]) == ("py.warnings", "WARNING")
    assert "hunter2" not in str(line)
