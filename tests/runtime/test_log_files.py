"""Log files as real processes write them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PREAMBLE = """
import sys
from stoa.runtime.process import declare_role
from stoa.runtime.config.loader import load
from stoa.runtime.logs import configure_logging, get_logger
from stoa.runtime import context
declare_role({role!r})
def configure():
    configure_logging(load(environ={environ!r}, dotenv=None).settings)
configure()
log = get_logger("stoa.files")
"""


def start(code: str, folder: Path | str, *, role: str = "web", **environ: str) -> subprocess.Popen[str]:
    program = PREAMBLE.format(role=role, environ={"LOG_DIR": str(folder), "LOG_FORMAT": "json"} | environ) + code
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(code: str, folder: Path | str, *, role: str = "web", **environ: str) -> tuple[str, str]:
    process = start(code, folder, role=role, **environ)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out, err


@pytest.mark.parametrize(
    ("role", "file", "other"), [("web", "app.log", "celery.log"), ("worker", "celery.log", "app.log")]
)
def test_each_role_has_its_file_and_errors_have_one_more(tmp_path: Path, role: str, file: str, other: str) -> None:
    code = """
with context.scope(request_id="trace-1"):
    log.info("fine", token="hunter2")
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("broken")
"""
    out, err = run(code, tmp_path / "new" / "logs", role=role)
    folder = tmp_path / "new" / "logs"
    lines = (folder / file).read_text().splitlines()
    errors = (folder / "errors.log").read_text().splitlines()
    assert lines[0].endswith(" | msg=fine | token=***")
    assert lines[1:] == errors
    assert " | ERROR | log_id=trace-1 | " in errors[0]
    assert (errors[1], errors[-1]) == (
        "    Traceback (most recent call last):", "    ZeroDivisionError: division by zero",
    )  # fmt: skip
    assert not (folder / other).exists()
    assert len(out.splitlines()) == 2
    assert err == ""


def test_a_command_keeps_its_standard_output_for_its_answer(tmp_path: Path) -> None:
    out, err = run("log.info('x'); print('answer')", tmp_path, role="command")
    assert out == "answer\n"
    assert '"msg":"x"' in err


def test_files_in_json_on_request_and_none_at_all(tmp_path: Path) -> None:
    run("log.info('x', n=1)", tmp_path / "json", LOG_FILE_FORMAT="json", ENABLE_CONSOLE_LOGGING="false")
    assert (tmp_path / "json" / "app.log").read_text().endswith('"msg":"x","request_id":null,"n":1}\n')
    out, _ = run("log.info('x')", tmp_path / "none", ENABLE_FILE_LOGGING="false")
    assert not (tmp_path / "none").exists()
    assert len(out.splitlines()) == 1


@pytest.mark.parametrize("console", ["true", "false"])
def test_an_unwritable_folder_is_one_warning_and_the_console_goes_on(tmp_path: Path, console: str) -> None:
    blocked = tmp_path / "file"  # a folder below a file: refused to root as well
    blocked.write_text("")
    out, err = run("configure(); log.info('still here')", blocked / "logs", ENABLE_CONSOLE_LOGGING=console)
    assert err == (
        f"stoa: no log files: LOG_DIR={blocked}/logs cannot be written (Not a directory); logging to the console only\n"
    )
    assert '"msg":"still here"' in out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    out, err = run("log.info('still here')", tmp_path)
    assert len(err.splitlines()) == 1
    assert "Permission denied" in err
    assert '"msg":"still here"' in out


def test_several_processes_rotate_without_losing_or_mixing_a_line(tmp_path: Path) -> None:
    code = """
sys.stdin.readline()
for number in range(400):
    log.info("line", who=sys.argv[0], n=number, fill="x" * (number % 300), tag="{tag}")
"""
    settings = {"ENABLE_CONSOLE_LOGGING": "false", "LOG_MAX_BYTES": "8192", "LOG_BACKUP_COUNT": "200"}
    writers = [start(code.replace("{tag}", f"w{number}"), tmp_path, **settings) for number in range(4)]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        assert writer.communicate(timeout=60)[1] == ""
    files = sorted(tmp_path.glob("app.log*"))
    found = []
    for path in files:
        assert path.stat().st_size <= 8192 + 4 * 600
        for line in path.read_text().splitlines():
            match = re.fullmatch(r"20.* \| msg=line \| who=-c \| n=(\d+) \| fill=(x*) \| tag=(w\d)", line)
            assert match, line
            assert len(match[2]) == int(match[1]) % 300
            found.append((match[3], int(match[1])))
    assert sorted(found) == sorted((f"w{writer}", number) for writer in range(4) for number in range(400))
    assert len(files) > 40


def test_only_so_many_rotated_files_are_kept(tmp_path: Path) -> None:
    run(
        "for number in range(200): log.info('line', n=number, fill='x' * 100)",
        tmp_path,
        LOG_MAX_BYTES="2048",
        LOG_BACKUP_COUNT="3",
    )
    assert {path.name for path in tmp_path.glob("app.log*")} == {"app.log", "app.log.1", "app.log.2", "app.log.3"}
    numbers = [
        int(number)
        for name in ("app.log.3", "app.log.2", "app.log.1", "app.log")
        for number in re.findall(r"n=(\d+)", (tmp_path / name).read_text())
    ]
    assert numbers == list(range(numbers[0], 200))


def test_a_file_renamed_or_a_folder_removed_by_someone_else(tmp_path: Path) -> None:
    code = """
import os, shutil, pathlib
folder = pathlib.Path(sys.stdin.readline().strip())
log.info("one")
os.rename(folder / "app.log", folder / "moved.log")
log.info("two")
shutil.rmtree(folder)
log.info("three")
"""
    process = start(code, tmp_path / "logs", ENABLE_CONSOLE_LOGGING="false")
    _, err = process.communicate(f"{tmp_path / 'logs'}\n", timeout=60)
    assert (process.returncode, err) == (0, "")
    assert re.fullmatch(r".* \| msg=three\n", (tmp_path / "logs" / "app.log").read_text())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_once_and_nothing_falls_over(tmp_path: Path) -> None:
    (tmp_path / "app.log").symlink_to("/dev/full")
    out, err = run("for _ in range(3): log.info('on')", tmp_path)
    assert len(out.splitlines()) == 3
    assert re.fullmatch(r"stoa: a log line of <string>:\d+ could not be written: OSError\n", err)
