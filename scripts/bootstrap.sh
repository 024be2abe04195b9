#!/bin/sh
# Find any Python of 3.8 or newer and let it run bootstrap.py; which Python Stoa itself runs on is decided there.
cd "$(dirname "$0")/.." || exit 1
for python in python3 python3.13 python3.12 /usr/bin/python3 .venv/bin/python python; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
        exec "$python" scripts/bootstrap.py "$@"
    fi
done
echo "stoa: no Python found; install Python 3.13 (any python3 from 3.8 on can start the installation)" >&2
exit 1
