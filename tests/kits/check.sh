#!/bin/sh
# All that the client kits are held to: generated types, their own tests, the story.
set -eu
cd "$(dirname "$0")/../../services/gateway/kits"
python3 python/generate.py --check
(cd python && PYTHONPATH=src python3 -m unittest discover -s tests --quiet 2>&1)
cd typescript
[ -x node_modules/.bin/tsc ] || npm ci --no-audit --no-fund --loglevel=error
node generate.mjs --check
node_modules/.bin/tsc
node --test --test-reporter=dot test/
cd ../../../..
tests/kits/story.sh
