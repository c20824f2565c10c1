"""Rows of the programs' output: capture into log files, with all that may be done to it."""
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
command={writer} {fifo} w%(process_num)d {chunk} {total} {ansi}
process_name=w%(process_num)d
numprocs={n}
autostart=false
autorestart=false
startsecs=0
stdout_logfile={folder}/%(process_num)d
stdout_logfile_maxbytes={maxbytes}
stdout_logfile_backups={backups}
{options}
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


def capture(box, subject, chunk, mbytes, n, rotate, options=""):
    """n programs write mbytes in all, chunk bytes at a time. With strip_ansi each line of
    them begins with a sequence that must be gone; the floor gets none."""
    total = mbytes * MB // n
    folder = box.bulk_folder(mbytes * MB)
    writer = [tool("writer"), box.fifo, "w", str(chunk), str(total)]
    if subject.name == "floor":
        process = box.stamped([tool("floor"), "copy", folder, str(n)] + writer)
        cpu = 0
    else:
        maxbytes = max(total // 8, 100000) if rotate else 0
        text = WRITERS.format(writer=writer[0], fifo=box.fifo, chunk=chunk, total=total, n=n,
                              folder=folder, maxbytes=maxbytes, backups=12 if rotate else 0,
                              options=options, ansi="ansi" if "strip_ansi" in options else "")
        process = box.stamped(subject.command(box, 0, extra=text))
        box.wait_socket()
        cpu = cpu_ns([process.pid])
        box.rpc("supervisor.startAllProcesses", False)
    box.wait(lambda: (box.take_marks(), len(ends(box)) == n)[1], 100, "ends of writers", 0.003)
    box.wait(lambda: written(folder) >= n * total, 60, "all bytes", 0.002)
    end_ns = time.monotonic_ns()
    cpu = cpu_ns([process.pid]) - cpu
    # The original leaves pieces of a sequence that one of its reads cut.
    if subject.name != "ref" or "strip_ansi" not in options:
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


def log_row(name, chunk, mbytes, n, rotate, subjects=PAIR, metrics=None, options="",
            quick=True, rounds=6):
    return Row("log-" + name, capture_or_pipeline, subjects, metrics or LARGE,
               {"chunk": chunk, "mbytes": mbytes, "n": n, "rotate": rotate,
                "options": options},
               {"mbytes": 4, "n": min(n, 5)} if quick else None, rounds,
               {name: 1 for name in LOGGERS})


LARGE = [Metric("CPU", "s/GB", than={"floor": 1.1}), Metric("rate", "MB/s", more=True)]
LINES = [Metric("CPU", "s/GB", most=0.5, at_floor=0.38), Metric("rate", "MB/s", more=True, than={"ref": 2})]
PLAIN = [Metric("CPU", "s/GB"), Metric("rate", "MB/s", more=True)]
WITH_LOGGERS = PAIR + tuple(LOGGERS)
ROWS = [
    # Twice the rounds: whoever gets memory that the machine has not used pays for it.
    log_row("64k-rotating", 65536, 400, 1, True, WITH_LOGGERS, rounds=12),
    log_row("64k", 65536, 400, 1, False, quick=False, rounds=12),
    log_row("lines-rotating", 100, 60, 1, True, WITH_LOGGERS, metrics=LINES),
    log_row("lines", 100, 60, 1, False, metrics=LINES, quick=False),
    log_row("50-writers-rotating", 65536, 400, 50, True),
    log_row("50-writers", 65536, 400, 50, False, quick=False),
    log_row("50-writers-lines-rotating", 100, 60, 50, True, metrics=PLAIN, quick=False),
    log_row("lines-ansi", 100, 20, 1, True, metrics=PLAIN,
            options="[supervisord]\nstrip_ansi=true"),
    log_row("lines-capture", 100, 60, 1, True, metrics=PLAIN,
            options="stdout_capture_maxbytes=1MB"),
    log_row("lines-events", 100, 60, 1, True, metrics=PLAIN,
            options="stdout_events_enabled=true"),
]
