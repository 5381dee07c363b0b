#!/usr/bin/env bash
# Fuzzes one target, or each, for some seconds with LLVM's fuzzer, on stable Rust:
# run.sh [TARGET|all] [SECONDS].
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
target="${1:-all}"
seconds="${2:-600}"
work="$root/target/fuzz"
tools="$root/target/tools"
# libFuzzer is C++; everything else here needs none.
command -v c++ > /dev/null || { echo "a C++ compiler is needed: apt-get install g++" >&2; exit 1; }
test -x "$tools/bin/cargo-fuzz" || cargo install --quiet --locked --root "$tools" cargo-fuzz@0.13.2
export PATH="$tools/bin:$PATH" CARGO_TARGET_DIR="$work/target"

names=(admission agreement-service share-dispatcher comment-sync field-sync notifier line)
if [ "$target" != all ]; then names=("$target"); fi

echo "building"
(cd "$root" && cargo run --quiet -p fuzz --bin seeds -- "$work/seeds")
failures=0
for name in "${names[@]}"; do
    mkdir -p "$work/corpus/$name" "$work/found/$name"
    echo "== $name, $seconds s"
    log="$work/$name.log"
    # Without a sanitizer: there is no unsafe code to watch. Scripts over ten seconds or 512 MiB
    # count as found.
    if cargo fuzz run --fuzz-dir "$here" --sanitizer none --features libfuzzer "${name//-/_}" \
        "$work/corpus/$name" "$work/seeds/$name" -- -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=512 -malloc_limit_mb=256 -max_len=262144 -print_final_stats=1 \
        -artifact_prefix="$work/found/$name/" > "$log" 2>&1; then
        grep --extended-regexp 'DONE|number_of_executed_units|peak_rss_mb' "$log" | sed 's/^/   /'
    else
        failures=$((failures + 1))
        grep --extended-regexp 'panicked|ERROR|Test unit written' --after-context=1 "$log" |
            sed 's/^/   /' || tail -n 5 "$log"
    fi
done
if [ "$failures" -gt 0 ]; then
    echo "something was found: copy it to tests/fuzz/found/TARGET, where the tests play it," \
        "and mend it"
    exit 1
fi
