"""Five articles people still follow, with the real programs of Debian's packages."""
import os
import re
import shutil
import subprocess
import urllib.request

import pexpect
import pytest

from harness import (TIMEOUT, alive, children, free_port, is_user, kill, read, wait_rpc,
                     wait_until)


def needs(program, package):
    path = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ["PATH"])
    return path or pytest.skip("needs %s of Debian's package %s" % (program, package))


def get(port, path="/"):
    try:
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path), timeout=5) as r:
            return r.read().decode()
    except OSError:
        return None


@pytest.fixture
def daemon_pid(box):
    """Reads the pidfile of a supervisord in the background, and ends it afterwards."""
    pids = []

    def look(name="supervisord.pid"):
        pid = int(wait_until(lambda: box.read(name).strip(), what="a pidfile"))
        pids.append(pid)
        return pid
    yield look
    for pid in pids:
        kill(pid)


# ---- (a) nginx ---------------------------------------------------------------------

def test_nginx(box, daemon_pid):
    nginx = needs("nginx", "nginx-light")
    port = free_port()
    os.mkdir(box.path("www"))
    os.chmod(box.dir, 0o755)
    box.write("www/index.html", "hello from nginx\n")
    box.write("nginx.conf", """
worker_processes 2; pid %(d)s/nginx.pid; error_log %(d)s/error.log;
events {}
http { access_log off; client_body_temp_path %(d)s/t1; proxy_temp_path %(d)s/t2;
  fastcgi_temp_path %(d)s/t3; uwsgi_temp_path %(d)s/t4; scgi_temp_path %(d)s/t5;
  server { listen 127.0.0.1:%(p)d; root %(d)s/www; } }
""" % {"d": box.dir, "p": port})
    # echo_supervisord_conf > file, and a section at its end.
    text = box.run("echo_supervisord_conf").out.replace("/tmp/", box.dir + "/")
    conf = box.write("supervisord.conf", text + """
[program:nginx]
command=%s -c %s/nginx.conf -g "daemon off;"
autostart=false
autorestart=true
""" % (nginx, box.dir))
    r = box.run("supervisord", "-c", conf)
    assert r.rc == 0
    daemon_pid()
    wait_until(lambda: box.ctl("status", conf=conf).rc == 3)
    r = box.ctl("start", "all", conf=conf)
    assert (r.rc, r.out) == (0, "nginx: started\n")
    wait_until(lambda: get(port) == "hello from nginx\n")
    r = box.ctl("pid", "nginx", conf=conf)
    first = int(r.out)
    workers = wait_until(lambda: children(first))
    for pid in [first, *workers]:
        kill(pid)
    second = wait_until(lambda: _other_pid(box, conf, "nginx", first))
    assert alive(second)
    wait_until(lambda: get(port) == "hello from nginx\n")
    wait_until(lambda: "RUNNING" in box.ctl("status", "nginx", conf=conf).out)
    assert box.ctl("stop", "nginx", conf=conf) == (0, "nginx: stopped\n", "")
    assert get(port) is None
    r = box.ctl("status", conf=conf)
    assert r.rc == 3 and re.match(r"nginx {28}STOPPED   [A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M\n$",
                                  r.out)
    assert box.ctl("start", "nginx", conf=conf) == (0, "nginx: started\n", "")
    wait_until(lambda: get(port) == "hello from nginx\n")


def _other_pid(box, conf, name, old):
    out = box.ctl("pid", name, conf=conf).out.strip()
    return int(out) if out.isdigit() and int(out) not in (0, old) else None


# ---- (b) a Python and a Node server ------------------------------------------------

def test_python_and_node(box, daemon_pid):
    python, node = needs("python3", "python3"), needs("node", "nodejs")
    ports = [free_port() for _ in range(3)]
    os.mkdir(box.path("py"))
    box.write("py/index.html", "python\n")
    box.write("hello.js", "require('http').createServer((q, s) => { console.log('hit ' + q.url);"
                          " console.error('err'); s.end('node\\n') }).listen(%d, '127.0.0.1')\n"
              % ports[1])
    conf = box.write("supervisord.conf", """
[unix_http_server]
file=%(d)s/sv.sock   ; (the path to the socket file)

[inet_http_server]         ; inet (TCP) server disabled by default
port=127.0.0.1:%(p2)d        ; (ip_address:port specifier, *:port for all iface)

[supervisord]
logfile=%(d)s/supervisord.log ; (main log file;default $CWD/supervisord.log)
logfile_maxbytes=50MB        ; (max main logfile bytes b4 rotation;default 50MB)
pidfile=%(d)s/supervisord.pid ; (supervisord pidfile;default supervisord.pid)
childlogdir=%(d)s

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://%(d)s/sv.sock ; use a unix:// URL  for a unix socket

[program:pyweb]
command=%(py)s -u -m http.server --bind 127.0.0.1 %(p0)d
directory=%(d)s/py
autostart=true
startsecs=0
stopwaitsecs=0
stdout_logfile=%(d)s/py.out
stderr_logfile=%(d)s/py.err

[program:nodeweb]
command=%(node)s %(d)s/hello.js
startsecs=0
stopwaitsecs=0
stdout_logfile=%(d)s/node.out
stderr_logfile=%(d)s/node.err
""" % {"d": box.dir, "py": python, "node": node, "p0": ports[0], "p1": ports[1], "p2": ports[2]})
    assert box.run("supervisord", "-c", conf).rc == 0
    pid = daemon_pid()
    wait_until(lambda: get(ports[0]) == "python\n" and get(ports[1]) == "node\n")
    wait_until(lambda: "GET / HTTP/1.1" in box.read("py.err"))
    wait_until(lambda: "hit /" in box.read("node.out") and "err" in box.read("node.err"))
    row = r"%s {%d}%s   %s\n"
    running = "".join(row % (n, 33 - len(n), "RUNNING", r"pid \d+, uptime 0:00:\d\d")
                      for n in ("nodeweb", "pyweb"))
    stopped = "".join(row % (n, 33 - len(n), "STOPPED", r"[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M")
                      for n in ("nodeweb", "pyweb"))
    url = "http://127.0.0.1:%d" % ports[2]
    for where in (["-c", conf], ["-s", url]):
        r = box.run("supervisorctl", *where, "status")
        assert r.rc == 0 and re.fullmatch(running, r.out), r.out
        # With no time to stop at all the SIGKILL comes with the SIGTERM.
        r = box.run("supervisorctl", *where, "stop", "pyweb", "nodeweb")
        assert (r.rc, r.out) == (0, "pyweb: stopped\nnodeweb: stopped\n")
        r = box.run("supervisorctl", *where, "status")
        assert r.rc == 3 and re.fullmatch(stopped, r.out), r.out
        r = box.run("supervisorctl", *where, "start", "all")
        assert r.rc == 0 and sorted(r.out.splitlines()) == ["nodeweb: started", "pyweb: started"]
        r = box.run("supervisorctl", *where, "status")
        assert r.rc == 0 and re.fullmatch(running, r.out), r.out
    wait_until(lambda: get(ports[0]) == "python\n" and get(ports[1]) == "node\n")
    # A changed file, and kill -HUP of the pid in the pidfile.
    text = box.read("supervisord.conf")
    box.write("supervisord.conf", text[:text.index("[program:nodeweb]")])
    subprocess.run(["sh", "-c", "kill -HUP $(cat %s)" % box.path("supervisord.pid")], check=True)
    wait_until(lambda: re.fullmatch(row % ("pyweb", 28, "RUNNING", r"pid \d+, uptime 0:00:\d\d"),
                                    box.ctl("status", conf=conf).out), every=0.2)
    assert int(box.read("supervisord.pid")) == pid
    wait_until(lambda: get(ports[1]) is None and get(ports[0]) == "python\n")


# ---- (c) exit codes, and a restart from cron ---------------------------------------

def test_exit_codes_and_cron(box):
    box.write("job.sh", "#!/bin/sh\nsleep 0.1\nexit $1\n", 0o755)
    text = ""
    for name, code in (("good", 0), ("two", 2), ("bad", 1)):
        text += ("[program:%s]\ncommand=%s %d\nstartsecs=0\nautorestart=unexpected\n"
                 "exitcodes=0,2\n" % (name, box.path("job.sh"), code))
    text += "[program:abc]\ncommand=/bin/sleep 1000\n"
    d = box.start(text)
    for name in ("good", "two"):
        d.wait_state(name, "EXITED")
        d.wait_log(r"INFO exited: %s \(exit status %d; expected\)" % (name, 2 * (name == "two")))
    d.wait_log(r"WARN exited: bad \(exit status 1; not expected\)", count=2)
    assert d.log.count("spawned: 'good'") == d.log.count("spawned: 'two'") == 1
    first = d.wait_state("abc", "RUNNING")["pid"]
    # As cron runs it: an empty environment, another directory, no terminal.
    p = subprocess.run([box.target.path("supervisorctl"), "-c", d.conf, "restart", "abc"],
                       env={"PATH": "/usr/bin:/bin"}, cwd="/", stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, timeout=TIMEOUT)
    assert (p.returncode, p.stdout) == (0, "abc: stopped\nabc: started\n")
    assert d.pid_of("abc") not in (0, first)


# ---- (d) uwsgi from an included file -----------------------------------------------

APP = ("def application(env, start_response):\n"
       "    import os\n"
       "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
       "    return [('%s %d\\n' % (os.environ.get('APP_MODE'), os.getuid())).encode()]\n")


@pytest.mark.parametrize("server", ["uwsgi", "gunicorn"])
def test_application_server(box, root, server):
    who = is_user("www-data") or pytest.skip("no user www-data")
    port = free_port()
    os.mkdir(box.path("ini"))
    box.write("app.py", APP)
    if server == "uwsgi":
        path = needs("uwsgi", "uwsgi-core")
        if not os.path.exists("/usr/lib/uwsgi/plugins/python3_plugin.so"):
            pytest.skip("needs Debian's package uwsgi-plugin-python3")
        command = ("%s --plugin python3 --http-socket 127.0.0.1:%d --chdir %s --wsgi-file app.py "
                   "--master --processes 2" % (path, port, box.dir))
    else:
        command = "%s --bind 127.0.0.1:%d --workers 2 app:application" % (
            needs("gunicorn", "gunicorn"), port)
    box.write("ini/app.ini", """
[program:app]
command=%s ; 実行コマンド
process_name=%%(program_name)s ; プロセス名
numprocs=1 ; プロセス数
directory=%s ; 実行ディレクトリ
user=www-data ; 実行ユーザー
autostart=true ; 自動起動
autorestart=true ; 自動再起動
redirect_stderr=true ; 標準エラーを標準出力へ
stdout_logfile=%s ; ログ
stopsignal=INT ; 停止シグナル
environment=APP_MODE="本番",LANG="C.UTF-8",PYTHONIOENCODING="utf-8" ; 環境変数
""" % (command, box.dir, box.path("app.log")))
    conf = box.write("supervisord.conf", box.conf_text("[include]\nfiles = ini/*.ini ; 設定\n"))
    # supervisord -n in a terminal.
    t = pexpect.spawn(box.target.path("supervisord"), ["-n", "-c", conf],
                      env=box.env(), cwd=box.dir, timeout=TIMEOUT, encoding="utf-8",
                      dimensions=(50, 300))
    try:
        t.expect(r"INFO spawned: 'app' with pid (\d+)\r\n")
        first = int(t.match.group(1))
        t.expect(r"INFO success: app entered RUNNING state, process has stayed up for > than 1 "
                 r"seconds \(startsecs\)\r\n")
        want = "本番 %d\n" % who.pw_uid
        wait_until(lambda: get(port) == want, what=lambda: box.read("app.log"))
        workers = children(first)
        subprocess.run(["kill", "-KILL", str(first)], check=True)
        for pid in workers:  # or they keep the port
            kill(pid)
        t.expect(r"WARN exited: app \(terminated by SIGKILL; not expected\)\r\n")
        t.expect(r"INFO spawned: 'app' with pid (\d+)\r\n")
        assert int(t.match.group(1)) != first
        t.expect(r"INFO success: app entered RUNNING state")
        wait_until(lambda: get(port) == want)
        assert read(box.path("app.log"))
        t.sendintr()  # Ctrl-C
        t.expect(r"WARN received SIGINT indicating exit request\r\n")
        t.expect(r"stopped: app \((exit status 0|terminated by SIGINT)\)\r\n")
        t.expect(pexpect.EOF)
        t.close()
        assert t.exitstatus == 0
        assert get(port) is None
    finally:
        t.close(force=True)


def test_init_script(box, root, daemon_pid):
    """start: supervisord -c CONF --pidfile FILE; stop: kill -QUIT of that pid."""
    box.write("init.sh", """#!/bin/sh
case "$1" in
start) %(sv)s -c %(d)s/sv.conf --pidfile %(d)s/run.pid ;;
stop) kill -QUIT `cat %(d)s/run.pid` ;;
status) kill -0 `cat %(d)s/run.pid` ;;
esac
""" % {"sv": box.target.path("supervisord"), "d": box.dir}, 0o755)
    box.write("sv.conf", box.conf_text("[program:a]\ncommand=/bin/sleep 1000\n"))

    def init(word):
        return subprocess.run([box.path("init.sh"), word], env=box.env(), cwd=box.dir,
                              capture_output=True, timeout=TIMEOUT)
    assert init("start").returncode == 0
    pid = daemon_pid("run.pid")
    assert init("status").returncode == 0
    sv = wait_rpc(box.path("sv.sock"))
    child = wait_until(lambda: sv.getProcessInfo("a")["pid"])
    assert init("stop").returncode == 0
    wait_until(lambda: not alive(pid))
    assert not alive(child) and not os.path.exists(box.path("run.pid"))
    assert "received SIGQUIT indicating exit request" in box.read("supervisord.log")


# ---- (e) control through the socket's group ----------------------------------------

def test_group_may_control(box, root):
    """Whoever is in the socket's group controls a program that runs as root."""
    is_user("www-data") or pytest.skip("no user www-data")
    d = box.start("[program:rooted]\ncommand=%s pause\nstartsecs=0\nuser=root\n" % box.child,
                  supervisord="user=root", unix="chmod=0770\nchown=root:www-data")
    pid = d.wait_state("rooted", "RUNNING")["pid"]
    os.chmod(d.conf, 0o644)

    def as_nobody(groups, *command):
        return d.ctl(*command, prefix=["setpriv", "--reuid=nobody", "--regid=nogroup", groups])
    member, stranger = "--groups=www-data", "--clear-groups"
    r = as_nobody(member, "status")
    assert r.rc == 0 and re.search(r"rooted +RUNNING   pid %d" % pid, r.out)
    assert as_nobody(member, "restart", "rooted").out == "rooted: stopped\nrooted: started\n"
    p = d.proc("rooted")
    assert p["uid"] == 0 and p["pid"] != pid
    r = as_nobody(stranger, "stop", "rooted")
    assert r.rc != 0 and "stopped" not in r.out
    assert d.pid_of("rooted") == p["pid"]
    assert as_nobody(member, "stop", "rooted").out == "rooted: stopped\n"
    assert not alive(p["pid"])
