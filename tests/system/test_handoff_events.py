"""Event listeners and shared sockets over the deaths of supervisord: every event comes,
none breaks the protocol, and what was in hand is answered to the next image."""
import collections
import json
import os
import random
import signal
import socket
import time
import xmlrpc.client

import pytest

import survive
from harness import TOP, wait_until

pytestmark = pytest.mark.differs("the original dies of what kills it")

LISTENER = "/usr/bin/python3 -u %s/tests/system/helpers/listener.py" % TOP


def events(box, *names):
    lines = [l for n in names for l in box.read(n).splitlines()]
    return [json.loads(l) for l in lines if l.endswith("}")]


def storm(d, count, seed=1):
    """Die at any moment, in recovery too."""
    dice = random.Random(seed)
    for _ in range(count):
        survive.die_and_answer(d.pid, d.sock, signal.SIGSEGV)
        time.sleep(dice.random() * 0.01)  # no wait for a result: the next death comes then


def test_every_event_comes(box):
    """Numbers in PROCESS_COMMUNICATION events, to two listeners, of which one is slow."""
    d = box.start("""
[program:talk]
command=/bin/sh -c 'n=0; while [ ! -e %(dir)s/enough ]; do printf "x<!--XSUPERVISOR:BEGIN-->$n<!--XSUPERVISOR:END-->"; n=$((n+1)); sleep 0.002; done; exec sleep 1000'
stdout_capture_maxbytes=1KB
stdout_logfile=%(dir)s/talk.log
startsecs=0
[eventlistener:fast]
command=%(listener)s %(dir)s/fast
events=PROCESS_COMMUNICATION
buffer_size=100000
[eventlistener:slow]
command=%(listener)s %(dir)s/slow%%(process_num)d answers=spell
process_name=%%(process_num)d
numprocs=2
events=PROCESS_COMMUNICATION
buffer_size=100000
""" % {"dir": box.dir, "listener": LISTENER})
    pids = {i["name"]: i["pid"] for i in d.sv.getAllProcessInfo()}
    d.wait_file("fast", "eventname")
    storm(d, 30)
    box.write("enough", "")
    wait_until(lambda: box.read("talk.log"))
    said = None
    while said != box.read("talk.log"):
        said = box.read("talk.log")
        time.sleep(0.3)  # poll
    want = {str(i) for i in range(len(said))}
    assert len(want) > 50
    for names in (("fast",), ("slow0", "slow1")):
        def bodies(names=names):
            return collections.Counter(
                e["body"].partition("\n")[2] for e in events(box, *names))
        wait_until(lambda: set(bodies()) == want, 60,
                   lambda: sorted(want ^ set(bodies()))[:20])
        again = sum(bodies().values()) - len(want)
        assert again <= 30, "%d events came again in 30 deaths" % again
    for i in d.sv.getAllProcessInfo():
        assert (i["statename"], i["pid"]) == ("RUNNING", pids[i["name"]]), i
        assert "UNKNOWN" not in i["description"], i
    serials = [int(e["head"]["poolserial"]) for e in events(box, "fast")]
    assert all(b - a <= 1 for a, b in zip(serials, serials[1:])), serials
    assert d.stop(60) == 0


def test_what_is_in_hand_is_answered_later(box):
    """The answer goes to the next image; a rejected event comes again, first."""
    d = box.start("""
[eventlistener:l]
command=%s %s/events wait=%s/gate%%%%s answers=FAIL,OK
events=REMOTE_COMMUNICATION
""" % (LISTENER, box.dir, box.dir))
    d.wait_state("l", "RUNNING")
    d.sv.sendRemoteCommEvent("first", "a\nprocess group=1:l name=1:l state=3:200\n")
    d.wait_file("events", "first")
    d.sv.sendRemoteCommEvent("second", "b")
    storm(d, 3)
    serials = [int(e["head"]["serial"]) for e in events(box, "events")]
    box.write("gate%d" % serials[0], "")
    box.write("gate%d" % (serials[0] + 1), "")
    d.wait_file("events", "second")
    assert [e["body"].split("\n")[0] for e in events(box, "events")] == \
        ["type:first", "type:first", "type:second"]
    storm(d, 1)
    d.sv.sendRemoteCommEvent("third", "c")
    box.write("gate%d" % (serials[0] + 2), "")
    d.wait_file("events", "third")


def test_a_shared_socket_stays_ours(box):
    """It listens all the time, and its file goes when the program rests."""
    path = box.dir + "/fcgi.sock"
    d = box.start("""
[fcgi-program:f]
command=/bin/sleep 1000
socket=unix://%s
startsecs=0
""" % path)
    d.wait_state("f", "RUNNING")
    inode = os.stat(path).st_ino
    for _ in range(5):
        storm(d, 1)
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
    assert os.stat(path).st_ino == inode
    d.sv.stopProcess("f:f")
    wait_until(lambda: not os.path.exists(path))
    storm(d, 1)
    d.sv.startProcess("f:f")
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)


def test_what_was_answered_is_kept(box):
    """It dies at the first byte of an answer: what the answer says must not be undone."""
    d = box.start("[eventlistener:l]\ncommand=%s %s/events\nevents=REMOTE_COMMUNICATION\n"
                  "buffer_size=1000\nstartsecs=0\n" % (LISTENER, box.dir))
    for n in range(40):
        body = xmlrpc.client.dumps(("n", str(n)), "supervisor.sendRemoteCommEvent").encode()
        before = survive.wait_image(d.sock, 0)["image"]
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(d.sock)
            s.sendall(b"POST /RPC2 HTTP/1.0\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s"
                      % (len(body), body))
            assert s.recv(12).endswith(b" 200")
            os.kill(d.pid, signal.SIGSEGV)
        survive.wait_image(d.sock, before)
    wanted = {"type:n\n%d" % n for n in range(40)}
    wait_until(lambda: {e["body"] for e in events(box, "events")} >= wanted,
               what=lambda: sorted(wanted - {e["body"] for e in events(box, "events")}))
