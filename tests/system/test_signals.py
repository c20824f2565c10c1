"""Signals to supervisord: TERM, INT, QUIT, HUP, USR2, CHLD."""
import os
import re
import signal
import xmlrpc.client

import pytest

from harness import alive, fault_of, holds_for, kill, wait_until


def program(name, command, **options):
    options.setdefault("startsecs", 0)
    lines = ["[program:%s]" % name, "command=%s" % command]
    return "\n".join(lines + ["%s=%s" % kv for kv in options.items()]) + "\n"


@pytest.mark.parametrize("signame", ["TERM", "INT", "QUIT"])
def test_shutdown(box, signame):
    d = box.start(program("a", box.child + " pause") + program("b", box.child + " pause"))
    pids = [d.wait_state(n, "RUNNING")["pid"] for n in "ab"]
    d.kill(getattr(signal, "SIG" + signame))
    assert d.wait_exit() == 0
    assert not any(alive(p) for p in pids)
    d.wait_log(r"WARN received SIG%s indicating exit request$" % signame)
    d.wait_log(r"INFO waiting for (a, b|b, a) to die$")
    assert not os.path.exists(d.sock) and not os.path.exists(box.path("supervisord.pid"))


def slow(box, **options):
    """A program that takes a while to stop."""
    return program("slow", box.child + " ignore TERM out ready pause", stopwaitsecs=2,
                   stdout_logfile=box.path("slow.log"), **options)


def test_calls_during_a_shutdown(box):
    d = box.start(slow(box))
    d.wait_file("slow.log", "ready")
    d.kill(signal.SIGTERM)
    d.wait_log("received SIGTERM")
    rpc = d.new_rpc()
    for call, args in ((rpc.supervisor.getState, ()), (rpc.supervisor.startProcess, ("slow",)),
                       (rpc.supervisor.getAllProcessInfo, ()), (rpc.supervisor.shutdown, ())):
        assert fault_of(call, *args) == (6, "SHUTDOWN_STATE")
    assert d.wait_exit() == 0


@pytest.mark.parametrize("second", ["TERM", "INT", "QUIT"])
def test_second_signal_breaks_nothing(box, second):
    d = box.start(slow(box))
    d.wait_file("slow.log", "ready")
    pid = d.pid_of("slow")
    d.kill(signal.SIGTERM)
    d.wait_log("received SIGTERM")
    d.kill(getattr(signal, "SIG" + second))
    d.kill(getattr(signal, "SIG" + second))
    assert alive(pid)
    assert d.wait_exit() == 0
    assert not alive(pid)
    d.wait_log(r"WARN killing 'slow' \(%d\) with SIGKILL$" % pid)
    assert "Traceback" not in d.err


def test_hup_during_a_shutdown_is_ignored(box):
    d = box.start(slow(box))
    d.wait_file("slow.log", "ready")
    d.kill(signal.SIGTERM)
    d.wait_log("received SIGTERM")
    d.kill(signal.SIGHUP)
    assert d.wait_exit() == 0
    d.wait_log(r"WARN ignored SIGHUP indicating restart request \(shutdown in progress\)$")


def test_hup_reads_the_file_again(box):
    d = box.start(program("old", box.child + " pause") + program("both", box.child + " pause"))
    pids = [d.wait_state(n, "RUNNING")["pid"] for n in ("old", "both")]
    box.write("sv.conf", box.conf_text(program("new", box.child + " pause")
                                       + program("both", box.child + " pause")))
    d.kill(signal.SIGHUP)
    d.wait_log(r"WARN received SIGHUP indicating restart request$")
    d.wait_log("supervisord started with pid %d" % d.pid, count=2)

    def names():
        try:
            return {p["name"] for p in d.new_rpc().supervisor.getAllProcessInfo()}
        except Exception:
            return None
    wait_until(lambda: names() == {"new", "both"})
    d.rpc = d.new_rpc()
    d.sv = d.rpc.supervisor
    d.wait_state("new", "RUNNING")
    assert not any(alive(p) for p in pids)
    assert d.wait_state("both", "RUNNING")["pid"] not in pids
    assert box.read("supervisord.pid") == "%d\n" % d.pid


def test_restart_call(box):
    d = box.start(program("a", box.child + " pause"))
    first = d.wait_state("a", "RUNNING")["pid"]
    assert d.sv.restart() is True
    d.wait_log("supervisord started with pid %d" % d.pid, count=2)

    def again():
        try:
            info = d.new_rpc().supervisor.getProcessInfo("a")
            return info["statename"] == "RUNNING" and info["pid"] != first
        except Exception:
            return None
    wait_until(again)


@pytest.mark.differs("the original stops everything and exits with 2")
@pytest.mark.parametrize("broken", [
    "[program:a]\ncommand=x\nautostart=maybe\n", "junk without a section\n[", None])
def test_hup_with_a_broken_file(box, broken):
    """Everything keeps running with the old configuration, and the log says why."""
    d = box.start(program("a", box.child + " pause"))
    pid = d.wait_state("a", "RUNNING")["pid"]
    good = box.read("sv.conf")
    if broken is None:
        os.unlink(d.conf)
    else:
        box.write("sv.conf", box.conf_text(broken))
    d.kill(signal.SIGHUP)
    d.wait_log("received SIGHUP")
    d.wait_log({None: "sv.conf"}.get(broken, "maybe" if broken and "maybe" in broken else
                                     "junk|parsing"))
    holds_for(lambda: d.pid_of("a") == pid and alive(pid), 0.5)
    assert d.sv.getState()["statename"] == "RUNNING"
    # A good file is taken again.
    box.write("sv.conf", good + program("b", box.child + " pause"))
    d.kill(signal.SIGHUP)

    def there():
        try:
            return d.new_rpc().supervisor.getProcessInfo("b")["statename"] == "RUNNING"
        except Exception:
            return None
    wait_until(there)


@pytest.mark.differs("the original stops everything and exits with 2")
def test_reload_with_a_broken_file(box):
    """The same holds for supervisorctl reload."""
    d = box.start(program("a", box.child + " pause"))
    pid = d.wait_state("a", "RUNNING")["pid"]
    box.write("sv.conf", box.conf_text("[program:a]\ncommand=x\nautostart=maybe\n"))
    try:
        d.sv.restart()
    except xmlrpc.client.Fault as e:
        assert e.faultCode == 92
    d.wait_log("maybe")
    holds_for(lambda: d.new_rpc().supervisor.getProcessInfo("a")["pid"] == pid, 0.5)


def test_chld(box):
    d = box.start(program("a", box.child + " pause", autorestart="false"),
                  supervisord="loglevel=debug")
    pid = d.wait_state("a", "RUNNING")["pid"]
    kill(pid)
    d.wait_state("a", "EXITED")
    d.wait_log(r"DEBG received SIGCHLD indicating a child quit$")
    # A stray SIGCHLD hurts nobody.
    d.kill(signal.SIGCHLD)
    assert d.sv.getState()["statecode"] == 1


def test_many_die_at_once(box):
    """SIGCHLD merges; every death is seen, and soon."""
    n = 60
    d = box.start("[program:a]\ncommand=%s pause\nprocess_name=p%%(process_num)d\nnumprocs=%d\n"
                  "startsecs=0\nautorestart=false\n" % (box.child, n))
    wait_until(lambda: all(p["statename"] == "RUNNING" for p in d.sv.getAllProcessInfo()))
    for p in d.sv.getAllProcessInfo():
        kill(p["pid"])
    wait_until(lambda: all(p["statename"] == "EXITED" for p in d.sv.getAllProcessInfo()))
    assert len(re.findall(r"WARN exited: p\d+ \(terminated by SIGKILL; not expected\)",
                          d.log)) == n


def test_ignored_signals_do_not_kill(box):
    """A closed terminal or client does not take supervisord down."""
    d = box.start(program("a", box.child + " pause"))
    d.wait_state("a", "RUNNING")
    d.kill(signal.SIGPIPE)
    holds_for(lambda: alive(d.pid), 0.2)
    assert d.sv.getState()["statecode"] == 1


@pytest.mark.differs("the original dies of a signal that it does not know, and its programs stay alone")
def test_strays_do_not_kill(box):
    """Signals that were meant for somebody else; programs have none of them ignored."""
    d = box.start(program("a", box.child + " pause"))
    pid = d.wait_state("a", "RUNNING")["pid"]
    for name in ("USR1", "ALRM", "VTALRM", "PROF", "IO", "PWR", "XFSZ"):
        d.kill(getattr(signal, "SIG" + name))
        assert d.sv.getState()["statecode"] == 1
    assert d.pid_of("a") == pid and d.proc("a")["sigign"] == 0
