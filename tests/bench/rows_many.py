"""One to thousands of programs: one instance of each subject is brought up with n of them
and measured in parts: start, memory, idleness, requests, restarts, stop."""
import os
import shutil
import signal
import subprocess
import time

from box import Wrong, cpu_ns, is_workload, memory_kb, read, switches
from table import ALL, MANY, PAIR, Growth, Metric, Row
from work import GET_ALL, GET_STATE, Run, ask, control, restart_some, settle


def part_memory(_box, run):
    """The original shares the pages of its interpreter with the one that runs this, and is
    counted half of them."""
    pss, anonymous = memory_kb(run.supervisors())
    return {"PSS": [pss], "anonymous": [anonymous]}


def part_idle(box, run):
    pids = run.supervisors()
    if len(pids) > 200:  # reading all of /proc would be what is measured
        return {}
    time.sleep(0.5)
    before = switches(pids), cpu_ns(pids), time.monotonic()
    time.sleep(2)
    took = time.monotonic() - before[2]
    result = {"wake-ups": [(switches(pids) - before[0]) / took],
              "CPU": [(cpu_ns(pids) - before[1]) / 1000 / took]}
    if shutil.which("strace") and len(pids) < 64:
        result["system calls"] = [traced_calls(box, pids, 1)]
    return result


def traced_calls(box, pids, secs):
    trace = box.path("trace")
    command = ["strace", "-o", trace] + [w for p in pids for w in ("-p", str(p))]
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    time.sleep(secs)
    tracer.send_signal(signal.SIGINT)
    tracer.wait(30)
    # Attaching interrupts the call that each sleeps in, which is then begun again.
    done = [line for line in read(trace).splitlines()
            if " = " in line and "restart_syscall" not in line and "ERESTART" not in line
            and "EINTR" not in line]
    return len(done)


def answers(run):
    return run.subject.has_rpc or run.subject.name == "floor"


def part_state(box, run):
    return ask(box, run, GET_STATE, 1000) if answers(run) else {}


def part_all(box, run):
    return ask(box, run, GET_ALL, 200) if answers(run) else {}


def part_status(box, run):
    able = answers(run) or run.subject.name in ("runit", "daemontools")
    return control(box, run, ("status",), 10) if able else {}


def part_restart(box, run):
    return restart_some(box, run, 20, 3)


def part_stop(box, run):
    """From TERM, or what a peer has for it, to the end of all. CPU is of everything: the
    supervisor's, and the end of the programs, which somebody else cannot do for them."""
    process, n, watchers = run.process, run.n, run.supervisors()
    cpu = cpu_ns([process.pid] + [m.pid for m in run.marks])
    begin = time.monotonic()
    run.subject.stop(box, process)
    used = box.wait_end(process)
    left = [m.pid for m in run.marks]
    deadline = time.monotonic() + 120
    while left and time.monotonic() < deadline:
        left = [p for p in left if os.path.exists("/proc/%d" % p) and is_workload(p)]
    took = time.monotonic() - begin
    if left:
        raise Wrong("%d programs still run" % len(left))
    # Some peers' processes outlive their programs a little; their folders are removed next.
    box.wait(lambda: not any(os.path.exists("/proc/%d/cwd" % p) for p in watchers), 10,
             "the end of the supervisors")
    result = {"stop": [took * 1e3]}
    if answers(run):  # the others leave some of it to processes that are not theirs
        cpu = (used.ru_utime + used.ru_stime) * 1e9 - cpu
        result["CPU"] = [cpu / 1e3 / n]
    return result


PARTS = {"memory": part_memory, "idle": part_idle, "getState": part_state,
         "getAllProcessInfo": part_all,
         "status": part_status, "restart": part_restart, "stop": part_stop}


def many(box, subject, n, parts, label, without):
    """{"PART-LABEL.KEY": [samples]}; without: {subject: parts that take it minutes}."""
    run = Run(box, subject, n)
    result = {}

    def add(part, values):
        for key, samples in values.items():
            result["%s-%d.%s" % (part, label, key)] = samples

    # As for the stop: with what the programs needed from their fork to main().
    cpu = cpu_ns(run.supervisors() + [m.pid for m in run.marks])
    add("start", {"start": [(max(m.ns for m in run.marks) - box.exec_ns()) / 1e6],
                  "CPU": [cpu / 1e3 / n]})
    settle(box, run)
    for part in (p for p in parts if p not in without.get(subject.name, ())):
        add(part, PARTS[part](box, run))
    return result


MEMORY_KB = {1: 400, 10: 430, 100: 700, 1000: 1800, 4000: 6300}
ALL_US = {10: (60, 30), 100: (120, 40), 1000: (600, 150), 4000: (2500, 1000)}  # at a floor of
STATUS_MS = {10: 1.5, 1000: 6}


def metrics(part, n):
    """Targets of a part with n programs."""
    key = "%s-%d." % (part, n)
    if part == "memory":
        return [Metric(key + "PSS", "kB", most=MEMORY_KB[n]),
                Metric(key + "anonymous", "kB", most=220 if n == 1 else None)]
    if part == "idle":
        return [Metric(key + "wake-ups", "/s", most=0),
                Metric(key + "system calls", "/s", most=0), Metric(key + "CPU", "us/s", most=0)]
    if part == "getState":
        return [Metric(key + "answer", "us", than={"floor": 1.3}),
                Metric(key + "answer", "us", 99), Metric(key + "CPU", "us", than={"floor": 1.3})]
    if part == "getAllProcessInfo":
        most, floor = ALL_US[n]
        return [Metric(key + "answer", "us", most=most, at_floor=floor),
                Metric(key + "answer", "us", 99), Metric(key + "CPU", "us")]
    if part == "status":
        return [Metric(key + "wall", "ms", most=STATUS_MS.get(n)), Metric(key + "CPU", "ms")]
    if part == "restart":
        return [Metric(key + "restart", "ms", than={"floor": 1.3}),
                Metric(key + "CPU", "us", most=60, at_floor=27)]
    factor = {"start": 1.5, "stop": 2}[part] if n >= 100 else None
    return [Metric(key + part, "ms", than={"floor": factor} if factor else {}),
            Metric(key + "CPU", "us each")]


def many_row(n, parts, subjects=MANY, quick=None, rounds=1, **without):
    shown = [m for part in ("start", *parts) for m in metrics(part, n)
             if part != "start" or n > 1]
    args = {"n": n, "parts": parts, "label": n, "without": without}
    once = {name: 1 for name in subjects if name not in ("ours", "floor")}
    return Row("many-%d" % n, many, subjects, shown, args, quick, rounds, once)


EVERY = tuple(PARTS)
ROWS = [
    many_row(1, ("memory", "idle"), ALL),
    many_row(10, EVERY, rounds=2, quick={"n": 5}),
    many_row(100, ("memory", "getState", "getAllProcessInfo", "restart", "stop"), rounds=2),
    many_row(1000, EVERY, rounds=2),
    many_row(4000, EVERY, PAIR, rounds=2, ref=("status", "restart", "stop")),
]
# What must not grow, "as with 10", may by a fifth, which is what these figures vary by.
GROWTH = [
    Growth("memory", "PSS", 1, 1000, "each", 1.5, "kB"),
    Growth("memory", "PSS", 1000, 4000, "each", 1.5, "kB"),
    Growth("start", "start", 1000, 4000, "linear", 1.2),
    Growth("start", "CPU", 10, 1000, "ratio"),
    Growth("start", "CPU", 1000, 4000, "ratio", 1.2),
    Growth("stop", "stop", 1000, 4000, "linear", 1.2),
    Growth("stop", "CPU", 1000, 4000, "ratio", 1.2),
    Growth("restart", "restart", 10, 1000, "ratio", 1.2),
    Growth("restart", "CPU", 10, 1000, "ratio", 1.2),
    Growth("restart", "CPU", 10, 4000, "ratio", 1.2),
    Growth("getState", "answer", 10, 1000, "ratio", 1.2),
    Growth("getState", "answer", 10, 4000, "ratio", 1.2),
    Growth("getState", "CPU", 10, 4000, "ratio", 1.2),
    Growth("getAllProcessInfo", "answer", 100, 1000, "linear", 1.2),
    Growth("getAllProcessInfo", "answer", 1000, 4000, "linear", 1.2),
    Growth("getAllProcessInfo", "CPU", 1000, 4000, "linear", 1.2),
    Growth("status", "wall", 10, 1000, "each", None, "ms"),
    Growth("status", "wall", 1000, 4000, "linear", 1.2),
]
