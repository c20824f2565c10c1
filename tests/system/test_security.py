"""Who may do what: users and ids, files in other people's folders, configurations that
others can write, descriptors of children, secrets in memory. With real users, so mostly
as root."""
import base64
import os
import re
import shutil
import signal
import stat
import subprocess

import pytest

from harness import alive, free_port, is_user, proc_info, wait_until

NOBODY = 65534


def give(path, uid=NOBODY, mode=None):
    os.chown(path, uid, uid, follow_symlinks=False)
    if mode is not None:
        os.chmod(path, mode)
    return path


def refused(box, text, **kw):
    """Start with a configuration that must be refused; what was said."""
    box.write("sv.conf", box.conf_text(text, **kw))
    r = box.run("supervisord", "-n", "-c", box.path("sv.conf"), timeout=20)
    assert r.rc != 0, r
    return r.out + r.err


# ---- users ------------------------------------------------------------------------

WRONG = ["nosuchuser", "0day", "-1", "-0", "+0", "0x0", "4294967295", "99999999999", "root:root",
         "ro ot", "123456789", "0.0", "0_0"]


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.differs("the original takes everything that Python's int() takes for 0")
def test_wrong_user_of_a_program(box, name):
    said = refused(box, "[program:a]\ncommand=%s append %s ran\nuser=%s\n"
                   % (box.child, box.path("ran"), name))
    assert re.search("[Ii]nvalid user", said), said
    assert not os.path.exists(box.path("ran"))


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.differs("the original takes everything that Python's int() takes for 0")
def test_wrong_user_of_the_daemon(box, name):
    assert re.search("[Ii]nvalid user", refused(box, "", supervisord="user=%s" % name))


def test_no_other_user_without_being_root(box, root):
    box.write("sv.conf", box.conf_text("[program:a]\ncommand=/bin/cat\n", supervisord="user=root"))
    os.chmod(box.dir, 0o777)
    r = subprocess.run([box.target.path("supervisord"), "-n", "-c", box.path("sv.conf")],
                       user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True,
                       cwd=box.dir, timeout=20)
    assert r.returncode != 0 and b"Can't drop privilege as nonroot user" in r.stderr


def status(pid):
    with open("/proc/%d/status" % pid) as f:
        return {k: v.split() for k, _, v in (line.partition(":") for line in f)}


def test_all_ids_and_groups_of_a_program(box, root):
    """Real, effective, saved and file system ids; the groups are those of its user alone."""
    user = is_user("daemon") or is_user("nobody")
    groups = sorted(os.getgrouplist(user.pw_name, user.pw_gid))
    d = box.start("[program:a]\ncommand=/bin/sleep 1000\nuser=%s\n" % user.pw_name,
                  prefix=("setpriv", "--groups", "0,4,24") if shutil.which("setpriv") else ())
    d.wait_state("a", "RUNNING", "STARTING")
    d.proc("a")
    s = status(d.pid_of("a"))
    assert s["Uid"] == [str(user.pw_uid)] * 4
    assert s["Gid"] == [str(user.pw_gid)] * 4
    assert sorted(map(int, s["Groups"])) == groups


def test_daemon_that_gave_root_up_has_nothing_left_of_it(box, root):
    user = is_user("nobody")
    give(box.dir, mode=0o755)
    d = box.start("[program:a]\ncommand=/bin/sleep 1000\n", supervisord="user=nobody")
    s = status(d.pid)
    assert s["Uid"] == [str(user.pw_uid)] * 4 and s["Gid"] == [str(user.pw_gid)] * 4
    assert sorted(map(int, s["Groups"])) == sorted(os.getgrouplist("nobody", user.pw_gid))
    assert int(s["CapEff"][0], 16) == 0 and int(s["CapPrm"][0], 16) == 0


# ---- files in other people's folders ----------------------------------------------

@pytest.fixture
def folder(box, root):
    """A folder of nobody's; and a file of root's that he wants."""
    os.mkdir(box.path("theirs"))
    give(box.path("theirs"))
    box.write("precious", "PRECIOUS\n", 0o600)
    return box.path("theirs")


LINKS = ["log", "pidfile", "activity", "folder", "hard"]


@pytest.mark.differs("the original writes through links that others made")
@pytest.mark.parametrize("what", LINKS)
def test_links_that_others_made(box, folder, what):
    program, server = "", ""
    target = os.path.join(folder, "x")
    if what == "folder":  # a link on the way
        os.mkdir(box.path("etc"))
        os.symlink(box.path("etc"), target)
        target_file = os.path.join(target, "new.log")
    elif what == "hard":
        os.link(box.path("precious"), target)
        target_file = target
    else:
        os.symlink(box.path("precious"), target)
        target_file = target
    if what != "hard":
        give(target)
    if what == "pidfile":
        server = "pidfile=%s\n" % target_file
    elif what == "activity":
        server = "logfile=%s\n" % target_file
    else:
        program = "stdout_logfile=%s\n" % target_file
    raw = box.conf_text("[program:a]\ncommand=/bin/sh -c 'echo mine; exec sleep 1000'\n" + program)
    for line in server.splitlines():
        raw = re.sub("^%s=.*$" % line.partition("=")[0], line, raw, flags=re.M)
    d = box.start(raw=raw)
    d.wait_state("a", "RUNNING")
    assert box.read("precious") == "PRECIOUS\n"
    assert not os.path.exists(box.path("etc", "new.log"))
    said = d.log + d.out
    assert target_file in said and "ermission denied" in said
    d.kill(signal.SIGUSR2)  # opens logs anew
    wait_until(lambda: "log reopen" in d.out or "logreopen" in d.out + d.log)
    assert d.stop() == 0
    assert box.read("precious") == "PRECIOUS\n"
    assert os.stat(box.path("precious")).st_mode & 0o777 == 0o600


def test_links_that_root_made_work(box, folder):
    os.mkdir(box.path("real"))
    os.symlink(box.path("real"), box.path("way"))
    os.symlink(box.path("real", "target"), box.path("real", "name"))
    d = box.start("[program:a]\ncommand=/bin/sh -c 'echo mine; exec sleep 1000'\n"
                  "stdout_logfile=%s\n" % box.path("way", "name"))
    d.wait_file("real/target", "mine")
    assert d.sv.readProcessStdoutLog("a", 0, 0) == "mine\n"


def test_standard_output_is_no_link_to_fear(box):
    d = box.start("[program:a]\ncommand=/bin/sh -c 'echo mine; exec sleep 1000'\n"
                  "stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n")
    wait_until(lambda: "mine" in d.out)


def test_socket_in_a_folder_of_others(box, folder):
    """Its mode and owner never come upon what a link of theirs points to."""
    path = os.path.join(folder, "s")
    os.symlink(box.path("precious"), path)
    give(path)
    box.write("sv.conf", box.conf_text().replace(box.path("sv.sock"), path).replace(
        "[rpcinterface", "chmod=0777\nchown=nobody\n[rpcinterface"))
    r = box.run("supervisord", "-n", "-c", box.path("sv.conf"), timeout=20)
    assert r.rc != 0
    st = os.stat(box.path("precious"))
    assert (st.st_mode & 0o777, st.st_uid) == (0o600, 0)


@pytest.mark.parametrize("mode", ["0700", "0770", "0777", "0600"])
def test_mode_of_the_socket_from_the_first_moment(box, mode):
    d = box.start(unix="chmod=%s" % mode)
    assert stat.S_IMODE(os.stat(d.sock).st_mode) == int(mode, 8)


# ---- configuration ----------------------------------------------------------------

@pytest.mark.differs("the original takes whatever it finds")
@pytest.mark.parametrize("spoil", ["owner", "group", "world", "link"])
def test_found_configuration_that_others_write_is_refused(box, root, spoil):
    """Found by search, at an absolute path: ../etc of the program's folder."""
    os.makedirs(box.path("app", "bin"))
    os.makedirs(box.path("app", "etc"))
    program = box.path("app", "bin", "supervisord")
    shutil.copy(os.path.realpath(box.target.path("supervisord")), program)
    conf = box.write("app/etc/supervisord.conf", box.conf_text(
        "[program:a]\ncommand=%s append %s ran\n" % (box.child, box.path("ran"))))

    def run():
        p = box.popen([program, "-n"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                      cwd=box.path("app", "bin"))
        return p
    p = run()
    wait_until(lambda: os.path.exists(box.path("ran")), what="the clean one is taken")
    p.terminate()
    p.wait()
    os.unlink(box.path("ran"))
    if spoil == "owner":
        give(conf)
    elif spoil == "group":
        os.chmod(conf, 0o664)
    elif spoil == "world":
        os.chmod(conf, 0o646)
    else:
        os.rename(conf, box.path("other.conf"))
        os.symlink(box.path("other.conf"), conf)
        give(conf)
    p = run()
    out, err = p.communicate(timeout=20)
    assert p.returncode != 0 and b"others than root can write it" in err, err
    assert not os.path.exists(box.path("ran"))
    named = box.popen([program, "-n", "-c", conf])
    wait_until(lambda: os.path.exists(box.path("ran")), what="with -c it is the admin's word")
    named.terminate()
    named.wait()


# ---- children ---------------------------------------------------------------------

def test_children_hold_three_descriptors(box):
    port = free_port()
    d = box.start("[inet_http_server]\nport=127.0.0.1:%d\n"
                  "[program:a]\ncommand=/bin/sleep 1000\nnumprocs=5\n"
                  "process_name=%%(process_num)d\nstdout_logfile=%s\n"
                  "[eventlistener:l]\ncommand=/bin/cat\nevents=TICK_5\n" % (port, box.path("a.out")))
    wait_until(lambda: len([i for i in d.sv.getAllProcessInfo() if i["pid"]]) == 6)
    for info in d.sv.getAllProcessInfo():
        fds = wait_until(lambda: alive(info["pid"]) and len(proc_info(info["pid"])["argv"]) and
                         proc_info(info["pid"])["fds"])
        wait_until(lambda: sorted(proc_info(info["pid"])["fds"]) == [0, 1, 2],
                   what="%s has %r" % (info["name"], fds))


def test_nothing_is_read_by_a_shell(box):
    words = ["$HOME", "`id`", "$(id)", ";", "|", "&&", "*", ">", box.path("made")]
    d = box.start("[program:a]\ncommand=/bin/echo %s\nstdout_logfile=%s\nstartsecs=0\n"
                  "autorestart=false\nenvironment=X=\"$(touch %s)\"\ndirectory=%s\n" % (
                      " ".join("'%s'" % w.replace("%", "%%") if w in (";", "*", "`id`") else w
                               for w in words), box.path("out"), box.path("made"), box.dir))
    d.wait_file("out", ".")
    assert box.read("out") == " ".join(words) + "\n"
    assert not os.path.exists(box.path("made"))


# ---- secrets ----------------------------------------------------------------------

def memory_of(pid):
    """All that the process can read and write of its own."""
    found = []
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            place, rights = line.split()[:2]
            if rights.startswith("rw"):
                begin, end = (int(x, 16) for x in place.split("-"))
                try:
                    mem.seek(begin)
                    found.append(mem.read(end - begin))
                except OSError:
                    pass
    return b"".join(found)


def test_passwords_do_not_lie_about(box, root):
    """The daemon needs the password itself; what requests carried, the text of the file
    and the decoded forms are gone."""
    if box.target.dynamic:
        pytest.skip("a sanitizer keeps freed memory")
    secret = "Xq7vP2mZkLw9"
    d = box.start("[program:a]\ncommand=/bin/cat\n", unix="username=u\npassword=" + secret,
                  auth=("u", secret))
    for _ in range(5):
        assert d.sv.getState()["statename"] == "RUNNING"
    both = base64.b64encode(("u:" + secret).encode())
    mem = memory_of(d.pid)
    assert both not in mem
    assert ("u:" + secret).encode() not in mem
    assert 1 <= mem.count(secret.encode()) <= 5, mem.count(secret.encode())


# ---- pidproxy ---------------------------------------------------------------------

def victim(box, *args, uid=None):
    """A process that has nothing to do with the proxy."""
    kw = {"user": uid, "group": uid, "extra_groups": []} if uid is not None else {}
    p = box.popen([box.child, "trap", "HUP", "trap", "TERM", "out", "ready", "pause"],
                  stdout=open(box.path("victim"), "wb"), **kw)
    wait_until(lambda: "ready" in box.read("victim"))
    return p


def proxy(box):
    p = box.popen([box.target.path("pidproxy"), box.path("pid"), "/bin/sh", "-c",
                   "trap 'echo got HUP >> %s' HUP; echo up >> %s; while :; do sleep 0.05; done"
                   % (box.path("cmd"), box.path("cmd"))],
                  stdout=open(box.path("proxy.out"), "wb"), stderr=subprocess.STDOUT)
    return p


@pytest.mark.differs("the original signals whoever is named")
@pytest.mark.parametrize("how", ["stale", "owner", "everybody", "init", "link"])
def test_pidfile_that_names_a_foreign_process(box, root, how):
    v = victim(box)
    path = box.write("pid", "%d\n" % (1 if how == "init" else v.pid), 0o644)
    if how == "stale":
        os.utime(path, (1, 1))  # written long before that process was
    elif how == "owner":
        give(path)
    elif how == "everybody":
        os.chmod(path, 0o666)
    elif how == "link":
        os.rename(path, box.path("real"))
        os.symlink(box.path("real"), path)
        give(path)
    p = proxy(box)
    wait_until(lambda: "up" in box.read("cmd"))

    def told():
        p.send_signal(signal.SIGHUP)
        return box.read("proxy.out")
    said = wait_until(told, every=0.2)
    if how == "link":
        assert "Can't read child pidfile" in said
    else:
        assert "is not of this program; signalling the command instead" in said
        wait_until(lambda: "got HUP" in box.read("cmd"))
    assert "got" not in box.read("victim")
    assert v.poll() is None and p.poll() is None


def test_pidfile_that_names_a_daemon_of_the_command(box):
    """Even one that put itself into the background, in an old file of anybody's."""
    script = ("(setsid %s trap HUP append %s up pause >%s 2>&1 & echo $! >%s); "
              "while :; do sleep 0.05; done" % (box.child, box.path("up"), box.path("out"),
                                                box.path("pid")))
    p = box.popen([box.target.path("pidproxy"), box.path("pid"), "/bin/sh", "-c", script],
                  stdout=open(box.path("proxy.out"), "wb"), stderr=subprocess.STDOUT)
    wait_until(lambda: box.read("up") and box.read("pid"))
    os.chmod(box.path("pid"), 0o666)
    os.utime(box.path("pid"), (1, 1))
    p.send_signal(signal.SIGHUP)
    wait_until(lambda: "got HUP" in box.read("out"), what=lambda: box.read("proxy.out"))
