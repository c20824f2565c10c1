"""Rows of dying programs: restart after kill -9, a crash storm, flapping programs."""
import os
import signal
import time

from box import Wrong, cpu_ns, request, supervisors, tool
from rows_many import settle, up
from table import MANY, PAIR, TWO, Metric, Row


def restart(box, subject, n, kills):
    """The first of n programs are killed once each, one by one, having lived for more than a second."""
    process, marks = up(box, subject, n)
    settle(box, subject)
    time.sleep(1)
    pids = supervisors(process.pid)
    cpu, took_ms = cpu_ns(pids), []
    for victim in marks[:kills]:
        begin = time.monotonic_ns()
        os.kill(victim.pid, signal.SIGKILL)
        new = box.wait_mark(secs=60)
        if new.pid == victim.pid or (subject.has_rpc and new.name != victim.name):
            raise Wrong("%s (%d) came back as %s (%d)" %
                        (victim.name, victim.pid, new.name, new.pid))
        took_ms.append((new.ns - begin) / 1e6)
        time.sleep(0.01)
    cpu = cpu_ns(pids) - cpu
    if subject.has_rpc:
        now = {info["name"]: info["pid"] for info in box.infos()}
        last = {"p" + m.name: m.pid for m in box.programs()}
        if now != last and subject.name == "ours":
            raise Wrong("it does not know the new pids")
    return {"restart": took_ms, "CPU": [cpu / 1000 / kills]}


def storm(box, subject, n, retries):
    """Programs that exit at once: one start and so many retries each, then FATAL."""
    options = "startretries=%d\nautorestart=true" % retries
    box.stamped(subject.command(box, n, options), exit_at_once=True)
    begin = time.monotonic()
    box.wait_socket()

    def over():
        box.take_marks()
        return all(p["statename"] == "FATAL" for p in box.infos())

    box.wait(over, 120, "all FATAL", 0.25)
    took = time.monotonic() - begin
    box.take_marks()
    starts = {}
    for mark in box.programs():
        starts.setdefault(mark.name, []).append(mark.ns)
    if subject.name == "ours" and [len(s) for s in starts.values()] != [1 + retries] * n:
        raise Wrong("%d starts instead of %d" % (len(box.programs()), (1 + retries) * n))
    late_ms = [(b - a) / 1e6 - 1000 * (i + 1) for times in starts.values()
               for i, (a, b) in enumerate(zip(times, times[1:])) if i < retries]
    return {"starts": [len(box.programs())], "to FATAL": [took], "late": late_ms}


def flapping(box, subject, n, secs):
    """n programs that exit whenever they are started; the control socket meanwhile."""
    box.stamped(subject.command(box, n, "startsecs=0\nautorestart=true"), exit_at_once=True)
    box.wait_programs(n, 60)
    time.sleep(1.5)
    box.take_marks()
    begin, known, result = time.monotonic(), len(box.marks), {}
    if subject.has_rpc:
        asked = box.write("request", request("supervisor.getState"))
        out = box.run(tool("asker"), box.socket, asked, "RUNNING", "new", "1", "100000",
                      str(secs), "2000").split()
        result["getState"] = [int(x) / 1e3 for x in out[1:-2]]
    else:
        time.sleep(secs)
    box.take_marks()
    result["starts"] = [(len(box.marks) - known) / n / (time.monotonic() - begin)]
    return result


ROWS = [
    Row("restart", restart, MANY, [
        Metric("restart", "ms", floors=1.3), Metric("restart", "ms", 99, floors=1.3),
        Metric("CPU", "us", most=60)], {"n": 40, "kills": 40}, {"n": 3, "kills": 3}),
    Row("restart-of-1000", restart, PAIR, [
        Metric("restart", "ms", floors=1.3), Metric("CPU", "us", most=60)],
        {"n": 1000, "kills": 20}, None, rounds=1),
    Row("storm", storm, TWO, [
        Metric("starts", "starts", most=800), Metric("to FATAL", "s", most=6.6),
        Metric("late", "ms", 99, most=5)], {"n": 200, "retries": 3},
        {"n": 10, "retries": 1}, rounds=2),
    Row("flapping", flapping, ("ours", "ref", "runit", "s6", "daemontools"), [
        Metric("getState", "us", most=200), Metric("getState", "us", 99, most=1000),
        Metric("starts", "/s each", most=1.05)], {"n": 50, "secs": 5},
        {"n": 5, "secs": 1}, rounds=2),
]
