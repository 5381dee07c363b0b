#!/usr/bin/env bash
# Builds the images of the services and of the operator's program without a container engine: static
# programs with cargo, images with buildah.
#   build.sh [SERVICE…]   the five, the edges and `operator` when none is named
# Leaves one OCI image layout of each in target/images, tagged with the workspace's version. Nothing
# is pulled or pushed.
# Needs cargo and buildah (Debian: apt-get install buildah). BINARIES names a folder of static
# programs, then cargo is not called.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

all=(agreement-service share-dispatcher comment-sync field-sync notifier gateway helpdesk nhd-bridge
  operator)
images=target/images
authorities=${AUTHORITIES:-/etc/ssl/certs/ca-certificates.crt}

services=("$@")
((${#services[@]})) || services=("${all[@]}")
for service in "${services[@]}"; do
  [[ " ${all[*]} " == *" $service "* ]] ||
    { echo "$service has no image; there are: ${all[*]}" >&2; exit 2; }
done
command -v buildah >/dev/null ||
  { echo "buildah is missing; on Debian: apt-get install buildah" >&2; exit 1; }
[[ -s $authorities ]] || {
  echo "$authorities, the certificate authorities, is missing;" \
    "on Debian: apt-get install ca-certificates" >&2
  exit 1
}

version=$(sed -n '/^\[workspace.package\]/,/^\[/ s/^version = "\(.*\)"/\1/p' Cargo.toml)

# All of them, whatever was asked for: the features of what they share are then the same, and so is
# each program.
if [[ -z "${BINARIES:-}" ]]; then
  target=$(rustc -vV | sed -n 's/^host: //p')
  RUSTFLAGS="-C target-feature=+crt-static" \
    cargo build --quiet --release --locked --target "$target" "${all[@]/#/--package=}" --bins
  BINARIES=${CARGO_TARGET_DIR:-target}/$target/release
fi

# Storage of its own, of the kind that needs no file system driver.
buildah() {
  command buildah --root "$PWD/$images/.storage" --runroot "$PWD/$images/.run" \
    --storage-driver vfs "$@"
}

mkdir -p "$images"
context=$(mktemp -d "$images/.context.XXXXXX")
trap 'rm -rf "$context"' EXIT
install -m 0444 "$authorities" "$context/ca-certificates.crt"

for service in "${services[@]}"; do
  program=$BINARIES/$service
  [[ $service != operator ]] || program=$BINARIES/deskmesh-operator
  [[ -x $program ]] || { echo "$program is not built" >&2; exit 1; }
  # The kernel asks the program header for an interpreter; a static program has none, and nothing
  # would be there to be it.
  if LC_ALL=C readelf --program-headers "$program" | grep --quiet INTERP; then
    echo "$program is not static: it would not start on an empty image" >&2
    exit 1
  fi
  install -m 0555 "$program" "$context/$service"
  # The same program makes the same digest, whenever it is built.
  buildah build --quiet --isolation chroot --pull=never --timestamp 0 --format oci \
    --build-arg "SERVICE=$service" --build-arg "VERSION=$version" \
    --file infra/docker/Dockerfile.scratch --tag "deskmesh/$service:$version" "$context" >/dev/null
  rm -rf "${images:?}/$service" "${context:?}/$service"
  buildah push --quiet "deskmesh/$service:$version" "oci:$images/$service:$version"
  digest=$(sed -n 's/.*"digest":"\(sha256:[0-9a-f]*\)".*/\1/p' "$images/$service/index.json")
  size=$(du --summarize --bytes --human-readable "$images/$service" | cut -f1)
  echo "deskmesh/$service:$version  $images/$service  ${size}B  $digest"
done
