"""Rows of the control socket: latency, throughput and CPU of requests; supervisorctl."""
import socket

from box import Wrong, cpu_ns, exchange, request, tool
from rows_many import settle, up
from table import PAIR, Metric, Row

GET_STATE = ("supervisor.getState",)
GET_ONE = ("supervisor.getProcessInfo", "p:p0")
GET_ALL = ("supervisor.getAllProcessInfo",)
COUNT_OF = {GET_ALL: b"<name>statename</name>"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def serve(box, subject, n, call, tcp):
    """(address, pid) of a server for that call. The floor is one that answers with the
    same number of bytes as the original does."""
    port = free_port()
    if subject.name == "floor":
        body = recorded_body(call, n)
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        address = str(port) if tcp else box.socket
        process = box.spawn([tool("floor"), "serve", address, box.write("answer", answer)])
        return address, process.pid
    extra = "[inet_http_server]\nport=127.0.0.1:%d\n" % port if tcp else ""
    process, _ = up_with(box, subject, n, extra)
    check_answer(box, call, n)
    return str(port) if tcp else box.socket, process.pid


def up_with(box, subject, n, extra):
    process = box.stamped(subject.command(box, n, extra=extra))
    marks = box.wait_programs(n)
    settle(box, subject)
    return process, marks


def check_answer(box, call, n):
    body = exchange(box.socket, request(*call)).partition(b"\r\n\r\n")[2]
    if b"<fault>" in body or (call in COUNT_OF and body.count(COUNT_OF[call]) != n):
        raise Wrong("answered: %s" % body[:200])
    if call == GET_ALL:
        known = {info["pid"] for info in box.infos()}
        if known != {mark.pid for mark in box.programs()}:
            raise Wrong("other pids than those that run")


def recorded_body(call, n):
    size = 1100 * n if call == GET_ALL else 1100 if call == GET_ONE else 300
    return b"<methodResponse>" + b"x" * size


def ask(box, subject, n, call, count, secs=20, keep=False, clients=1, tcp=False):
    address, pid = serve(box, subject, n, call, tcp)
    asked = box.write("request", request(*call))
    helper = [tool("asker"), address, asked, "methodResponse", "keep" if keep else "new",
              str(clients)]
    # First a few that do not count; a slow server gets only one.
    box.run(*helper, str(max(clients, min(count, 5))), "1", "0")
    cpu = cpu_ns([pid])
    wall, *took = box.run(*helper, str(max(clients, count)), str(secs), "0").split()[:-2]
    cpu = cpu_ns([pid]) - cpu
    return {"answer": [int(x) / 1e3 for x in took], "CPU": [cpu / 1e3 / len(took)],
            "rate": [len(took) / int(wall) * 1e9]}


def control(box, subject, n, words, count):
    """A command line client against a supervisor with n programs."""
    if subject.name == "floor":
        body = recorded_body(GET_STATE, 1)
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        box.spawn([tool("floor"), "serve", box.socket, box.write("answer", answer)])
        asked = box.write("request", request(*GET_STATE))
        command = [tool("asker"), box.socket, asked, "methodResponse", "new", "1", "1", "20",
                   "0"]
        box.run(*command)  # waits until it listens
        text = "now"
    else:
        process, _ = up(box, subject, n)
        settle(box, subject)
        if not subject.has_rpc:
            command, text = subject.status(box, n), subject.says_up
        else:
            command = subject.ctl_command(box, *words)
            text = str(process.pid) if words == ("pid",) else subject.says_up
    lines = [line.split() for line in
             box.run(tool("timed"), str(count), text, *command).splitlines()]
    return {"wall": [int(wall) / 1e6 for wall, _ in lines],
            "CPU": [int(cpu) / 1e6 for _, cpu in lines]}


def latency(most=None, floors=None):
    return [Metric("answer", "us", most=most, floors=floors), Metric("answer", "us", 99),
            Metric("CPU", "us", floors=floors)]


def all_row(n, most_us, count, **more):
    return Row("all-info-%d" % n, ask, PAIR, latency(most=most_us),
               {"n": n, "call": GET_ALL, "count": count}, **more)


QUICK = {"count": 20}
RATE = [Metric("rate", "req/s", more=True, floors=0.7), Metric("answer", "us", 99),
        Metric("CPU", "us")]
PEERS = ("ours", "ref", "runit", "daemontools")
ROWS = [
    Row("state-new", ask, PAIR, latency(floors=1.3),
        {"n": 10, "call": GET_STATE, "count": 2000}, QUICK),
    Row("state-keep", ask, PAIR, latency(floors=1.3),
        {"n": 10, "call": GET_STATE, "count": 2000, "keep": True}, None),
    Row("state-tcp-new", ask, PAIR, latency(floors=1.3),
        {"n": 10, "call": GET_STATE, "count": 2000, "tcp": True}, None),
    Row("state-50-clients", ask, PAIR, RATE, {"n": 10, "call": GET_STATE, "count": 20000,
        "keep": True, "clients": 50}, {"count": 200}, rounds=3),
    Row("state-50-new", ask, PAIR, RATE, {"n": 10, "call": GET_STATE, "count": 5000,
        "clients": 50}, None, rounds=3),
    Row("state-of-1000", ask, PAIR, latency(floors=1.3),
        {"n": 1000, "call": GET_STATE, "count": 1000}, None, rounds=1),
    Row("state-of-4000", ask, PAIR, latency(floors=1.3),
        {"n": 4000, "call": GET_STATE, "count": 1000}, None, rounds=1),
    Row("one-info", ask, PAIR, latency(floors=1.5),
        {"n": 10, "call": GET_ONE, "count": 2000}, QUICK),
    all_row(10, 60, 1000, quick=QUICK),
    all_row(100, 120, 500, quick=None, rounds=3),
    all_row(1000, 600, 200, quick=None, rounds=1),
    all_row(4000, 2500, 50, quick=None, rounds=1),
    Row("all-info-tcp-keep", ask, PAIR, latency(most=60),
        {"n": 10, "call": GET_ALL, "count": 500, "keep": True, "tcp": True}, QUICK),
    Row("ctl-pid", control, PAIR, [Metric("wall", "ms", floors=1.3),
        Metric("CPU", "ms", floors=1.3)],
        {"n": 10, "words": ("pid",), "count": 20}, {"count": 2}, rounds=3),
    Row("ctl-status-10", control, PEERS, [Metric("wall", "ms", most=1.5),
        Metric("CPU", "ms")],
        {"n": 10, "words": ("status",), "count": 20}, {"count": 1},
        rounds=3),
    Row("ctl-status-1000", control, PEERS, [Metric("wall", "ms", most=6),
        Metric("CPU", "ms")],
        {"n": 1000, "words": ("status",), "count": 10}, None,
        rounds=1),
]
