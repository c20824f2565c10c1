#!/bin/sh
# fuzz.sh SECONDS TARGET...: runs each fuzz program from its seeds in tests/fuzz/corpus/NAME
# (and tests/fuzz/NAME.dict) for SECONDS. What it learns stays in build/fuzz/NAME; a crash
# leaves its input in build/fuzz/crash-NAME-*.
set -u
seconds=$1
shift
passed=0 failed=0
for t in "$@"; do
    name=${t##*/fuzz_}
    learnt=build/fuzz/$name seeds=tests/fuzz/corpus/$name dict=tests/fuzz/$name.dict
    mkdir -p "$learnt"
    set -- "$learnt"
    [ ! -d "$seeds" ] || set -- "$@" "$seeds"
    [ ! -f "$dict" ] || set -- "$@" "-dict=$dict"
    if "$t" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 \
        -artifact_prefix="build/fuzz/crash-$name-" -print_final_stats=1 \
        "$@" >"$learnt.log" 2>&1; then
        passed=$((passed + 1))
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$learnt.log")
        echo "ok   $name: $runs runs"
    else
        failed=$((failed + 1))
        tail -n 40 "$learnt.log"
        echo "FAILED: $name (see $learnt.log)"
    fi
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
