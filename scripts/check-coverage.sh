#!/bin/sh
# check-coverage.sh [left]: each option, command, method, fault, event type and flag that
# our tables know has its line in tests/coverage.txt, and the tests named there exist.
# With "left" it only prints what the tables know.
set -eu
cd "$(dirname "$0")/.."

options() { # rows of the option tables, by the section they belong to
    awk '
        BEGIN {
            split("program program process program listener eventlistener " \
                  "fcgi fcgi-program group group server supervisord ctl supervisorctl " \
                  "include include rpcinterface rpcinterface ctlplugin ctlplugin " \
                  "inet inet_http_server unix unix_http_server", pair, " ")
            for (i = 1; i in pair; i += 2)
                section[pair[i]] = pair[i + 1]
        }
        match($0, /^static const struct option [a-z]+_rows/) {
            name = substr($0, 28, RLENGTH - 32)
            if (!(name in section)) {
                print "check-coverage: no section for the table " name > "/dev/stderr"
                exit 1
            }
            next
        }
        /^    \{"/ && name != "" { split($0, part, "\""); print "option " section[name] "." part[2] }
        /^};/ { name = "" }' config/options_*.c
}

left() {
    options
    sed -n 's/^    { \.name = "\([^"]*\)".*/command \1/p' applets/supervisorctl/ctl_table.c
    sed -n 's/^    {"\(\(supervisor\|system\)\.[A-Za-z]*\)".*/method \1/p' \
        applets/supervisord/api/rpc_table.c
    grep -o ' F([A-Z_]*)' core/wire/faults.c | sed 's/ F(\(.*\))/fault \1/'
    sed -n 's/^    \[EVENT_[A-Z0-9_]*\] = *{ "\([A-Z0-9_]*\)".*/event \1/p' core/rules/event_types.c
    for applet in supervisord supervisorctl; do
        sed -n "s/^    { [^,]*, *\"\([a-z_]*\)\", *ARG_.*/flag $applet.\1/p" applets/$applet.c
    done
}

if [ "${1-}" = left ]; then
    left
    exit
fi
table=$(mktemp)
trap 'rm -f "$table"' EXIT
left | LC_ALL=C sort -u >"$table"
[ "$(wc -l <"$table")" -gt 150 ] || { echo 'check-coverage: the tables were not understood'; exit 1; }
awk -v table="$table" '
    function complain(text) { print "tests/coverage.txt:" FNR ": " text; bad = 1 }
    BEGIN { while ((getline line < table) > 0) known[line] = 1 }
    /^#/ || NF == 0 { next }
    {
        row = $1 " " $2
        if (!(row in known))
            complain(row " is in none of our tables")
        if (row in seen)
            complain(row " comes twice")
        seen[row] = 1
        if (NF < 3)
            complain(row " has no test")
        for (i = 3; i <= NF; i++) {
            if (split($i, part, "::") != 2) {
                complain($i " is no file::test")
                continue
            }
            file = "tests/" part[1]
            test = part[2]
            if (!(file in read)) {
                read[file] = 1
                while ((getline line < file) > 0)
                    if (match(line, /^(def |static void |def test)[a-z_A-Z0-9]+\(/)) {
                        name = substr(line, 1, RLENGTH - 1)
                        sub(/^.* /, "", name)
                        exists[file, name] = 1
                    }
            }
            if (!((file, test) in exists))
                complain("there is no " $i)
        }
    }
    END {
        for (row in known)
            if (!(row in seen)) {
                print "tests/coverage.txt: no line for: " row
                bad = 1
            }
        exit bad
    }' tests/coverage.txt
