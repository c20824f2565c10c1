#!/bin/sh
# unit.sh TEST...: runs each cmocka program, shows the output of those that fail, and closes
# with "unit: N passed, N failed" (tests, not programs).
set -u
: "${ASAN_OPTIONS:=detect_leaks=1:abort_on_error=0}" "${UBSAN_OPTIONS:=print_stacktrace=1}"
export ASAN_OPTIONS UBSAN_OPTIONS
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
passed=0 failed=0
for t in "$@"; do
    "$t" >"$log" 2>&1
    status=$?
    ok=$(grep -c '^\[       OK \]' "$log")
    bad=$(grep -c '^\[  FAILED  \] [^0-9]' "$log")
    # cmocka names a failed test twice: where it happens, and in the closing list
    bad=$((bad / 2))
    if [ "$status" -ne 0 ]; then
        if [ "$bad" -gt 0 ]; then
            # A test that fails leaks what it held: no news.
            sed '/ERROR: LeakSanitizer/,$d; /^\[ RUN  /d; /^\[   *OK /d' "$log"
        else
            bad=1
            head -n 200 "$log"
        fi
        echo "FAILED: $t (status $status)"
    fi
    passed=$((passed + ok)) failed=$((failed + bad))
done
echo "unit: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
