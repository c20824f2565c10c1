"""The web page's addresses and documents, without a browser: what scripts use, who may
change something, what is sent, what it costs."""
import http.client
import json
import os
import re
import signal
import socket
import time
import urllib.parse
import xmlrpc.client

import pytest

from harness import free_port, wait_until

pytestmark = pytest.mark.differs("the page is our own")

PROGRAMS = """
[inet_http_server]
port=127.0.0.1:{port}
{auth}
[program:cat]
command=/bin/cat
[program:once]
command=/bin/sh -c 'echo said once; exit 3'
startsecs=0
autorestart=false
[program:idle]
command=/bin/sleep 1000
autostart=false
[program:w]
command=/bin/sleep 1000
process_name=w%(process_num)d
numprocs=2
[program:bad]
command=/nonexistent/program
autostart=false
"""


class Site:
    """A supervisord with an inet port, and plain requests to it."""

    def __init__(self, box, text=PROGRAMS, auth="", **kw):
        self.port = free_port()
        self.daemon = box.start(text.format(port=self.port, auth=auth), **kw)
        self.url = "http://127.0.0.1:%d/" % self.port

    def request(self, method, path, body=None, **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            headers = {k.replace("_", "-"): v for k, v in headers.items()}
            c.request(method, path, body, headers)
            r = c.getresponse()
            return r.status, dict(r.getheaders()), r.read().decode()
        finally:
            c.close()

    def act(self, fields, **headers):
        """POST as the page's script does; its JSON."""
        headers.setdefault("Accept", "application/json")
        headers.setdefault("Content_Type", "application/x-www-form-urlencoded")
        status, _, body = self.request("POST", "/index.html",
                                       urllib.parse.urlencode(fields, True), **headers)
        return status, json.loads(body) if body.startswith("{") else body

    def status(self):
        status, headers, body = self.request("GET", "/status.json")
        assert status == 200 and headers["Content-Type"] == "application/json"
        return json.loads(body)

    def program(self, name):
        return next(p for p in self.status()["processes"] if p["name"] == name)

    def events(self, path="/events", **headers):
        return Events(self.port, path, headers)


class Events:
    """A reader of server-sent events."""

    def __init__(self, port, path, headers):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        lines = "".join("%s: %s\r\n" % (k.replace("_", "-"), v) for k, v in headers.items())
        self.sock.sendall(("GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
                           % (path, lines)).encode())
        self.response = http.client.HTTPResponse(self.sock)
        self.response.begin()
        self.seen = []

    def __iter__(self):
        name, data, ident = None, None, None
        while True:
            line = self.response.readline().decode()
            if not line:
                return
            line = line.rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = json.loads(line[6:])
            elif line.startswith("id: "):
                ident = line[4:]
            elif line == "" and name:
                self.seen.append((name, data))
                self.last_id = ident
                yield name, data
                name = data = ident = None

    def wait(self, name, fits=lambda data: True):
        for got, data in self:
            if got == name and fits(data):
                return data
        raise AssertionError("the stream ended without %s: %r" % (name, self.seen[-3:]))

    def close(self):
        self.response.close()
        self.sock.close()


@pytest.fixture
def site(box):
    site = Site(box)
    for name in ("cat", "w:w0", "w:w1"):
        site.daemon.wait_state(name, "RUNNING")
    return site


# ---- what is sent ----------------------------------------------------------------

def test_page(site):
    status, headers, body = site.request("GET", "/")
    assert status == 200
    assert headers["Content-Type"] == "text/html;charset=utf-8"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy and headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert 'data-name="w:w1"' in body and "{{" not in body
    assert not re.search(r'(?:src|href|action)="(?:/|[a-z]+:)', body), "links are relative"
    assert not re.search(r"<script(?! src=)|<style|\son[a-z]+=|style=", body), "nothing inline"
    for path in re.findall(r'(?:src|href)="([^"#]+)"', body):
        if path.startswith("./"):
            continue
        status, headers, _ = site.request("HEAD", "/" + path.replace("&amp;", "&"))
        assert status == 200, path
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert site.request("GET", "/ok.html")[2] == "OK"


def test_size():
    """What the binary carries of it, packed."""
    folder = os.path.join(os.path.dirname(__file__), "../../build/gen")
    embed = [os.path.join(folder, f) for f in os.listdir(folder) if f.startswith("web_")]
    size = sum(open(f).read().partition("{\n")[2].count(",") for f in embed)
    assert 10000 < size <= 24 * 1024


def test_status_json(site):
    doc = site.status()
    sup = doc["supervisor"]
    assert sup["pid"] == site.daemon.pid and sup["statename"] == "RUNNING"
    assert sup["identifier"] == "supervisor" and sup["version"] == site.daemon.sv.getSupervisorVersion()
    names = [p["name"] for p in doc["processes"]]
    assert names == ["bad", "cat", "idle", "once", "w:w0", "w:w1"]
    cat, info = site.program("cat"), site.daemon.info("cat")
    for key, theirs in (("pid", "pid"), ("state", "state"), ("statename", "statename"),
                        ("start", "start"), ("stop", "stop"), ("exitstatus", "exitstatus"),
                        ("group", "group"), ("process", "name"), ("spawnerr", "spawnerr")):
        assert cat[key] == info[theirs]
    assert cat["starts"] == 1 and cat["stdout"] and cat["stderr"]
    assert site.daemon.wait_state("once", "EXITED")
    assert site.program("once")["reason"] == "exit status 3"
    # samples are taken from now on, for a while
    wait_until(lambda: site.program("cat")["rss_bytes"])
    wait_until(lambda: site.program("cat")["cpu_percent"] is not None)
    assert site.program("idle")["rss_bytes"] is None


# ---- actions ---------------------------------------------------------------------

def test_old_addresses(site):
    def get(query):
        status, headers, body = site.request("GET", "/index.html?" + query)
        if status != 303:
            return status
        assert headers["Location"].startswith("./?message=")
        return urllib.parse.unquote(headers["Location"].partition("=")[2])
    assert get("processname=idle&action=start") == "Process idle started"
    assert site.daemon.state("idle") == "RUNNING"
    pid = site.daemon.pid_of("idle")
    assert get("processname=idle&action=restart") == "Process idle restarted"
    assert site.daemon.state("idle") == "RUNNING" and site.daemon.pid_of("idle") != pid
    assert get("processname=idle&action=start") == "ERROR: Process idle: already started"
    assert get("processname=idle&action=stop") == "Process idle stopped"
    assert site.daemon.state("idle") == "STOPPED"
    assert get("processname=bad&action=start") == "ERROR: Process bad: no such file"
    assert get("processname=once&action=clearlog") == "Log for once cleared"
    assert get("processname=nobody&action=start") == "No such process named nobody"
    assert get("action=refresh").startswith("Page refreshed at ")
    assert get("action=stopall").startswith("All stopped at ")
    assert site.daemon.state("w:w1") == site.daemon.state("cat") == "STOPPED"
    assert "Process bad: no such file" in get("action=restartall")
    assert site.daemon.state("w:w1") == site.daemon.state("cat") == "RUNNING"
    assert get("action=nonsense") == 400
    assert site.request("GET", "/?message=%3Cb%3Ehello")[2].count("&lt;b&gt;hello") == 1


def test_reading_changes_nothing(site):
    pid = site.daemon.pid_of("cat")
    assert site.request("HEAD", "/index.html?action=stopall")[0] == 200
    for path in ("/", "/index.html?processname=cat", "/tail.html?processname=cat&action=stop",
                 "/status.json?action=stopall", "/?action="):
        assert site.request("GET", path)[0] == 200
    assert site.daemon.pid_of("cat") == pid


def test_forms(site):
    ok = {"job": 1, "ok": True, "message": "Process idle started", "done": 1, "failed": 0,
          "pending": 0}
    assert site.act({"row": "start idle"}) == (200, ok)
    # a group, a selection; what needs nothing is passed over
    assert site.act({"row": "stop w:*"})[1]["message"] == "2 stopped"
    assert site.act({"action": "start", "processname": ["w:w0", "w:w1", "cat"]})[1]["done"] == 2
    answer = site.act({"action": "start", "processname": ["bad", "nobody"]})[1]
    assert not answer["ok"] and answer["failed"] == 2
    assert answer["message"] == "ERROR: Process bad: no such file; No such process named nobody"
    assert site.act({"action": "stop"})[1]["message"] == "ERROR: no program was chosen"
    pid = site.daemon.pid_of("w:w0")
    answer = site.act({"action": "signal", "processname": "w:w0", "signal": "KILL"})[1]
    assert answer["message"] == "Process w:w0 signalled"
    wait_until(lambda: site.daemon.pid_of("w:w0") not in (0, pid))
    assert "terminated by SIGKILL" == site.program("w:w0")["reason"]
    answer = site.act({"action": "signal", "processname": "w:w0", "signal": "NONE"})[1]
    assert answer["message"] == "ERROR: Process w:w0: bad signal name"
    # without a script the answer is the page
    status, headers, _ = site.request("POST", "/index.html", "row=stop+idle",
                                      Content_Type="application/x-www-form-urlencoded")
    assert (status, headers["Location"]) == (303, "./?message=Process%20idle%20stopped")


def test_slow_stop_answers_soon(box):
    site = Site(box, """
[inet_http_server]
port=127.0.0.1:{port}
[program:slow]
command=/bin/sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
stopwaitsecs=6
""")
    site.daemon.wait_state("slow", "RUNNING")
    wait_until(lambda: "ready" in site.daemon.sv.readProcessStdoutLog("slow", 0, 0))
    pid = site.daemon.pid_of("slow")
    watch = site.events()
    begin = time.monotonic()
    status, answer = site.act({"row": "restart slow"})
    assert status == 202 and answer["pending"] == 1 and time.monotonic() - begin < 5
    done = watch.wait("job", lambda d: d["job"] == answer["job"])
    assert done["ok"] and done["message"] == "Process slow restarted"
    assert site.daemon.state("slow") == "RUNNING" and site.daemon.pid_of("slow") != pid
    watch.close()


def test_restart_outlives_its_reader(box):
    site = Site(box, """
[inet_http_server]
port=127.0.0.1:{port}
[program:slow]
command=/bin/sh -c 'trap "sleep 1; exit 0" TERM; echo ready; while :; do sleep 0.1; done'
""")
    site.daemon.wait_state("slow", "RUNNING")
    wait_until(lambda: "ready" in site.daemon.sv.readProcessStdoutLog("slow", 0, 0))
    pid = site.daemon.pid_of("slow")
    s = socket.create_connection(("127.0.0.1", site.port))
    s.sendall(b"GET /index.html?action=restart&processname=slow HTTP/1.1\r\nHost: x\r\n\r\n")
    site.daemon.wait_state("slow", "STOPPING")
    s.close()
    wait_until(lambda: site.daemon.state("slow") == "RUNNING"
               and site.daemon.pid_of("slow") != pid)


def test_update(site, box):
    conf = site.daemon.conf
    text = open(conf).read()
    new = text.replace("[program:idle]", "[program:fresh]").replace(
        "numprocs=2", "numprocs=3")
    assert site.act({"action": "reread"})[1] == {"ok": True, "added": [], "changed": [],
                                                 "removed": []}
    box.write("sv.conf", new)
    diff = {"ok": True, "added": ["fresh"], "changed": ["w"], "removed": ["idle"]}
    assert site.act({"action": "reread"})[1] == diff
    assert site.program("w:w1")["starts"] == 1, "nothing has been done yet"
    # as a page, for those without scripts
    status, _, body = site.request("POST", "/", "action=reread")
    assert status == 200 and "<dt>Added</dt><dd>fresh</dd>" in body
    watch = site.events()
    answer = site.act({"action": "update"})[1]
    assert answer["message"] == "Updated: 1 added, 1 changed, 1 removed", answer
    assert [p["name"] for p in site.status()["processes"]] == [
        "bad", "cat", "fresh", "once", "w:w0", "w:w1", "w:w2"]
    watch.wait("status", lambda d: any(p["name"] == "w:w2" for p in d["processes"]))
    watch.close()
    box.write("sv.conf", "[supervisord\n")
    answer = site.act({"action": "reread"})[1]
    assert not answer["ok"] and answer["message"].startswith("ERROR: ")


# ---- who may ---------------------------------------------------------------------

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("headers,allowed", [
    ({}, True),
    ({"Host": "some.proxy.example"}, True),
    ({"Origin": "{origin}"}, True),
    ({"Origin": "{origin}", "Sec_Fetch_Site": "same-origin"}, True),
    ({"Referer": "{origin}/index.html"}, True),
    ({"User_Agent": "Mozilla/5.0"}, False),
    ({"Origin": "http://evil.example"}, False),
    ({"Origin": "null"}, False),
    ({"Sec_Fetch_Site": "cross-site"}, False),
    ({"Sec_Fetch_Site": "same-site", "Origin": "{origin}"}, False),
    ({"Referer": "http://evil.example/"}, False),
    ({"Host": "evil.example", "Origin": "http://evil.example"}, False),
    ({"Host": "evil.example", "Sec_Fetch_Site": "same-origin"}, False),
])
def test_foreign_sites(site, headers, allowed):
    origin = "http://127.0.0.1:%d" % site.port
    headers = {k: v.format(origin=origin) for k, v in headers.items()}
    status = site.request("POST", "/index.html", "row=start+idle", Content_Type=FORM,
                          **headers)[0]
    assert status == (303 if allowed else 403)
    assert site.daemon.state("idle") == ("RUNNING" if allowed else "STOPPED")
    status = site.request("GET", "/index.html?action=stop&processname=cat", **headers)[0]
    assert status == (303 if allowed else 403)
    call = ("<methodCall><methodName>supervisor.stopProcess</methodName><params><param>"
            "<value>w:w0</value></param></params></methodCall>")
    status = site.request("POST", "/RPC2", call, Content_Type="text/xml", **headers)[0]
    assert status == (200 if allowed else 403)
    assert site.daemon.state("w:w0") == ("STOPPED" if allowed else "RUNNING")


def test_password(box):
    site = Site(box, auth="username=me\npassword=secret")
    for path in ("/", "/status.json", "/events", "/events/log?processname=cat", "/page.js",
                 "/tail.html?processname=cat", "/download?processname=cat", "/nothing"):
        assert site.request("GET", path)[0] == 401, path
    good = {"Authorization": "Basic bWU6c2VjcmV0"}
    assert site.request("GET", "/status.json", **good)[0] == 200
    # with a password any name will do: browsers keep passwords by name
    status = site.request("POST", "/", "row=start+idle", Host="sup.example",
                          Origin="http://sup.example", **good)[0]
    assert status == 303
    status = site.request("POST", "/", "row=stop+idle", Origin="http://evil.example", **good)[0]
    assert status == 403


def test_names_and_logs_are_never_markup(box):
    site = Site(box, """
[inet_http_server]
port=127.0.0.1:{port}
[program:<script>]
command=/bin/sh -c 'echo "<script>alert(1)</script>"; exec sleep 1000'
""")
    name = "%3Cscript%3E"
    wait_until(lambda: "alert" in site.request("GET", "/tail.html?processname=" + name)[2])
    for path in ("/", "/tail.html?processname=" + name, "/?message=%3Cscript%3E",
                 "/?q=%22%3E%3Cscript%3E", "/tail.html?processname=%22%3E%3Cscript%3Ex"):
        _, headers, body = site.request("GET", path)
        assert not re.search(r"<script(?! src=)", body), path
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert "<" not in site.request("GET", "/status.json")[2]
    _, headers, body = site.request("GET", "/download?processname=" + name)
    assert body == "<script>alert(1)</script>\n"
    assert headers["Content-Type"].startswith("text/plain")
    assert headers["Content-Disposition"].startswith("attachment")


# ---- events ----------------------------------------------------------------------

def test_events(site):
    watch = site.events()
    assert watch.response.getheader("Content-Type") == "text/event-stream"
    assert watch.response.getheader("X-Accel-Buffering") == "no"
    first = watch.wait("status")
    assert {p["name"] for p in first["processes"]} == {p["name"] for p in
                                                      site.status()["processes"]}
    pid = site.daemon.pid_of("cat")
    os.kill(pid, signal.SIGKILL)
    gone = watch.wait("process", lambda d: any(
        p["name"] == "cat" and p["pid"] not in (0, pid) for p in d))
    cat = next(p for p in gone if p["name"] == "cat")
    assert cat["reason"] == "terminated by SIGKILL" and cat["starts"] == 2
    usage = watch.wait("usage", lambda d: any(p["name"] == "cat" and p["rss_bytes"]
                                             for p in d["processes"]))
    assert len(usage["supervisor"]["load"]) == 3
    site.daemon.sv.shutdown()
    assert watch.wait("supervisor")["statename"] == "SHUTDOWN"
    site.daemon.wait_exit()
    watch.close()


def test_nothing_happens_nothing_is_sent(box):
    """With the page open on many idle programs: no events, hardly any processor time."""
    site = Site(box, """
[inet_http_server]
port=127.0.0.1:{port}
[program:many]
command=/bin/sleep 1000
process_name=p%(process_num)04d
numprocs=300
startsecs=0
""", supervisord="minfds=2000\n")
    site.daemon.wait_state("many:p0299", "RUNNING", timeout=60)
    watch = site.events()
    watch.wait("status")
    ticks = os.sysconf("SC_CLK_TCK")

    def cpu():
        with open("/proc/%d/stat" % site.daemon.pid) as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / ticks
    for _ in range(2):  # until every program has been sampled twice
        watch.wait("usage")
    before, begin, seen = cpu(), time.monotonic(), len(watch.seen)
    watch.sock.settimeout(8)
    with pytest.raises(OSError):
        while True:
            watch.wait("process")
    spent = (cpu() - before) / (time.monotonic() - begin)
    assert len(watch.seen) - seen <= 6
    limit = 0.05 if "san" in os.environ.get("SUPERVISOR_BIN", "") else 0.02
    assert spent < limit, "%.2f %% of a core" % (100 * spent)
    watch.close()
    # and with no page open: asleep
    def wakeups():
        with open("/proc/%d/status" % site.daemon.pid) as f:
            return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", f.read(), re.M)[1])

    def sleeps():
        before = wakeups()
        time.sleep(1.0)  # measures
        return wakeups() - before <= 1
    wait_until(sleeps, timeout=60)


def test_slow_reader_of_events(site):
    """Who does not read costs bounded memory, and gets the whole picture afterwards."""
    watch = site.events()
    watch.wait("status")
    for _ in range(20):
        site.act({"row": "restart w:*"})
    assert site.program("w:w0")["starts"] >= 20
    watch.wait("process", lambda d: any(p["starts"] >= 20 for p in d))
    watch.close()


# ---- logs ------------------------------------------------------------------------

def follow(site, name, **kw):
    return site.events("/events/log?processname=" + name, **kw)


def test_log_events(box):
    site = Site(box, """
[inet_http_server]
port=127.0.0.1:{port}
[program:cat]
command=/bin/cat
stdout_logfile={dir}/cat.log
stdout_logfile_maxbytes=1000
stdout_logfile_backups=1
""".replace("{dir}", box.dir))
    site.daemon.wait_state("cat", "RUNNING")

    def say(text):
        site.daemon.sv.sendProcessStdin("cat", xmlrpc.client.Binary(text.encode()))
    say("first\n")
    wait_until(lambda: "first" in box.read("cat.log"))
    watch = follow(site, "cat")
    assert watch.wait("log") == "first\n"
    say("h\u00e4\x1b[31m<b>\n")
    assert watch.wait("log") == "h\u00e4\x1b[31m<b>\n"
    mark = watch.last_id
    # rotated: nothing of the old or the new is lost
    say("x" * 1100 + "\n")
    text = ""
    while "x\n" not in text:
        text += watch.wait("log")
    wait_until(lambda: os.path.exists(box.path("cat.log.1")))
    say("new file\n")
    assert watch.wait("reset")["why"] == "rotated"
    assert watch.wait("log") == "new file\n"
    # cleared
    assert site.act({"row": "clearlog cat"})[1]["ok"]
    say("after\n")
    assert watch.wait("reset")
    assert watch.wait("log") == "after\n"
    # a reader that lost the connection goes on where it was, or learns that it cannot
    again = follow(site, "cat", Last_Event_ID=watch.last_id)
    say("more\n")
    assert again.wait("log") == "more\n"
    lost = follow(site, "cat", Last_Event_ID=mark)
    assert lost.wait("reset")["why"] == "rotated"
    for w in (watch, again, lost):
        w.close()
    assert site.request("GET", "/events/log?processname=nobody")[0] == 404
    main = site.events("/events/log?log=main")
    assert "entered RUNNING state" in main.wait("log", lambda d: "RUNNING" in d)
    main.close()


def test_flood(box):
    """A program that writes as fast as it can: the viewer gets little of it, all else
    goes on."""
    site = Site(box, """
[inet_http_server]
port=127.0.0.1:{port}
[program:flood]
command=/bin/sh -c 'exec yes 0123456789012345678901234567890123456789012345678901234567890123'
stdout_logfile={dir}/flood.log
stdout_logfile_maxbytes=50MB
stdout_logfile_backups=1
""".replace("{dir}", box.dir))
    site.daemon.wait_state("flood", "RUNNING")
    watch = follow(site, "flood")
    got, gaps, begin = 0, 0, time.monotonic()
    for name, data in watch:
        got += len(data) if name == "log" else 0
        gaps += name == "gap"
        if time.monotonic() - begin > 3:
            break
    assert gaps > 0 and 10000 < got < 2 << 20
    begin = time.monotonic()
    assert site.request("GET", "/status.json")[0] == 200
    assert time.monotonic() - begin < 2
    site.act({"row": "stop flood"})
    watch.close()


def test_download(box):
    site = Site(box, """
[inet_http_server]
port=127.0.0.1:{port}
[program:cat]
command=/bin/cat
stdout_logfile={dir}/cat.log
""".replace("{dir}", box.dir))
    big = b"".join(b"line %07d\n" % i for i in range(300000))
    box.write("cat.log", big)
    status, headers, body = site.request("GET", "/download?processname=cat")
    assert status == 200 and body == big.decode()
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''cat-stdout.log"
    assert site.request("GET", "/download?processname=nobody")[0] == 404
    assert site.request("GET", "/download?processname=../../etc/passwd")[0] == 404
    tail = site.request("GET", "/tail.html?processname=cat&limit=2000")[2]
    assert "line 0299999\n</pre>" in tail and "line 0299000" not in tail
    assert "ERROR: there is no process nobody" in site.request(
        "GET", "/tail.html?processname=nobody")[2]
