#!/bin/sh
# Find any Python of 3.8 or newer and let it run bootstrap.py; which Python Stoa itself runs on is decided there.
# Every folder of PATH is asked: the first python3 may be a shim of pyenv that stands for no Python at all.
cd "$(dirname "$0")/.." || exit 1
old_ifs=$IFS
IFS=:
for folder in $PATH; do
    for python in "$folder/python3" "$folder/python3.13" "$folder/python3.12"; do
        if [ -x "$python" ] && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
            IFS=$old_ifs
            exec "$python" scripts/bootstrap.py "$@"
        fi
    done
done
echo "stoa: no Python found; install Python 3.13 (any python3 from 3.8 on can start the installation)" >&2
exit 1
