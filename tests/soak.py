#!/usr/bin/python3
"""soak.py [MINUTES]: everything at once for a long time, and then the accounts.

Writers number their lines into logs that rotate; a pool of listeners takes every event;
meanwhile programs are restarted, killed and die, groups come and go by update, the whole
of supervisord is reloaded, clients follow logs and leave in the middle, logs are reopened
and cleared. At the end each writer's lines must be in its log files, whole and in order,
each event must have reached a listener, and descriptors must be what they were. Runs
SUPERVISOR_BIN (or build/san/supervisor); a sanitizer's reports count as failures."""
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "system"))
import harness  # noqa: E402
from harness import children, proc_info, wait_until  # noqa: E402

WRITERS, EXTRAS = 6, 5
WRITER = r"""
import os, signal, sys, time
ending = []
signal.signal(signal.SIGTERM, lambda *a: ending.append(1))
n = 0
while not ending:
    for i in range(10):
        n += 1
        os.write(1, b"%d %d %s\n" % (os.getpid(), n, b"x" * (n % 90)))
    time.sleep(0.1)
os.write(1, b"%d end %d\n" % (os.getpid(), n))
"""


def configuration(box, extras, noise):
    listener = "/usr/bin/python3 %s/system/helpers/listener.py" % HERE
    text = """
[eventlistener:l]
command=%s %s
events=PROCESS_STATE,REMOTE_COMMUNICATION,TICK,PROCESS_GROUP,PROCESS_COMMUNICATION,SUPERVISOR_STATE_CHANGE
numprocs=2
process_name=l%%(process_num)d
buffer_size=1000000
startsecs=0
[program:w]
command=/usr/bin/python3 %s
numprocs=%d
process_name=w%%(process_num)d
stdout_logfile=%s
stdout_logfile_maxbytes=60KB
stdout_logfile_backups=2000
startsecs=0
autorestart=true
[program:short]
command=%s out '<!--XSUPERVISOR:BEGIN-->said<!--XSUPERVISOR:END-->' sleep 0.3 exit 1
autorestart=true
startsecs=0
stdout_capture_maxbytes=1KB
[program:noise]
command=%s fill %d sleep 0.2
autorestart=true
startsecs=0
stdout_logfile=%s
stdout_logfile_maxbytes=20KB
stdout_logfile_backups=2
[program:talker]
command=%s fill 500 sleep 0.1
autorestart=true
startsecs=0
stdout_events_enabled=true
[eventlistener:logs]
command=%s %s
events=PROCESS_LOG
buffer_size=1000
startsecs=0
[fcgi-program:f]
command=%s pause
socket=unix://%s
numprocs=2
process_name=f%%(process_num)d
startsecs=0
[program:mark]
command=%s pause
startsecs=0
[program:bad]
command=/no/such/thing
startretries=2
""" % (listener, box.path("events"), box.path("writer.py"), WRITERS,
       box.path("w%(process_num)d.log"), box.child, box.child, noise, box.path("noise.log"),
       box.child, listener, box.path("log_events"), box.child, box.path("f.sock"), box.child)
    for i in extras:
        text += "[program:extra%d]\ncommand=%s pause\nstartsecs=0\n" % (i, box.child)
    return text


class Soak:
    def __init__(self, box, minutes):
        self.box, self.end = box, time.monotonic() + 60 * minutes
        self.failures, self.counts = [], {}
        self.sent, self.reloads = 0, 0
        self.turn = 0  # odd while supervisord restarts
        self.sending = threading.Lock()

    def on(self):
        return time.monotonic() < self.end

    def act(self, name, fn, pause):
        """Does fn again and again in a thread of its own; faults are answers too."""
        def run():
            while self.on():
                turn = self.turn
                try:
                    fn()
                    self.counts[name] = self.counts.get(name, 0) + 1
                except harness.xmlrpc.client.Fault:
                    pass
                except Exception as why:  # anything else ends up in the report
                    if turn % 2 or self.turn != turn:  # nobody listens during a restart
                        self.counts["refused"] = self.counts.get("refused", 0) + 1
                    else:
                        self.failures.append("%s: %r" % (name, why))
                        time.sleep(1)
                time.sleep(random.uniform(0, 2 * pause))
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def restart(self, name):
        sv = self.d.new_rpc().supervisor
        sv.stopProcess(name)
        sv.startProcess(name)

    def update(self):
        extras = [i for i in range(EXTRAS) if random.random() < 0.5]
        self.box.write("next.conf", self.box.conf_text(
            configuration(self.box, extras, random.choice((3000, 30000)))))
        os.rename(self.box.path("next.conf"), self.d.conf)  # clients read it meanwhile
        r = self.d.ctl("update")
        if r.rc != 0:
            raise AssertionError("update: %r" % (r,))

    def reload(self):
        """All programs and supervisord itself anew. An event that waits when the listeners
        are stopped is gone, as with the original: so the messages have arrived before."""
        with self.sending:
            if self.sent:
                wait_until(lambda: self.has_arrived(self.sent - 1), timeout=60, every=0.2)
            mark = self.d.pid_of("mark")
            self.turn += 1
            try:
                r = self.d.ctl("reload", timeout=60)
            except BaseException:
                self.turn += 1
                raise

        def anew():
            try:
                states = {i["name"]: i for i in self.d.new_rpc().supervisor.getAllProcessInfo()}
            except (OSError, harness.http.client.HTTPException, harness.xmlrpc.client.Fault):
                return False
            return states["mark"]["pid"] not in (0, mark)
        try:
            if r.rc != 0 or "Restarted supervisord" not in r.out:
                self.failures.append("reload: %r" % (r,))
            wait_until(anew, timeout=60, every=0.05)
            self.reloads += 1
        except AssertionError as why:
            self.failures.append("reload: %s" % why)
        finally:
            self.turn += 1

    def follow(self):
        """A client that follows a log for a while and leaves without a word."""
        what = random.choice((["maintail", "-f"], ["tail", "-f", "noise"],
                              ["tail", "-f", "w:w%d" % random.randrange(WRITERS)]))
        p = self.box.popen([self.box.target.path("supervisorctl"), "-c", self.d.conf] + what,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        time.sleep(random.uniform(0.1, 2))
        os.set_blocking(p.stdout.fileno(), False)
        got = p.stdout.read() or b""
        p.kill()
        p.wait()
        p.stdout.close()
        self.box.started.remove(p)
        if time.monotonic() < self.end and b"==> Press Ctrl-C" not in got and got:
            raise AssertionError("tail -f said %r" % got[:200])

    def send(self):
        """A message, or one that may get lost: a supervisord that stops takes them too."""
        with self.sending:
            sv = self.d.new_rpc().supervisor
            if self.turn % 2:
                sv.sendRemoteCommEvent("late", "")
                return
            sv.sendRemoteCommEvent("n", str(self.sent))
            self.sent += 1

    def look(self):
        sv = self.d.new_rpc().supervisor
        sv.getAllProcessInfo()
        sv.tailProcessStdoutLog("w:w0", 0, 4096)
        sv.readProcessStdoutLog("noise", -1000, 0)
        sv.readLog(0, 1000)

    def kill_writer(self):
        pid = self.d.new_rpc().supervisor.getProcessInfo("w:w%d" % random.randrange(WRITERS))["pid"]
        if pid:
            harness.kill(pid, signal.SIGTERM)  # it may be gone already

    def run(self):
        box = self.box
        box.write("writer.py", WRITER)
        self.d = box.start(configuration(box, [0], 3000),
                           "logfile_maxbytes=300KB\nlogfile_backups=100")
        wait_until(lambda: self.d.state("w:w0") == "RUNNING")
        time.sleep(2)
        first = proc_info(self.d.pid)
        threads = [
            self.act("restart", lambda: self.restart("w:w%d" % random.randrange(WRITERS)), 2),
            self.act("restart group", lambda: self.restart("w:*"), 20),
            self.act("restart listener", lambda: self.restart("l:l%d" % random.randrange(2)), 7),
            self.act("kill", self.kill_writer, 3), self.act("update", self.update, 5),
            self.act("reload", self.reload, 20),
            self.act("follow", self.follow, 0.3), self.act("follow too", self.follow, 0.3),
            self.act("send", self.send, 0.05), self.act("look", self.look, 0.2),
            self.act("reopen", lambda: self.d.kill(signal.SIGUSR2), 4),
            self.act("clear", lambda: self.d.new_rpc().supervisor.clearProcessLogs("noise"), 3),
            self.act("bad", lambda: self.d.new_rpc().supervisor.startProcess("bad", False), 5)]
        minutes = 0
        while self.on():
            time.sleep(min(60, max(0.1, self.end - time.monotonic())))
            minutes += 1
            now = proc_info(self.d.pid)
            print("%d min: %d descriptors, %d kB, %s" % (minutes, len(now["fds"]),
                                                         now["rss_kb"], self.counts), flush=True)
            if self.d.popen.poll() is not None:
                self.failures.append("supervisord ended")
                break
        for thread in threads:
            thread.join(120)
        time.sleep(1)
        last = proc_info(self.d.pid)
        self.check_descriptors(first, last)
        self.d.sv.stopProcessGroup("w")
        self.settle()
        self.check_events()
        if self.d.stop(60) != 0:
            self.failures.append("exit status %d" % self.d.popen.returncode)
        self.check_lines()
        for report in glob.glob(box.path("sanitizer.*")):
            self.failures.append(harness.read(report))
        for name in glob.glob(box.path("supervisord.log*")):
            if "overflowed" in harness.read(name):
                self.failures.append("the events' buffer overflowed")
        if not self.reloads:
            self.failures.append("no reload")

    def settle(self):
        """Until the listeners have all that was sent."""
        self.send()
        wait_until(lambda: self.has_arrived(self.sent - 1), timeout=60, every=0.2)

    def has_arrived(self, number):
        """Whether the message is among the last events."""
        with open(self.box.path("events"), "rb") as f:
            f.seek(max(0, f.seek(0, os.SEEK_END) - 300000))
            return b'"type:n\\n%d"' % number in f.read()

    def events(self, name="events"):
        return [json.loads(line) for line in self.box.read(name).splitlines(True)
                if line.endswith("\n")]

    def check_descriptors(self, first, last):
        # A program more or less holds five; clients have left by now.
        more = len(last["fds"]) - len(first["fds"])
        if more > 5 * (EXTRAS + 3):
            self.failures.append("%d descriptors more: %s" % (more, last["fds"]))

    def check_serials(self, name, listeners):
        """A pool's serials begin anew with each reload. But for what the listeners had in
        hand when they were stopped for that, no number may be missing."""
        lives, last = [{}], (0, -1)
        for e in sorted(self.events(name), key=lambda e: int(e["head"]["serial"])):
            serial, n = int(e["head"]["serial"]), int(e["head"]["poolserial"])
            if n <= last[1] and serial != last[0]:  # equal: its first listener died with it
                lives.append({})
            lives[-1][n] = e["pid"]
            last = serial, n
        cut = 0
        for i, life in enumerate(lives):
            missing = sorted(set(range(max(life) + 1)) - set(life))
            # who has one in hand got none after it
            others = {pid for n, pid in life.items() if missing and n > missing[0]}
            if i < len(lives) - 1 and len(missing) + len(others) <= listeners:
                cut += len(missing)
            elif missing:
                self.failures.append("%s: %d events were lost: %s; then %s" % (
                    name, len(missing), missing[:20],
                    [(n, pid) for n, pid in life.items() if n > missing[0]][:40]))
        if name == "events" and len(lives) != self.reloads + 1:
            self.failures.append("%s: %d lives, %d reloads" % (name, len(lives), self.reloads))
        print("%s: %d in %d lives, %d in hand at their ends"
              % (name, sum(map(len, lives)), len(lives), cut))

    def check_events(self):
        self.check_serials("events", 2)
        self.check_serials("log_events", 1)
        numbers = {e["body"] for e in self.events()
                   if e["head"]["eventname"] == "REMOTE_COMMUNICATION"}
        lost = [i for i in range(self.sent) if "type:n\n%d" % i not in numbers]
        if lost:
            self.failures.append("messages were lost: %s" % lost[:20])
        print("%d messages, %d lost" % (self.sent, len(lost)))

    def check_lines(self):
        total = 0
        for i in range(WRITERS):
            path = self.box.path("w%d.log" % i)
            names = [path] + [path + ".%d" % n for n in range(1, 2001)]
            text = b""
            for name in reversed([n for n in names if os.path.exists(n)]):
                with open(name, "rb") as f:
                    text += f.read()
            if text[-1:] != b"\n":
                self.failures.append("w%d: the log ends with %r" % (i, text[-40:]))
            lives = {}
            for line in text.splitlines():
                words = line.split(b" ")
                if words[1] == b"end":
                    if lives.pop(words[0]) != int(words[2]):
                        self.failures.append("w%d: the end of %r" % (i, words[0]))
                    continue
                n = int(words[1])
                if lives.get(words[0], 0) + 1 != n or len(words[2]) != n % 90:
                    self.failures.append("w%d: %r after %s" % (i, line[:40], lives.get(words[0])))
                lives[words[0]] = n
                total += 1
            if lives:
                self.failures.append("w%d: lives without an end: %s" % (i, lives))
        print("%d lines, in order" % total)


def main():
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 30
    binary = os.environ.get("SUPERVISOR_BIN") or os.path.join(harness.TOP, "build/san/supervisor")
    os.environ["SUPERVISOR_BIN"] = binary
    scratch = tempfile.mkdtemp(prefix="soak", dir="/tmp")
    target = harness.Target.find("ours", scratch)
    box = harness.Box(target, {"ours": target}, harness.build_tools(scratch + "/tools"))
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
        os.environ[name] = "log_path=" + box.path("sanitizer")
    soak = Soak(box, minutes)
    try:
        soak.run()
    finally:
        for failure in soak.failures[:50]:
            print("FAILED: " + failure)
        print("actions: %s" % soak.counts)
        print("0 failed" if not soak.failures else "%d failed" % len(soak.failures))
        if soak.failures:
            print(box.report()[-4000:])
        left = children(os.getpid())
        box.close()
        shutil.rmtree(scratch, ignore_errors=True)
        if left and not soak.failures:
            print("children left: %s" % left)
    sys.exit(bool(soak.failures))


main()
