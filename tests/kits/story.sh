#!/bin/sh
# Plays the story of both client kits. On the gateway of GATEWAY_URL, if it and two tokens are
# given; else on what `make up` started here; else on a system of its own, which it stops
# afterwards.
set -eu
cd "$(dirname "$0")/../.."
local="${CARGO_TARGET_DIR:-target}/debug/deskmesh-local"
kit=services/gateway/kits/typescript

[ -x "$kit/node_modules/.bin/tsc" ] || (cd "$kit" && npm ci --no-audit --no-fund --loglevel=error)
(cd "$kit" && node_modules/.bin/tsc)

if [ -z "${GATEWAY_URL:-}" ] || [ -z "${PYTHON_TOKEN:-}" ]; then
  if ! {
    [ -f target/local/env ] && "$local" status 2>/dev/null | grep -q '^gateway .*ready'
  }; then
    trap '"$local" down >/dev/null' EXIT
    "$local" up >/dev/null
  fi
  # shellcheck source=/dev/null
  . target/local/env
  run=$(od -An -N4 -tx1 /dev/urandom | tr -d ' \n')
  account() { "$local" account "$1" --via gateway | awk 'END { print $NF }'; }
  PYTHON_TOKEN=$(account "py-$run")
  TYPESCRIPT_TOKEN=$(account "ts-$run")
  export PYTHON_TOKEN TYPESCRIPT_TOKEN GATEWAY_URL DESKMESH_CA
fi
python3 tests/kits/story.py
