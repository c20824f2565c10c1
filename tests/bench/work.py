"""What rows have in common: programs come up, requests are asked, clients run, programs are
killed; each checks that the work was really done."""
import os
import socket
import time
import xmlrpc.client

from box import Wrong, cpu_ns, exchange, request, supervisors, tool

GET_STATE = ("supervisor.getState",)
GET_ONE = ("supervisor.getProcessInfo", "p:p0")
GET_ALL = ("supervisor.getAllProcessInfo",)
SLOW_NS = 5e9  # an answer that takes this long is not asked for again


class Run:
    """Programs that are up, and who supervises them."""

    def __init__(self, box, subject, n, options="", extra="", secs=300):
        self.subject, self.n = subject, n
        self.port = free_port() if "{port}" in extra else None
        extra = extra.replace("{port}", str(self.port))
        self.process = box.stamped(subject.command(box, n, options, extra))
        self.marks = box.wait_programs(n, secs)
        if len({m.pid for m in self.marks}) != n or len(self.marks) != n:
            raise Wrong("%d starts of %d programs" % (len(self.marks), n))

    def supervisors(self):
        return supervisors(self.process.pid)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def settle(box, run, secs=300):
    """Programs are RUNNING after startsecs=1; the peers have a second of their own."""
    if run.subject.has_rpc:
        box.wait_socket(secs)
        box.wait_running(run.n, secs)
    else:
        time.sleep(1.5)


def settled(box, subject, n, **more):
    run = Run(box, subject, n, **more)
    settle(box, run)
    return run


# Requests


def recorded_answer(call, n):
    """As many bytes as the original answers, for the floor."""
    size = {GET_ALL: 1100 * n, GET_ONE: 1100}.get(call, 300)
    body = b"<methodResponse><name>statename</name>" + b"x" * size
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def floor_server(box, call, n, tcp=False):
    """(address, pid) of one that answers with the bytes of an answer and does no more."""
    number = len(box.started)
    address = str(free_port()) if tcp else box.path("floor%d" % number)
    answer = box.write("answer%d" % number, recorded_answer(call, n))
    return address, box.spawn([tool("floor"), "serve", address, answer]).pid


def check_answer(box, call, n):
    """Asks once and looks at what is said; how long it took, in ns."""
    begin = time.monotonic_ns()
    body = exchange(box.socket, request(*call)).partition(b"\r\n\r\n")[2]
    took_ns = time.monotonic_ns() - begin
    try:
        said = xmlrpc.client.loads(body)[0][0]
    except xmlrpc.client.Fault as e:
        raise Wrong("answered: %s" % e) from e
    if call == GET_STATE:
        right = said["statename"] == "RUNNING"
    else:
        infos = [said] if call == GET_ONE else said
        last = {"p" + mark.name: mark.pid for mark in box.programs()}
        right = len(infos) == (1 if call == GET_ONE else n) and all(
            last[i["name"]] == i["pid"] and i["statename"] == "RUNNING" for i in infos)
    if not right:
        raise Wrong("answered: %s" % body[:200])
    return took_ns


def ask(box, run, call, count, secs=2, keep=False, clients=1, tcp=False):
    """count requests, or as many as fit into secs; CPU is that of the server."""
    if run.subject.name == "floor":
        address, pid = floor_server(box, call, run.n, tcp)
    else:
        address, pid = str(run.port) if tcp else box.socket, run.process.pid
        cpu = cpu_ns([pid])
        once_ns = check_answer(box, call, run.n)
        if once_ns > SLOW_NS:
            return {"answer": [once_ns / 1e3], "CPU": [(cpu_ns([pid]) - cpu) / 1e3]}
    asked = box.write("request", request(*call))
    helper = [tool("asker"), address, asked, "statename", "keep" if keep else "new",
              str(clients)]
    # First a few that do not count.
    box.run(*helper, str(max(clients, min(count, 5))), "1", "0")
    cpu = cpu_ns([pid])
    wall, *took = box.run(*helper, str(max(clients, count)), str(secs), "0").split()[:-2]
    cpu = cpu_ns([pid]) - cpu
    return {"answer": [int(x) / 1e3 for x in took], "CPU": [cpu / 1e3 / len(took)],
            "rate": [len(took) / int(wall) * 1e9]}


# A client on the command line


def control(box, run, words, count, secs=2):
    subject, n = run.subject, run.n
    if subject.name == "floor":  # one request and its answer, by a fresh process
        address, _ = floor_server(box, GET_ALL if words == ("status",) else GET_STATE, n)
        asked = box.write("request", request(*GET_STATE))
        command = [tool("asker"), address, asked, "statename", "new", "1", "1", "20", "0"]
        text, times = "now", 1
    elif not subject.has_rpc:
        command, text, times = subject.status(box, n), subject.says_up, n
    elif words == ("pid",):
        command, text, times = subject.ctl_command(box, *words), str(run.process.pid), 1
    else:
        command, text, times = subject.ctl_command(box, *words), subject.says_up, n
    said = box.run(*command)  # for the floor: waits until it listens
    if said.count(text) != times:
        raise Wrong("%d instead of %d times '%s'" % (said.count(text), times, text))
    lines = [line.split() for line in
             box.run(tool("timed"), str(count), str(secs), text, *command).splitlines()]
    return {"wall": [int(wall) / 1e6 for wall, _ in lines],
            "CPU": [int(cpu) / 1e6 for _, cpu in lines]}


# Restarts


def restart_some(box, run, kills, secs=5):
    """Kills the first programs once each, one by one, all of which lived for more than a
    second; CPU is that of the supervisors. After secs three must do."""
    pids = run.supervisors()
    cpu, took_ms = cpu_ns(pids), []
    until = time.monotonic() + secs
    for i, victim in enumerate(run.marks[:kills]):
        if i >= 3 and time.monotonic() > until:
            break
        begin = time.monotonic_ns()
        os.kill(victim.pid, 9)
        new = box.wait_mark(secs=60)
        if new.pid == victim.pid or (run.subject.has_rpc and new.name != victim.name):
            raise Wrong("%s (%d) came back as %s (%d)" %
                        (victim.name, victim.pid, new.name, new.pid))
        took_ms.append((new.ns - begin) / 1e6)
        run.marks[i] = new
        time.sleep(0.01)
    cpu = cpu_ns(pids) - cpu
    if run.subject.name == "ours":
        now = {"p" + m.name: m.pid for m in run.marks}
        if now != {info["name"]: info["pid"] for info in box.infos()}:
            raise Wrong("it does not know the new pids")
    return {"restart": took_ms, "CPU": [cpu / 1000 / len(took_ms)]}
