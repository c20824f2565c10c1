"""Rows of the programs' output: capture into log files, and events to a listener."""
import os
import re
import subprocess
import time

from box import Wrong, cpu_ns, read, tool
from table import PAIR, TWO, Metric, Row

PERIOD = b"".join(bytes(ord("!") + (line + line * 100 + at) % 64 for at in range(99)) + b"\n"
                  for line in range(64))  # what writer.c repeats
MB = 1000000

WRITERS = """[program:w]
command={writer} {fifo} w%(process_num)d {chunk} {total}
process_name=w%(process_num)d
numprocs={n}
autostart=false
autorestart=false
startsecs=0
stdout_logfile={folder}/%(process_num)d
stdout_logfile_maxbytes={maxbytes}
stdout_logfile_backups={backups}
stderr_logfile=NONE
"""

TALK = """[program:talk]
command={writer} {fifo} talk {kind} {count} {pause_us}
autostart=false
autorestart=false
startsecs=0
stdout_logfile=NONE
stderr_logfile=NONE
{options}
[eventlistener:ears]
command={listener} {heard}
events={event}
buffer_size={buffer}
stderr_logfile=NONE
"""


def log_files(folder, number):
    """The file and its backups, oldest first."""
    name = str(number)
    found = [f for f in os.listdir(folder) if re.fullmatch(name + r"(\.\d+)?", f)]
    found.sort(key=lambda f: -int(f.partition(".")[2] or 0))
    return [os.path.join(folder, f) for f in found]


def written(folder):
    total = 0
    for entry in os.scandir(folder):
        try:
            total += entry.stat().st_size
        except FileNotFoundError:
            pass  # just renamed
    return total


def check_stream(paths, total):
    """Every byte, in order, across the files."""
    block, at = PERIOD * 200, 0
    for path in paths:
        with open(path, "rb") as f:
            while data := f.read(len(block) - len(PERIOD)):
                shift = at % len(PERIOD)
                if data != block[shift:shift + len(data)]:
                    raise Wrong("%s differs after %d bytes" % (path, at))
                at += len(data)
    if at != total:
        raise Wrong("%d of %d bytes arrived" % (at, total))


def capture(box, subject, chunk, mbytes, n, rotate):
    """n programs write mbytes in all, chunk bytes at a time."""
    total = mbytes * MB // n
    folder = box.bulk_folder(mbytes * MB)
    writer = [tool("writer"), box.fifo, "w", str(chunk), str(total)]
    if subject.name == "floor":
        process = box.stamped([tool("floor"), "copy", folder, str(n)] + writer)
        cpu = 0
    else:
        maxbytes = max(total // 8, 100000) if rotate else 0
        text = WRITERS.format(writer=writer[0], fifo=box.fifo, chunk=chunk, total=total, n=n,
                              folder=folder, maxbytes=maxbytes, backups=12 if rotate else 0)
        process = box.stamped(subject.command(box, 0, extra=text))
        box.wait_socket()
        cpu = cpu_ns([process.pid])
        box.rpc("supervisor.startAllProcesses", False)
    box.wait(lambda: (box.take_marks(), len(ends(box)) == n)[1], 300, "ends of writers", 0.01)
    box.wait(lambda: written(folder) >= n * total, 120, "all bytes", 0.002)
    end_ns = time.monotonic_ns()
    cpu = cpu_ns([process.pid]) - cpu
    for i in range(n):
        check_stream(log_files(folder, i), total)
    begin_ns = min(m.ns for m in box.programs())
    return {"rate": [n * total * 1e3 / (end_ns - begin_ns)],
            "CPU": [cpu / (n * total)]}  # ns per byte is s per GB


def ends(box):
    return [m for m in box.programs() if m.name.endswith(".end")]


LOGGERS = {"s6-log": ["s6-log", "n60", "s{size}", "{folder}"],
           "multilog": ["multilog", "n60", "s{size}", "{folder}"],
           "svlogd": ["svlogd", "{folder}"]}


def pipeline(box, logger, chunk, mbytes):
    """The same through a logger of a peer, which is a process for each program."""
    folder = box.bulk_folder(mbytes * MB)
    if logger == "svlogd":
        with open(os.path.join(folder, "config"), "w") as f:
            f.write("s16000000\nn60\n")
    command = [w.format(size=16000000, folder=folder) for w in LOGGERS[logger]]
    begin = time.monotonic()
    writer = subprocess.Popen([tool("writer"), box.fifo, "w", str(chunk), str(mbytes * MB)],
                              stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    with open(box.path("output"), "ab") as out:
        reader = subprocess.Popen(command, stdin=writer.stdout, stdout=out, stderr=out)
    writer.stdout.close()
    _, status, used = os.wait4(reader.pid, 0)
    reader.returncode = status
    took = time.monotonic() - begin
    if writer.wait() != 0 or status != 0:
        box.fail("the logger ended with %d" % status)
    if sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder)
           if f == "current" or f.startswith(("@", "_"))) < mbytes * MB:
        raise Wrong("bytes are missing")
    return {"rate": [mbytes / took],
            "CPU": [(used.ru_utime + used.ru_stime) / mbytes * 1000]}


def capture_or_pipeline(box, subject, **args):
    if subject.name in LOGGERS:
        return pipeline(box, subject.name, args["chunk"], args["mbytes"])
    return capture(box, subject, **args)


def events(box, subject, kind, count, pause_us, event, idle=0, buffer=10000, options=""):
    """A program's messages become events; a listener notes each of them."""
    heard = box.path("heard")
    text = TALK.format(writer=tool("writer"), fifo=box.fifo, kind=kind, count=count,
                       pause_us=pause_us, options=options, listener=tool("listener"),
                       heard=heard, event=event, buffer=buffer)
    process = box.stamped(subject.command(box, idle, extra=text))
    box.wait_programs(idle)
    box.wait_socket()
    box.wait(lambda: os.path.exists(heard), 60, "the listener")
    time.sleep(1.2)  # the starts of all these are events too, and behind us then
    pids = [process.pid]
    cpu = cpu_ns(pids)
    box.rpc("supervisor.startProcess", "talk", False)
    box.wait(lambda: (box.take_marks(), ends(box))[1], 120, "the end of the writer")
    last, last_change = "", time.monotonic()
    while heard_messages(heard) < count and time.monotonic() - last_change < 5:
        time.sleep(0.06)
        now = read(heard)
        if now != last:
            last, last_change = now, time.monotonic()
    cpu = cpu_ns(pids) - cpu
    lines = [line.split() for line in read(heard).splitlines()]
    got = sum(int(line[0]) for line in lines)
    if subject.name == "ours" and got != count:
        raise Wrong("%d of %d messages heard" % (got, count))
    return {"CPU": [cpu / 1e3 / max(got, 1)], "lost": [count - got],
            "delivery": [int(line[1]) / 1e3 for line in lines]}


def heard_messages(path):
    return sum(int(line.split()[0]) for line in read(path).splitlines() if " " in line)


def log_row(name, chunk, mbytes, n, rotate, subjects=PAIR, metrics=None, quick=True):
    return Row("log-" + name, capture_or_pipeline, subjects, metrics or LARGE,
               {"chunk": chunk, "mbytes": mbytes, "n": n, "rotate": rotate},
               {"mbytes": 4, "n": min(n, 5)} if quick else None, rounds=3)


LARGE = [Metric("CPU", "s/GB", floors=1.1), Metric("rate", "MB/s", more=True)]
LINES = [Metric("CPU", "s/GB", most=0.5), Metric("rate", "MB/s", more=True, refs=2)]
WITH_LOGGERS = PAIR + tuple(LOGGERS)
COMM = {"kind": "comm", "count": 5000, "pause_us": 0, "event": "PROCESS_COMMUNICATION",
        "options": "stdout_capture_maxbytes=1MB"}
BURST = [Metric("CPU", "us", most=4), Metric("lost", "events", most=0)]
ROWS = [
    log_row("64k-rotating", 65536, 400, 1, True, WITH_LOGGERS),
    log_row("64k", 65536, 400, 1, False, quick=False),
    log_row("lines-rotating", 100, 60, 1, True, WITH_LOGGERS, metrics=LINES),
    log_row("lines", 100, 60, 1, False, metrics=LINES, quick=False),
    log_row("50-writers", 65536, 400, 50, True),
    log_row("50-writers-lines", 100, 60, 50, True, quick=False),
    Row("events-burst", events, TWO, BURST, COMM, {"count": 50}, rounds=3),
    Row("events-burst-200-idle", events, TWO, BURST, dict(COMM, idle=200),
        None, rounds=2),
    Row("events-lines", events, TWO, [
        Metric("delivery", "us", most=20), Metric("delivery", "us", 99, most=100),
        Metric("lost", "lines", most=0), Metric("CPU", "us")],
        {"kind": "line", "count": 2000, "pause_us": 1000, "event": "PROCESS_LOG",
         "options": "stdout_events_enabled=true"}, {"count": 50}, rounds=2),
]
