#!/usr/bin/env bash
# Runs the gateway's tests of files on a store that speaks S3, and looks whether any upload was left
# unfinished.
#   check.sh            on moto (PyPI), on a port of its own, stopped afterwards
#   check.sh links      those whose names have this in them
# On a store of yours, if FILES_S3_URL, FILES_S3_BUCKET, FILES_S3_REGION, FILES_S3_ACCESS_KEY and
# FILES_S3_SECRET_KEY name one: the bucket is made if it is not there. moto and boto3 are installed,
# pinned, into target/tools/s3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tools=target/tools/s3
wanted="moto[server]==5.2.5"
local=$(realpath -m "${CARGO_TARGET_DIR:-target}/debug/deskmesh-local")
mkdir -p "$tools"
if [[ "$(cat "$tools/installed" 2>/dev/null || true)" != "$wanted" ]]; then
  echo "installing $wanted" >&2
  rm -rf "$tools/venv"
  python3 -m venv "$tools/venv"
  "$tools/venv/bin/pip" install --quiet --disable-pip-version-check "$wanted"
  echo "$wanted" >"$tools/installed"
fi

if [[ -z "${FILES_S3_URL:-}" ]]; then
  port=$("$tools/venv/bin/python" -c 'import socket
with socket.create_server(("127.0.0.1", 0)) as free:
    print(free.getsockname()[1])')
  "$tools/venv/bin/moto_server" -H 127.0.0.1 -p "$port" >"$tools/moto.log" 2>&1 &
  moto=$!
  trap 'kill "$moto" 2>/dev/null; wait "$moto" 2>/dev/null || true' EXIT
  export FILES_S3_URL=http://127.0.0.1:$port
  export FILES_S3_BUCKET=deskmesh-files FILES_S3_REGION=eu-central-1
  key=$("$tools/venv/bin/python" tests/s3/bucket.py user)
  export FILES_S3_ACCESS_KEY=${key% *} FILES_S3_SECRET_KEY=${key#* }
fi
"$tools/venv/bin/python" tests/s3/bucket.py make
"$local" with -- "${CARGO:-cargo}" test --quiet -p gateway --test it -- "files::${1:-}"
"$tools/venv/bin/python" tests/s3/bucket.py check
