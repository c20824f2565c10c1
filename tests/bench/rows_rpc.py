"""The control socket with ten programs: latency, throughput and CPU of requests over both
kinds of sockets, old and new connections, one client and fifty; TLS; supervisorctl."""
import socket
import ssl
import time

from box import Wrong, cpu_ns, request
from table import ALONE, PAIR, Metric, Row
from work import (GET_ALL, GET_ONE, GET_STATE, Run, ask, control, floor_server, settle,
                  settled)

INET = "[inet_http_server]\nport=127.0.0.1:{port}\n"
CALLS = {"getState": GET_STATE, "getProcessInfo": GET_ONE,
         "getAllProcessInfo": GET_ALL}
WAYS = {"": {}, "-keep": {"keep": True}, "-tcp": {"tcp": True},
        "-tcp-keep": {"tcp": True, "keep": True}}


def requests(box, subject, n, calls, ways, clients, count):
    """{"CALLWAY.KEY": [samples]}, all of one instance."""
    run = settled(box, subject, n, extra=INET)
    crowd = "" if clients == 1 else "-of-%d" % clients
    return {"%s%s%s.%s" % (call, crowd, way, key): samples
            for call in calls for way in ways
            for key, samples in ask(box, run, CALLS[call], count, clients=clients,
                                    **WAYS[way]).items()}


def latencies(calls, ways):
    shown = []
    for label, call in [(call + way, call) for call in calls for way in ways]:
        aim = {"than": {"floor": 1.3}} if call == "getState" else {}
        if label == "getAllProcessInfo-tcp-keep":
            aim = {"most": 60, "at_floor": 17}
        cpu = aim if call == "getState" else {}
        shown += [Metric(label + ".answer", "us", **aim), Metric(label + ".answer", "us", 99),
                  Metric(label + ".CPU", "us", **cpu)]
    return shown


def rates(calls, ways, clients):
    shown = []
    for call, label in [(c, "%s-of-%d%s" % (c, clients, w)) for c in calls for w in ways]:
        aim = {"floor": 0.7} if label == "getState-of-%d-keep" % clients else {}
        shown += [Metric(label + ".rate", "req/s", more=True, than=aim),
                  Metric(label + ".answer", "us", 99), Metric(label + ".CPU", "us")]
    return shown


# TLS


def certificate(box):
    cert, key = box.path("cert.pem"), box.path("key.pem")
    box.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert)
    return cert, key


class Client:
    """A connection, with TLS if there is a context. It is Python's, for both."""

    def __init__(self, port, context):
        peer = socket.create_connection(("127.0.0.1", port), timeout=60)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peer = context.wrap_socket(peer, server_hostname="127.0.0.1") if context else peer

    def ask(self, data):
        """A short answer, whole."""
        self.peer.sendall(data)
        answer = b""
        while True:
            head, end, body = answer.partition(b"\r\n\r\n")
            if end and len(body) >= int(head.lower().split(b"content-length:")[1].split()[0]):
                break
            piece = self.peer.recv(65536)
            if not piece:
                raise Wrong("the server closed early")
            answer += piece
        if b"statename" not in body:
            raise Wrong("answered: %s" % answer)

    def close(self):
        self.peer.close()


def ask_with(port, pid, context, keep, count):
    """As ask() of work.py does, through TLS."""
    data = request(*GET_STATE)
    kept = Client(port, context) if keep else None
    took_us = []
    for i in range(count + 3):
        if i == 3:  # the first few do not count
            took_us, cpu = [], cpu_ns([pid])
        begin = time.monotonic_ns()
        client = kept or Client(port, context)
        client.ask(data)
        took_us.append((time.monotonic_ns() - begin) / 1e3)
        if not keep:
            client.close()
    cpu = cpu_ns([pid]) - cpu
    return {"answer": took_us, "CPU": [cpu / 1e3 / count]}


def tls(box, subject, count):
    """The original has none. The floor is the same client over plain TCP."""
    context = None
    if subject.name == "floor":
        address, pid = floor_server(box, GET_STATE, 1, tcp=True)
        port = int(address)
        box.wait(lambda: listens(port), 20, "the floor's socket")
    else:
        cert, key = certificate(box)
        context = ssl.create_default_context(cafile=cert)
        run = Run(box, subject, 1, extra=INET + "ssl_certfile=%s\nssl_keyfile=%s\n" %
                  (cert, key))
        settle(box, run)
        port, pid = run.port, run.process.pid
    result = {}
    for label, keep in (("tls-new", False), ("tls-keep", True)):
        for key, samples in ask_with(port, pid, context, keep, count).items():
            result["%s.%s" % (label, key)] = samples
    return result


def listens(port):
    with socket.socket() as peer:
        return peer.connect_ex(("127.0.0.1", port)) == 0


def client_pid(box, subject, n, count):
    return control(box, settled(box, subject, n), ("pid",), count)


ONE_CLIENT = {"n": 10, "calls": tuple(CALLS), "ways": tuple(WAYS), "clients": 1,
              "count": 1000}
FIFTY = {"n": 10, "calls": tuple(CALLS), "ways": ("", "-keep", "-tcp-keep"),
         "clients": 50, "count": 10000}
TLS = [Metric(label + key, "us", percent) for label in ("tls-new.", "tls-keep.")
       for key, percent in (("answer", 50), ("answer", 99), ("CPU", 50))]
ROWS = [
    Row("requests", requests, PAIR, latencies(ONE_CLIENT["calls"], WAYS), ONE_CLIENT,
        {"count": 20}, rounds=3, slow={"ref": 1}),
    Row("requests-of-50", requests, PAIR, rates(FIFTY["calls"], FIFTY["ways"], 50), FIFTY,
        {"count": 200, "ways": ("-tcp-keep",)}, rounds=2, slow={"ref": 1}),
    Row("tls", tls, ALONE, TLS, {"count": 300}, {"count": 10}, rounds=3),
    Row("ctl-pid", client_pid, PAIR, [Metric("wall", "ms", than={"floor": 1.3}),
                                      Metric("CPU", "ms", than={"floor": 1.3})],
        {"n": 10, "count": 30}, {"count": 2}, rounds=3, slow={"ref": 1}),
]
