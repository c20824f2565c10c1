"""Events and their listeners: the protocol, every type's payload, pools, what happens to
events when listeners are slow, wrong or dead. All of it holds for the original too, but
for what is marked."""
import json
import os
import re
import signal
import time

import pytest

from harness import HERE, children, fault_of, holds_for, kill, wait_until

LISTENER = "/usr/bin/python3 %s" % os.path.join(HERE, "helpers", "listener.py")


def section(box, events, name="l", args="", **options):
    lines = ["[eventlistener:%s]" % name,
             "command=%s %s %s" % (LISTENER, box.path(name + ".events"), args),
             "events=" + events, "stderr_logfile=" + box.path(name + ".err")]
    options.setdefault("startsecs", 0)
    options.setdefault("buffer_size", 1000)
    return "\n".join(lines + ["%s=%s" % kv for kv in options.items()]) + "\n"


def program(name, command, **options):
    options.setdefault("startsecs", 0)
    options.setdefault("autorestart", "false")
    return "\n".join(["[program:%s]" % name, "command=" + command] +
                     ["%s=%s" % kv for kv in options.items()]) + "\n"


def got(box, name="l"):
    return [json.loads(line) for line in box.read(name + ".events").splitlines(True)
            if line.endswith("\n")]


def types(box, name="l"):
    return [e["head"]["eventname"] for e in got(box, name)]


def wait_event(box, pattern, name="l", count=1, timeout=25):
    """The count-th event whose "TYPE body" the pattern matches."""
    def look():
        found = [e for e in got(box, name)
                 if re.fullmatch(pattern, e["head"]["eventname"] + " " + e["body"], re.S)]
        return len(found) >= count and found[count - 1]
    return wait_until(look, timeout, lambda: "%r in %s; stderr %s" % (
        pattern, [e["head"]["eventname"] + " " + e["body"] for e in got(box, name)],
        box.read(name + ".err")))


def remote(d, *texts):
    for text in texts:
        d.sv.sendRemoteCommEvent("t", text)


def bodies(box, name="l"):
    return [e["body"].partition("\n")[2] for e in got(box, name)]


# ---- the text of events ------------------------------------------------------------

def test_header(box):
    d = box.start(section(box, "REMOTE_COMMUNICATION"), supervisord="identifier=me")
    remote(d, "one", "two")
    wait_until(lambda: len(got(box)) == 2)
    assert [e["line"] for e in got(box)] == [
        "ver:3.0 server:me serial:%d pool:l poolserial:%d "
        "eventname:REMOTE_COMMUNICATION len:10\n" % (n, n) for n in (0, 1)]
    assert got(box)[0]["body"] == "type:t\none"


def test_every_type(box):
    """One of each, with its payload, in a run from the beginning to the end."""
    capture = "<!--XSUPERVISOR:BEGIN-->%s<!--XSUPERVISOR:END-->"
    d = box.start(
        section(box, "EVENT") +
        program("up", box.child + " pause", autostart="false", startsecs=1) +
        program("slow", "/bin/sh -c 'trap : TERM; >%s; while ! [ -e %s ]; do sleep 0.05; done'"
                % (box.path("deaf"), box.path("go")), autostart="false") +
        program("good", box.child + " exit 0", autostart="false") +
        program("bad", box.child + " sleep 0.2 exit 4", autostart="false") +
        program("none", box.child + " exit 1", autostart="false", startsecs=5, startretries=1) +
        program("talk", box.child + r" out 'hello\n' err 'oops\n'", autostart="false",
                stdout_events_enabled="true", stderr_events_enabled="true") +
        program("tell", box.child + " out '%s' err '%s'" % (capture % "a", capture % "b"),
                autostart="false", stdout_capture_maxbytes="1KB",
                stderr_capture_maxbytes="1KB"))
    d.sv.startProcess("up")
    pid = d.pid_of("up")
    d.sv.stopProcess("up")
    for name in ("good", "bad", "talk", "tell"):
        d.sv.startProcess(name, False)
        d.wait_state(name, "EXITED")
    assert fault_of(d.sv.startProcess, "none")[0] in (40, 50)
    d.wait_state("none", "FATAL")
    d.sv.sendRemoteCommEvent("kind", "words: of\nmany lines")
    d.sv.removeProcessGroup("up")
    d.sv.addProcessGroup("up")
    for pattern in (
            r"SUPERVISOR_STATE_CHANGE_RUNNING ",
            r"PROCESS_GROUP_ADDED groupname:l\n",
            r"PROCESS_GROUP_ADDED groupname:up\n",
            r"PROCESS_GROUP_REMOVED groupname:up\n",
            r"PROCESS_STATE_STARTING processname:up groupname:up from_state:STOPPED tries:0",
            r"PROCESS_STATE_RUNNING processname:up groupname:up from_state:STARTING pid:%d" % pid,
            r"PROCESS_STATE_STOPPING processname:up groupname:up from_state:RUNNING pid:%d" % pid,
            r"PROCESS_STATE_STOPPED processname:up groupname:up from_state:STOPPING pid:%d" % pid,
            r"PROCESS_STATE_EXITED processname:good groupname:good from_state:RUNNING expected:1 pid:\d+",
            r"PROCESS_STATE_EXITED processname:bad groupname:bad from_state:RUNNING expected:0 pid:\d+",
            r"PROCESS_STATE_BACKOFF processname:none groupname:none from_state:STARTING tries:1",
            r"PROCESS_STATE_STARTING processname:none groupname:none from_state:BACKOFF tries:1",
            r"PROCESS_STATE_BACKOFF processname:none groupname:none from_state:STARTING tries:2",
            r"PROCESS_STATE_FATAL processname:none groupname:none from_state:BACKOFF",
            r"PROCESS_LOG_STDOUT processname:talk groupname:talk pid:\d+ channel:stdout\nhello\n",
            r"PROCESS_LOG_STDERR processname:talk groupname:talk pid:\d+ channel:stderr\noops\n",
            r"PROCESS_COMMUNICATION_STDOUT processname:tell groupname:tell pid:\d+\na",
            r"PROCESS_COMMUNICATION_STDERR processname:tell groupname:tell pid:\d+\nb",
            r"REMOTE_COMMUNICATION type:kind\nwords: of\nmany lines"):
        wait_event(box, pattern)
    tick = wait_event(box, r"TICK_5 when:\d+")
    assert int(tick["body"][5:]) % 5 == 0
    serials = [int(e["head"]["serial"]) for e in got(box)]
    assert serials == sorted(serials) and len(set(serials)) == len(serials)
    d.sv.startProcess("slow")
    wait_until(lambda: os.path.exists(box.path("deaf")))
    d.kill(signal.SIGTERM)
    wait_event(box, "SUPERVISOR_STATE_CHANGE_STOPPING ")
    box.write("go", "")
    d.wait_exit()


@pytest.mark.parametrize("parent, child", [
    ("EVENT", "REMOTE_COMMUNICATION"), ("PROCESS_STATE", "PROCESS_STATE_EXITED"),
    ("PROCESS_LOG", "PROCESS_LOG_STDOUT"), ("PROCESS_GROUP", "PROCESS_GROUP_ADDED"),
    ("PROCESS_COMMUNICATION", "PROCESS_COMMUNICATION_STDOUT"), ("TICK", "TICK_5"),
    ("SUPERVISOR_STATE_CHANGE", "SUPERVISOR_STATE_CHANGE_RUNNING"),
    ("PROCESS_STATE_EXITED", "PROCESS_STATE_EXITED")])
def test_subscription_includes_children(box, parent, child):
    d = box.start(section(box, parent) + program(
        "a", box.child + " out '<!--XSUPERVISOR:BEGIN-->x<!--XSUPERVISOR:END-->y'",
        stdout_capture_maxbytes="1KB", stdout_events_enabled="true"))
    remote(d, "x")
    d.wait_state("a", "EXITED")
    wait_until(lambda: child in types(box))
    if parent != "EVENT":
        assert all(t.startswith(parent) for t in types(box))


def test_nobody_subscribed(box):
    """What nobody hears of has no serial: it was never made."""
    d = box.start(section(box, "REMOTE_COMMUNICATION") +
                  program("a", box.child + " exit 0"))
    d.wait_state("a", "EXITED")
    remote(d, "x")
    wait_until(lambda: got(box))
    assert got(box)[0]["head"]["serial"] == "0"


def test_serials_of_pools(box):
    """serial is one for all pools; poolserial counts in each."""
    d = box.start(section(box, "REMOTE_COMMUNICATION", "a") +
                  section(box, "REMOTE_COMMUNICATION,PROCESS_STATE_EXITED", "b") +
                  program("p", box.child + " exit 0", autostart="false"))
    remote(d, "1")
    d.sv.startProcess("p")
    d.wait_state("p", "EXITED")
    remote(d, "2")
    wait_until(lambda: len(got(box, "a")) == 2 and len(got(box, "b")) == 3)

    def numbers(name):
        return [(e["head"]["serial"], e["head"]["poolserial"]) for e in got(box, name)]
    assert numbers("a") == [("0", "0"), ("2", "1")]
    assert numbers("b") == [("0", "0"), ("1", "1"), ("2", "2")]


def test_type_and_its_parent_is_one_event(box):
    """Subscribed to both, the original sends it twice under one serial."""
    d = box.start(section(box, "EVENT,REMOTE_COMMUNICATION"))
    remote(d, "x", "y")
    wait_event(box, r"REMOTE_COMMUNICATION type:t\ny")
    if box.target.ours:
        assert types(box).count("REMOTE_COMMUNICATION") == 2


@pytest.mark.parametrize("mode", ["", "bytes"])
def test_length_of_text(box, mode):
    """len counts characters: a listener that reads text gets whole events. For one that
    reads bytes this holds as long as the text is ASCII."""
    d = box.start(section(box, "REMOTE_COMMUNICATION", args=mode))
    words = ["plain", "more"] if mode else ["gr\u00fc\u00df dich \u2713 \U0001f600", "next"]
    remote(d, *words)
    wait_until(lambda: len(got(box)) == 2, what=lambda: box.read("l.err"))
    assert bodies(box) == words
    assert int(got(box)[0]["head"]["len"]) == len("type:t\n" + words[0])


def test_undecodable_output(box):
    box.start(section(box, "PROCESS_LOG") +
              program("a", box.child + r" out '\xff\x00\n'", stdout_events_enabled="true"))
    e = wait_event(box, "PROCESS_LOG_STDOUT .*")
    assert e["body"].partition("\n")[2] == "Undecodable: b'\\xff\\x00\\n'"


# ---- the protocol ------------------------------------------------------------------

def test_result_in_pieces(box):
    d = box.start(section(box, "REMOTE_COMMUNICATION", args="answers=spell"))
    remote(d, "1", "2")
    wait_until(lambda: bodies(box) == ["1", "2"])


def test_events_before_ready_are_kept(box):
    """A listener that takes its time has everything since the start."""
    d = box.start(section(box, "EVENT", args="slow=1.5") +
                  program("a", box.child + " exit 0"))
    remote(d, "early")
    wait_event(box, "REMOTE_COMMUNICATION .*")
    seen = types(box)
    assert seen[0] == "PROCESS_GROUP_ADDED"
    assert "SUPERVISOR_STATE_CHANGE_RUNNING" in seen and "PROCESS_STATE_EXITED" in seen


def test_rejected_events_come_again_in_order(box):
    d = box.start(section(box, "REMOTE_COMMUNICATION", args="answers=FAIL,FAIL,OK"))
    remote(d, "1", "2")
    wait_until(lambda: bodies(box)[-1:] == ["2"])
    assert bodies(box) == ["1", "1", "1", "2"]
    assert [e["head"]["serial"] for e in got(box)] == ["0", "0", "0", "1"]
    assert [e["head"]["poolserial"] for e in got(box)] == ["0", "0", "0", "1"]
    d.wait_log("WARN l: event was rejected")


def test_one_event_at_a_time(box):
    """A pool of two: one event in flight for each, the third waits."""
    d = box.start(section(box, "REMOTE_COMMUNICATION", args="wait=" + box.path("go-%%s"),
                          numprocs=2, process_name="l%(process_num)d"))
    remote(d, "0", "1", "2")
    wait_until(lambda: len(got(box)) == 2)
    assert len({e["pid"] for e in got(box)}) == 2
    holds_for(lambda: len(got(box)) == 2, 0.5)
    box.write("go-1", "")
    wait_until(lambda: len(got(box)) == 3, what=lambda: (got(box), d.log))
    assert got(box)[2]["pid"] == [e["pid"] for e in got(box) if e["body"][-1] == "1"][0]


def test_dead_listeners_event_goes_on(box):
    """An event in hand of a listener that dies goes to the next that is ready."""
    d = box.start(section(box, "REMOTE_COMMUNICATION", args="answers=die", autorestart="true"))
    remote(d, "x")
    wait_until(lambda: len(got(box)) >= 2)
    first, second = got(box)[:2]
    assert first["head"] == second["head"] and first["pid"] != second["pid"]


def test_killed_listeners_event_goes_on(box):
    d = box.start(section(box, "REMOTE_COMMUNICATION", args="wait=" + box.path("go"),
                          autorestart="true"))
    remote(d, "x")
    pid = wait_until(lambda: got(box))[0]["pid"]
    kill(pid)
    wait_until(lambda: len(got(box)) == 2)
    box.write("go", "")
    remote(d, "y")
    wait_until(lambda: bodies(box) == ["x", "x", "y"])


@pytest.mark.parametrize("answer", [r"RESULT x\n", r"nonsense\n", r"RESULT\n", r"RESULT -x\nOK"])
def test_bad_result(box, answer):
    """The listener is UNKNOWN, its process goes on, its event goes to the other one."""
    d = box.start(section(box, "REMOTE_COMMUNICATION", name="l",
                          args="answers=%s" % answer) .replace("answers=", "'answers=")
                  .replace(answer, answer + "'"))
    remote(d, "x")
    d.wait_log("WARN l: has entered the UNKNOWN state and will no longer receive events, "
               "this usually indicates the process violated the eventlistener protocol")
    d.wait_log("WARN l: bad result line: '")
    assert d.state("l") == "RUNNING"
    before = got(box)
    remote(d, "y")
    holds_for(lambda: got(box) == before, 0.5)
    d.sv.stopProcess("l")
    d.sv.startProcess("l")
    wait_until(lambda: len(got(box)) == len(before) + 1)
    assert bodies(box)[-1] == "x"


@pytest.mark.parametrize("words", [r"out 'hello there\n'", r"out 'READY\n' sleep 0.3 out x"])
def test_words_out_of_turn(box, words):
    d = box.start("[eventlistener:l]\ncommand=%s %s pause\nevents=TICK_3600\nstartsecs=0\n"
                  % (box.child, words))
    d.wait_log("WARN l: has entered the UNKNOWN state")
    assert d.state("l") == "RUNNING"


def test_result_written_like_python_reads_it(box):
    d = box.start(section(box, "REMOTE_COMMUNICATION",
                          args=r"'answers=RESULT  2 \r\nOK'"))
    remote(d, "1", "2", "3")
    wait_until(lambda: bodies(box) == ["1", "2", "3"])


def test_listeners_logs(box):
    d = box.start("[eventlistener:l]\ncommand=%s out 'READY\\n' err 'words\\n' pause\n"
                  "events=TICK_3600\nstartsecs=0\nstdout_logfile=%s\nstderr_logfile=%s\n"
                  % (box.child, box.path("o"), box.path("e")))
    d.wait_file("o", "^READY$")
    d.wait_file("e", "^words$")
    assert d.sv.readProcessStdoutLog("l", 0, 0) == "READY\n"


def test_listeners_stdout_makes_no_events(box):
    d = box.start(section(box, "PROCESS_LOG", stdout_events_enabled="true") +
                  program("a", box.child + r" out 'mine\n'", stdout_events_enabled="true"))
    d.wait_state("a", "EXITED")
    wait_until(lambda: "mine\n" in bodies(box))
    assert {e["body"].split()[0] for e in got(box)} == {"processname:a"}


def test_redirect_stderr_is_refused(box):
    conf = box.write("sv.conf", box.conf_text(section(box, "EVENT", redirect_stderr="true")))
    r = box.run("supervisord", "-n", "-c", conf)
    assert r.rc == 2 and "it will interfere with the eventlistener protocol" in r.err


# ---- buffers -----------------------------------------------------------------------

def test_overflow_drops_the_oldest(box):
    d = box.start(section(box, "REMOTE_COMMUNICATION", args="wait=" + box.path("go"),
                          buffer_size=3))
    remote(d, "0")
    wait_until(lambda: len(got(box)) == 1)
    remote(d, *"123456789")
    d.wait_log("ERRO pool l event buffer overflowed, discarding event 1$")
    box.write("go", "")
    wait_until(lambda: bodies(box) == ["0", "7", "8", "9"], what=lambda: bodies(box))
    if box.target.ours:  # one line and one with the rest, not one for each
        d.wait_log("ERRO pool l event buffer overflowed, 5 more events were discarded$")
        assert d.log.count("event buffer overflowed") == 2


def test_dead_listeners_event_is_not_pushed_out_by_its_death(box):
    """A full buffer: the death of the listener is an event too, and the original keeps
    the one that was in hand."""
    d = box.start(section(box, "REMOTE_COMMUNICATION,PROCESS_STATE_EXITED",
                          args="wait=" + box.path("go"), buffer_size=2,
                          autorestart="false"))
    remote(d, "0")
    pid = wait_until(lambda: got(box))[0]["pid"]
    remote(d, "1", "2")
    kill(pid)
    d.wait_state("l", "EXITED")
    box.write("go", "")
    d.sv.startProcess("l")
    wait_until(lambda: len(got(box)) == 3)
    assert [e["head"]["serial"] for e in got(box)][1] == "0"
    assert types(box)[2] == "PROCESS_STATE_EXITED"


def test_huge_event(box):
    """Three megabytes between the tokens arrive whole."""
    box.start(section(box, "PROCESS_COMMUNICATION") + program(
        "a", box.child + " out '<!--XSUPERVISOR:BEGIN-->' flood 3000000 "
        "out '<!--XSUPERVISOR:END-->'", stdout_capture_maxbytes="4MB"))
    e = wait_event(box, "PROCESS_COMMUNICATION_STDOUT .*")
    assert len(e["body"].partition("\n")[2]) == 3000000


def test_many_events(box):
    """A thousand state changes, every one delivered, in order."""
    d = box.start(section(box, "REMOTE_COMMUNICATION", numprocs=1))
    for i in range(1000):
        d.sv.sendRemoteCommEvent("t", str(i))
    wait_until(lambda: len(got(box)) == 1000)
    assert bodies(box) == [str(i) for i in range(1000)]


# ---- more than upstream ------------------------------------------------------------

@pytest.mark.differs("the original's status says nothing of it")
def test_unknown_listener_is_seen_in_status(box):
    d = box.start("[eventlistener:l]\ncommand=%s out 'hello there' pause\nevents=TICK_3600\n"
                  "startsecs=0\n" % box.child)
    wait_until(lambda: d.info("l")["description"].endswith(", listener state UNKNOWN"))
    assert re.search(r"^l +RUNNING +pid \d+, uptime 0:00:\d\d, listener state UNKNOWN$",
                     d.ctl("status").out, re.M)
    d.sv.stopProcess("l")
    assert "UNKNOWN" not in d.info("l")["description"]


@pytest.mark.differs("listener_timeout is ours")
@pytest.mark.parametrize("args", ["answers=garbage\\\\n,OK", "wait={go}"])
def test_listener_timeout(box, args):
    """A listener that broke the protocol, or that never answers, is started again and
    its event delivered."""
    go = box.path("go")
    d = box.start(section(box, "REMOTE_COMMUNICATION", args=args.format(go=go),
                          listener_timeout=1))
    remote(d, "x")
    first = wait_until(lambda: got(box))[0]
    box_go = wait_until(lambda: d.pid_of("l") not in (0, first["pid"]) or None)
    assert box_go
    box.write("go", "")
    wait_until(lambda: len(got(box)) >= 2)
    assert bodies(box)[1] == "x" and got(box)[1]["pid"] != first["pid"]
    d.wait_log(r"WARN l: listener has been (UNKNOWN|BUSY) for 1 seconds \(listener_timeout\)")


@pytest.mark.differs("listener_timeout is ours")
def test_listener_timeout_leaves_good_ones_alone(box):
    d = box.start(section(box, "REMOTE_COMMUNICATION", listener_timeout=1))
    remote(d, "1")
    wait_until(lambda: len(got(box)) == 1)
    pid = d.pid_of("l")
    holds_for(lambda: d.pid_of("l") == pid, 1.5)


# ---- plug-in handler ---------------------------------------------------------------

@pytest.mark.differs("the plug-in may not be installed")
def test_supervisor_stdout_handler(box):
    d = box.start(section(box, "REMOTE_COMMUNICATION",
                          args=r"'answers=RESULT 5\nwords'",
                          result_handler="supervisor_stdout:event_handler"),
                  args=("-n", "-s"))
    remote(d, "x", "y")
    wait_until(lambda: d.out == "words\nwords\n")


# ---- groups, reload ----------------------------------------------------------------

def test_listener_added_and_removed_at_run_time(box):
    d = box.start(program("a", box.child + " pause"))
    box.write("sv.conf", box.conf_text(program("a", box.child + " pause") +
                                       section(box, "EVENT")))
    assert "l: added process group" in d.ctl("update").out
    remote(d, "x")
    wait_event(box, "REMOTE_COMMUNICATION .*")
    assert types(box)[0] == "PROCESS_GROUP_ADDED"
    box.write("sv.conf", box.conf_text(program("a", box.child + " sleep 100")))
    assert "l: removed process group" in d.ctl("update").out
    remote(d, "y")
    assert d.state("a") == "RUNNING"
    holds_for(lambda: "y" not in bodies(box), 0.3)


def test_group_changes_make_events(box):
    d = box.start(section(box, "PROCESS_GROUP") + program("a", box.child + " pause") +
                  program("b", box.child + " pause"))
    wait_event(box, r"PROCESS_GROUP_ADDED groupname:b\n")
    box.write("sv.conf", box.conf_text(section(box, "PROCESS_GROUP") +
                                       program("a", box.child + " sleep 99") +
                                       program("c", box.child + " pause")))
    d.ctl("update")
    for text in ("REMOVED groupname:b", "REMOVED groupname:a", "ADDED groupname:c"):
        wait_event(box, r"PROCESS_GROUP_%s\n" % text)
    wait_event(box, r"PROCESS_GROUP_ADDED groupname:a\n", count=2)


def test_reload(box):
    """The whole daemon anew: serials of all events go on, a pool's begin again."""
    d = box.start(section(box, "REMOTE_COMMUNICATION,SUPERVISOR_STATE_CHANGE") +
                  program("a", box.child + " trap TERM pause", stopwaitsecs=1))
    wait_event(box, "SUPERVISOR_STATE_CHANGE_RUNNING ")
    remote(d, "x")
    wait_event(box, "REMOTE_COMMUNICATION .*")
    d.sv.restart()
    wait_event(box, "SUPERVISOR_STATE_CHANGE_RUNNING ", count=2)
    numbers = [(e["head"]["serial"], e["head"]["poolserial"]) for e in got(box)]
    assert numbers == [("0", "0"), ("1", "1"), ("2", "2"), ("3", "0")]


def test_no_listener_is_left_behind(box):
    d = box.start(section(box, "EVENT", numprocs=3, process_name="l%(process_num)d"))
    wait_until(lambda: len(children(d.pid)) == 3)
    d.stop()
    wait_until(lambda: not children(d.pid) if os.path.exists("/proc/%d" % d.pid) else True)
    assert d.popen.returncode == 0


def test_ticks_follow_the_wall_clock(box):
    box.start(section(box, "TICK_5"))
    e = wait_event(box, r"TICK_5 when:\d+")
    assert abs(int(e["body"][5:]) - time.time()) < 3
