#!/bin/sh
# Two people at the gateway's pages, each in a browser of their own. On what `make up` started here; else on a system of
# its own, which it stops afterwards. Pictures go to target/browser.
set -eu
cd "$(dirname "$0")/../.."
local="${CARGO_TARGET_DIR:-target}/debug/deskmesh-local"

[ -d tests/browser/node_modules/playwright-core ] ||
  (cd tests/browser && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error)
CHROMIUM=${CHROMIUM:-$("$local" chromium)}

if ! { [ -f target/local/env ] && "$local" status 2>/dev/null | grep -q '^gateway .*ready'; }; then
  trap '"$local" down >/dev/null' EXIT
  "$local" up >/dev/null
fi
# shellcheck source=/dev/null
. target/local/env
run=$(od -An -N3 -tx1 /dev/urandom | tr -d ' \n')
account() { "$local" account "$1-$run" --via gateway --display-name "$2"; }
acme=$(account acme "Acme Energy")
globex=$(account globex "Globex Repairs")
link() { printf '%s\n' "$1" | awk '/^sign in/ { print $NF }'; }
token() { printf '%s\n' "$1" | awk 'END { print $NF }'; }
mkdir -p target/browser/tmp
CHROMIUM=$CHROMIUM GATEWAY_URL=$GATEWAY_URL NODE_EXTRA_CA_CERTS=$DESKMESH_CA RUN=$run \
  ACME_LINK=$(link "$acme") ACME_TOKEN=$(token "$acme") \
  GLOBEX_LINK=$(link "$globex") GLOBEX_TOKEN=$(token "$globex") \
  TMPDIR=$PWD/target/browser/tmp node tests/browser/story.mjs
