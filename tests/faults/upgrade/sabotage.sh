#!/usr/bin/env bash
# Breaks what two releases have to agree on, one way after the other, in a copy; each has to make
# the upgrade from what is here fail.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/release.sh"
work="$root/target/upgrade/sabotage"

lay_out "$work/as-it-is" "$root" "$built" "as it is"
failures=0
for patch in "$here"/${ONLY:-*}.patch; do
    name="$(basename "$patch" .patch)"
    rm -rf "$work/source" && mkdir -p "$work/source"
    # What git knows and what is there now, with its times; the packages that any patch changes are
    # built again.
    (cd "$root" && git ls-files -z --cached --others --exclude-standard |
        tar --null --files-from=- --create) | tar --extract --directory "$work/source"
    patch --quiet --strip=1 --directory "$work/source" < "$patch"
    sed --quiet 's|^+++ b/\([^/]*/[^/]*\)/.*|\1|p' "$here"/*.patch | sort --unique |
        while read -r package; do
            find "$work/source/$package/src" -name '*.rs' -exec touch {} +
        done
    # A folder of its own: to cargo the same package elsewhere is the same package, and what is
    # older than its last build is built.
    build "$work/source" "$work/build"
    lay_out "$work/broken" "$work/source" "$work/build/debug" "$name"
    echo "== $name"
    if "$built/faults" upgrade --old "$work/as-it-is" --new "$work/broken" \
        > "$work/$name.log" 2>&1; then
        echo "   NOT NOTICED, see $work/$name.log"
        failures=$((failures + 1))
    elif ! grep --quiet '^the way there' "$work/$name.log"; then
        echo "   it did not begin: $(tail --lines=1 "$work/$name.log")"
        failures=$((failures + 1))
    else
        grep --max-count=3 --extended-regexp 'lost:|doubled:|leaked:|diverged:|^faults:' \
            "$work/$name.log" | sed 's/^ */   /' || tail --lines=3 "$work/$name.log"
    fi
done
if [ "$failures" -gt 0 ]; then
    echo "$failures were not noticed"
    exit 1
fi
echo "all were noticed"
