#!/usr/bin/env python
"""`python run.py` is `stoa run`."""

import sys

if __name__ == "__main__":
    try:
        from stoa.project.cli import main
    except ModuleNotFoundError as missing:
        sys.exit(f"stoa: {missing.name} is not installed in {sys.executable}; `make run` does that")
    sys.exit(main(["run"]))
