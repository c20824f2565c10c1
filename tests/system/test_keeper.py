"""keeper=true: kill -9 of either process loses nothing that anybody could notice."""
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import xmlrpc.client

import pytest

from harness import (TIMEOUT, alive, children, descendants, is_user, kill, proc_info, read,
                     wait_until)

pytestmark = pytest.mark.differs("the original has no keeper")

KEEPER = "keeper=true"


def program(name, command, **options):
    lines = ["[program:%s]" % name, "command=%s" % command]
    return "\n".join(lines + ["%s=%s" % kv for kv in options.items()]) + "\n"


def counting(box, count, **options):
    return "".join(program("c%d" % i, box.child + " lines 5",
                           stdout_logfile=box.path("c%d.log" % i), startsecs=0, **options)
                   for i in range(count))


def main_pid(box):
    """The pid that the world knows."""
    text = read(box.path("supervisord.pid")).strip()
    return int(text) if text else 0


def cmdline(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return f.read()
    except OSError:
        return b""


def worker(box):
    """The supervisord under the keeper; 0 when there is none for now."""
    keeper = main_pid(box)
    found = [p for p in children(keeper) if cmdline(p) and cmdline(p) == cmdline(keeper)
             and alive(p)]
    return found[0] if len(found) == 1 else 0


def calls(d, method, *args):
    """A call that is made again when supervisord dies while it answers."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            return getattr(d.new_rpc().supervisor, method)(*args)
        except (OSError, xmlrpc.client.ProtocolError, EOFError) as e:
            assert time.monotonic() < deadline, e
        except Exception as e:  # cut short in the middle of an answer
            assert "RemoteDisconnected" in repr(e) or "IncompleteRead" in repr(e), e
            assert time.monotonic() < deadline, e


def pids(d):
    return {p["name"]: p["pid"] for p in calls(d, "getAllProcessInfo")}


def check_lines(box, name, lives=1):
    """Every life's numbers are 1, 2, 3 ... without gap or double."""
    last = {}
    text = read(box.path(name + ".log"))
    for line in text[:text.rindex("\n")].split("\n"):
        pid, number = map(int, line.split())
        assert number == last.get(pid, 0) + 1, "%s: %s after %s" % (name, line, last)
        last[pid] = number
    assert len(last) == lives, last
    return sum(last.values())


def kill_worker(box):
    pid = wait_until(lambda: worker(box), what="a supervisord under the keeper")
    kill(pid)
    wait_until(lambda: worker(box) not in (0, pid), what="the next one")
    return pid


def test_two_processes(box):
    d = box.start(counting(box, 1), supervisord=KEEPER)
    assert main_pid(box) == d.pid == d.sv.getPID()
    assert d.ctl("pid").out == "%d\n" % d.pid
    s = wait_until(lambda: worker(box))
    pid = d.wait_state("c0", "RUNNING")["pid"]
    assert children(s) == [pid]
    assert d.stop() == 0
    assert not alive(s) and not alive(pid)
    assert not os.path.exists(box.path("supervisord.pid"))
    assert not os.path.exists(box.path("sv.sock"))


def test_kill_supervisord_again_and_again(box):
    d = box.start(counting(box, 10), supervisord=KEEPER)
    for i in range(10):
        d.wait_state("c%d" % i, "RUNNING")
    before = pids(d)
    random.seed(7)
    killed = []
    for _ in range(25):
        killed.append(kill_worker(box))
        assert calls(d, "getPID") == d.pid
        time.sleep(random.random() * 0.05)  # poll
    assert pids(d) == before and len(set(killed)) == 25
    d.wait_log(r"CRIT supervisord \(pid %d\) was ended \(terminated by SIGKILL\)" % killed[-1])
    before_lines = check_lines(box, "c0")
    wait_until(lambda: check_lines(box, "c0") > before_lines + 20)
    assert calls(d, "stopAllProcesses")
    for i in range(10):
        check_lines(box, "c%d" % i)
    assert d.log.count("spawned: 'c0'") == 1
    assert d.stop() == 0


def test_exits_while_it_dies(box):
    """Programs that live for a moment: each life is counted, none is lost."""
    text = "".join(program("s%d" % i, "%s append %s x sleep 0.05 exit 3"
                           % (box.child, box.path("s%d.txt" % i)), startsecs=0,
                           autorestart="true") for i in range(5))
    d = box.start(text, supervisord=KEEPER)
    for _ in range(20):
        kill_worker(box)
        time.sleep(random.random() * 0.1)  # poll
    for i in range(5):
        seen = len(read(box.path("s%d.txt" % i)))
        wait_until(lambda: len(read(box.path("s%d.txt" % i))) > seen)
    calls(d, "stopAllProcesses")
    for i in range(5):
        lives = len(read(box.path("s%d.txt" % i)).splitlines())
        assert d.log.count("spawned: 's%d'" % i) in (lives, lives + 1)
        assert d.log.count("exited: s%d (exit status 3; not expected)" % i) >= lives - 1
    assert "exit status unknown" not in d.log and "reaped unknown" not in d.log
    assert d.stop() == 0


def test_children_of_a_dead_one(box):
    """Their exits come through the keeper, with status; stop and restart work."""
    d = box.start(program("a", box.child + " onsig USR1 7 pause")
                  + program("b", box.child + " pause") + program("c", box.child + " pause"),
                  supervisord=KEEPER)
    before = {name: d.wait_state(name, "RUNNING")["pid"] for name in "abc"}
    kill_worker(box)
    calls(d, "signalProcess", "a", "USR1")
    d.wait_log(r"exited: a \(exit status 7; not expected\)")
    wait_until(lambda: pids(d)["a"] not in (0, before["a"]))
    assert d.ctl("stop", "b").out == "b: stopped\n"
    d.ctl("restart", "c")
    assert d.wait_state("c", "RUNNING")["pid"] != before["c"]
    assert not any(map(alive, before.values()))


@pytest.mark.parametrize("sig,what", [(signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "SIGINT")])
def test_signals_to_the_keeper(box, sig, what):
    d = box.start(counting(box, 2), supervisord=KEEPER)
    pid = d.wait_state("c0", "RUNNING")["pid"]
    kill_worker(box)
    d.kill(sig)
    assert d.wait_exit() == 0
    d.wait_log("received %s indicating exit request" % what)
    assert not alive(pid) and not children(d.pid)


def test_term_while_there_is_nobody(box):
    """Sent as supervisord dies: the next one hears of it."""
    for _ in range(3):
        d = box.start(counting(box, 2), supervisord=KEEPER)
        s = wait_until(lambda: worker(box))
        kill(s)
        d.kill(signal.SIGTERM)
        assert d.wait_exit() == 0


def test_restart_and_reopen_by_signal(box):
    d = box.start(counting(box, 1) + program("o", box.child + " orphan pause"),
                  supervisord=KEEPER)
    pid = d.wait_state("c0", "RUNNING")["pid"]
    d.wait_log(r"reaped unknown pid \d+ \(exit status 7\)")
    d.kill(signal.SIGUSR2)
    d.wait_log("received SIGUSR2 indicating log reopen request")
    d.kill(signal.SIGHUP)
    wait_until(lambda: d.log.count("supervisord started with pid %d" % d.pid) == 2)
    wait_until(lambda: not alive(pid))
    wait_until(lambda: pids(d)["c0"] not in (0, pid))
    assert main_pid(box) == d.pid
    d.wait_log(r"reaped unknown pid \d+ \(exit status 7\)", count=2)
    new = pids(d)["c0"]
    kill_worker(box)
    assert pids(d)["c0"] == new
    assert d.stop() == 0


def test_kill_the_keeper(box):
    d = box.start(counting(box, 5), supervisord=KEEPER)
    for i in range(5):
        d.wait_state("c%d" % i, "RUNNING")
    before = pids(d)
    for _ in range(3):
        kill_worker(box)  # programs of several fathers
        keeper, s = main_pid(box), wait_until(lambda: worker(box))
        kill(keeper)
        wait_until(lambda: main_pid(box) == s, what="the pidfile names the new keeper")
        wait_until(lambda: worker(box))
        assert calls(d, "getPID") == s
        assert pids(d) == before
    kill(before["c1"], signal.SIGTERM)  # by now a child of nobody we know
    wait_until(lambda: pids(d)["c1"] not in (0, before["c1"]))
    d.wait_file("c1.log", "^%d 3$" % pids(d)["c1"])
    d.wait_log(r"exited: c1 \((terminated by SIGTERM|exit status unknown); not expected\)")
    for i in range(5):
        check_lines(box, "c%d" % i, lives=2 if i == 1 else 1)
    assert d.log.count("spawned: 'c0'") == 1
    last = main_pid(box)
    kill(last, signal.SIGTERM)
    wait_until(lambda: not alive(last))
    assert not any(map(alive, before.values()))
    assert not os.path.exists(box.path("supervisord.pid"))


def test_both_killed_then_adopted(box):
    text = counting(box, 2)
    d = box.start(text, supervisord=KEEPER + "\nadopt=true")
    before = {name: d.wait_state(name, "RUNNING")["pid"] for name in ("c0", "c1")}
    s = wait_until(lambda: worker(box))
    os.kill(s, signal.SIGSTOP)  # so that it cannot become a keeper
    kill(d.pid)
    kill(s)
    d.wait_exit()
    wait_until(lambda: not alive(s))
    d = box.start(text, supervisord=KEEPER + "\nadopt=true")
    assert pids(d) == before
    kill_worker(box)
    assert pids(d) == before
    assert d.stop() == 0
    assert not any(map(alive, before.values()))


def test_orphans_are_reaped(box):
    d = box.start(program("o", box.child + " orphan pause"), supervisord=KEEPER)
    d.wait_state("o", "RUNNING")
    d.wait_log(r"reaped unknown pid \d+ \(exit status 7\)")
    left = [p for p in descendants(d.pid) if not alive(p)]
    assert left == []


def test_daemon_with_a_keeper(box):
    text = counting(box, 1)
    conf = box.write("sv.conf", box.conf_text(text, supervisord=KEEPER))
    assert box.run("supervisord", "-c", conf).rc == 0
    wait_until(lambda: main_pid(box) and worker(box))
    keeper = main_pid(box)
    r = wait_until(lambda: "RUNNING" in box.ctl("status").out)
    assert r and box.ctl("pid").out == "%d\n" % keeper
    s = worker(box)
    kill(s)
    wait_until(lambda: worker(box) not in (0, s))
    assert "RUNNING" in wait_until(lambda: box.ctl("status", "c0").out)
    assert box.ctl("shutdown").out == "Shut down\n"
    wait_until(lambda: not alive(keeper))


def test_crash_of_supervisord(box):
    d = box.start(counting(box, 2), supervisord=KEEPER)
    before = pids(d)
    for sig, name in ((signal.SIGSEGV, "SIGSEGV"), (signal.SIGABRT, "SIGABRT")):
        s = wait_until(lambda: worker(box))
        kill(s, sig)
        wait_until(lambda: worker(box) not in (0, s))
        d.wait_log(r"CRIT supervisord crashed: %s" % name)
        d.wait_log(r"CRIT supervisord \(pid %d\) was ended \(terminated by %s" % (s, name))
    assert pids(d) == before
    assert d.stop() == 0
    check_lines(box, "c0")


def test_upgrade(box):
    """The keeper executes the new binary; nobody else notices."""
    d = box.start(counting(box, 2), supervisord=KEEPER)
    d.wait_state("c0", "RUNNING")
    before, s = pids(d), wait_until(lambda: worker(box))
    new = box.path("newer")
    shutil.copy(os.path.realpath(box.target.path("supervisord")), new)
    calls(d, "upgrade", new)
    wait_until(lambda: not alive(s))
    wait_until(lambda: worker(box))
    assert os.readlink("/proc/%d/exe" % d.pid) == new
    assert os.readlink("/proc/%d/exe" % worker(box)) == new
    assert pids(d) == before and main_pid(box) == d.pid
    kill_worker(box)  # the old fallback is forgotten
    assert pids(d) == before
    assert d.stop() == 0
    check_lines(box, "c0")


def test_upgrade_that_is_refused(box):
    d = box.start(counting(box, 1), supervisord=KEEPER)
    before, s = pids(d), wait_until(lambda: worker(box))
    bad = box.write("bad", "#!/bin/sh\necho no\nexit 1\n", 0o755)
    with pytest.raises(xmlrpc.client.Fault):
        d.sv.upgrade(bad)
    assert worker(box) == s and pids(d) == before


def test_record_that_is_no_good(box):
    """Nobody can go on: the programs are ended, and all begins anew."""
    d = box.start(counting(box, 2), supervisord=KEEPER)
    before = pids(d)
    memory = next(fd for fd, path in proc_info(d.pid)["fds"].items()
                  if "memfd:supervisor-state" in path)
    s = wait_until(lambda: worker(box))
    os.kill(s, signal.SIGSTOP)
    with open("/proc/%d/fd/%d" % (d.pid, memory), "r+b") as f:
        size = f.seek(0, 2)
        f.seek(512 * 1024)
        f.write(b"\0" * (size - 512 * 1024))
    kill(s, signal.SIGABRT)
    kill(s)
    wait_until(lambda: not any(map(alive, before.values())))
    wait_until(lambda: d.log.count("supervisord started with pid %d" % d.pid) == 2)
    wait_until(lambda: worker(box))
    after = pids(d)
    assert set(after) == set(before) and not set(after.values()) & set(before.values())
    kill_worker(box)
    assert pids(d) == after
    assert d.stop() == 0


LISTENER = """\
import os, sys
out = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
while True:
    os.write(1, b"READY\\n")
    head = dict(w.split(":") for w in sys.stdin.readline().split())
    sys.stdin.read(int(head["len"]))
    os.write(out, ("%s\\n" % head["serial"]).encode())
    os.write(1, b"RESULT 2\\nOK")
"""


def test_events_go_on(box):
    """Each event comes, perhaps twice, in order, to the same listener."""
    script = box.write("listener.py", LISTENER)
    d = box.start(counting(box, 1) + "[eventlistener:l]\ncommand=%s -u -S %s %s\n"
                  "events=REMOTE_COMMUNICATION\nbuffer_size=1000\nstartsecs=0\n"
                  % (sys.executable, script, box.path("serials")), supervisord=KEEPER)
    before = pids(d)
    for n in range(60):
        calls(d, "sendRemoteCommEvent", "t", "x")
        if n % 4 == 3:
            kill(wait_until(lambda: worker(box)))
    wait_until(lambda: len(set(read(box.path("serials")).split())) >= 60,
               what=lambda: read(box.path("serials")) + d.ctl("status").out)
    got = [int(s) for s in read(box.path("serials")).split()]
    # a call that was cut off may have sent its event, and was made again
    assert sorted(got) == got and set(got) == set(range(got[0], got[-1] + 1))
    assert pids(d) == before
    assert d.stop() == 0


def test_no_connection_is_refused(box):
    d = box.start(counting(box, 1), supervisord=KEEPER)
    refused, done, made = [], threading.Event(), []

    def client():
        while not done.is_set():
            with socket.socket(socket.AF_UNIX) as s:
                try:
                    s.connect(box.path("sv.sock"))
                    made.append(1)
                except OSError as e:
                    refused.append(e)
            time.sleep(0.001)  # poll

    thread = threading.Thread(target=client)
    thread.start()
    for _ in range(10):
        kill_worker(box)
    done.set()
    thread.join()
    assert not refused and len(made) > 50
    assert d.stop() == 0


def test_as_another_user(box, root):
    who = is_user("nobody") or pytest.skip("no user nobody")
    os.chown(box.dir, who.pw_uid, who.pw_gid)
    d = box.start(counting(box, 2), supervisord=KEEPER + "\nuser=nobody")
    before = pids(d)
    kill_worker(box)
    s = wait_until(lambda: worker(box))
    assert proc_info(s)["uid"] == proc_info(d.pid)["uid"] == who.pw_uid
    kill(d.pid)
    wait_until(lambda: main_pid(box) == s and worker(box))
    assert pids(d) == before
    kill(s, signal.SIGTERM)
    wait_until(lambda: not alive(s))
    check_lines(box, "c0")


def test_children_see_nothing_of_it(box):
    """Descriptors, signals, environment and parent's death are as without a keeper."""
    d = box.start(program("a", box.child + " pause", startsecs=0),
                  supervisord=KEEPER + "\non_supervisor_death=stop")
    first = d.proc("a")
    kill_worker(box)
    assert alive(first["pid"])
    calls(d, "stopProcess", "a")
    calls(d, "startProcess", "a")
    for info in (first, d.proc("a")):
        assert sorted(info["fds"]) == [0, 1, 2]
        assert info["sigblk"] == 0 and info["sigign"] == 0
        assert "SUPERVISOR_HANDOFF" not in info["env"]
        assert info["pgid"] == info["pid"]
    assert d.stop() == 0


def test_as_process_1(box, root):
    r = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "true"],
                       capture_output=True)
    if r.returncode != 0:
        pytest.skip("no new PID namespace here: " + r.stderr.decode().strip())
    d = box.start(counting(box, 2), supervisord=KEEPER,
                  prefix=["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"])
    keeper = wait_until(lambda: children(d.popen.pid))[0]
    before = pids(d)

    def inner():
        found = [p for p in children(keeper) if cmdline(p) == cmdline(keeper) and alive(p)]
        return found[0] if len(found) == 1 else 0

    for _ in range(5):
        s = wait_until(inner)
        kill(s)
        wait_until(lambda: inner() not in (0, s))
        assert calls(d, "getPID") == 1 and pids(d) == before
    kill(keeper, signal.SIGTERM)
    assert d.wait_exit() == 0
    check_lines(box, "c0")
