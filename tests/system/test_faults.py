"""When the kernel says no: the build of `make FAULTS=1` (tests/faults/faults.c), in which
any call fails on demand, and limits taken away from a running daemon. Each test asks the
same: nothing ends or is forgotten, the log says it in one line and not in thousands, the
processor stays idle, and all is as before when the fault is over.
"""
import http.client
import os
import random
import re
import resource
import signal
import socket
import struct
import time
import xmlrpc.client

import pytest

import harness
from harness import alive, holds_for, kill, wait_until

pytestmark = pytest.mark.differs("the original has no build whose calls fail on demand")
FAULTS_BIN = os.environ.get("FAULTS_BIN") or os.path.join(
    harness.TOP, "build", "release-faults", "supervisor")
COUNTS_AT, PAGE, ROW = 2048, 8192, struct.Struct("16sQQ")
CLOCK = os.sysconf("SC_CLK_TCK")


class Faults:
    """The control file of one daemon."""

    def __init__(self, path):
        self.path, self.generation = path, 0
        harness.write(path, b"\0" * PAGE)

    def set(self, rules=""):
        self.generation += 1
        with open(self.path, "r+b", buffering=0) as f:
            f.seek(4)
            f.write(rules.encode() + b"\0")
            f.seek(0)
            f.write(struct.pack("I", self.generation))

    def counts(self):
        """For each call: (how often made, how often failed)."""
        with open(self.path, "rb") as f:
            data = f.read()[COUNTS_AT:]
        rows = [ROW.unpack_from(data, at) for at in range(0, len(data) - ROW.size, ROW.size)]
        return {name.rstrip(b"\0").decode(): (made, failed)
                for name, made, failed in rows if name[0]}

    def failed(self, *calls):
        counts = self.counts()
        return sum(counts[c][1] for c in calls or counts)


@pytest.fixture
def faulty(box, scratch):
    """Starts a daemon of the faulty build: faulty(text, ...) -> daemon with .faults."""
    if not os.path.exists(FAULTS_BIN):
        pytest.skip("no %s: make FAULTS=1" % FAULTS_BIN)
    folder = os.path.join(box.dir, "bin")
    os.makedirs(folder)
    for applet in harness.APPLETS:
        os.symlink(FAULTS_BIN, os.path.join(folder, applet))
    box.target = harness.Target("ours", folder)

    def start(text="", env=None, **kw):
        faults = Faults(box.path("faults"))
        daemon = box.start(text, env=dict(env or {}, SUPERVISOR_FAULTS="@" + faults.path), **kw)
        daemon.faults = faults
        return daemon
    return start


def cpu_secs(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK


class Calm:
    """Asserts that the daemon used little processor time and log while the body ran."""

    def __init__(self, daemon, share=0.5, lines=40):
        self.daemon, self.share, self.lines = daemon, share, lines

    def __enter__(self):
        self.begun, self.cpu = time.monotonic(), cpu_secs(self.daemon.pid)
        self.log_lines = self.daemon.log.count("\n")

    def __exit__(self, kind, value, trace):
        if kind:
            return
        took = time.monotonic() - self.begun
        used = cpu_secs(self.daemon.pid) - self.cpu
        more = self.daemon.log.count("\n") - self.log_lines
        assert used <= 0.1 + self.share * took, "%.2f s of processor in %.2f s" % (used, took)
        assert more <= self.lines, "%d lines:\n%s" % (more, self.daemon.log[-4000:])


def program(name, command, **options):
    options.setdefault("startsecs", 0)
    options.setdefault("startretries", 1000)
    return "[program:%s]\ncommand=%s\n%s\n" % (
        name, command, "\n".join("%s=%s" % o for o in options.items()))


def restarts(daemon, name):
    """Kill the program; wait for its next life; return its pid."""
    before = daemon.pid_of(name)
    kill(before)

    def next_life():
        found = daemon.info(name)
        return found["statename"] == "RUNNING" and found["pid"] not in (0, before) and found["pid"]
    return wait_until(next_life, what="a new life of " + name)


def pids_in_log(daemon, name):
    return [int(m) for m in re.findall(r"spawned: '%s' with pid (\d+)" % name, daemon.log)]


def image(pid):
    try:
        return os.readlink("/proc/%d/exe" % pid)
    except OSError:
        return None


def programs(daemon):
    """The pids of its children; with a keeper those of both."""
    found = []
    for pid in harness.children(daemon.pid):
        found += harness.children(pid) if image(pid) == image(daemon.pid) else [pid]
    return found


def family_text(daemon):
    """What the daemon and what the kernel says of it, and the log lines of whom only one
    knows, for a test that failed."""
    told = {i["name"]: (i["pid"], i["statename"]) for i in daemon.sv.getAllProcessInfo()}
    there = {p: harness.read("/proc/%d/stat" % p).split(") ")[-1][:20]
             for p in [daemon.pid] + harness.children(daemon.pid) + programs(daemon)}
    odd = {pid for pid, _ in told.values()} ^ set(programs(daemon))
    odd |= {pid for pid, state in told.values() if state == "STOPPING"}
    lines = [line for line in daemon.log.splitlines()
             if set(map(int, re.findall(r"\d+", line[23:]))) & (odd - {0})]
    return "told %r\nthere (state, parent) %r\n%s" % (told, there, "\n".join(lines))


def check_family(daemon, *names):
    """The kernel and the daemon agree: one live child for each running program."""
    def agree():
        infos = {i["name"]: i for i in daemon.sv.getAllProcessInfo()}
        told = sorted(i["pid"] for i in infos.values() if i["pid"])
        there = sorted(p for p in harness.children(daemon.pid))
        return told == there and all(infos[n]["statename"] == "RUNNING" for n in names)
    wait_until(agree, what=lambda: "daemon and kernel agree: %r %r" % (
        daemon.sv.getAllProcessInfo(), harness.children(daemon.pid)))


# ---- starting ---------------------------------------------------------------------

@pytest.mark.parametrize("call, error, words", [
    ("fork", "EAGAIN", "Too many processes in process table to spawn 'a'"),
    ("fork", "ENOMEM", "unknown error during fork for 'a': ENOMEM"),
    ("pipe2", "EMFILE", "too many open files to spawn 'a'"),
    ("pipe2", "ENFILE", "unknown error making dispatchers for 'a': ENFILE"),
    ("epoll_ctl", "ENOMEM", "unknown error making dispatchers for 'a': ENOMEM"),
    ("epoll_ctl", "ENOSPC", "unknown error making dispatchers for 'a': ENOSPC"),
])
def test_a_start_that_fails_is_tried_again(faulty, call, error, words):
    d = faulty(program("a", "sleep 1000"))
    d.wait_state("a", "RUNNING")
    first = d.pid_of("a")
    d.faults.set("%s:1+:%s" % (call, error))
    with Calm(d):
        kill(first)
        d.wait_state("a", "BACKOFF")
        d.wait_log("INFO spawnerr: " + re.escape(words))
        assert d.info("a")["spawnerr"] == words
    d.faults.set()
    d.wait_state("a", "RUNNING")
    check_family(d, "a")
    assert len(harness.proc_info(d.pid)["fds"]) < 40
    assert d.stop() == 0


@pytest.mark.parametrize("call, error, words", [
    ("execve", "EACCES", "couldn't exec sleep: EACCES"),
    ("execve", "ENOMEM", "couldn't exec sleep: ENOMEM"),
    ("chdir", "EIO", "couldn't chdir to /: EIO"),
    ("setgroups", "EPERM", "couldn't setuid to .*: Could not set groups of effective user"),
    ("setuid", "EAGAIN", "couldn't setuid to .*: Could not set user id of effective user"),
    ("setgid", "EPERM", "couldn't setuid to .*: Could not set group id of effective user"),
])
def test_a_child_that_cannot_become_the_program(faulty, root, box, call, error, words):
    d = faulty(program("a", "sleep 1000", directory="/", user="nobody", startsecs=1,
                       stdout_logfile=box.path("a.out"), redirect_stderr="true"))
    d.wait_state("a", "RUNNING")
    d.faults.set("%s:1+:%s" % (call, error))
    with Calm(d):
        kill(d.pid_of("a"))
        d.wait_state("a", "BACKOFF")
        d.wait_file("a.out", words)
    d.faults.set()
    d.wait_state("a", "RUNNING")
    check_family(d, "a")
    assert d.proc("a")["uid"] == harness.is_user("nobody").pw_uid


def test_older_kernel(faulty, box, root):
    """Without close_range, openat2 and pidfds: children still hold three descriptors, and
    links that others made are still not followed."""
    os.mkdir(box.path("theirs"))
    box.write("precious", "PRECIOUS\n", 0o600)
    os.symlink(box.path("precious"), box.path("theirs", "log"))
    os.chown(box.path("theirs"), 65534, 65534)
    os.chown(box.path("theirs", "log"), 65534, 65534, follow_symlinks=False)
    os.symlink(box.path("theirs"), box.path("way"))  # root's own
    d = faulty(program("a", "sh -c 'echo mine; exec sleep 1000'", autostart="false",
                       stdout_logfile=box.path("way", "new")) +
               program("b", "sh -c 'echo mine; exec sleep 1000'", autostart="false",
                       stdout_logfile=box.path("theirs", "log")))
    d.faults.set("close_range:1+:ENOSYS openat2:1+:ENOSYS pidfd_open:1+:ENOSYS")
    for name in "ab":
        assert d.sv.startProcess(name)
        wait_until(lambda: d.proc(name)["argv"][0] == "sleep")
        assert sorted(d.proc(name)["fds"]) == [0, 1, 2]
    assert d.faults.failed("close_range") >= 2 and d.faults.failed("openat2") >= 2
    d.wait_file("theirs/new", "mine")
    assert box.read("precious") == "PRECIOUS\n"
    assert "theirs/log: Permission denied" in d.log
    assert d.stop() == 0


# ---- descriptors ------------------------------------------------------------------

def open_fds(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def take_descriptors(daemon):
    """Leave the running daemon not one number more than it uses. The limit is on numbers,
    so connections fill the holes first; they are returned."""
    def numbers():
        return {int(n) for n in os.listdir("/proc/%d/fd" % daemon.pid)}
    socks = []

    def dense():
        used = numbers()
        if used == set(range(max(used) + 1)):
            return True
        s = socket.socket(socket.AF_UNIX)
        s.connect(daemon.sock)
        socks.append(s)
        time.sleep(0.02)  # poll
        return False
    wait_until(dense, what=lambda: "no holes in %r" % numbers())
    hard = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (max(numbers()) + 1, hard))
    return socks


def test_restart_and_control_with_no_free_descriptor(faulty, box):
    user = {"user": "nobody"} if os.geteuid() == 0 else {}
    d = faulty("".join(program("p%d" % i, "sleep 1000", stdout_logfile=box.path("p%d.out" % i),
                               **user) for i in range(3)))
    check_family(d, "p0", "p1", "p2")
    before = resource.prlimit(d.pid, resource.RLIMIT_NOFILE)
    held = take_descriptors(d)
    with Calm(d, lines=45):
        for i in range(3):
            for _ in range(3):
                restarts(d, "p%d" % i)
        assert d.ctl("status").out.count("RUNNING") == 3
        assert d.sv.stopProcess("p0")
        assert d.sv.startProcess("p0")
    d.wait_log("WARN .*unix_http_server.*: (Too many|No file).*; using the spare ones")
    assert len(re.findall("using the spare ones", d.log)) <= 40
    resource.prlimit(d.pid, resource.RLIMIT_NOFILE, before)
    for s in held:
        s.close()
    check_family(d, "p0", "p1", "p2")
    assert d.stop() == 0


def test_many_clients_at_the_limit_are_answered_or_refused(faulty, box):
    d = faulty(program("a", "sleep 1000"))
    check_family(d, "a")
    socks = take_descriptors(d)
    held = len(socks)
    with Calm(d, lines=20):
        for _ in range(40):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(5)
            s.connect(d.sock)
            socks.append(s)
        answers = []
        for s in socks[held + 20:]:
            answers.append(s.recv(100).split(b"\r\n")[0])
        assert set(answers) == {b"HTTP/1.1 503 Service Unavailable"}
        # they hold what was spare, and still a program can be started
        before = d.log.count("spawned: 'a'")
        kill(harness.children(d.pid)[0])
        wait_until(lambda: d.log.count("spawned: 'a'") > before, what=lambda: d.log)
        holds_for(lambda: alive(d.pid), 0.5)
    for s in socks:
        s.close()
    wait_until(lambda: d.ctl("status").out.count("RUNNING") == 1)


# ---- memory -----------------------------------------------------------------------

def test_no_memory_left(faulty, box):
    """As if all that is in use were all there is: from the reserve programs are reaped,
    restarted, stopped and logged; requests are refused; then all is as before."""
    d = faulty(program("a", "sleep 1000") + program(
        "talker", "sh -c 'while :; do echo line; sleep 0.05; done'",
        stdout_logfile=box.path("talker.out")) + program("b", "sleep 1000"))
    check_family(d, "a", "b", "talker")
    a, b = d.pid_of("a"), d.pid_of("b")
    d.faults.set("malloc:full:ENOMEM")
    with Calm(d, lines=60), socket.socket(socket.AF_UNIX) as hog:
        hog.connect(d.sock)  # holds memory of the reserve until its body is complete
        hog.send(b"POST /RPC2 HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + b" " * 40000)
        d.wait_log("CRIT out of memory: using the reserve")
        for _ in range(8):
            pids = pids_in_log(d, "a")
            kill(pids[-1])
            wait_until(lambda: len(pids_in_log(d, "a")) > len(pids), what=lambda: d.log)
        kill(b)
        wait_until(lambda: len(pids_in_log(d, "b")) == 2)
        size = len(d.file("talker.out"))
        wait_until(lambda: len(d.file("talker.out")) > size + 20)
        assert not alive(a) and not alive(b)
        assert "503" in d.ctl("status").out
        times = d.log.count("CRIT out of memory")
        assert times <= 3
    d.faults.set()
    d.wait_log("WARN there is memory again", count=times)
    check_family(d, "a", "b", "talker")
    assert d.stop() == 0


def test_stop_with_no_memory(faulty):
    d = faulty("".join(program("p%d" % i, "sleep 1000") for i in range(5)))
    check_family(d, *("p%d" % i for i in range(5)))
    kids = harness.children(d.pid)
    d.faults.set("malloc:full:ENOMEM")
    assert d.stop() == 0
    assert not any(alive(p) for p in kids)


def test_every_allocation_fails_for_seconds(faulty):
    """Not even the reserve can be had: the daemon waits, and goes on."""
    d = faulty(program("a", "sleep 1000") + program("b", "sleep 1000"))
    check_family(d, "a", "b")
    d.faults.set("malloc:1+:ENOMEM calloc:1+:ENOMEM realloc:1+:ENOMEM")
    with Calm(d):
        for pid in harness.children(d.pid):
            kill(pid)
        holds_for(lambda: alive(d.pid), 3)
    d.faults.set()
    check_family(d, "a", "b")
    assert len(pids_in_log(d, "a")) == 2 and len(pids_in_log(d, "b")) == 2
    d.wait_log("WARN there is memory again")
    assert d.stop() == 0


def test_no_memory_for_too_long(faulty):
    """After ten seconds in vain the process executes itself; programs do not notice."""
    d = faulty(program("a", "sleep 1000") + program("b", "sleep 1000"))
    check_family(d, "a", "b")
    b = d.pid_of("b")
    d.faults.set("malloc:1+:ENOMEM calloc:1+:ENOMEM realloc:1+:ENOMEM")
    kill(pids_in_log(d, "a")[-1])
    d.wait_log("CRIT out of memory for too long, beginning anew", timeout=60)
    check_family(d, "a", "b")
    assert d.pid_of("b") == b and alive(d.pid)
    assert len(pids_in_log(d, "a")) == 2 and len(pids_in_log(d, "b")) == 1
    assert d.stop() == 0


def test_address_space_is_used_up(faulty, box):
    """The same by the kernel's limit instead of the wrappers."""
    if box.target.dynamic:
        pytest.skip("a sanitizer ends the process when it gets no memory")
    d = faulty(program("a", "sh -c 'sleep 0.05'", autorestart="true") + program("b", "sleep 1000"))
    d.wait_state("b", "RUNNING")
    with open("/proc/%d/statm" % d.pid) as f:
        size = int(f.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    before = resource.prlimit(d.pid, resource.RLIMIT_AS)
    resource.prlimit(d.pid, resource.RLIMIT_AS, (size, before[1]))
    n = len(pids_in_log(d, "a"))
    wait_until(lambda: len(pids_in_log(d, "a")) > n + 3, what=lambda: d.log)
    resource.prlimit(d.pid, resource.RLIMIT_AS, before)
    wait_until(lambda: d.ctl("status").rc in (0, 3))
    assert d.state("b") == "RUNNING"
    assert d.stop() == 0


# ---- logs -------------------------------------------------------------------------

@pytest.mark.parametrize("rules, words", [
    ("write:1+:ENOSPC", "No space left on device"),
    ("write:1+:EIO", "I/O error|Input/output error"),
    ("write:1+:EDQUOT", "Quota exceeded|Disk quota exceeded"),
])
def test_logs_that_cannot_be_written(faulty, box, rules, words):
    d = faulty(program("t", "sh -c 'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.01; done'",
                       stdout_logfile=box.path("t.out")))
    d.wait_file("t.out", "line 5")
    with Calm(d, lines=8):
        d.faults.set(rules)
        wait_until(lambda: d.faults.failed("write") > 20)
        d.faults.set()
        wait_until(lambda: "writing to log %s works again" % box.path("t.out") in d.log)
    assert re.search("bytes were dropped", d.log)
    assert re.search("line \\d+\n$", d.file("t.out"))
    check_family(d, "t")


def test_a_disk_on_the_brink(faulty, box):
    """Every other write fails: two lines a second for each log, not for each write."""
    d = faulty(program("t", "sh -c 'while :; do echo x; sleep 0.005; done'",
                       stdout_logfile=box.path("t.out")))
    d.wait_file("t.out", "x")
    with Calm(d, lines=16):
        d.faults.set("write:50%:ENOSPC seed=11")
        holds_for(lambda: alive(d.pid), 2.5)
        d.faults.set()
    size = len(d.file("t.out"))
    wait_until(lambda: len(d.file("t.out")) > size)
    assert len(re.findall("cannot write to log %s" % box.path("t.out"), d.log + d.err)) <= 5


def test_writes_that_take_a_part_only(faulty, box):
    d = faulty(program("t", "sh -c 'i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line $i; done;"
                       " sleep 1000'", stdout_logfile=box.path("t.out"),
                       stdout_logfile_maxbytes=0),
               env={"X": "1"})
    d.faults.set("write:50%:short writev:50%:short sendmsg:20%:EINTR seed=7")
    wait_until(lambda: d.file("t.out").count("\n") == 2000)
    d.sv.stopProcess("t")
    d.sv.startProcess("t")
    wait_until(lambda: d.file("t.out").count("\n") == 4000)
    assert d.file("t.out") == "".join("line %d\n" % i for i in range(1, 2001)) * 2
    assert d.faults.failed("write") > 0


@pytest.mark.parametrize("rules", ["rename:1+:EACCES", "rename:1+:ENOSPC", "open:1+:ENOSPC",
                                   "open:1+:EMFILE", "rename:30%:may open:30%:EACCES"])
def test_rotation_that_fails_costs_no_line(faulty, box, rules):
    d = faulty(program("t", "sh -c 'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.002; done'",
                       stdout_logfile=box.path("t.out"), stdout_logfile_maxbytes=1000,
                       stdout_logfile_backups=500))
    wait_until(lambda: os.path.exists(box.path("t.out.1")))
    with Calm(d, lines=30):
        d.faults.set(rules + " seed=3")
        wait_until(lambda: d.faults.failed("rename", "open") > 1)
        holds_for(lambda: alive(d.pid), 1)
        d.faults.set()
    rotated = len([n for n in os.listdir(box.dir) if n.startswith("t.out")])
    wait_until(lambda: len([n for n in os.listdir(box.dir) if n.startswith("t.out")]) > rotated + 1)
    d.sv.stopProcess("t")
    names = sorted((n for n in os.listdir(box.dir) if n.startswith("t.out")),
                   key=lambda n: -int(n.rpartition(".")[2]) if n != "t.out" else 1)
    lines = "".join(d.file(n) for n in names).split("\n")[:-1]
    assert lines == ["line %d" % i for i in range(1, len(lines) + 1)]


@pytest.mark.parametrize("rules", ["write:1+:ENOSPC", "rename:1+:EROFS", "open:1+:EMFILE"])
def test_state_file_is_written_as_soon_as_it_can_be(faulty, box, rules):
    d = faulty(program("a", "sleep 1000"), supervisord="adopt=true\nstatefile=%s\nlogfile_maxbytes=0"
               % box.path("state"))
    d.wait_file("state", ":%d " % d.pid_of("a"))
    with Calm(d, lines=20):
        d.faults.set(rules)
        new = restarts(d, "a")
        wait_until(lambda: d.faults.failed() > 1)
        assert ":%d " % new not in d.file("state")
        d.faults.set()
        d.wait_file("state", ":%d " % new)
    if not rules.startswith("write"):
        assert len(re.findall("ERRO the state file", d.log)) == 1
    d.wait_log("INFO the state file .* is written again")


# ---- the loop ---------------------------------------------------------------------

@pytest.mark.parametrize("rules", [
    "poll:1+:ENOMEM", "poll:50%:may", "epoll_wait:1+:EINTR", "accept4:1+:EMFILE",
    "accept4:1+:ECONNABORTED", "accept4:1+:ENOMEM", "recv:1-50:EAGAIN", "read:1-50:EAGAIN",
    "stat:1+:ENOMEM fstat:1+:ENOMEM lstat:1+:EIO",
])
def test_the_loop_keeps_calm_and_recovers(faulty, rules):
    d = faulty(program("a", "sleep 1000") + program("t", "sh -c 'while :; do echo x; sleep 0.1; done'"))
    check_family(d, "a", "t")
    with Calm(d, share=0.3, lines=20):
        d.faults.set(rules)
        kill(pids_in_log(d, "a")[-1])
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(d.sock)
            s.send(b"GET / HTTP/1.0\r\n\r\n")
            holds_for(lambda: alive(d.pid), 2)
        assert d.faults.failed() > 0
        d.faults.set()
        check_family(d, "a", "t")
    assert len(pids_in_log(d, "a")) >= 2
    assert d.stop() == 0


def test_poll_without_memory_still_serves(faulty):
    d = faulty(program("a", "sleep 1000"))
    check_family(d, "a")
    d.faults.set("poll:1+:ENOMEM")
    with Calm(d, share=0.3, lines=12):
        assert d.state("a") == "RUNNING"
        restarts(d, "a")
        d.wait_log("CRIT cannot poll: (Out of|Cannot allocate) memory; trying again")
    d.faults.set()
    d.wait_log("INFO polling works again")
    assert d.log.count("cannot poll") == 1


# ---- at random --------------------------------------------------------------------

RANDOM_SECS = float(os.environ.get("FAULTS_SECS", "15"))


def runs(daemon, name):
    """True if it runs; asks for its start if nobody has."""
    try:
        if daemon.state(name) in ("STOPPED", "EXITED", "FATAL", "UNKNOWN"):
            daemon.sv.startProcess(name, False)
    except xmlrpc.client.Fault as e:
        assert "ALREADY_STARTED" in str(e), e
    return daemon.state(name) == "RUNNING"


def test_want_of_memory_spoils_no_record(faulty, box):
    """What cannot be written whole is not written: the next life reads the newest record."""
    d = faulty("".join(program("p%d" % i, "sleep 1000", exitcodes="0,2,3",
                               environment='A="b",C="d"') for i in range(6)),
               supervisord="keeper=true")
    names = ["p%d" % i for i in range(6)]
    wait_until(lambda: all(runs(d, n) for n in names))
    rng = random.Random(5)
    for _ in range(40):
        d.faults.set("malloc:30%%:may realloc:30%%:may seed=%d" % rng.randrange(1 << 30))
        for _ in range(10):
            try:
                sv = d.new_rpc(timeout=1).supervisor
                rng.choice([sv.stopProcess, sv.startProcess])(rng.choice(names), False)
            except (OSError, xmlrpc.client.Error, http.client.HTTPException):
                pass
        d.faults.set()
        before = d.log.count("goes on in its place")
        for pid in harness.children(d.pid):
            if image(pid) == image(d.pid):
                kill(pid)
        d.wait_log("goes on in its place", count=before + 1)
    assert d.log.count("is no good") == 0, d.log


@pytest.mark.parametrize("keeper", [False, True], ids=["alone", "keeper"])
def test_at_random(faulty, box, keeper):
    """Any call may fail at any time; clients, exits, rotations and stops go on meanwhile."""
    seed = int(os.environ.get("FAULTS_SEED") or random.randrange(1 << 30))
    print("FAULTS_SEED=%d" % seed)
    rng = random.Random(seed)
    d = faulty("".join(program("p%d" % i, "sleep 1000") for i in range(6)) +
               program("dies", "sh -c 'sleep 0.1; exit 1'", autorestart="true") +
               program("t", "sh -c 'while :; do echo x$$; sleep 0.01; done'",
                       stdout_logfile=box.path("t.out"), stdout_logfile_maxbytes=5000),
               supervisord="keeper=%s" % str(keeper).lower())
    names = ["p%d" % i for i in range(6)] + ["t"]
    wait_until(lambda: all(runs(d, n) for n in names))
    fds = open_fds(d.pid)
    end = time.monotonic() + RANDOM_SECS
    rounds = 0
    while time.monotonic() < end:
        rounds += 1
        rate = rng.choice(["0.5%", "2%", "10%", "30%"])
        d.faults.set("any:%s:may seed=%d" % (rate, rng.randrange(1 << 30)))
        stop = time.monotonic() + rng.uniform(0.3, 1.5)
        while time.monotonic() < stop:
            assert alive(d.pid), d.log[-3000:] + d.err
            name = rng.choice(names)
            action = rng.randrange(5)
            try:
                sv = d.new_rpc(timeout=1).supervisor
                if action == 0:
                    kids = programs(d)
                    if kids:
                        kill(rng.choice(kids))
                elif action == 1:
                    sv.stopProcess(name, False)
                elif action == 2:
                    sv.startProcess(name, False)
                elif action == 3:
                    sv.getAllProcessInfo()
                elif keeper and rng.randrange(3) == 0:
                    for pid in harness.children(d.pid):
                        if os.readlink("/proc/%d/exe" % pid) == os.readlink("/proc/%d/exe" % d.pid):
                            kill(pid)
                else:
                    os.kill(d.pid, rng.choice([signal.SIGUSR2, signal.SIGCHLD]))
            except Exception as e:  # what a client meets is its own affair here
                assert not isinstance(e, (AssertionError, ProcessLookupError)), e
        d.faults.set()

        def served():
            try:
                return d.new_rpc().supervisor.getState()["statecode"] == 1
            except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError):
                return False  # 503: out of memory until a moment ago
        wait_until(served, what=lambda: "seed %d: an answer; %s" % (seed, d.log[-2000:]))
        wait_until(lambda: all(runs(d, n) for n in names), every=0.1,
                   what=lambda: "seed %d: %s" % (seed, family_text(d)))

    def one_each():
        told = sorted(i["pid"] for i in d.sv.getAllProcessInfo() if i["pid"])
        return told == sorted(programs(d))
    wait_until(one_each, what=lambda: "seed %d: %s" % (seed, family_text(d)))
    wait_until(lambda: open_fds(d.pid) <= fds + 6, what=lambda: "seed %d: %d descriptors, %d before" % (
        seed, open_fds(d.pid), fds))
    # Want of memory must not spoil a record: what is written is whole.
    assert "record of our state is no good" not in d.log, d.log
    d.faults.set()
    kids = programs(d)
    assert d.stop() == 0
    assert not any(alive(p) for p in kids)
