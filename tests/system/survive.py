"""What the tests of surviving share: programs that write numbered lines, a load of
clients, and the account of what came of both.

The one idea: a program's log alone tells everything. Each life is a run of numbers from
0 to a line "end"; a number that is missing, comes twice or is damaged was lost, doubled
or damaged by supervisord, and a second life that nobody asked for is a restart.
"""
import collections
import http.client
import os
import re
import signal
import socket
import threading
import time
import xmlrpc.client

from harness import children, rpc_unix

Account = collections.namedtuple("Account", "lines lives lost doubled damaged unended")


def programs(box, count, short=0, interval_ms=10, life_ms=1500, **options):
    """Configuration of `count` programs, the last `short` of them short-lived."""
    extra = "".join("%s=%s\n" % pair for pair in options.items())
    parts = []
    for i in range(count):
        is_short = i >= count - short
        parts.append("[program:p%d]\ncommand=%s %d %d\nautorestart=%s\nstartsecs=0\n"
                     "stdout_logfile=%s/p%d.log\n%s"
                     % (i, box.tools["numbered"], interval_ms, life_ms if is_short else 0,
                        "true" if is_short else "unexpected", box.dir, i, extra))
    return "".join(parts)


LINE = re.compile(rb"(\d+\.\d+) (\d+) (x*|end)\n")


def account(data):
    """Judge the lines of one log."""
    lost = doubled = damaged = lines = 0
    upto, ended = {}, set()
    for line in data.splitlines(keepends=True):
        m = LINE.fullmatch(line)
        if not m:
            damaged += 1
            continue
        lines += 1
        life, number, pad = m.group(1), int(m.group(2)), m.group(3)
        if pad != b"end" and len(pad) != number * 37 % 200:
            damaged += 1
        want = upto.get(life, 0)
        if number > want:
            lost += number - want
        elif number < want:
            doubled += 1
        upto[life] = max(want, number + 1)
        if pad == b"end":
            ended.add(life)
    return Account(lines, len(upto), lost, doubled, damaged, len(set(upto) - ended))


def account_of(paths):
    total = [0] * len(Account._fields)
    for path in paths:
        data = b""
        for n in range(20, -1, -1):
            part = "%s.%d" % (path, n) if n else path
            if os.path.exists(part):
                with open(part, "rb") as f:
                    data += f.read()
        total = [a + b for a, b in zip(total, account(data))]
    return Account(*total)


class Clients:
    """Threads that ask all the time; what went wrong is counted by kind."""

    def __init__(self, path, count, pause=0.005):
        self.path, self.pause = path, pause
        self.asked = 0
        self.wrong = collections.Counter()
        self.stopping = False
        self.threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(count)]
        for t in self.threads:
            t.start()

    def _ask(self):
        while not self.stopping:
            try:
                rpc_unix(self.path, timeout=20).supervisor.getState()
                self.asked += 1
            except (ConnectionRefusedError, FileNotFoundError):
                self.wrong["refused"] += 1
            except (OSError, http.client.HTTPException):
                self.wrong["cut"] += 1
            except xmlrpc.client.Fault:
                self.wrong["fault"] += 1
            time.sleep(self.pause)  # poll

    def stop(self):
        self.stopping = True
        for t in self.threads:
            t.join()


REQUEST = xmlrpc.client.dumps((), "supervisor.getBuild").encode()
REQUEST = (b"POST /RPC2 HTTP/1.0\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n"
           % len(REQUEST)) + REQUEST


def build(path, timeout=20):
    """What getBuild answers on a fresh connection, or None: no whole answer."""
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(timeout)
            s.connect(path)
            s.sendall(REQUEST)
            data = b""
            while True:
                part = s.recv(65536)
                if not part:
                    break
                data += part
        body = data.partition(b"\r\n\r\n")[2]
        return xmlrpc.client.loads(body)[0][0]
    except (OSError, xmlrpc.client.Error, ValueError, IndexError, SyntaxError):
        return None
    except Exception as e:  # a cut answer is bad XML
        if type(e).__name__ == "ExpatError":
            return None
        raise


def wait_image(path, before, timeout=20):
    """Ask until an image after number `before` answers; the answer."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        is_now = build(path)
        if is_now and is_now["image"] > before:
            return is_now
        time.sleep(0.0002)  # poll
    raise AssertionError("no image after %d answers within %gs" % (before, timeout))


def supervisor_pid(pid):
    """Under a keeper the supervisor itself is the child of the same program."""
    exe = os.readlink("/proc/%d/exe" % pid)
    for child in children(pid):
        try:
            with open("/proc/%d/cmdline" % child, "rb") as f, \
                    open("/proc/%d/cmdline" % pid, "rb") as g:
                if os.readlink("/proc/%d/exe" % child) == exe and f.read() == g.read():
                    return child
        except OSError:
            pass
    return pid


def die_and_answer(pid, path, sig=signal.SIGSEGV):
    """Kill it and wait for the next image; the milliseconds that took."""
    before = wait_image(path, 0)["image"]
    begin = time.monotonic()
    os.kill(pid, sig)
    wait_image(path, before)
    return (time.monotonic() - begin) * 1000


def percentiles(times):
    times = sorted(times)
    return tuple(times[min(len(times) - 1, int(len(times) * p))] for p in (0.5, 0.99, 1))
