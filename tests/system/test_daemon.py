"""supervisord as a daemon: background, pidfile, sockets, limits, users, idleness."""
import os
import re
import signal
import socket
import stat
import subprocess

import pytest

from harness import (alive, free_port, holds_for, is_user, kill, proc_info, read,
                     wait_rpc, wait_until)


def program(name, command, **options):
    options.setdefault("startsecs", 0)
    lines = ["[program:%s]" % name, "command=%s" % command]
    return "\n".join(lines + ["%s=%s" % kv for kv in options.items()]) + "\n"


@pytest.fixture
def background(box):
    """Starts supervisord as a daemon; answers its RPC and its pid."""
    pids = []

    def start(text="", args=(), **kw):
        conf = box.write("sv.conf", box.conf_text(text, **kw))
        r = box.run("supervisord", "-c", conf, *args)
        assert r.rc == 0, r
        pid = wait_until(lambda: box.read("supervisord.pid").strip())
        pids.append(int(pid))
        return wait_rpc(box.path("sv.sock")), int(pid), r
    yield start
    for pid in pids:
        kill(pid)


def test_daemonizes(box, background):
    os.mkdir(box.path("home"))
    sv, pid, r = background(program("a", box.child + " pause"),
                            supervisord="directory=%s\numask=077" % box.path("home"))
    assert r.out == ""
    assert sv.getPID() == pid and box.read("supervisord.pid") == "%d\n" % pid
    p = proc_info(pid)
    assert p["sid"] == p["pgid"] == pid
    assert p["cwd"] == box.path("home") and p["umask"] == 0o077
    assert [p["fds"][fd] for fd in (0, 1, 2)] == ["/dev/null"] * 3
    log = box.read("supervisord.log")
    assert "INFO daemonizing the supervisord process\n" in log
    assert "INFO set current directory: '%s'\n" % box.path("home") in log
    child = wait_until(lambda: sv.getProcessInfo("a")["pid"])
    assert proc_info(child)["umask"] == 0o077 and proc_info(child)["cwd"] == box.path("home")
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not alive(pid))
    assert not os.path.exists(box.path("supervisord.pid"))
    assert not os.path.exists(box.path("sv.sock"))


def test_default_umask_of_a_daemon(box, background):
    _, pid, _ = background()
    assert proc_info(pid)["umask"] == 0o022


def test_foreground_ignores_directory_and_umask(box):
    os.mkdir(box.path("home"))
    d = box.start(program("a", box.child + " pause"),
                  supervisord="directory=%s\numask=077" % box.path("home"))
    p = proc_info(d.pid)
    assert p["cwd"] == box.dir and p["umask"] == proc_info(os.getpid())["umask"]


def test_nodaemon_in_the_file(box):
    d = box.start(supervisord="nodaemon=true", args=())
    assert proc_info(d.pid)["ppid"] == os.getpid()


# ---- pidfile -----------------------------------------------------------------------

def test_pidfile(box):
    d = box.start()
    assert box.read("supervisord.pid") == "%d\n" % d.pid
    assert d.stop() == 0
    assert not os.path.exists(box.path("supervisord.pid"))


def test_old_pidfile_is_overwritten(box):
    box.write("supervisord.pid", "999999\n")
    d = box.start()
    assert box.read("supervisord.pid") == "%d\n" % d.pid


def test_unwritable_pidfile(box):
    """Said in the log, no reason to stop."""
    os.mkdir(box.path("pid"))
    d = box.start(supervisord="pidfile=%s" % box.path("pid"))
    d.wait_log(r"CRIT could not write pidfile %s$" % box.path("pid"))
    d.stop()
    assert os.path.isdir(box.path("pid"))


# ---- sockets -----------------------------------------------------------------------

TAKEN = ("Error: Another program is already listening on a port that one of our HTTP servers "
         "is configured to use.  Shut this program down first before starting supervisord.\n")


def test_second_instance_is_refused(box):
    d = box.start(program("a", box.child + " pause"))
    pid = d.wait_state("a", "RUNNING")["pid"]
    log = d.log
    second = box.write("second.conf", box.read("sv.conf").replace("supervisord.log", "2.log")
                       .replace("supervisord.pid", "2.pid"))
    r = box.run("supervisord", "-n", "-c", second)
    assert r.rc == 2
    assert r.err.endswith(TAKEN + "For help, use %s -h\n" % box.target.path("supervisord"))
    assert not os.path.exists(box.path("2.pid"))
    assert d.pid_of("a") == pid and d.log == log  # the first one is not disturbed
    assert box.read("supervisord.pid") == "%d\n" % d.pid


def test_taken_port_is_refused(box):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        conf = box.write("sv.conf", box.conf_text(
            "[inet_http_server]\nport=127.0.0.1:%d\n" % s.getsockname()[1]
            + program("a", box.child + " append %s x pause" % box.path("ran"))))
        r = box.run("supervisord", "-n", "-c", conf)
    assert r.rc == 2 and TAKEN in r.err
    assert not os.path.exists(box.path("ran"))


def test_stale_socket_is_replaced(box):
    s = socket.socket(socket.AF_UNIX)
    s.bind(box.path("sv.sock"))
    s.close()
    d = box.start()
    assert d.sv.getState()["statecode"] == 1


def test_restart_after_kill_9(box):
    """Socket and pidfile left behind do not stop the next one."""
    d = box.start()
    d.kill(signal.SIGKILL)
    d.popen.wait()
    assert os.path.exists(d.sock)
    d = box.start()
    assert d.sv.getPID() == d.pid


def test_socket_mode(box):
    d = box.start()
    assert stat.S_IMODE(os.stat(d.sock).st_mode) == 0o700
    d.stop()
    d = box.start(unix="chmod=0766")
    assert stat.S_IMODE(os.stat(d.sock).st_mode) == 0o766


def test_socket_owner(box, root):
    nobody = is_user("nobody") or pytest.skip("no user nobody")
    d = box.start(unix="chown=nobody:daemon\nchmod=0770")
    st = os.stat(d.sock)
    import grp
    assert (st.st_uid, st.st_gid) == (nobody.pw_uid, grp.getgrnam("daemon").gr_gid)
    d.stop()
    d = box.start(unix="chown=%d" % nobody.pw_uid)
    assert os.stat(d.sock).st_uid == nobody.pw_uid


def test_socket_in_a_missing_directory(box):
    conf = box.write("sv.conf", box.conf_text("", "", "file=/nonexistent/dir/s"))
    r = box.run("supervisord", "-n", "-c", conf)
    assert r.rc == 2
    assert "Error: Cannot open an HTTP server: socket.error reported errno.ENOENT (2)" in r.err


def test_inet_and_unix_at_once(box):
    import xmlrpc.client
    port = free_port()
    d = box.start("[inet_http_server]\nport=127.0.0.1:%d\n" % port)
    with xmlrpc.client.ServerProxy("http://127.0.0.1:%d/RPC2" % port) as s:
        assert s.supervisor.getPID() == d.pid
    for section in ("inet", "unix"):
        d.wait_log(r"CRIT Server '%s_http_server' running without any HTTP authentication "
                   r"checking$" % section)


# ---- limits, user ------------------------------------------------------------------

def limits(pid):
    with open("/proc/%d/limits" % pid) as f:
        return {line[:26].strip(): line[26:47].strip() for line in f}


def test_minfds_is_raised(box, root):
    d = box.start(program("a", box.child + " pause"), supervisord="minfds=2000\nminprocs=300",
                  prefix=["prlimit", "--nofile=1500:4000"])
    d.wait_log(r"INFO Increased RLIMIT_NOFILE limit to 2000$")
    assert limits(d.pid)["Max open files"] == "2000"


def test_minfds_already_there(box):
    d = box.start(supervisord="minfds=100")
    assert "Increased" not in d.log


def test_minfds_beyond_reach(box, root):
    who = is_user("nobody") or pytest.skip("no user nobody")
    os.chown(box.dir, who.pw_uid, who.pw_gid)
    conf = box.write("sv.conf", box.conf_text(supervisord="minfds=3000"))
    r = box.run("supervisord", "-n", "-c", conf,
                prefix=["prlimit", "--nofile=900:900", "setpriv", "--reuid=nobody",
                        "--regid=%d" % who.pw_gid, "--clear-groups"])
    assert r.rc == 2
    assert re.match(r'Error: The minimum number of file descriptors required to run this '
                    r'process is 3000 as per the "minfds" command-line argument or config file '
                    r'setting. The current environment will only allow you to open \d+ file '
                    r'descriptors\.  Either raise', r.err)


@pytest.mark.parametrize("how", ["option", "file"])
def test_user(box, root, how):
    who = is_user("www-data") or pytest.skip("no user www-data")
    os.chown(box.dir, who.pw_uid, who.pw_gid)
    args = ("-n", "-u", "www-data") if how == "option" else ("-n",)
    d = box.start(program("a", box.child + " pause"),
                  supervisord="user=www-data" if how == "file" else "", args=args)
    p = proc_info(d.pid)
    assert (p["uid"], p["gid"]) == (who.pw_uid, who.pw_gid)
    assert p["groups"] == sorted(set(os.getgrouplist("www-data", who.pw_gid)))
    d.wait_state("a", "RUNNING")
    assert d.proc("a")["uid"] == who.pw_uid
    assert os.stat(box.path("supervisord.log")).st_uid == who.pw_uid
    assert os.stat(d.sock).st_uid == who.pw_uid
    d.wait_log(r"INFO Set uid to user %d succeeded$" % who.pw_uid)


def test_root_without_user_is_told(box, root):
    d = box.start()
    d.wait_log(r"CRIT Supervisor is running as root.  Privileges were not dropped because no "
               r"user is specified in the config file.  If you intend to run as root, you can "
               r"set user=root in the config file to avoid this message.$")
    d.stop()
    os.unlink(box.path("supervisord.log"))
    d = box.start(supervisord="user=root")
    assert "running as root" not in d.log


def test_user_switch_as_nobody(box, root):
    who = is_user("nobody") or pytest.skip("no user nobody")
    os.chown(box.dir, who.pw_uid, who.pw_gid)
    conf = box.write("sv.conf", box.conf_text(supervisord="user=www-data"))
    r = box.run("supervisord", "-n", "-c", conf,
                prefix=["setpriv", "--reuid=nobody", "--regid=%d" % who.pw_gid,
                        "--clear-groups"])
    assert r.rc == 2 and r.err.startswith("Error: Can't drop privilege as nonroot user\n")


def test_program_user_as_nobody(box, root):
    """Not root: a program's own user is fine, another's fails after the fork."""
    who = is_user("nobody") or pytest.skip("no user nobody")
    os.chown(box.dir, who.pw_uid, who.pw_gid)
    d = box.start(program("same", box.child + " pause", user="nobody")
                  + program("other", box.child + " pause", user="www-data", startsecs=1,
                            startretries=0, stderr_logfile=box.path("e")),
                  prefix=["setpriv", "--reuid=nobody", "--regid=%d" % who.pw_gid,
                          "--clear-groups"])
    d.wait_state("same", "RUNNING")
    d.wait_state("other", "FATAL")
    uid = is_user("www-data").pw_uid
    assert box.read("e") == ("supervisor: couldn't setuid to %d: Can't drop privilege as nonroot "
                             "user\nsupervisor: child process was not spawned\n" % uid)


def test_identifier(box):
    d = box.start(supervisord="identifier=my-host")
    assert d.sv.getIdentification() == "my-host"


# ---- idleness ----------------------------------------------------------------------

@pytest.mark.differs("the original wakes up once a second")
def test_idle_means_no_wakeups(box):
    """No tick subscriber, nothing to do: not one wake-up."""
    d = box.start("".join(program("p%d" % i, box.child + " pause", startsecs=1)
                          for i in range(10)))
    for i in range(10):
        d.wait_state("p%d" % i, "RUNNING")
    d.new_rpc().supervisor.getState()

    def quiet():
        """Whatever the last calls started has come to rest."""
        before = proc_info(d.pid)["wakeups"]
        holds_for(lambda: True, 0.3)
        return proc_info(d.pid)["wakeups"] == before
    wait_until(quiet)
    before = proc_info(d.pid)["wakeups"]
    holds_for(lambda: alive(d.pid), 3)
    assert proc_info(d.pid)["wakeups"] == before


def test_no_descriptor_leaks(box):
    """Start, stop, tail, reopen, clear, add, remove: the descriptors stay as they were."""
    d = box.start(program("a", box.child + " out x pause", stdout_logfile=box.path("o")))
    d.wait_state("a", "RUNNING")

    def round_trip():
        d.sv.stopProcess("a")
        d.sv.startProcess("a")
        d.sv.tailProcessStdoutLog("a", 0, 100)
        d.sv.clearProcessLogs("a")
        d.sv.clearLog()
        d.kill(signal.SIGUSR2)
        d.sv.stopProcess("a")
        d.sv.removeProcessGroup("a")
        d.sv.addProcessGroup("a")
        d.wait_state("a", "RUNNING")
    round_trip()
    before = len(proc_info(d.pid)["fds"])
    for _ in range(10):
        round_trip()
    wait_until(lambda: len(proc_info(d.pid)["fds"]) <= before)


@pytest.mark.differs("the original keeps the connections of clients that left in the middle")
def test_clients_that_leave(box):
    """Half requests, closed sockets: no leak, no spin, everybody else is served."""
    d = box.start(program("a", box.child + " pause"))
    d.wait_state("a", "RUNNING")
    d.sv.getState()
    before = len(proc_info(d.pid)["fds"])
    for data in (b"", b"POST /RPC2 HT", b"POST /RPC2 HTTP/1.1\r\nContent-Length: 100\r\n\r\n<a",
                 b"GET /logtail/a HTTP/1.1\r\n\r\n", b"\0\xff\r\n\r\n") * 5:
        s = socket.socket(socket.AF_UNIX)
        s.connect(d.sock)
        s.sendall(data)
        s.close()
    wait_until(lambda: len(proc_info(d.pid)["fds"]) <= before)
    assert d.sv.getState()["statecode"] == 1


def test_init_script(box, background):
    """--pidfile on the command line, QUIT to stop, as init scripts do."""
    conf = box.write("sv.conf", box.conf_text(program("a", box.child + " pause")))
    r = box.run("supervisord", "-c", conf, "--pidfile", box.path("run.pid"))
    assert r.rc == 0
    pid = int(wait_until(lambda: box.read("run.pid").strip()))
    try:
        wait_rpc(box.path("sv.sock"))
        assert not os.path.exists(box.path("supervisord.pid"))
        r = subprocess.run(["sh", "-c", "kill -QUIT $(cat %s)" % box.path("run.pid")])
        wait_until(lambda: not alive(pid))
        assert not os.path.exists(box.path("run.pid"))
        assert re.search(r"WARN received SIGQUIT indicating exit request", read(
            box.path("supervisord.log")))
    finally:
        kill(pid)
