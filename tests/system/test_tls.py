"""TLS: versions, certificates, words for what is wrong, peers that stall or cheat.

Clients are Python's ssl, openssl, curl and supervisorctl. The pitfalls that a TLS server
over poll() meets each have a test here.
"""
import glob
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import xmlrpc.client
import xmlrpc.server

import pytest

import survive
from harness import TOP, free_port, proc_info, read, wait_until

pytestmark = pytest.mark.differs("the original does not speak TLS")

PROGRAM = """
[program:cat]
command={child} out 'hello\\n' pause
startsecs=0
stdout_logfile={dir}/o
"""
CALL = ("<?xml version='1.0'?><methodCall><methodName>supervisor.getPID</methodName>"
        "<params></params></methodCall>")
POST = ("POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
        "Content-Length: %d\r\n\r\n%s" % (len(CALL), CALL)).encode()
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class Server:
    """A supervisord with a TLS port, and ways to it."""

    def __init__(self, box, certs, name="server", more="", key=None, cert=None, text="", **kw):
        self.box, self.certs, self.port = box, certs, free_port()
        self.daemon = box.start(inet(certs, self.port, name, more, key, cert)
                                + PROGRAM.format(child=box.child, dir=box.dir) + text, **kw)
        self.daemon.wait_file("o", "hello")  # its pipes and log count as descriptors, too

    def context(self, version=None, ca="ours", client=None):
        context = ssl.create_default_context(cafile=self.certs.cert(ca))
        if version:
            context.minimum_version = context.maximum_version = version
        if client:
            context.load_cert_chain(self.certs.cert(client), self.certs.key(client))
        return context

    def plain(self, source=None):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20,
                                        source_address=source and (source, 0))

    def connect(self, version=None, host="localhost", **kw):
        return self.context(version, **kw).wrap_socket(self.plain(), server_hostname=host)

    def ask(self, version=None, **kw):
        with self.connect(version, **kw) as s:
            return pid_from(s)

    def ctl(self, *args, url=None, more=""):
        url = url or "https://localhost:%d" % self.port
        conf = self.box.write("ctl.conf", "[supervisorctl]\nserverurl=%s\n%s\n" % (url, more))
        return self.box.ctl(*(args or ("status",)), conf=conf)

    def s_client(self, *args, stdin=b"", timeout=20):
        p = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % self.port,
                            "-servername", "localhost", "-CAfile", self.certs.cert("ours"),
                            *args], input=stdin, capture_output=True, timeout=timeout)
        return (p.stdout + p.stderr).decode("utf-8", "replace")


def inet(certs, port, name="server", more="", key=None, cert=None):
    return ("[inet_http_server]\nport=127.0.0.1:%d\nssl_certfile=%s\nssl_keyfile=%s\n%s\n"
            % (port, cert or certs.cert(name), key or certs.key(name), more))


def answer_from(s):
    """One answer's body."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = s.recv(65536)
        assert more, got
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
    while len(body) < length:
        more = s.recv(65536)
        assert more, got
        body += more
    return head, body[:length], body[length:]


def pid_from(s):
    s.sendall(POST)
    return int(re.search(rb"<int>(\d+)</int>", answer_from(s)[1]).group(1))


@pytest.fixture
def server(box, certs):
    return Server(box, certs)


def serial_of(s):
    return s.getpeercert()["serialNumber"]


# ---- versions, keys, ciphers -------------------------------------------------------

@pytest.mark.parametrize("name", ["server", "server-p384", "server-rsa", "server-rsa4096"])
def test_versions_and_keys(box, certs, name):
    server = Server(box, certs, name)
    for version, words in ((V12, "TLSv1.2"), (V13, "TLSv1.3")):
        with server.connect(version) as s:
            assert s.version() == words
            assert pid_from(s) == pid_from(s) == server.daemon.pid  # keep-alive
    r = server.ctl("pid", more="ssl_ca_certs=" + certs.cert("ours"))
    assert (r.rc, r.out) == (0, "%d\n" % server.daemon.pid), r


@pytest.mark.parametrize("args,cipher", [
    (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"), "ECDHE-ECDSA-AES256-GCM-SHA384"),
    (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"), "ECDHE-ECDSA-AES128-GCM-SHA256"),
    (("-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"), "TLS_AES_128_GCM_SHA256"),
    (("-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"), "TLS_AES_256_GCM_SHA384")])
def test_ciphers_with_openssl(server, args, cipher):
    out = server.s_client(*args)
    assert cipher in out and "Verify return code: 0 (ok)" in out


def test_minimum_version(box, certs):
    server = Server(box, certs, more="ssl_min_version=1.3")
    assert server.ask(V13) == server.daemon.pid
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        server.ask(V12)
    server.daemon.wait_log("WARN .*inet_http_server.*127.0.0.1.*version")


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused(server, version):
    out = server.s_client(version, "-cipher", "DEFAULT@SECLEVEL=0")
    assert "protocol version" in out, out
    assert server.ask() == server.daemon.pid


def test_curl(server):
    if not shutil.which("curl"):
        pytest.skip("needs curl")
    for how in (["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3"]):
        p = subprocess.run(["curl", "-sS", *how, "--cacert", server.certs.cert("ours"),
                            "https://localhost:%d/logtail/cat" % server.port, "--max-time", "2"],
                           capture_output=True, text=True)
        assert "hello" in p.stdout, p
        p = subprocess.run(["curl", "-sS", *how, "--cacert", server.certs.cert("ours"), "-d", CALL,
                            "-H", "Content-Type: text/xml",
                            "https://127.0.0.1:%d/RPC2" % server.port],
                           capture_output=True, text=True)
        assert "<int>%d</int>" % server.daemon.pid in p.stdout, p
    p = subprocess.run(["curl", "-sS", "https://localhost:%d/" % server.port],
                       capture_output=True, text=True)
    assert p.returncode == 60  # not trusted


def test_xmlrpc_client(server):
    url = "https://localhost:%d/RPC2" % server.port
    with xmlrpc.client.ServerProxy(url, context=server.context()) as proxy:
        assert proxy.supervisor.getPID() == server.daemon.pid
        assert proxy.supervisor.getProcessInfo("cat")["name"] == "cat"


# ---- what the client says ----------------------------------------------------------

def test_client_checks_name_and_address(server):
    ca = "ssl_ca_certs=" + server.certs.cert("ours")
    for host in ("localhost", "127.0.0.1"):
        r = server.ctl(url="https://%s:%d" % (host, server.port), more=ca)
        assert r.rc == 0 and "RUNNING" in r.out, r


@pytest.mark.parametrize("name,ca,words", [
    ("server", "foreign", "no known authority has signed it"),
    ("elsewhere", "ours", "it is for another host name"),
    ("expired", "ours", "expired"),
])
def test_client_refuses_in_words(box, certs, name, ca, words):
    server = Server(box, certs, name)
    for host in ("localhost", "127.0.0.1"):
        r = server.ctl(url="https://%s:%d" % (host, server.port),
                       more="ssl_ca_certs=" + certs.cert(ca))
        assert r.rc != 0 and words in r.out + r.err, r
    server.daemon.wait_log("WARN .*127.0.0.1")  # the server saw the alert


def test_client_and_the_system_authorities(server):
    r = server.ctl()
    assert r.rc != 0 and "trusted" in r.out + r.err, r


def test_client_of_a_server_without_tls(box, certs):
    port = free_port()
    box.start("[inet_http_server]\nport=127.0.0.1:%d\n" % port)
    r = Server.ctl(type("S", (), {"box": box, "port": port})(),
                   more="ssl_ca_certs=" + certs.cert("ours"))
    assert r.rc != 0 and "what came is not TLS" in r.out + r.err, r


def test_client_files_that_are_missing(server):
    r = server.ctl(more="ssl_ca_certs=/nope/ca.pem")
    assert r.rc != 0 and "/nope/ca.pem: No such file or directory" in r.out + r.err, r
    r = server.ctl(more="ssl_ca_certs=%s\nssl_certfile=%s\nssl_keyfile=%s" % (
        server.certs.cert("ours"), server.certs.cert("client"), server.certs.key("server")))
    assert r.rc != 0 and "is not the key of the certificate in" in r.out + r.err, r


@pytest.mark.parametrize("version", [V12, V13])
def test_client_takes_openssl_servers(box, certs, version):
    """Tickets, which an OpenSSL server sends after the handshake, are no data."""
    class Handler(xmlrpc.server.SimpleXMLRPCRequestHandler):
        rpc_paths = ("/RPC2",)
        protocol_version = "HTTP/1.1"

    peer = xmlrpc.server.SimpleXMLRPCServer(("127.0.0.1", 0), Handler, logRequests=False,
                                            bind_and_activate=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(certs.cert("server"), certs.key("server"))
    peer.socket = context.wrap_socket(peer.socket, server_side=True)
    peer.register_function(lambda: "3.0", "supervisor.getVersion")
    peer.register_function(lambda: 4711, "supervisor.getPID")
    thread = threading.Thread(target=peer.serve_forever, daemon=True)
    thread.start()
    try:
        conf = box.write("ctl.conf", "[supervisorctl]\nserverurl=https://localhost:%d\n"
                         "ssl_ca_certs=%s\n" % (peer.server_address[1], certs.cert("ours")))
        r = box.ctl("pid", conf=conf)
        assert (r.rc, r.out) == (0, "4711\n"), r
    finally:
        peer.shutdown()
        peer.server_close()


# ---- files of the server -----------------------------------------------------------

@pytest.mark.parametrize("cert,key,words", [
    ("server", "client", "client.key: is not the key of the certificate in"),
    ("server", "encrypted", "encrypted.key: the key is encrypted"),
    ("server", "encrypted-old", "encrypted-old.key: the key is encrypted"),
    ("nope", "server", "nope.pem: No such file or directory"),
    ("server", "nope", "nope.key: No such file or directory"),
    ("ed25519", "ed25519", "Ed25519 is not"),
])
def test_bad_files_are_said_at_the_start(box, certs, cert, key, words):
    conf = box.write("sv.conf", box.conf_text(
        inet(certs, free_port(), cert=certs.cert(cert), key=certs.key(key))))
    r = box.run("supervisord", "-n", "-c", conf)
    assert r.rc == 2 and words in r.err and "[inet_http_server]" in r.err, r
    assert not os.path.exists(box.path("sv.sock"))
    assert not os.path.exists(box.path("supervisord.pid"))


@pytest.mark.parametrize("options,words", [
    ("ssl_certfile=/x", "ssl_certfile and ssl_keyfile need each other"),
    ("ssl_keyfile=/x", "ssl_certfile and ssl_keyfile need each other"),
    ("ssl_client_ca=/x", "without ssl_certfile and ssl_keyfile it has no effect"),
    ("ssl_min_version=1.3", "without ssl_certfile and ssl_keyfile it has no effect"),
    ("ssl_min_version=1.1", "Invalid ssl_min_version value 1.1: 1.2 or 1.3"),
])
def test_options_that_do_not_fit(box, options, words):
    conf = box.write("sv.conf", box.conf_text("[inet_http_server]\nport=9001\n" + options))
    r = box.run("supervisord", "-n", "-c", conf)
    assert r.rc == 2 and words in r.err, r


# ---- client certificates -----------------------------------------------------------

@pytest.fixture
def strict(box, certs):
    return Server(box, certs, more="ssl_client_ca=" + certs.cert("ours"))


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("client", ["client", "client-rsa"])
def test_client_certificate(strict, version, client):
    assert strict.ask(version, client=client) == strict.daemon.pid
    r = strict.ctl("pid", more="ssl_ca_certs=%s\nssl_certfile=%s\nssl_keyfile=%s" % (
        strict.certs.cert("ours"), strict.certs.cert(client), strict.certs.key(client)))
    assert (r.rc, r.out) == (0, "%d\n" % strict.daemon.pid), r


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("client,words", [
    (None, "showed no certificate"),
    ("stranger", "no known authority has signed it"),
    ("wrong-use", "not meant for this use")])
def test_client_certificate_refused(strict, version, client, words):
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)) as e:
        strict.ask(version, client=client)
    strict.daemon.wait_log("WARN .*" + words)
    if version == V12 and client == "stranger":  # the alert arrives, not a reset
        assert "UNKNOWN_CA" in str(e.value) or "BAD_CERT" in str(e.value).upper()
    with strict.plain() as s:  # and nothing is served without a handshake
        s.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert b"400 Bad Request" in s.recv(4096)


@pytest.mark.parametrize("more", ["", "ssl_certfile={0}stranger.pem\nssl_keyfile={0}stranger.key"])
def test_own_client_explains_a_refusal(strict, more):
    r = strict.ctl(more="ssl_ca_certs=%s\n%s" % (strict.certs.cert("ours"),
                                                 more.format(strict.certs.folder + "/")))
    assert r.rc != 0 and re.search("certificate", r.out + r.err), r


def test_password_counts_over_tls_too(box, certs):
    server = Server(box, certs, more="username=joe\npassword=secret")
    with server.connect() as s:
        s.sendall(POST)
        head, _, _ = answer_from(s)
        assert head.startswith(b"HTTP/1.1 401")
    r = server.ctl("pid", more="ssl_ca_certs=%s\nusername=joe\npassword=secret"
                   % certs.cert("ours"))
    assert (r.rc, r.out) == (0, "%d\n" % server.daemon.pid), r


# ---- plain text to the TLS port ----------------------------------------------------

@pytest.mark.parametrize("text", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", POST, b"x",
                                  b"\x80" * 2000])
def test_plain_text_gets_a_readable_400(server, text):
    with server.plain() as s:
        s.sendall(text)
        got = b""
        while True:
            more = s.recv(4096)
            if not more:
                break
            got += more
    assert got.startswith(b"HTTP/1.1 400 Bad Request\r\n"), got
    assert got.endswith(b"\r\n\r\nThis port speaks TLS: use https\n")
    assert server.ask() == server.daemon.pid


def test_plain_curl_shows_the_hint(server):
    if not shutil.which("curl"):
        pytest.skip("needs curl")
    p = subprocess.run(["curl", "-sS", "http://127.0.0.1:%d/" % server.port],
                       capture_output=True, text=True)
    assert p.stdout == "This port speaks TLS: use https\n", p


# ---- certificates change while it runs ---------------------------------------------

def copy_pair(box, certs, name):
    for suffix in (".pem", ".key"):
        shutil.copy(os.path.join(certs.folder, name + suffix), box.path("now" + suffix + "~"))
        os.rename(box.path("now" + suffix + "~"), box.path("now" + suffix))


@pytest.fixture
def renewable(box, certs):
    copy_pair(box, certs, "server")
    return Server(box, certs, cert=box.path("now.pem"), key=box.path("now.key"))


def usr2(server):
    server.daemon.kill(signal.SIGUSR2)


def reread(server):
    server.daemon.sv.reloadConfig()


def hup(server):
    server.daemon.kill(signal.SIGHUP)


def reload(server):
    server.daemon.sv.restart()


def test_a_crash_keeps_the_port(renewable, certs):
    """The next image listens on the same socket, with the newest certificate; where it
    cannot be read, the programs go on, and the port as soon as it can."""
    d = renewable.daemon

    def die():
        image = survive.wait_image(d.sock, 0)["image"]
        d.kill(signal.SIGSEGV)
        survive.wait_image(d.sock, image)

    die()
    assert renewable.ask() == d.pid
    key = renewable.box.path("now.key")
    text = read(key)
    renewable.box.write("now.key", "spoilt")
    die()
    d.wait_log("CRIT .inet_http_server. serves nobody for now")
    with renewable.plain():  # is not refused
        renewable.box.write("now.key", text)
        d.wait_log("INFO .inet_http_server. serves again")
    assert renewable.ask() == d.pid


@pytest.mark.parametrize("act", [usr2, reread, hup, reload])
def test_certificates_are_read_again(renewable, certs, act):
    with renewable.connect() as old:
        first = serial_of(old)
        assert pid_from(old) == renewable.daemon.pid
        copy_pair(renewable.box, certs, "server2")
        act(renewable)

        def changed():
            try:
                with renewable.connect() as s:
                    return serial_of(s) != first and pid_from(s) == renewable.daemon.pid
            except OSError:
                return False
        wait_until(changed)
        if act in (usr2, reread):  # a restart closes and opens everything, as upstream's
            assert pid_from(old) == renewable.daemon.pid
            assert serial_of(old) == first


@pytest.mark.parametrize("act", [usr2, reread, hup, reload])
def test_bad_certificates_change_nothing(renewable, certs, act):
    pid = renewable.daemon.pid_of("cat")
    with renewable.connect() as s:
        first = serial_of(s)
    shutil.copy(certs.key("client"), renewable.box.path("now.key"))
    if act in (reread, reload):
        with pytest.raises(xmlrpc.client.Fault, match="is not the key of the certificate"):
            act(renewable)
    else:
        act(renewable)
        renewable.daemon.wait_log("ERRO .*is not the key of the certificate")
    with renewable.connect() as s:
        assert serial_of(s) == first
    assert renewable.daemon.pid_of("cat") == pid
    copy_pair(renewable.box, certs, "server2")  # and it can be mended
    usr2(renewable)

    def mended():
        with renewable.connect() as s:
            return serial_of(s) != first
    wait_until(mended)


def test_listening_elsewhere_shares_the_certificate(box, certs):
    ports = free_port(), free_port()
    copy_pair(box, certs, "server")
    server = Server(box, certs, cert=box.path("now.pem"), key=box.path("now.key"),
                    text="[inet_http_server:b]\nport=127.0.0.1:%d,127.0.0.1:%d\nssl_certfile=%s\n"
                    "ssl_keyfile=%s\n" % (*ports, box.path("now.pem"), box.path("now.key")))
    copy_pair(box, certs, "server2")
    reread(server)
    serials = set()
    for port in (server.port, *ports):
        server.port = port
        with server.connect() as s:
            serials.add(serial_of(s))
            assert pid_from(s) == server.daemon.pid
    assert len(serials) == 1


# ---- peers that stall or cheat -----------------------------------------------------

def client_hello(server):
    """The first flight of a handshake, as bytes."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = server.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def descriptors(server):
    return len(proc_info(server.daemon.pid)["fds"])


def test_stalled_handshakes_stop_nobody(server):
    hello = client_hello(server)
    assert server.ask() == server.daemon.pid
    before = descriptors(server)
    stalled = []
    try:
        for i in range(100):
            s = server.plain()
            s.sendall(hello if i % 2 else hello[:-20])  # half of them cost a key exchange
            stalled.append(s)
        wait_until(lambda: descriptors(server) > before + 90)
        begin = time.monotonic()
        assert server.ask(V12) == server.ask(V13) == server.daemon.pid
        r = server.ctl("pid", more="ssl_ca_certs=" + server.certs.cert("ours"))
        assert r.out == "%d\n" % server.daemon.pid, r
        assert time.monotonic() - begin < 5
        # They end at their deadline, without harm.
        wait_until(lambda: descriptors(server) <= before + 1)
    finally:
        for s in stalled:
            s.close()


def test_half_open_ones_have_a_limit(server):
    """From two addresses, so that the limit for one peer is not what stops them."""
    stalled = []
    before = descriptors(server)
    try:
        for address in ("127.0.0.2", "127.0.0.3", "127.0.0.4"):
            for _ in range(120):
                s = server.plain(source=address)
                s.sendall(b"\x16\x03\x01")
                stalled.append(s)
        assert server.ask() == server.daemon.pid
        fds = descriptors(server) - before
        assert fds < 256 + 8, fds
        assert proc_info(server.daemon.pid)["rss_kb"] < 40000 or "ASAN_OPTIONS" in os.environ
    finally:
        for s in stalled:
            s.close()


def test_hello_in_single_bytes(server):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = server.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with server.plain() as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    s.sendall(bytes([byte]))
                incoming.write(s.recv(65536))
        for byte in POST:  # records of one byte each
            tls.write(bytes([byte]))
        s.sendall(outgoing.read())
        got = b""
        while b"</methodResponse>" not in got:
            incoming.write(s.recv(65536))
            try:
                got += tls.read(65536)
            except ssl.SSLWantReadError:
                pass
    assert b"<int>%d</int>" % server.daemon.pid in got


@pytest.mark.parametrize("version", [V12, V13])
def test_many_requests_in_one_record(server, version):
    with server.connect(version) as s:
        s.sendall(POST * 20)
        rest = b""
        while rest.count(b"</methodResponse>") < 20:
            more = s.recv(65536)
            assert more
            rest += more
        assert rest.count(b"<int>%d</int>" % server.daemon.pid) == 20


@pytest.mark.parametrize("version", [V12, V13])
def test_much_to_a_slow_reader(server, version):
    """The socket is full in the middle of a record again and again."""
    with open(server.box.path("o"), "ab") as f:
        f.write(b"y" * 5000000)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.settimeout(20)
    raw.connect(("127.0.0.1", server.port))
    body = xmlrpc.client.dumps(("cat", 0, 0), "supervisor.readProcessStdoutLog").encode()
    with server.context(version).wrap_socket(raw, server_hostname="localhost") as s:
        s.sendall(b"POST /RPC2 HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        got = s.recv(1)
        for _ in range(5):  # meanwhile the others are served
            assert server.daemon.sv.getState()["statecode"] == 1
        while not got.endswith(b"</methodResponse>\n") and b"</methodResponse>" not in got[-40:]:
            more = s.recv(1 << 20)
            assert more
            got += more
    assert got.count(b"y") >= 5000000


def test_requests_of_every_size(server):
    """16 KiB records and more, as OpenSSL makes them."""
    for size in (1, 7000, 16384, 100000, 1000000):
        body = xmlrpc.client.dumps(("nope" * (size // 4),), "supervisor.getProcessInfo").encode()
        with server.connect() as s:
            s.sendall(b"POST /RPC2 HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            assert b"BAD_NAME" in answer_from(s)[1] or size > 900000


def test_clients_that_break_off(server):
    """In the handshake, after it, within an answer; by end, by reset; never loud."""
    hello = client_hello(server)
    before = descriptors(server)
    with open(server.box.path("o"), "ab") as f:
        f.write(b"y" * 3000000)
    body = xmlrpc.client.dumps(("cat", 0, 0), "supervisor.readProcessStdoutLog").encode()
    for reset in (False, True):
        for step in range(4):
            s = server.plain()
            if reset:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            if step == 1:
                s.sendall(hello[:40])
            if step >= 2:
                s = server.context().wrap_socket(s, server_hostname="localhost")
                assert pid_from(s) == server.daemon.pid
            if step == 3:
                s.sendall(b"POST /RPC2 HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s"
                          % (len(body), body))
                s.recv(1)
            s.close()  # without close_notify
    assert server.ask() == server.daemon.pid
    wait_until(lambda: descriptors(server) <= before + 1)
    assert not re.search(r"ERRO|CRIT.*TLS", server.daemon.log)


def test_renegotiation_and_key_update(server):
    """Neither is supported; they end at most their own connection."""
    out = server.s_client("-tls1_2", stdin=b"R\n")
    assert "no renegotiation" in out.lower() or "RENEGOTIATING" in out, out
    out = server.s_client("-tls1_3", stdin=b"K\n")
    assert "KEYUPDATE" in out
    assert server.ask() == server.daemon.pid


def test_nonsense_after_a_good_start(server):
    hello = client_hello(server)
    for junk in (hello[:5] + b"\xff" * 300, b"\x16\x03\x01\xff\xff" + b"a" * 70000,
                 b"\x15\x03\x01\0\2\2\x28", b"\x16" * 5000, hello + hello):
        with server.plain() as s:
            try:
                s.sendall(junk)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            except OSError:
                pass
    assert server.ask() == server.daemon.pid


def test_failures_do_not_flood_the_log(server):
    for _ in range(200):
        with server.plain() as s:
            s.sendall(b"\x15\x03\x03\0\2\2\x28")  # a fatal alert
            while s.recv(4096):
                pass
    assert len(re.findall("WARN .*connection from", server.daemon.log)) < 50


# ---- random numbers ----------------------------------------------------------------

def traced(box, certs, *options):
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    probe = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True)
    if probe.returncode != 0:
        pytest.skip("strace is not permitted here")
    # A restart from within strace keeps supervisord as its child: the pid is in the file.
    return Server(box, certs, prefix=("strace", "-D", "-qq", "-o", box.path("trace"), *options))


def test_random_numbers_need_no_file(box, certs):
    server = traced(box, certs, "-e", "trace=open,openat,getrandom")
    assert server.ask(V12) and server.ask(V13)
    trace = read(box.path("trace"))
    assert "getrandom(" in trace
    assert "random\"" not in trace  # neither /dev/random nor /dev/urandom


def test_early_boot_without_random_numbers(box, certs):
    """The programs run, TLS refuses until the kernel has numbers, then works."""
    server = traced(box, certs, "-e", "trace=getrandom",
                    "-e", "inject=getrandom:error=EAGAIN:when=1..6")
    server.daemon.wait_log("no random numbers for TLS yet")
    server.daemon.wait_state("cat", "RUNNING")

    def works():
        try:
            return server.ask()
        except OSError:
            return None
    assert wait_until(works)
    server.daemon.wait_log("has its random numbers and listens")


# ---- the build ---------------------------------------------------------------------

def test_only_one_file_knows_the_library():
    """Another version of the library changes that file alone, and the random numbers too."""
    found = [f for top in ("core", "config", "applets")
             for f in glob.glob(os.path.join(TOP, top, "**", "*.[ch]"), recursive=True)
             if re.search(r"#include <(mbedtls|psa)/|mbedtls_\w+\(", read(f))]
    assert [os.path.basename(f) for f in found] == ["tls_mbedtls.c"]


def test_a_build_without_tls_says_so(box, certs):
    binary = os.environ.get("SUPERVISOR_NOTLS_BIN",
                            os.path.join(TOP, "build", "release-notls", "supervisor"))
    if not os.path.exists(binary):
        pytest.skip("needs a build with TLS=0")
    for applet in ("supervisord", "supervisorctl"):
        os.symlink(binary, box.path(applet))
    conf = box.write("sv.conf", box.conf_text(inet(certs, free_port())))
    p = subprocess.run([box.path("supervisord"), "-n", "-c", conf], capture_output=True,
                       text=True, timeout=20)
    assert p.returncode == 2 and "made with TLS=0" in p.stderr, p
    peer = socket.create_server(("127.0.0.1", 0))
    conf = box.write("ctl.conf", "[supervisorctl]\nserverurl=https://127.0.0.1:%d\n"
                     % peer.getsockname()[1])
    p = subprocess.run([box.path("supervisorctl"), "-c", conf, "status"], capture_output=True,
                       text=True, timeout=20)
    peer.close()
    assert p.returncode != 0 and "made with TLS=0" in p.stdout + p.stderr, p
