#!/usr/bin/env bash
# Plays an upgrade from an earlier commit (FROM) to what is here, and the way back, while partners
# work.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/release.sh"
work="$root/target/upgrade"
cd "$root"

# The newest release before this commit, or the commit before it.
from="${FROM:-$(git describe --tags --abbrev=0 --match 'v[0-9]*' HEAD~1 2> /dev/null ||
    echo HEAD~1)}"
commit="$(git rev-parse --verify --quiet "$from^{commit}")" || {
    echo "there is no commit $from here: give another as FROM=…, or fetch the history" \
        "(git fetch --unshallow)" >&2
    exit 2
}

# Unpacked with the time of now, and only when it is another commit: cargo builds again what is
# newer than what it has.
if [ "$(cat "$work/commit" 2> /dev/null)" != "$commit" ]; then
    rm -rf "$work/source" "$work/commit" && mkdir -p "$work/source"
    git archive "$commit" | tar --extract --touch --directory "$work/source"
    echo "$commit" > "$work/commit"
fi
echo "building $(git log -1 --format='%h %s' "$commit")"
build "$work/source" "$work/build"
lay_out "$work/old" "$work/source" "$work/build/debug" "$(git log -1 --format='%h %s' "$commit")"
lay_out "$work/new" "$root" "$built" \
    "$(git log -1 --format='%h %s')$(git diff --quiet HEAD || echo ', and what is not committed')"

agreed=('services/*/migrations' 'shared/*/migrations' infra/rabbitmq/definitions.json
    shared/contracts/generated shared/contracts/src/sync)
differ="$(git diff --name-only "$commit" -- "${agreed[@]}")"
if [ -n "$differ" ]; then
    printf 'what both have to agree on differs in:\n  %s\n' "${differ//$'\n'/$'\n'  }"
else
    echo "no migration, definition or message differs"
fi
"$built/faults" upgrade --old "$work/old" --new "$work/new"
