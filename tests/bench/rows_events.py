"""Rows of events: from a program's output to a listener, and each of them must arrive."""
import os
import time

from box import Wrong, cpu_ns, read, tool
from table import PAIR, Metric, Row

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



def parents(box, subject, idle, text, floor):
    """The supervisor with its listener up; how to start the talking program. The floor
    starts both itself, at once."""
    if subject.name == "floor":
        return box.stamped(floor), lambda: None
    process = box.stamped(subject.command(box, idle, extra=text))
    box.wait_programs(idle)
    box.wait_socket()
    return process, lambda: box.rpc("supervisor.startProcess", "talk", False)


def events(box, subject, kind, count, pause_us, event, idle=0, buffer=10000, options=""):
    """A program's messages become events; a listener notes each of them."""
    heard = box.path("heard")
    talk = [tool("writer"), box.fifo, "talk", kind, str(count), str(pause_us)]
    text = TALK.format(writer=tool("writer"), fifo=box.fifo, kind=kind, count=count,
                       pause_us=pause_us, options=options, listener=tool("listener"),
                       heard=heard, event=event, buffer=buffer)
    process, start = parents(box, subject, idle, text,
                             [tool("relay"), kind, tool("listener"), heard, "--", *talk])
    box.wait(lambda: os.path.exists(heard), 60, "the listener")
    cpu = 0
    if subject.name != "floor":
        time.sleep(1.2)  # the starts of all these are events too, and behind us then
        cpu = cpu_ns([process.pid])
    start()
    box.wait(lambda: (box.take_marks(), ended(box))[1], 60, "the end of the writer")
    last, last_change = "", time.monotonic()
    while heard_messages(heard) < count and time.monotonic() - last_change < 5:
        time.sleep(0.06)
        now = read(heard)
        if now != last:
            last, last_change = now, time.monotonic()
    cpu = cpu_ns([process.pid]) - cpu
    lines = [[int(x) for x in line.split()] for line in read(heard).splitlines()]
    got = sum(line[0] for line in lines)
    if subject.name != "ref":
        check(lines, count)
    return {"CPU": [cpu / 1e3 / max(got, 1)], "lost": [count - got],
            "delivery": [line[1] / 1e3 for line in lines]}


def check(lines, count):
    """Each message once, in its order."""
    expected = 0
    for messages, _, first in lines:
        if first != expected:
            raise Wrong("message %d instead of %d" % (first, expected))
        expected += messages
    if expected != count:
        raise Wrong("%d of %d messages heard" % (expected, count))


def ended(box):
    return [m for m in box.programs() if m.name.endswith(".end")]


def heard_messages(path):
    return sum(int(line.split()[0]) for line in read(path).splitlines()
               if line.count(" ") == 2)


COMM = {"kind": "comm", "count": 5000, "pause_us": 0, "event": "PROCESS_COMMUNICATION",
        "options": "stdout_capture_maxbytes=1MB"}
BURST = [Metric("CPU", "us", most=4, at_floor=3), Metric("lost", "events", most=0)]
ROWS = [
    Row("events-burst", events, PAIR, BURST, COMM, {"count": 50}, rounds=3, slow={"ref": 1}),
    Row("events-burst-200-idle", events, PAIR, BURST, dict(COMM, idle=200),
        None, rounds=2, slow={"ref": 1}),
    Row("events-lines", events, PAIR, [
        Metric("delivery", "us", most=20), Metric("delivery", "us", 99, most=100),
        Metric("lost", "lines", most=0), Metric("CPU", "us")],
        {"kind": "line", "count": 2000, "pause_us": 1000, "event": "PROCESS_LOG",
         "options": "stdout_events_enabled=true"}, {"count": 50}, rounds=5, slow={"ref": 3}),
]
