"""A wall clock that is set while programs start, wait and stop: by a year and by seconds,
forth and back. The machine's clock stays what it is: libfaketime gives supervisord one of
its own, which follows a file. It must be preloaded, so ours is the build with glibc.
Deadlines are measured with the true monotonic clock, which the library leaves alone."""
import glob
import os
import time

import pytest

import harness
from harness import TOP, STARTING, BACKOFF, STOPPING, alive, holds_for, wait_until
from test_events import got, program, section, types, wait_event

LIBRARY = (glob.glob("/usr/lib/*/faketime/libfaketime.so.1") + [None])[0]
BINARY = os.path.join(TOP, "build", "debug", "supervisor")
JUMPS = ["+365d", "-365d", "+3", "-3"]
ORACLE_WAITS = "the original counts its waits by the wall clock"


class Clock:
    """A supervisord whose wall clock is the true one plus what set() said last."""

    def __init__(self, box):
        self.box, self.offset = box, 0
        self.set("+0")

    def set(self, jump):
        number = int(jump.rstrip("d"))
        self.offset = number * 86400 if jump.endswith("d") else number
        self.box.write("clock.new", "%+d" % self.offset)
        os.rename(self.box.path("clock.new"), self.box.path("clock"))

    def now(self):
        return time.time() + self.offset

    def start(self, text):
        env = {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": self.box.path("clock"),
               "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
               "DONT_FAKE_MONOTONIC": "1"}
        # programs keep the true time: a listener's Python does not like the library
        self.d = self.box.start(text, 'environment=LD_PRELOAD=""', env=env)
        return self.d


@pytest.fixture
def clock(box, target, scratch):
    if not LIBRARY:
        pytest.skip("libfaketime is not here")
    if target.ours:
        if not os.path.exists(BINARY):
            pytest.skip("build/debug/supervisor is not here (make system makes it)")
        folder = os.path.join(scratch, "debug")
        if not os.path.exists(folder):
            os.makedirs(folder)
            for applet in harness.APPLETS:
                os.symlink(BINARY, os.path.join(folder, applet))
        box.target = harness.Target("ours", folder)
    clock = Clock(box)
    yield clock
    for kind in ("faketime_shm_%d", "sem.faketime_sem_%d"):  # it leaves these behind
        path = "/dev/shm/" + kind % clock.d.pid
        if os.path.exists(path):
            os.unlink(path)


def both_ways(clock, jump, during):
    """Sets the clock to jump, and then back, each while during() holds."""
    for to in (jump, "+0", jump):
        assert during(), "the state was over too early"
        clock.set(to)
        # a second, the longest that anybody sleeps who looks at the clock
        holds_for(during, 0.25, "the state ended early after " + to)


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.differs(ORACLE_WAITS)
def test_while_starting(clock, jump):
    """startsecs are seconds: not over early, and over when they are."""
    d = clock.start(program("a", clock.box.child + " pause", startsecs=2, autostart="false"))
    began = time.monotonic()
    d.sv.startProcess("a", False)
    both_ways(clock, jump, lambda: d.info("a")["state"] == STARTING)
    d.wait_state("a", "RUNNING", timeout=10)
    assert 1.9 < time.monotonic() - began < 6
    uptime = d.info("a")["description"].partition("uptime ")[2]
    assert uptime and "-" not in uptime


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.differs(ORACLE_WAITS)
def test_an_early_exit_is_one(clock, jump):
    """A program that dies within startsecs was not up, whatever the clock says."""
    d = clock.start(program("a", clock.box.child + " sleep 0.6 exit 0", startsecs=3,
                            startretries=0, autostart="false"))
    d.sv.startProcess("a", False)
    clock.set(jump)
    d.wait_state("a", "FATAL", "EXITED", "RUNNING", timeout=10)
    assert d.state("a") == "FATAL"


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.differs(ORACLE_WAITS)
def test_while_in_backoff(clock, jump):
    """The pauses between retries: a second, two seconds, then FATAL."""
    d = clock.start(program("a", clock.box.child + " stamp %s x exit 1" % clock.box.path("starts"),
                            startsecs=1, startretries=2, autostart="false"))
    d.sv.startProcess("a", False)
    d.wait_state("a", "BACKOFF")
    both_ways(clock, jump, lambda: d.info("a")["state"] == BACKOFF)
    d.wait_state("a", "FATAL", timeout=15)
    at = [int(line.split()[1]) for line in clock.box.read("starts").splitlines()]
    pauses = [b - a for a, b in zip(at, at[1:])]
    assert len(pauses) == 2
    assert 950 < pauses[0] < 4000 and 1950 < pauses[1] < 5000


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.differs(ORACLE_WAITS)
def test_while_stopping(clock, jump):
    """stopwaitsecs are seconds: a program that needs its time has it, and one that never
    ends is killed when the time is over."""
    script = "trap 'sleep 1.2; echo cleaned; exit 7' TERM; echo up; while :; do sleep 0.05; done"
    clock.box.write("slow.sh", "#!/bin/sh\n" + script, 0o755)
    d = clock.start(program("slow", clock.box.path("slow.sh"), stopwaitsecs=30,
                            stdout_logfile=clock.box.path("o")) +
                    program("deaf", clock.box.child + " ignore TERM out deaf pause",
                            stdout_logfile=clock.box.path("deaf.out"), stopwaitsecs=2))
    d.wait_file("o", "up")
    d.wait_file("deaf.out", "deaf")
    slow, deaf = d.pid_of("slow"), d.pid_of("deaf")
    began = time.monotonic()
    d.sv.stopAllProcesses(False)
    both_ways(clock, jump, lambda: d.info("slow")["state"] == STOPPING == d.info("deaf")["state"])
    wait_until(lambda: not alive(slow), 10)
    d.wait_state("slow", "STOPPED")
    assert d.info("slow")["exitstatus"] == 7 and "cleaned" in clock.box.read("o")
    wait_until(lambda: not alive(deaf), 10)
    assert 1.9 < time.monotonic() - began < 8
    d.wait_log("killing 'deaf' .* with SIGKILL")
    assert "killing 'slow'" not in d.log


@pytest.mark.parametrize("jump", ["+365d", "-365d"])
def test_nothing_hangs(clock, jump):
    """What follows a jump goes on as ever: starts, exits, restarts, stops, status. With
    the original too."""
    d = clock.start(program("again", clock.box.child + " sleep 0.3 exit 0", startsecs=0,
                            autorestart="true") + program("a", clock.box.child + " pause",
                                                          startsecs=1))
    d.wait_state("a", "RUNNING")
    for to in (jump, "+0"):
        clock.set(to)
        assert abs(d.info("a")["now"] - clock.now()) < 100  # it is this clock that it looks at
        spawned = d.log.count("spawned: 'again'")
        d.wait_log("spawned: 'again'", count=spawned + 2)
        assert "uptime" in d.ctl("status", "a").out
        assert d.sv.stopProcess("a") and d.sv.startProcess("a")
    assert d.stop() == 0


@pytest.mark.parametrize("jump", JUMPS)
def test_ticks_follow_a_clock_that_was_set(clock, jump):
    """Each slice of the new time that is another one has its event, a year back too; a
    slice is not told twice, and those that were jumped over are not told."""
    clock.start(section(clock.box, "TICK"))
    wait_until(lambda: got(clock.box))  # the listener is up
    wait_until(lambda: 1 < clock.now() % 5 < 2 and clock.now() % 60 < 45 and
               clock.now() % 3600 < 3500, 200, every=0.05)
    told = len(got(clock.box))
    clock.set(jump)
    if jump == "+3":  # the next slice comes three seconds sooner
        wait_until(lambda: len(got(clock.box)) > told, 10)
    elif jump == "-3":  # the last slice again
        wait_until(lambda: len(got(clock.box)) > told, 10)
    else:
        for name in ("TICK_5", "TICK_60", "TICK_3600"):
            wait_until(lambda: name in types(clock.box)[told:], 10)
    for e in got(clock.box)[told:]:
        period, when = int(e["head"]["eventname"][5:]), int(e["body"][5:])
        assert when % period == 0 and when <= clock.now() < when + period + 6
    told = len(got(clock.box))
    wait_until(lambda: len(got(clock.box)) > told, 10)
    whens = [int(e["body"][5:]) for e in got(clock.box)[told - 1:]
             if e["head"]["eventname"] == "TICK_5"]
    assert all(b > a for a, b in zip(whens, whens[1:]))


def test_long_ticks(clock):
    """A minute and an hour need no waiting where the clock is set."""
    clock.start(section(clock.box, "TICK_60,TICK_3600"))
    clock.set("+3700")
    hour = wait_event(clock.box, r"TICK_3600 when:\d+", timeout=10)
    assert 0 <= clock.now() - int(hour["body"][5:]) < 3600 + 10
    clock.set("+3800")
    minute = wait_event(clock.box, r"TICK_60 when:\d+", count=2, timeout=10)
    assert 0 <= clock.now() - int(minute["body"][5:]) < 70
