"""As PID 1 of a container: an empty root, orphans, TERM."""
import os
import re
import shutil
import signal
import subprocess

import pytest

from harness import (Daemon, alive, children, holds_for, kill, proc_info, read, wait_rpc,
                     wait_until)


@pytest.fixture
def unshare(root):
    r = subprocess.run(["unshare", "--pid", "--mount", "--fork", "true"], capture_output=True)
    if r.returncode != 0:
        pytest.skip("no new PID namespace here: " + r.stderr.decode().strip())
    return ["unshare", "--pid", "--mount", "--fork", "--kill-child"]


def init_pid(box, unshare_pid):
    """The host's view of the namespace's PID 1."""
    return wait_until(lambda: children(unshare_pid))[0]


CONF = """
[supervisord]
nodaemon=true
logfile=/dev/stdout
logfile_maxbytes=0
[program:a]
command=/child trap HUP out 'hello from a\\n' pause
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
stderr_logfile=NONE
startsecs=0
"""


@pytest.mark.differs("the original needs Python and its files in the root")
def test_root_with_nothing_but_us(box, unshare):
    """The binary, a configuration, and (to see anything at all) one program."""
    top = box.path("root")
    os.mkdir(top)
    if box.target.dynamic:
        pytest.skip("this build needs shared libraries (sanitizers)")
    shutil.copy(os.path.realpath(box.target.path("supervisord")), top + "/supervisord")
    shutil.copy(box.child, top + "/child")
    box.write("root/supervisord.conf", CONF)
    # Its root is read-only, and has no /proc, no /dev, no /etc, no /tmp.
    script = ("mount --bind {0} {0} && mount -o remount,ro,bind {0} && cd {0} && "
              "exec chroot . /supervisord -c /supervisord.conf").format(top)
    out = box.path("supervisord.out")
    p = box.popen([*unshare, "sh", "-c", script], stdout=open(out, "wb"),
                  stderr=open(box.path("supervisord.err"), "wb"), env={"PATH": os.environ["PATH"]})
    wait_until(lambda: "hello from a" in read(out) or p.poll() is not None)
    assert p.poll() is None, read(out) + box.read("supervisord.err")
    pid = init_pid(box, p.pid)
    assert re.search(r"spawned: 'a' with pid \d+", read(out))
    assert re.search(r"success: a entered RUNNING", read(out))
    assert sorted(os.listdir(top)) == ["child", "supervisord", "supervisord.conf"]
    child = children(pid)[0]
    # A kill -9 brings it back.
    kill(child)
    wait_until(lambda: read(out).count("hello from a") == 2)
    kill(pid, signal.SIGTERM)
    assert p.wait(20) == 0
    assert "received SIGTERM indicating exit request" in read(out)
    assert "stopped: a (terminated by SIGTERM)" in read(out)


def start_as_init(box, unshare, text, **kw):
    conf = box.write("sv.conf", box.conf_text(text, **kw))
    p = box.launch(conf, prefix=unshare)
    d = Daemon(box, p, conf, box.path("sv.sock"))
    box.daemons.append(d)
    wait_rpc(box.path("sv.sock"))
    d.pid = init_pid(box, p.pid)
    return d


def test_orphans_are_reaped(box, unshare):
    d = start_as_init(box, unshare, "[program:a]\ncommand=%s orphan orphan orphan pause\n"
                      "startsecs=0\n" % box.child)
    d.wait_log(r"INFO reaped unknown pid \d+ \(exit status 7\)$", count=3)
    assert d.sv.getPID() == 1
    holds_for(lambda: d.state("a") == "RUNNING", 0.2)
    states = [proc_info(c)["state"] for c in children(d.pid)]
    assert "Z" not in states


def test_term_and_hup_as_init(box, unshare):
    d = start_as_init(box, unshare, "[program:a]\ncommand=%s pause\nstartsecs=0\n" % box.child)
    d.wait_state("a", "RUNNING")
    kill(d.pid, signal.SIGHUP)
    d.wait_log("supervisord started with pid 1$", count=2)
    wait_until(lambda: _up(d))
    kill(d.pid, signal.SIGTERM)
    assert d.popen.wait(20) == 0
    assert not alive(d.pid)


def _up(d):
    try:
        return d.new_rpc().supervisor.getProcessInfo("a")["statename"] == "RUNNING"
    except Exception:
        return None
