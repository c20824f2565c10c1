"""Drives one supervisord, ours or the original, and looks at it from outside.

The one idea: a test never knows which of the two it drives. A Target names the
programs; a Box is a private directory with the daemons, clients and files of one test,
and leaves nothing behind when it closes. Everything waits for conditions with a
deadline (wait_until); nothing sleeps for a fixed time.
"""
import base64
import collections
import http.client
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
APPLETS = ("supervisord", "supervisorctl", "echo_supervisord_conf", "pidproxy")
TIMEOUT = float(os.environ.get("SYSTEM_TEST_TIMEOUT", "25"))
MARK = "SYSTEM_TEST_BOX"  # in every child's environment: how strays are found

Result = collections.namedtuple("Result", "rc out err")

STOPPED, STARTING, RUNNING, BACKOFF, STOPPING = 0, 10, 20, 30, 40
EXITED, FATAL, UNKNOWN = 100, 200, 1000


def wait_until(cond, timeout=TIMEOUT, what=None, every=0.01):
    """Return cond()'s first true value; fail after timeout seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = cond()
        if value:
            return value
        if time.monotonic() > deadline:
            what = what() if callable(what) else what
            raise AssertionError("not within %gs: %s" % (timeout, what or cond))
        time.sleep(every)  # poll


def holds_for(cond, seconds, what=None):
    """Fail if cond() becomes false within seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert cond(), what or "condition broke"
        time.sleep(0.02)  # poll


# Below the range from which the system gives ports to connections: one that was free a
# moment ago stays so until the daemon binds it. Each worker of pytest has its own piece.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_FIRST = 12000 + _WORKER % 8 * 2500
_next = os.getpid() * 37  # two runs at once begin at different places
# A shell ignores it for what it starts in the background, and so would our children.
signal.signal(signal.SIGINT, signal.default_int_handler)


def _ports():
    global _next
    _next += 1
    return _FIRST + _next % 2500


def free_port():
    while True:
        port = _ports()
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def read(path, default=""):
    try:
        with open(path, "rb") as f:
            return f.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return default


def write(path, text, mode=None):
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    if mode is not None:
        os.chmod(path, mode)
    return path


def is_user(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


# ---- processes -------------------------------------------------------------------

def alive(pid):
    """True while pid runs (a zombie does not)."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill(pid, sig=signal.SIGKILL):
    try:
        os.kill(pid, sig)
    except ProcessLookupError:
        pass


def _stat(pid):
    with open("/proc/%d/stat" % pid) as f:
        rest = f.read().rpartition(")")[2].split()
    return {"state": rest[0], "ppid": int(rest[1]), "pgid": int(rest[2]), "sid": int(rest[3])}


def _raw(pid, name):
    with open("/proc/%d/%s" % (pid, name), "rb") as f:
        return f.read()


def proc_info(pid):
    """What the kernel knows of a process: argv, env, cwd, ids, umask, descriptors."""
    info = _stat(pid)
    info["pid"] = pid
    info["argv"] = [a.decode("utf-8", "surrogateescape")
                    for a in _raw(pid, "cmdline").split(b"\0")[:-1]]
    pairs = [e.decode("utf-8", "surrogateescape").partition("=")
             for e in _raw(pid, "environ").split(b"\0") if e]
    info["env"] = {k: v for k, _, v in pairs}
    info["env_names"] = [k for k, _, _ in pairs]
    info["cwd"] = os.readlink("/proc/%d/cwd" % pid)
    status = dict(line.split(":", 1) for line in _raw(pid, "status").decode().splitlines()
                  if ":" in line)
    info["umask"] = int(status["Umask"].strip(), 8)
    info["uid"] = int(status["Uid"].split()[1])
    info["gid"] = int(status["Gid"].split()[1])
    info["groups"] = sorted(int(g) for g in status["Groups"].split())
    info["sigign"] = int(status["SigIgn"].strip(), 16)
    info["sigblk"] = int(status["SigBlk"].strip(), 16)
    info["wakeups"] = int(status["voluntary_ctxt_switches"])
    info["rss_kb"] = int(status.get("VmRSS", "0 kB").split()[0])
    info["fds"] = {}
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            info["fds"][int(fd)] = os.readlink("/proc/%d/fd/%s" % (pid, fd))
        except FileNotFoundError:
            pass
    return info


def children(pid):
    """Direct children, by /proc."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if _stat(int(name))["ppid"] == pid:
                    found.append(int(name))
            except (OSError, IndexError):
                pass
    return found


def descendants(pid):
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parents.setdefault(_stat(int(name))["ppid"], []).append(int(name))
            except (OSError, IndexError):
                pass
    found, todo = [], [pid]
    while todo:
        for child in parents.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def marked(value):
    """Pids whose environment carries this box's mark."""
    want = ("%s=%s" % (MARK, value)).encode()
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                if want in _raw(int(name), "environ").split(b"\0"):
                    found.append(int(name))
            except OSError:
                pass
    return found


# ---- RPC -------------------------------------------------------------------------

class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=TIMEOUT):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path, auth=None, timeout=TIMEOUT):
        super().__init__()
        self.path, self.timeout = path, timeout
        self._extra = []
        if auth:
            token = base64.b64encode(("%s:%s" % auth).encode()).decode()
            self._extra = [("Authorization", "Basic " + token)]

    def make_connection(self, host):
        self._extra_headers = self._extra
        return UnixConnection(self.path, self.timeout)


def rpc_unix(path, auth=None, timeout=TIMEOUT):
    return xmlrpc.client.ServerProxy("http://localhost",
                                     transport=UnixTransport(path, auth, timeout))


def wait_rpc(path, auth=None):
    """Wait until a supervisord answers on a unix socket; its "supervisor" methods."""
    def answers():
        try:
            sv = rpc_unix(path, auth).supervisor
            return sv.getState() and sv
        except (OSError, http.client.HTTPException):
            return None
    return wait_until(answers, what="an answer on " + path)


def fault_of(call, *args):
    """The (code, text) of the fault that a call answers with."""
    try:
        value = call(*args)
    except xmlrpc.client.Fault as f:
        return f.faultCode, f.faultString
    raise AssertionError("no fault but %r" % (value,))


# ---- targets ---------------------------------------------------------------------

class Target:
    """The four programs of one implementation."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.ours = name == "ours"

    def path(self, applet):
        return os.path.join(self.folder, applet)

    @property
    def dynamic(self):
        """A build with shared libraries: the one with sanitizers."""
        with open(self.path("supervisord"), "rb") as f:
            return b"ld-linux" in f.read(8192)

    @property
    def there(self):
        return os.path.exists(self.path("supervisord"))

    @staticmethod
    def find(name, scratch):
        """ours: links to SUPERVISOR_BIN or build/supervisor, made in scratch.
        oracle: Debian's programs, or ORACLE_SOURCE, a source tree of the original."""
        folder = os.path.join(scratch, name)
        if name == "ours":
            binary = os.path.abspath(os.environ.get("SUPERVISOR_BIN")
                                     or os.path.join(TOP, "build", "supervisor"))
            os.makedirs(folder, exist_ok=True)
            for applet in APPLETS:
                link = os.path.join(folder, applet)
                if not os.path.lexists(link):
                    os.symlink(binary, link)
            return Target(name, folder)
        source = os.environ.get("ORACLE_SOURCE")
        if not source:
            return Target(name, "/usr/bin")
        os.makedirs(folder, exist_ok=True)
        modules = dict(zip(APPLETS, ("supervisord", "supervisorctl", "confecho", "pidproxy")))
        for applet, module in modules.items():
            write(os.path.join(folder, applet),
                  "#!/usr/bin/python3\nimport sys\nsys.path.insert(0, %r)\n"
                  "from supervisor.%s import main\nmain()\n" % (source, module), 0o755)
        return Target(name, folder)


# ---- a test's box ----------------------------------------------------------------

BASE = """\
[supervisord]
logfile={dir}/supervisord.log
pidfile={dir}/supervisord.pid
childlogdir={dir}
{supervisord}
[unix_http_server]
file={dir}/sv.sock
{unix}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{dir}/sv.sock
"""


class Daemon:
    """A running supervisord in the foreground."""

    def __init__(self, box, popen, conf, sock, auth=None):
        self.box, self.popen, self.conf, self.sock, self.auth = box, popen, conf, sock, auth
        self.pid = popen.pid
        self.dir = box.dir
        self.rpc = rpc_unix(sock, auth)
        self.sv = self.rpc.supervisor

    # looking
    @property
    def log(self):
        return read(os.path.join(self.dir, "supervisord.log"))

    @property
    def out(self):
        return read(os.path.join(self.dir, "supervisord.out"))

    @property
    def err(self):
        return read(os.path.join(self.dir, "supervisord.err"))

    def new_rpc(self, **kw):
        return rpc_unix(self.sock, self.auth, **kw)

    def info(self, name):
        return self.sv.getProcessInfo(name)

    def state(self, name):
        return self.info(name)["statename"]

    def pid_of(self, name):
        return self.info(name)["pid"]

    def proc(self, name):
        """What the kernel knows of a program, once it has executed."""
        def look():
            pid = self.pid_of(name)
            try:
                if os.readlink("/proc/%d/exe" % pid) == os.readlink("/proc/%d/exe" % self.pid):
                    return None
                info = proc_info(pid)
            except OSError:
                return None
            return info if info["argv"] and info["env"] else None
        return wait_until(look)

    def file(self, name):
        return read(os.path.join(self.dir, name))

    # waiting
    def wait_state(self, name, *states, timeout=TIMEOUT):
        return wait_until(lambda: self.state(name) in states and self.info(name), timeout,
                          lambda: "%s is %s, not %s" % (name, self.state(name), states))

    def wait_log(self, pattern, timeout=TIMEOUT, count=1):
        """Wait until the activity log holds the pattern; return the last match."""
        def look():
            found = list(re.finditer(pattern, self.log, re.M))
            return len(found) >= count and found[-1]
        return wait_until(look, timeout, lambda: "log line %r in:\n%s" % (pattern, self.log))

    def wait_file(self, name, pattern, timeout=TIMEOUT):
        return wait_until(lambda: re.search(pattern, self.file(name), re.M), timeout,
                          lambda: "%r in %s: %r" % (pattern, name, self.file(name)[-800:]))

    # acting
    def kill(self, sig):
        os.kill(self.pid, sig)

    def wait_exit(self, timeout=TIMEOUT):
        """Its exit status (negative: killed by that signal)."""
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError("supervisord did not exit; log:\n" + self.log)

    def stop(self, timeout=TIMEOUT):
        self.kill(signal.SIGTERM)
        return self.wait_exit(timeout)

    def ctl(self, *args, kind=None, **kw):
        return self.box.ctl(*args, conf=self.conf, kind=kind, **kw)


class Box:
    """A private directory, and all that one test starts."""

    def __init__(self, target, others, tools):
        self.target, self.others, self.tools = target, others, tools
        self.dir = tempfile.mkdtemp(prefix="sv", dir="/tmp")  # short: sun_path
        os.chmod(self.dir, 0o755)
        self.started, self.daemons = [], []

    # -- files
    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text, mode=None):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return write(path, text, mode)

    def read(self, name):
        return read(self.path(name))

    @property
    def child(self):
        """The helper that does what its arguments say."""
        return self.tools["child"]

    def conf_text(self, text="", supervisord="", unix=""):
        return BASE.format(dir=self.dir, supervisord=supervisord, unix=unix) + "\n" + text

    # -- running
    def env(self, extra=None):
        env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": self.dir, "TZ": "UTC",
               "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
               "PYTHONWARNINGS": "ignore", MARK: self.dir}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "LLVM_PROFILE_FILE"):
            if name in os.environ:
                env[name] = os.environ[name]
        env.update(extra or {})
        return {k: v for k, v in env.items() if v is not None}

    def which(self, kind=None):
        return self.others[kind] if kind else self.target

    def run(self, applet, *args, kind=None, stdin="", env=None, timeout=TIMEOUT, cwd=None,
            prefix=(), **kw):
        """Run one of the four programs to its end."""
        argv = [*prefix, self.which(kind).path(applet), *args]
        p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=self.env(env),
                             cwd=cwd or self.dir, start_new_session=True, **kw)
        self.started.append(p)
        try:
            out, err = p.communicate(stdin.encode() if isinstance(stdin, str) else stdin,
                                     timeout)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
            raise AssertionError("%r did not end; it wrote %r %r" % (argv, out, err))
        return Result(p.returncode, out.decode("utf-8", "replace"),
                      err.decode("utf-8", "replace"))

    def popen(self, argv, env=None, **kw):
        kw.setdefault("stdin", subprocess.DEVNULL)
        kw.setdefault("cwd", self.dir)
        p = subprocess.Popen(argv, env=self.env(env), start_new_session=True, **kw)
        self.started.append(p)
        return p

    def ctl(self, *args, conf=None, kind=None, **kw):
        return self.run("supervisorctl", "-c", conf or self.path("sv.conf"), *args,
                        kind=kind, **kw)

    def launch(self, conf, args=("-n",), env=None, kind=None, prefix=(), **kw):
        """Start supervisord without waiting for it."""
        out = open(self.path("supervisord.out"), "ab")
        err = open(self.path("supervisord.err"), "ab")
        with out, err:
            kw.setdefault("stdout", out)
            kw.setdefault("stderr", err)
            return self.popen([*prefix, self.which(kind).path("supervisord"), "-c", conf,
                               *args], env=env, **kw)

    def start(self, text="", supervisord="", unix="", args=("-n",), env=None, kind=None,
              auth=None, raw=None, prefix=(), name="sv.conf", **kw):
        """Start supervisord with BASE and text (or raw alone), wait until it answers."""
        conf = self.write(name, raw if raw is not None
                          else self.conf_text(text, supervisord, unix))
        popen = self.launch(conf, args, env, kind, prefix, **kw)
        daemon = Daemon(self, popen, conf, self.path("sv.sock"), auth)
        self.daemons.append(daemon)

        def answers():
            if popen.poll() is not None:
                raise AssertionError("supervisord ended with %s\n%s%s"
                                     % (popen.returncode, daemon.out, daemon.err))
            try:
                return daemon.sv.getState() is not None
            except (OSError, http.client.HTTPException):
                return False
        wait_until(answers, what=lambda: "supervisord answers\n%s%s%s"
                   % (daemon.out, daemon.err, daemon.log))
        return daemon

    # -- end
    def report(self):
        """What a person wants to see when a test failed."""
        parts = []
        for name in sorted(os.listdir(self.dir)):
            if name.startswith("supervisord.") or name.endswith((".conf", ".ini")):
                text = self.read(name) if os.path.isfile(self.path(name)) else ""
                if text:
                    parts.append("---- %s\n%s" % (name, text[-6000:]))
        return "\n".join(parts)

    def close(self):
        for p in self.started:  # parents first, so that nothing is restarted
            if p.poll() is None:
                strays = descendants(p.pid)
                kill(p.pid)
                for pid in strays:
                    kill(pid)
        for _ in range(20):
            left = marked(self.dir)
            if not left:
                break
            for pid in left:
                kill(pid)
            time.sleep(0.01)  # poll
        for p in self.started:
            for pipe in (p.stdin, p.stdout, p.stderr):
                if pipe:
                    pipe.close()
            p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def build_tools(folder):
    """Compile the helper programs; answer their paths by name."""
    tools = {}
    os.makedirs(folder, exist_ok=True)
    for name in ("child", "sleeper", "numbered"):
        tools[name] = os.path.join(folder, name)
        subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-O1", "-static", "-w", "-o", tools[name],
                        os.path.join(HERE, "helpers", name + ".c")], check=True,
                       stdout=sys.stderr)
        os.chmod(tools[name], 0o755)
    return tools
