#!/bin/sh
# check-style.sh: what a compiler does not see. Forbidden calls, lengths of files and
# functions, own header first, the formatter's opinion, paths and names of one machine.
# A line may be excused by a comment in it: /* style: reason */.
set -u
cd "$(dirname "$0")/.." || exit 1
found=$(mktemp) || exit 1
trap 'rm -f "$found"' EXIT

report() { # TEXT OF THE FINDING, lines on standard input
    sed "s|^|$1: |" >>"$found"
}

sources=$(find core config applets tests -name '*.[ch]' | sort)
ours=$(find core config applets -name '*.[ch]' | sort)

# shellcheck disable=SC2086 # lists of files without blanks
{
    # Text becomes a number in core/base/num.c; nothing is written without its size; no
    # shell runs behind our back; a child sees no lock of another thread.
    grep -nHE '(^|[^a-zA-Z0-9_])(atoi|atol|atoll|atof|strcpy|strcat|sprintf|vsprintf|gets|strtok|strtok_r|system|popen|alloca|scanf|sscanf|fscanf|mktemp|tmpnam|usleep|sleep) *\(' \
        $ours | grep -v 'style:' | grep -vE ':[0-9]+: *(/\*|\* |\*$|//)' | report 'forbidden call'
    grep -nHE '(^|[^a-zA-Z0-9_])(strtol|strtoul|strtoll|strtoull|strtod) *\(' $ours | grep -v 'style:' |
        grep -v '^core/base/num\.c:' | report 'only core/base/num.c makes numbers'
    grep -nHE '(^|[^a-zA-Z0-9_])(malloc|calloc|realloc|strdup|strndup|asprintf) *\(' $ours | grep -v 'style:' |
        grep -vE '^core/base/(alloc|buf)\.c:|:[0-9]+: *(/\*|\* |\*$|//)' |
        report 'use xmalloc (our sizes) or struct buf (foreign sizes)'
    grep -nH '#include <linux/' $ours | report 'no kernel headers: they clash with musl'
    # The formatter keeps to 90; this is for the tables that it leaves alone.
    grep -nHE '.{131,}' $ours | cut -c1-60 | report 'longer than 130 columns'
    wc -l $ours | awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines" }' |
        report 'file longer than 600 lines'
    # A function begins with "{" and ends with "}" in the first column.
    awk 'FNR == 1 { start = 0 }
         /^{/ { start = FNR }
         /^}/ { if (start && FNR - start > 80) print FILENAME ":" start ": " FNR - start " lines"
                start = 0 }' $ours | report 'function longer than 80 lines'
    for c in $ours; do
        case $c in *.c) ;; *) continue ;; esac
        [ -f "${c%.c}.h" ] || continue
        first=$(sed -n 's/^#include *//p' "$c" | head -n 1)
        case $first in "\"${c%.c}.h\"" | "\"${c%/*}/"*'_priv.h"') ;; *) echo "$c" ;; esac
    done | report 'own header comes first'
    for f in $ours; do
        case $(head -c 2 "$f") in '/*' | '//') ;; *) echo "$f" ;; esac
    done | grep -E '\.h$' | report 'a header opens with its purpose'
    formatter=$(command -v clang-format-14 || command -v clang-format || :)
    if [ -n "$formatter" ]; then
        $formatter --dry-run --ferror-limit=1 $sources 2>&1 | grep 'warning:\|error:' |
            cut -d: -f1 | sort -u | report "$formatter -i"
    else
        echo 'the form cannot be checked' | report 'clang-format is missing'
    fi
}

# The tree speaks of the project, not of the machine somebody wrote it on.
all=$(git ls-files 2>/dev/null || find . -name build -prune -o -type f -print | sed 's|^\./||')
# shellcheck disable=SC2086
grep -nIE '(^|[^a-z.])/(work|home/[a-z]+|Users)/' $all |
    grep -v '^scripts/check-style.sh:' | grep -v 'style:' | report "path of one machine"
# shellcheck disable=SC2086
grep -nIE '[[:blank:]]+$' $all | cut -c1-60 |
    grep -vE '^(tests/(golden|fuzz/corpus)/|[^:]*\.(diff|txt):)' | report 'blank at the end'
cat "$found"
[ ! -s "$found" ]
