"""The life of a process: states, retries, restarts, stops, and what a child gets."""
import os
import re
import signal
import threading
import time

import pytest

from harness import (alive, children, descendants, fault_of, free_port, holds_for, is_user,
                     kill, proc_info, wait_until)


def program(name, command, **options):
    lines = ["[program:%s]" % name, "command=%s" % command]
    return "\n".join(lines + ["%s=%s" % kv for kv in options.items()]) + "\n"


def stamps(box, name):
    """The lines "WHO MS" that helpers left, as pairs."""
    return [(who, int(ms)) for who, ms in
            (line.rsplit(" ", 1) for line in box.read(name).splitlines())]


# ---- becoming RUNNING, EXITED, BACKOFF, FATAL --------------------------------------

def test_running_after_startsecs(box):
    d = box.start(program("a", box.child + " pause", startsecs=1)
                  + program("b", box.child + " pause", startsecs=0)
                  + program("c", box.child + " pause", startsecs=3600)
                  + program("d", box.child + " pause", autostart="false"))
    a = d.wait_state("a", "RUNNING")
    assert a["state"] == 20 and a["pid"] > 0 and a["spawnerr"] == ""
    assert re.match(r"pid %d, uptime 0:00:0\d$" % a["pid"], a["description"])
    d.wait_state("b", "RUNNING")
    c = d.info("c")
    assert (c["state"], c["statename"], c["description"]) == (10, "STARTING", "")
    stopped = d.info("d")
    assert (stopped["state"], stopped["statename"]) == (0, "STOPPED")
    assert stopped["description"] == "Not started"
    assert stopped["pid"] == 0 and stopped["start"] == 0
    d.wait_log(r"INFO spawned: 'a' with pid %d$" % a["pid"])
    d.wait_log(r"INFO success: a entered RUNNING state, process has stayed up for > than "
               r"1 seconds \(startsecs\)$")
    d.wait_log(r"> than 0 seconds \(startsecs\)$")


def test_starting_lasts_startsecs(box):
    d = box.start(program("a", "%s stamp %s start pause" % (box.child, box.path("t")),
                          startsecs=2))
    begin = stamps(box, "t")[0][1] if box.read("t") else wait_until(
        lambda: stamps(box, "t"))[0][1]
    d.wait_state("a", "RUNNING")
    took = time.monotonic() * 1000 - begin
    assert 1900 <= took < 5000, took


@pytest.mark.parametrize("autorestart,code,restarts", [
    ("true", 0, True), ("true", 3, True), ("false", 0, False), ("false", 3, False),
    ("unexpected", 0, False), ("unexpected", 3, True), ("unexpected", 2, False)])
def test_autorestart(box, autorestart, code, restarts):
    # Up for long enough to be RUNNING (startsecs=0), so an exit is no failed start.
    d = box.start(program("a", "%s append %s run ifmissing %s 9 sleep 0.2 exit %d"
                          % (box.child, box.path("runs"), box.path("runs"), code),
                          startsecs=0, autorestart=autorestart, exitcodes="0,2"))
    if restarts:
        d.wait_file("runs", r"run\nrun")
        d.wait_log(r"spawned: 'a'", count=2)
    else:
        info = d.wait_state("a", "EXITED")
        assert info["exitstatus"] == code and info["state"] == 100
        holds_for(lambda: d.state("a") == "EXITED", 1.3)
        assert box.read("runs") == "run\n"
    if code in (0, 2):
        d.wait_log(r"INFO exited: a \(exit status %d; expected\)$" % code)
    else:
        d.wait_log(r"WARN exited: a \(exit status %d; not expected\)$" % code)


def test_default_is_unexpected_and_exit_0(box):
    d = box.start(program("ok", box.child + " exit 0", startsecs=0)
                  + program("bad", box.child + " exit 1", startsecs=0))
    assert d.wait_state("ok", "EXITED")["exitstatus"] == 0
    d.wait_log(r"spawned: 'bad'", count=2)
    assert d.log.count("spawned: 'ok'") == 1


def test_bad_exit_is_told_in_spawnerr(box):
    d = box.start(program("a", box.child + " exit 5", startsecs=0, autorestart="false")
                  + program("s", box.child + " die SEGV", startsecs=0, autorestart="false"))
    info = d.wait_state("a", "EXITED")
    assert (info["exitstatus"], info["spawnerr"]) == (5, "Bad exit code 5")
    assert re.match(r"[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M$", info["description"])
    info = d.wait_state("s", "EXITED")
    assert (info["exitstatus"], info["spawnerr"]) == (-1, "Bad exit code -1")
    d.wait_log(r"WARN exited: s \(terminated by SIGSEGV(; core dumped| \(core dumped\))?; not expected\)$")


def test_retries_then_fatal(box):
    """1 + startretries attempts; the n-th retry comes n seconds after the failure."""
    d = box.start(program("a", "%s stamp %s a exit 1" % (box.child, box.path("t")),
                          startretries=2))
    info = d.wait_state("a", "FATAL")
    times = [ms for _, ms in stamps(box, "t")]
    assert len(times) == 3
    delays = [b - a for a, b in zip(times, times[1:])]
    assert 950 <= delays[0] < 3500 and 1950 <= delays[1] < 4500, delays
    assert info["spawnerr"] == "Exited too quickly (process log may have details)"
    assert info["description"] == "Exited too quickly (process log may have details)"
    assert info["exitstatus"] == 0 and info["state"] == 200
    assert d.log.count("WARN exited: a (exit status 1; not expected)") == 3
    d.wait_log(r"INFO gave up: a entered FATAL state, too many start retries too quickly$")
    holds_for(lambda: d.state("a") == "FATAL", 1)


def test_no_retries(box):
    d = box.start(program("a", box.child + " exit 0", startretries=0)
                  + program("b", "/nonexistent/b", startretries=0))
    d.wait_state("a", "FATAL")
    d.wait_state("b", "FATAL")
    assert d.log.count("spawned: 'a'") == 1
    # An exit before startsecs is a failure even with an expected code.
    d.wait_log(r"WARN exited: a \(exit status 0; not expected\)$")


def test_backoff_seen_by_clients(box):
    d = box.start(program("a", box.child + " exit 1", startretries=50))
    info = d.wait_state("a", "BACKOFF")
    assert info["state"] == 30 and info["description"] == info["spawnerr"]
    wait_until(lambda: d.log.count("exited: a") >= 3)
    d.wait_state("a", "BACKOFF")
    assert fault_of(d.sv.startProcess, "a") == (60, "ALREADY_STARTED: a")
    assert fault_of(d.sv.removeProcessGroup, "a") == (91, "STILL_RUNNING: a")
    assert d.sv.stopProcess("a") is True
    assert d.state("a") == "STOPPED"
    count = d.log.count("spawned: 'a'")
    holds_for(lambda: d.state("a") == "STOPPED", 1.2)
    assert d.log.count("spawned: 'a'") == count


def test_counter_resets_at_running(box):
    """Fails twice, then stays: later failures get the whole number of retries again."""
    d = box.start(program("a", "%s append %s x ifmissing %s 1 pause"
                          % (box.child, box.path("runs"), box.path("ok")), startretries=2))
    d.wait_log(r"exited: a ", count=2)
    box.write("ok", "")
    pid = d.wait_state("a", "RUNNING")["pid"]
    os.unlink(box.path("ok"))
    kill(pid)
    d.wait_state("a", "FATAL")
    assert box.read("runs").count("x") == 6  # 2 bad + 1 good, then 3 bad


def test_killed_program_comes_back(box):
    d = box.start(program("a", box.child + " pause", startsecs=1, autorestart="true"))
    first = d.wait_state("a", "RUNNING")["pid"]
    kill(first)
    second = wait_until(lambda: d.pid_of("a") not in (0, first) and d.pid_of("a"))
    d.wait_state("a", "RUNNING")
    assert second != first
    d.wait_log(r"WARN exited: a \(terminated by SIGKILL; not expected\)$")


def test_long_lived_restarts_at_once(box):
    d = box.start(program("a", "%s stamp %s s sleep 1.5 stamp %s e exit 1"
                          % (box.child, box.path("t"), box.path("t")), autorestart="true"))
    wait_until(lambda: len(stamps(box, "t")) >= 3)
    (_, _), (_, ended), (_, again) = stamps(box, "t")[:3]
    limit = 300 if box.target.ours else 1500
    assert again - ended < limit


@pytest.mark.differs("the original's rate depends on when it looks")
def test_short_lived_restarts_once_a_second(box):
    d = box.start(program("a", "%s stamp %s s exit 1" % (box.child, box.path("t")),
                          startsecs=0, autorestart="true"))
    wait_until(lambda: len(stamps(box, "t")) >= 4)
    times = [ms for _, ms in stamps(box, "t")]
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert all(900 <= g for g in gaps), gaps


# ---- stopping ----------------------------------------------------------------------

@pytest.mark.parametrize("signame", ["TERM", "HUP", "INT", "QUIT", "KILL", "USR1", "USR2"])
def test_stopsignal(box, signame):
    trap = "" if signame == "KILL" else " onsig %s 0" % signame
    d = box.start(program("a", box.child + trap + " out ready pause", startsecs=0,
                          stopsignal=signame, stdout_logfile=box.path("a.log")))
    d.wait_file("a.log", "ready")
    assert d.sv.stopProcess("a") is True
    info = d.info("a")
    assert info["statename"] == "STOPPED" and info["pid"] == 0
    if signame == "KILL":
        d.wait_log(r"WARN stopped: a \(terminated by SIGKILL\)$")
        assert info["exitstatus"] == -1
    else:
        assert "got %s\n" % signame in box.read("a.log")
        d.wait_log(r"INFO stopped: a \(exit status 0\)$")


def test_stop_by_term_is_a_warning(box):
    d = box.start(program("a", box.child + " pause", startsecs=0))
    d.sv.stopProcess("a")
    d.wait_log(r"WARN stopped: a \(terminated by SIGTERM\)$")
    assert d.info("a")["exitstatus"] == -1
    # A program stopped by hand stays down whatever autorestart says.
    holds_for(lambda: d.state("a") == "STOPPED", 1)


def test_kill_after_stopwaitsecs(box):
    d = box.start(program("a", box.child + " ignore TERM out ready pause", startsecs=0,
                          stopwaitsecs=1, stdout_logfile=box.path("a.log")))
    d.wait_file("a.log", "ready")
    pid = d.pid_of("a")
    begin = time.monotonic()
    waiting = threading.Thread(target=lambda: d.new_rpc().supervisor.stopProcess("a"))
    waiting.start()
    assert d.wait_state("a", "STOPPING")["state"] == 40
    waiting.join()
    assert d.state("a") == "STOPPED"
    assert 0.9 < time.monotonic() - begin < 4
    d.wait_log(r"INFO waiting for a to stop$")
    d.wait_log(r"WARN killing 'a' \(%d\) with SIGKILL$" % pid)
    d.wait_log(r"WARN stopped: a \(terminated by SIGKILL\)$")
    assert not alive(pid)


@pytest.mark.parametrize("option,group", [(None, False), ("stopasgroup", True)])
def test_stopasgroup(box, option, group):
    """The signal reaches the whole process group only with stopasgroup."""
    options = {option: "true"} if option else {}
    d = box.start(program("a", box.child + " fork 1 pause", startsecs=0, **options))
    pid = d.wait_state("a", "RUNNING")["pid"]
    helper = wait_until(lambda: children(pid))[0]
    d.sv.stopProcess("a")
    if group:
        wait_until(lambda: not alive(helper))
    else:
        holds_for(lambda: alive(helper), 0.3)
        kill(helper)


@pytest.mark.parametrize("option,group", [(None, False), ("killasgroup", True)])
def test_killasgroup(box, option, group):
    options = {option: "true"} if option else {}
    d = box.start(program("a", box.child + " ignore TERM fork 1 out ready pause", startsecs=0,
                          stopwaitsecs=1, stdout_logfile=box.path("log"), **options))
    d.wait_file("log", "readyready")
    pid = d.pid_of("a")
    helper = wait_until(lambda: children(pid))[0]
    d.sv.stopProcess("a")
    if group:
        wait_until(lambda: not alive(helper))
    else:
        holds_for(lambda: alive(helper), 0.3)
        kill(helper)


def test_stop_of_a_starting_program(box):
    d = box.start(program("a", box.child + " pause", startsecs=3600))
    wait_until(lambda: d.pid_of("a"))
    assert d.sv.stopProcess("a") is True
    assert d.state("a") == "STOPPED"


def test_exit_while_stopping_is_stopped(box):
    d = box.start(program("a", box.child + " onsig TERM 0 out r pause", startsecs=0,
                          autorestart="true", stdout_logfile=box.path("log")))
    d.wait_file("log", "r")
    d.sv.stopProcess("a")
    assert d.info("a")["exitstatus"] == 0
    holds_for(lambda: d.state("a") == "STOPPED", 1)


# ---- order -------------------------------------------------------------------------

def test_priority_orders_start_and_stop(box):
    """Lower priorities start first and stop last, group after group."""
    t = box.path("t")
    text = ""
    for name, priority in (("mid", 50), ("last", 900), ("first", 1)):
        text += program(name, "%s stamp %s +%s sleep 0.05 pause" % (box.child, t, name),
                        startsecs=0, priority=priority)
    # The helper cannot report its death; supervisord's log does.
    d = box.start(text)
    wait_until(lambda: len(stamps(box, "t")) == 3)
    spawned = re.findall(r"spawned: '(\w+)'", d.log)
    assert spawned == ["first", "mid", "last"]
    assert d.stop() == 0
    assert re.findall(r"stopped: (\w+) ", d.log) == ["last", "mid", "first"]


def test_groups_stop_one_after_the_other(box):
    """A group with a lower priority is not asked before the higher one is down."""
    text = (program("db", box.child + " pause", startsecs=0, priority=1)
            + program("web", box.child + " ignore TERM out r pause", startsecs=0, priority=2,
                      stopwaitsecs=1, stdout_logfile=box.path("web.log")))
    d = box.start(text, supervisord="loglevel=debug")
    d.wait_file("web.log", "r")
    db = d.pid_of("db")
    d.kill(signal.SIGTERM)
    d.wait_log("killing web .* with signal SIGTERM")
    assert alive(db)
    d.wait_exit()
    log = d.log
    assert log.index("stopped: web") < log.index("killing db")


def test_order_inside_a_group(box):
    """On its own as the group lists them; on request by the programs' priorities."""
    text = (program("a", box.child + " pause", startsecs=0, priority=3)
            + program("b", box.child + " pause", startsecs=0, priority=1)
            + program("c", box.child + " pause", startsecs=0, priority=2)
            + "[group:g]\nprograms=a,b,c\n")
    d = box.start(text, supervisord="loglevel=debug")
    for name in "abc":
        d.wait_state("g:" + name, "RUNNING")
    assert re.findall(r"spawned: '(\w+)'", d.log) == ["a", "b", "c"]
    assert sorted(r["name"] for r in d.sv.stopProcessGroup("g")) == ["a", "b", "c"]
    d.sv.startProcessGroup("g")
    assert re.findall(r"spawned: '(\w+)'", d.log)[3:] == ["b", "c", "a"]
    before = len(d.log)
    d.stop()
    assert list(dict.fromkeys(re.findall(r"killing (\w+) ", d.log[before:]))) == ["a", "c", "b"]


def test_equal_priorities_go_as_listed(box):
    text = "".join(program(n, box.child + " pause", startsecs=0) for n in "amz")
    d = box.start(text + "[group:g]\nprograms=z,a,m\n")
    for name in "amz":
        d.wait_state("g:" + name, "RUNNING")
    assert re.findall(r"spawned: '(\w+)'", d.log) == ["z", "a", "m"]


# ---- what a child gets -------------------------------------------------------------

def test_child_environment(box):
    d = box.start(
        "[program:web]\ncommand=%s pause\nprocess_name=%%(program_name)s_%%(process_num)02d\n"
        "numprocs=2\nstartsecs=0\nenvironment=A=\"own\",C=\"x,y %%(process_num)d\",Q='s q'\n"
        % box.child, supervisord='environment=A="daemon",B="daemon"',
        env={"INHERITED": "1", "PERCENT": "100%(x)s"})
    d.wait_state("web:web_01", "RUNNING")
    env = d.proc("web:web_01")["env"]
    want = {"A": "own", "B": "daemon", "C": "x,y 1", "Q": "s q", "INHERITED": "1",
            "PERCENT": "100%(x)s", "SUPERVISOR_ENABLED": "1",
            "SUPERVISOR_PROCESS_NAME": "web_01", "SUPERVISOR_GROUP_NAME": "web",
            "SUPERVISOR_SERVER_URL": "unix://" + d.sock, "HOME": box.dir}
    assert {k: env.get(k) for k in want} == want


@pytest.mark.parametrize("raw,url", [
    ("[inet_http_server]\nport=127.0.0.1:{port}\n", "http://127.0.0.1:{port}"),
    ("[inet_http_server]\nport=*:{port}\n", "http://localhost:{port}"),
    ("[inet_http_server]\nport={port}\n", "http://localhost:{port}"),
    ("", None),
])
def test_server_url(box, raw, url):
    port = free_port()
    conf = box.write("sv.conf", "[supervisord]\nlogfile=%s/l\npidfile=%s/p\n" % (box.dir, box.dir)
                     + raw.format(port=port)
                     + program("a", box.child + " append %s x pause" % box.path("up"),
                               startsecs=0)
                     + program("b", box.child + " pause", serverurl="http://elsewhere:1/"))
    p = box.launch(conf)

    def of(name):
        for pid in children(p.pid):
            try:
                env = proc_info(pid)["env"]
            except OSError:
                continue
            if env.get("SUPERVISOR_PROCESS_NAME") == name:
                return env
        return None
    env = wait_until(lambda: of("a"))
    assert env.get("SUPERVISOR_SERVER_URL") == (url and url.format(port=port))
    assert wait_until(lambda: of("b"))["SUPERVISOR_SERVER_URL"] == "http://elsewhere:1/"


def test_child_surroundings(box):
    os.mkdir(box.path("work"))
    d = box.start(program("a", box.child + " pause", startsecs=0, umask="027",
                          directory=box.path("work"))
                  + program("b", box.child + " pause", startsecs=0))
    d.wait_state("a", "RUNNING")
    d.wait_state("b", "RUNNING")
    a, b = d.proc("a"), d.proc("b")
    assert a["umask"] == 0o027 and a["cwd"] == box.path("work")
    assert b["cwd"] == box.dir
    assert sorted(a["fds"]) == [0, 1, 2]
    assert all(a["fds"][fd].startswith(("pipe:", "socket:")) for fd in (0, 1, 2))
    assert a["pgid"] == a["pid"]
    assert a["sid"] == proc_info(d.pid)["sid"]
    assert a["sigblk"] == 0


@pytest.mark.differs("Python leaves SIGPIPE and SIGXFSZ ignored in every child")
def test_child_signals_are_default(box):
    d = box.start(program("a", box.child + " pause", startsecs=0))
    d.wait_state("a", "RUNNING")
    assert d.proc("a")["sigign"] == 0


def test_user(box, root):
    who = is_user("www-data") or pytest.skip("no user www-data")
    d = box.start(program("a", box.child + " pause", startsecs=0, user="www-data")
                  + program("n", box.child + " pause", startsecs=0, user=who.pw_uid))
    for name in "an":
        d.wait_state(name, "RUNNING")
        p = d.proc(name)
        assert (p["uid"], p["gid"]) == (who.pw_uid, who.pw_gid)
        assert p["groups"] == sorted(set(os.getgrouplist("www-data", who.pw_gid)))
        assert p["env"]["HOME"] == box.dir and "USER" not in p["env"]


def test_relative_command_and_path(box):
    box.write("bin/tool", "#!/bin/sh\nexec %s pause\n" % box.child, 0o755)
    d = box.start(program("bypath", "tool", startsecs=0,
                          environment='PATH="%s:/usr/bin:/bin"' % box.path("bin"))
                  + program("relative", "bin/tool", startsecs=0))
    d.wait_state("bypath", "RUNNING")
    d.wait_state("relative", "RUNNING")


# ---- spawn errors ------------------------------------------------------------------

def test_spawn_errors(box):
    box.write("plain", "no program")
    os.mkdir(box.path("folder"))
    cases = {
        "missing": ("/nonexistent/x", "can't find command '/nonexistent/x'"),
        "unknown": ("no-such-word-xyz a b", "can't find command 'no-such-word-xyz'"),
        "folder": (box.path("folder"), "command at '%s' is a directory" % box.path("folder")),
        "plain": (box.path("plain"),
                  "command at '%s' is not executable" % box.path("plain")),
        "quote": ("/bin/sh -c 'x", "can't parse command \"/bin/sh -c 'x\": No closing quotation"),
        "empty": ("", "command is empty"),
    }
    d = box.start("".join(program(n, c, startretries=0, autostart="false")
                          for n, (c, _) in cases.items()))
    for name, (_, text) in cases.items():
        code, words = fault_of(d.sv.startProcess, name)
        expect = {"missing": (20, "NO_FILE: " + text), "unknown": (20, "NO_FILE: " + text)
                  }.get(name, (21, "NOT_EXECUTABLE: " + text))
        assert (code, words) == expect, name
    # autostart meets the same errors, and the process tells them.
    d.stop()
    d = box.start("".join(program(n, c, startretries=0) for n, (c, _) in cases.items()),
                  name="second.conf")
    for name, (_, text) in cases.items():
        info = d.wait_state(name, "FATAL")
        assert info["spawnerr"] == text and info["description"] == text, name
        assert "INFO spawnerr: " + text in d.log
        d.wait_log(r"gave up: %s entered FATAL" % name)


def test_failures_after_the_fork(box, root):
    """They exit with 127 and say why in the child's stderr log."""
    bad = box.write("noexec", b"\x7fELF garbage", 0o755)
    text = program("dir", box.child + " pause", directory="/nonexistent/dir", startretries=0,
                   stderr_logfile=box.path("dir.err"))
    text += program("exec", bad, startretries=0, stderr_logfile=box.path("exec.err"))
    text += program("interp", box.write("script", "#!/nonexistent/sh\n", 0o755), startretries=0,
                    stderr_logfile=box.path("interp.err"))
    d = box.start(text)
    for name in ("dir", "exec", "interp"):
        d.wait_state(name, "FATAL")
        d.wait_log(r"WARN exited: %s \(exit status 127; not expected\)$" % name)
    tail = "supervisor: child process was not spawned\n"
    assert box.read("dir.err") == "supervisor: couldn't chdir to /nonexistent/dir: ENOENT\n" + tail
    assert box.read("exec.err") == "supervisor: couldn't exec %s: ENOEXEC\n" % bad + tail
    assert box.read("interp.err") == ("supervisor: couldn't exec %s: ENOENT\n"
                                      % box.path("script")) + tail


def test_missing_program_appears(box):
    d = box.start(program("a", box.path("later") + " pause", startretries=30))
    assert d.wait_state("a", "BACKOFF")["spawnerr"] == \
        "can't find command '%s'" % box.path("later")
    os.symlink(box.child, box.path("later"))
    d.wait_state("a", "RUNNING")
    assert d.info("a")["spawnerr"] == ""


def test_nothing_is_left_after_the_end(box):
    d = box.start("".join(program("p%d" % i, box.child + " pause", startsecs=0)
                          for i in range(5)))
    for i in range(5):
        d.wait_state("p%d" % i, "RUNNING")
    pids = descendants(d.pid)
    assert len(pids) == 5
    assert d.stop() == 0
    assert not any(alive(pid) for pid in pids)
    assert not os.path.exists(d.sock)
    assert not os.path.exists(box.path("supervisord.pid"))
