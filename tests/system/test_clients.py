"""Programs that were written for the original work unchanged: its own supervisorctl,
Python's xmlrpc.client, Ansible's module, a client from npm, curl, nginx in front."""
import json
import os
import re
import shutil
import socket
import subprocess
import xmlrpc.client

import pytest

from harness import TOP, free_port, wait_until

CONF = """
[program:cat]
command={child} trap HUP onsig TERM 0 out 'hello\\n' err 'oops\\n' pause
startsecs=0
stdout_logfile={dir}/o
stderr_logfile={dir}/e
[program:off]
command={child} pause
autostart=false
startsecs=0
[program:w]
command={child} pause
process_name=w%(process_num)d
numprocs=2
startsecs=0
[inet_http_server]
port=127.0.0.1:{port}
username=joe
password=sec ret
"""


@pytest.fixture
def d(box):
    port = free_port()
    d = box.start(CONF.format(child=box.child, dir=box.dir, port=port))
    d.port = port
    d.wait_file("o", "hello")
    d.wait_state("w:w1", "RUNNING")
    return d


def tool(name):
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/bin")
    if not path:
        pytest.skip("%s is not here" % name)
    return path


# ---- xmlrpc.client ------------------------------------------------------------------

def test_xmlrpc_client(d):
    with xmlrpc.client.ServerProxy("http://joe:sec%%20ret@127.0.0.1:%d/RPC2" % d.port) as s:
        assert s.supervisor.getState() == {"statecode": 1, "statename": "RUNNING"}
        assert s.supervisor.stopProcess("cat") is True
        multi = xmlrpc.client.MultiCall(s)
        multi.supervisor.startProcess("cat")
        multi.supervisor.getProcessInfo("nope")
        multi.supervisor.getPID()
        results = multi()
        # Its MultiCall expects each result in a list of its own, the original gives it bare.
        assert results.results[0] is True and results.results[2] == d.pid
        assert results.results[1]["faultCode"] == 10
        info = s.supervisor.getProcessInfo("cat")
        assert isinstance(info["pid"], int) and isinstance(info["description"], str)


# ---- the original's supervisorctl ---------------------------------------------------

@pytest.mark.parametrize("way", ["unix", "inet"])
def test_the_original_supervisorctl(d, both, way):
    conf = d.conf
    if way == "inet":
        conf = d.box.write("ctl.conf", "[supervisorctl]\nserverurl=http://127.0.0.1:%d\n"
                           "username=joe\npassword=sec ret\n" % d.port)

    def ctl(*words, rc=0):
        theirs = d.box.ctl(*words, conf=conf, kind="oracle")
        assert theirs.rc == rc, theirs
        return theirs.out

    assert re.search(r"cat +RUNNING +pid \d+, uptime", ctl("status", "cat", "w:*"))
    assert re.search(r"off +STOPPED +Not started", ctl("status", rc=3))
    assert ctl("pid") == "%d\n" % d.pid and ctl("pid", "cat") == "%d\n" % d.pid_of("cat")
    assert ctl("start", "off") == "off: started\n"
    assert ctl("start", "off") == "off: ERROR (already started)\n"
    assert sorted(ctl("restart", "off", "w:*").split("\n")) == sorted(
        ["", "off: stopped", "w:w0: stopped", "w:w1: stopped", "off: started",
         "w:w0: started", "w:w1: started"])
    assert ctl("stop", "w:w0") == "w:w0: stopped\n"
    assert ctl("signal", "HUP", "cat") == "cat: signalled\n"
    d.wait_file("o", "got HUP")
    assert "got HUP" in ctl("tail", "cat") and "oops" in ctl("tail", "-100", "cat", "stderr")
    assert "spawned: 'cat'" in ctl("maintail", "-100000")
    assert "cat" in ctl("avail") and re.match(r"4\.\d", ctl("version"))
    assert ctl("clear", "cat") == "cat: cleared\n"
    text = d.box.read("sv.conf")
    d.box.write("sv.conf", text + "[program:new]\ncommand=%s pause\nstartsecs=0\n" % d.box.child)
    assert ctl("reread") == "new: available\n"
    assert ctl("update") == "new: added process group\n"
    d.wait_state("new", "RUNNING")
    d.box.write("sv.conf", text)
    assert ctl("update") == "new: stopped\nnew: removed process group\n"
    assert ctl("nope", rc=1).startswith("*** Unknown syntax: nope")
    assert ctl("shutdown") == "Shut down\n"
    assert d.wait_exit() == 0


def test_the_original_follows_a_log(d, both):
    p = d.box.popen([both["oracle"].path("supervisorctl"), "-c", d.conf, "tail", "-f", "cat"],
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    fd, got = p.stdout.fileno(), b""
    os.set_blocking(fd, False)

    def heard(text):
        def look():
            nonlocal got
            try:
                got += os.read(fd, 65536)
            except BlockingIOError:
                pass
            return text in got
        wait_until(look, what=lambda: got)
    heard(b"hello")
    d.sv.signalProcess("cat", "HUP")
    heard(b"got HUP")
    p.terminate()


# ---- Ansible ------------------------------------------------------------------------

def ansible_module():
    """community.general.supervisorctl, where Debian's package "ansible" puts it."""
    path = "/usr/lib/python3/dist-packages/ansible_collections/community/general/plugins/" \
        "modules/supervisorctl.py"
    if not os.path.exists(path):
        pytest.skip("Ansible's collection is not here")
    return path


def ansible(d, **args):
    args.setdefault("supervisorctl_path", d.box.target.path("supervisorctl"))
    args.setdefault("config", d.conf)
    for name in ("remote_tmp", "tmpdir"):
        args["_ansible_" + name] = d.box.dir
    # Not as a script: beside the module lie others with the names of Python's own.
    run = "import runpy; runpy.run_path(%r, run_name='__main__')" % ansible_module()
    p = subprocess.run(["/usr/bin/python3", "-c", run], capture_output=True, text=True,
                       input=json.dumps({"ANSIBLE_MODULE_ARGS": args}), env=d.box.env(),
                       timeout=60)
    return json.loads(p.stdout)


def test_ansible_module(d):
    def changed(**args):
        answer = ansible(d, **args)
        assert not answer.get("failed"), answer
        return answer["changed"]

    assert not changed(name="cat", state="started")
    assert changed(name="cat", state="stopped") and d.state("cat") == "STOPPED"
    assert not changed(name="cat", state="stopped")
    assert changed(name="cat", state="started") and d.state("cat") == "RUNNING"
    pid = d.pid_of("cat")
    assert changed(name="cat", state="restarted") and d.pid_of("cat") != pid
    assert changed(name="cat", state="signalled", signal="HUP")
    d.wait_file("o", "got HUP")
    assert changed(name="w:", state="stopped") and d.state("w:w1") == "STOPPED"
    assert changed(name="w:w0", state="started") and d.state("w:w1") == "STOPPED"
    assert ansible(d, name="nope", state="started")["failed"]
    text = d.box.read("sv.conf")
    d.box.write("sv.conf", text + "[program:new]\ncommand=%s pause\nstartsecs=0\n" % d.box.child)
    assert changed(name="new", state="present") and not changed(name="new", state="present")
    d.wait_state("new", "RUNNING")
    assert ansible(d, name="new", state="absent")["failed"]  # still running
    assert changed(name="new", state="stopped") and changed(name="new", state="absent")
    assert not changed(name="new", state="absent")
    url = "http://127.0.0.1:%d" % d.port
    assert changed(name="off", state="started", config=None, server_url=url, username="joe",
                   password="sec ret")
    assert ansible(d, name="off", state="started", config=None, server_url=url, username="joe",
                   password="wrong")["failed"]


def test_ansible_playbook(d):
    ansible_module()
    play = d.box.write("play.yml", """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - community.general.supervisorctl: {name: cat, state: %s, config: %s,
        supervisorctl_path: %s}
""" % ("stopped", d.conf, d.box.target.path("supervisorctl")))
    p = subprocess.run([tool("ansible-playbook"), "-i", "localhost,", play], capture_output=True,
                       text=True, timeout=120, cwd=d.dir,
                       env=d.box.env({"ANSIBLE_LOCALHOST_WARNING": "false",
                                      "ansible_python_interpreter": "/usr/bin/python3"}))
    assert p.returncode == 0 and "changed=1" in p.stdout, p
    assert d.state("cat") == "STOPPED"


# ---- npm ----------------------------------------------------------------------------

NPM_CLIENT = "supervisord@0.1.0"
SCRIPT = """
const client = require('supervisord').connect(process.argv[2]);
const call = (name, ...args) => new Promise(done =>
    client[name](...args, (err, value) => done(err ? {fault: err.faultCode, text: String(
        err.faultString || err)} : value)));
(async () => {
  const out = {};
  out.state = await call('getState');
  out.pid = await call('getPID');
  out.all = (await call('getAllProcessInfo')).map(p => p.name);
  out.stop = await call('stopProcess', 'cat', true);
  out.again = await call('stopProcess', 'cat', true);
  out.start = await call('startProcess', 'cat', true);
  out.info = await call('getProcessInfo', 'cat');
  out.log = await call('tailProcessStdoutLog', 'cat', 0, 100);
  out.group = await call('stopProcessGroup', 'w', true);
  out.multi = await call('multicall', [{methodName: 'supervisor.getPID', params: []}]);
  out.methods = (await call('listMethods')).length;
  out.nope = await call('getProcessInfo', 'nope');
  console.log(JSON.stringify(out));
})();
"""


@pytest.fixture(scope="session")
def npm_folder():
    """The client under build/, fetched once; nothing of it is in the tree."""
    folder = os.path.join(TOP, "build", "npm")
    if not os.path.exists(os.path.join(folder, "node_modules", "supervisord")):
        os.makedirs(folder, exist_ok=True)
        p = subprocess.run([tool("npm"), "install", "--no-audit", "--no-fund", "--ignore-scripts",
                            "--prefix", folder, NPM_CLIENT], capture_output=True, text=True,
                           timeout=120)
        if p.returncode != 0:
            pytest.skip("npm cannot fetch %s" % NPM_CLIENT)
    return folder


def test_npm_client(d, npm_folder):
    script = d.box.write("client.js", SCRIPT)
    url = "http://joe:sec%%20ret@127.0.0.1:%d" % d.port
    p = subprocess.run([tool("node"), script, url], capture_output=True, text=True, timeout=60,
                       env=d.box.env({"NODE_PATH": os.path.join(npm_folder, "node_modules")}))
    out = json.loads(p.stdout or "{}")
    assert out, p
    assert out["state"] == {"statecode": 1, "statename": "RUNNING"} and out["pid"] == d.pid
    assert out["all"] == ["cat", "off", "w0", "w1"]
    assert out["stop"] is True and out["start"] is True
    assert out["again"]["fault"] == 70 and "NOT_RUNNING: cat" in out["again"]["text"]
    assert out["info"]["statename"] == "RUNNING" and out["info"]["name"] == "cat"
    assert "hello" in out["log"][0] and out["log"][2] is False
    assert sorted([r["name"] for r in out["group"]]) == ["w0", "w1"]
    assert out["multi"] == [d.pid] and out["methods"] > 30
    assert out["nope"]["fault"] == 10


# ---- curl ---------------------------------------------------------------------------

def curl(d, *args, **kw):
    return subprocess.run([tool("curl"), "-sS", "--max-time", "10", *args], capture_output=True,
                          text=True, **kw)


def test_curl(d):
    call = xmlrpc.client.dumps((), "supervisor.getState")
    url = "http://127.0.0.1:%d" % d.port
    assert "RUNNING" in curl(d, "-u", "joe:sec ret", "-d", call, url + "/RPC2").stdout
    assert "RUNNING" in curl(d, "--unix-socket", d.sock, "-d", call, "http://x/RPC2").stdout
    if d.box.target.ours:
        assert "RUNNING" in curl(d, "-u", "joe:sec ret", "-H", "Transfer-Encoding: chunked", "-d",
                                 call, url + "/RPC2").stdout
        big = d.box.write("big", call + " " * 3000000)  # with Expect: 100-continue
        assert "RUNNING" in curl(d, "-u", "joe:sec ret", "--data-binary", "@" + big,
                                 url + "/RPC2").stdout
    r = curl(d, "-w", "%{http_code}", "-o", "/dev/null", url + "/")
    assert r.stdout == "401"
    p = subprocess.Popen([tool("curl"), "-sSN", "-u", "joe:sec ret", url + "/logtail/cat"],
                         stdout=subprocess.PIPE)
    try:
        assert p.stdout.readline() == b"hello\n"
        d.sv.signalProcess("cat", "HUP")
        assert b"got HUP" in p.stdout.readline()
    finally:
        p.kill()
        p.communicate()


# ---- nginx in front -----------------------------------------------------------------

NGINX = """
daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/nginx.err;
events {{}}
http {{
  access_log off; client_body_temp_path {dir}/n1; proxy_temp_path {dir}/n2;
  fastcgi_temp_path {dir}/n3; uwsgi_temp_path {dir}/n4; scgi_temp_path {dir}/n5;
  upstream kept {{ server unix:{dir}/sv.sock; keepalive 4; }}
  server {{
    listen 127.0.0.1:{front};
    location / {{ proxy_pass http://unix:{dir}/sv.sock:/; proxy_set_header Host $http_host; }}
    location /kept/ {{ proxy_pass http://kept/; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host $http_host; }}
    {tls}
  }}
}}
"""
NGINX_TLS = """location /tls/ {{ proxy_pass https://127.0.0.1:{port}/; proxy_ssl_verify on;
      proxy_ssl_name localhost; proxy_ssl_trusted_certificate {ca}; proxy_http_version 1.1;
      proxy_set_header Host $http_host; }}"""


def behind(d, port=None, certs=None):
    nginx = tool("nginx")
    d.front = free_port()
    tls = NGINX_TLS.format(port=port, ca=certs.cert("ours")) if certs else ""
    conf = d.box.write("nginx.conf", NGINX.format(dir=d.dir, front=d.front, tls=tls))
    d.box.popen([nginx, "-c", conf], stderr=open(d.box.path("nginx.out"), "wb"))

    def listens():
        try:
            socket.create_connection(("127.0.0.1", d.front), timeout=5).close()
            return True
        except OSError:
            return False
    wait_until(listens, what=lambda: d.file("nginx.err") + d.file("nginx.out"))


def use_through(d, path):
    with xmlrpc.client.ServerProxy("http://127.0.0.1:%d%sRPC2" % (d.front, path)) as s:
        for _ in range(5):
            assert s.supervisor.getPID() == d.pid
        s.supervisor.stopProcess("cat")
        assert s.supervisor.startProcess("cat") is True
        assert len(s.supervisor.readLog(0, 0)) > 100
    with socket.create_connection(("127.0.0.1", d.front), timeout=10) as s:
        s.sendall(b"GET %slogtail/cat HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
        got = b""
        while got.count(b"hello") < 2:  # of both its lives: the second one is up
            got += s.recv(4096)
        d.sv.signalProcess("cat", "HUP")  # nginx does not hold it back
        while b"got HUP" not in got:
            got += s.recv(4096)


@pytest.mark.parametrize("path", ["/", "/kept/"])
def test_nginx_before_the_unix_socket(d, path):
    behind(d)
    use_through(d, path)


@pytest.mark.differs("the original does not speak TLS")
def test_nginx_before_the_tls_port(box, certs):
    port = free_port()
    text = CONF.format(child=box.child, dir=box.dir, port=port).replace(
        "username=joe\npassword=sec ret", "ssl_certfile=%s\nssl_keyfile=%s"
        % (certs.cert("server"), certs.key("server")))
    d = box.start(text)
    d.wait_file("o", "hello")
    behind(d, port, certs)
    use_through(d, "/tls/")
