"""XML-RPC over HTTP: methods, faults and their wording, deferred answers, bad requests."""
import base64
import hashlib
import os
import re
import socket
import threading
import time
import xmlrpc.client

import pytest

from harness import alive, fault_of, free_port, wait_until

CONF = """
[program:cat]
command={child} trap HUP onsig TERM 0 out 'abcdefghij\\n' err 'oops\\n' pause
startsecs=0
stdout_logfile={dir}/o
stderr_logfile={dir}/e
[program:off]
command={child} pause
autostart=false
stdout_logfile=NONE
stderr_logfile=NONE
startsecs=0
[program:w]
command={child} pause
process_name=w%(process_num)d
numprocs=2
autostart=false
startsecs=0
[program:slow]
command={child} ignore TERM out ready pause
autostart=false
startsecs=0
stopwaitsecs=2
stdout_logfile={dir}/slow
[program:late]
command={child} pause
autostart=false
startsecs=2
[program:early]
command={child} sleep 0.2 exit 1
autostart=false
startretries=0
[program:listen]
command={child} echo
startsecs=0
stdout_logfile={dir}/listen
"""


@pytest.fixture
def d(box):
    d = box.start(CONF.format(child=box.child, dir=box.dir))
    d.wait_state("cat", "RUNNING")
    d.wait_file("o", "j$")
    d.wait_file("e", "oops")
    return d


# ---- what each method answers ------------------------------------------------------

def test_versions_and_state(d):
    assert d.sv.getAPIVersion() == d.sv.getVersion() == "3.0"
    assert re.match(r"4\.\d", d.sv.getSupervisorVersion())
    assert d.sv.getIdentification() == "supervisor"
    assert d.sv.getState() == {"statecode": 1, "statename": "RUNNING"}
    assert d.sv.getPID() == d.pid


def test_process_info(d):
    info = d.info("cat")
    assert set(info) == {"name", "group", "start", "stop", "now", "state", "statename",
                         "spawnerr", "exitstatus", "logfile", "stdout_logfile",
                         "stderr_logfile", "pid", "description"}
    assert info["logfile"] == info["stdout_logfile"] == d.box.path("o")
    assert abs(info["now"] - time.time()) < 3 and 0 <= info["now"] - info["start"] < 60
    assert info["stop"] == 0 and info["exitstatus"] == 0 and info["spawnerr"] == ""
    assert d.info("cat:cat")["pid"] == info["pid"]
    d.sv.stopProcess("cat")
    info = d.info("cat")
    assert info["stop"] >= info["start"] > 0 and info["pid"] == 0


def test_all_process_info_is_sorted(d):
    got = [(p["group"], p["name"]) for p in d.sv.getAllProcessInfo()]
    assert got == sorted(got)
    assert ("w", "w0") in got and len(got) == 8


@pytest.mark.parametrize("call,args,fault", [
    ("getProcessInfo", ("nope",), (10, "BAD_NAME: nope")),
    ("getProcessInfo", ("w",), (10, "BAD_NAME: w")),
    ("getProcessInfo", ("w:*",), (10, "BAD_NAME: w:*")),
    ("getProcessInfo", ("w:nope",), (10, "BAD_NAME: w:nope")),
    ("startProcess", ("nope",), (10, "BAD_NAME: nope")),
    ("startProcess", ("cat",), (60, "ALREADY_STARTED: cat")),
    ("startProcess", ("cat:cat",), (60, "ALREADY_STARTED: cat:cat")),
    ("startProcessGroup", ("nope",), (10, "BAD_NAME: nope")),
    ("stopProcess", ("off",), (70, "NOT_RUNNING: off")),
    ("stopProcess", ("nope",), (10, "BAD_NAME: nope")),
    ("stopProcessGroup", ("nope",), (10, "BAD_NAME: nope")),
    ("signalProcess", ("off", "HUP"), (70, "NOT_RUNNING: off")),
    ("signalProcess", ("cat", "NOPE"), (11, "BAD_SIGNAL: NOPE")),
    ("signalProcess", ("nope", "HUP"), (10, "BAD_NAME: nope")),
    ("signalProcessGroup", ("nope", "HUP"), (10, "BAD_NAME: nope")),
    ("addProcessGroup", ("cat",), (90, "ALREADY_ADDED: cat")),
    ("addProcessGroup", ("nope",), (10, "BAD_NAME: nope")),
    ("removeProcessGroup", ("cat",), (91, "STILL_RUNNING: cat")),
    ("removeProcessGroup", ("nope",), (10, "BAD_NAME: nope")),
    ("readProcessStdoutLog", ("nope", 0, 0), (10, "BAD_NAME: nope")),
    ("readProcessStdoutLog", ("off", 0, 0), (20, "NO_FILE")),
    ("readProcessStdoutLog", ("cat", -5, 5), (3, "BAD_ARGUMENTS")),
    ("readProcessStdoutLog", ("cat", 0, -1), (3, "BAD_ARGUMENTS")),
    ("readProcessStderrLog", ("w:*", 0, 0), (10, "BAD_NAME: w:*")),
    ("tailProcessStdoutLog", ("nope", 0, 0), (10, "BAD_NAME: nope")),
    ("clearProcessLogs", ("nope",), (10, "BAD_NAME: nope")),
    ("clearProcessLogs", ("w:*",), (10, "BAD_NAME: w:*")),
    ("sendProcessStdin", ("nope", "x"), (10, "BAD_NAME: nope")),
    ("sendProcessStdin", ("off", "x"), (70, "NOT_RUNNING: off")),
    ("readLog", (-1, 1), (3, "BAD_ARGUMENTS")),
    ("nope", (), (1, "UNKNOWN_METHOD")),
    ("_update", ("x",), (1, "UNKNOWN_METHOD")),
    ("__init__", (), (1, "UNKNOWN_METHOD")),
    ("supervisord.options.mood", (), (1, "UNKNOWN_METHOD")),
    ("getState", (1,), (2, "INCORRECT_PARAMETERS")),
    ("getProcessInfo", (), (2, "INCORRECT_PARAMETERS")),
    ("startProcess", ("a", True, 1), (2, "INCORRECT_PARAMETERS")),
])
def test_fault(d, call, args, fault):
    method = xmlrpc.client._Method(d.rpc._ServerProxy__request, "supervisor." + call)
    code, text = fault_of(method, *args)
    if call == "readProcessStdoutLog" and args[0] == "off":
        assert code == 20 and text.startswith("NO_FILE")
    else:
        assert (code, text) == fault


@pytest.mark.parametrize("method", ["getState", "nope.getState", "supervisor", "system.nope",
                                    "system", "supervisor..getState", "a.b.c.d"])
def test_unknown_method(d, method):
    assert fault_of(getattr(d.rpc, method)) == (1, "UNKNOWN_METHOD")


def test_start_and_stop_groups(d):
    got = d.sv.startProcessGroup("w")
    assert got == [{"name": n, "group": "w", "status": 80, "description": "OK"}
                   for n in ("w0", "w1")]
    assert d.sv.startProcessGroup("w") == []
    assert d.sv.stopProcess("w:w0") is True
    got = d.sv.stopProcessGroup("w")
    assert [r["name"] for r in got] == ["w1"]
    assert [r["name"] for r in d.sv.startProcess("w:*")] == ["w0", "w1"]
    assert [r["name"] for r in d.sv.signalProcess("w:*", "CONT")] == ["w0", "w1"]
    assert sorted(r["name"] for r in d.sv.stopProcess("w:")) == ["w0", "w1"]
    assert d.sv.startProcessGroup("w", False) is not None
    d.wait_state("w:w1", "RUNNING")


def test_start_and_stop_all(d):
    got = d.sv.startAllProcesses()
    by_name = {r["name"]: r for r in got}
    assert "cat" not in by_name  # was running
    assert by_name["off"]["status"] == 80 and by_name["off"]["description"] == "OK"
    # The second 0.2 of "early" comes before its startsecs are over.
    assert by_name["early"]["status"] in (40, 50)
    assert by_name["early"]["description"] in ("SPAWN_ERROR: early",
                                               "ABNORMAL_TERMINATION: early",
                                               "SPAWN_ERROR: early:early",
                                               "ABNORMAL_TERMINATION: early:early")
    got = d.sv.stopAllProcesses()
    assert {r["name"] for r in got} == {"cat", "off", "w0", "w1", "slow", "late", "listen"}
    assert all(r["status"] == 80 and r["description"] == "OK" for r in got)


def test_start_that_fails_early(d):
    code, text = fault_of(d.sv.startProcess, "early")
    assert (code, text) in ((40, "ABNORMAL_TERMINATION: early"), (50, "SPAWN_ERROR: early"))


def test_wait_false_answers_at_once(d):
    begin = time.monotonic()
    assert d.sv.startProcess("late", False) is True
    assert time.monotonic() - begin < 1.5
    assert d.state("late") == "STARTING"
    assert d.sv.startProcess("slow") is True
    d.wait_file("slow", "ready")
    begin = time.monotonic()
    assert d.sv.stopProcess("slow", False) is True
    assert time.monotonic() - begin < 1.5
    assert d.state("slow") == "STOPPING"


# ---- deferred answers --------------------------------------------------------------

def in_thread(d, call, *args):
    """Run a call on a connection of its own; answers a list that gets the result."""
    result = []

    def run():
        try:
            result.append(getattr(d.new_rpc().supervisor, call)(*args))
        except Exception as e:
            result.append(e)
    t = threading.Thread(target=run, daemon=True)
    t.start()
    return result


def test_waiting_calls_do_not_block_others(d):
    d.sv.startProcess("slow")
    d.wait_file("slow", "ready")
    stop = in_thread(d, "stopProcess", "slow")
    start = in_thread(d, "startProcess", "late")
    d.wait_state("slow", "STOPPING")
    d.wait_state("late", "STARTING")
    for _ in range(10):
        begin = time.monotonic()
        assert d.sv.getState()["statecode"] == 1
        assert time.monotonic() - begin < 0.5
    assert stop == [] and start == []
    wait_until(lambda: stop and start)
    assert stop == [True] and start == [True]
    assert d.state("slow") == "STOPPED" and d.state("late") == "RUNNING"


def test_waiting_client_may_leave(d):
    s = socket.socket(socket.AF_UNIX)
    s.connect(d.sock)
    body = xmlrpc.client.dumps(("late",), "supervisor.startProcess").encode()
    s.sendall(b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n"
              b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    d.wait_state("late", "STARTING")
    s.close()
    d.wait_state("late", "RUNNING")
    assert d.sv.getState()["statecode"] == 1


def test_start_answered_when_stopped_meanwhile(d):
    start = in_thread(d, "startProcess", "late")
    d.wait_state("late", "STARTING")
    d.sv.stopProcess("late")
    wait_until(lambda: start)
    assert isinstance(start[0], xmlrpc.client.Fault) and start[0].faultCode in (40, 50)


def test_two_clients_stop_the_same(d):
    d.sv.startProcess("slow")
    d.wait_file("slow", "ready")
    a, b = in_thread(d, "stopProcess", "slow"), in_thread(d, "stopProcess", "slow")
    wait_until(lambda: a and b)
    for one in (a, b):
        assert one[0] is True or one[0].faultCode in (30, 70)


# ---- system.* ----------------------------------------------------------------------

def test_multicall(d):
    got = d.rpc.system.multicall([
        {"methodName": "supervisor.getState", "params": []},
        {"methodName": "supervisor.getProcessInfo", "params": ["nope"]},
        {"methodName": "supervisor.startProcess", "params": ["off"]},
        {"methodName": "supervisor.stopProcess", "params": ["off"]},
        {"methodName": "nope.nope", "params": []},
        {"methodName": "supervisor.getPID", "params": []}])
    assert got == [{"statecode": 1, "statename": "RUNNING"},
                   {"faultCode": 10, "faultString": "BAD_NAME: nope"}, True, True,
                   {"faultCode": 1, "faultString": "UNKNOWN_METHOD"}, d.pid]


def test_multicall_waits_in_order(d):
    got = d.rpc.system.multicall([
        {"methodName": "supervisor.startProcess", "params": ["late"]},
        {"methodName": "supervisor.getProcessInfo", "params": ["late"]}])
    assert got[0] is True and got[1]["statename"] == "RUNNING"


def test_multicall_refuses_recursion(d):
    got = d.rpc.system.multicall([{"methodName": "system.multicall", "params": [[]]},
                                  {"methodName": "supervisor.getPID", "params": []}])
    assert got[0]["faultCode"] == 2 and got[1] == d.pid
    assert got[0]["faultString"] == "INCORRECT_PARAMETERS: Recursive system.multicall forbidden"


def test_introspection(d):
    methods = d.rpc.system.listMethods()
    assert methods == sorted(methods)
    for name in ("supervisor.getState", "supervisor.startProcess", "supervisor.reloadConfig",
                 "supervisor.tailProcessStdoutLog", "supervisor.sendProcessStdin",
                 "supervisor.getAllConfigInfo", "supervisor.signalAllProcesses",
                 "system.listMethods", "system.methodHelp", "system.methodSignature",
                 "system.multicall"):
        assert name in methods
    assert d.rpc.system.methodSignature("supervisor.startProcess") == [
        "boolean", "string", "boolean"]
    text = d.rpc.system.methodHelp("supervisor.startProcess")
    assert re.search(r"@param +string +name", text) and re.search(r"@return +boolean", text)
    assert fault_of(d.rpc.system.methodHelp, "nope.x")[0] == 4
    assert fault_of(d.rpc.system.methodSignature, "nope.x")[0] == 4


# ---- logs and stdin ----------------------------------------------------------------

@pytest.mark.parametrize("offset,length,want", [
    (0, 0, "abcdefghij\n"), (0, 3, "abc"), (2, 3, "cde"), (3, 0, "defghij\n"), (-4, 0, "hij\n"),
    (-400, 0, "abcdefghij\n"), (100, 5, ""), (100, 0, ""), (0, 400, "abcdefghij\n")])
def test_read_log(d, offset, length, want):
    assert d.sv.readProcessStdoutLog("cat", offset, length) == want
    assert d.sv.readProcessLog("cat", offset, length) == want


@pytest.mark.parametrize("offset,length,want", [
    (0, 5, ["j\n", 11, True]), (0, 11, ["abcdefghij\n", 11, False]),
    (0, 100, ["abcdefghij\n", 11, False]), (11, 5, ["", 11, False]),
    (8, 3, ["ij\n", 11, False]), (50, 5, ["", 11, False])])
def test_tail_log(d, offset, length, want):
    got = d.sv.tailProcessStdoutLog("cat", offset, length)
    if want[2]:
        assert got[1:] == want[1:] and "abcdefghij\n".endswith(got[0])
    else:
        assert got == want


def test_stderr_and_missing_logs(d):
    assert d.sv.readProcessStderrLog("cat", 0, 0) == "oops\n"
    assert d.sv.tailProcessStderrLog("cat", 0, 100) == ["oops\n", 5, False]
    assert d.sv.tailProcessStdoutLog("off", 0, 100) == ["", 0, False]
    assert d.sv.clearProcessLogs("cat") is True
    assert d.sv.readProcessStdoutLog("cat", 0, 0) == ""
    results = d.sv.clearAllProcessLogs()
    assert all(r["status"] == 80 for r in results) and len(results) == 8


def test_main_log(d):
    assert d.sv.readLog(0, 0) == d.log
    assert d.sv.readMainLog(-10, 0) == d.log[-10:]
    assert d.sv.clearLog() is True
    assert "supervisord started" not in d.log
    d.sv.stopProcess("cat")
    d.wait_log("stopped: cat")


@pytest.mark.differs("the original waits for more")
def test_empty_body(d):
    assert http(d, post(""))[0] == 400


@pytest.mark.differs("control characters and invalid UTF-8 break the original's answers")
def test_bad_bytes_in_a_log(box):
    d = box.start("[program:a]\ncommand=%s out '\\x01\\xff<&]]>\\x00\\xc3\\xa4\\n' pause\n"
                  "startsecs=0\nstdout_logfile=%s\n" % (box.child, box.path("o")))
    d.wait_file("o", "\n")
    text = d.sv.readProcessStdoutLog("a", 0, 0)
    assert "<&]]>" in text and "ä" in text
    assert d.sv.tailProcessStdoutLog("a", 0, 100)[1] == os.path.getsize(box.path("o"))


def test_stdin(d):
    assert d.sv.sendProcessStdin("listen", "hello\n") is True
    d.wait_file("listen", "^hello$")
    assert d.sv.sendProcessStdin("listen", "grüße\n" * 20000) is True
    wait_until(lambda: d.file("listen").count("grüße\n") == 20000)


def test_remote_comm_event(d):
    assert d.sv.sendRemoteCommEvent("type", "data") is True


# ---- configuration -----------------------------------------------------------------

def test_reload_config(d):
    assert d.sv.reloadConfig() == [[[], [], []]]
    text = d.box.read("sv.conf")
    changed = text.replace("[program:late]", "[program:later]").replace(
        "startsecs=0\nstopwaitsecs=2", "startsecs=0\nstopwaitsecs=3")
    d.box.write("sv.conf", changed)
    assert d.sv.reloadConfig() == [[["later"], ["slow"], ["late"]]]
    assert d.sv.addProcessGroup("later") is True
    assert d.sv.removeProcessGroup("late") is True
    d.box.write("sv.conf", "[supervisord]\nlogfile_maxbytes=x\n")
    code, text = fault_of(d.sv.reloadConfig)
    assert code == 92 and text.startswith("CANT_REREAD: ") and "'x'" in text
    assert len(d.sv.getAllProcessInfo()) == 8


def test_reload_config_takes_order_of_priority(box):
    d = box.start()
    box.write("sv.conf", box.conf_text("".join(
        "[program:%s]\ncommand=x\nautostart=false\npriority=%d\n" % p
        for p in (("z", 1), ("m", 3), ("a", 2), ("b", 2)))))
    assert d.sv.reloadConfig() == [[["z", "a", "b", "m"], [], []]]


def test_shutdown_call(d):
    pid = d.pid_of("cat")
    assert d.sv.shutdown() is True
    assert d.wait_exit() == 0
    assert not alive(pid)


# ---- HTTP --------------------------------------------------------------------------

def http(d, data, timeout=10):
    """Send raw bytes, answer (status, head, body) of one response."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(timeout)
    s.connect(d.sock)
    try:
        s.sendall(data if isinstance(data, bytes) else data.encode())
        got = b""
        while b"\r\n\r\n" not in got:
            more = s.recv(65536)
            if not more:
                break
            got += more
        head, _, body = got.partition(b"\r\n\r\n")
        m = re.search(rb"(?i)^content-length: (\d+)", head, re.M)
        while m and len(body) < int(m.group(1)):
            more = s.recv(65536)
            if not more:
                break
            body += more
    finally:
        s.close()
    status = int(head.split()[1]) if head else 0
    return status, head.decode("latin-1"), body.decode("utf-8", "replace")


def post(body, path="/RPC2", extra=""):
    return ("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n%sContent-Length: %d\r\n\r\n%s"
            % (path, extra, len(body.encode()), body))


CALL = "<?xml version='1.0'?><methodCall><methodName>%s</methodName>%s</methodCall>"


@pytest.mark.parametrize("body,want", [
    (CALL % ("supervisor.getState", "<params></params>"), 200),
    (CALL % ("supervisor.getState", ""), 200),
    (CALL % ("supervisor.getState", "<params/>"), 200),
    (CALL % ("supervisor.getProcessInfo", "<params><param><value>cat</value></param></params>"),
     200),
    ("junk", 400), ("<a><b></a>", 400), ("<methodCall></methodCall>", 400),
    ("<methodCall><methodName>supervisor.getState</methodName>", 400)])
def test_request_bodies(d, body, want):
    status, _, answer = http(d, post(body))
    assert status == want
    if want == 200:
        assert "<methodResponse>" in answer and "<fault>" not in answer
    assert d.sv.getState()["statecode"] == 1


@pytest.mark.parametrize("request_text,want", [
    ("GET /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("POST /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n", 411),
    ("GET /nope HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    ("GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    ("GET /logtail/nope HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    ("garbage\r\n\r\n", 400)])
def test_http_errors(d, request_text, want):
    status, _, _ = http(d, request_text)
    if "passwd" in request_text:
        assert status >= 400
    elif "garbage" in request_text:
        assert status in (0, 400)  # the original just closes
    else:
        assert status == want
    assert d.sv.getState()["statecode"] == 1


def test_request_in_pieces(d):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(d.sock)
    for byte in post(CALL % ("supervisor.getState", "")).encode():
        s.sendall(bytes([byte]))
    got = b""
    while b"</methodResponse>" not in got:
        more = s.recv(4096)
        assert more
        got += more
    s.close()
    assert b"RUNNING" in got


def test_keep_alive(d):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(d.sock)
    for _ in range(5):
        s.sendall(post(CALL % ("supervisor.getState", "")).encode())
        got = b""
        while b"</methodResponse>" not in got:
            more = s.recv(4096)
            assert more
            got += more
    s.close()


def test_http_1_0(d):
    body = CALL % ("supervisor.getState", "")
    status, _, answer = http(d, "POST /RPC2 HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s"
                             % (len(body), body))
    assert status == 200 and "RUNNING" in answer


@pytest.mark.parametrize("password", ["secret", "{SHA}" + hashlib.sha1(b"secret").hexdigest()])
def test_authentication(box, password):
    port = free_port()
    d = box.start("[inet_http_server]\nport=127.0.0.1:%d\nusername=joe\npassword=%s\n"
                  % (port, password), unix="username=joe\npassword=%s" % password,
                  auth=("joe", "secret"))
    assert "running without any HTTP authentication" not in d.log
    get = "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n"
    for path in ("/RPC2", "/", "/nope", "/logtail/x", "/mainlogtail", "/stylesheets/x"):
        status, head, _ = http(d, get % (path, ""))
        assert status == 401 and re.search(r'(?i)^www-authenticate: basic realm="default"', head,
                                           re.M), path

    def basic(user, word):
        token = base64.b64encode(("%s:%s" % (user, word)).encode()).decode()
        return "Authorization: Basic %s\r\n" % token
    for header in (basic("joe", "wrong"), basic("other", "secret"), basic("joe", ""),
                   basic("joe", password) if password[0] == "{" else basic("joe", "secre"),
                   "Authorization: Basic !!!\r\n", "Authorization: Bearer x\r\n"):
        status = http(d, post(CALL % ("supervisor.getState", ""), extra=header))[0]
        assert status in (400, 401) or status == 500 and "!!" in header + "Bearer!!" and \
            not box.target.ours
    good = post(CALL % ("supervisor.getState", ""), extra=basic("joe", "secret"))
    assert http(d, good)[0] == 200
    url = "http://%%sjoe:%%s@127.0.0.1:%d/RPC2" % port
    with xmlrpc.client.ServerProxy(url % ("", "secret")) as s:
        assert s.supervisor.getPID() == d.pid
    with pytest.raises(xmlrpc.client.ProtocolError) as e:
        xmlrpc.client.ServerProxy("http://127.0.0.1:%d/RPC2" % port).supervisor.getPID()
    assert e.value.errcode == 401


def test_follow_over_http(d):
    """/logtail: chunked, begins with the last 1024 bytes, follows."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(d.sock)
    s.sendall(b"GET /logtail/cat HTTP/1.1\r\nHost: x\r\n\r\n")
    got = b""
    while b"abcdefghij" not in got:
        got += s.recv(4096)
    assert got.startswith(b"HTTP/1.1 200") and b"text/plain" in got
    d.sv.signalProcess("cat", "HUP")
    while b"got HUP" not in got:
        got += s.recv(4096)
    s.close()
    assert d.sv.getState()["statecode"] == 1


def test_large_answer_to_a_slow_reader(d):
    """A client that does not read holds nobody up."""
    with open(d.box.path("o"), "ab") as f:
        f.write(b"x" * 3000000)
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(d.sock)
    body = xmlrpc.client.dumps(("cat", 0, 0), "supervisor.readProcessStdoutLog")
    s.sendall(post(body).encode())
    for _ in range(5):
        begin = time.monotonic()
        assert d.sv.getState()["statecode"] == 1
        assert time.monotonic() - begin < 1
    got = b""
    while b"</methodResponse>" not in got[-200:]:
        more = s.recv(1 << 20)
        assert more
        got += more
    s.close()
    assert got.count(b"x") >= 3000000
