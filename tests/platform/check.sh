#!/usr/bin/env bash
# The offline checks of what is deployed: manifests, alerts, dashboards, runbooks, what is written
# about them.
#   check.sh              all of them
#   check.sh generate     rewrites what is generated from infra/prometheus and infra/grafana
#   check.sh processes    runs what the manifests say as processes, on a private broker and database
#                         (needs `cargo build`)
#   check.sh on-call      runs the runbooks' first commands there, with the services running, and
#                         asks the broker for its metrics
#   check.sh traces       runs the test of the traces there, with a third party's collector between
#                         the services and the test
#   check.sh sabotage     breaks the manifests, one way after the other, and sees that each is
#                         noticed
# Installs its tools, pinned, into target/tools/platform. With CI set a tool that is missing is a
# failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

here=tests/platform
tools=target/tools/platform
mkdir -p "$tools"

# A virtual environment for exactly these requirements; others make a new one.
wanted=$(sha256sum "$here/requirements.txt" | cut -c1-16)
if [[ "$(cat "$tools/installed" 2>/dev/null || true)" != "$wanted" ]]; then
  echo "installing what $here/requirements.txt names" >&2
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { echo "$here needs Python 3.11 or later" >&2; exit 1; }
  rm -rf "$tools/venv"
  python3 -m venv "$tools/venv"
  "$tools/venv/bin/pip" install --quiet --disable-pip-version-check \
    --requirement "$here/requirements.txt"
  echo "$wanted" >"$tools/installed"
fi

# A program out of Debian's package, unpacked and not installed: it is one file, and needs no root.
# Prints where it is.
unpacked() {
  local program=$1 package=$2
  if [[ ! -x "$tools/$package/usr/bin/$program" ]] && command -v apt-get >/dev/null; then
    echo "fetching Debian's package $package, for $program" >&2
    (cd "$tools" && apt-get download -qq -o APT::Sandbox::User=root "$package" &&
      dpkg-deb --extract "$package"_*.deb "$package") ||
      echo "it cannot be fetched: apt-get update first?" >&2
  fi
  if [[ -x "$tools/$package/usr/bin/$program" ]]; then
    echo "$PWD/$tools/$package/usr/bin/$program"
  fi
}
if [[ -z "${PROMTOOL:-}" ]] && ! command -v promtool >/dev/null; then
  PROMTOOL=$(unpacked promtool prometheus)
  export PROMTOOL
fi
if [[ -z "${AMTOOL:-}" ]] && ! command -v amtool >/dev/null; then
  AMTOOL=$(unpacked amtool prometheus-alertmanager)
  export AMTOOL
fi

python=$tools/venv/bin/python
case "${1:-}" in
  generate)
    "$python" infra/grafana/dashboards.py
    exec "$python" "$here/rules.py"
    ;;
  processes | on-call | traces)
    for binary in deskmesh-local deskmesh-operator notifier; do
      [[ -x "${BINARIES:-target/debug}/$binary" ]] ||
        { echo "$binary is not built: cargo build --workspace --bins" >&2; exit 1; }
    done
    # Where the broker's own tools find their node.
    export SERVERS=$PWD/target/platform/servers
    exec "${BINARIES:-target/debug}/deskmesh-local" with --dir "$SERVERS" -- \
      "$python" "$here/${1//-/_}.py"
    ;;
  sabotage) exec "$python" "$here/sabotage.py" ;;
  "") ;;
  *) echo "usage: $0 [generate|processes|on-call|traces|sabotage]" >&2; exit 2 ;;
esac

# What is generated from FLOWS is compared by the tests of the crate that makes it.
failed=0
if command -v cargo >/dev/null; then
  echo "comparing what is generated from FLOWS"
  cargo test --quiet --package contracts --test it generated >"$tools/generated.log" 2>&1 ||
    { cat "$tools/generated.log"; failed=1; }
elif [[ -n "${CI:-}" ]]; then
  echo "FAILED  cargo is missing: what is generated from FLOWS cannot be compared"
  failed=1
else
  echo "SKIPPED cargo is missing: what is generated from FLOWS was not compared"
fi
"$python" "$here/check.py" || failed=1
exit "$failed"
