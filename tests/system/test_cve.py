"""Holes that supervisors and small HTTP servers had: one test for each row of the table.

Supervisor's own: CVE-2017-11610 (method names walked as attributes: remote code), and
CVE-2019-12105 (a server without a password: said loudly). The other rows are of a kind
that peers had: stored cross-site scripting, reading past the end of an escape, faked log
lines, files outside the logs, XML bombs, request smuggling.
"""
import base64
import os
import re
import signal
import socket
import time
import xmlrpc.client

import pytest

from harness import fault_of, free_port, proc_info, wait_until

CONF = """
[program:cat]
command={child} out 'hello\\n' pause
startsecs=0
stdout_logfile={dir}/o
[inet_http_server]
port=127.0.0.1:{port}
{more}
"""


@pytest.fixture
def web(box):
    def start(more="", **kw):
        port = free_port()
        d = box.start(CONF.format(child=box.child, dir=box.dir, port=port, more=more), **kw)
        d.port = port
        return d
    return start


def talk(port, data, timeout=10):
    """Send raw bytes and the end; everything that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        got = b""
        try:
            while True:
                more = s.recv(65536)
                if not more:
                    break
                got += more
        except ConnectionResetError:
            pass
    return got


def exchange(port, data, count=1, timeout=10):
    """Send raw bytes, keep the connection open; what comes until count answers are whole
    or the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as s:
        s.sendall(data)
        got = b""
        while len(statuses(got)) < count or not whole(got):
            more = s.recv(65536)
            if not more:
                break
            got += more
    return got


def whole(got):
    rest = got
    while rest:
        head, sep, rest = rest.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if not sep or (length and len(rest) < int(length.group(1))):
            return False
        rest = rest[int(length.group(1)):] if length else rest
    return True


def statuses(got):
    return [int(n) for n in re.findall(rb"HTTP/1\.1 (\d{3}) ", got)]


def still_fine(d):
    assert d.sv.getState()["statecode"] == 1
    assert not re.search("CRIT(?!.*(root|authentication))", d.log)


# ---- CVE-2017-11610: method names are looked up, never walked -------------------------

@pytest.mark.parametrize("name", [
    "supervisor.supervisord.options.execve", "supervisor.supervisord.options.warnings.linecache.os.system",
    "supervisor.__class__.__init__", "supervisor.supervisord", "supervisor._update",
    "system.namespaces.supervisor.getState", "supervisor..getState", ".supervisor.getState",
    "supervisor.getState.", "supervisor.getState.__call__", "__class__", "", ".", "..",
    "supervisor.getState\0x", "supervisor/getState", "SUPERVISOR.GETSTATE", "a" * 100000])
def test_method_names_are_a_table(web, name):
    d = web()
    call = xmlrpc.client.dumps(("touch %s" % d.box.path("owned"),), name.replace("\0", "&#0;"))
    call = call.replace("&amp;#0;", "&#0;")
    got = exchange(d.port, ("POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
                            % (len(call), call)).encode())
    assert b"UNKNOWN_METHOD" in got or statuses(got) == [400], got[:300]
    assert not os.path.exists(d.box.path("owned"))
    still_fine(d)


def test_every_listed_method_is_in_the_table_and_no_other(web):
    d = web()
    names = d.rpc.system.listMethods()
    assert all(re.fullmatch(r"(supervisor|system)\.[A-Za-z0-9]+", n) for n in names)
    for name in names:
        assert d.rpc.system.methodSignature(name)


# ---- CVE-2019-12105: open to the network without a password -------------------------

@pytest.mark.parametrize("host,loud", [("127.0.0.1", False), ("*", True), ("0.0.0.0", True)])
def test_open_server_is_said_loudly(box, host, loud):
    d = box.start("[inet_http_server]\nport=%s:%d\n" % (host, free_port()))
    assert re.search("CRIT Server 'inet_http_server' running without any HTTP authentication "
                     "checking", d.log)
    if box.target.ours:
        assert ("is open to the network" in d.log) == loud


def test_closed_server_is_not(box):
    d = box.start("[inet_http_server]\nport=*:%d\nusername=u\npassword=p\n" % free_port(),
                  unix="username=u\npassword=p", auth=("u", "p"))
    assert "without any HTTP authentication" not in d.log and "open to the network" not in d.log


# ---- cross-site scripting -----------------------------------------------------------

EVIL = "<script>alert(1)</script>\"'"


def test_user_name_is_never_shown(web):
    """A name tried with Basic authentication neither reaches a page nor the log raw."""
    d = web("username=joe\npassword=secret", unix="username=joe\npassword=secret",
            auth=("joe", "secret"))
    for user in (EVIL, EVIL + "\r\nX-Evil: 1", "\x1b[2J" + EVIL):
        token = base64.b64encode((user + ":x").encode()).decode()
        got = talk(d.port, ("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\n"
                            "Connection: close\r\n\r\n" % token).encode())
        assert statuses(got) == [401] and b"script" not in got and b"X-Evil" not in got
    assert "<script>" not in d.log and "\x1b" not in d.log


@pytest.mark.parametrize("asked", [
    "/?message=" + "%3Cscript%3Ealert(1)%3C/script%3E", "/<script>alert(1)</script>",
    "/logtail/<script>alert(1)</script>", "/tail.html?processname=%3Cscript%3Ealert(1)%3C/script%3E",
    "/index.html?processname=%3Cscript%3Ealert(1)%3C%2Fscript%3E&action=start"])
def test_what_was_asked_for_is_not_echoed_as_html(web, asked):
    d = web()
    got = talk(d.port, ("GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                        % asked).encode())
    head = got.partition(b"\r\n\r\n")[0]
    if b"text/html" in head:
        assert b"<script>alert" not in got
    assert b"<script" not in head
    still_fine(d)


# ---- percent escapes ----------------------------------------------------------------

@pytest.mark.parametrize("path", ["%", "%4", "%zz", "%4%", "a%", "%" * 5000, "%00", "a%00b",
                                  "%2e%2e/%2e%2e", "%ff%fe", "%C0%AE%C0%AE/", "%0d%0aX-Evil:%201"])
def test_escapes(web, path):
    """Sent last in a request that ends right behind them: nothing beyond is read."""
    d = web()
    for prefix in ("/", "/logtail/", "/mainlogtail?limit=", "/?message="):
        got = talk(d.port, ("GET %s%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                            % (prefix, path)).encode())
        assert len(statuses(got)) == 1
        assert b"X-Evil" not in got.partition(b"\r\n\r\n")[0]
    still_fine(d)


# ---- the log ------------------------------------------------------------------------

def test_header_values_make_no_log_lines(web):
    d = web()
    fake = "2026-01-01 00:00:00,000 CRIT owned"
    for field in ("Origin: http://evil\x0b\n%s", "Host: a\r\n\t%s", "User-Agent: Mozilla/ \x1b[31m%s",
                  "Referer: \x85%s", "Origin: http://evil\x1b]0;%s", "X-Forwarded-For: \r%s"):
        for browser in ("", "Accept-Language: de\r\nSec-Fetch-Site: cross-site\r\n"):
            talk(d.port, ("POST /RPC2 HTTP/1.1\r\nHost: x\r\n%s\r\n%sContent-Length: 0\r\n"
                          "Connection: close\r\n\r\n" % (field % fake, browser)
                          ).encode("latin-1"))
            talk(d.port, ("GET /index.html?action=stopall HTTP/1.1\r\nHost: x\r\n%s\r\n%s"
                          "Connection: close\r\n\r\n" % (field % fake, browser)
                          ).encode("latin-1"))
    assert not re.search("^" + fake, d.log, re.M)
    assert "\x1b" not in d.log and "\x0b" not in d.log
    for line in d.log.splitlines():
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]{4} ", line), line


def test_names_and_types_make_no_log_lines(web):
    d = web()
    fake = "x\n2026-01-01 00:00:00,000 CRIT owned"
    for call, args in ((d.sv.startProcess, (fake,)), (d.sv.addProcessGroup, (fake,)),
                       (d.sv.signalProcess, ("cat", fake)), (d.sv.getProcessInfo, (fake,))):
        with pytest.raises(xmlrpc.client.Fault):
            call(*args)
    d.sv.sendRemoteCommEvent(fake, fake)
    assert not re.search("^2026-01-01 00:00:00,000 CRIT owned", d.log, re.M)


# ---- files --------------------------------------------------------------------------

@pytest.mark.parametrize("path", [
    "/logtail/../secret", "/logtail/..%2fsecret", "/logtail/%2e%2e/secret", "/../secret",
    "/logtail//etc/passwd", "/logtail/cat/../../secret", "/stylesheets/../../secret",
    "/stylesheets/..%2f..%2f..%2fetc/passwd", "//etc/passwd", "/mainlogtail/../secret",
    "/logtail/cat/stdout/../../../secret", "/....//secret", "/logtail/cat%00/../secret"])
def test_no_way_to_other_files(web, path):
    d = web()
    d.box.write("secret", "TOP SECRET\n")
    got = talk(d.port, ("GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                        % path).encode(), timeout=10)
    assert b"TOP SECRET" not in got and b"root:" not in got
    assert statuses(got)[0] >= 400 or path.startswith("/mainlogtail/")
    still_fine(d)


@pytest.mark.differs("the original follows links that a program put in place of its log")
def test_a_link_in_place_of_a_log(box, root):
    """A program's user may replace its log by a link to a file that he cannot read or
    write; links that root made are followed."""
    port = free_port()
    d = box.start(CONF.format(child=box.child, dir=box.dir, port=port, more=""))
    d.wait_file("o", "hello")
    box.write("secret", "TOP SECRET\n")
    os.unlink(box.path("o"))
    os.symlink(box.path("secret"), box.path("o"))
    os.chown(box.path("o"), 65534, 65534, follow_symlinks=False)
    for read_it in (lambda: d.sv.readProcessStdoutLog("cat", 0, 0),
                    lambda: d.sv.tailProcessStdoutLog("cat", 0, 100)[0]):
        try:
            assert "TOP SECRET" not in read_it()
        except xmlrpc.client.Fault as f:
            assert "TOP SECRET" not in f.faultString
    got = talk(port, b"GET /logtail/cat HTTP/1.0\r\n\r\n")
    assert statuses(got.replace(b"HTTP/1.0", b"HTTP/1.1")) == [404]
    d.kill(signal.SIGUSR2)  # opens it anew
    d.wait_log("log reopen")
    d.sv.stopProcess("cat")
    d.sv.startProcess("cat")
    assert d.sv.getState()["statecode"] == 1
    assert box.read("secret") == "TOP SECRET\n"
    os.chown(box.path("o"), 0, 0, follow_symlinks=False)
    assert d.sv.readProcessStdoutLog("cat", 0, 0) == box.read("secret")


# ---- XML ----------------------------------------------------------------------------

BOMB = "<!DOCTYPE a [<!ENTITY a0 'aaaaaaaaaa'>%s]>" % "".join(
    "<!ENTITY a%d '%s'>" % (i, ("&a%d;" % (i - 1)) * 10) for i in range(1, 12))
CALL = "<methodCall><methodName>supervisor.getProcessInfo</methodName><params><param><value>%s" \
    "</value></param></params></methodCall>"


@pytest.mark.parametrize("text", [
    BOMB + CALL % "<string>&a11;</string>",
    "<!DOCTYPE a [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>" + CALL % "<string>&f;</string>",
    "<!DOCTYPE a [<!ENTITY %% f SYSTEM 'http://127.0.0.1:1/'>%%f;]>%s" % (CALL % "x"),
    CALL % ("<array><data><value>" * 100000),
    CALL % ("<struct><member><name>a</name><value>" * 100000),
    "<a>" * 1000000, "<" * 1000000, "<a " + "b='c' " * 100000 + "/>",
    CALL % ("<string>" + "&#65;" * 200000 + "</string>"),
    CALL % "<string>&#x110000;</string>", CALL % "<i4>99999999999999999999</i4>",
    CALL % "<base64>" + "A" * 1000000, "<!--" * 100000, "<![CDATA[" * 100000])
@pytest.mark.differs("the original may take minutes, or its parser's own limit")
def test_xml_costs_little(web, text):
    d = web()
    before = proc_info(d.pid)["rss_kb"]
    begin = time.monotonic()
    got = exchange(d.port, ("POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n"
                            "Content-Length: %d\r\n\r\n%s" % (len(text), text)).encode())
    assert time.monotonic() - begin < 3
    assert statuses(got) == [400] or b"<fault>" in got, got[:300]
    assert b"root:" not in got
    assert proc_info(d.pid)["rss_kb"] - before < 60000 or "ASAN_OPTIONS" in os.environ
    still_fine(d)


# ---- request smuggling --------------------------------------------------------------

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
SMUGGLED = [
    ("length and chunked", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    ("chunked and length", b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"),
    ("two lengths", b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello"),
    ("list of lengths", b"Content-Length: 5, 6\r\n", b"hello"),
    ("length with sign", b"Content-Length: +5\r\n", b"hello"),
    ("negative length", b"Content-Length: -5\r\n", b"hello"),
    ("hexadecimal length", b"Content-Length: 0x5\r\n", b"hello"),
    ("length with a blank", b"Content-Length: 5 5\r\n", b"hello"),
    ("huge length", b"Content-Length: 18446744073709551621\r\n", b"hello"),
    ("empty length", b"Content-Length: \r\n", b"hello"),
    ("folded field", b"Content-Length: 5\r\n Transfer-Encoding: chunked\r\n", b"hello"),
    ("folded with tab", b"X: y\r\n\tContent-Length: 5\r\n", b"hello"),
    ("blank before the colon", b"Content-Length : 5\r\n", b"hello"),
    ("tab before the colon", b"Transfer-Encoding\t: chunked\r\n", b"0\r\n\r\n"),
    ("unknown coding", b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
    ("chunked not last", b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"),
    ("chunked twice", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
     b"0\r\n\r\n"),
    ("control byte in the coding", b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"),
    ("NUL in a field", b"X: a\0b\r\nContent-Length: 5\r\n", b"hello"),
    ("lone CR", b"X: a\rContent-Length: 5\r\n", b"hello"),
    ("field without a name", b": x\r\nContent-Length: 5\r\n", b"hello"),
    ("field without a colon", b"Content-Length 5\r\n", b"hello"),
    ("chunk size with sign", b"Transfer-Encoding: chunked\r\n", b"+5\r\nhello\r\n0\r\n\r\n"),
    ("chunk size too large", b"Transfer-Encoding: chunked\r\n",
     b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("chunk longer than said", b"Transfer-Encoding: chunked\r\n", b"3\r\nhello\r\n0\r\n\r\n"),
    ("chunk size with 0x", b"Transfer-Encoding: chunked\r\n", b"0x5\r\nhello\r\n0\r\n\r\n"),
]


@pytest.mark.differs("the original takes what comes first")
@pytest.mark.parametrize("fields,body", [row[1:] for row in SMUGGLED],
                         ids=[row[0].replace(" ", "-") for row in SMUGGLED])
def test_smuggling(web, fields, body):
    """What ends in a doubtful place is refused, and nothing behind it is believed."""
    d = web()
    got = talk(d.port, b"POST /RPC2 HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n" + body + HIDDEN)
    assert len(statuses(got)) == 1 and statuses(got)[0] in (400, 411, 413, 501), got
    assert b"404" not in got
    still_fine(d)


def test_answers_keep_the_order_of_requests(web):
    d = web()
    many = b"".join(b"GET /no%d HTTP/1.1\r\nHost: x\r\n\r\n" % i if i % 3 else
                    b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\njunk"
                    for i in range(30))
    got = exchange(d.port, many, count=30)
    assert statuses(got) == [404 if i % 3 else 400 for i in range(30)]


# ---- credentials --------------------------------------------------------------------

def test_every_route_asks_before_it_looks(web):
    d = web("username=joe\npassword={SHA256}"
            "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b")  # secret
    heads = set()
    for method in ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "BREW"):
        for path in ("/", "/RPC2", "/nope", "/logtail/cat", "/logtail/nope", "/mainlogtail",
                     "/metrics", "/status.json", "/events", "/stylesheets/x", "*", "/%00", "/%",
                     "http://other/RPC2"):
            for header in ("", "Authorization: Basic\r\n", "Authorization: Basic =\r\n",
                           "Authorization: Basic %s\r\n" % ("A" * 20000),
                           "Authorization: Bearer am9lOnNlY3JldA==\r\n"):
                got = talk(d.port, ("%s %s HTTP/1.1\r\nHost: x\r\n%sConnection: close\r\n\r\n"
                                    % (method, path, header)).encode())
                assert statuses(got) == [401], (method, path, header, got)
                heads.add(re.sub(rb"Date: [^\r]*", b"", got.partition(b"\r\n\r\n")[0]))
    assert len(heads) == 1  # nothing tells what is there
    token = base64.b64encode(b"joe:secret").decode()
    got = talk(d.port, ("GET /nope HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\n"
                        "Connection: close\r\n\r\n" % token).encode())
    assert statuses(got) == [404]


def test_credentials_on_a_kept_connection_count_each_time(web):
    d = web("username=joe\npassword=secret")
    token = base64.b64encode(b"joe:secret").decode().encode()
    good = b"GET /nope HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + token + b"\r\n\r\n"
    bad = b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n"
    got = exchange(d.port, good + bad + good + bad, count=4)
    assert statuses(got) == [404, 401, 404, 401]
