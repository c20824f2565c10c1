"""What users of the original met over the years, and must not meet here. Others of that
list have tests elsewhere: more than 1,024 descriptors (test_scale), log directories that
vanish and full disks (test_logs), foreign children of PID 1 (test_pid1), signals to a
child that is gone (test_process_life.c), clocks that are set (test_tick.c and there)."""
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
import xmlrpc.client

import pytest

from harness import alive, fault_of, holds_for, proc_info, read, wait_until
from test_events import got, program, section

CYCLES = int(os.environ.get("REGRESSION_CYCLES", "120"))


def cpu_secs(pid):
    """User and system time so far."""
    fields = read("/proc/%d/stat" % pid).rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idles(d, seconds=1.5):
    before = cpu_secs(d.pid)
    time.sleep(seconds)  # a measurement
    used = cpu_secs(d.pid) - before
    assert used <= 0.2 * seconds, "%.2f s of CPU in %.1f s" % (used, seconds)


# ---- half-closed descriptors ---------------------------------------------------------

@pytest.mark.parametrize("fds", ["0", "1", "2", "012"])
def test_child_that_closes_its_descriptors(box, fds):
    """It runs on; the daemon does not spin."""
    d = box.start(program("a", box.child + "".join(" close " + fd for fd in fds) + " pause"))
    d.wait_state("a", "RUNNING")
    idles(d)
    if "0" in fds:
        assert fault_of(d.sv.sendProcessStdin, "a", "x" * 100)[0] == 20
    d.sv.stopProcess("a")


def test_listener_that_closes_its_input(box):
    d = box.start("[eventlistener:l]\ncommand=%s close 0 out 'READY\\n' pause\n"
                  "events=REMOTE_COMMUNICATION\nstartsecs=0\n" % box.child)
    d.wait_state("l", "RUNNING")
    d.sv.sendRemoteCommEvent("t", "x")
    idles(d)
    assert d.state("l") == "RUNNING"


def test_client_that_closes_half(box):
    """Half of a connection: on a followed log, in the middle of a request, before one."""
    d = box.start(program("a", box.child + " out 'x\\n' pause"))
    d.wait_state("a", "RUNNING")
    clients = []
    for text in (b"GET /logtail/a HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /RPC2 HTTP/1.1\r\nCont", b""):
        s = socket.socket(socket.AF_UNIX)
        s.connect(d.sock)
        s.sendall(text)
        s.shutdown(socket.SHUT_WR)
        clients.append(s)
    idles(d)
    for s in clients:
        s.close()
    assert d.sv.getState()["statename"] == "RUNNING"


# ---- descriptors over many cycles ----------------------------------------------------

def test_no_descriptor_is_left_behind(box):
    """Restart, update, USR2 and a followed log, REGRESSION_CYCLES times."""
    def text(extra):
        return program("a", box.child + " out 'x\\n' pause", stdout_logfile=box.path("a.log")) + (
            program("b", box.child + " pause") if extra else "")
    d = box.start(text(False))
    d.wait_state("a", "RUNNING")

    def cycle(i):
        d.sv.stopProcess("a")
        d.sv.startProcess("a")
        s = socket.socket(socket.AF_UNIX)
        s.connect(d.sock)
        s.sendall(b"GET /logtail/a HTTP/1.1\r\nHost: x\r\n\r\n")
        s.recv(100)
        s.close()
        d.kill(signal.SIGUSR2)
        box.write("sv.conf", box.conf_text(text(i % 2 == 0)))
        added, changed, removed = d.sv.reloadConfig()[0]
        assert changed == []
        for name in removed:
            d.sv.stopProcessGroup(name)
            d.sv.removeProcessGroup(name)
        for name in added:
            d.sv.addProcessGroup(name)
    for i in range(10):
        cycle(i)
    first = proc_info(d.pid)
    for i in range(CYCLES):
        cycle(i)
    wait_until(lambda: len(proc_info(d.pid)["fds"]) <= len(first["fds"]),
               what=lambda: (first["fds"], proc_info(d.pid)["fds"]))
    if box.target.ours and not os.environ.get("ASAN_OPTIONS"):
        assert proc_info(d.pid)["rss_kb"] < first["rss_kb"] + 2000


# ---- races ---------------------------------------------------------------------------

def test_stop_of_what_is_just_ending(box):
    """Programs that end by themselves while they are told to; somewhere among these the
    signal comes too late."""
    names = ["p%d" % i for i in range(10)]
    d = box.start("".join(program(n, box.child + " sleep 0.0%d" % i) for i, n in enumerate(names)))
    for _ in range(10):
        d.sv.startAllProcesses(False)
        time.sleep(random.uniform(0, 0.1))  # the race is the point
        d.sv.stopAllProcesses()
        assert {i["statename"] for i in d.sv.getAllProcessInfo()} <= {"STOPPED", "EXITED"}
    assert "unknown problem killing" not in d.log
    assert d.sv.getState()["statename"] == "RUNNING"


def test_reread_during_a_start(box):
    """A program that is starting, and a client that waits for it, survive an update."""
    d = box.start(program("a", box.child + " pause", startsecs=1, autostart="false"))
    answers = []
    waiter = threading.Thread(target=lambda: answers.append(d.new_rpc().supervisor.startProcess("a")))
    waiter.start()
    d.wait_state("a", "STARTING")
    box.write("sv.conf", box.conf_text(
        program("a", box.child + " pause", startsecs=1, autostart="false") +
        program("b", box.child + " pause")))
    d.ctl("update")
    waiter.join()
    assert answers == [True]
    d.wait_state("b", "RUNNING")


def test_reload_with_clients(box):
    """The addresses are taken again while clients hold connections; a followed log ends."""
    d = box.start(program("a", box.child + " out 'x\\n' pause"))
    d.wait_state("a", "RUNNING")
    follower, idle = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    for s in (follower, idle):
        s.connect(d.sock)
        s.settimeout(20)
    follower.sendall(b"GET /logtail/a HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"200 OK" in follower.recv(4096)
    pid = d.pid_of("a")
    d.sv.restart()
    wait_until(lambda: not alive(pid))

    def anew():
        try:
            return d.new_rpc().supervisor.getProcessInfo("a")["pid"] not in (0, pid)
        except (OSError, xmlrpc.client.Fault):  # it is going, or gone
            return False
    wait_until(anew)
    for s in (follower, idle):
        s.close()
    assert "already listening" not in d.log and d.popen.poll() is None


# ---- failing at once -----------------------------------------------------------------

@pytest.mark.parametrize("options", [
    {"startsecs": 0, "autorestart": "true"},
    {"startsecs": 1, "startretries": 1000000, "autorestart": "true"}])
def test_endless_failures_leave_the_daemon_responsive(box, options):
    d = box.start("".join(program("p%d" % i, box.child + " exit 1", **options) for i in range(30)))
    wait_until(lambda: d.log.count("exited: ") + d.log.count("not expected") > 60)
    before = cpu_secs(d.pid)
    began = time.monotonic()
    slowest = 0
    while time.monotonic() < began + 3:
        asked = time.monotonic()
        d.sv.getState()
        slowest = max(slowest, time.monotonic() - asked)
        time.sleep(0.02)  # poll
    assert slowest < 1.5
    if box.target.ours:
        assert slowest < 0.5
        assert cpu_secs(d.pid) - before < 2


@pytest.mark.differs("the original restarts what was told to stop between two lives")
@pytest.mark.parametrize("method, argument", [("stopProcess", ["a"]), ("stopProcessGroup", ["a"]),
                                              ("stopAllProcesses", [])])
def test_a_stop_between_two_lives(box, method, argument):
    """A program that waits for its restart is not running; told to stop, it stays so."""
    d = box.start(program("a", box.child + " append %s x exit 1" % box.path("lives"),
                          startsecs=0, autorestart="true"))
    wait_until(lambda: box.read("lives").count("x") > 1)
    d.wait_state("a", "EXITED")
    try:
        answer = getattr(d.sv, method)(*argument)
        assert answer == []
    except xmlrpc.client.Fault as f:
        assert f.faultString == "NOT_RUNNING: a"
    lives = box.read("lives")
    holds_for(lambda: d.state("a") == "EXITED" and box.read("lives") == lives, 2)
    assert d.sv.startProcess("a")
    wait_until(lambda: box.read("lives") != lives)


# ---- output that hurts ---------------------------------------------------------------

def test_ten_megabytes_without_newline(box):
    """Into a log, past capture mode, into events: whole, and nobody waits."""
    d = box.start(section(box, "PROCESS_LOG", buffer_size=10000) +
                  program("a", box.child + " flood 10000000 out '\\nend\\n'",
                          stdout_logfile=box.path("o"), stdout_logfile_maxbytes=0,
                          stdout_capture_maxbytes="1KB", stdout_events_enabled="true"))
    wait_until(lambda: (os.path.exists(box.path("o")) and
                        os.path.getsize(box.path("o")) >= 10000000))
    assert d.sv.getState()["statename"] == "RUNNING"
    wait_until(lambda: sum(len(e["body"].partition("\n")[2]) for e in got(box)) >= 10000000)
    assert len(d.sv.readProcessStdoutLog("a", -100, 0)) == 100


def test_control_characters_reach_clients(box):
    """A log full of what XML cannot carry: each client gets an answer."""
    words = "".join("\\x%02x" % i for i in range(1, 32) if i != 10)
    d = box.start(program("a", box.child + " out '%s\\n' pause" % words, stdout_logfile=box.path("o")))
    wait_until(lambda: box.read("o"))
    if box.target.ours:
        assert d.sv.readProcessStdoutLog("a", 0, 0).endswith("\n")
        assert d.sv.tailProcessStdoutLog("a", 0, 1000)[2] is False
    r = d.ctl("tail", "a")
    assert r.rc == 0 or not box.target.ours


# ---- a followed log while things happen to it ------------------------------------------

class Follower:
    def __init__(self, box, d, name):
        self.p = box.popen([box.target.path("supervisorctl"), "-c", d.conf, "tail", "-f", name],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(self.p.stdout.fileno(), False)
        self.text = ""

    def wait(self, pattern):
        def look():
            self.text += (self.p.stdout.read() or b"").decode()
            return re.search(pattern, self.text, re.M)
        wait_until(look, what=lambda: "%r in %r" % (pattern, self.text))


def test_follow_over_clear_rotation_and_removal(box):
    d = box.start(program("a", box.child + " echo", stdout_logfile=box.path("o"),
                          stdout_logfile_maxbytes="1KB", stdout_logfile_backups=2))
    d.wait_state("a", "RUNNING")

    def say(text):
        d.sv.sendProcessStdin("a", text + "\n")
    say("before")
    f = Follower(box, d, "a")
    f.wait("^before$")
    d.sv.clearProcessLogs("a")
    say("cleared")
    f.wait("^cleared$")
    for i in range(30):
        say("%02d %s" % (i, "x" * 60))  # over the edge several times
        if i % 5 == 0:
            wait_until(lambda: "%02d xxx" % i in "".join(box.read(n) for n in ("o", "o.1", "o.2")))
    say("rotated")
    f.wait("^rotated$")
    os.unlink(box.path("o"))
    d.kill(signal.SIGUSR2)
    wait_until(lambda: os.path.exists(box.path("o")))
    say("reopened")
    f.wait("^reopened$")
    assert box.read("o") == "reopened\n"
    assert d.sv.getState()["statename"] == "RUNNING"


def test_log_removed_behind_our_back(box):
    """Written on into the file that has no name, as upstream; USR2 makes a new one."""
    d = box.start(program("a", box.child + " echo", stdout_logfile=box.path("o")))
    d.wait_state("a", "RUNNING")
    d.sv.sendProcessStdin("a", "one\n")
    d.wait_file("o", "one")
    os.unlink(box.path("o"))
    os.unlink(box.path("supervisord.log"))
    d.sv.sendProcessStdin("a", "two\n")
    d.kill(signal.SIGUSR2)
    wait_until(lambda: os.path.exists(box.path("o")) and
               os.path.exists(box.path("supervisord.log")))
    d.sv.sendProcessStdin("a", "three\n")
    d.wait_file("o", "three")
    holds_for(lambda: "one" not in box.read("o"), 0.1)
