"""1,000 programs start, show RUNNING and stop; memory and descriptors come back."""
import re
import signal
import time

from harness import alive, children, kill, proc_info, wait_until

COUNT = 1000


def test_thousand_programs(box, root):
    n = COUNT if box.target.ours else 100
    d = box.start("[program:p]\ncommand=%s pause\nprocess_name=%%(process_num)04d\nnumprocs=%d\n"
                  "autostart=false\nstartsecs=1\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
                  % (box.tools["sleeper"], n), supervisord="minfds=8192")
    d.sv.getAllProcessInfo()
    before = proc_info(d.pid)

    def cycle():
        begin = time.monotonic()
        results = d.new_rpc(timeout=120).supervisor.startAllProcesses()
        assert len(results) == n and all(r["status"] == 80 for r in results)
        started = time.monotonic() - begin
        status = d.ctl("status")
        assert len(re.findall(r"RUNNING   pid \d+, uptime", status.out)) == n and status.rc == 0
        assert len(children(d.pid)) == n
        begin = time.monotonic()
        results = d.new_rpc(timeout=120).supervisor.stopAllProcesses()
        assert len(results) == n and all(r["status"] == 80 for r in results)
        assert children(d.pid) == []
        return started, time.monotonic() - begin
    cycle()
    first = proc_info(d.pid)
    times = cycle()
    after = proc_info(d.pid)
    # The client's connection may still be there, nothing else.
    # 4: spawn.c's low numbers and their plug, kept from the first start on
    assert len(after["fds"]) <= len(before["fds"]) + 1 + 4
    assert len(after["fds"]) <= len(first["fds"])
    if not box.target.dynamic:  # the sanitizer keeps freed memory aside
        assert after["rss_kb"] <= first["rss_kb"] * 1.1 + 100
    print("start %.2f s, stop %.2f s, RSS %d -> %d KB" % (*times, before["rss_kb"],
                                                          after["rss_kb"]))
    if box.target.ours and not box.target.dynamic:
        assert times[0] < 8 and times[1] < 5


def test_thousand_at_boot_and_shutdown(box, root):
    n = COUNT if box.target.ours else 100
    d = box.start("[program:p]\ncommand=%s pause\nprocess_name=%%(process_num)04d\nnumprocs=%d\n"
                  "startsecs=0\n" % (box.tools["sleeper"], n), supervisord="minfds=8192")
    rpc = d.new_rpc(timeout=60).supervisor
    wait_until(lambda: all(p["statename"] == "RUNNING" for p in rpc.getAllProcessInfo()),
               timeout=60, every=0.1)
    assert d.stop(timeout=60) == 0
    assert len(re.findall(r"stopped: \d{4} \(terminated by SIGTERM\)", d.log)) == n


def test_many_exit_at_once_and_retry(box):
    """Each program gets its 1 + startretries attempts, not one more."""
    n = 100 if box.target.ours else 20
    d = box.start("[program:p]\ncommand=%s exit 1\nprocess_name=%%(process_num)04d\nnumprocs=%d\n"
                  "startretries=1\nstdout_logfile=NONE\nstderr_logfile=NONE\n" % (box.child, n))
    wait_until(lambda: all(p["statename"] == "FATAL" for p in d.sv.getAllProcessInfo()),
               every=0.1)
    assert len(re.findall(r"spawned: ", d.log)) == 2 * n
    assert len(re.findall(r"gave up: ", d.log)) == n


def test_two_die_at_once_among_many(box):
    """One signal tells of both. The pipes of the first end with it; the second has left its
    own to somebody, so nothing but a look at all children finds it."""
    n = 300
    d = box.start("[program:p]\ncommand=%s pause\nprocess_name=%%(process_num)04d\nnumprocs=%d\n"
                  "[program:heir]\ncommand=/bin/sh -c '%s pause & echo $! >%s; exec %s pause'\n"
                  "killasgroup=true\nstopasgroup=true\n"
                  % (box.tools["sleeper"], n, box.tools["sleeper"], box.path("heir"),
                     box.tools["sleeper"]), supervisord="minfds=2048")
    names = ["p:0000", "p:0001", "heir"]

    def pids():
        return [d.proc(name)["pid"] for name in names]
    wait_until(lambda: all(p["statename"] == "RUNNING" for p in d.sv.getAllProcessInfo()))
    wait_until(lambda: len(children(d.pid)) == n + 1 and box.read("heir"))
    before, heir = pids(), int(box.read("heir"))
    d.kill(signal.SIGSTOP)
    for pid in before:
        kill(pid)
        wait_until(lambda pid=pid: not alive(pid))
    assert alive(heir)
    d.kill(signal.SIGCONT)
    wait_until(lambda: all(new and new != old for new, old in zip(pids(), before)))
    kill(heir)
    assert len(children(d.pid)) == n + 1
