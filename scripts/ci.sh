#!/bin/sh
# ci.sh [STEP...]: README's test command. Every check in order, or only the steps named;
# the same on a desk and on a machine. Prints a line and the time of each, the whole output
# of those that fail, the sizes, and last "N passed, N failed", which counts the tests of
# cmocka and pytest, the fuzz targets, and every other step as one. Logs: build/ci/STEP.log.
set -u
cd "$(dirname "$0")/.." || exit 1
only=$*
passed=0 failed=0
mkdir -p build/ci
started=$(date +%s)

# counted STEP COMMAND...: the command's last line "...: N passed, N failed" gives numbers
counted() {
    step=$1
    shift
    [ -z "$only" ] || case " $only " in *" $step "*) ;; *) return 0 ;; esac
    log=build/ci/$step.log
    begin=$(date +%s)
    "$@" >"$log" 2>&1
    status=$?
    seconds=$(($(date +%s) - begin))
    # cmocka's and the fuzzer's scripts and pytest all say "N passed" and "N failed"
    summary=$(grep -E '[0-9]+ (passed|failed)|[0-9]+ errors? in ' "$log" | tail -n 1)
    bad=$(echo "$summary" | grep -oE '[0-9]+ (failed|error)' | awk '{ n += $1 } END { print n + 0 }')
    good=$(echo "$summary" | grep -oE '[0-9]+ passed' | awk '{ n += $1 } END { print n + 0 }')
    if [ "$status" -ne 0 ] || [ "$bad" -gt 0 ]; then
        [ "$bad" -gt 0 ] || bad=1
        grep -v '^  build/' "$log" | tail -n 200
        word=FAILED
    else
        [ -n "$summary" ] || good=1
        word=ok
    fi
    passed=$((passed + good)) failed=$((failed + bad))
    printf '%-7s %-12s %4d s  %s\n' "$word" "$step" "$seconds" "$summary"
}

shell_check() {
    find scripts .ci -type f ! -name '*.lock' ! -name '*.ld' ! -name '*.py' -exec shellcheck {} +
}

# binary VARIANT MAKE-ARGUMENT: builds it and checks what is promised: nothing outside it is
# needed, and the hardening is really there.
binary() {
    make -j2 "$2" || return 1
    headers=$(readelf -hldW build/supervisor) || return 1
    for unwanted in INTERP NEEDED TEXTREL 'GNU_STACK.*RWE'; do
        if echo "$headers" | grep -q "$unwanted"; then
            echo "the binary has $unwanted"
            return 1
        fi
    done
    for wanted in 'Type: *DYN' GNU_RELRO 'Flags:.*NOW.*PIE'; do
        if ! echo "$headers" | grep -q "$wanted"; then
            echo "the binary lacks $wanted"
            return 1
        fi
    done
    # reap_child has an array, and nothing else that would make a guard.
    objdump -d --no-show-raw-insn "build/$1/supervisor" |
        awk '/>:$/ { name = $2 } name == "<reap_child>:" && /__stack_chk_fail/ { found = 1 }
             END { exit !found }' || {
        echo 'the binary has no stack protector'
        return 1
    }
    # The same calls that check-style.sh looks for, in whatever spelling the source has them;
    # but strcpy and sprintf, which the compiler itself makes of an snprintf that cannot cut.
    if find "build/$1/core" "build/$1/config" "build/$1/applets" -name '*.o' -exec nm -u {} + |
        grep -wE 'U (atoi|atol|atof|strcat|vsprintf|gets|strtok|system|popen|mktemp|tmpnam|sleep|usleep)'
    then
        echo 'a forbidden call'
        return 1
    fi
    build/supervisor --list | grep -qx supervisord
}

static_tls() {
    binary release TLS=1
}

static_notls() {
    binary release-notls TLS=0
}

gcc_strict() {
    make -j2 DEBUG=1 CC=gcc CFLAGS='-O2 -D_FORTIFY_SOURCE=2 -g'
}

clang_strict() {
    make -j2 SAN=1
}

unit() {
    make -j2 SAN=1 unit
}

fuzz() {
    targets=$(find tests/fuzz -name 'fuzz_*.c' | wc -l)
    [ "$targets" -gt 0 ] || return 0
    secs=$((60 / targets))
    make -j2 SAN=1 fuzz FUZZ_SECS=$((secs > 0 ? secs : 1))
}

# system_tests PYTEST-ARGUMENTS MAKE-ARGUMENT...: with what fails run once more by itself. These tests start
# hundreds of real programs on whatever machine this is; one that fails twice has failed, one
# that needed the second run is named in the log.
system_tests() {
    pytest=$1
    shift
    make -j2 "$@" system PYTEST="$pytest" && return 0
    first=$(grep -oE '[0-9]+ passed' "$log" | tail -n 1)
    grep '^FAILED ' "$log" | sed 's/^FAILED/run again:/'
    make "$@" system PYTEST="$pytest --last-failed --last-failed-no-failures=none" || return 1
    again=$(grep -oE '[0-9]+ passed' "$log" | tail -n 1)
    echo "$((${first%% *} + ${again%% *})) passed, 0 failed (${again%% *} in a second run)"
}

system() { # the static binary, and the one whose calls fail on demand
    make -j2 TLS=1 FAULTS=1 || return 1
    system_tests '' TLS=1
}

# The same with AddressSanitizer and UBSan. Their reports go to files, because a daemon
# has no terminal to report to. test_scale.py measures memory and time: not with these.
system_san() {
    rm -f build/ci/sanitizer.*
    options=log_path=$PWD/build/ci/sanitizer
    export ASAN_OPTIONS="$options" UBSAN_OPTIONS="$options:print_stacktrace=1"
    make -j2 SAN=1 FAULTS=1 && export FAULTS_BIN="$PWD/build/san-faults/supervisor" &&
        system_tests --ignore=test_scale.py SAN=1
    status=$?
    unset ASAN_OPTIONS UBSAN_OPTIONS FAULTS_BIN
    for report in build/ci/sanitizer.*; do
        [ -f "$report" ] || continue
        cat "$report"
        status=1
    done
    return $status
}

# A minute of random commands; with a failure the seed is printed that shows it again.
walk() {
    make -j2 TLS=1 && python3 tests/walk.py --minutes 1
}

# Whether the benchmark works, and what it measures; not how fast that is.
bench() {
    result=build/bench/result.json
    make -j2 bench BENCH=--quick && tests/bench/bench.py --compare $result $result
}

tidy() {
    make -j2 -k SAN=1 tidy
}

# uninitvar: it takes the address of a buffer that will be filled for a use of it.
cpp_check() {
    cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --language=c -j2 -I. \
        --enable=warning,portability --suppress=missingIncludeSystem --suppress=uninitvar core config applets
}

sizes() {
    scripts/size.sh release
    scripts/size.sh release-notls
}

if [ -z "$only" ]; then
    counted bootstrap scripts/bootstrap test
fi
counted layers scripts/check-layers.sh
counted docs scripts/check-docs.sh
counted coverage scripts/check-coverage.sh
counted style scripts/check-style.sh
counted shellcheck shell_check
counted gcc gcc_strict
counted clang clang_strict
counted notls static_notls
counted static static_tls
counted unit unit
counted system system
counted system-san system_san
counted walk walk
counted bench bench
counted fuzz fuzz
counted tidy tidy
counted cppcheck cpp_check
if [ -z "$only" ]; then
    sizes || failed=$((failed + 1))
fi
echo "$(($(date +%s) - started)) s in all"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
