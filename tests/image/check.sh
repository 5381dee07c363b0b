#!/usr/bin/env bash
# Builds the five images and holds them against what is said of them.
#   check.sh            texts, what is in the images, what they do when runc runs them as their pods
#                       say
#   check.sh texts      the files alone: Dockerfiles, compose, scripts; seconds
#   check.sh sabotage   breaks an image, its container and the texts, one way after the other, and
#                       sees that each is noticed
# Needs root, and on Debian: buildah runc umoci docker-compose busybox-static, whose packages it
# installs when it may, and deskmesh-local (cargo build -p local), from BINARIES or target/debug.
# Python's tools go into target/tools/image.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

here=tests/image
tools=target/tools/image
mkdir -p "$tools"

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
PATH="$PWD/$tools/venv/bin:$PATH"
# What is taken from there: pods as the manifests have them, their servers and Secrets.
export PYTHONPATH="$PWD/tests/platform"

# Programs by the packages that have them.
needs() {
  local missing=()
  for package in "$@"; do
    command -v "${package%-static}" >/dev/null || missing+=("$package")
  done
  ((${#missing[@]} == 0)) && return
  if [[ $EUID == 0 ]] && command -v apt-get >/dev/null; then
    echo "installing Debian's ${missing[*]}" >&2
    apt-get install --quiet --quiet --yes --no-install-recommends "${missing[@]}" >/dev/null &&
      return
  fi
  echo "missing: ${missing[*]}; on Debian: apt-get install ${missing[*]}" >&2
  exit 1
}

on_servers() {
  local binaries=${BINARIES:-target/debug}
  [[ -x $binaries/deskmesh-local ]] ||
    { echo "deskmesh-local is not built: cargo build -p local" >&2; exit 1; }
  "$binaries/deskmesh-local" with -- "$@"
}

needs docker-compose
case "${1:-}" in
  texts) exec python "$here/texts.py" ;;
  sabotage)
    needs runc umoci busybox-static
    on_servers python "$here/sabotage.py"
    ;;
  "")
    needs buildah runc umoci
    python "$here/texts.py"
    # BINARIES are those of a debug build here, and no static ones.
    env -u BINARIES infra/docker/build.sh
    on_servers python "$here/check.py"
    ;;
  *) echo "usage: $0 [texts|sabotage]" >&2; exit 2 ;;
esac
