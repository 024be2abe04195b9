"""Write requirements.txt and requirements-test.txt from uv.lock, for those who install with pip; or check them.

.venv/bin/python scripts/export_requirements.py [--check]
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAD = "# From uv.lock by scripts/export_requirements.py; do not edit.\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="requirements files from uv.lock")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a file is stale")
    check = parser.parse_args().check
    stale = [name for name, text in rendered().items() if _read(ROOT / name) != text]
    if check:
        for name in stale:
            print(f"{name} does not fit uv.lock; run scripts/export_requirements.py", file=sys.stderr)
        return 1 if stale else 0
    for name, text in rendered().items():
        (ROOT / name).write_text(text)
    return 0


def rendered() -> dict[str, str]:
    """The second file holds only what the first does not."""
    serving = exported()
    everything = exported("--extra", "dev")
    testing = [line for line in everything if line not in set(serving)]
    return {
        "requirements.txt": HEAD + "".join(f"{line}\n" for line in serving),
        "requirements-test.txt": HEAD + "".join(f"{line}\n" for line in testing),
    }


def exported(*options: str) -> list[str]:
    command = [uv(), "export", "--locked", "--offline", "--no-hashes", "--no-emit-project", "--no-header"]
    command += ["--no-annotate", "--python", sys.executable, *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"uv export failed: {done.stderr.strip()}")
    return done.stdout.splitlines()


def uv() -> str:
    own = ROOT / ".uv" / "bin" / "uv"
    found = str(own) if own.exists() else shutil.which("uv")
    if found is None:
        sys.exit("no uv here; `make install` puts one into .uv")
    return found


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
