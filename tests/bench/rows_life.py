"""Rows of dying programs: restart after kill -9, a crash storm, flapping programs."""
import time

from box import Wrong, request, tool
from table import MANY, TWO, Metric, Row
from work import restart_some, settled


def restart(box, subject, n, kills):
    run = settled(box, subject, n)
    time.sleep(1)
    return restart_some(box, run, kills, 6)


STORM_SECS = 40


def storm(box, subject, n, retries):
    """Programs that exit at once: one start and so many retries each, then FATAL."""
    options = "startretries=%d\nautorestart=true" % retries
    box.stamped(subject.command(box, n, options), exit_at_once=True)
    begin = time.monotonic()
    box.wait_socket()

    def over():
        box.take_marks()
        return all(p["statename"] == "FATAL" for p in box.infos())

    # The original may take a late crash for a good run and never give up.
    while not over() and time.monotonic() - begin < STORM_SECS:
        time.sleep(0.1)
    took = time.monotonic() - begin
    if took >= STORM_SECS and subject.name == "ours":
        box.fail("not all FATAL in %d s" % STORM_SECS)
    box.take_marks()
    starts = {}
    for mark in box.programs():
        starts.setdefault(mark.name, []).append(mark.ns)
    if subject.name == "ours" and [len(s) for s in starts.values()] != [1 + retries] * n:
        raise Wrong("%d starts instead of %d" % (len(box.programs()), (1 + retries) * n))
    late_ms = [(b - a) / 1e6 - 1000 * (i + 1) for times in starts.values()
               for i, (a, b) in enumerate(zip(times, times[1:])) if i < retries]
    return {"starts": [len(box.programs())], "late": late_ms, "to FATAL": [took]}


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
        Metric("restart", "ms", than={"floor": 1.3}),
        Metric("restart", "ms", 99, than={"floor": 1.3}),
        Metric("CPU", "us", most=60, at_floor=27)],
        {"n": 40, "kills": 40}, {"n": 3, "kills": 3}, rounds=4,
        slow={"ref": 1, "s6": 1, "runit": 2, "daemontools": 2}),
    Row("storm", storm, TWO, [
        Metric("starts", "starts", most=800, ranked=False), Metric("to FATAL", "s", most=6.6),
        Metric("late", "ms", 99, most=5)], {"n": 200, "retries": 3},
        {"n": 10, "retries": 1}, rounds=2, slow={"ref": 1}),
    Row("flapping", flapping, ("ours", "ref", "runit", "s6", "daemontools"), [
        Metric("getState", "us", most=200), Metric("getState", "us", 99, most=1000),
        Metric("starts", "/s each", most=1.05, ranked=False)], {"n": 50, "secs": 3},
        {"n": 5, "secs": 1}, rounds=1),
]
