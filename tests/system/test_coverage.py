"""What no other test shows: flags of the daemon, options of servers with TLS; and that
our tables know every option, command, method, fault and event type of the original."""
import os
import re
import shutil
import ssl
import subprocess
import xmlrpc.client

import pytest

from harness import TOP, free_port, proc_info, read, wait_until


def limits(pid, name):
    return int(re.search(r"^%s +(\d+)" % name, read("/proc/%d/limits" % pid), re.M).group(1))


def test_every_flag_at_once(box, root):
    old = box.write("logs/x-stdout---me-abc123.log", "old")
    d = box.start(
        "[program:a]\ncommand=%s out '\\x1b[31mred' pause\nstartsecs=0\n" % box.child,
        args=("-n", "-u", "root", "--umask=077", "-d", box.dir, "-l", box.path("flag.log"),
              "-y", "1KB", "-z", "2", "--loglevel", "debug", "-j", box.path("flag.pid"), "-i",
              "me", "-q", box.path("logs"), "-k", "-a", "1100", "-t", "--minprocs=51"),
        supervisord="identifier=other\nminfds=1200\nminprocs=52\nlogfile_backups=7")
    info = d.wait_state("a", "RUNNING")
    assert d.sv.getIdentification() == "me"
    assert read(box.path("flag.pid")) == "%d\n" % d.pid
    assert not os.path.exists(box.path("supervisord.log"))
    assert info["stdout_logfile"].startswith(box.path("logs") + "/a-stdout---me-")
    wait_until(lambda: read(info["stdout_logfile"]) == "red")  # strip_ansi
    assert read(old) == "old"  # nocleanup
    assert limits(d.pid, "Max open files") >= 1100 and limits(d.pid, "Max processes") >= 51
    for _ in range(60):
        d.sv.getState()
        d.sv.stopProcess("a")
        d.sv.startProcess("a")
    wait_until(lambda: os.path.exists(box.path("flag.log.2")))
    d.sv.stopProcess("a")
    assert not os.path.exists(box.path("flag.log.3"))  # two backups, not seven
    assert proc_info(d.pid)["uid"] == 0


@pytest.mark.differs("it would profile itself")
def test_profile_options_are_accepted(box):
    box.start(args=("-n", "--profile_options=cumulative,calls"))


def test_minprocs(box):
    d = box.start(supervisord="minprocs=77\nnocleanup=true")
    assert limits(d.pid, "Max processes") >= 77


def test_ctl_plugin_and_include_sections(box):
    """Plug-ins written in Python are not run; their sections do not hurt."""
    box.write("more.ini", "[program:b]\ncommand=%s pause\n" % box.child)
    d = box.start("[include]\nfiles=%s\n" % box.path("*.ini"))
    d.wait_state("b", "RUNNING")
    box.write("ctl.conf", box.read("sv.conf") + "[ctlplugin:x]\nsupervisor.ctl_factory=no.such:thing\n")
    if box.target.ours:
        assert d.box.ctl("pid", conf=box.path("ctl.conf")).out == "%d\n" % d.pid


@pytest.fixture
def certificates(scratch):
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the certificates")
    folder = os.path.join(scratch, "certs")
    if not os.path.exists(folder):
        subprocess.run([os.path.join(TOP, "tests/unit/make_certs.sh"), folder], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return lambda name: os.path.join(folder, name)


@pytest.mark.differs("the original has no TLS")
def test_tls(box, certificates):
    """A server with a certificate, that wants one of its clients too and no old TLS."""
    port = free_port()
    d = box.start("[inet_http_server]\nport=127.0.0.1:%d\nssl_certfile=%s\nssl_keyfile=%s\n"
                  "ssl_client_ca=%s\nssl_min_version=1.3\nusername=u\npassword=p\n" %
                  (port, certificates("server.pem"), certificates("server.key"),
                   certificates("ours.pem")))

    def client(cert, newest=ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=certificates("ours.pem"))
        context.maximum_version = newest
        if cert:
            context.load_cert_chain(certificates(cert + ".pem"), certificates(cert + ".key"))
        return xmlrpc.client.ServerProxy("https://u:p@localhost:%d" % port, context=context)
    assert client("client").supervisor.getPID() == d.pid
    for cert in (None, "stranger"):
        with pytest.raises(OSError):
            client(cert).supervisor.getPID()
    with pytest.raises(OSError):
        client("client", ssl.TLSVersion.TLSv1_2).supervisor.getPID()
    conf = box.write("ctl.conf", "[supervisorctl]\nserverurl=https://localhost:%d\nusername=u\n"
                     "password=p\nssl_ca_certs=%s\nssl_certfile=%s\nssl_keyfile=%s\n" %
                     (port, certificates("ours.pem"), certificates("client.pem"),
                      certificates("client.key")))
    assert box.ctl("pid", conf=conf).out == "%d\n" % d.pid


# ---- the original's own lists ------------------------------------------------------

ORACLE = r"""
import re, sys
from supervisor import events, options, supervisorctl, xmlrpc, rpcinterface
for name in vars(events.EventTypes):
    if name.isupper():
        print("event", name)
for name in vars(xmlrpc.Faults):
    if name.isupper():
        print("fault", name)
for name in dir(supervisorctl.DefaultControllerPlugin):
    if name.startswith("do_"):
        print("command", name[3:])
for name in dir(rpcinterface.SupervisorNamespaceRPCInterface):
    if not name.startswith("_") and name not in ("update",):
        print("method", "supervisor." + name)
for name in dir(xmlrpc.SystemNamespaceRPCInterface):
    if not name.startswith("_"):
        print("method", "system." + name)
text = open(options.__file__).read()
for name in re.findall(r"\bget\(\s*(?:section,\s*)?['\"]([a-z_]+)['\"]", text):
    print("option", name)
for name in re.findall(r"self\.add\(\s*\"\w+\",\s*(?:\"[\w.]+\"|None),\s*\"\w?:?\",\s*\"([a-z_]+)=?\"", text):
    print("flag", name)
"""


def test_our_tables_know_all_the_original_has():
    listing = subprocess.run(["/usr/bin/python3", "-c", ORACLE], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, universal_newlines=True)
    if listing.returncode != 0:
        pytest.skip("the original is not here to compare with")
    theirs = {tuple(line.split()) for line in listing.stdout.splitlines()}
    left = subprocess.run([os.path.join(TOP, "scripts/check-coverage.sh"), "left"], check=True,
                          stdout=subprocess.PIPE, universal_newlines=True).stdout
    ours = set()
    for line in left.splitlines():
        kind, name = line.split()
        ours.add((kind, name.partition(".")[2] if kind in ("option", "flag") else name))
    assert len(theirs) > 120
    for word in ("include", "expansions"):  # a section; an argument of get
        theirs.discard(("option", word))
    assert theirs - ours == set()
