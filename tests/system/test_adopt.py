"""What becomes of the programs when supervisord is killed: they end or run on as the
configuration says, and the next supervisord takes them over."""
import os

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


def test_death_is_keep_or_stop(box):
    conf = box.write("sv.conf", box.conf_text(supervisord="on_supervisor_death=cry"))
    r = box.run("supervisord", "-n", "-c", conf)
    assert r.rc == 2 and "'cry' is neither keep nor stop" in r.err
    assert "option 'on_supervisor_death'" in r.err
