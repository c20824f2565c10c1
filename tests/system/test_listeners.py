"""Listeners that others wrote, unchanged: superlance's where SUPERLANCE names a checkout
of it, stand-ins on the original's library in its place, and one of npm's."""
import os
import shutil
import socket
import subprocess
import threading

import pytest

from harness import HERE, TOP, free_port, wait_until

STAND_IN = "/usr/bin/python3 %s " % os.path.join(HERE, "helpers", "thirdparty.py")
SUPERLANCE = os.environ.get("SUPERLANCE")
NPM = os.path.join(TOP, "build", "npm", "node_modules", "supervisord-eventlistener")


def has_childutils():
    return subprocess.run(["/usr/bin/python3", "-c", "import supervisor.childutils"],
                          stderr=subprocess.DEVNULL).returncode == 0


@pytest.fixture(params=["stand-in", "superlance"])
def kind(request):
    if not has_childutils():
        pytest.skip("the original's library is not here")
    if request.param == "superlance" and not SUPERLANCE:
        pytest.skip("SUPERLANCE is not set")
    return request.param


def listener(box, command, events):
    return ("[eventlistener:l]\ncommand=%s\nevents=%s\nstartsecs=0\nstderr_logfile=%s\n"
            "environment=PYTHONPATH=\"%s\"\n" %
            (command, events, box.path("l.err"), SUPERLANCE or ""))


def lance(name):
    return "/usr/bin/python3 -m superlance.%s " % name


def mail_to(box):
    """A stand-in for sendmail; where it puts what it gets."""
    box.write("sendmail", "#!/bin/sh\ncat >>%s\n" % box.path("mail"), 0o755)
    return box.path("sendmail")


def test_memory(box, kind):
    """A program that is too large is restarted within a tick."""
    command = {"stand-in": STAND_IN + "memory hog 40000000",
               "superlance": lance("memmon") + "-p hog=40MB -m me@x -s %s" % mail_to(box)}[kind]
    box.write("hog.py", "import os, time\nbig = b'x' * (0 if os.path.exists(%r) else 90000000)\n"
              "open(%r, 'w')\ntime.sleep(1000)\n" % (box.path("grown"), box.path("grown")))
    d = box.start(listener(box, command, "TICK_5") + "[program:hog]\ncommand=/usr/bin/python3 %s\n"
                  "startsecs=0\n" % box.path("hog.py"))
    pid = d.wait_state("hog", "RUNNING")["pid"]
    wait_until(lambda: d.pid_of("hog") not in (0, pid), what=lambda: box.read("l.err"))
    d.wait_state("hog", "RUNNING")
    if kind == "superlance":
        wait_until(lambda: "hog" in box.read("mail"))


def test_health(box, kind):
    """A server that does not answer is restarted, and then answers."""
    port = free_port()
    url = "http://127.0.0.1:%d/" % port
    command = {"stand-in": STAND_IN + "health web " + url,
               "superlance": lance("httpok") + "-p web -t 3 -m me@x -s %s %s" % (mail_to(box), url)}[kind]
    box.write("web.sh", "#!/bin/sh\nif [ -e %(d)s/sick ]; then exec python3 -m http.server -d %(d)s "
              "--bind 127.0.0.1 %(p)d; fi\ntouch %(d)s/sick; exec sleep 1000\n" %
              {"d": box.dir, "p": port}, 0o755)
    d = box.start(listener(box, command, "TICK_5") +
                  "[program:web]\ncommand=%s\nstartsecs=0\n" % box.path("web.sh"))
    pid = d.wait_state("web", "RUNNING")["pid"]
    wait_until(lambda: d.pid_of("web") not in (0, pid), what=lambda: box.read("l.err"))

    def answers():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    wait_until(answers)
    if kind == "superlance":
        wait_until(lambda: "web" in box.read("mail"))


def test_crash_mail(box, kind):
    """Mail about an unexpected exit, and none about others."""
    command = {"stand-in": STAND_IN + "crash " + mail_to(box),
               "superlance": lance("crashmail") + "-a -m me@x -s %s" % mail_to(box)}[kind]
    d = box.start(listener(box, command, "PROCESS_STATE") +
                  "".join("[program:%s]\ncommand=%s exit %d\nstartsecs=0\nautorestart=false\n"
                          "autostart=false\n" % (name, box.child, code)
                          for name, code in (("fine", 0), ("broken", 3))))
    d.sv.startProcess("fine", False)
    d.sv.startProcess("broken", False)
    wait_until(lambda: "broken crashed" in box.read("mail"), what=lambda: box.read("l.err"))
    assert "fine" not in box.read("mail")


class MailServer(threading.Thread):
    """Takes mail by SMTP and keeps it."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen()
        self.port = self.socket.getsockname()[1]
        self.text = ""
        self.start()

    def run(self):
        while True:
            c, _ = self.socket.accept()
            with c, c.makefile("rw", newline="\r\n") as f:
                def reply(words):
                    f.write(words + "\r\n")
                    f.flush()
                reply("220 here")
                for line in f:
                    word = line[:4].upper()
                    reply("354 go on" if word == "DATA" else "221 bye" if word == "QUIT" else "250 ok")
                    if word == "DATA":
                        for line in f:
                            self.text += line
                            if line == ".\r\n":
                                break
                        reply("250 ok")


@pytest.mark.skipif(not SUPERLANCE, reason="SUPERLANCE is not set")
@pytest.mark.parametrize("name, words", [("crashmailbatch", "broken"), ("fatalmailbatch", "hopeless")])
def test_batches_of_mail(box, name, words):
    server = MailServer()
    command = lance(name) + ("--toEmail=me@x --fromEmail=you@x --interval=0.05 --tickEvent=TICK_5 "
                             "--smtpHost=127.0.0.1:%d" % server.port)
    box.start(listener(box, command, "PROCESS_STATE,TICK_5") +
              "[program:broken]\ncommand=%s exit 3\nstartsecs=0\nautorestart=false\n"
              "[program:hopeless]\ncommand=/no/such/thing\nstartretries=0\n" % box.child)
    wait_until(lambda: words in server.text, what=lambda: box.read("l.err") + server.text)


def test_npm_listener(box):
    """It reads text, and so counts characters; it answers before it handles an event."""
    if not shutil.which("node"):
        pytest.skip("node is not here")
    if not os.path.exists(NPM):
        subprocess.run(["npm", "install", "--prefix", os.path.join(TOP, "build", "npm"), "--no-audit",
                        "--no-fund", "supervisord-eventlistener@0.1.0"], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, cwd=box.dir)
    if not os.path.exists(NPM):
        pytest.skip("npm did not install it")
    box.write("l.js", "const l = require(%r), fs = require('fs');\n"
              "l.on('event', (name, head, data) => fs.appendFileSync(%r, name + ' ' + "
              "JSON.stringify(data) + '\\n'));\nl.listen(process.stdin, process.stdout);\n" %
              (NPM, box.path("seen")))
    d = box.start(listener(box, shutil.which("node") + " " + box.path("l.js"),
                           "PROCESS_STATE,REMOTE_COMMUNICATION") +
                  "[program:a]\ncommand=%s exit 3\nstartsecs=0\nautorestart=false\n" % box.child)
    wait_until(lambda: 'PROCESS_STATE_EXITED {"processname":"a"' in box.read("seen"),
               what=lambda: box.read("seen") + box.read("l.err"))
    for words in ("type", "gr\u00fc\u00dfe", "last"):
        d.sv.sendRemoteCommEvent(words, words)
    wait_until(lambda: box.read("seen").count("REMOTE_COMMUNICATION") == 3,
               what=lambda: box.read("seen") + d.log)
    assert "gr\u00fc\u00dfe" in box.read("seen")
