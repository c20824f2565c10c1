#!/bin/sh
# size.sh [VARIANT]: the size of the stripped binary, and by folder what its linked
# sections take (text, constants and data; from the linker's map, after --gc-sections).
set -eu
cd "$(dirname "$0")/.."
variant=${1:-release}
strip -o "build/$variant/stripped" "build/$variant/supervisor"
printf '%9d  %s, stripped\n' "$(wc -c <"build/$variant/stripped")" "build/$variant/supervisor"
rm -f "build/$variant/stripped"
awk -v objects="build/$variant/" '
    /^Linker script and memory map/ { started = 1 }
    /^\.debug|^\.comment|^\/DISCARD/ { started = 0 }
    !started || NF < 2 { next }
    # " .text.name 0xaddress 0xsize file"; a long name has a line of its own
    { file = $NF; size = $(NF - 1) }
    file !~ /\.o\)?$|\.a\(/ || size !~ /^0x/ || /\*fill\*/ || /^ \.bss/ { next }
    {
        if (index(file, objects) == 1) { dir = substr(file, length(objects) + 1); sub(/\/[^\/]*$/, "", dir) }
        else if (file ~ /libmbedtls|libmbed/) dir = "mbedTLS"
        else if (file ~ /libinih/) dir = "inih"
        else if (file ~ /musl|libc\.a/) dir = "musl"
        else dir = "compiler"
        sum[dir] += hex(size)
    }
    function hex(text, i, n) {
        n = 0; text = tolower(substr(text, 3))
        for (i = 1; i <= length(text); i++) n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
        return n
    }
    END { for (d in sum) printf "%9d  %s\n", sum[d], d | "sort -rn" }' "build/$variant/supervisor.map"
