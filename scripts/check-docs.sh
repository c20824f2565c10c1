#!/bin/sh
# check-docs.sh: every row of the tables that users meet has its entry (a line ".It ... NAME")
# in the manual page where they look for it, and config/help.txt explains what it should;
# mandoc finds no fault in any page.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

# rows FILE PATTERN: the words that sed's PATTERN extracts from the table in FILE
rows() {
    [ ! -f "$1" ] || sed -nE "$2" "$1" | tr ' ' '\n' | grep . | sort -u
}

# need PAGE WHAT: each word of standard input has its entry in PAGE
need() {
    words=$(cat)
    [ -n "$words" ] || return 0
    if [ ! -f "$1" ]; then
        # shellcheck disable=SC2086 # one line
        echo "$1 is missing: its place is there for:" $words
        bad=1
        return
    fi
    for word in $words; do
        # mdoc writes --name as "Fl -name" or "Fl Fl name"
        sed 's/Fl Fl \([a-z]\)/Fl -\1/g; s/\\-/-/g; s/\\&//g; s/\\_/_/g' "$1" | grep '^\.It ' |
            grep -qE "(^| |\")$(echo "$word" | sed 's/\./\\./g')( |\"|=|,|\$)" && continue
        echo "$1: no entry for the $2 $word"
        bad=1
    done
}

for table in config/options_*.c; do
    need config/supervisord.conf.5 option <<END
$(rows "$table" 's/^ *(OPTION\()?\{? *"([a-z][a-z0-9_]*)" *,.*/\2/p')
END
done
need applets/supervisorctl.1 command <<END
$(rows applets/supervisorctl/ctl_table.c '/unlisted/!s/.*\.name = "([a-z]+)".*/\1/p')
END
need applets/supervisord_xmlrpc.7 method <<END
$(rows applets/supervisord/api/rpc_table.c 's/^[^/]*"((supervisor|system)\.[A-Za-z]+)".*/\1/p')
END
for table in applets/*.c; do
    page=$(find applets -maxdepth 1 -name "$(basename "$table" .c).[18]")
    page=${page:-${table%.c}.[18]}
    # { 'c', "configuration", ARG_... : ".It Fl c Ar file , Fl Fl configuration Ar file"
    need "$page" option <<END
$(rows "$table" "s/^ *\{ *('(.)'|0) *, *\"([a-z_]+)\" *, *ARG_.*/\2 -\3/p")
END
done

# explained TOPIC WORD: help.txt has the word in the topic, with a text behind it
explained() {
    awk -v topic="[$1]" -v word="$2" '
        /^\[/ { here = $0 == topic; next }
        here && NF > 1 && ($1 == word || $2 == word) { found = 1 }
        END { exit !found }' config/help.txt || {
        echo "config/help.txt: [$1] does not explain $2"
        bad=1
    }
}
for command in $(rows applets/supervisorctl/ctl_table.c \
    '/no_help/!s/.*\.name = "([a-z]+)".*/\1/p'); do
    explained "$command" "$command"
done
for applet in supervisord supervisorctl; do
    for option in $(rows "applets/$applet.c" \
        's/^ *\{[^,]*, *"([a-z_]+)" *, *ARG_.*/--\1/p'); do
        explained $applet "$option"
    done
done

for page in applets/*.[1-8] config/*.[1-8]; do
    [ -f "$page" ] || continue
    mandoc -Tlint -Wwarning "$page" || bad=1
done
exit $bad
