"""The HTTP server withstands the network: limits, deadlines, slow and rude clients."""
import base64
import hashlib
import os
import re
import resource
import signal
import socket
import subprocess
import time
import xmlrpc.client

import pytest

from harness import free_port, proc_info, wait_until
from test_cve import exchange, statuses, talk

CONF = """
[program:cat]
command={child} trap HUP onsig TERM 0 out 'hello\\n' pause
startsecs=0
stdout_logfile={dir}/o
[inet_http_server]
port={port}
{more}
"""


@pytest.fixture
def web(box):
    def start(more="", port=None, **kw):
        number = free_port()
        d = box.start(CONF.format(child=box.child, dir=box.dir, more=more,
                                  port=(port or "127.0.0.1:{0}").format(number)), **kw)
        d.port = number
        return d
    return start


def connect(port, source=None):
    return socket.create_connection(("127.0.0.1", port), timeout=20,
                                    source_address=source and (source, 0))


def post(body, more=""):
    return ("POST /RPC2 HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s"
            % (more, len(body), body)).encode()


STATE = post(xmlrpc.client.dumps((), "supervisor.getState"))


# ---- addresses ---------------------------------------------------------------------

@pytest.mark.parametrize("port,hosts", [
    ("{0}", ["127.0.0.1"]), (":{0}", ["127.0.0.1", "127.0.0.9"]),
    ("*:{0}", ["127.0.0.1", "127.0.0.9"]), ("127.0.0.1:{0}", ["127.0.0.1"]),
    ("localhost:{0}", ["127.0.0.1"])])
def test_addresses(web, port, hosts):
    d = web(port=port)
    for host in hosts:
        with xmlrpc.client.ServerProxy("http://%s:%d/RPC2" % (host, d.port)) as s:
            assert s.supervisor.getPID() == d.pid
    if port == "127.0.0.1:{0}":
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.9", d.port), timeout=5)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
@pytest.mark.differs("the original cannot listen on IPv6")
def test_ipv6(web):
    d = web(port="[::1]:{0}")
    with xmlrpc.client.ServerProxy("http://[::1]:%d/RPC2" % d.port) as s:
        assert s.supervisor.getPID() == d.pid
    conf = d.box.write("ctl.conf", "[supervisorctl]\nserverurl=http://[::1]:%d\n" % d.port)
    assert d.box.ctl("pid", conf=conf).out == "%d\n" % d.pid


@pytest.mark.differs("the original has one address in a section")
def test_list_of_addresses(web):
    second = free_port()
    d = web(port="127.0.0.1:{0}, 127.0.0.2:%d" % second)
    for host, port in (("127.0.0.1", d.port), ("127.0.0.2", second)):
        with xmlrpc.client.ServerProxy("http://%s:%d/RPC2" % (host, port)) as s:
            assert s.supervisor.getPID() == d.pid


# ---- passwords ---------------------------------------------------------------------

@pytest.mark.parametrize("stored", [
    "secret", "{SHA}" + hashlib.sha1(b"secret").hexdigest(),
    pytest.param("{SHA256}" + hashlib.sha256(b"secret").hexdigest(),
                 marks=pytest.mark.differs("{SHA256} is ours")),
    pytest.param("{SHA256}" + hashlib.sha256(b"secret").hexdigest().upper(),
                 marks=pytest.mark.differs("{SHA256} is ours"))])
def test_passwords(web, stored):
    d = web("username=joe\npassword=" + stored)
    for user, word, want in (("joe", "secret", 200), ("joe", "secre", 401), ("joe", "", 401),
                             ("", "", 401), ("joe", "secret\0", 401), ("Joe", "secret", 401),
                             ("joe", stored, 200 if stored == "secret" else 401)):
        token = base64.b64encode(("%s:%s" % (user, word)).encode()).decode()
        got = exchange(d.port, post(xmlrpc.client.dumps((), "supervisor.getState"),
                                    "Authorization: Basic %s\r\n" % token))
        assert statuses(got) == [want], (user, word)


# ---- methods and framing -----------------------------------------------------------

def test_head_has_no_body(web):
    d = web()
    with connect(d.port) as s:
        s.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + STATE)
        got = b""
        while b"</methodResponse>" not in got:
            got += s.recv(65536)
    first, _, rest = got.partition(b"\r\n\r\n")
    assert statuses(first) == [200] and b"Content-Length:" in first
    assert rest.startswith(b"HTTP/1.1 200")


@pytest.mark.differs("the original refuses chunked requests")
def test_chunked_request(web):
    d = web()
    body = xmlrpc.client.dumps((), "supervisor.getState").encode()
    pieces = b"".join(b"%x;x=y\r\n%s\r\n" % (len(body[i:i + 7]), body[i:i + 7])
                      for i in range(0, len(body), 7))
    got = exchange(d.port, b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                   + pieces + b"0\r\nTrailer: x\r\n\r\n" + STATE, count=2)
    assert statuses(got) == [200, 200] and got.count(b"RUNNING") == 2


@pytest.mark.differs("the original waits, or answers otherwise")
@pytest.mark.parametrize("request_bytes,want", [
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
    (b"GET / HTTP/1.1\r\nX: " + b"a" * 70000 + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000 + b"\r\n", 431),
    (b"POST /RPC2 HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
    (b"POST /RPC2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2000000\r\n" + b"a" * 0x2000000,
     413),
    (b"GET / HTTP/2.0\r\n\r\n", 505), (b"BREW / HTTP/1.1\r\n\r\n", 501),
    (b"DELETE / HTTP/1.1\r\n\r\n", 405), (b"POST /RPC2 HTTP/1.1\r\n\r\n", 411),
    (b"POST /RPC2 HTTP/1.1\r\nExpect: magic\r\nContent-Length: 1\r\n\r\nx", 417),
    (b"\0\1\2\3\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nX y\r\n\r\n", 400)])
def test_limits_have_their_status(web, request_bytes, want):
    d = web()
    with connect(d.port) as s:
        try:
            s.sendall(request_bytes)
        except OSError:
            pass  # refused before all of it was sent
        got = s.recv(65536)
    assert statuses(got) == [want], got[:200]
    assert d.sv.getState()["statecode"] == 1


def test_http_1_0_ends_with_the_connection(web):
    d = web()
    got = talk(d.port, STATE.replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert b"RUNNING" in got
    with connect(d.port) as s:  # unless it is asked to stay
        for _ in range(2):
            s.sendall(STATE.replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\nConnection: keep-alive\r\n"))
            got = b""
            while b"</methodResponse>" not in got:
                more = s.recv(4096)
                assert more
                got += more


# ---- many, slow ---------------------------------------------------------------------

def median(values):
    return sorted(values)[len(values) // 2]


def status_seconds(d):
    begin = time.monotonic()
    r = d.ctl("status")
    assert "RUNNING" in r.out, r
    return time.monotonic() - begin


@pytest.fixture
def descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4096:
        pytest.skip("needs 4,096 descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.differs("the original's select() ends at 1,024 descriptors")
def test_a_thousand_slow_connections(web, descriptors):
    """Each sends a byte a second, from eight addresses; status stays quick."""
    d = web(supervisord="minfds=4096")
    slow = []
    try:
        for i in range(1000):
            slow.append(connect(d.port, "127.0.1.%d" % (i % 8 + 1)))
        wait_until(lambda: len(proc_info(d.pid)["fds"]) > 1000)
        text = b"GET / HTTP/1.1\r\nX-Slow: aaaaaaaa"
        idle = median([status_seconds(d) for _ in range(5)])
        took, begin = [], time.monotonic()
        for n, byte in enumerate(text[:8]):
            for i, s in enumerate(slow):
                s.send(bytes([byte]))
                if i % 250 == 0:
                    took.append(status_seconds(d))
            while time.monotonic() < begin + n + 1:
                took.append(status_seconds(d))
        print("status among 1,000 slow connections: median %.1f ms, idle ones %.1f ms"
              % (1000 * median(took), 1000 * idle))
        assert median(took) < 0.05 or "ASAN_OPTIONS" in os.environ
        assert len(proc_info(d.pid)["fds"]) > 1000  # none was dropped meanwhile
        assert proc_info(d.pid)["rss_kb"] < 30000 or "ASAN_OPTIONS" in os.environ
        # Their heads are due ten seconds after the first byte: 408, and gone.
        wait_until(lambda: len(proc_info(d.pid)["fds"]) < 40)
        assert statuses(slow[0].recv(4096)) == [408]
    finally:
        for s in slow:
            s.close()


@pytest.mark.differs("the original has no such limit")
def test_one_peer_cannot_take_all(web, descriptors):
    d = web()
    mine = [connect(d.port, "127.0.2.1") for _ in range(300)]
    try:
        refused = connect(d.port, "127.0.2.1")
        got = refused.recv(4096)
        assert statuses(got) == [503] and b"Retry-After" in got
        assert refused.recv(1) == b""
        with connect(d.port, "127.0.2.2") as other:
            other.sendall(STATE)
            assert statuses(other.recv(4096)) == [200]
        assert d.ctl("status").rc == 0
    finally:
        for s in mine:
            s.close()
    wait_until(lambda: len(proc_info(d.pid)["fds"]) < 40)
    with connect(d.port, "127.0.2.1") as again:
        again.sendall(STATE)
        assert statuses(again.recv(4096)) == [200]


@pytest.mark.differs("the original keeps all of it in memory")
def test_a_tail_that_nobody_reads(web):
    """60 MB of log through tails that are never read: memory stays."""
    d = web()
    tails = []
    for path in (b"/logtail/cat", b"/logtail/cat/stdout", b"/mainlogtail") * 3:
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", d.port))
        s.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        tails.append(s)
    before = proc_info(d.pid)["rss_kb"]
    with open(d.box.path("o"), "ab") as f:
        for _ in range(60):
            f.write(b"z" * 1000000)
            f.flush()
            assert d.sv.getState()["statecode"] == 1
    begin = proc_info(d.pid)
    assert begin["rss_kb"] - before < 3000 or "ASAN_OPTIONS" in os.environ, (before, begin)
    with connect(d.port) as s:  # one that reads gets on
        s.sendall(b"GET /logtail/cat HTTP/1.1\r\nHost: x\r\n\r\n")
        got = b""
        while b"zzzz" not in got:
            got += s.recv(65536)
    for s in tails:
        s.close()


@pytest.mark.differs("the original keeps all of it in memory")
def test_requests_without_end_whose_answers_nobody_reads(web):
    """A client pipelines and never reads: it is not read from any more."""
    d = web()
    with connect(d.port) as s:
        s.settimeout(2)
        sent = 0
        try:
            while sent < 300e6:
                sent += s.send(STATE * 100)
        except socket.timeout:
            pass
        assert sent < 100e6
        assert proc_info(d.pid)["rss_kb"] < 10000 or "ASAN_OPTIONS" in os.environ
        assert d.sv.getState()["statecode"] == 1


@pytest.mark.differs("the original waits for ever")
def test_deadlines_for_heads_and_bodies(web):
    """Half a head is answered with 408 after ten seconds, however it trickles."""
    d = web()
    half, nothing, trickling = connect(d.port), connect(d.port), connect(d.port)
    half.sendall(b"GET / HTTP/1.1\r\nHost")
    trickling.settimeout(0.3)
    begin, got = time.monotonic(), b""
    while not got and time.monotonic() < begin + 20:
        try:
            trickling.send(b"G")
            got = trickling.recv(4096)
        except socket.timeout:
            pass
    assert statuses(got) == [408] and 8 < time.monotonic() - begin < 14
    assert statuses(half.recv(4096)) == [408]
    assert nothing.recv(4096) == b""  # no request was begun: no answer


def test_clients_that_vanish(web):
    """Resets in every state; a stop in the middle of answers; nothing leaks."""
    d = web()
    d.sv.getState()
    fds = len(proc_info(d.pid)["fds"])
    for data in (b"", b"G", b"POST /RPC2 HTTP/1.1\r\nContent-Length: 9\r\n\r\nx", STATE, STATE * 50,
                 b"GET /logtail/cat HTTP/1.1\r\nHost: x\r\n\r\n"):
        for _ in range(5):
            s = connect(d.port)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            s.sendall(data)
            s.close()
    wait_until(lambda: len(proc_info(d.pid)["fds"]) <= fds)
    assert d.sv.getState()["statecode"] == 1
