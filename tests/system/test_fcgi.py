"""[fcgi-program:x]: the shared socket, and real applications behind real nginx."""
import grp
import os
import re
import shutil
import socket
import stat
import urllib.request

import pytest

from harness import HERE, free_port, holds_for, is_user, proc_info, wait_until

APP = "/usr/bin/python3 %s" % os.path.join(HERE, "helpers", "fastcgi.py")
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
WRAP = shutil.which("fcgiwrap", path="/usr/sbin:/usr/bin")


def section(url, command, name="f", **options):
    options.setdefault("startsecs", 0)
    return "\n".join(["[fcgi-program:%s]" % name, "command=" + command, "socket=" + url] +
                     ["%s=%s" % kv for kv in options.items()]) + "\n"


def connects(path):
    s = socket.socket(socket.AF_UNIX if isinstance(path, str) else socket.AF_INET)
    with s:
        try:
            s.connect(path)
            return True
        except OSError:
            return False


def listeners_inode(pid):
    return re.match(r"socket:\[(\d+)\]", os.readlink("/proc/%d/fd/0" % pid)).group(1)


@pytest.fixture
def nginx(box):
    if not NGINX:
        pytest.skip("nginx is not here")
    port = free_port()

    def section_for(where):
        conf = box.write("nginx.conf", """
daemon off; master_process off; pid %(d)s/nginx.pid; error_log %(d)s/nginx.err;
events { }
http { access_log off; client_body_temp_path %(d)s/b; proxy_temp_path %(d)s/p;
  fastcgi_temp_path %(d)s/f; uwsgi_temp_path %(d)s/u; scgi_temp_path %(d)s/s;
  server { listen 127.0.0.1:%(port)d; location / { fastcgi_pass %(where)s;
    fastcgi_param REQUEST_URI $request_uri; fastcgi_param REQUEST_METHOD $request_method;
    fastcgi_param SCRIPT_FILENAME %(d)s$uri; } } }
""" % {"d": box.dir, "port": port, "where": where})
        return "[program:nginx]\ncommand=%s -c %s\n" % (NGINX, conf)

    def get(path):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path), timeout=10) as r:
                return r.read().decode()
        except OSError:
            return None
    return section_for, get


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_application_behind_nginx(box, nginx, kind):
    """Three processes share one socket; each gets its turn."""
    section_for, get = nginx
    port = free_port()
    url, where = {"unix": ("unix://" + box.path("f.sock"), "unix:" + box.path("f.sock")),
                  "tcp": ("tcp://localhost:%d" % port, "127.0.0.1:%d" % port)}[kind]
    d = box.start(section_for(where) +
                  section(url, APP, numprocs=3, process_name="f%(process_num)d"))
    assert wait_until(lambda: get("/some/path")).endswith("path /some/path\n")
    names = ["f:f%d" % i for i in range(3)]
    pids = {d.wait_state(name, "RUNNING")["pid"] for name in names}
    assert len({listeners_inode(d.pid_of(name)) for name in names}) == 1
    seen = set()

    def all_seen():
        seen.add(int(get("/").split()[1]))
        return seen == pids
    wait_until(all_seen, what=lambda: (seen, pids))
    # One of them anew: nobody is refused meanwhile.
    d.sv.stopProcess("f:f0")
    assert get("/x").endswith("path /x\n")
    d.sv.startProcess("f:f0")
    d.sv.signalProcess("f:f1", "KILL")
    d.wait_log("exited: f1")  # a request it had taken already dies with it
    for _ in range(20):
        assert get("/y").endswith("path /y\n")


@pytest.mark.skipif(not WRAP, reason="fcgiwrap is not here")
def test_fcgiwrap_behind_nginx(box, nginx):
    """Debian's runner of CGI scripts, unchanged."""
    section_for, get = nginx
    box.write("hello.cgi", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhello from cgi\\n'\n",
              0o755)
    d = box.start(section_for("unix:" + box.path("f.sock")) +
                  section("unix://" + box.path("f.sock"), WRAP))
    assert wait_until(lambda: get("/hello.cgi")) == "hello from cgi\n"
    d.stop()


def test_mode_and_owner(box, root):
    if not is_user("nobody"):
        pytest.skip("no user nobody")
    group = grp.getgrgid(is_user("nobody").pw_gid).gr_name
    path = box.path("f.sock")
    d = box.start(section("unix://" + path, APP, socket_owner="nobody:" + group,
                          socket_mode="0666"))
    d.wait_state("f", "RUNNING")
    st = os.stat(path)
    assert stat.S_IMODE(st.st_mode) == 0o666
    assert (st.st_uid, st.st_gid) == (is_user("nobody").pw_uid, is_user("nobody").pw_gid)


def test_default_mode(box):
    d = box.start(section("unix://" + box.path("f.sock"), APP))
    d.wait_state("f", "RUNNING")
    assert stat.S_IMODE(os.stat(box.path("f.sock")).st_mode) == 0o700


def test_backlog(box):
    """Two in the queue and no more: the kernel says what was asked of it."""
    d = box.start(section("unix://" + box.path("f.sock"), box.child + " pause",
                          socket_backlog=7))
    d.wait_state("f", "RUNNING")
    fast = [socket.socket(socket.AF_UNIX) for _ in range(20)]
    done = 0
    for s in fast:
        s.setblocking(False)
        try:
            s.connect(box.path("f.sock"))
            done += 1
        except BlockingIOError:
            pass
    for s in fast:
        s.close()
    assert done == 8  # backlog + 1, as unix(7) sockets count


def test_file_left_over_is_replaced(box):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(box.path("f.sock"))
    d = box.start(section("unix://" + box.path("f.sock"), APP))
    d.wait_state("f", "RUNNING")
    wait_until(lambda: connects(box.path("f.sock")))


def test_socket_lives_as_long_as_its_programs(box):
    path = box.path("f.sock")
    d = box.start(section("unix://" + path, APP, autostart="false"))
    d.wait_log("INFO Creating socket unix://")
    wait_until(lambda: not connects(path))
    d.sv.startProcess("f")
    assert connects(path)
    d.sv.stopProcess("f")
    wait_until(lambda: not connects(path))
    d.wait_log("INFO Closing socket unix://", count=2)
    d.sv.startProcess("f")
    assert connects(path)
    d.stop()
    assert not connects(path)
    if box.target.ours:
        assert not os.path.exists(path)


def test_stdin_is_the_socket(box):
    d = box.start(section("unix://" + box.path("f.sock"), box.child + " pause",
                          redirect_stderr="true"))
    d.wait_state("f", "RUNNING")
    fds = proc_info(d.proc("f")["pid"])["fds"]
    assert fds[0].startswith("socket:") and fds[1] == fds[2] and sorted(fds) == [0, 1, 2]


def test_start_and_exit_over_and_over(box):
    """No descriptor is left behind by a hundred restarts."""
    d = box.start(section("unix://" + box.path("f.sock"), box.child + " pause"))
    d.wait_state("f", "RUNNING")

    def count():
        return len(os.listdir("/proc/%d/fd" % d.pid))
    before = wait_until(count)
    for _ in range(30):
        d.sv.stopProcess("f")
        d.sv.startProcess("f")
    wait_until(lambda: count() <= before + 1, what=lambda: (before, count()))


@pytest.mark.differs("the original ends with the whole daemon")
def test_address_in_use(box):
    """An error of that program: the others run, and it does once the address is free."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        d = box.start(section("tcp://127.0.0.1:%d" % port, APP, startretries=1) +
                      "[program:a]\ncommand=%s pause\n" % box.child)
        d.wait_log("ERRO Could not create FastCGI socket tcp://127.0.0.1:%d" % port)
        d.wait_state("f", "FATAL")
        assert "Could not create FastCGI socket" in d.info("f")["spawnerr"]
        d.wait_state("a", "RUNNING")
    d.sv.startProcess("f")
    assert connects(("127.0.0.1", port))


def test_added_and_removed(box):
    path = box.path("f.sock")
    d = box.start()
    box.write("sv.conf", box.conf_text(section("unix://" + path, APP)))
    assert "f: added process group" in d.ctl("update").out
    wait_until(lambda: connects(path))
    box.write("sv.conf", box.conf_text())
    assert "f: removed process group" in d.ctl("update").out
    holds_for(lambda: not connects(path), 0.2)


@pytest.mark.parametrize("line, words", [
    ("", "socket"), ("socket=http://x", "socket"), ("socket=tcp://localhost:x", "socket"),
    ("socket=unix:///tmp/x\nsocket_mode=abc", "socket_mode"),
    ("socket=tcp://localhost:1\nsocket_owner=nobody", "socket_owner"),
    ("socket=unix:///tmp/x\nsocket_backlog=0", "socket_backlog")])
def test_wrong_values(box, line, words):
    conf = box.write("sv.conf", box.conf_text("[fcgi-program:f]\ncommand=/bin/cat\n" + line))
    r = box.run("supervisord", "-n", "-c", conf)
    assert r.rc == 2 and words in r.err
