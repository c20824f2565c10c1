"""supervisorctl, command by command: outputs and exit codes.

Each script is run and written down as a transcript, which must equal the recorded one
in tests/golden/ctl; those were recorded with the original's client and server
(RECORD=1 ... --target=oracle). A run for ours then goes through the three pairs that
hold one of ours: our client and server, our client with the original's server, and the
original's client with our server.
"""
import http.client
import os
import re
import signal
import socket
import subprocess
import xmlrpc.client

import pexpect
import pytest

from harness import TIMEOUT, TOP, free_port, wait_until

GOLDEN = os.path.join(TOP, "tests", "golden", "ctl")

CONF = """
[program:cat]
command={child} trap HUP onsig TERM 0 out 'cat is up\\n' err 'to stderr\\n' pause
stdout_logfile={dir}/cat.out
stderr_logfile={dir}/cat.err
startsecs=0
priority=1
[program:off]
command={child} onsig TERM 0 pause
autostart=false
startsecs=0
priority=2
stdout_logfile=NONE
[program:w]
command={child} onsig TERM 0 pause
process_name=%(program_name)s_%(process_num)02d
numprocs=2
startsecs=0
priority=3
[program:a]
command={child} onsig TERM 0 pause
startsecs=0
[program:b]
command={child} onsig TERM 0 pause
startsecs=0
autostart=false
[group:g]
programs=a,b
priority=4
[program:early]
command={child} exit 3
autostart=false
startretries=0
priority=5
[program:nofile]
command=/nonexistent/program
autostart=false
startretries=0
priority=6
[program:noexec]
command={dir}
autostart=false
startretries=0
priority=7
[program:a_program_with_quite_a_long_name_here]
command={child} onsig TERM 0 pause
autostart=false
startsecs=0
priority=8
"""


def w(name, text):
    """A step that writes a file instead of running a command."""
    return ("write", name, text)


NEW = "[program:fresh]\ncommand={child} onsig TERM 0 pause\nstartsecs=0\npriority=50\n"
CHANGED = ("[program:fresh]\ncommand={child} onsig TERM 0 pause changed\nstartsecs=0\n"
           "priority=50\n")

SCRIPTS = {
    "status": [
        "status", "status cat", "status off", "status cat off", "status w", "status w:w_00",
        "status w:*", "status w:", "status g:*", "status g:a g:b", "status a", "status all",
        "status nope", "status nope:*", "status nope:x", "status cat nope", "status off nope",
        "pid", "pid cat", "pid off", "pid nope", "pid cat off", "pid all", "pid g:a"],
    "start": [
        "start", "start nope", "start nope:*", "start nope:x", "start cat", "start off",
        "start off cat", "start g:b", "start g:*", "start w:w_00 w:w_01", "start early", ("fatal",),
        "start nofile", "start noexec", "status early nofile noexec", "stop g:*", "start g:",
        "start b", "start early nofile cat"],
    "start_all": ["start all", ("fatal",), "status", "start all", ("fatal",), "stop all", "status",
                  "stop all"],
    "stop": [
        "stop", "stop nope", "stop nope:*", "stop off", "stop cat", "stop cat", "stop w:w_00",
        "stop w:*", "stop g:a g:b", "stop early", "status"],
    "restart": [
        "restart", "restart nope", "restart nope:*", "restart cat", "restart off", "restart g:*",
        "restart w:w_00 w:w_01", "restart early", ("fatal",), "restart nofile", "restart all",
        ("fatal",), "status"],
    "signal": [
        "signal", "signal HUP", "signal HUP nope", "signal HUP nope:*", "signal HUP cat",
        "signal SIGHUP cat", "signal 1 cat", "signal hup cat", "signal NOPE cat",
        "signal 999 cat", "signal HUP off", "signal CONT w:*", "signal CONT g:*",
        "signal CONT all", "signal CONT cat nope off", "tail cat"],
    "tail": [
        "tail", "tail nope", "tail cat", "tail -9 cat", "tail -0 cat", "tail cat stdout",
        "tail cat stderr", "tail -4 cat stderr", "tail cat nope", "tail -x cat", "tail -f",
        "tail a b c d", "tail -100", "tail off", "tail w:w_00", "tail g:a stderr", "tail early",
        "maintail -x", "maintail x", "maintail a b", "clear", "clear cat", "tail cat",
        "clear nope", "clear cat off nope", "clear g:a", "clear w:*", "clear all"],
    "update": [
        "reread", "update", "avail", "avail x", "reread x",
        w("conf.d/new.conf", NEW), "reread", "reread", "avail", "status fresh", "add fresh",
        "add fresh", "add nope", "status fresh", "remove fresh", "stop fresh", "remove fresh",
        "remove fresh", "remove nope", "update", "update", "status fresh",
        w("conf.d/new.conf", CHANGED), "reread", "update nope", "update fresh", "update",
        w("conf.d/new.conf", ""), "update cat", "reread", "update all", "status fresh",
        w("conf.d/new.conf", NEW + NEW.replace("fresh", "zeta") + NEW.replace("fresh", "beta")),
        "reread", "update", "add a b", "add", "remove",
        w("conf.d/new.conf", "[program:fresh]\ncommand=x\nautostart=maybe\n"), "reread",
        "update", "status fresh"],
    "misc": [
        "version", "version x", "nonsense", "nonsense with words", "help nonsense",
        "quit", "exit", "open nope", "open http", "avail", "reload x", "shutdown x", "fg",
        "fg nope", "fg off", "fg a b", "add"],
    "reload": ["pid cat", "reload", ("wait",), "status cat", "status off"],
    "shutdown": ["shutdown", ("gone",), "status", "start cat", "pid", "version", "stop all",
                 "reread", "update", "avail", "shutdown", "reload", "tail cat", "signal HUP cat",
                 "clear cat", "add cat", "remove cat", "restart cat", "maintail"],
}

# Outputs whose wording is each one's own: only their first line counts.
USAGE = re.compile(r"^Error: .*\n|^ERROR: no process name supplied\n")
PAIRS = {"ours": [("ours", "ours"), ("ours", "oracle"), ("oracle", "ours")],
         "oracle": [("oracle", "oracle")]}


def neutral(text, box):
    text = text.replace(box.dir, "DIR").replace(box.child, "CHILD")
    text = re.sub(r"pid \d+, uptime [\d:]+", "pid N, uptime T", text)
    text = re.sub(r"^[1-9]\d*$", "N", text, flags=re.M)
    text = re.sub(r"[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M", "DATE", text)
    text = re.sub(r"^4\.\d+\.\d+.*$", "VERSION", text, flags=re.M)
    # Where in the file it is, the original does not say.
    text = re.sub(r"(file: '[^']*'), line \d+, option '\w+'\)", r"\1)", text)
    # A traceback in one line is the original's; what it says is a matter of the client.
    text = re.sub(r"^error: .*$", "error: (in the client's words)", text, flags=re.M)
    usage = USAGE.match(text)
    return usage.group(0) if usage else text


def transcript(box, d, script, kind):
    lines = []
    for step in script:
        if step == ("wait",):
            wait_until(lambda: "already" if _answers(d) else None)
        elif step == ("fatal",):  # the original needs a moment from BACKOFF to there
            d.wait_state("early", "FATAL")
        elif step == ("gone",):
            d.wait_exit()
        elif step[0] == "write":
            box.write(step[1], step[2].format(child=box.child, dir=box.dir))
            lines.append("# %s changes" % step[1])
        else:
            r = d.ctl(*step.split(" "), kind=kind)
            lines.append("$ %s" % step)
            text = neutral(r.out + r.err, box)
            text = re.sub("(got HUP\n)+", "got HUP\n", text)  # equal signals merge
            code = str(r.rc)
            if re.match("(start|stop|restart) (all|.*:)", step):  # in the order of their ends
                text = "".join(sorted(text.splitlines(True)))
                code = "1 or 7" if code in "17" else code  # the last failure's
            lines.append(text + "= " + code)
    return "\n".join(lines) + "\n"


def _answers(d):
    """After a reload: up, with cat running again."""
    try:
        return d.new_rpc().supervisor.getProcessInfo("cat")["statename"] == "RUNNING" and \
            d.log.count("supervisord started") > 1
    except (OSError, http.client.HTTPException, xmlrpc.client.Fault):
        return False


def pytest_generate_tests(metafunc):
    if "pair" in metafunc.fixturenames:
        chosen = PAIRS[metafunc.config.getoption("--target")]
        metafunc.parametrize("pair", chosen, ids=["%s-client-%s-server" % p for p in chosen])


@pytest.fixture
def server(box, pair, targets):
    for kind in pair:
        if not targets[kind].there:
            pytest.skip("the original is not installed")
    os.mkdir(box.path("conf.d"))
    box.write("conf.d/new.conf", "")
    d = box.start("[include]\nfiles=conf.d/*.conf\n"
                  + CONF.format(child=box.child, dir=box.dir), kind=pair[1])
    for name in ("cat", "w:w_00", "w:w_01", "g:a"):
        d.wait_state(name, "RUNNING")
    d.wait_file("cat.out", "up")
    d.wait_file("cat.err", "to stderr")
    return d


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_script(box, server, pair, name):
    got = transcript(box, server, SCRIPTS[name], pair[0])
    golden = os.path.join(GOLDEN, name + ".txt")
    if os.environ.get("RECORD") and pair == ("oracle", "oracle"):
        with open(golden, "w") as f:
            f.write(got)
    with open(golden) as f:
        assert got == f.read()


# ---- what does not fit a script ----------------------------------------------------

def test_status_columns(box, server, pair):
    out = server.ctl("status", kind=pair[0]).out.splitlines()
    width = len("a_program_with_quite_a_long_name_here") + 3
    assert all(line[width - 1] == " " and line[width] != " " for line in out)
    assert all(line[width:].split()[0] in ("RUNNING", "STOPPED") for line in out)
    out = server.ctl("status", "cat", kind=pair[0]).out
    assert re.match(r"cat {30}RUNNING   pid \d+, uptime \d:\d\d:\d\d\n$", out)


def test_maintail(box, server, pair):
    out = server.ctl("maintail", kind=pair[0]).out
    assert out == server.log[-1600:] + "\n"
    assert server.ctl("maintail", "-20", kind=pair[0]).out == server.log[-20:] + "\n"


def test_help(box, server, pair):
    commands = ("add avail clear exit fg maintail open pid quit reload remove reread restart "
                "shutdown signal start status stop tail update version").split()
    out = server.ctl("help", kind=pair[0]).out
    for command in commands:
        assert re.search(r"\b%s\b" % command, out)
        r = server.ctl("help", command, kind=pair[0])
        assert r.rc == 0 and r.out.startswith(command)


@pytest.mark.parametrize("command,path", [("tail -f cat", "cat.out"),
                                          ("tail -f cat stderr", "cat.err"),
                                          ("maintail -f", "supervisord.log")])
def test_follow(box, server, pair, command, path):
    """Begins with the end of the log, then follows; Ctrl-C ends it."""
    p = box.popen([box.which(pair[0]).path("supervisorctl"), "-c", server.conf,
                   *command.split()], stdout=open(box.path("follow"), "wb"),
                  env={"PYTHONUNBUFFERED": "1"})
    first = box.read(path).splitlines()[-1]
    wait_until(lambda: first in box.read("follow"), what=lambda: box.read("follow"))
    assert box.read("follow").startswith("==> Press Ctrl-C to exit <==\n")
    with open(box.path(path), "a") as f:
        f.write("a new line\n")
    wait_until(lambda: "a new line" in box.read("follow"))
    p.send_signal(signal.SIGINT)
    assert p.wait(TIMEOUT) in (0, -signal.SIGINT)
    assert server.sv.getState()["statecode"] == 1


def test_follow_nothing(box, server, pair):
    r = server.ctl("tail", "-f", "nope", kind=pair[0])
    assert r.rc in (0, 1)
    assert "404" in r.out + r.err


def test_commands_from_standard_input(box, server, pair):
    r = server.ctl(kind=pair[0], stdin="status off\nstart off\nnonsense\nstatus off\n")
    out = neutral(r.out, box)
    assert r.rc == 0
    # A status comes first, then each command's output, each after a prompt.
    assert "supervisor> " in out and out.index("cat   ") < out.index("off: started")
    assert "off: started\n" in out
    assert "*** Unknown syntax: nonsense\n" in out
    assert out.index("off: started") < out.index("off                              RUNNING")


def test_interactive_flag_with_a_command(box, server, pair):
    r = server.ctl("-i", "pid", kind=pair[0])
    assert r.rc == 0 and r.out == "%d\n" % server.pid


def test_shell_in_a_terminal(box, server, pair):
    argv = [box.which(pair[0]).path("supervisorctl"), "-c", server.conf]
    t = pexpect.spawn(argv[0], argv[1:], env={**box.env(), "TERM": "dumb"}, cwd=box.dir,
                      timeout=TIMEOUT, encoding="utf-8", dimensions=(50, 200))
    try:
        t.expect("w:w_01 +RUNNING")
        t.expect("supervisor> ")
        t.sendline("pid")
        t.expect(r"\b%d\r\n" % server.pid)
        t.expect("supervisor> ")
        t.sendline("nonsense")
        t.expect(r"\*\*\* Unknown syntax: nonsense")
        t.expect("supervisor> ")
        t.sendline("shutdown")
        t.expect(r"Really shut the remote supervisord process down y/N\? ")
        t.sendline("n")
        t.expect("supervisor> ")
        t.sendline("reload")
        t.expect(r"Really restart the remote supervisord process y/N\? ")
        t.sendline("n")
        t.expect("supervisor> ")
        t.sendline("quit")
        t.expect(pexpect.EOF)
        t.close()
        assert t.exitstatus == 0
    finally:
        t.close(force=True)
    assert server.sv.getState()["statecode"] == 1


def test_no_server(box, pair, targets):
    if not targets[pair[0]].there:
        pytest.skip("the original is not installed")
    box.write("sv.conf", box.conf_text())
    url = "unix://" + box.path("sv.sock")
    r = box.ctl("status", kind=pair[0])
    assert (r.rc, r.out) == (4, url + " no such file\n")
    r = box.ctl("start", "x", kind=pair[0])
    assert (r.rc, r.out) == (7, url + " no such file\n")
    # A socket that nobody listens on.
    s = socket.socket(socket.AF_UNIX)
    s.bind(box.path("sv.sock"))
    s.close()
    for command in ("status", "stop all", "version"):
        r = box.ctl(*command.split(), kind=pair[0])
        assert (r.rc, r.out) == (4, url + " refused connection\n"), command
    port = free_port()
    r = box.ctl("-s", "http://127.0.0.1:%d" % port, "status", kind=pair[0])
    assert (r.rc, r.out) == (4, "http://127.0.0.1:%d refused connection\n" % port)


def test_over_tcp_with_a_password(box, pair, targets):
    for kind in pair:
        if not targets[kind].there:
            pytest.skip("the original is not installed")
    port = free_port()
    d = box.start("[inet_http_server]\nport=127.0.0.1:%d        ; (ip_address:port)\n"
                  "username=joe\npassword=s:c ret\n[program:a]\ncommand=%s pause\nstartsecs=0\n"
                  % (port, box.child), kind=pair[1])
    d.wait_state("a", "RUNNING")
    url = "http://127.0.0.1:%d" % port
    r = box.ctl("-s", url, "status", "a", kind=pair[0])
    assert r.rc in (1, 4) and r.out.startswith("Server requires authentication\n")
    good = ["-s", url, "-u", "joe", "-p", "s:c ret"]
    r = box.ctl(*good, "status", "a", kind=pair[0])
    assert r.rc == 0 and "RUNNING" in r.out
    r = box.ctl("-s", url, "-u", "joe", "-p", "wrong", "pid", kind=pair[0])
    assert "Server requires authentication" in r.out
    r = box.ctl("--serverurl=" + url, "--username=joe", "--password=s:c ret", "stop", "a",
                kind=pair[0])
    assert (r.rc, r.out) == (0, "a: stopped\n")


def test_password_from_the_file(box, pair, targets):
    for kind in pair:
        if not targets[kind].there:
            pytest.skip("the original is not installed")
    d = box.start("[supervisorctl]\nusername=u\npassword=p%%w\n",
                  unix="username=u\npassword=p%%w", auth=("u", "p%w"), kind=pair[1])
    r = d.ctl("version", kind=pair[0])
    assert r.rc == 0 and r.out.startswith("4.")


def test_usage_errors(box, target):
    r = box.run("supervisorctl", "-c", "/nonexistent.conf", "status")
    assert r.rc == 2 and r.err == ("Error: could not find config file /nonexistent.conf\n"
                                   "For help, use %s -h\n" % target.path("supervisorctl"))
    r = box.run("supervisorctl", "--nope")
    assert r.rc == 2 and r.err.startswith("Error: option --nope not recognized\n")
    box.write("sv.conf", "[supervisord]\n")
    r = box.ctl("status")
    assert r.rc == 2
    assert r.err.startswith("Error: .ini file does not include supervisorctl section")
    r = box.ctl("-s", "nourl", "status")
    assert r.rc == 2 and "nourl" in r.err and r.err.startswith("Error: ")


def test_relative_serverurl_and_prompt(box, target):
    d = box.start("[supervisorctl]\nserverurl=unix://%(here)s/sv.sock\nprompt=mine\n")
    r = d.ctl(stdin="pid\nquit\n")
    assert r.rc == 0 and "%d\n" % d.pid in r.out and "mine> " in r.out


def test_output_to_a_closed_pipe(box, target):
    d = box.start("".join("[program:p%d]\ncommand=x\nautostart=false\n" % i for i in range(50)))
    r = subprocess.run(["sh", "-c", '"$0" -c "$1" status | head -1', target.path("supervisorctl"),
                        d.conf], env=box.env(), capture_output=True, timeout=20)
    assert r.stdout.decode().startswith("p0 ")
