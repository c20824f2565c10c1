#!/bin/sh
# embed.sh NAME FILE: prints FILE as C: `const char NAME[]` with a NUL behind the
# last byte, and `const size_t NAME_len` without it. It is packed (DEFLATE: gzip without its
# head of 10 bytes and tail of 8; core/base/inflate.h). Of what browsers read, indentation
# and lines that are comments as a whole stay behind.
set -eu
name=$1 file=$2
squeeze() {
    case $file in
    *.html) sed 's/^[ 	]*//; /^$/d' "$file" ;;
    # operators between blanks do not occur within the scripts' texts
    *.js) sed -E 's/^[ 	]*//; /^\/\/ /d; /^$/d; s/ (=|===|!==|=>|&&|\|\||\+) /\1/g; s/\) \{/){/g' "$file" ;;
    *.css) sed 's/^[ 	]*//; /^\/\*.*\*\/$/d; s/ *{ */{/g; s/: /:/g; s/; */;/g; s/;}/}/g; s/, /,/g' \
        "$file" | tr -d '\n' ;;
    *) cat "$file" ;;
    esac
}
printf '/* Made from %s by scripts/embed.sh. */\n#include <stddef.h>\n' "$file"
printf 'extern const char %s[];\nextern const size_t %s_len;\n' "$name" "$name"
printf 'const char %s[] = {\n' "$name"
squeeze | gzip -9n | tail -c +11 | head -c -8 | od -An -v -t d1 | sed 's/  */,/g; s/^,//; s/$/,/'
printf '0};\nconst size_t %s_len = sizeof %s - 1;\n' "$name" "$name"
