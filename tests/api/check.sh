#!/usr/bin/env bash
# Holds the gateway to the document that it answers at /v1/openapi.json, with schemathesis: requests
# that the document allows and requests that it does not, each answer against what the document says
# of it. Any finding fails.
#   check.sh            at most five minutes
#   SECONDS_AT_MOST=60 check.sh
#   SEED=7 check.sh     the same requests again
# On the gateway of GATEWAY_URL, if it and API_TOKEN are given; else on what `make up` started here;
# else on a system of its own, which it stops afterwards. Installs its tool, pinned, into
# target/tools/api.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tools=target/tools/api
tool=schemathesis==4.32.5
local=$(realpath -m "${CARGO_TARGET_DIR:-target}/debug/deskmesh-local")
mkdir -p "$tools"
if [[ "$(cat "$tools/installed" 2>/dev/null || true)" != "$tool" ]]; then
  echo "installing $tool" >&2
  rm -rf "$tools/venv"
  python3 -m venv "$tools/venv"
  "$tools/venv/bin/pip" install --quiet --disable-pip-version-check "$tool"
  echo "$tool" >"$tools/installed"
fi

if [[ -z "${GATEWAY_URL:-}" || -z "${API_TOKEN:-}" ]]; then
  if ! {
    [[ -f target/local/env ]] && "$local" status 2>/dev/null | grep -q '^gateway .*ready'
  }; then
    trap '"$local" down >/dev/null' EXIT
    "$local" up >/dev/null
  fi
  # shellcheck source=/dev/null
  . target/local/env
  API_TOKEN=$("$local" account "api-$(od -An -N4 -tx1 /dev/urandom | tr -d ' \n')" \
    --via gateway | awk 'END { print $NF }')
fi

# What it stores of a run belongs to the tool's folder. A token is in no argument that it repeats.
cd "$tools"
cp ../../../tests/api/schemathesis.toml .
export API_TOKEN
venv/bin/st --config-file schemathesis.toml run "$GATEWAY_URL/v1/openapi.json" \
  --tls-verify "${DESKMESH_CA:-true}" --max-time "${SECONDS_AT_MOST:-300}" \
  ${SEED:+--seed "$SEED"} --no-color
