#!/bin/sh
# A program of the demonstration: says something every two seconds, leaves cleanly on TERM.
trap 'echo "worker $1: told to stop"; exit 0' TERM
n=0
while :; do
    n=$((n + 1))
    echo "worker $1: $GREETING, round $n"
    sleep 2 &
    wait $!
done
