"""One instance of a supervisor under measure: its folder, marks, processes and control
socket; and what /proc tells of it. Everything waits with a deadline."""
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import xmlrpc.client

TOOLS = os.environ.get("BENCH_TOOLS", "build/bench")
WORKLOAD = ("mark", "writer", "listener")  # what is supervised, not the supervisor


class Wrong(Exception):
    """The work was not done, or not as promised. Never raised for being slow, but for not
    ending at all within a deadline."""


def tool(name):
    return os.path.join(os.path.abspath(TOOLS), name)


def read(path, default=""):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return default


def request(method, *args):
    body = xmlrpc.client.dumps(args, method)
    return ("POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
            "Content-Length: %d\r\n\r\n%s" % (len(body), body)).encode()


def exchange(address, data):
    """The raw answer, whole, to one raw request."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(300)
        peer.connect(address)
        peer.sendall(data)
        answer = bytearray()
        need = None
        while need is None or len(answer) < need:
            piece = peer.recv(1 << 20)
            if not piece:
                raise Wrong("the server closed early")
            answer += piece
            end = answer.find(b"\r\n\r\n")
            if need is None and end >= 0:
                length = re.search(rb"(?i)content-length: *(\d+)", answer[:end])
                need = end + 4 + int(length.group(1))
        return bytes(answer)


class Mark:
    def __init__(self, line):
        self.name, pid, ns = line.split()
        self.pid, self.ns = int(pid), int(ns)


class Box:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="svb", dir="/tmp")
        self.bulk = None
        self.fifo = self.path("marks")
        os.mkfifo(self.fifo)
        self.fifo_fd = os.open(self.fifo, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl_pipe_size(self.fifo_fd, 1 << 20)
        self.rest = b""
        self.marks = []
        self.started = []
        self.socket = self.path("ctl")
        self.output = open(self.path("output"), "ab")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for process in self.started:
            kill_tree(process)
        for mark in {m.pid for m in self.marks}:
            if is_workload(mark):
                os.kill(mark, signal.SIGKILL)
        self.output.close()
        os.close(self.fifo_fd)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.bulk:
            shutil.rmtree(self.bulk, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        os.chmod(path, mode)
        return path

    def bulk_folder(self, size):
        """For large logs: memory where it has room, so that no disk is measured."""
        shm = "/dev/shm"
        roomy = os.access(shm, os.W_OK) and shutil.disk_usage(shm).free > 1.5 * size
        self.bulk = tempfile.mkdtemp(prefix="svb", dir=shm if roomy else "/tmp")
        return self.bulk

    def spawn(self, argv, exit_at_once=False, **how):
        env = dict(os.environ, **({"MARK_EXIT": "1"} if exit_at_once else {}))
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.output,
                                   stderr=self.output, cwd=self.folder, env=env, **how)
        self.started.append(process)
        return process

    def stamped(self, argv, **how):
        """Starts argv behind a mark "exec" that is made just before its exec."""
        return self.spawn([tool("mark"), self.fifo, "exec", "--"] + argv, **how)

    def run(self, *argv, secs=600):
        """The output of a helper or client that must succeed."""
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                                  timeout=secs, check=False, cwd=self.folder)
        except subprocess.TimeoutExpired as e:
            raise Wrong("%s did not end in %d s" % (argv[0], secs)) from e
        if done.returncode != 0:
            raise Wrong("%s: %s" % (os.path.basename(argv[0]),
                                    (done.stderr or done.stdout)[-300:].decode()))
        return done.stdout.decode()

    def fail(self, why):
        raise Wrong("%s; it said: %s" % (why, read(self.path("output"))[-600:]))

    # Marks

    def take_marks(self, wait_secs=0.0):
        """Reads what is there; the new marks."""
        select.select([self.fifo_fd], [], [], wait_secs)
        try:
            while True:
                self.rest += os.read(self.fifo_fd, 1 << 20)
        except BlockingIOError:
            pass
        *lines, self.rest = self.rest.split(b"\n")
        new = [Mark(line.decode()) for line in lines]
        self.marks += new
        return new

    def wait_mark(self, accept=lambda mark: True, secs=60):
        """The first new mark that is accepted."""
        deadline = time.monotonic() + secs
        while time.monotonic() < deadline:
            for mark in self.take_marks(0.5):
                if accept(mark):
                    return mark
        self.fail("no mark in %d s" % secs)

    def wait_programs(self, n, secs=300):
        """Until n different programs reached main(): their marks. Looks seldom."""
        def there():
            self.take_marks()
            if len(self.programs()) < n and any(p.poll() is not None for p in self.started):
                self.fail("it ended")
            return len(self.programs()) >= n
        self.wait(there, secs, "%d programs" % n, 0.02 if n > 10 else 0.001)
        return self.programs()

    def programs(self):
        """The last mark of each program."""
        return [m for m in self.marks if m.name != "exec"]

    def exec_ns(self):
        return next(m.ns for m in self.marks if m.name == "exec")

    def wait(self, ready, secs, what, step=0.02):
        deadline = time.monotonic() + secs
        while not ready():
            if time.monotonic() > deadline:
                self.fail("%s: not in %d s" % (what, secs))
            time.sleep(step)

    # Control

    def rpc(self, method, *args):
        answer = exchange(self.socket, request(method, *args))
        return xmlrpc.client.loads(answer.partition(b"\r\n\r\n")[2])[0][0]

    def wait_socket(self, secs=120):
        def answers():
            try:
                return self.rpc("supervisor.getState")["statename"] == "RUNNING"
            except OSError:
                return False
        self.wait(answers, secs, "an answer of the control socket")

    def wait_running(self, n, secs=300):
        """Until the first and last of n programs are RUNNING: to ask for all takes the
        original half a minute when they are thousands."""
        def running():
            return all(self.rpc("supervisor.getProcessInfo", "p:p%d" % i)["statename"] ==
                       "RUNNING" for i in {0, n - 1})
        self.wait(running, secs, "all programs RUNNING", 0.05)

    def wait_end(self, process, secs=300):
        """What the process and its children used till it ended: a struct rusage."""
        pidfd = os.pidfd_open(process.pid)
        ended = select.select([pidfd], [], [], secs)[0]
        os.close(pidfd)
        if not ended:
            self.fail("it did not end in %d s" % secs)
        _, process.returncode, used = os.wait4(process.pid, 0)
        return used

    def infos(self):
        return self.rpc("supervisor.getAllProcessInfo")


def fcntl_pipe_size(fd, size):
    import fcntl
    try:
        fcntl.fcntl(fd, getattr(fcntl, "F_SETPIPE_SZ", 1031), size)
    except OSError:
        pass  # a user's limit: 64 KB do for most rows


# What /proc knows


def children(pid):
    found = []
    try:
        for task in os.listdir("/proc/%d/task" % pid):
            found += map(int, read("/proc/%d/task/%s/children" % (pid, task)).split())
    except OSError:
        pass
    return found


def tree(pid):
    found = [pid]
    for one in found:
        found += children(one)
    return found


def is_workload(pid):
    try:
        exe = os.readlink("/proc/%d/exe" % pid)
    except OSError:
        return False
    return exe in [tool(name) for name in WORKLOAD]


def supervisors(pid):
    """The processes that do the supervising: for some peers one for each program."""
    return [p for p in tree(pid) if not is_workload(p)]


def kill_tree(process):
    if process.poll() is not None:
        return
    pids = tree(process.pid)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    process.wait()


def cpu_ns(pids):
    """On a processor so far, to the nanosecond; children not included."""
    return sum(int(read("/proc/%d/schedstat" % p, "0").split()[0]) for p in pids)


def switches(pids):
    """How often they slept, which is how often they woke."""
    text = "".join(read("/proc/%d/status" % p) for p in pids)
    return sum(map(int, re.findall(r"(?m)^voluntary_ctxt_switches:\s+(\d+)", text)))


def memory_kb(pids):
    """(PSS, anonymous) of all of them; the second leaves out pages of files, which the
    kernel can drop."""
    text = "".join(read("/proc/%d/smaps_rollup" % p) for p in pids)

    def total(pattern):
        return sum(map(int, re.findall(r"(?m)^%s:\s+(\d+)" % pattern, text)))

    return total("Pss"), total("Anonymous")
