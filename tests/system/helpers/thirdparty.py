#!/usr/bin/python3
"""Stand-ins for well-known event listeners, on the original's own library for listeners
(supervisor.childutils), used the way such listeners use it.

  thirdparty.py memory PROGRAM BYTES      restart PROGRAM when it is larger than BYTES
  thirdparty.py health PROGRAM URL        restart PROGRAM when URL does not answer 200
  thirdparty.py crash COMMAND             tell COMMAND's stdin of each unexpected exit
"""
import os
import subprocess
import sys
import urllib.request

from supervisor import childutils


def say(text):
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def resident(pid):
    with open("/proc/%d/statm" % pid) as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def anew(rpc, name, why):
    say("%s: %s" % (name, why))
    rpc.supervisor.stopProcess(name)
    rpc.supervisor.startProcess(name)


def memory(rpc, head, body, program, limit):
    for info in rpc.supervisor.getAllProcessInfo():
        if info["name"] == program and info["pid"] and resident(info["pid"]) > int(limit):
            anew(rpc, "%s:%s" % (info["group"], info["name"]), "too large")


def health(rpc, head, body, program, url):
    try:
        ok = urllib.request.urlopen(url, timeout=5).status == 200
    except OSError:
        ok = False
    if not ok:
        anew(rpc, program, "no answer")


def crash(rpc, head, body, *command):
    if head["eventname"] != "PROCESS_STATE_EXITED":
        return
    facts, _ = childutils.eventdata(body + "\n")
    if not int(facts["expected"]):
        subprocess.run(command, check=True, universal_newlines=True, stdout=sys.stderr,
                       input="Subject: %s crashed\n\n%s\n" % (facts["processname"], body))


def main():
    act = {"memory": memory, "health": health, "crash": crash}[sys.argv[1]]
    rpc = childutils.getRPCInterface(os.environ)
    while True:
        head, body = childutils.listener.wait(sys.stdin, sys.stdout)
        act(rpc, head, body, *sys.argv[2:])
        childutils.listener.ok(sys.stdout)


main()
