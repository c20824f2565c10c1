#!/bin/sh
# README's first command: installs what is missing, builds, and runs a supervisord in the
# foreground with tests/demo/supervisord.conf. Ctrl-C ends it.
set -e
cd "$(dirname "$0")/.."
./scripts/bootstrap build
exec make --no-print-directory -j2 run
