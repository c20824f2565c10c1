"""Output and the activity log into the system's log, with a real syslog daemon. Each test
runs in a mount namespace of its own, where /dev is a private directory."""
import os
import re
import shutil
import signal

import pytest

from harness import BASE, Daemon, holds_for, read, wait_rpc, wait_until

BUSYBOX = shutil.which("busybox", path="/usr/bin:/bin")
INETUTILS = "/usr/sbin/syslogd"

# A private /dev with what programs need, then the command.
ENTER = """
set -e
mkdir -p {d}/dev
mount -t tmpfs none {d}/dev
for n in null zero urandom; do touch {d}/dev/$n; mount --bind /dev/$n {d}/dev/$n; done
ln -s /proc/self/fd {d}/dev/fd
mount --rbind {d}/dev /dev
exec "$@"
"""

DAEMONS = {"busybox": lambda box: [BUSYBOX, "syslogd", "-n", "-O", box.path("syslog")],
           "inetutils": lambda box: [INETUTILS, "--no-detach", "--rcfile",
                                     box.write("syslog.conf", "*.*\t-%s\n" % box.path("syslog")),
                                     "--pidfile", box.path("syslogd.pid")]}


class World:
    """A supervisord and a syslog daemon that share a /dev."""

    def __init__(self, box, kind):
        self.box, self.kind = box, kind
        box.write("enter.sh", ENTER.format(d=box.dir))

    def inside(self, argv, **kw):
        if not hasattr(self, "pid"):  # the first one makes the namespace
            p = self.box.popen(["unshare", "-m", "--propagation", "private", "sh",
                                self.box.path("enter.sh"), *argv], **kw)
            self.pid = p.pid
            return p
        return self.box.popen(["nsenter", "-t", str(self.pid), "-m", *argv], **kw)

    def open(self):
        """The namespace exists."""
        self.inside(["sleep", "1000"])
        wait_until(lambda: os.path.exists("/proc/%d/root/dev/fd" % self.pid) and
                   not os.path.exists("/proc/%d/root/dev/pts" % self.pid))

    def syslogd(self):
        p = self.inside(DAEMONS[self.kind](self.box))
        wait_until(lambda: os.path.exists("/proc/%d/root/dev/log" % self.pid))
        return p

    def supervisord(self, text="", supervisord=""):
        box = self.box
        conf = box.write("sv.conf", box.conf_text(text, supervisord))
        with open(box.path("supervisord.out"), "ab") as out:
            p = self.inside([box.target.path("supervisord"), "-n", "-c", conf], stdout=out,
                            stderr=out)
        wait_rpc(box.path("sv.sock"))
        return Daemon(box, p, conf, box.path("sv.sock"))

    def log(self):
        return read(self.box.path("syslog"))

    def wait(self, pattern, count=1):
        wait_until(lambda: len(re.findall(pattern, self.log(), re.M)) >= count,
                   what=lambda: "%r in %s" % (pattern, self.log()))


@pytest.fixture
def world(box, root):
    def make(kind="busybox"):
        if not (BUSYBOX if kind == "busybox" else os.path.exists(INETUTILS)):
            pytest.skip("no syslogd of " + kind)
        if box.run("echo_supervisord_conf", prefix=("unshare", "-m")).rc != 0:
            pytest.skip("no mount namespaces here")
        made = World(box, kind)
        made.open()
        return made
    return make


def program(name, command, **options):
    options.setdefault("startsecs", 0)
    options.setdefault("autorestart", "false")
    return "\n".join(["[program:%s]" % name, "command=" + command] +
                     ["%s=%s" % kv for kv in options.items()]) + "\n"


@pytest.mark.parametrize("kind", ["busybox", "inetutils"])
def test_output_goes_to_syslog(box, world, kind):
    """A message for each line, with the program's name before it."""
    w = world(kind)
    w.syslogd()
    d = w.supervisord(program("web", box.child + r" out 'one\ntwo\n\nfour' err 'five\n'",
                              stdout_syslog="true", stderr_syslog="true",
                              stdout_logfile=box.path("o")))
    w.wait(r"supervisord: web one$")
    w.wait(r"supervisord: web two$")
    w.wait(r"supervisord: web four$")
    w.wait(r"supervisord: web five$")
    assert not re.search(r"supervisord: web (three|one.*two)", w.log())
    assert box.read("o") == "one\ntwo\n\nfour"  # and into the file too
    config = d.sv.getAllConfigInfo()[0]
    assert config["stdout_syslog"] is True and config["stderr_syslog"] is True


def test_syslog_as_a_files_name(box, world):
    """The old spelling."""
    w = world()
    w.syslogd()
    d = w.supervisord(program("a", box.child + r" out 'mine\n'", stdout_logfile="syslog"))
    w.wait(r"user\.info supervisord: a mine$")
    d.wait_log("stdout_logfile=syslog but this is deprecated and will be removed.  Use "
               "stdout_syslog=true to enable syslog instead.")
    assert not os.path.exists(box.path("syslog.log"))


def test_activity_log_to_syslog(box, world):
    w = world()
    w.syslogd()
    box.write("x", "")
    conf_log = "logfile=%s" % box.path("supervisord.log")
    text = BASE.format(dir=box.dir, supervisord="", unix="").replace(conf_log, "logfile=syslog")
    conf = box.write("sv.conf", text + program("a", box.child + " exit 0"))
    w.inside([box.target.path("supervisord"), "-n", "-s", "-c", conf])
    wait_rpc(box.path("sv.sock"))
    w.wait(r"user\.info supervisord: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO spawned: 'a' with pid \d+$")
    w.wait(r"INFO exited: a \(exit status 0; expected\)$")
    assert not os.path.exists(box.path("supervisord.log"))


def test_no_syslog_daemon(box, world):
    """Nobody takes the messages: nothing waits, and the file has them all."""
    w = world()
    d = w.supervisord(program("a", box.child + " fill 300000", stdout_syslog="true",
                              stdout_logfile=box.path("o"), stdout_logfile_maxbytes=0))
    d.wait_state("a", "EXITED")
    assert os.path.getsize(box.path("o")) == 300000


@pytest.mark.differs("the original's messages are lost until the daemon answers again")
def test_syslog_daemon_started_anew(box, world):
    w = world()
    p = w.syslogd()
    d = w.supervisord(program("a", "/bin/sh -c 'while read x; do echo $x; done'",
                              stdout_syslog="true"))
    d.sv.sendProcessStdin("a", "first\n")
    w.wait("a first$")
    p.send_signal(signal.SIGTERM)
    p.wait()
    try:
        os.unlink("/proc/%d/root/dev/log" % w.pid)
    except FileNotFoundError:
        pass
    d.sv.sendProcessStdin("a", "lost\n")
    wait_until(lambda: "lost" in d.sv.readProcessStdoutLog("a", 0, 0))
    w.syslogd()

    def again():
        d.sv.sendProcessStdin("a", "again\n")
        return "a again" in w.log()
    wait_until(again, every=0.2)


@pytest.mark.differs("the original blocks: its socket waits for the daemon")
def test_a_syslog_daemon_that_does_not_read_stops_nobody(box, world):
    w = world()
    p = w.syslogd()
    d = w.supervisord(program("a", box.child + " fill 3000000", stdout_syslog="true",
                              stdout_logfile=box.path("o"), stdout_logfile_maxbytes=0,
                              autostart="false"))
    p.send_signal(signal.SIGSTOP)
    d.sv.startProcess("a", False)
    wait_until(lambda: os.path.getsize(box.path("o")) == 3000000)
    d.wait_state("a", "EXITED")
    p.send_signal(signal.SIGCONT)
    w.wait("supervisord: a 0000")


def test_both_channels_off_by_default(box, world):
    w = world()
    w.syslogd()
    d = w.supervisord(program("a", box.child + r" out 'quiet\n'"))
    d.wait_state("a", "EXITED")
    holds_for(lambda: "quiet" not in w.log(), 0.3)


@pytest.mark.differs("the original does not say that messages are lost")
def test_lost_messages_are_told(box, world):
    """One line for a burst, with the number of messages; and the next burst has its own."""
    w = world()
    d = w.supervisord(program("a", "/usr/bin/seq 2000", stdout_syslog="true", autostart="false") +
                      program("b", box.child + r" out 'two\nlines\n'", stderr_logfile="NONE",
                              stdout_syslog="true", autostart="false"))
    d.sv.startProcess("a")
    # A line that two reads share is two messages.
    d.wait_log(r"WARN 200\d messages to the system log were lost")
    syslogd = w.syslogd()

    def heard():
        d.sv.startProcess("b")
        d.wait_state("b", "EXITED")  # not to be started twice
        return "supervisord: b lines" in w.log()
    wait_until(heard, every=0.2)
    syslogd.kill()
    syslogd.wait()
    told = d.log.count("were lost")
    lost = box.read("supervisord.log")
    d.sv.startProcess("b")
    d.wait_state("b", "EXITED")
    assert d.stop() == 0  # what is not told yet is told now
    assert d.log.count("were lost") == told + 1
    assert "WARN 2 messages to the system log were lost" in d.log[len(lost):]
