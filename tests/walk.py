#!/usr/bin/python3
"""walk.py [--minutes N] [--seed N]: a random walk. Thousands of commands in random
order, kills of programs and of supervisord itself, changed configurations and broken logs,
against a model of what must be true all the time:

  each program has at most one live instance, and only that which supervisord tells;
  a program's pid changes only where something was done to the program;
  what is to run runs, what was stopped stays so;
  a line that was written is a line in the log, once and in order;
  a message that was sent reaches a listener;
  at rest there are as many descriptors and as much memory as at first, and no zombies.

The same seed gives the same commands. Runs SUPERVISOR_BIN, else build/supervisor. What the
binary cannot do (survive SIGSEGV, a keeper, upgrade) is found out at first and left out."""
import argparse
import collections
import glob
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import sys
import tempfile
import time
import xmlrpc.client

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "system"))
import harness  # noqa: E402
from harness import alive, proc_info, wait_until  # noqa: E402

PATIENCE = 30
EXTRAS = 5
OFFLINE = (OSError, http.client.HTTPException)
MAY_GROW_KB = 1500  # fragments, longer buffers; a leak of 1 KB a command is more in a minute


class Broken(Exception):
    """What must be true is not."""


class Program:
    def __init__(self, group, name, variant, kind):
        self.group, self.name, self.variant, self.kind = group, name, variant, kind
        self.full = name if group == name else "%s:%s" % (group, name)
        self.up = {"up": True, "off": False}.get(kind)  # None: as it likes
        self.pid = None  # not known, or may have changed
        self.doomed = None  # the one that was told to end, and may take its time

    def touch(self, doomed=None):
        self.pid = None
        self.doomed = doomed or self.doomed


def programs(variants):
    """What a configuration holds: {group: (variant, kind, names)}."""
    found = {"w": ("", "up", ["w0", "w1", "w2"]), "l": ("", "up", ["l0", "l1"]),
             "slow": ("", "up", ["slow"]), "deaf": ("", "up", ["deaf"]),
             "hurt": ("", "up", ["hurt"]), "cat": ("", "up", ["cat"]), "off": ("", "off", ["off"]),
             "ends": ("", "any", ["ends"]), "bad": ("", "any", ["bad"]), "noise": ("", "any", ["noise"])}
    for i, v in variants.items():
        found["x%d" % i] = (v, "up", ["x%d" % i])
    return found


def configuration(box, variants):
    d, child = box.dir, box.child
    text = """
[eventlistener:l]
command=/usr/bin/python3 -S %(here)s/system/helpers/listener.py %(d)s/events
events=REMOTE_COMMUNICATION,PROCESS_STATE
numprocs=2
process_name=l%%(process_num)d
buffer_size=100000
startsecs=0
[program:w]
command=%(child)s count %(d)s/n.w%%(process_num)d 0.05
numprocs=3
process_name=w%%(process_num)d
stdout_logfile=%(d)s/w%%(process_num)d.log
stdout_logfile_maxbytes=50KB
stdout_logfile_backups=2000
startsecs=0
autorestart=true
[program:slow]
command=%(child)s pause
startsecs=1
startretries=1000
autorestart=true
[program:deaf]
command=%(child)s ignore TERM pause
startsecs=0
stopwaitsecs=1
autorestart=true
[program:hurt]
command=%(child)s count %(d)s/n.hurt 0.02
stdout_logfile=%(d)s/hurt/log
stdout_logfile_maxbytes=30KB
stdout_logfile_backups=3
startsecs=0
autorestart=true
[program:cat]
command=/bin/cat
startsecs=0
autorestart=true
redirect_stderr=true
[program:off]
command=%(child)s pause
autostart=false
startsecs=0
autorestart=true
[program:ends]
command=%(child)s sleep 0.5 exit 3
exitcodes=3
startsecs=0
[program:bad]
command=/no/such/thing
startretries=1
[program:noise]
command=%(child)s fill 5000 sleep 0.3
autorestart=true
startsecs=0
stdout_logfile=%(d)s/noise.log
stdout_logfile_maxbytes=20KB
stdout_logfile_backups=2
""" % {"d": d, "child": child, "here": HERE}
    for i, v in sorted(variants.items()):
        text += ("[program:x%d]\ncommand=%s pause\nstartsecs=0\nautorestart=true\n"
                 "environment=VARIANT=%s\n" % (i, child, v))
    return text


def worker_of(pid):
    """The supervisord below a keeper, or pid itself; 0 when it is between two of them."""
    try:
        line = harness._raw(pid, "cmdline")
        found = []
        for child in harness.children(pid):
            if line and harness._raw(child, "cmdline") == line and alive(child):
                found.append(child)
    except OSError:
        return 0
    return found[0] if len(found) == 1 else 0 if found else pid


class Walk:
    def __init__(self, box, rng, abilities, settings):
        self.box, self.rng, self.abilities, self.settings = box, rng, abilities, settings
        self.history, self.counts, self.held = [], {}, []
        self.sanitized = box.target.dynamic  # its memory grows
        self.sent, self.healthy, self.first, self.kinds = 0, True, None, None
        self.variants = {0: "a"}
        box.write("hurt/log", "")
        self.d = box.start(configuration(box, self.variants), settings)
        self.active = {}
        self.disk = self.read = programs(self.variants)
        self.begin_anew()

    # ---- the model -----------------------------------------------------------------

    def begin_anew(self):
        """Everything as a fresh start makes it of the file on the disk."""
        self.active, self.read = {}, self.disk
        for group in self.disk:
            self.group_made(group)

    def group_made(self, group):
        variant, kind, names = self.read[group]
        self.active[group] = (variant, [Program(group, n, variant, kind) for n in names])

    def all(self):
        return [p for _, ps in self.active.values() for p in ps]

    def one(self):
        return self.rng.choice(self.all())

    # ---- calls ---------------------------------------------------------------------

    def call(self, method, *args):
        """The answer, or the fault's text. A request that was cut off is an answer too
        (None) where supervisord was killed; a connection that is refused never is."""
        for _ in range(50):
            sv = self.d.new_rpc(timeout=PATIENCE).supervisor
            try:
                return getattr(sv, method)(*args)
            except xmlrpc.client.Fault as f:
                return f.faultString
            except ConnectionRefusedError as why:
                raise Broken("%s: %s" % (method, why))
            except OFFLINE as why:
                if not self.crashing:
                    raise Broken("%s: %r" % (method, why))
                time.sleep(0.01)  # poll
        raise Broken(method + ": cut off again and again")

    crashing = False  # a kill of supervisord may have met the last commands

    @property
    def daemon_pid(self):
        """The pid that the world knows: a keeper's where there is one."""
        return self.call("getPID")

    @property
    def worker_pid(self):
        """Who does the work."""
        return wait_until(lambda: worker_of(self.daemon_pid), PATIENCE, "a process under the keeper")

    # ---- commands: each does something and tells the model ---------------------------

    def do_start(self):
        p = self.one()
        self.start(p, self.rng.random() < 0.3)

    def start(self, p, wait=False):
        answer = self.call("startProcess", p.full, wait)
        self.started(p, answer is True)
        return answer

    def started(self, p, done):
        """One that is STOPPING is not started, though the answer is the same."""
        if done and not p.up and self.state(p.full) not in ("STOPPING", "STOPPED"):
            p.touch()
            p.up = True if p.up is not None else None

    def do_stop(self):
        self.stop(self.one(), self.rng.random() < 0.5)

    def stop(self, p, wait=False):
        self.call("stopProcess", p.full, wait)
        self.stopped(p)

    def stopped(self, p):
        """One that waited for its restart is said not to run, and stays EXITED."""
        if p.up:
            p.up = False
        p.touch()

    def do_restart(self):
        p = self.one()
        self.stop(p, True)
        self.start(p)

    def do_ctl(self):
        p = self.one()
        what = self.rng.choice(("start", "stop", "restart", "status"))
        r = self.d.ctl(what, p.full, timeout=PATIENCE)
        if what == "stop":
            self.stopped(p)
        elif what != "status":
            p.touch()
            self.started(p, ": started" in r.out)

    def do_group(self):
        group = self.rng.choice(sorted(self.active))
        stop = self.rng.random() < 0.5
        answer = self.call("stopProcessGroup" if stop else "startProcessGroup", group,
                           self.rng.random() < 0.5)
        self.told(self.active[group][1], not stop, answer)

    def told(self, programs, up, answer):
        done = {(i["group"], i["name"]) for i in answer}
        for p in programs:
            if not up:
                self.stopped(p)
            else:
                self.started(p, (p.group, p.name) in done)

    def do_all(self):
        stop = self.rng.random() < 0.5
        answer = self.call("stopAllProcesses" if stop else "startAllProcesses", self.rng.random() < 0.5)
        self.told(self.all(), not stop, answer)

    def do_signal(self):
        p = self.one()
        info = self.call("getProcessInfo", p.full)
        self.call("signalProcess", p.full, self.rng.choice(("TERM", "KILL", "HUP", "USR1", "INT", "CONT")))
        p.touch(info["pid"] if isinstance(info, dict) else None)

    def do_kill(self):
        """kill -9 of a program, unless it is another one by now."""
        p = self.one()
        info = self.call("getProcessInfo", p.full)
        pid = info["pid"] if isinstance(info, dict) else 0
        if pid and pid in self.instances().get(p.name, []):
            self.kill_dead(pid)
            p.touch()

    @staticmethod
    def kill_dead(pid):
        """It may live on for a while after the call; then its pid would be taken for the next."""
        harness.kill(pid, signal.SIGKILL)
        wait_until(lambda: not alive(pid), PATIENCE, "the end of %d" % pid, every=0.002)

    def do_kill_all(self):
        for name, pids in self.instances().items():
            for pid in pids:
                self.kill_dead(pid)
        for p in self.all():
            p.touch()

    def write_conf(self):
        self.do_heal_log()  # a file is refused that names a log in a directory that is not there
        self.variants = {i: self.rng.choice("abc") for i in range(EXTRAS) if self.rng.random() < 0.6}
        self.put_conf()

    def put_conf(self):
        self.disk = programs(self.variants)
        self.box.write("next.conf", self.box.conf_text(configuration(self.box, self.variants),
                                                       self.settings))
        os.rename(self.box.path("next.conf"), self.d.conf)

    def differences(self):
        old, new = {g: v[0] for g, v in self.active.items()}, {g: v[0] for g, v in self.read.items()}
        return (sorted(set(new) - set(old)), sorted(g for g in new if g in old and new[g] != old[g]),
                sorted(set(old) - set(new)))

    def do_reread(self):
        self.write_conf()
        self.read = self.disk
        answer = self.call("reloadConfig")
        if not isinstance(answer, list) or tuple(map(sorted, answer[0])) != self.differences():
            raise Broken("reloadConfig: %r, not %r" % (answer, self.differences()))

    def do_update(self):
        self.do_heal_log()
        if self.rng.random() < 0.8:
            self.write_conf()
        self.update()

    def update(self):
        r = self.d.ctl("update", timeout=60)
        if r.rc != 0:
            raise Broken("update: %r" % (r,))
        self.read = self.disk
        added, changed, removed = self.differences()
        for group in removed:
            del self.active[group]
        for group in added + changed:
            self.group_made(group)

    def do_add(self):
        group = self.rng.choice(["x%d" % i for i in range(EXTRAS)])
        answer = self.call("addProcessGroup", group)
        want = (True if group in self.read and group not in self.active else
                "ALREADY_ADDED: " + group if group in self.read else "BAD_NAME: " + group)
        if answer != want:
            raise Broken("addProcessGroup(%s): %r, not %r" % (group, answer, want))
        if answer is True:
            self.group_made(group)

    def do_remove(self):
        group = self.rng.choice(["x%d" % i for i in range(EXTRAS)])
        answer = self.call("removeProcessGroup", group)
        if group not in self.active:
            want = ["BAD_NAME: " + group]
        elif self.active[group][1][0].up:  # but between two lives it is none
            want = ["STILL_RUNNING: " + group, True]
        else:
            want = [True, "STILL_RUNNING: " + group]
        if answer not in want:
            raise Broken("removeProcessGroup(%s): %r, not %r" % (group, answer, want))
        if answer is True:
            del self.active[group]

    def do_broken_conf(self):
        """A file that cannot be read changes nothing."""
        good = harness.read(self.d.conf)
        self.box.write("sv.conf", "[supervisord]\n[program:x]\nnumprocs=many\n")
        if self.rng.random() < 0.5:
            answer = self.call("reloadConfig")
        else:
            answer = self.call("restart")
        if not str(answer).startswith("CANT_REREAD"):
            raise Broken("a broken file: %r" % (answer,))
        self.box.write("sv.conf", good)

    def do_reload(self):
        self.do_heal_log()
        self.drain()  # events that wait when the listeners stop are gone
        before = self.call("getProcessInfo", "l:l0")["start"], len(self.d.log)
        if self.rng.random() < 0.5:
            self.call("restart")
        else:
            os.kill(self.daemon_pid, signal.SIGHUP)

        def anew():
            log = self.d.log
            return "supervisord started with pid" in log[min(before[1], len(log)):]
        wait_until(anew, PATIENCE, "the reload", every=0.02)
        harness.wait_rpc(self.d.sock)
        self.begin_anew()
        self.close_held()

    def do_reopen(self):
        os.kill(self.daemon_pid, signal.SIGUSR2)

    def do_odd_signal(self):
        os.kill(self.daemon_pid, self.rng.choice((signal.SIGCHLD, signal.SIGPIPE, signal.SIGUSR1,
                                                  signal.SIGWINCH, signal.SIGCONT)))

    def do_pause_daemon(self):
        pid = self.worker_pid
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self.rng.random() * 0.2)  # what happens meanwhile is seen late, and all of it
        os.kill(pid, signal.SIGCONT)

    def do_clear(self):
        self.call("clearProcessLogs", self.rng.choice(("noise", "hurt", "cat", "ends")))

    def do_look(self):
        p = self.one()
        self.call("tailProcessStdoutLog", p.full, 0, self.rng.randrange(5000))
        self.call("readProcessStdoutLog", p.full, -self.rng.randrange(1, 5000), 0)
        self.call("readLog", 0, 1000)
        self.call("getAllConfigInfo")

    def do_stdin(self):
        self.call("sendProcessStdin", self.rng.choice(("cat", "deaf")), "x" * self.rng.randrange(3000) + "\n")

    def do_send(self):
        for _ in range(self.rng.randrange(1, 20)):
            answer = self.call("sendRemoteCommEvent", "n", str(self.sent))
            if answer is not True:
                raise Broken("sendRemoteCommEvent: %r" % (answer,))
            self.sent += 1

    def do_clients(self):
        """Some ask half a question, some follow a log, some say nothing, some leave."""
        for _ in range(self.rng.randrange(1, 10)):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(PATIENCE)
            s.connect(self.d.sock)
            s.sendall(self.rng.choice((b"", b"GET /st", b"POST /RPC2 HTTP/1.1\r\nContent-Length: 99\r\n\r\n<",
                                       b"GET /logtail/noise HTTP/1.0\r\n\r\n",
                                       b"GET /mainlogtail HTTP/1.1\r\nHost: x\r\n\r\n",
                                       b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0\0\0")))
            self.held.append(s)
        if len(self.held) > 60:
            self.close_held()

    def close_held(self):
        for s in self.held:
            s.close()
        self.held = []

    def do_hurt_log(self):
        self.remove_hurt()
        kind = self.rng.randrange(4)
        if kind == 1 or kind == 2:  # beside it: supervisord would be there first
            os.makedirs(self.box.path("hurt.new"))
            if kind == 1:
                os.symlink("/dev/full", self.box.path("hurt.new/log"))
            else:
                os.makedirs(self.box.path("hurt.new/log"))
            os.rename(self.box.path("hurt.new"), self.box.path("hurt"))
        elif kind == 3:
            self.box.write("hurt", "")
        if self.rng.random() < 0.7:
            self.do_reopen()
        self.healthy = False

    def remove_hurt(self):
        path = self.box.path("hurt")
        while os.path.isdir(path):  # files come back while it is done
            shutil.rmtree(path, ignore_errors=True)
        if os.path.exists(path):
            os.unlink(path)

    def do_heal_log(self):
        if self.healthy:
            return
        self.remove_hurt()
        os.makedirs(self.box.path("hurt"))
        self.do_reopen()
        self.healthy = True

    # ---- kills of supervisord; the pids of programs must not change ------------------

    def do_segv(self):
        self.crashing = True
        for _ in range(self.rng.choice((1, 1, 1, 2))):
            os.kill(self.worker_pid, self.rng.choice((signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS,
                                                      signal.SIGFPE, signal.SIGILL)))
            time.sleep(self.rng.random() * 0.01)  # in the middle of coming back, or not

    def do_kill_daemon(self):
        self.crashing = True
        for _ in range(self.rng.choice((1, 1, 1, 2))):
            pid = self.worker_pid
            if pid != self.daemon_pid:
                os.kill(pid, signal.SIGKILL)
            time.sleep(self.rng.random() * 0.01)

    def do_kill_keeper(self):
        self.crashing = True
        keeper = self.daemon_pid
        if self.worker_pid != keeper:  # never both at once: that nobody survives
            os.kill(keeper, signal.SIGKILL)
            wait_until(lambda: self.daemon_pid != keeper and self.worker_pid != self.daemon_pid,
                       PATIENCE, "another keeper")

    def do_upgrade(self):
        self.crashing = True
        r = self.d.ctl("upgrade", timeout=60)
        if r.rc != 0:
            raise Broken("upgrade: %r" % (r,))

    # ---- what must be true -------------------------------------------------------------

    def ours(self):
        return harness.marked(self.box.dir)

    def instances(self):
        """Live programs, by name, as the kernel knows them."""
        found = {}
        for pid in self.ours():
            try:
                env = harness._raw(pid, "environ").split(b"\0")
                if not alive(pid):
                    continue
            except OSError:
                continue
            for entry in env:
                if entry.startswith(b"SUPERVISOR_PROCESS_NAME="):
                    found.setdefault(entry.split(b"=", 1)[1].decode(), []).append(pid)
        return found

    def wrong(self):
        """What is not as it must be, for now: programs may be between two states."""
        infos = self.call("getAllProcessInfo")
        live = self.instances()
        problems = []
        told = {(i["group"], i["name"]): i for i in infos}
        if set(told) != {(p.group, p.name) for p in self.all()}:
            return ["programs: %s" % sorted(told)]
        for p in self.all():
            i = told[p.group, p.name]
            pids = live.pop(p.name, [])
            if len(pids) > 1:
                problems.append("%s has %s" % (p.full, pids))
            elif pids != ([i["pid"]] if i["pid"] else []):
                problems.append("%s is %s with pid %d, the kernel has %s"
                                % (p.full, i["statename"], i["pid"], pids))
            elif p.up is not None and i["statename"] not in (("RUNNING",) if p.up else
                                                            ("STOPPED", "EXITED")):
                problems.append("%s is %s, wanted %s" % (p.full, i["statename"], p.up))
            elif p.up and p.pid not in (None, i["pid"]):
                raise Broken("%s: pid was %d, is %d" % (p.full, p.pid, i["pid"]))
            elif p.kind == "any" and (i["statename"] in ("STARTING", "RUNNING", "STOPPING")) != bool(pids):
                problems.append("%s is %s with %s" % (p.full, i["statename"], pids))
        problems += ["unknown program %s: %s" % (n, pids) for n, pids in live.items()]
        if not problems:
            for p in self.all():
                pid = told[p.group, p.name]["pid"]
                p.pid = pid if p.up and pid != p.doomed else None
        return problems

    def state(self, name):
        return self.call("getProcessInfo", name)["statename"]

    def check(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            problems = self.wrong()
            if not problems:
                break
            if time.monotonic() > deadline:
                raise Broken("; ".join(problems))
            time.sleep(0.02)  # poll
        self.crashing = False
        p = self.rng.choice([p for p in self.all() if p.pid] or [None])
        if p:
            try:
                fds = set(proc_info(p.pid)["fds"]) - {0, 1, 2}
            except OSError:
                fds = set()
            more = 1 if p.group in ("w", "hurt", "l") else 0  # a file of its own
            if len(fds) > more:
                raise Broken("%s holds %s" % (p.full, proc_info(p.pid)["fds"]))

    def messages(self):
        return {json.loads(line)["body"] for line in self.box.read("events").splitlines(True)
                if line.endswith("\n") and '"REMOTE_COMMUNICATION"' in line}

    def drain(self):
        """All messages have arrived; somebody must listen for that."""
        for p in self.active["l"][1]:
            while not p.up:
                self.start(p)
        wait_until(lambda: self.messages() >= {"type:n\n%d" % i for i in range(self.sent)}, PATIENCE,
                   lambda: "lost messages: %s" % sorted(
                       {"type:n\n%d" % i for i in range(self.sent)} - self.messages())[:9], every=0.1)
        self.sent = 0
        self.box.write("events", "")

    def rest(self):
        """The first configuration, everything up, nobody connected: what is left over?"""
        self.close_held()
        self.do_heal_log()
        self.variants = {0: "a"}
        self.put_conf()
        self.update()
        for p in self.all():
            while p.kind in ("up", "off") and not p.up:
                self.start(p)
        wait_until(lambda: self.call("stopProcess", "noise") and self.state("noise") in ("STOPPED", "EXITED") and
                   self.state("ends") in ("EXITED", "STOPPED") and
                   self.state("bad") in ("FATAL", "STOPPED"), PATIENCE, "all that ends has ended")
        self.check()
        self.drain()
        size = os.path.getsize if os.path.exists(self.box.path("hurt/log")) else lambda _: -1
        before = size(self.box.path("hurt/log")), os.listdir(self.box.path("hurt"))
        wait_until(lambda: os.path.exists(self.box.path("hurt/log")) and
                   (os.path.getsize(self.box.path("hurt/log")), os.listdir(self.box.path("hurt"))) != before,
                   PATIENCE, "hurt is logged again")
        pid = self.worker_pid
        wait_until(lambda: not self.zombies(pid), 10, lambda: "zombies: %s" % self.zombies(pid))

        def kinds():
            """Descriptors by what they lead to, without the numbers that change."""
            found = collections.Counter(re.sub(r"---supervisor-\w+|\[\d+\]", "", path)
                                        for path in proc_info(pid)["fds"].values())
            if found["anon_inode:[pidfd]"] <= len(self.all()):  # children of one who died
                del found["anon_inode:[pidfd]"]
            return found
        self.kinds = self.kinds or kinds()
        wait_until(lambda: not kinds() - self.kinds, 10,
                   lambda: "descriptors more than at first: %s" % (kinds() - self.kinds), every=0.1)
        info = proc_info(pid)
        now = len(info["fds"]), info["rss_kb"]
        if self.first is None:
            self.first = now
        elif now[1] > self.first[1] + MAY_GROW_KB and not self.sanitized:
            raise Broken("memory: %d kB at first, %d now" % (self.first[1], now[1]))
        self.call("startProcess", "noise", False)
        return now

    def zombies(self, pid):
        found = []
        for child in harness.children(pid) + harness.children(self.daemon_pid):
            try:
                if harness._stat(child)["state"] == "Z":
                    found.append(child)
            except OSError:
                pass
        return found

    def account(self):
        """Every line of every life of the writers; then their logs begin anew."""
        lines = 0
        for p in self.active["w"][1]:
            self.stop(p, True)
        self.check()
        for p in self.active["w"][1]:
            path = self.box.path(p.name + ".log")
            numbers = sorted((int(n.rpartition(".")[2]) for n in glob.glob(path + ".*")), reverse=True)
            lives = {}
            for name in ["%s.%d" % (path, n) for n in numbers] + [path]:
                with open(name, "rb") as f:
                    for line in f:
                        words = line.split(b" ")
                        pid, n = int(words[0]), int(words[1])
                        if n != lives.get(pid, 0) + 1 or words[2] != b"x" * (n % 97) + b"\n":
                            raise Broken("%s: %r after line %d" % (name, line[:60], lives.get(pid, 0)))
                        lives[pid] = n
                        lines += 1
            for name in glob.glob(self.box.path("n.%s.*" % p.name)):
                pid, written = int(name.rpartition(".")[2]), int(harness.read(name) or 0)
                if not written <= lives.pop(pid, 0) <= written + 1:
                    raise Broken("%s: life %d wrote %d lines" % (p.name, pid, written))
                os.unlink(name)
            if lives:
                raise Broken("%s: lives from nowhere: %s" % (p.name, lives))
            for n in numbers:
                os.unlink("%s.%d" % (path, n))
            os.unlink(path)
        self.do_reopen()
        self.call("getState")
        for p in self.active["w"][1]:
            while not p.up:
                self.start(p)
        return lines

    # ---- the walk ------------------------------------------------------------------

    COMMANDS = [(do_start, 8), (do_stop, 8), (do_restart, 6), (do_ctl, 2), (do_group, 3), (do_all, 1),
                (do_signal, 6), (do_kill, 10), (do_kill_all, 1), (do_reread, 3), (do_update, 3),
                (do_add, 4), (do_remove, 4), (do_broken_conf, 1), (do_reload, 1), (do_reopen, 3),
                (do_odd_signal, 2), (do_pause_daemon, 1), (do_clear, 3), (do_look, 3), (do_stdin, 3),
                (do_send, 5), (do_clients, 3), (do_hurt_log, 2), (do_heal_log, 3)]
    CRASHES = {"crash": [(do_segv, 4)], "keeper": [(do_kill_daemon, 4), (do_kill_keeper, 2)],
               "upgrade": [(do_upgrade, 1)]}

    def run(self, minutes):
        rows = self.COMMANDS + [row for a in self.abilities for row in self.CRASHES[a]]
        commands, weights = zip(*rows)
        end = time.monotonic() + 60 * minutes
        self.check()
        self.rest()
        lines, accounts, rested = 0, time.monotonic(), 0
        while time.monotonic() < end:
            for _ in range(self.rng.choice((1, 1, 3, 10))):
                command = self.rng.choices(commands, weights)[0]
                name = command.__name__[3:]
                self.history.append(name)
                self.counts[name] = self.counts.get(name, 0) + 1
                command(self)
            self.check()
            rested += 1
            if rested % 40 == 0:
                now = self.rest()
                print("%6d commands, %d descriptors, %d kB" % (len(self.history), *now), flush=True)
            if time.monotonic() > accounts + 60:
                lines += self.account()
                accounts = time.monotonic()
        now = self.rest()
        lines += self.account()
        left = self.d.pid
        self.close_held()
        os.kill(self.daemon_pid, signal.SIGTERM)
        wait_until(lambda: not self.ours(), PATIENCE, lambda: "left over: %s" % self.ours())
        if self.d.pid == left and self.d.popen.wait() not in (0, -signal.SIGKILL):
            raise Broken("exit status %d" % self.d.popen.returncode)
        return lines, now


def probe(make_box):
    """What this binary survives."""
    able = []

    def goes_on(settings, number):
        box = make_box()
        try:
            d = box.start("[program:a]\ncommand=%s pause\nstartsecs=0\n" % box.child, settings)
            pid = d.wait_state("a", "RUNNING")["pid"]
            if not able and " upgrade" in d.ctl("help").out:
                able.append("upgrade")
            daemon = worker_of(d.sv.getPID())
            if settings and daemon in (0, d.pid):
                return False  # it keeps nothing
            os.kill(daemon, number)
            return d.new_rpc().supervisor.getProcessInfo("a")["pid"] == pid
        except (AssertionError, *OFFLINE):
            return False
        finally:
            box.close()
    if goes_on("", signal.SIGSEGV):
        able.append("crash")
    if goes_on("keeper=true", signal.SIGKILL):
        able.append("keeper")
    return able


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", default="", help="crash,keeper,upgrade: of these, only what is named; none")
    options = parser.parse_args()
    scratch = tempfile.mkdtemp(prefix="walk", dir="/tmp")
    os.chmod(scratch, 0o755)
    target = harness.Target.find("ours", scratch)
    tools = harness.build_tools(scratch + "/tools")
    abilities = probe(lambda: harness.Box(target, {"ours": target}, tools))
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
        os.environ.setdefault(name, "log_path=" + os.path.join(scratch, "sanitizer"))
    if options.only:
        abilities = [a for a in abilities if a in options.only.split(",")]
    settings = "keeper=true\n" if "keeper" in abilities else ""
    print("walk: seed %d, %g minutes, with %s" % (options.seed, options.minutes,
                                                   ", ".join(abilities) or "no crashes"), flush=True)
    box = harness.Box(target, {"ours": target}, tools)
    failed = None
    walk = None
    try:
        walk = Walk(box, random.Random(options.seed), abilities, settings)
        lines, (fds, kb) = walk.run(options.minutes)
        print("walk: %d commands, %d lines, all in their logs; %d descriptors as at first, %d kB (%d)"
              % (len(walk.history), lines, fds, kb, walk.first[1]))
        print("walk: %s" % dict(sorted(walk.counts.items())))
    except (Broken, AssertionError, *OFFLINE) as why:
        failed = why
        print("walk: FAILED with seed %d after %d commands: %s" % (options.seed, len(walk.history)
                                                                    if walk else 0, why or repr(why)))
        if walk:
            print("the last ones: %s" % " ".join(walk.history[-40:]))
        print(box.report()[-6000:])
        if not isinstance(why, (Broken, AssertionError)):
            import traceback
            traceback.print_exc()
    finally:
        box.close()
        for report in glob.glob(os.path.join(scratch, "sanitizer.*")):
            failed = failed or "a report"
            print(harness.read(report)[:8000])
        shutil.rmtree(scratch, ignore_errors=True)
    print("1 failed" if failed else "1 passed, 0 failed")
    sys.exit(bool(failed))


main()
