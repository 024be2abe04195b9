#!/bin/sh
# The same as `make install` and `make migrate`, without make. Safe to run twice.
set -e
cd "$(dirname "$0")/.."
sh scripts/bootstrap.sh --compile --hooks
exec .venv/bin/python manage.py migrate
