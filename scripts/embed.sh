#!/bin/sh
# embed.sh NAME FILE: prints FILE as C: `const char NAME[]` with a NUL behind the
# last byte, and `const size_t NAME_len` without it.
set -eu
name=$1 file=$2
printf '/* Made from %s by scripts/embed.sh. */\n#include <stddef.h>\n' "$file"
printf 'extern const char %s[];\nextern const size_t %s_len;\n' "$name" "$name"
printf 'const char %s[] = {\n' "$name"
od -An -v -t d1 "$file" | sed 's/  */,/g; s/^,//; s/$/,/'
printf '0};\nconst size_t %s_len = sizeof %s - 1;\n' "$name" "$name"
