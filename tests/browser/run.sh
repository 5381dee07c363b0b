#!/bin/sh
# Two people at the gateway's pages, then at the help desk's, each in a browser of their own; then
# somebody at the operator's console. On what `make up` started here; else on a system of its own,
# which it stops afterwards. Pictures go to target/browser.
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
account() { "$local" account "$1-$run" --via "$3" --display-name "$2"; }
acme=$(account acme "Acme Energy" gateway)
globex=$(account globex "Globex Repairs" gateway)
link() { printf '%s\n' "$1" | awk '/^sign in/ { print $NF }'; }
token() { printf '%s\n' "$1" | awk 'END { print $NF }'; }
mkdir -p target/browser/tmp
CHROMIUM=$CHROMIUM GATEWAY_URL=$GATEWAY_URL NODE_EXTRA_CA_CERTS=$DESKMESH_CA RUN=$run \
  ACME_LINK=$(link "$acme") ACME_TOKEN=$(token "$acme") \
  GLOBEX_LINK=$(link "$globex") GLOBEX_TOKEN=$(token "$globex") \
  TMPDIR=$PWD/target/browser/tmp node tests/browser/story.mjs
hooli=$(account hooli "Hooli Power" helpdesk)
umbrella=$(account umbrella "Umbrella Repairs" helpdesk)
CHROMIUM=$CHROMIUM HELPDESK_URL=$HELPDESK_URL NODE_EXTRA_CA_CERTS=$DESKMESH_CA RUN=$run \
  HOOLI_LINK=$(link "$hooli") UMBRELLA_LINK=$(link "$umbrella") \
  TMPDIR=$PWD/target/browser/tmp node tests/browser/helpdesk.mjs
CHROMIUM=$CHROMIUM CONSOLE_URL=$CONSOLE_URL CONSOLE_SECRET_FILE=$CONSOLE_SECRET_FILE \
  TRACED=helpdesk-hooli-$run/1 TMPDIR=$PWD/target/browser/tmp node tests/browser/console.mjs
