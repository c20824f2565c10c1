#!/bin/sh
# check-layers.sh: rejects an include that goes upwards or sideways between the folders,
# or upwards inside the engine. README shows the picture. Prints file, line and reason.
set -eu
cd "$(dirname "$0")/.."

# A folder, and what it may include besides itself. applets (the entry files) may all.
folders='
core/base:
core/wire: core/base
core/rules: core/base
core/io: core/base
core/http: core/base core/wire core/io
config: core/base core/rules core/wire
applets/supervisord: core/base core/wire core/rules core/io core/http config
applets/supervisord/api: core/base core/wire core/rules core/io core/http config applets/supervisord
applets/supervisorctl: core/base core/wire core/rules core/io core/http config'

# Inside the engine, lowest first: a module includes those of its own row and of rows above
# it here. A module that is not listed belongs to the last row.
engine='
engine event_bus
channel stdin_queue child_env start_up
process process_priv process_spawn process_save
group event_pool event_pool_priv event_pool_save fcgi_socket gate health memwatch restarts'

# The .c of a part may ask its owner for what the owner was configured with (its name ...).
owners=' channel:process process:group process_spawn:group process_save:group '

{
    grep -rnH --include='*.[ch]' '^ *# *include "' core config applets || :
    # inih has one reader, mbedTLS one user.
    grep -rnH --include='*.[ch]' '^ *# *include <\(ini\.h\|mbedtls/\|psa/\)' core config applets || :
} | awk -v folders="$folders" -v engine="$engine" -v owners="$owners" '
    function folder(path) { return sub(/\/[^\/]*$/, "", path) ? path : "(no folder)" }
    function module(path) { sub(/.*\//, "", path); sub(/\.[ch]$/, "", path); return path }
    function rank(path, m) { m = module(path); return m in row ? row[m] : rows + 1 }
    function reject(why) { print place ": " why; bad = 1 }
    BEGIN {
        n = split(folders, line, "\n")
        for (i = 1; i <= n; i++)
            if (split(line[i], part, ":") > 1) may[part[1]] = " " part[1] part[2] " "
        rows = split(engine, line, "\n")
        for (i = 1; i <= rows; i++) {
            n = split(line[i], part, " ")
            for (j = 1; j <= n; j++) row[part[j]] = i
        }
    }
    {
        split($0, part, ":"); file = part[1]; place = part[1] ":" part[2]
        to = $0; sub(/^[^"<]*["<]/, "", to); sub(/[">].*/, "", to)
        from_dir = folder(file); to_dir = folder(to)
    }
    /include </ {
        owner = to == "ini.h" ? "config/ini_doc.c" : "core/io/tls_mbedtls.c"
        if (file != owner) reject("<" to "> is for " owner " alone")
        next
    }
    to_dir == "(no folder)" { reject("write the whole path: \"" to "\""); next }
    from_dir == "applets" { next }
    !(from_dir in may) { reject(from_dir " is not in the plan of folders"); next }
    to == "applets/applet.h" && from_dir ~ /^applets/ { next }
    index(may[from_dir], " " to_dir " ") == 0 { reject(from_dir " must not include " to); next }
    file ~ /\.c$/ && index(owners, " " module(file) ":" module(to) " ") { next }
    from_dir == "applets/supervisord" && to_dir == from_dir && rank(file) < rank(to) {
        reject(module(file) " lies below " module(to) " in the engine")
    }
    END { exit bad }'
