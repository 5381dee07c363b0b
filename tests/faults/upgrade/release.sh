# shellcheck shell=bash
# Sourced: where the repository and what is built of it lie, and how a release is laid out for the
# run, one folder with its programs, its broker definitions and its name.

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../../.." && pwd)"
# shellcheck disable=SC2034 # who sources this uses it
built="$(cd "$root" && realpath "${BUILT:-target/debug}")"
services=(agreement-service share-dispatcher comment-sync field-sync notifier)

# lay_out FOLDER SOURCE BINARIES NAME
lay_out() {
    rm -rf "$1" && mkdir -p "$1/bin"
    (cd "$3" && cp "${services[@]}" "$1/bin/")
    cp "$2/infra/rabbitmq/definitions.json" "$1/definitions.json"
    echo "$4" > "$1/name"
}

# build SOURCE TARGET: the five programs, and nothing to debug them with: they are built once and
# run once.
build() {
    (cd "$1" && CARGO_TARGET_DIR="$2" CARGO_PROFILE_DEV_DEBUG=0 \
        cargo build --quiet --locked "${services[@]/#/--package=}")
}
