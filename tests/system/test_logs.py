"""What children write, and the activity log: rotation, special names, full disks."""
import os
import re
import signal
import socket
import stat
import subprocess

import pytest

from harness import Daemon, alive, holds_for, kill, read, rpc_unix, wait_rpc, wait_until


def program(name, command, **options):
    lines = ["[program:%s]" % name, "command=%s" % command]
    options.setdefault("startsecs", 0)
    options.setdefault("autorestart", "false")
    return "\n".join(lines + ["%s=%s" % kv for kv in options.items()]) + "\n"


def numbered(n):
    """What the helper's "fill" writes."""
    out = b""
    for at in range((n + 63) // 64):
        size = min(n - 64 * at, 64)
        line = b"%08d " % at
        out += line[:size - 1] + b"x" * (size - 1 - len(line)) + b"\n"
    return out


# ---- where output goes -------------------------------------------------------------

def test_output_is_byte_exact(box):
    d = box.start(program("a", box.child + r" out 'x\x00\xff\x1b[0m\n' err 'e\n'",
                          stdout_logfile=box.path("o"), stderr_logfile=box.path("e")))
    d.wait_state("a", "EXITED")
    with open(box.path("o"), "rb") as f:
        assert f.read() == b"x\0\xff\x1b[0m\n"
    assert box.read("e") == "e\n"


def test_last_output_is_in_the_log(box):
    """200 KB written at the last moment: all there before the exit is reported."""
    d = box.start(program("a", box.child + " fill 200000", stdout_logfile=box.path("o"),
                          stdout_logfile_maxbytes=0))
    d.wait_state("a", "EXITED")
    with open(box.path("o"), "rb") as f:
        got = f.read()
    assert got == numbered(200000)


def test_log_files_are_appended(box):
    box.write("o", "before\n")
    d = box.start(program("a", box.child + r" out 'now\n'", stdout_logfile=box.path("o")))
    d.wait_state("a", "EXITED")
    assert box.read("o") == "before\nnow\n"
    d.sv.startProcess("a", False)
    wait_until(lambda: box.read("o") == "before\nnow\nnow\n")


def test_redirect_stderr(box):
    d = box.start(program("a", box.child + r" out '1\n' err '2\n' out '3\n'",
                          redirect_stderr="true", stdout_logfile=box.path("o")))
    d.wait_state("a", "EXITED")
    assert box.read("o") == "1\n2\n3\n"
    assert d.sv.readProcessStdoutLog("a", 0, 0) == "1\n2\n3\n"


@pytest.mark.parametrize("name", ["AUTO", "auto"])
def test_auto(box, name):
    d = box.start(program("a", box.child + r" out 'o\n' err 'e\n'", stdout_logfile=name,
                          stderr_logfile=name), supervisord="identifier=me")
    info = d.wait_state("a", "EXITED")
    for channel, text in (("stdout", "o\n"), ("stderr", "e\n")):
        path = info[channel + "_logfile"]
        assert re.match(re.escape(box.path("a-%s---me-" % channel)) + r"\S+\.log$", path)
        assert read(path) == text
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert d.sv.getAllConfigInfo()[0][channel + "_logfile"] == path


@pytest.mark.parametrize("name", ["NONE", "none", "off"])
def test_none(box, name):
    d = box.start(program("a", box.child + " fill 300000 err x pause", stdout_logfile=name,
                          stderr_logfile=name, startsecs=1))
    info = d.wait_state("a", "RUNNING")
    assert info["stdout_logfile"] == info["stderr_logfile"] == info["logfile"] == ""
    assert sorted(os.listdir(box.dir)) == ["supervisord.err", "supervisord.log",
                                           "supervisord.out", "supervisord.pid", "sv.conf",
                                           "sv.sock"]


def test_auto_logs_are_cleaned_at_start(box):
    keep = ["other-stdout---elsewhere-abc.log", "notauto.log"]
    gone = ["x-stdout---supervisor-abc123.log", "x-stderr---supervisor-q.log.1"]
    for name in keep + gone:
        box.write(name, "old")
    box.start()
    assert [n for n in keep + gone if os.path.exists(box.path(n))] == keep


def test_nocleanup(box):
    old = box.write("x-stdout---supervisor-abc123.log", "old")
    box.start(args=("-n", "-k"))
    assert read(old) == "old"


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2"])
@pytest.mark.parametrize("maxbytes", ["0", None])
def test_own_descriptors(box, name, maxbytes):
    """Pipes as log files, with maxbytes=0 and without; the descriptor itself."""
    if maxbytes is None and not box.target.ours:
        pytest.skip("differs: the original logs Illegal seek for each piece")
    options = {} if maxbytes is None else {"stdout_logfile_maxbytes": maxbytes}
    conf = box.write("sv.conf", box.conf_text(
        program("a", box.child + r" out 'from a child\n' sleep 0.2 out 'again\n'",
                stdout_logfile=name, **options)))
    p = box.popen([box.target.path("supervisord"), "-n", "-c", conf],
                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: "exited: a" in box.read("supervisord.log"))
    p.terminate()
    out, err = (b.decode() for b in p.communicate(timeout=20))
    here, there = (out, err) if name[-1] in "t1" and name != "/dev/fd/2" else (err, out)
    if name == "/dev/stderr":
        here, there = err, out
    assert "from a child\n" in here and "again\n" in here
    assert "from a child" not in there
    assert "seek" not in (out + err + box.read("supervisord.log")).lower()


@pytest.mark.differs("the original opens the file again by name and so cannot write")
def test_own_descriptor_as_a_socket(box):
    ours, theirs = socket.socketpair()
    conf = box.write("sv.conf", box.conf_text(
        program("a", box.child + r" out 'over a socket\n'", stdout_logfile="/dev/stdout",
                stdout_logfile_maxbytes=0)))
    box.popen([box.target.path("supervisord"), "-n", "-c", conf], stdout=theirs,
              stderr=subprocess.DEVNULL)
    theirs.close()
    ours.settimeout(20)
    got = b""
    while b"over a socket\n" not in got:
        more = ours.recv(4096)
        assert more, got
        got += more
    ours.close()


# ---- rotation ----------------------------------------------------------------------

def test_rotation_keeps_every_byte(box):
    d = box.start(program("a", box.child + " fill 100000", stdout_logfile=box.path("o"),
                          stdout_logfile_maxbytes="20KB", stdout_logfile_backups=20))
    d.wait_state("a", "EXITED")
    names = sorted((n for n in os.listdir(box.dir) if re.match(r"o\.\d+$", n)),
                   key=lambda n: -int(n[2:])) + ["o"]
    assert len(names) >= 2
    sizes = [os.path.getsize(box.path(n)) for n in names]
    assert all(size >= 20 * 1024 for size in sizes[:-1]) and sizes[-1] < 20 * 1024
    whole = b"".join(open(box.path(n), "rb").read() for n in names)
    assert whole == numbered(100000)


def test_rotation_drops_the_oldest(box):
    d = box.start(program("a", box.child + " fill 1000000", stdout_logfile=box.path("o"),
                          stdout_logfile_maxbytes="1KB", stdout_logfile_backups=2))
    d.wait_state("a", "EXITED")
    assert {n for n in os.listdir(box.dir) if n.startswith("o")} == {"o", "o.1", "o.2"}


def test_no_backups_truncates(box):
    d = box.start(program("a", box.child + " fill 100000", stdout_logfile=box.path("o"),
                          stdout_logfile_maxbytes="1KB", stdout_logfile_backups=0))
    d.wait_state("a", "EXITED")
    assert os.path.getsize(box.path("o")) < 1024
    assert not os.path.exists(box.path("o.1"))


def test_activity_log_rotates(box):
    d = box.start(program("a", box.child + " pause"),
                  supervisord="logfile_maxbytes=1KB\nlogfile_backups=3")
    d.wait_state("a", "RUNNING")
    for _ in range(15):
        d.sv.stopProcess("a")
        d.sv.startProcess("a")
    wait_until(lambda: os.path.exists(box.path("supervisord.log.3")))
    assert not os.path.exists(box.path("supervisord.log.4"))
    assert os.path.getsize(box.path("supervisord.log.1")) >= 1024


def test_usr2_reopens(box):
    d = box.start(program("a", box.child + r" trap HUP out 'one\n' pause",
                          stdout_logfile=box.path("o"), autorestart="true"))
    d.wait_file("o", "one")
    os.rename(box.path("o"), box.path("o.old"))
    os.rename(box.path("supervisord.log"), box.path("log.old"))
    d.kill(signal.SIGUSR2)
    wait_until(lambda: os.path.exists(box.path("o")) and os.path.exists(d.dir + "/supervisord.log"))
    assert "INFO received SIGUSR2 indicating log reopen request" in (d.log + box.read("log.old"))
    d.sv.signalProcess("a", "HUP")
    d.wait_file("o", "^got HUP$")
    assert box.read("o.old") == "one\n"
    d.sv.stopProcess("a")
    d.wait_log("stopped: a")


def test_clear_logs(box):
    d = box.start(program("a", box.child + r" out 'one\n' err 'two\n' trap HUP pause",
                          stdout_logfile=box.path("o"), stderr_logfile=box.path("e")))
    d.wait_file("o", "one")
    d.wait_file("e", "two")
    assert d.sv.clearProcessLogs("a") is True
    assert box.read("o") == box.read("e") == ""
    d.sv.signalProcess("a", "HUP")
    d.wait_file("o", "^got HUP$")


# ---- the activity log --------------------------------------------------------------

def test_form_of_the_activity_log(box):
    d = box.start(program("a", box.child + " exit 3"))
    d.wait_state("a", "EXITED")
    d.stop()
    lines = d.log.splitlines()
    for line in lines:
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (CRIT|ERRO|WARN|INFO) ", line)
    text = [line[24:] for line in lines]
    want = [r"INFO RPC interface 'supervisor' initialized",
            r"CRIT Server 'unix_http_server' running without any HTTP authentication checking",
            r"INFO supervisord started with pid %d" % d.pid,
            r"INFO spawned: 'a' with pid \d+",
            r"INFO success: a entered RUNNING state, process has stayed up for > than 0 seconds "
            r"\(startsecs\)",
            r"WARN exited: a \(exit status 3; not expected\)",
            r"WARN received SIGTERM indicating exit request"]
    at = 0
    for pattern in want:
        found = [i for i, t in enumerate(text) if re.fullmatch(pattern, t)]
        assert found and found[0] >= at, (pattern, d.log)
        at = found[0]
    # -n repeats it on stdout.
    assert d.out == d.log


def test_silent(box):
    d = box.start(args=("-n", "-s"))
    d.stop()
    assert d.out == "" and "supervisord started" in d.log


@pytest.mark.parametrize("level,has", [("critical", "CRIT"), ("error", "CRIT"), ("warn", "WARN"),
                                       ("info", "INFO"), ("debug", "DEBG"), ("trace", "DEBG"),
                                       ("blather", "DEBG")])
def test_loglevel(box, level, has):
    order = ["CRIT", "ERRO", "WARN", "INFO", "DEBG", "TRAC", "BLAT"]
    d = box.start(program("a", box.child + " exit 3"), supervisord="loglevel=" + level)
    d.wait_state("a", "EXITED")
    d.stop()
    seen = set(re.findall(r"^\S+ \S+ (\w{4}) ", d.log, re.M))
    assert has in seen
    allowed = {"critical": 1, "error": 2, "warn": 3, "info": 4, "debug": 5, "trace": 6,
               "blather": 7}[level]
    assert seen <= set(order[:allowed])


def test_debug_shows_output(box):
    d = box.start(program("a", box.child + r" out 'hello\n'"), supervisord="loglevel=debug")
    d.wait_log(r"DEBG 'a' stdout output:(\\x0a|\n)hello")  # ours keeps it in one line


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/null"])
def test_special_activity_log(box, name):
    """The image's favourite: logfile=/dev/stdout with maxbytes 0."""
    conf = box.write("sv.conf", box.conf_text("", "logfile=%s\nlogfile_maxbytes=0\n"
                                              "nodaemon=true" % name).replace(
        "logfile=%s/supervisord.log\n" % box.dir, "", 1))
    p = box.popen([box.target.path("supervisord"), "-c", conf], stdout=subprocess.PIPE,
                  stderr=subprocess.STDOUT)
    wait_rpc(box.path("sv.sock"))
    p.terminate()
    out = p.communicate(timeout=20)[0].decode()
    assert "supervisord started with pid %d" % p.pid in out
    assert "seek" not in out and "Traceback" not in out
    assert p.returncode == 0


# ---- trouble -----------------------------------------------------------------------

@pytest.mark.differs("a full log makes the original print a traceback for each piece")
def test_full_device(box):
    """The child goes on, supervisord goes on, one clear message."""
    d = box.start(program("a", box.child + " fill 300000 append %s done trap HUP pause"
                          % box.path("flag"), stdout_logfile="/dev/full",
                          stdout_logfile_maxbytes=0))
    d.wait_file("flag", "done")
    assert d.state("a") == "RUNNING"
    d.wait_log(r"(ENOSPC|No space left on device)")
    for _ in range(3):
        d.sv.signalProcess("a", "HUP")
    holds_for(lambda: d.state("a") == "RUNNING", 0.3)
    assert len(re.findall(r"ENOSPC|No space left", d.log)) <= 3
    assert "Traceback" not in d.err


@pytest.mark.differs("the original dies or prints tracebacks when the log disk is full")
def test_full_disk_and_recovery(box, root):
    """A log on a small file system fills it, the space returns, logging goes on."""
    if subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
                      capture_output=True).returncode:
        pytest.skip("no private mounts here")
    os.mkdir(box.path("disk"))
    box.write("go.sh", "mount -t tmpfs -o size=64k none %s || exit 77\nexec \"$@\"\n"
              % box.path("disk"))
    conf = box.write("sv.conf", box.conf_text(
        program("a", box.child + " fill 200000 append %s done trap HUP pause"
                % box.path("flag"), stdout_logfile=box.path("disk/o"),
                stdout_logfile_maxbytes=0)))
    box.launch(conf, prefix=["unshare", "--mount", "sh", box.path("go.sh")])
    d = Daemon(box, box.started[-1], conf, box.path("sv.sock"))
    box.daemons.append(d)
    wait_until(lambda: "done" in box.read("flag"))
    d.wait_log(r"(ENOSPC|No space left on device)")
    view = "/proc/%d/root%s" % (d.pid, box.path("disk"))

    def resumed():
        if "got HUP" in read(view + "/o"):
            return True
        os.truncate(view + "/o", 0)  # each time: what was still in the pipe fills it again
        d.sv.signalProcess("a", "HUP")
        return False
    wait_until(resumed, every=0.2)
    assert d.state("a") == "RUNNING"


@pytest.mark.differs("the original does not make a directory again, and its child gets stuck")
def test_vanished_directory(box):
    os.mkdir(box.path("logs"))
    d = box.start(program("a", box.child + " trap HUP out up pause",
                          stdout_logfile=box.path("logs/o"), autorestart="true"))
    d.wait_file("logs/o", "up")
    pid = d.pid_of("a")
    os.rename(box.path("logs"), box.path("gone"))
    d.kill(signal.SIGUSR2)
    d.wait_log("received SIGUSR2")
    d.sv.signalProcess("a", "HUP")
    holds_for(lambda: d.state("a") == "RUNNING" and alive(pid), 0.3)
    d.wait_log(r"(ENOENT|No such file or directory)")
    os.mkdir(box.path("logs"))

    def resumed():
        d.sv.signalProcess("a", "HUP")
        return "got HUP" in box.read("logs/o")
    wait_until(resumed, every=0.2)
    # A restart with the directory away is possible too.
    os.rename(box.path("logs"), box.path("gone2"))
    kill(pid)
    wait_until(lambda: d.pid_of("a") not in (0, pid))
    holds_for(lambda: d.state("a") == "RUNNING", 0.3)


@pytest.mark.differs("the original reports the error as the spawn's and retries")
def test_unwritable_log(box, root):
    os.mkdir(box.path("dir.log"))  # opening a directory for writing fails even for root
    d = box.start(program("a", box.child + " out x pause", stdout_logfile=box.path("dir.log")))
    d.wait_state("a", "RUNNING")
    d.wait_log(r"dir\.log.*(EISDIR|Is a directory)")


@pytest.mark.differs("the original blocks on a full pipe")
def test_slow_pipe_does_not_block(box):
    """Nobody reads our stdout; the children and the clients do not feel it."""
    conf = box.write("sv.conf", box.conf_text(
        program("a", box.child + " fill 2000000 append %s done pause" % box.path("flag"),
                stdout_logfile="/dev/stdout", stdout_logfile_maxbytes=0)))
    r, w = os.pipe()
    box.popen([box.target.path("supervisord"), "-n", "-s", "-c", conf], stdout=w,
              stderr=subprocess.DEVNULL)
    os.close(w)
    wait_rpc(box.path("sv.sock"))
    sv = rpc_unix(box.path("sv.sock"), timeout=5).supervisor
    wait_until(lambda: sv.getProcessInfo("a")["statename"] == "RUNNING")
    for _ in range(20):
        assert sv.getState()["statecode"] == 1
    os.close(r)
    holds_for(lambda: sv.getProcessInfo("a")["statename"] == "RUNNING", 0.3)
    wait_until(lambda: "done" in box.read("flag"))


def test_long_line(box):
    """10 MB without a newline."""
    d = box.start(program("a", box.child + " flood 10000000", stdout_logfile=box.path("o"),
                          stdout_logfile_maxbytes=0))
    d.wait_state("a", "EXITED")
    assert os.path.getsize(box.path("o")) == 10000000


def test_child_that_closes_its_output(box):
    """No CPU spin on a closed descriptor."""
    d = box.start(program("a", box.child + " close 1 close 2 pause", startsecs=1))
    d.wait_state("a", "RUNNING")
    before = proc_cpu(d.pid)
    holds_for(lambda: alive(d.pid), 1)
    assert proc_cpu(d.pid) - before < 0.3


def proc_cpu(pid):
    with open("/proc/%d/stat" % pid) as f:
        rest = f.read().rpartition(")")[2].split()
    return (int(rest[11]) + int(rest[12])) / os.sysconf("SC_CLK_TCK")


def test_strip_ansi(box):
    d = box.start(program("a", box.child + r" out 'a\x1b[31mred\x1b[0m\n'",
                          stdout_logfile=box.path("o")), args=("-n", "-t"))
    d.wait_state("a", "EXITED")
    assert box.read("o") == "ared\n"


def test_grandchild_holds_the_pipe(box):
    """A grandchild that keeps stdout open does not delay the exit's report."""
    d = box.start(program("a", box.child + r" forkaway 30 out bye exit 0",
                          stdout_logfile=box.path("o")))
    d.wait_state("a", "EXITED")
