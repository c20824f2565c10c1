"""supervisord dies of a fault, or is replaced by another build: its programs and their
logs do not notice."""
import ctypes
import os
import platform
import re
import resource
import shutil
import signal
import struct
import subprocess

import pytest

import survive
from harness import (TOP, alive, children, fault_of, holds_for, kill, proc_info, wait_until)

pytestmark = pytest.mark.differs("the original dies of what kills it")


def crash(d, sig=signal.SIGSEGV, times=1):
    """Kill it `times` times, each time waiting for the next image; the milliseconds."""
    return [survive.die_and_answer(d.pid, d.sock, sig) for _ in range(times)]


def ends_well(box, d, count, lives=None):
    """Stop all, once each has said something, and judge the logs."""
    wait_until(lambda: all(box.read("p%d.log" % i) for i in range(count)))
    assert d.stop(60) == 0
    a = survive.account_of(box.path("p%d.log" % i) for i in range(count))
    assert (a.lost, a.doubled, a.damaged, a.unended) == (0, 0, 0, 0), a
    assert lives is None or a.lives == lives, a
    return a


# ---- crashes ---------------------------------------------------------------------------

def test_lines_and_programs_survive(box):
    """Thirty deaths under load: nothing lost, doubled, damaged, restarted or refused."""
    d = box.start(survive.programs(box, 20, short=3, interval_ms=5, life_ms=400))
    pids = {n: d.pid_of("p%d" % n) for n in range(17)}
    clients = survive.Clients(d.sock, 2)
    times = crash(d, times=30)
    clients.stop()
    assert {n: d.pid_of("p%d" % n) for n in range(17)} == pids
    assert clients.wrong["refused"] == 0 and clients.asked > 0, clients.wrong
    assert d.log.count("CRIT supervisord crashed: SIGSEGV sent by process %d" % os.getpid()) == 30
    assert d.sv.getPID() == d.pid
    assert sorted(times)[15] < 1000, times
    ends_well(box, d, 20)


@pytest.mark.parametrize("sig", ("BUS", "ILL", "FPE", "ABRT"))
def test_other_faults(box, sig):
    d = box.start(survive.programs(box, 1))
    crash(d, getattr(signal, "SIG" + sig), 2)
    d.wait_log("CRIT supervisord crashed: SIG%s .*Crashes so far: 2" % sig)
    ends_well(box, d, 1, lives=1)


def test_crash_while_starting_all(box):
    """Between fork and record, with programs waiting for their turn."""
    count = 150
    d = box.start(survive.programs(box, count, interval_ms=50, autostart="false"))
    call = d.new_rpc().supervisor
    call.startAllProcesses(False)
    crash(d, times=10)
    wait_until(lambda: all(p["statename"] == "RUNNING" for p in d.sv.getAllProcessInfo()))
    infos = d.sv.getAllProcessInfo()
    assert sorted(p["pid"] for p in infos) == sorted(children(d.pid))
    ends_well(box, d, count, lives=count)


def test_exits_during_the_crash_are_counted(box):
    """Stopped dead, so that its children end while it looks away."""
    d = box.start("[program:a]\ncommand=%s onsig USR1 3 pause\nexitcodes=3\nautorestart=unexpected\n"
                  "startsecs=0\n[program:b]\ncommand=%s onsig USR1 4 pause\nexitcodes=3\n"
                  "autorestart=unexpected\nstartsecs=0\n" % (box.child, box.child))
    pids = [d.proc(n)["pid"] for n in "ab"]
    wait_until(lambda: all(int(proc_info(p)["sigign"]) is not None and
                           proc_info(p)["state"] == "S" for p in pids))
    before = survive.build(d.sock)["image"]
    d.kill(signal.SIGSTOP)
    d.kill(signal.SIGSEGV)
    for p in pids:
        kill(p, signal.SIGUSR1)
    wait_until(lambda: not any(alive(p) for p in pids))
    d.kill(signal.SIGCONT)
    survive.wait_image(d.sock, before)
    assert d.wait_state("a", "EXITED")["exitstatus"] == 3
    assert d.wait_state("b", "RUNNING")["pid"] != pids[1]
    d.wait_log(r"exited: b \(exit status 4; not expected\)")


def test_stopping_goes_on(box):
    """A deadline that was set before the crash is kept, and a shutdown under way ends."""
    d = box.start("[program:a]\ncommand=%s ignore TERM pause\nstopwaitsecs=2\nstartsecs=0\n"
                  % box.child)
    wait_until(lambda: proc_info(d.pid_of("a"))["sigign"] & 1 << signal.SIGTERM - 1)
    d.sv.stopProcess("a", False)
    crash(d)
    assert d.state("a") == "STOPPING"
    d.wait_state("a", "STOPPED")
    d.sv.startProcess("a")
    wait_until(lambda: proc_info(d.pid_of("a"))["sigign"] & 1 << signal.SIGTERM - 1)
    d.kill(signal.SIGTERM)
    d.wait_log("waiting for a to die")
    d.kill(signal.SIGSEGV)
    assert d.wait_exit() == 0
    assert len(re.findall(r"killing 'a' \(\d+\) with SIGKILL", d.log)) == 2
    assert not os.path.exists(box.path("supervisord.pid"))


def test_groups_and_reloads_after_a_crash(box):
    """Groups that were added at run time are there; reread, update and HUP go on."""
    d = box.start(survive.programs(box, 2))
    with open(d.conf, "a") as f:
        f.write("[program:late]\ncommand=%s pause\nstartsecs=0\n" % box.child)
    assert "late: added process group" in d.ctl("update").out
    pid = d.pid_of("late")
    crash(d)
    assert d.pid_of("late") == pid
    assert d.ctl("update").out == ""
    box.write("sv.conf", box.conf_text(survive.programs(box, 2)))
    assert "late: removed process group" in d.ctl("update").out
    crash(d)
    d.kill(signal.SIGHUP)
    d.wait_log("supervisord started with pid %d" % d.pid, count=2)
    wait_until(lambda: survive.build(d.sock))
    d.wait_state("p1", "RUNNING")
    crash(d)
    assert ends_well(box, d, 2).lives == 4


def test_capture_goes_on_in_the_middle(box):
    """What was captured before the crash and after it is one event."""
    d = box.start("""
[program:a]
command=%s out 'x\\n<!--XSUPERVISOR:BEGIN-->one-' ifmissing %s/go 0 pause
stdout_capture_maxbytes=1MB
stdout_logfile=%s/a.log
startsecs=0
autostart=false
[eventlistener:l]
command=/usr/bin/python3 -u %s/system/helpers/listener.py %s/events
events=PROCESS_COMMUNICATION
[program:b]
command=/bin/sh -c 'printf "<!--XSUPERVISOR:BEGIN-->one-"; while ! [ -e %s/go ]; do sleep 0.02; done; printf "two<!--XSUPERVISOR:END-->"; exec sleep 1000'
stdout_capture_maxbytes=1MB
stdout_logfile=%s/b.log
startsecs=0
""" % (box.child, box.dir, box.dir, TOP + "/tests", box.dir, box.dir, box.dir))
    d.wait_state("l", "RUNNING")
    crash(d, times=3)
    box.write("go", "")
    d.wait_file("events", "one-two")
    assert box.read("b.log") == ""


def test_standard_input_waits(box):
    """Bytes that the program has not read yet are there after the crash, once."""
    d = box.start("[program:a]\ncommand=/bin/sh -c 'while ! [ -e %s/go ]; do sleep 0.02; done; "
                  "exec cat'\nstdout_logfile=%s/a.log\nstartsecs=0\n" % (box.dir, box.dir))
    text = "".join("%06d\n" % i for i in range(30000))  # more than the pipe holds
    d.sv.sendProcessStdin("a", text)
    crash(d, times=3)
    box.write("go", "")
    wait_until(lambda: len(box.read("a.log")) >= len(text))
    assert box.read("a.log") == text


# ---- real faults -----------------------------------------------------------------------

class Regs(ctypes.Structure):
    _fields_ = [(n, ctypes.c_ulonglong) for n in (
        "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags "
        "rsp ss fs_base gs_base ds es fs gs").split()]


def fault(pid):
    """Make the process jump to address 0, as a bug would."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long] * 2 + [ctypes.c_void_p] * 2
    attach, getregs, setregs, detach = 16, 12, 13, 17
    assert libc.ptrace(attach, pid, None, None) == 0, os.strerror(ctypes.get_errno())
    os.waitpid(pid, 0x40000000)  # __WALL
    regs = Regs()
    assert libc.ptrace(getregs, pid, None, ctypes.addressof(regs)) == 0
    regs.rip, regs.orig_rax = 0, ctypes.c_ulonglong(-1).value
    assert libc.ptrace(setregs, pid, None, ctypes.addressof(regs)) == 0
    assert libc.ptrace(detach, pid, None, None) == 0


@pytest.fixture
def faults(root):
    if platform.machine() != "x86_64":
        pytest.skip("knows the registers of x86_64 only")


def fault_at_restore(d, times, begin=None):
    """Kill it (or begin() otherwise), and make the next images jump to address 0 where each makes its epoll
    descriptor, in the middle of restoring."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long] * 2 + [ctypes.c_void_p] * 2
    getregs, setregs, syscall, seize, detach = 12, 13, 24, 0x4206, 17
    sysgood_and_exec, epoll_create1 = 1 | 16, 291

    def ptrace(request, data=None):
        assert libc.ptrace(request, d.pid, None, data) == 0, os.strerror(ctypes.get_errno())

    ptrace(seize, sysgood_and_exec)
    begin() if begin else d.kill(signal.SIGSEGV)
    while True:
        status = os.waitpid(d.pid, 0x40000000)[1]
        assert os.WIFSTOPPED(status), status
        sig = os.WSTOPSIG(status)
        if status >> 16 or sig == signal.SIGTRAP:
            sig = 0  # the exec
        elif sig == signal.SIGTRAP | 0x80:
            sig = 0
            regs = Regs()
            ptrace(getregs, ctypes.addressof(regs))
            if regs.orig_rax == epoll_create1:
                if times == 0:
                    break
                times -= 1
                regs.rip, regs.orig_rax = 0, ctypes.c_ulonglong(-1).value
                ptrace(setregs, ctypes.addressof(regs))
        ptrace(syscall, sig or None)
    ptrace(detach)


@pytest.mark.parametrize("times,says", (
    (1, None), (2, "going on died 2 times: this time without output and input"),
    (5, "going on died 5 times: this time from the record before the last")))
def test_faults_while_restoring(box, faults, times, says):
    d = box.start(survive.programs(box, 3))
    crash(d)  # so that there is a record before the last
    pids = [d.pid_of("p%d" % i) for i in range(3)]
    before = survive.build(d.sock)["image"]
    fault_at_restore(d, times)
    survive.wait_image(d.sock, before)
    assert says is None or says in d.log
    assert "faults in the last minute: %d" % times in d.log
    assert [d.pid_of("p%d" % i) for i in range(3)] == pids
    crash(d)  # a good end counts from zero again
    assert d.log.count("going on died") == (says is not None)
    ends_well(box, d, 3, lives=3)


def test_a_real_fault_is_told(box, faults):
    d = box.start(survive.programs(box, 2))
    before = survive.build(d.sock)["image"]
    fault(d.pid)
    survive.wait_image(d.sock, before)
    d.wait_log(r"CRIT supervisord crashed: SIGSEGV at address 0x0, in code at \+?0x0 "
               r"\(\d+\.\d+\.\d+ \(build [0-9a-f]{12}\)\); it goes on with 2 running programs. "
               r"Crashes so far: 1; faults in the last minute: 1$")
    ends_well(box, d, 2, lives=2)


def into_safe_mode(d):
    """The number of the last image before it."""
    for i in range(6):
        before = survive.build(d.sock)["image"]
        fault(d.pid)
        if i < 5:
            survive.wait_image(d.sock, before)
    d.wait_log("CRIT safe mode after more than 5 faults")
    assert survive.build(d.sock, timeout=0.5) is None  # connects, and waits
    return before


def test_safe_mode(box, faults):
    """Many faults in a minute: the network is left alone, programs are not."""
    d = box.start(survive.programs(box, 2) + """
[program:short]
command=%s stamp %s/short x sleep 0.2
autorestart=true
startsecs=0
""" % (box.child, box.dir))
    pid = d.pid_of("p0")
    into_safe_mode(d)
    lived = len(box.read("short").splitlines())
    wait_until(lambda: len(box.read("short").splitlines()) >= lived + 3)
    kill(pid)
    d.wait_log(r"INFO spawned: 'p0' with pid", count=2)
    d.kill(signal.SIGSEGV)  # sent ones do not matter; the socket is still there
    d.wait_log("CRIT safe mode after more than 5 faults", count=2)
    assert os.path.exists(d.sock)
    d.kill(signal.SIGTERM)
    assert d.wait_exit() == 0
    assert not os.path.exists(d.sock)


# ---- damage ------------------------------------------------------------------------------

SLOTS = (512 * 1024, 512 * 1024 + (256 << 20))
HEAD = struct.Struct("<8s7Q")  # magic, kind, sequence, bytes, mark, sums


class Memory:
    """The memory file of a supervisord that is stopped meanwhile."""

    def __init__(self, d):
        self.d = d
        fds = "/proc/%d/fd/" % d.pid
        self.path = next(fds + n for n in os.listdir(fds)
                         if "memfd:" in os.readlink(fds + n))

    def __enter__(self):
        self.before = survive.build(self.d.sock)["image"]
        self.d.kill(signal.SIGSTOP)
        wait_until(lambda: proc_info(self.d.pid)["state"] == "T")
        self.file = open(self.path, "r+b")
        return self

    def __exit__(self, *error):
        self.file.close()
        self.d.kill(signal.SIGSEGV)
        self.d.kill(signal.SIGCONT)

    def frames(self, slot):
        """(offset, kind, sequence, bytes) of each."""
        at, found = SLOTS[slot], []
        while True:
            self.file.seek(at)
            head = self.file.read(HEAD.size)
            if len(head) < HEAD.size or head[:8] != b"StateSvP":
                return found
            _, kind, sequence, n = HEAD.unpack(head)[:4]
            if found and sequence != found[-1][2] + 1:
                return found
            found.append((at, kind, sequence, n))
            at += HEAD.size + n

    def newest(self):
        return max((self.frames(i) for i in (0, 1)), key=lambda f: f[-1][2] if f else 0)

    def flip(self, at):
        self.file.seek(at)
        c = self.file.read(1)
        self.file.seek(at)
        self.file.write(bytes([c[0] ^ 1]))


@pytest.fixture
def own_memory(root, target):
    """To write into another's memory file takes root."""


def test_a_damaged_end_is_left_out(box, own_memory):
    """What changed last is forgotten, and said; the programs of before are there."""
    d = box.start(survive.programs(box, 3))
    pids = [d.pid_of("p%d" % i) for i in range(3)]
    d.sv.sendProcessStdin("p0", "x" * 100000)  # more than the pipe takes: the rest waits
    d.sv.getState()  # at the end of the turn before this one it was written
    with Memory(d) as m:
        frames = m.newest()
        assert len(frames) > 1
        m.flip(frames[-1][0] + HEAD.size)
    survive.wait_image(d.sock, m.before)
    d.wait_log("CRIT the end of the record of our state is damaged")
    assert [d.pid_of("p%d" % i) for i in range(3)] == pids
    ends_well(box, d, 3, lives=3)


def test_what_is_gone_is_known(box, own_memory):
    """By a record that does not know yet that p1 has ended: it is not waited for."""
    d = box.start(survive.programs(box, 2))
    wait_until(lambda: box.read("p1.log"))
    crash(d)  # the new base says that both run
    d.sv.stopProcess("p1")
    d.sv.getState()
    with Memory(d) as m:
        frames = m.newest()
        for frame in frames[1:]:
            m.flip(frame[0] + HEAD.size)
    survive.wait_image(d.sock, m.before)
    d.wait_log(r"CRIT 'p1' with pid \d+, which the record names, is gone")
    d.wait_state("p1", "RUNNING")  # as after an unexpected end
    ends_well(box, d, 2, lives=3)


def test_a_damaged_base_leads_to_the_other_record(box, own_memory):
    d = box.start(survive.programs(box, 3))
    pids = [d.pid_of("p%d" % i) for i in range(3)]
    crash(d, times=2)  # each image begins with a new base
    with Memory(d) as m:
        assert len(m.frames(0)) > 0 and len(m.frames(1)) > 0
        m.flip(m.newest()[0][0] + HEAD.size + 50)
    survive.wait_image(d.sock, m.before)
    assert [d.pid_of("p%d" % i) for i in range(3)] == pids
    ends_well(box, d, 3, lives=3)


def test_nothing_good_ends_it(box, own_memory):
    """With a reason; it must not begin anew beside its running programs."""
    d = box.start(survive.programs(box, 1))
    pid = d.pid_of("p0")
    with Memory(d) as m:
        for slot in (0, 1):
            for frame in m.frames(slot):
                m.flip(frame[0] + HEAD.size)
    assert d.wait_exit() == 2
    assert "no good record of the state" in d.err
    kill(pid)


@pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="AddressSanitizer itself opens files")
def test_it_waits_for_descriptors(box):
    """None can be had when it is to go on: it tries again, and the programs run on."""
    d = box.start(survive.programs(box, 3))
    pids = {n: d.pid_of("p%d" % n) for n in range(3)}
    was = survive.build(d.sock)["image"]
    soft, hard = resource.prlimit(d.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(d.pid, resource.RLIMIT_NOFILE, (3, hard))
    os.kill(d.pid, signal.SIGSEGV)
    wait_until(lambda: d.err.count("cannot go on yet") >= 2)
    assert alive(d.pid) and all(alive(pid) for pid in pids.values())
    resource.prlimit(d.pid, resource.RLIMIT_NOFILE, (soft, hard))
    survive.wait_image(d.sock, was)
    assert {n: d.pid_of("p%d" % n) for n in range(3)} == pids
    ends_well(box, d, 3, lives=3)


# ---- as process 1, as a daemon, without /proc --------------------------------------------

@pytest.fixture
def unshare(root):
    r = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "true"],
                       capture_output=True)
    if r.returncode != 0:
        pytest.skip("no new PID namespace here: " + r.stderr.decode().strip())
    return ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def test_as_process_1(box, unshare, request):
    d = box.start(survive.programs(box, 5, short=1, life_ms=300), prefix=unshare)
    d.pid = wait_until(lambda: children(d.popen.pid))[0]
    pid = d.pid_of("p0")
    crash(d, times=10)
    if platform.machine() == "x86_64":
        before = survive.build(d.sock)["image"]
        fault(d.pid)
        survive.wait_image(d.sock, before)
    assert d.sv.getPID() == 1 and d.pid_of("p0") == pid
    d.kill(signal.SIGTERM)
    assert d.wait_exit() == 0
    a = survive.account_of(box.path("p%d.log" % i) for i in range(5))
    assert (a.lost, a.doubled, a.damaged, a.unended) == (0, 0, 0, 0), a


def test_as_a_daemon(box):
    """Its binary was named by a relative path, and is gone from there meanwhile."""
    os.mkdir(box.path("bin"))
    shutil.copy(os.path.realpath(box.target.path("supervisord")), box.path("bin/supervisord"))
    conf = box.write("sv.conf", box.conf_text(survive.programs(box, 2)))
    p = subprocess.run(["bin/supervisord", "-c", conf], cwd=box.dir, env=box.env(),
                       timeout=20)
    assert p.returncode == 0
    sock = box.path("sv.sock")
    was = survive.wait_image(sock, 0)
    pid = int(box.read("supervisord.pid"))
    try:
        os.unlink(box.path("bin/supervisord"))
        for _ in range(3):
            survive.die_and_answer(pid, sock)
        is_now = survive.build(sock)
        assert is_now == dict(was, image=4)
        assert int(box.read("supervisord.pid")) == pid
    finally:
        kill(pid, signal.SIGTERM)
        wait_until(lambda: not alive(pid))
    a = survive.account_of([box.path("p0.log"), box.path("p1.log")])
    assert a[1:] == (2, 0, 0, 0, 0), a


def test_without_proc(box, unshare):
    """No /proc at the start, nor later."""
    conf = box.write("sv.conf", box.conf_text(survive.programs(box, 2)))
    script = "umount -l /proc && exec '%s' -n -c %s" % (box.target.path("supervisord"), conf)
    p = box.popen([*unshare, "sh", "-c", script], stdout=subprocess.DEVNULL,
                  stderr=open(box.path("supervisord.err"), "wb"))
    sock = box.path("sv.sock")
    wait_until(lambda: survive.build(sock), what=lambda: box.read("supervisord.err"))
    pid = wait_until(lambda: children(p.pid))[0]
    for _ in range(3):
        survive.die_and_answer(pid, sock)
    kill(pid, signal.SIGTERM)
    assert p.wait(20) == 0
    a = survive.account_of([box.path("p0.log"), box.path("p1.log")])
    assert a[1:] == (2, 0, 0, 0, 0), a


def test_children_see_nothing_of_it(box):
    """No variable, no descriptor, no blocked signal; also those started after a crash."""
    d = box.start("[program:a]\ncommand=%s pause\nstartsecs=0\n" % box.child)
    crash(d)
    d.sv.stopProcess("a")
    d.sv.startProcess("a")
    info = d.proc("a")
    assert "SUPERVISOR_HANDOFF" not in info["env"]
    assert sorted(info["fds"]) == [0, 1, 2]
    assert info["sigblk"] == 0 and info["sigign"] == 0


def test_a_foreign_variable_is_nothing(box):
    d = box.start(survive.programs(box, 1), env={"SUPERVISOR_HANDOFF": "0 1 -1 1 /bin/sh"})
    assert survive.build(d.sock)["image"] == 1
    assert "SUPERVISOR_HANDOFF" not in d.proc("p0")["env"]


def test_descriptors_do_not_grow(box):
    d = box.start(survive.programs(box, 5))

    def count():
        """Once all logs are open again, which happens with the next line of each."""
        fds = proc_info(d.pid)["fds"]
        logs = {path for path in fds.values() if re.search(r"/p\d\.log$", path)}
        return len(fds) if len(logs) == 5 else 0

    crash(d)
    before = wait_until(count)
    crash(d, times=10)
    # Four are made with the first start of a life; one left by each crash would be ten.
    wait_until(lambda: 0 < count() <= before + 4)


# ---- upgrades --------------------------------------------------------------------------

def test_upgrade_in_place(box):
    d = box.start(survive.programs(box, 3))
    was = survive.build(d.sock)
    clients = survive.Clients(d.sock, 2)
    for i in range(5):
        r = d.ctl("upgrade")
        name = "%(version)s (build %(build)s)" % was
        assert (r.rc, r.out) == (0, "upgraded from %s to %s\n" % (name, name)), r
    clients.stop()
    assert clients.wrong["refused"] == 0, clients.wrong
    assert survive.build(d.sock) == dict(was, image=6)
    d.wait_log(r"INFO supervisord .* goes on with pid %d" % d.pid, count=5)
    assert "CRIT supervisord crashed" not in d.log
    ends_well(box, d, 3, lives=3)


def test_what_is_refused(box):
    """Nothing happens, and the reason is told."""
    d = box.start(survive.programs(box, 1))
    text = box.write("text", "no program\n", 0o755)
    says = box.write("says", "#!/bin/sh\necho I will not\nexit 1\n", 0o755)
    cases = [(box.path("nothing"), "NO_FILE: .*nothing: No such file"),
             (box.dir, "is not a file"), ("/dev/null", "is not a file"),
             (text, "cannot execute: ENOEXEC"), (says, "cannot execute: ENOENT|I will not"),
             ("/bin/true", "without a word"),
             ("/bin/ls", "its trial run says: .*handoff-check")]
    for path, why in cases:
        r = d.ctl("upgrade", path)
        assert r.rc == 1 and re.search("ERROR: nothing is changed: .*(%s)" % why, r.out), (path, r)
    code, text = fault_of(d.sv.upgrade, "/bin/true")
    assert code == 30 and text.startswith("FAILED: "), text
    assert survive.build(d.sock)["image"] == 1
    ends_well(box, d, 1, lives=1)


def test_a_trial_that_hangs(box):
    """The loop goes on meanwhile; it ends by its deadline, or when nobody waits any more."""
    d = box.start(survive.programs(box, 1))
    for gives_up in (True, False):
        p = box.popen([box.target.path("supervisorctl"), "-c", d.conf, "upgrade",
                       box.tools["sleeper"]], stdout=subprocess.PIPE)
        d.wait_log("upgrade to .*sleeper: its trial run has pid", count=1 if gives_up else 2)
        assert fault_of(d.sv.upgrade) == (30, "FAILED: an upgrade is under way already")
        assert d.state("p0") == "RUNNING"
        if gives_up:
            p.kill()
            d.wait_log("the upgrade to .*sleeper is called off")
        else:
            out = p.communicate(timeout=20)[0].decode()
            assert "nothing is changed: FAILED: its trial run did not end within 5 s" in out
    wait_until(lambda: len(children(d.pid)) == 1)
    assert "reaped unknown" not in d.log
    assert survive.build(d.sock)["image"] == 1


def test_waiting_requests_are_answered(box):
    d = box.start("[program:a]\ncommand=%s ignore TERM pause\nstopwaitsecs=600\nstartsecs=0\n"
                  % box.child)
    wait_until(lambda: proc_info(d.pid_of("a"))["sigign"] & 1 << signal.SIGTERM - 1)
    p = box.popen([box.target.path("supervisorctl"), "-c", d.conf, "stop", "a"],
                  stdout=subprocess.PIPE)
    wait_until(lambda: d.state("a") == "STOPPING")
    assert d.ctl("upgrade").rc == 0
    out = p.communicate(timeout=20)[0].decode()
    assert "supervisord is being replaced" in out
    assert d.state("a") == "STOPPING"


@pytest.fixture(scope="session")
def newer(scratch):
    """Another build, whose records have a later version."""
    made = os.environ.get("NEWER_BIN") or TOP + "/build/release/newer/supervisor"
    if not os.path.exists(made):
        pytest.skip("no second build: make build/release/newer/supervisor")
    os.makedirs(scratch + "/newer", exist_ok=True)
    return shutil.copy(made, scratch + "/newer/supervisord")


def test_between_two_builds(box, newer):
    """Forward with the record of the older; not back with that of the newer."""
    d = box.start(survive.programs(box, 5, short=1, life_ms=300))
    was = survive.build(d.sock)
    crash(d)
    r = d.ctl("upgrade", newer)
    m = re.fullmatch(r"upgraded from \S+ \(build (\w+)\) to \S+ \(build (\w+)\)\n", r.out)
    assert m and m.group(1) == was["build"] != m.group(2), r
    crash(d, times=2)
    assert survive.build(d.sock)["build"] == m.group(2)
    r = d.ctl("upgrade", os.path.realpath(box.target.path("supervisord")))
    assert r.rc == 1 and re.search("nothing is changed: .*version", r.out), r
    assert d.ctl("upgrade").rc == 0  # the file it runs from now
    ends_well(box, d, 5)


def test_a_new_build_that_fails_is_left(box, newer, faults):
    """It dies twice before it has written a record: the build before it goes on."""
    d = box.start(survive.programs(box, 3))
    was = survive.build(d.sock)
    asked = []

    def begin():
        asked.append(box.popen([box.target.path("supervisorctl"), "-c", d.conf, "upgrade",
                                newer], stdout=subprocess.PIPE))
    fault_at_restore(d, 2, begin)
    out = asked[0].communicate(timeout=20)[0].decode()
    assert re.search(r"ERROR: \S+ \(build \w+\) failed when it took over; \S+ \(build %s\) "
                     "goes on" % was["build"], out), out
    assert survive.build(d.sock)["build"] == was["build"]
    assert "going on died" not in d.log
    crash(d)
    assert survive.build(d.sock)["build"] == was["build"]
    ends_well(box, d, 3, lives=3)
