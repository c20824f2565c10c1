#!/usr/bin/env python3
"""Writes scripts/order.ld: which functions and constants lie together in the binary.

    make && scripts/order.py [-n: only say what a running supervisord touches]

The kernel maps 64 KB of a file around each page that is touched, so what is used at the
same time should have the same neighbours. Valgrind tells what is touched until the loop
runs (start), by an idle supervisord that starts programs and answers (serve), and by
restarts, logs and events (work). Names that are gone do no harm: they are ignored, and
the order is only a little worse.
"""
import bisect
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xmlrpc.client

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "bench"))
import box  # noqa: E402

BINARY = os.path.join(TOP, "build/release/supervisor")
ORDER = os.path.join(TOP, "scripts/order.ld")
WINDOW = 16  # pages that one fault maps
ORDER_OF_USE = ("serve", "start", "work")
# Served by calls that Valgrind does not know (close_range), so it never comes there.
UNSEEN = (".text.low_vacate", ".text.low_occupy", ".text.child_leave_table", "libc.a:dup3.lo")
PLACED = (".text", ".rodata", ".bss")

CONF = """[supervisord]
nodaemon=true
logfile={folder}/daemon.log
pidfile={folder}/daemon.pid
childlogdir={folder}
[unix_http_server]
file={folder}/ctl
[supervisorctl]
serverurl=unix://{folder}/ctl
[program:sleep]
command=/bin/sleep 1000
process_name=%(process_num)d
numprocs=40
stdout_logfile=NONE
stderr_logfile=NONE
[program:talk]
command=/bin/sh -c 'while :; do echo some line; sleep 0.1; done'
stdout_logfile={folder}/talk.log
stdout_logfile_maxbytes=200
stdout_logfile_backups=2
redirect_stderr=true
autostart=false
[eventlistener:listen]
command=/bin/sh -c 'while printf "READY\\n" && read -r head; do
    head -c "$${{head##*:}}" >/dev/null; printf "RESULT 2\\nOK"; done'
events=PROCESS_STATE
autostart=false
"""


class Section:
    def __init__(self, at, size, name, member, output):
        self.at, self.size, self.name, self.output = at, size, name, output
        self.member = member  # of libc.a, or None

    def pattern(self):
        """Whatever the optimiser may call its copies next time."""
        name = re.sub(r"\.(lto_priv|constprop|isra|part|cold)\b.*", "", self.name)
        if name in PLACED:
            return "*%s(%s)" % (self.member or "rcrt1.o", name)
        return "*(%s %s.*)" % (name, name)


def sections(path):
    """The input sections of the linker's map, by address."""
    found, output, name = [], None, None
    with open(path) as f:
        for line in f:
            if line[0] == ".":
                output = line.split()[0]
            elif re.match(r" \.\S+\n", line):
                name = line.strip()
            else:
                m = re.match(r" (\.\S+)? +0x(\w+) +0x(\w+) (\S+)\n", line)
                if m and output and output.startswith((*PLACED, ".data")) and int(m[3], 16):
                    member = re.search(r"libc\.a\((.*)\)", m[4])
                    found.append(Section(int(m[2], 16), int(m[3], 16), m[1] or name,
                                         member and "libc.a:" + member[1], output))
    return sorted(found, key=lambda s: s.at)


class Traced:
    """supervisord under lackey, which prints each address that is used."""

    def __init__(self, folder):
        self.path = lambda name: os.path.join(folder, name)
        with open(self.path("sv.conf"), "w") as f:
            f.write(CONF.format(folder=folder))
        self.process = subprocess.Popen(
            ["valgrind", "--tool=lackey", "--trace-mem=yes",
             "--log-file=" + self.path("trace"), BINARY, "supervisord", "-n", "-c",
             self.path("sv.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait("success: 39")
        with open("/proc/%d/maps" % self.process.pid) as f:
            self.base = next(int(line.split("-")[0], 16) for line in f
                             if line.split()[-1] == os.path.realpath(BINARY))

    def wait(self, text, secs=120):
        deadline = time.monotonic() + secs
        while text not in box.read(self.path("daemon.log")):
            if time.monotonic() > deadline or self.process.poll() is not None:
                sys.exit("order.py: not seen: " + text)
            time.sleep(0.05)

    def rpc(self, method, *args):
        answer = box.exchange(self.path("ctl"), box.request("supervisor." + method, *args))
        return xmlrpc.client.loads(answer.partition(b"\r\n\r\n")[2])[0][0]

    def place(self):
        """How much was traced so far; the last buffer may not be written yet."""
        time.sleep(0.5)
        return os.path.getsize(self.path("trace"))

    def touched(self, until, end, first):
        """Addresses before first is executed, then until the place, then the rest."""
        start, serve, work = set(), set(), set()
        now, seen = start, 0
        with open(self.path("trace"), "rb") as f:
            for line in f:
                seen += len(line)
                if line[:3] not in (b"I  ", b" L ", b" S ", b" M "):
                    continue
                at = int(line[3:].partition(b",")[0], 16) - self.base
                if now is start and at == first:
                    now = serve
                elif now is serve and seen > until:
                    now = work
                if 0 <= at < end:
                    now.add(at)
        return start, serve, work


def trace(found):
    folder = tempfile.mkdtemp(prefix="order")
    try:
        traced = Traced(folder)
        traced.rpc("getState")
        traced.rpc("getProcessInfo", "sleep:0")
        subprocess.run([BINARY, "supervisorctl", "-c", traced.path("sv.conf"), "status"],
                       stdout=subprocess.DEVNULL, check=False)
        until = traced.place()
        for name in ("talk", "listen"):
            traced.rpc("startProcess", name)
        os.kill(traced.rpc("getProcessInfo", "sleep:0")["pid"], 9)
        traced.wait("exited: 0")
        traced.rpc("readProcessStdoutLog", "talk", 0, 10)
        traced.rpc("stopProcess", "talk")
        traced.place()
        traced.process.terminate()
        traced.process.wait()
        first = next(s.at for s in found if s.name == ".text.madvise" or
                     s.member == "libc.a:madvise.lo")  # image_drop
        return traced.touched(until, found[-1].at + found[-1].size, first)
    finally:
        shutil.rmtree(folder)


def hit(found, addresses):
    starts = [s.at for s in found]
    which = {bisect.bisect(starts, a) - 1 for a in addresses}
    return [found[i] for i in sorted(which) if i >= 0]


def block(title, where, groups, rest=()):
    """An output section; its input sections stand in the order of the groups. Of sections
    that one pattern matches, the one that is used the most decides."""
    lines, seen = [], set()
    for comment in ORDER_OF_USE:
        groups[comment] = {s.pattern() for s in groups[comment]
                           if s.output in (title, title + ".order")} - seen
        seen |= groups[comment]
    for comment, patterns in groups.items():
        lines += ["        /* %s */" % comment, *("        " + p for p in sorted(patterns))]
    lines += ["        " + pattern for pattern in rest]
    return "SECTIONS\n{\n    %s.order :\n    {\n%s\n    }\n} INSERT %s;\n" % (
        title, "\n".join(lines), where)


def strings(found, functions):
    """The texts of functions are in sections of theirs."""
    names = {s.name.replace(".text.", ".rodata.", 1) for s in functions}
    return [s for s in found if re.sub(r"\.str.*", "", s.name) in names
            and s.name not in names]


def main():
    found = sections(BINARY + ".map")
    start, serve, work = trace(found)
    for name, addresses in ("start", start), ("serve", serve), ("work", work):
        pages = {a >> 12 for a in addresses}
        print("%s: %d pages in %d windows, %d KB of functions and data" % (
            name, len(pages), len({p // WINDOW for p in pages}),
            sum(s.size for s in hit(found, addresses)) / 1024))
    if "-n" in sys.argv:
        return
    serve, start, work = (hit(found, a) for a in (serve, start, work))
    serve += [s for s in found if s.name in UNSEEN or s.member in UNSEEN]
    start = [s for s in start if s not in serve]
    work = [s for s in work if s not in serve and s not in start]
    few = [[s for s in group if s.size < 4096] for group in (serve, start, work)]
    with open(ORDER, "w") as f:
        f.write("/* Made by scripts/order.py, which tells what this is for. */\n")
        f.write(block(".text", "AFTER .fini", {
            "work": work, "start": start, "serve": serve}))
        f.write(block(".rodata", "BEFORE .rodata", {
            "serve": serve + strings(found, serve), "start": start, "work": work},
            ["*(.rodata.*.str1.*)"]))  # equal texts are merged within an output section
        f.write(block(".bss", "BEFORE .bss", {
            "serve": few[0], "start": few[1], "work": few[2]}))


main()
