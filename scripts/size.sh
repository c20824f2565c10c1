#!/bin/sh
# size.sh [VARIANT]: the size of the stripped binary, and by folder what its functions and
# named data take. A function's folder is that of the line it was compiled from, as the
# linker's own optimisation leaves no object to count by; of data, which has no line, the
# object that has the name. What has neither is musl's; texts have no name.
set -eu
cd "$(dirname "$0")/.."
variant=${1:-release}
program=build/$variant/supervisor
strip -o "$program.stripped" "$program"
printf '%9d  %s, stripped\n' "$(wc -c <"$program.stripped")" "$program"
rm -f "$program.stripped"
libs=$(sed -n 's/^DEP_LIBS = //p' "build/$variant/deps.mk")
{
    # shellcheck disable=SC2046,SC2086 # file names of ours
    readelf -sW $(find "build/$variant" -name '*.o') $libs |
        awk '/^File:/ { file = $2 } $4 == "OBJECT" { print "object", file, $8 }'
    size -A "$program" | awk '/^\.(text|rodata|data|data\.rel\.ro) / { print "section", $1, $2 }'
    nm -S -l "$program" | awk '$3 ~ /^[tTwWdDrRV]$/ && !seen[$1]++ { print "symbol", $2, $4, $5 }'
} | awk -v objects="build/$variant/" '
    function folder(file) {
        if (file ~ /mbedtls/) return "mbedTLS"
        if (file ~ /inih/) return "inih"
        sub(/:[0-9]*$/, "", file)
        sub(/\/[^\/]*$/, "", file)
        sub(".*" objects, "", file)
        sub(/^.*\/build\/gen/, "build/gen", file)
        if (match(file, /\/(core\/[a-z]+|config|applets.*)$/)) file = substr(file, RSTART + 1)
        return file
    }
    function hex(text, i, n) {
        for (i = 1; i <= length(text); i++)
            n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
        return n
    }
    $1 == "object" { of[$3] = folder($2) }
    $1 == "section" { all += $3 }
    $1 == "symbol" {
        name = $3
        sub(/\.lto_priv\..*/, "", name)
        where = $4 ? folder($4) : name in of ? of[name] : "musl, compiler"
        sum[where] += hex($2)
        named += hex($2)
    }
    END {
        sum["texts, padding"] = all - named
        for (d in sum) printf "%9d  %s\n", sum[d], d | "sort -rn"
    }'
