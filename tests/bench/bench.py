#!/usr/bin/python3
"""Measures supervisord beside the original, its peers and the floor, interleaved.

    bench.py [--quick] [--rows a,b] [--subjects a,b] [--rounds N] [--list]
             [--binary FILE] [--out FILE]
    bench.py --compare OLD.json NEW.json     what became of each figure of ours
    bench.py --readme RESULT.json AGAIN.json puts the table of two runs into README.md

Each round of a row measures every subject once, in turn, on a fresh instance, so that a
change of the machine's mood meets all of them; another begins each time. Prints a table and
writes JSON. Fails if ours did not do the work; never because it was slow. --rows takes
beginnings of names.
"""
import argparse
import json
import os
import platform
import signal
import sys
import time
import traceback

import rows_events
import rows_life
import rows_many
import rows_output
import rows_rpc
import rows_start
import table
from box import Box, Wrong, read, tool
from subjects import Subject, all_subjects

ROWS = [row for module in (rows_start, rows_many, rows_life, rows_rpc, rows_output,
                           rows_events) for row in module.ROWS]
# Quick is a smoke test: after so long rows are left out, and named.
QUICK_SECS = 45
# Nothing hangs: one subject in one round of a row is stopped then. The original needs four
# minutes with thousands of programs.
HANG_SECS = 500


class Logger(Subject):
    """A peer's logger, of which only the logging can be measured."""

    def __init__(self, name):
        self.name, self.needs = name, (name,)


def chosen(rows, wanted):
    """Rows by their names, or the beginnings of them, or of their labels."""
    found = []
    for begin in wanted.split(","):  # an empty one is the beginning of all
        named = [row for row in rows if row.name == begin]
        named = named or [row for row in rows if row.name.startswith(begin)]
        found += named or [row for row in rows
                           if any(label.startswith(begin) for label in row.labels())]
    if not found:
        sys.exit("no row begins with any of: " + wanted)
    return [row for row in rows if row in found]


def hang(*_):
    raise Wrong("not done in %d s" % HANG_SECS)


def measure_row(row, subjects, quick, most, report):
    """{subject: {key: [samples]}}, {subject: why not} and {subject: seconds}."""
    args = dict(row.args, **(row.quick if quick else {}))
    samples, wrong, took = {}, {}, {}
    names = [name for name in row.subjects if name in subjects]
    for turn in range(1 if quick else min(row.rounds, most)):
        first = turn % max(len(names), 1)
        for name in names[first:] + names[:first]:
            subject = subjects[name]
            if subject.missing():
                wrong[name] = subject.missing()
            if name in wrong or turn >= row.slow.get(name, row.rounds):
                continue
            report(row.name, name, turn)
            begin = time.monotonic()
            try:
                with Box() as box:
                    signal.alarm(HANG_SECS)
                    try:
                        result = row.measure(box, subject, **args)
                    finally:
                        signal.alarm(0)
            except (Wrong, OSError, ValueError, StopIteration, AttributeError) as e:
                wrong[name] = str(e) or type(e).__name__
                if not isinstance(e, Wrong):
                    traceback.print_exc()
                continue
            finally:
                took[name] = round(took.get(name, 0) + time.monotonic() - begin, 1)
            for key, values in result.items():
                samples.setdefault(name, {}).setdefault(key, []).extend(values)
    return samples, wrong, took


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def write_readme(result, again):
    if result["quick"] or again["quick"]:
        sys.exit("a smoke test has no figures")
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../README.md")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(table.readme(text, result, again))
    return 0


def machine():
    model = [line.partition(":")[2].strip() for line in read("/proc/cpuinfo").splitlines()
             if line.startswith("model name")]
    return {"date": time.strftime("%Y-%m-%d %H:%M:%S %Z"), "cpu": (model or ["?"])[0],
            "cpus": os.cpu_count(), "kernel": platform.release(),
            "load": os.getloadavg()[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smoke test of a minute")
    parser.add_argument("--rows", default="", help="only rows that begin with: a,b")
    parser.add_argument("--subjects", default="", help="only these: ours,ref,floor,...")
    parser.add_argument("--rounds", type=int, default=99, help="at most so many rounds")
    parser.add_argument("--list", action="store_true", help="names of the rows")
    parser.add_argument("--binary", default="build/supervisor")
    parser.add_argument("--out", default="build/bench/result.json")
    parser.add_argument("--compare", nargs=2, metavar=("OLD", "NEW"), help="two results")
    parser.add_argument("--readme", nargs=2, metavar=("RESULT", "AGAIN"),
                        help="the table of two runs into README.md")
    options = parser.parse_args()
    if options.compare:
        print(table.compare(*map(load, options.compare)))
        return 0
    if options.readme:
        return write_readme(*map(load, options.readme))
    rows = chosen(ROWS, options.rows)
    if options.list:
        print("\n".join(row.name for row in rows))
        return 0
    if not os.access(tool("mark"), os.X_OK) or not os.access(options.binary, os.X_OK):
        sys.exit("first build %s and %s (make bench does)" % (options.binary, tool("mark")))
    subjects = {s.name: s for s in all_subjects(options.binary)}
    subjects.update((name, Logger(name)) for name in rows_output.LOGGERS)
    # What a smoke test looks for is wrong work of ours, not of others.
    only = options.subjects or ("ours,floor" if options.quick else "")
    subjects = {n: s for n, s in subjects.items() if not only or n in only.split(",")}
    signal.signal(signal.SIGALRM, hang)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what it started ends, too
    return run(rows, subjects, options)


def run(rows, subjects, options):
    begin = time.monotonic()
    result = {"machine": machine(), "quick": options.quick, "lines": [], "wrong": {},
              "not measured": [], "secs of rows": {}}

    def report(row, name, turn):
        print("\r\033[K%5d s  %s: %s, round %d" % (time.monotonic() - begin, row, name,
                                                   turn + 1), end="", file=sys.stderr,
              flush=True)

    for row in rows:
        if options.quick and row.quick is None:
            continue
        if options.quick and time.monotonic() - begin > QUICK_SECS:
            result["not measured"].append(row.name)
            continue
        samples, wrong, took = measure_row(row, subjects, options.quick, options.rounds,
                                           report)
        result["secs of rows"][row.name] = took
        if wrong:
            result["wrong"][row.name] = wrong
        lines = [table.figures(row, metric, samples) for metric in row.metrics]
        result["lines"] += [line for line in lines if line["values"]]
        save(result, options.out)  # a run that is interrupted is not lost
    if not options.quick:
        grown = [growth.line(result["lines"]) for growth in rows_many.GROWTH]
        result["lines"] += [line for line in grown if line]
    print("\r\033[K", end="", file=sys.stderr)
    result["machine"]["load after"] = os.getloadavg()[0]
    result["secs"] = round(time.monotonic() - begin)
    save(result, options.out)
    return show(result, options)


def save(result, path):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(result, f, indent=1)


def show(result, options):
    print(table.markdown(result["lines"]))
    print("\nMeasured " + table.where(result))
    gone = sorted({name for wrong in result["wrong"].values()
                   for name, why in wrong.items() if why == "not installed"})
    if gone:
        print("Not installed: " + ", ".join(gone))
    if result["not measured"]:
        print("No time for: " + ", ".join(result["not measured"]))
    bad = [(row, name, why) for row, wrong in result["wrong"].items()
           for name, why in wrong.items() if name not in gone]
    for row, name, why in bad:
        print("WRONG: %s, %s: %s" % (row, name, why))
    lines = result["lines"]
    if not result["quick"]:
        for name in table.behind(lines):
            print("ahead of ours: " + name)
        said = [table.verdict(line) for line in lines]
        print("%d targets reached, %d in floors, %d missed" %
              tuple(map(said.count, ("yes", "in floors", "NO"))))
    print("%d figures in %d s: %s" % (len(lines), result["secs"], options.out))
    return 1 if any(name == "ours" for _, name, _ in bad) else 0


if __name__ == "__main__":
    sys.exit(main())
