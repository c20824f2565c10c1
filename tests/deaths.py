#!/usr/bin/env python3
"""supervisord dies, again and again, under load; what became of its programs?

    tests/deaths.py [--way segv|kill9|upgrade] [--count 1000] [--programs 200] ...

Starts the programs, clients, listeners and tails; kills supervisord (segv), or it and its
keeper's child (kill9), or replaces it (upgrade) --count times; prints the time from the
kill to a whole answer of the next image (median, 99th percentile, longest) and what was
lost: lines, programs, connections. The exit status is 1 when anything was.
"""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "system"))
import harness  # noqa: E402
import survive  # noqa: E402

LISTENER = """
[eventlistener:l%d]
command=/usr/bin/python3 -u %s/system/helpers/listener.py %s/events%d
events=PROCESS_STATE,TICK_5
"""


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("--way", choices=("segv", "kill9", "upgrade"), default="segv")
    p.add_argument("--count", type=int, default=1000)
    p.add_argument("--programs", type=int, default=200)
    p.add_argument("--short", type=int, default=10, help="of them short-lived")
    p.add_argument("--clients", type=int, default=2)
    p.add_argument("--tails", type=int, default=2)
    p.add_argument("--listeners", type=int, default=2)
    p.add_argument("--pause", type=float, default=0.1, help="longest, between two deaths")
    p.add_argument("--init", action="store_true", help="as PID 1 of a new namespace")
    p.add_argument("--seed", type=int, default=int(time.time()))
    return p.parse_args()


def start(box, a):
    text = survive.programs(box, a.programs, a.short, autostart="true")
    for i in range(a.listeners):
        text += LISTENER % (i, HERE, box.dir, i)
    extra = "keeper=true\n" if a.way == "kill9" else ""
    prefix = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"] if a.init else []
    d = box.start(text, supervisord=extra + "minfds=8192\n", prefix=prefix)
    if a.init:
        d.pid = harness.wait_until(lambda: harness.children(d.popen.pid))[0]
    harness.wait_until(lambda: all(p["statename"] == "RUNNING" or p["group"].startswith("p")
                                   for p in d.sv.getAllProcessInfo()), 60)
    return d


def follow(box, d, count):
    return [subprocess.Popen([box.target.path("supervisorctl"), "-c", d.conf, "tail", "-f",
                              "p%d" % i], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for i in range(count)]


def pids(d, a):
    """Of those that live long: they must stay the same."""
    return {p["name"]: p["pid"] for p in d.sv.getAllProcessInfo()
            if p["group"].startswith("p") and int(p["name"][1:]) < a.programs - a.short}


def one_death(box, d, a):
    if a.way == "segv":
        return survive.die_and_answer(d.pid, d.sock)
    if a.way == "kill9":
        return survive.die_and_answer(survive.supervisor_pid(d.pid), d.sock, signal.SIGKILL)
    before = survive.build(d.sock)["image"]
    begin = time.monotonic()
    r = box.ctl("upgrade")
    if r.rc != 0:
        raise AssertionError(r.out + r.err)
    survive.wait_image(d.sock, before)
    return (time.monotonic() - begin) * 1000


def main():
    a = parse()
    random.seed(a.seed)
    print("%s: %d deaths, %d programs (%d short-lived), seed %d"
          % (a.way, a.count, a.programs, a.short, a.seed), flush=True)
    scratch = tempfile.mkdtemp(prefix="svd", dir="/tmp")
    target = harness.Target.find("ours", scratch)
    box = harness.Box(target, {"ours": target}, harness.build_tools(scratch + "/tools"))
    try:
        d = start(box, a)
        before = pids(d, a)
        clients = survive.Clients(d.sock, a.clients)
        tails = follow(box, d, a.tails)
        times = []
        for i in range(a.count):
            times.append(one_death(box, d, a))
            time.sleep(random.random() * a.pause)  # poll
            for k, t in enumerate(tails):
                if t.poll() is not None:
                    tails[k] = follow(box, d, 1)[0]
            if (i + 1) % 100 == 0:
                print("  %d: p50 %.1f p99 %.1f max %.1f ms" % (i + 1, *survive.percentiles(times)),
                      flush=True)
        after = pids(d, a)
        clients.stop()
        for t in tails:
            t.kill()
            t.wait()
        restarted = sum(before[name] != after.get(name) for name in before)
        crashes = d.log.count("CRIT supervisord crashed")
        d.stop(60)
        acct = survive.account_of(box.path("p%d.log" % i) for i in range(a.programs))
        print("answer p50 %.1f p99 %.1f max %.1f ms" % survive.percentiles(times))
        print("lines %(lines)d, lives %(lives)d, lost %(lost)d, doubled %(doubled)d, "
              "damaged %(damaged)d, without an end %(unended)d" % acct._asdict())
        print("restarted programs %d, crash lines in the log %d" % (restarted, crashes))
        print("requests of clients %d, %s" % (clients.asked, dict(clients.wrong)), flush=True)
        bad = (acct.lost + acct.doubled + acct.damaged + acct.unended + restarted
               + clients.wrong["refused"])
        if bad:
            kept = scratch + "-kept"
            shutil.copytree(box.dir, kept)
            print("kept: " + kept)
        return 1 if bad else 0
    except (AssertionError, OSError):
        print("".join(box.read("supervisord.log").splitlines(keepends=True)[-20:])
              + box.read("supervisord.err"))
        raise
    finally:
        box.close()
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
