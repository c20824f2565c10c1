#!/bin/sh
# coverage.sh [PYTEST-ARGUMENT...]: how much of the code the tests execute. Runs the unit
# tests, the fuzz targets on their corpora, and the system tests (with the arguments given,
# which may choose some) with a build that counts, and prints the share of lines for each
# folder and in all. COVERAGE_FILES=1: for each file too. COVERAGE_KEEP=1: adds to what an
# earlier run counted. Which lines are missed: build/cov/missed.txt.
set -u
cd "$(dirname "$0")/.." || exit 1
profiles=build/cov/profiles
[ -n "${COVERAGE_KEEP:-}" ] || rm -rf "$profiles"
mkdir -p "$profiles"
chmod 1777 "$profiles" # tests run programs as other users
make -j2 COV=1 TLS=1 || exit 1
make -j2 COV=1 TLS=1 FAULTS=1 || exit 1

tests=$(find tests/unit -name 'test_*.c' | sed 's|\(.*\)\.c|build/cov/\1|')
fuzzers=$(find tests/fuzz -name 'fuzz_*.c' | sed 's|\(.*\)\.c|build/cov/\1|')
# shellcheck disable=SC2086 # lists of names without blanks
make -j2 COV=1 $tests $fuzzers || exit 1
export LLVM_PROFILE_FILE="$PWD/$profiles/%c-%m-%p.profraw"
# shellcheck disable=SC2086
scripts/unit.sh $tests | tail -n 1
for f in $fuzzers; do
    corpus=tests/fuzz/corpus/${f##*/fuzz_}
    [ ! -d "$corpus" ] || "$f" -runs=0 "$corpus" >/dev/null 2>&1 || echo "failed: $f"
done
export LLVM_PROFILE_FILE="$PWD/$profiles/system-%c-%2m.profraw"
FAULTS_BIN=$PWD/build/cov-faults/supervisor make COV=1 TLS=1 system PYTEST="$*" | tail -n 1
unset LLVM_PROFILE_FILE

find "$profiles" -name '*.profraw' -size +0 >build/cov/list
llvm-profdata merge -sparse -failure-mode=all -f build/cov/list -o build/cov/all.profdata 2>build/cov/merge.log
objects=$(for t in build/cov-faults/supervisor $tests $fuzzers; do printf ' -object %s' "$t"; done)
# shellcheck disable=SC2086
llvm-cov export -format=lcov -instr-profile=build/cov/all.profdata build/cov/supervisor $objects \
    -ignore-filename-regex='(^|/)(tests|build|deps)/' >build/cov/lcov.info 2>build/cov/export.log || {
    cat build/cov/export.log
    exit 1
}
awk -v top="$PWD/" -v files="${COVERAGE_FILES:-}" '
    /^SF:/ { file = substr($0, 4); sub(top, "", file); folder = file; sub("/[^/]*$", "", folder) }
    /^DA:/ { split(substr($0, 4), d, ","); key = file ":" d[1]
             if (!(key in hits)) { hits[key] = 0; of[key] = file; n[file]++; total[folder]++; all++; where[file] = folder }
             if (d[2] > 0 && hits[key] == 0) { hits[key] = 1; hit[file]++; good[folder]++; done++ } }
    END { for (k in hits) if (!hits[k]) print k >"build/cov/missed.txt"
          for (f in n) if (files != "") printf "%6.1f %% of %5d  %s\n", 100 * hit[f] / n[f], n[f], f
          for (f in total) printf "%6.1f %% of %5d  %s/\n", 100 * good[f] / total[f], total[f], f
          printf "%6.1f %% of %5d  in all\n", 100 * done / all, all }' build/cov/lcov.info |
    sort -k 5
sort -t: -k1,1 -k2,2n -o build/cov/missed.txt build/cov/missed.txt
