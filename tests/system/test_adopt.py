"""What becomes of the programs when supervisord is killed: they end or run on as the
configuration says, and the next supervisord takes them over."""
import os
import signal

import pytest

from harness import alive, holds_for, is_user, kill, wait_until

pytestmark = pytest.mark.differs("these options are ours")


def program(name, command, **options):
    lines = ["[program:%s]" % name, "command=%s" % command]
    return "\n".join(lines + ["%s=%s" % kv for kv in options.items()]) + "\n"


def kill_supervisord(d):
    kill(d.pid)
    d.wait_exit()


# ---- on_supervisor_death -----------------------------------------------------------

def test_death_keeps_programs(box):
    d = box.start(program("a", box.child + " pause"), supervisord="on_supervisor_death=keep")
    pid = d.wait_state("a", "RUNNING")["pid"]
    kill_supervisord(d)
    holds_for(lambda: alive(pid), 0.3)


def test_death_stops_programs(box):
    d = box.start(program("a", box.child + " pause")
                  + program("b", box.child + " ignore TERM pause", stopsignal="USR1"),
                  supervisord="on_supervisor_death=stop")
    pids = [d.wait_state(name, "RUNNING")["pid"] for name in "ab"]
    kill_supervisord(d)
    wait_until(lambda: not any(map(alive, pids)))


def test_death_stops_programs_of_other_users(box, root):
    is_user("nobody") or pytest.skip("no user nobody")
    d = box.start(program("a", box.child + " pause", user="nobody"),
                  supervisord="on_supervisor_death=stop")
    pid = d.wait_state("a", "RUNNING")["pid"]
    assert os.stat("/proc/%d" % pid).st_uid != 0
    kill_supervisord(d)
    wait_until(lambda: not alive(pid))


def test_a_crash_is_no_death(box):
    """What goes on as the same process has not died."""
    d = box.start(program("a", box.child + " pause"), supervisord="on_supervisor_death=stop")
    pid = d.wait_state("a", "RUNNING")["pid"]
    kill(d.pid, signal.SIGSEGV)
    d.wait_log("CRIT supervisord crashed: SIGSEGV")
    assert d.new_rpc().supervisor.getProcessInfo("a")["pid"] == pid and alive(pid)
    kill_supervisord(d)
    wait_until(lambda: not alive(pid))


def test_adopted_ones_stay_so_over_a_crash(box):
    text = program("a", box.child + " pause") + program("b", box.child + " pause")
    d = box.start(text, supervisord="adopt=true")
    pids = {name: d.wait_state(name, "RUNNING")["pid"] for name in "ab"}
    d = again(box, text, d)
    kill(d.pid, signal.SIGSEGV)
    d.wait_log("CRIT supervisord crashed: SIGSEGV")
    assert {name: d.new_rpc().supervisor.getProcessInfo(name)["pid"] for name in "ab"} == pids
    kill(pids["a"])
    wait_until(lambda: d.new_rpc().supervisor.getProcessInfo("a")["pid"] not in (0, pids["a"]))
    d.wait_log(r"exited: a \((terminated by SIGKILL|exit status unknown); not expected\)")
    d = again(box, text, d)  # the file has outlived it too
    assert d.pid_of("b") == pids["b"]


def test_death_is_keep_or_stop(box):
    conf = box.write("sv.conf", box.conf_text(supervisord="on_supervisor_death=cry"))
    r = box.run("supervisord", "-n", "-c", conf)
    assert r.rc == 2 and "'cry' is neither keep nor stop" in r.err
    assert "option 'on_supervisor_death'" in r.err


# ---- adoption ----------------------------------------------------------------------

def lines(box, seconds="0.01"):
    """A program that writes numbered lines."""
    script = box.write("lines.sh", "i=0\nwhile :; do i=$((i+1)); echo line $i; sleep %s; done\n"
                       % seconds)
    return "/bin/sh " + script


def again(box, text, old, supervisord="adopt=true", **kw):
    """Kill supervisord and start the next one."""
    kill_supervisord(old)
    return box.start(text, supervisord=supervisord, **kw)


def numbers(d, name):
    return [int(line.split()[1]) for line in d.file(name).splitlines() if line]


def spawns(d, name):
    return d.log.count("spawned: '%s' with pid" % name)


def test_adopts_all(box):
    text = "".join(program("a%d" % i, lines(box), stdout_logfile=box.path("a%d.log" % i))
                   for i in range(3))
    text += program("by_hand", box.child + " pause", autostart="false")
    text += program("many", box.child + " pause", numprocs=3,
                    process_name="%(program_name)s_%(process_num)d")
    text += program("off", box.child + " pause", autostart="false")
    names = ["a0", "a1", "a2", "by_hand"] + ["many:many_%d" % i for i in range(3)]
    d = box.start(text, supervisord="adopt=true")
    d.sv.startProcess("by_hand")
    before = {name: d.wait_state(name, "RUNNING") for name in names}
    assert os.stat(box.path("supervisord.pid.state")).st_mode & 0o777 == 0o600
    kill_supervisord(d)
    last = numbers(d, "a0.log")[-1]
    holds_for(lambda: all(alive(b["pid"]) for b in before.values()), 0.4)  # nobody reads
    assert numbers(d, "a0.log")[-1] == last

    d = box.start(text, supervisord="adopt=true")
    for name in names:
        after = d.info(name)
        assert (after["pid"], after["statename"]) == (before[name]["pid"], "RUNNING")
        assert after["start"] == before[name]["start"]
        short = name.rpartition(":")[2]
        d.wait_log(r"INFO adopted: '%s' with pid %d \(RUNNING\)$" % (short, after["pid"]))
        assert spawns(d, short) == 1
    assert d.state("off") == "STOPPED"
    for name in ("a0.log", "a1.log", "a2.log"):
        wait_until(lambda: numbers(d, name)[-1] > last + 50)
        got = numbers(d, name)
        # those that were written meanwhile too; what was just being read may be missing
        assert got == sorted(set(got)) and got[-1] - len(got) <= 3
    assert d.ctl("status", "a0").out.split()[1] == "RUNNING"
    assert "line " in d.ctl("tail", "a0").out
    assert d.ctl("stop", "a1").out == "a1: stopped\n"
    assert not alive(before["a1"]["pid"])
    d.ctl("restart", "a2")
    assert d.wait_state("a2", "RUNNING")["pid"] != before["a2"]["pid"]
    assert not alive(before["a2"]["pid"])
    assert d.stop() == 0
    assert not any(alive(b["pid"]) for b in before.values())
    assert not os.path.exists(box.path("supervisord.pid.state"))


def test_exit_is_noticed(box):
    text = (program("restarted", box.child + " onsig USR1 3 pause")
            + program("expected", box.child + " onsig USR1 3 pause", exitcodes="3")
            + program("never", box.child + " pause", autorestart="false"))
    d = box.start(text, supervisord="adopt=true")
    pids = {name: d.wait_state(name, "RUNNING")["pid"]
            for name in ("restarted", "expected", "never")}
    d = again(box, text, d)
    for name, pid in pids.items():
        assert d.pid_of(name) == pid
        d.sv.signalProcess(name, "KILL" if name == "never" else "USR1")
    after = wait_until(lambda: d.pid_of("restarted") not in (0, pids["restarted"])
                       and d.info("restarted"))
    assert after["statename"] in ("STARTING", "RUNNING")
    d.wait_state("never", "EXITED")
    found = d.wait_log(r"exited: expected \((.*); (expected|not expected)\)")
    if found.group(1) == "exit status 3":  # this kernel tells
        assert found.group(2) == "expected" and d.state("expected") == "EXITED"
        d.wait_log(r"exited: never \(terminated by SIGKILL; not expected\)")
    else:
        assert found.groups() == ("exit status unknown", "not expected")
    d.wait_state("restarted", "RUNNING")
    assert not any(map(alive, pids.values()))


def test_died_meanwhile(box):
    text = program("a", box.child + " pause") + program("b", box.child + " pause")
    d = box.start(text, supervisord="adopt=true")
    a, b = (d.wait_state(name, "RUNNING")["pid"] for name in "ab")
    kill_supervisord(d)
    kill(a)
    wait_until(lambda: not alive(a))
    d = box.start(text, supervisord="adopt=true")
    assert d.wait_state("a", "RUNNING")["pid"] != a
    assert d.pid_of("b") == b
    d.wait_log(r"a:a \(pid %d\) has ended$" % a)


def test_standard_input_goes_on(box):
    text = program("cat", box.child + " echo", stdout_logfile=box.path("cat.log"))
    d = box.start(text, supervisord="adopt=true")
    pid = d.wait_state("cat", "RUNNING")["pid"]
    d.sv.sendProcessStdin("cat", "before\n")
    d.wait_file("cat.log", "^before$")
    d = again(box, text, d)
    assert d.pid_of("cat") == pid
    d.sv.sendProcessStdin("cat", "after\n")
    d.wait_file("cat.log", "^before\nafter$")


def test_programs_of_other_users(box, root):
    is_user("nobody") or pytest.skip("no user nobody")
    log = box.write("n.log", "")
    text = program("n", lines(box), user="nobody", stdout_logfile=log)
    d = box.start(text, supervisord="adopt=true")
    pid = d.wait_state("n", "RUNNING")["pid"]
    d = again(box, text, d)
    assert d.pid_of("n") == pid
    seen = numbers(d, "n.log")[-1]
    try:
        os.close(os.open("/proc/%d/fd/1" % pid, os.O_RDONLY | os.O_NONBLOCK))
    except PermissionError:
        d.wait_log("the output of 'n' cannot be taken over: Permission denied")
    else:
        wait_until(lambda: numbers(d, "n.log")[-1] > seen + 20)
    assert d.ctl("stop", "n").out == "n: stopped\n"


def test_listener_is_started_anew(box):
    script = box.write("listen.sh", "printf 'READY\\n'\nwhile read x; do :; done; sleep 60\n")
    text = "[eventlistener:l]\ncommand=/bin/sh %s\nevents=PROCESS_STATE\n" % script
    d = box.start(text, supervisord="adopt=true")
    pid = d.wait_state("l", "RUNNING")["pid"]
    d = again(box, text, d)
    d.wait_log("'l' is started anew")
    wait_until(lambda: d.pid_of("l") not in (0, pid))
    d.wait_state("l", "RUNNING")
    assert not alive(pid)


def edit(box, old, new):
    path = box.path("supervisord.pid.state")
    text = box.read("supervisord.pid.state")
    assert old in text
    with open(path, "w") as f:
        f.write(text.replace(old, new))


def test_reused_pid_is_not_adopted(box):
    text = program("a", box.child + " pause")
    d = box.start(text, supervisord="adopt=true")
    pid = d.wait_state("a", "RUNNING")["pid"]
    kill_supervisord(d)
    with open("/proc/%d/stat" % pid) as f:
        started = f.read().rpartition(")")[2].split()[19]
    other = str(int(started) - 1)
    edit(box, "started=%d:%s" % (len(started), started), "started=%d:%s" % (len(other), other))
    d = box.start(text, supervisord="adopt=true")
    assert d.wait_state("a", "RUNNING")["pid"] != pid
    d.wait_log(r"a:a \(pid %d\) has ended$" % pid)
    assert alive(pid)  # somebody else's, who is not touched


def test_removed_program_is_left_alone(box):
    a, b = program("a", box.child + " pause"), program("b", box.child + " pause")
    d = box.start(a + b, supervisord="adopt=true")
    pids = [d.wait_state(name, "RUNNING")["pid"] for name in "ab"]
    d = again(box, b, d)
    d.wait_log(r"WARN a:a \(pid %d\) is left alone: the configuration has no such program"
               % pids[0])
    assert [p["pid"] for p in d.sv.getAllProcessInfo()] == [pids[1]]
    assert d.stop() == 0
    assert alive(pids[0]) and not alive(pids[1])


def test_changed_command_is_said(box):
    d = box.start(program("a", box.child + " pause"), supervisord="adopt=true")
    pid = d.wait_state("a", "RUNNING")["pid"]
    d = again(box, program("a", box.child + " sleep 1000"), d)
    d.wait_log("WARN 'a' runs the command of its old configuration until it is restarted")
    assert d.pid_of("a") == pid


def test_other_user_is_refused(box, root):
    is_user("nobody") or pytest.skip("no user nobody")
    d = box.start(program("a", box.child + " pause"), supervisord="adopt=true")
    pid = d.wait_state("a", "RUNNING")["pid"]
    d = again(box, program("a", box.child + " pause", user="nobody"), d)
    d.wait_log(r"a:a \(pid %d\) is left alone: it does not run as the user it should" % pid)
    assert d.wait_state("a", "RUNNING")["pid"] != pid and alive(pid)


@pytest.mark.parametrize("spoil,why", [
    (lambda box: os.chmod(box.path("supervisord.pid.state"), 0o622), "is not a file of ours alone"),
    (lambda box: edit(box, "end\n", ""), "is damaged"),
    (lambda box: edit(box, "version=1:1", "version=1:9"), "is of another version"),
    (lambda box: edit(box, boot_id(), boot_id()[::-1]), "is from before the last boot"),
])
def test_doubtful_file(box, spoil, why):
    text = program("a", box.child + " pause")
    d = box.start(text, supervisord="adopt=true")
    pid = d.wait_state("a", "RUNNING")["pid"]
    kill_supervisord(d)
    spoil(box)
    d = box.start(text, supervisord="adopt=true")
    assert d.wait_state("a", "RUNNING")["pid"] != pid
    d.wait_log("nothing is adopted: .*" + why)


def boot_id():
    with open("/proc/sys/kernel/random/boot_id") as f:
        return f.read().strip()


def test_file_of_a_living_one(box):
    """A second supervisord with the same file neither obeys nor overwrites it."""
    text = program("a", box.child + " pause")
    first = box.start(text, supervisord="adopt=true\nstatefile=%s" % box.path("x.state"))
    pid = first.wait_state("a", "RUNNING")["pid"]
    before = box.read("x.state")
    conf = box.conf_text(text, supervisord="adopt=true\nstatefile=%s" % box.path("x.state"))
    os.mkdir(box.path("other"))
    conf = conf.replace(box.path("sv.sock"), box.path("other/sv.sock"))
    conf = conf.replace(box.path("supervisord."), box.path("other/supervisord."))
    second = box.popen([box.target.path("supervisord"), "-n", "-s", "-c",
                        box.write("other.conf", conf)])
    wait_until(lambda: "belongs to the supervisord with pid %d, which lives" % first.pid
               in box.read("other/supervisord.log"))
    wait_until(lambda: "entered RUNNING" in box.read("other/supervisord.log"))
    assert box.read("x.state") == before
    os.kill(second.pid, 15)
    assert second.wait(20) == 0
    assert box.read("x.state") == before and first.pid_of("a") == pid


def test_stopping_one_is_started_again(box):
    text = program("a", box.child + " ignore TERM pause", stopwaitsecs=3)
    d = box.start(text, supervisord="adopt=true")
    pid = d.wait_state("a", "RUNNING")["pid"]
    d.sv.stopProcess("a", False)
    d.wait_state("a", "STOPPING")
    d = again(box, text, d)
    assert d.pid_of("a") == pid and d.state("a") == "STOPPING"
    wait_until(lambda: d.pid_of("a") not in (0, pid))  # killed when its time was over
    assert not alive(pid)


def test_without_adopt_all_is_as_ever(box):
    text = program("a", box.child + " pause")
    d = box.start(text)
    pid = d.wait_state("a", "RUNNING")["pid"]
    d = again(box, text, d, supervisord="")
    assert d.wait_state("a", "RUNNING")["pid"] != pid
    assert not os.path.exists(box.path("supervisord.pid.state"))
