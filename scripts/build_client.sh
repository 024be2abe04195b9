#!/bin/sh
# The TypeScript client, type-checked and compiled; the landing page serves the result. With --check nothing is written:
# what is committed must be current, and the tests must pass (against a real gateway; .venv has to be there).
set -eu
cd "$(dirname "$0")/../clients/typescript"
npm ci --silent --no-audit --no-fund
served=../../stoa/project/static/stoa/realtime
if [ "${1:-}" = --check ]; then
    built=$(mktemp -d)
    trap 'rm -rf "$built"' EXIT
    npx --no-install tsc --outDir "$built"
    diff -r "$built" dist && cmp dist/client.js "$served/client.js" && cmp dist/frames.js "$served/frames.js" ||
        { echo "run scripts/build_client.sh"; exit 1; }
    npm test --silent
else
    npx --no-install tsc
    cp dist/client.js dist/frames.js "$served/"
fi
