"""The shell of our supervisorctl in a terminal: editing, history, completion, Ctrl-C.

The client is ours whatever the target; the server is the target's, so that a run with
--target=oracle shows our shell on the original.
"""
import os
import re

import pexpect
import pytest

from harness import TIMEOUT, free_port

PROMPT = "supervisor> "
CONF = """
[program:cat]
command={child} out 'cat is up\\n' echo
startsecs=0
stdout_logfile={dir}/cat.out
[program:cow]
command={child} pause
startsecs=0
[program:slow]
command={child} pause
startsecs=600
autostart=false
[program:a]
command={child} pause
startsecs=0
[program:b]
command={child} pause
startsecs=0
autostart=false
[group:grp]
programs=a,b
"""


class Shell:
    """supervisorctl in a pseudo-terminal. What it shows is compared without the
    sequences that move the cursor."""

    def __init__(self, box, target, args, columns=100, env=None):
        argv = [target.path("supervisorctl"), *args]
        self.t = pexpect.spawn(argv[0], argv[1:], cwd=box.dir, timeout=TIMEOUT,
                               env={**box.env(env), "TERM": "xterm"}, encoding="utf-8",
                               dimensions=(50, columns))
        self.t.delaybeforesend = None

    def type(self, keys):
        self.t.send(keys)

    def see(self, pattern):
        self.t.expect(pattern)
        return self.t.match

    def prompt(self):
        """Wait for an empty prompt."""
        self.see(r"\r" + PROMPT + r"\x1b\[K\r\x1b\[12C")

    def run(self, keys):
        """Type a line, press Enter, return what it printed up to the next prompt."""
        self.type(keys + "\r")
        self.see("\r\n")
        self.prompt()
        return self.t.before.replace("\r\n", "\n")

    def leave(self):
        self.t.expect(pexpect.EOF)
        self.t.close()
        return self.t.exitstatus

    def close(self):
        self.t.close(force=True)


@pytest.fixture
def server(box):
    d = box.start(CONF.format(child=box.child, dir=box.dir))
    for name in ("cat", "cow", "grp:a"):
        d.wait_state(name, "RUNNING")
    d.wait_file("cat.out", "up")
    return d


@pytest.fixture
def shell(box, server, targets):
    shells = []

    def start(*args, **kw):
        shell = Shell(box, targets["ours"], ["-c", server.conf, *args], **kw)
        shells.append(shell)
        shell.see(r"slow +STOPPED   Not started\r\n")
        shell.prompt()
        return shell
    yield start
    for one in shells:
        one.close()


# ---- editing -----------------------------------------------------------------------

@pytest.mark.parametrize("keys", [
    "pid cat",
    "  pid   cat  ",
    "pidx\x7f cat",                           # backspace
    "pi cat\x1b[D\x1b[D\x1b[D\x1b[Dd",        # left arrow
    "d cat\x01pi",                            # Ctrl-A
    "d cat\x1b[Hpi\x1b[F",                    # Home, End
    "id cat\x01p\x05",                        # Ctrl-E
    "pid cat and more\x1bb\x1bb\x0b\x7f",     # Alt-B, Ctrl-K
    "rubbish\x15pid cat",                     # Ctrl-U
    "pid cat rubbish\x17\x17\x19\x17cat",     # Ctrl-W, Ctrl-Y
    "ipd\x01\x06\x14\x05 cat",                # Ctrl-F, Ctrl-T
    "xpid cat\x01\x1b[3~",                    # Delete
    "pid ct\x02a",                            # Ctrl-B
])
def test_editing(server, shell, keys):
    assert shell().run(keys) == "%d\n" % server.pid_of("cat")


def test_a_line_longer_than_the_terminal(server, shell):
    s = shell(columns=40)
    s.type("pid " + "cat " * 30 + "\r")
    for _ in range(30):
        s.see(r"\b%d\r\n" % server.pid_of("cat"))
    s.prompt()


def test_characters_of_several_bytes(shell):
    assert shell().run("status äöü€\x7f\x1b[D\x1b[Dx") == "äxöü: ERROR (no such process)\n"


def test_paste_of_several_lines(server, shell):
    s = shell()
    s.type("pid\rpid cat\rversion\r")
    s.see(r"\b%d\r\n" % server.pid)
    s.see(r"\b%d\r\n" % server.pid_of("cat"))
    s.see(r"\n4\.\d+\.\d+")
    s.prompt()


# ---- history -----------------------------------------------------------------------

def test_history(server, shell):
    s = shell()
    cat, pid = "%d\n" % server.pid_of("cat"), "%d\n" % server.pid
    assert s.run("pid cat") == cat
    assert s.run("pid") == pid
    assert s.run("\x1b[A") == pid
    assert s.run("\x1b[A\x1b[A") == cat
    assert s.run("new\x1b[A\x1b[A\x1b[B\x1b[B\x15pid") == pid
    s.type("\x12d c")
    s.see(r"\(reverse-i-search\)'d c': pid cat")
    assert s.run("") == cat


def test_history_file(box, server, shell):
    s = shell("-r", box.path("history"))
    s.run("pid cat")
    s.run("version")
    s.type("quit\r")
    assert s.leave() == 0
    assert box.read("history") == "pid cat\nversion\nquit\n"
    assert os.stat(box.path("history")).st_mode & 0o777 == 0o600
    s = shell("-r", box.path("history"))
    assert s.run("\x1b[A\x1b[A\x1b[A") == "%d\n" % server.pid_of("cat")
    s.type("\x04")
    assert s.leave() == 0
    assert box.read("history") == "pid cat\nversion\nquit\npid cat\n"


def test_history_file_of_the_configuration(box, targets):
    d = box.start("[supervisorctl]\nhistory_file=%(here)s/hist\nprompt=mine\n")
    s = Shell(box, targets["ours"], ["-c", d.conf])
    try:
        s.see("\rmine> ")
        s.type("version\r")
        s.see(r"\n4\.")
        s.see("\rmine> ")
        s.type("quit\r")
        assert s.leave() == 0
    finally:
        s.close()
    assert box.read("hist") == "version\nquit\n"


# ---- completion --------------------------------------------------------------------

@pytest.mark.parametrize("typed,shown", [
    ("vers\t", "version "),
    ("rel\t", "reload "),
    ("m\t", "maintail "),
    ("help av\t", "help avail "),
    ("pid ca\t", "pid cat "),
    ("start grp:\tb\t", "start grp:b "),
    ("tail -f co\t", "tail -f cow "),
    ("update g\t", "update grp "),
    ("signal HU\tca\t", "signal HUP cat "),
    ("sta\trt sl\t", "start slow "),
    ("?x\t", "?x"),
])
def test_completion(shell, typed, shown):
    s = shell()
    s.type(typed)
    s.see(r"\r" + PROMPT + re.escape(shown) + r"\x1b\[K\r\x1b\[%dC" % (12 + len(shown)))


def test_completion_lists(shell):
    s = shell()
    s.type("pid c")
    s.see("pid c")
    s.type("\t")
    s.see("\a")
    s.type("\t")
    s.see(r"\r\ncat  cow\r\n\r" + PROMPT + "pid c")


def test_completion_without_a_server(server, shell):
    s = shell()
    server.stop()
    s.type("pid c\t")
    s.see("\a")
    assert "no such file" in s.run("at") or "refused" in s.t.before


# ---- Ctrl-C, Ctrl-D, Ctrl-Z --------------------------------------------------------

def test_ctrl_c_ends_a_tail_only(box, server, shell):
    s = shell()
    for command, file in (("tail -f cat", "cat.out"), ("maintail -f", "supervisord.log")):
        s.type(command + "\r")
        s.see(r"==> Press Ctrl-C to exit <==\r\n")
        with open(box.path(file), "a") as f:
            f.write("one more line\n")
        s.see("one more line")
        s.type("\x03")
        s.prompt()
    assert s.run("pid") == "%d\n" % server.pid


def test_ctrl_c_ends_a_wait_only(server, shell):
    s = shell()
    s.type("start slow\r")
    server.wait_state("slow", "STARTING")
    s.type("\x03")
    s.prompt()
    assert s.run("pid") == "%d\n" % server.pid
    assert server.state("slow") == "STARTING"


def test_ctrl_c_at_the_prompt(shell):
    s = shell()
    s.type("shutdo")
    s.see("shutdo")
    s.type("\x03")
    s.see(r"\^C\r\n")
    s.prompt()
    s.type("\x03")
    assert s.leave() == 0


def test_ctrl_d(shell):
    s = shell()
    s.type("\x04")
    assert s.leave() == 0


def test_ctrl_z(box, server, targets):
    script = '"$0" -c "$1"; echo stopped; fg >/dev/null; echo ended'
    t = pexpect.spawn("/bin/sh", ["-mc", script, targets["ours"].path("supervisorctl"),
                                  server.conf], cwd=box.dir, timeout=TIMEOUT,
                      env={**box.env(), "TERM": "xterm"}, encoding="utf-8")
    try:
        t.expect(PROMPT)
        t.send("pi\x1a")
        t.expect("stopped\r\n")
        t.send("d\r")
        t.expect(r"\b%d\r\n" % server.pid)
        t.send("\x04")
        t.expect("ended")
    finally:
        t.close(force=True)


def test_the_terminal_is_left_as_it_was(box, server, targets):
    script = 'stty -a >before; "$0" -c "$1"; stty -a >after; echo done'
    t = pexpect.spawn("/bin/sh", ["-c", script, targets["ours"].path("supervisorctl"),
                                  server.conf], cwd=box.dir, timeout=TIMEOUT,
                      env={**box.env(), "TERM": "xterm"}, encoding="utf-8")
    try:
        t.expect(PROMPT)
        t.send("pid\r")
        t.expect(PROMPT)
        t.send("\x04")
        t.expect("done")
    finally:
        t.close(force=True)
    assert box.read("before") and box.read("before") == box.read("after")


# ---- questions ---------------------------------------------------------------------

def test_shutdown_asks(server, shell):
    s = shell()
    for answer in ("n\r", "\r", "maybe\r", "\x03"):
        s.type("shutdown\r")
        s.see(r"\rReally shut the remote supervisord process down y/N\? ")
        s.type(answer)
        s.prompt()
    assert server.popen.poll() is None
    s.type("shutdown\r")
    s.see(r"y/N\? ")
    s.type("Yes\r")
    s.see("Shut down\r\n")
    assert server.wait_exit() == 0


def test_asks_for_a_password(box, targets):
    port = free_port()
    d = box.start("[inet_http_server]\nport=127.0.0.1:%d\nusername=joe\npassword=secret\n"
                  % port)
    s = Shell(box, targets["ours"], ["-c", d.conf, "-s", "http://127.0.0.1:%d" % port])
    try:
        for user, password in (("joe", "wrong"), ("joe", "secrx\x7fet")):
            s.see(r"Server requires authentication\r\n")
            s.see("\rUsername:")
            s.type(user + "\r")
            s.see("Password:")
            s.type(password + "\r")
        s.prompt()
        assert s.run("pid") == "%d\n" % d.pid
        s.type("quit\r")
        assert s.leave() == 0
    finally:
        s.close()
    assert "secr" not in s.t.before


# ---- fg ----------------------------------------------------------------------------

def test_fg(server, shell):
    s = shell()
    s.type("fg cat\r")
    s.see(r"==> Press Ctrl-C to exit <==\r\n")
    s.see("cat is up")
    s.type("a line for cat\r")
    s.see("a line for cat\r\n")  # the terminal's echo
    s.see("a line for cat")      # and cat's
    server.wait_file("cat.out", "^a line for cat$")
    s.type("\x03")
    s.see(r"Exiting foreground\r\n")
    s.prompt()
    assert server.state("cat") == "RUNNING"
    assert s.run("fg slow") == "ERROR: process not running\n"


def test_fg_of_a_process_that_dies(server, shell):
    s = shell()
    s.type("fg cat\r")
    s.see("cat is up")
    server.sv.stopProcess("cat")
    s.type("hello\r")
    s.see(r"Process got killed\r\nExiting foreground\r\n")
    s.prompt()


def test_fg_from_a_pipe(box, server, targets):
    r = box.ctl("fg", "cat", conf=server.conf, kind="ours", stdin="from a pipe\n")
    assert r.rc == 0 and r.out.startswith("==> Press Ctrl-C to exit <==\n")
    assert r.out.endswith("Exiting foreground\n")
    server.wait_file("cat.out", "^from a pipe$")


# ---- help for people ---------------------------------------------------------------

def test_says_why_there_is_no_server(box, targets):
    """Only where a person reads it: on a terminal."""
    conf = box.write("sv.conf", box.conf_text())
    s = Shell(box, targets["ours"], ["-c", conf, "version"])
    try:
        s.see(r"unix://%s/sv.sock no such file\r\n" % box.dir)
        s.see(r"socket file is missing.*\(configuration: %s\)" % conf)
        assert s.leave() == 7
    finally:
        s.close()
    r = box.ctl("version", kind="ours")
    assert (r.rc, r.err) == (7, "")
