"""Rows of one to thousands of programs: memory, idleness, start and stop of all."""
import os
import shutil
import signal
import subprocess
import time

from box import Wrong, cpu_ns, is_workload, memory_kb, read, supervisors, switches
from table import ALL, MANY, PAIR, Metric, Row


def up(box, subject, n):
    """Starts n programs; (process, marks) when all run and the supervisor rests."""
    process = box.stamped(subject.command(box, n))
    marks = box.wait_programs(n, 300)
    if len({m.pid for m in marks}) != n or len(marks) != n:
        raise Wrong("%d starts of %d programs" % (len(marks), n))
    return process, marks


def settle(box, subject, secs=300):
    """Programs are RUNNING after startsecs=1; the peers have a second of their own."""
    if subject.has_rpc:
        box.wait_socket(secs)
        box.wait_states("RUNNING", secs)
    else:
        time.sleep(1.5)


def memory(box, subject, n):
    process, _ = up(box, subject, n)
    settle(box, subject)
    pss, anonymous = memory_kb(supervisors(process.pid))
    return {"PSS": [pss], "anonymous": [anonymous]}


def idle(box, subject, n, secs):
    process, _ = up(box, subject, n)
    settle(box, subject)
    time.sleep(1)
    pids = supervisors(process.pid)
    before = switches(pids), cpu_ns(pids), time.monotonic()
    time.sleep(secs)
    took = time.monotonic() - before[2]
    result = {"wake-ups": [(switches(pids) - before[0]) / took],
              "CPU": [(cpu_ns(pids) - before[1]) / 1000 / took]}
    if shutil.which("strace") and len(pids) < 64:
        result["system calls"] = [traced_calls(box, pids, secs) / secs]
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


def start_all(box, subject, n):
    _, marks = up(box, subject, n)
    return {"start": [(max(m.ns for m in marks) - box.exec_ns()) / 1e6]}


def stop_all(box, subject, n):
    process, marks = up(box, subject, n)
    settle(box, subject)
    begin = time.monotonic()
    subject.stop(box, process)
    box.wait(lambda: process.poll() is not None, 300, "the end of it", 0.002)
    left = [m.pid for m in marks]
    deadline = time.monotonic() + 120
    while left and time.monotonic() < deadline:
        left = [p for p in left if os.path.exists("/proc/%d" % p) and is_workload(p)]
    took = time.monotonic() - begin
    if left:
        raise Wrong("%d programs still run" % len(left))
    return {"stop": [took * 1e3]}


def memory_row(n, most, **more):
    metrics = [Metric("PSS", "kB", most=most),
               Metric("anonymous", "kB", most=220 if n == 1 else None)]
    return Row("memory-%d" % n, memory, ALL if n == 1 else MANY, metrics, {"n": n}, **more)


QUICK = {"n": 20}
IDLE = [Metric("wake-ups", "/s", most=0), Metric("system calls", "/s", most=0),
        Metric("CPU", "us/s", most=0)]
START = [Metric("start", "ms", floors=1.5)]
STOP = [Metric("stop", "ms", floors=2)]
ROWS = [
    memory_row(1, 400, rounds=3),
    memory_row(10, 430, quick=None, rounds=3),
    memory_row(100, 700, quick=None, rounds=3),
    memory_row(1000, 1800, quick=None, rounds=1),
    memory_row(4000, 6300, quick=None, rounds=1, slow={"runit": 0, "s6": 0,
                                                       "daemontools": 0}),
    Row("idle-10", idle, MANY, IDLE, {"n": 10, "secs": 5}, {"secs": 1}, rounds=2),
    Row("idle-1000", idle, PAIR, IDLE, {"n": 1000, "secs": 5}, None, rounds=1),
    Row("start-100", start_all, MANY, START, {"n": 100}, QUICK),
    Row("start-1000", start_all, MANY, START, {"n": 1000}, None, rounds=3),
    Row("start-4000", start_all, PAIR, START, {"n": 4000}, None, rounds=2, slow={"ref": 1}),
    Row("stop-1000", stop_all, MANY, STOP, {"n": 1000}, QUICK, rounds=3),
    Row("stop-4000", stop_all, PAIR, STOP, {"n": 4000}, None, rounds=2, slow={"ref": 1}),
]
