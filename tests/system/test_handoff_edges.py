"""What is seldom needed when supervisord dies: core files, the end of safe mode, the build
before a bad one under a keeper, and who is to die first when memory runs out."""
import ctypes
import glob
import os
import signal
import subprocess

import pytest

import harness
import survive
from harness import alive, children, holds_for, wait_until
from test_clock import BINARY
from test_handoff import ends_well, fault, faults, into_safe_mode, newer  # noqa: F401 (fixtures)

pytestmark = pytest.mark.differs("the original dies of what kills it")


# ---- core files ------------------------------------------------------------------------

def in_shell(command):
    """As prefix: what a shell does before it executes supervisord."""
    return ["sh", "-c", command + '; exec "$@"', "sh"]


def start_with_cores(box, limit):
    with open("/proc/sys/kernel/core_pattern") as f:
        if f.read().strip() != "core":
            pytest.skip("cores do not go to files here")
    return box.start(survive.programs(box, 2), cwd=box.dir,
                     prefix=in_shell("ulimit -c " + limit))


def cores(box):
    return glob.glob(box.path("core*"))


@pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="AddressSanitizer allows no core")
def test_a_core_where_cores_are_allowed(box, faults):  # noqa: F811
    """It shows the fault, costs no program, and its maker is no unknown child."""
    d = start_with_cores(box, "unlimited")
    before = survive.build(d.sock)["image"]
    fault(d.pid)
    survive.wait_image(d.sock, before)
    path = wait_until(lambda: cores(box))[0]
    d.wait_log(r"INFO pid \d+ was the core file of the last crash")
    with open(path, "rb") as f:
        head = f.read(18)
    assert head[:4] == b"\x7fELF" and head[16] == 4  # ET_CORE
    assert "reaped unknown pid" not in d.log
    assert not [pid for pid in children(d.pid) if not alive(pid)]
    ends_well(box, d, 2, lives=2)


def test_no_core_where_none_is_allowed(box, faults):  # noqa: F811
    d = start_with_cores(box, "0")
    for crash in (fault, lambda pid: os.kill(pid, signal.SIGABRT)):
        before = survive.build(d.sock)["image"]
        crash(d.pid)
        survive.wait_image(d.sock, before)
    ends_well(box, d, 2, lives=2)
    assert not cores(box) and "core file" not in d.log


# ---- safe mode -------------------------------------------------------------------------

@pytest.fixture
def later(box, scratch):
    """Sets the clock of deadlines to so many seconds later: later(80); later.env."""
    if not os.path.exists(BINARY):
        pytest.skip("build/debug/supervisor is not here (make system makes it)")
    library, folder = scratch + "/later.so", scratch + "/dynamic"
    if not os.path.exists(folder):
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", library,
                        os.path.join(harness.HERE, "helpers", "later.c")], check=True)
        os.makedirs(folder)
        for applet in harness.APPLETS:
            os.symlink(BINARY, os.path.join(folder, applet))
    box.target = harness.Target("ours", folder)

    def set_clock(seconds):
        box.write("clock.new", "%d" % seconds)
        os.rename(box.path("clock.new"), box.path("clock"))
    set_clock(0)
    set_clock.env = {"LD_PRELOAD": library, "LATER": box.path("clock")}
    return set_clock


def test_safe_mode_is_left(box, later, faults):  # noqa: F811
    """A minute without a fault: clients and event listeners are served again."""
    d = box.start("""
[program:a]
command=%s sleep 0.2
autorestart=true
startsecs=0
[eventlistener:l]
command=/usr/bin/python3 -u %s/helpers/listener.py %s/events
events=PROCESS_STATE_EXITED
""" % (box.child, harness.HERE, box.dir), 'environment=LD_PRELOAD=""', env=later.env)
    before = into_safe_mode(d)
    later(40)  # not yet a minute
    holds_for(lambda: "a minute without a crash" not in d.log, 0.5, "left too early")
    later(80)
    d.wait_log("WARN a minute without a crash: the network and the event listeners are served")
    assert survive.build(d.sock)["image"] == before + 1
    seen = len(box.read("events").splitlines())
    wait_until(lambda: len(box.read("events").splitlines()) > seen)
    fault(d.pid)  # counts from one again
    survive.wait_image(d.sock, before + 1)
    assert d.log.count("CRIT safe mode") == 1
    assert d.stop() == 0


# ---- a bad build under a keeper --------------------------------------------------------

class Tracer:
    """Sees each child that a process makes before it runs."""
    SEIZE, INTERRUPT, CONT, DETACH, GETEVENTMSG = 0x4206, 0x4207, 7, 17, 0x4201
    FORKS = 2 | 4 | 8  # PTRACE_O_TRACEFORK, VFORK, CLONE

    def __init__(self, pid):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long] * 2 + [ctypes.c_void_p] * 2
        self.pid = pid
        self.call(self.SEIZE, pid, self.FORKS)

    def call(self, request, pid, data=None):
        assert self.libc.ptrace(request, pid, None, data) == 0, os.strerror(ctypes.get_errno())

    def next_child(self):
        """Its pid; it waits for detach()."""
        while True:
            status = os.waitpid(self.pid, 0x40000000)[1]  # __WALL
            assert os.WIFSTOPPED(status), status
            if status >> 16:
                child = ctypes.c_ulong()
                self.call(self.GETEVENTMSG, self.pid, ctypes.addressof(child))
                os.waitpid(child.value, 0x40000000)
                self.call(self.CONT, self.pid)
                return child.value
            self.call(self.CONT, self.pid, os.WSTOPSIG(status))

    def detach(self, pid):
        self.call(self.DETACH, pid)

    def stop(self):
        self.call(self.INTERRUPT, self.pid)
        os.waitpid(self.pid, 0x40000000)
        self.detach(self.pid)


def test_a_new_build_that_dies_is_left_by_the_keeper(box, newer, root):  # noqa: F811
    """Twice its supervisord dies before it has a record: the keeper executes the build
    before it again, and that one goes on as if nothing had been."""
    d = box.start(survive.programs(box, 3), supervisord="keeper=true")
    pids = [d.pid_of("p%d" % i) for i in range(3)]
    old = os.readlink("/proc/%d/exe" % d.pid)
    before = survive.build(d.sock)["image"]
    tracer = Tracer(d.pid)
    asked = box.popen([box.target.path("supervisorctl"), "-c", d.conf, "upgrade", newer],
                      stdout=-1)
    for _ in range(2):
        child = tracer.next_child()
        assert os.readlink("/proc/%d/exe" % child) == newer
        os.kill(child, signal.SIGSEGV)
        tracer.detach(child)
    child = tracer.next_child()
    assert os.readlink("/proc/%d/exe" % child) == old
    tracer.detach(child)
    tracer.stop()
    said = asked.communicate(timeout=20)[0].decode()
    assert "failed when it took over" in said, said
    assert survive.wait_image(d.sock, before)
    assert [d.pid_of("p%d" % i) for i in range(3)] == pids
    assert "going on died" not in d.log
    survive.die_and_answer(survive.supervisor_pid(d.pid), d.sock, signal.SIGKILL)
    assert os.readlink("/proc/%d/exe" % survive.supervisor_pid(d.pid)) == old
    ends_well(box, d, 3, lives=3)


# ---- memory ----------------------------------------------------------------------------

def score(pid):
    with open("/proc/%d/oom_score_adj" % pid) as f:
        return int(f.read())


@pytest.mark.parametrize("keeper", ("false", "true"))
def test_programs_die_before_us(box, root, keeper):
    """Ours is lowered where that is allowed; programs have the one we were born with,
    also those of a later image."""
    try:
        with open("/proc/self/oom_score_adj", "r+") as f:
            was = f.read().strip()
            f.write("-900")
            f.flush()
            f.write(was)
        ours = -900
    except PermissionError:
        ours = 300
    d = box.start(survive.programs(box, 2), supervisord="keeper=" + keeper,
                  prefix=in_shell("echo 300 > /proc/self/oom_score_adj"))
    for _ in range(2):
        assert score(d.pid) == score(survive.supervisor_pid(d.pid)) == ours
        assert score(d.pid_of("p0")) == score(d.pid_of("p1")) == 300
        sig = signal.SIGKILL if keeper == "true" else signal.SIGSEGV
        survive.die_and_answer(survive.supervisor_pid(d.pid), d.sock, sig)
        d.sv.stopProcess("p1")
        d.sv.startProcess("p1")
    ends_well(box, d, 2)
