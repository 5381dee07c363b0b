#!/usr/bin/env bash
# Breaks the runtime on purpose, one way after the other, in a copy; each has to make the fault run
# fail.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../../.." && pwd)"
copy="$root/target/sabotage"
runner="$root/target/debug/faults"
seed="${SEED:-1}"

failures=0
for patch in "$here"/*.patch; do
    name="$(basename "$patch" .patch)"
    # What git knows and what is there now: a copy that keeps its times, so that only what differs
    # is built again.
    rm -rf "$copy/source" && mkdir -p "$copy/source"
    (cd "$root" && git ls-files -z --cached --others --exclude-standard |
        tar --null --files-from=- --create) | tar --extract --directory "$copy/source"
    (cd "$copy/source" && patch --quiet --strip=1 < "$patch")
    (cd "$copy/source" && find shared/messaging/src -name "*.rs" -exec touch {} + &&
        CARGO_TARGET_DIR="$copy/target" cargo build --quiet -p agreement-service \
            -p share-dispatcher -p comment-sync -p field-sync -p notifier)
    echo "== $name"
    if "$runner" run --seed "$seed" --injections "${INJECTIONS:-40}" --first-wrong \
        --binaries "$copy/target/debug" > "$copy/$name.log" 2>&1; then
        echo "   NOT NOTICED, see $copy/$name.log"
        failures=$((failures + 1))
    else
        grep --max-count=3 --extended-regexp 'lost:|doubled:|leaked:|diverged:' \
            "$copy/$name.log" | sed 's/^ */   /' || tail -n 3 "$copy/$name.log"
    fi
done
if [ "$failures" -gt 0 ]; then
    echo "$failures of the four were not noticed"
    exit 1
fi
echo "all were noticed"
