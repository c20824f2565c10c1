"""pidproxy: runs a command and passes signals to the pid in a file."""
import os
import signal
import subprocess

import pytest

from harness import TIMEOUT, alive, wait_until


@pytest.fixture
def proxy(box):
    """Starts pidproxy around a helper that is not the one in the pidfile."""
    def start(*command, pidfile=None):
        return box.popen([box.target.path("pidproxy"), pidfile or box.path("pid"), *command],
                         stdout=open(box.path("proxy.out"), "wb"), stderr=subprocess.STDOUT)
    return start


def other(box, *args):
    """The process the pidfile names."""
    p = box.popen([box.child, *args, "out", "ready", "pause"], stdout=open(box.path("out"), "wb"))
    wait_until(lambda: "ready" in box.read("out"))
    box.write("pid", "%d\n" % p.pid)
    return p


@pytest.mark.parametrize("signame", ["HUP", "USR1", "USR2"])
def test_signal_is_passed_on(box, proxy, signame):
    other(box, "trap", signame)
    p = proxy(box.child, "append", box.path("up"), "x", "pause")
    wait_until(lambda: box.read("up"))
    p.send_signal(getattr(signal, "SIG" + signame))
    wait_until(lambda: "got " + signame in box.read("out"))
    assert p.poll() is None


@pytest.mark.parametrize("signame", ["TERM", "INT", "QUIT"])
def test_ends_with_0_after(box, proxy, signame):
    other(box, "trap", signame)
    p = proxy(box.child, "append", box.path("up"), "x", "pause")
    wait_until(lambda: box.read("up"))
    p.send_signal(getattr(signal, "SIG" + signame))
    assert p.wait(TIMEOUT) == 0
    wait_until(lambda: "got " + signame in box.read("out"))


def test_pidfile_is_read_for_each_signal(box, proxy):
    first = other(box, "trap", "HUP")
    p = proxy(box.child, "append", box.path("up"), "x", "pause")
    wait_until(lambda: box.read("up"))
    p.send_signal(signal.SIGHUP)
    wait_until(lambda: "got HUP" in box.read("out"))
    first.kill()
    other(box, "trap", "HUP")
    p.send_signal(signal.SIGHUP)
    wait_until(lambda: "got HUP" in box.read("out"))


def test_missing_pidfile_is_survived(box, proxy):
    p = proxy(box.child, "append", box.path("up"), "x", "pause")
    wait_until(lambda: box.read("up"))
    p.send_signal(signal.SIGHUP)
    p.send_signal(signal.SIGTERM)
    wait_until(lambda: "Can't read child pidfile %s!" % box.path("pid") in box.read("proxy.out")
               or box.target.name == "oracle")  # its stdout is a buffered file
    assert p.poll() is None


def test_ends_with_its_command(box, proxy):
    p = proxy(box.child, "sleep", "0.1")
    assert p.wait(TIMEOUT) == 0  # the original looks every five seconds only


def test_usage(box):
    r = box.run("pidproxy")
    assert r.rc == 1 and "pidproxy" in r.out + r.err


@pytest.mark.differs("the original raises OSError and dies with a traceback")
def test_pid_that_is_gone(box, proxy):
    p = other(box)
    p.kill()
    p.wait()
    q = proxy(box.child, "append", box.path("up"), "x", "pause")
    wait_until(lambda: box.read("up"))
    q.send_signal(signal.SIGHUP)
    q.send_signal(signal.SIGTERM)
    assert q.wait(TIMEOUT) == 0


def test_under_supervisord(box):
    """The way it is used: a program that goes to the background and leaves a pidfile."""
    box.write("start.sh", "#!/bin/sh\n%s trap HUP onsig TERM 0 out up pause > %s &\n"
              "echo $! > %s\n" % (box.child, box.path("out"), box.path("pid"))
              + "while kill -0 $(cat %s) 2>/dev/null; do sleep 0.1; done\n" % box.path("pid"),
              0o755)
    d = box.start("[program:p]\ncommand=%s %s %s\nstartsecs=0\n"
                  % (box.target.path("pidproxy"), box.path("pid"), box.path("start.sh")))
    wait_until(lambda: "up" in box.read("out") and box.read("pid").endswith("\n"))
    pid = int(box.read("pid"))
    d.sv.signalProcess("p", "HUP")
    wait_until(lambda: "got HUP" in box.read("out"))
    d.sv.stopProcess("p")
    wait_until(lambda: not alive(pid))
    assert os.path.exists(box.path("pid"))
