"""Real configuration files load as in the original, and really execute the same.

The files are not part of this tree: CORPUS names their folder (../shared/corpus beside
the project is found by itself), else all this is skipped. Each file is run unchanged, but
for a control socket appended at its end, in namespaces of its own: an overlay of the
machine's root holds the folders, users and programs it names (each program is a helper
that only waits). What is then seen over RPC and in /proc must be the same for both:
names, groups, states, getAllConfigInfo, arguments, environment, directory, ids, umask.
Without the original, the digest of what it showed is compared (tests/golden/corpus.txt,
written by RECORD=1 ... --target=oracle).
"""
import configparser
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess

import pytest

from harness import TOP, children, kill, proc_info, rpc_unix, wait_until

GOLDEN = os.path.join(TOP, "tests", "golden", "corpus.txt")


def corpus_folder():
    for folder in (os.environ.get("CORPUS"), os.path.join(TOP, "..", "shared", "corpus")):
        if folder and os.path.isdir(folder):
            return os.path.abspath(folder)
    return None


FOLDER = corpus_folder()
FILES = sorted(f for f in os.listdir(FOLDER) if f.endswith((".conf", ".ini"))) if FOLDER else []

CONTROL = """
[unix_http_server]
file=/corpus/s.sock
chmod=0777
chown={user}
username=corpus
password=corpus
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

# The members that 4.2's getAllConfigInfo has.
COMMON = ("autostart command exitcodes group group_prio inuse killasgroup name process_prio "
          "redirect_stderr startretries startsecs stderr_capture_maxbytes stderr_events_enabled "
          "stderr_logfile stderr_logfile_backups stderr_logfile_maxbytes stderr_syslog "
          "stdout_capture_maxbytes stdout_events_enabled stdout_logfile stdout_logfile_backups "
          "stdout_logfile_maxbytes stdout_syslog stopsignal stopwaitsecs").split()

SCRIPT = """
set -e
mount -t tmpfs none {box}/tree
cp -a {box}/upper {box}/tree/upper
mkdir {box}/tree/work {box}/tree/root
mount -t overlay none -o lowerdir=/,upperdir={box}/tree/upper,workdir={box}/tree/work {box}/tree/root
mount -t proc none {box}/tree/root/proc
mount -t tmpfs none {box}/tree/root/dev
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom {box}/tree/root/dev
ln -s /proc/self/fd {box}/tree/root/dev/fd
for i in in:0 out:1 err:2; do ln -s /proc/self/fd/${{i#*:}} {box}/tree/root/dev/std${{i%:*}}; done
mount -t tmpfs none {box}/tree/root/tmp
mount -t tmpfs none {box}/tree/root/run
ip link set lo up
hostname corpus
cd {box}/tree/root
chmod 777 corpus
umask 022
exec chroot . /corpus/tools/env -i {env} /corpus/tools/sh -c \
  'cd /corpus/cwd && unset PWD OLDPWD && . /corpus/prepare && exec {command} -n -c /corpus/etc/{name}'
"""


def read_loosely(text):
    """The file's sections, or nothing where it is broken (then nothing is prepared)."""
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        pass
    return parser


def guess(name):
    """A value for an environment variable that a file asks for."""
    if re.search(r"PORT|NUM|WORKERS", name):
        return "4"
    if re.search(r"ENABLE|DEBUG|SSL|NOVNC", name):
        return "true"
    if name == "LOGLEVEL":
        return "info"
    if name.endswith("USER"):
        return "corpus-" + name.lower().replace("_", "-")
    if re.search(r"DIR|ETC|TMP|OPT|BIN|HOME|ROOT|SRC|VAR|LOG|WEB", name):
        return "/corpus/env/" + name.lower()
    return "value-of-%s" % name.lower()


class Tree:
    """The upper folder of the overlay."""

    def __init__(self, top, sleeper):
        self.top, self.sleeper = top, sleeper
        self.mkdir("/corpus/etc")
        self.mkdir("/corpus/cwd")
        self.mkdir("/corpus/bin")
        self.late = []

    def real(self, path):
        """Where a path leads in the machine's root (merged /usr, /var/run)."""
        path = os.path.normpath(path)
        for short, full in (("/bin/", "/usr/bin/"), ("/sbin/", "/usr/sbin/"),
                            ("/lib/", "/usr/lib/"), ("/var/run/", "/run/"),
                            ("/var/lock/", "/run/lock/")):
            if path.startswith(short) and os.path.islink(short.rstrip("/")):
                path = full + path[len(short):]
        return path

    def mkdir(self, path):
        path = self.real(path)
        if path.startswith(("/tmp/", "/run/", "/proc/", "/dev/")):
            self.late.append(path)  # these are mounted fresh
        elif not os.path.isdir(path):
            try:
                os.makedirs(self.top + path, mode=0o777, exist_ok=True)
            except OSError:
                pass  # a file is in the way: then so be it, for both

    def program(self, path):
        path = self.real(path)
        if path.startswith(("/dev/", "/proc/", "/tmp/", "/run/")):
            return
        target = self.top + path
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if not os.path.lexists(target):
                os.link(self.top + "/corpus/sleeper", target)
        except OSError:
            pass


def build_tree(box, text, env):
    top = box.path("upper")
    tree = Tree(top, box.tools["sleeper"])
    shutil.copy(box.tools["sleeper"], top + "/corpus/sleeper")
    os.mkdir(top + "/corpus/tools")
    for name in ("sh", "env"):
        shutil.copy(shutil.which(name), top + "/corpus/tools/" + name)
    parser = read_loosely(text)
    users, groups = [], []

    def expand(value, section):
        names = {"here": "/corpus/etc", "host_node_name": "corpus", "process_num": 0,
                 "program_name": section.partition(":")[2].strip(), "numprocs": 1,
                 "group_name": section.partition(":")[2].strip()}
        names.update({"ENV_" + k: v for k, v in env.items()})
        try:
            return value % names
        except (KeyError, ValueError, TypeError):
            return value
    for section in parser.sections():
        for key, value in parser.items(section):
            value = expand((value or "").strip(), section)
            if key in ("logfile", "pidfile", "stdout_logfile", "stderr_logfile", "file"):
                if "/" in value:
                    tree.mkdir(os.path.dirname(os.path.join("/corpus/cwd", value)))
            elif key in ("directory", "childlogdir"):
                tree.mkdir(os.path.join("/corpus/cwd", value))
            elif key in ("user", "chown") and value:
                user, _, group = value.partition(":")
                users.append(user)
                groups.append(group)
            elif key == "command":
                try:
                    words = shlex.split(value)
                except ValueError:
                    continue
                if words and "/" in words[0]:
                    tree.program(os.path.join("/corpus/cwd", words[0]))
                elif words:
                    tree.program("/corpus/bin/" + words[0])
    for value in env.values():
        if value.startswith("corpus-"):
            users.append(value)
        elif value.startswith("/corpus/"):
            tree.mkdir(value)
    for folder in ("/var/log", "/var/run", "/var/tmp"):
        tree.mkdir(folder)
    accounts(top, users, groups)
    with open(top + "/etc/hosts", "w") as f:
        f.write("127.0.0.1 localhost corpus\n")
    with open(top + "/corpus/prepare", "w") as f:
        # In the fresh /tmp and /run; "mkdir" may be shadowed, so it is kept aside too.
        shutil.copy(shutil.which("mkdir"), top + "/corpus/tools/mkdir")
        for path in tree.late:
            f.write("/corpus/tools/mkdir -m 777 -p %s || :\n" % shlex.quote(path))
    return top


def accounts(top, users, groups):
    """passwd and group with whatever the file names."""
    os.makedirs(top + "/etc", exist_ok=True)
    passwd, group = open("/etc/passwd").read(), open("/etc/group").read()
    for number, name in enumerate(sorted(set(users)), 5000):
        if name.isdigit():
            if not re.search(r"^[^:]*:[^:]*:%s:" % name, passwd, re.M):
                passwd += "u%s:x:%s:%s::/:/bin/sh\n" % (name, name, name)
                group += "u%s:x:%s:\n" % (name, name)
        elif re.fullmatch(r"[a-z_][-a-z0-9_]*", name) and \
                not re.search(r"^%s:" % re.escape(name), passwd, re.M):
            passwd += "%s:x:%d:%d::/:/bin/sh\n" % (name, number, number)
            group += "%s:x:%d:\n" % (name, number)
    for number, name in enumerate(sorted(set(groups)), 6000):
        if re.fullmatch(r"[a-z_][-a-z0-9_]*", name) and \
                not re.search(r"^%s:" % re.escape(name), group, re.M):
            group += "%s:x:%d:\n" % (name, number)
    for name, text in (("passwd", passwd), ("group", group)):
        with open(top + "/etc/" + name, "w") as f:
            f.write(text)


def command_for(target, top):
    """What starts supervisord where the machine's own programs may be shadowed."""
    if target.ours:
        shutil.copy(os.path.realpath(target.path("supervisord")), top + "/corpus/supervisord")
        return "/corpus/supervisord"
    shutil.copy(os.path.realpath("/usr/bin/python3"), top + "/corpus/py")
    # The popular listener's handler, as far as loading needs it.
    packages = top + "/usr/lib/python3/dist-packages"
    os.makedirs(packages, exist_ok=True)
    with open(packages + "/supervisor_stdout.py", "w") as f:
        f.write("def event_handler(event, response):\n    pass\n")
    source = os.environ.get("ORACLE_SOURCE")
    if source:
        shutil.copytree(source + "/supervisor", top + "/corpus/modules/supervisor")
        with open(top + "/corpus/supervisord", "w") as f:
            f.write("import sys\nsys.path[0] = '/corpus/modules'\n"
                    "from supervisor.supervisord import main\nmain()\n")
        return "/corpus/py /corpus/supervisord"
    return "/corpus/py /usr/bin/supervisord"


def observe(box, target, name):
    """Run one file; answer what can be seen of it."""
    for folder in ("upper", "tree"):
        shutil.rmtree(box.path(folder), ignore_errors=True)
        os.makedirs(box.path(folder))
    with open(os.path.join(FOLDER, name), "rb") as f:
        text = f.read()
    loose = text.decode("utf-8", "replace")
    env = {n: guess(n) for n in re.findall(r"%\(ENV_(\w+)\)", loose)}
    env.update({"PATH": "/corpus/bin:/usr/local/bin:/usr/bin:/bin", "HOME": "/root",
                "LANG": "C.UTF-8"})
    mask = os.umask(0)  # the users that the file names shall be able to write
    try:
        top = build_tree(box, loose, env)
    finally:
        os.umask(mask)
    user = read_loosely(loose).get("supervisord", "user", fallback="") or "0"
    control = CONTROL.format(user=user)
    with open(top + "/corpus/etc/" + name, "wb") as f:
        f.write(text)
        if re.search(r"^\s*\[supervisord\]", loose, re.M):
            f.write(b"\n" + control.encode())
            main = name
        else:  # a fragment: include it, as its readers do
            main = "main.conf"
    if main != name:
        with open(top + "/corpus/etc/" + main, "w") as f:
            f.write("[supervisord]\n[include]\nfiles=%s\n%s" % (name, control))
    script = SCRIPT.format(box=box.dir, name=shlex.quote(main), command=command_for(target, top),
                           env=" ".join(shlex.quote("%s=%s" % kv) for kv in env.items()))
    out, err = box.path("supervisord.out"), box.path("supervisord.err")
    p = box.popen(["unshare", "--mount", "--pid", "--net", "--uts", "--fork", "--kill-child",
                   "sh", "-c", script], stdout=open(out, "wb"), stderr=open(err, "wb"))

    def init():
        if p.poll() is not None:
            return [0]
        return children(p.pid)
    pid = wait_until(init)[0]
    sv = None

    def answers():
        nonlocal sv
        if p.poll() is not None:
            return "ended"
        try:
            sv = rpc_unix("/proc/%d/root/corpus/s.sock" % pid, ("corpus", "corpus")).supervisor
            return sv.getState()["statename"]
        except Exception:
            return None
    result = {"rc": 0, "error": "", "answer": wait_until(answers, what=lambda: box.read("supervisord.err")
                                   + box.read("supervisord.out"))}
    error = box.read("supervisord.err")
    for own in ("/usr/bin/supervisord", "/corpus/supervisord"):
        error = error.replace(own, "SUPERVISORD")
    if result["answer"] == "ended":
        result.update(rc=p.returncode, error=error)
        return result

    def settled():
        seen = {}
        for info in sv.getAllProcessInfo():
            one = look(info, pid)
            if one is None:
                return None
            seen["%s:%s" % (info["group"], info["name"])] = one
        return [seen]
    result["processes"] = wait_until(settled, what=lambda: str(sv.getAllProcessInfo()))[0]
    result["config"] = [
        {k: re.sub(r"(---.+-)\w+\.log$", r"\1RANDOM.log", v) if k.endswith("logfile") else v
         for k, v in c.items() if k in COMMON} for c in sv.getAllConfigInfo()]
    kill(pid)
    p.wait()
    return result


def look(info, daemon):
    """What one process came to, or None while that is open."""
    if info["statename"] == "STOPPED" or info["statename"] == "EXITED" and not info["spawnerr"]:
        return {"state": info["statename"]}
    if info["spawnerr"]:
        return {"state": "down", "spawnerr": info["spawnerr"]}
    for pid in children(daemon):
        try:
            with open("/proc/%d/status" % pid) as f:
                inside = re.search(r"^NSpid:.*\t(\d+)$", f.read(), re.M)
            if int(inside.group(1)) != info["pid"]:
                continue
            if os.readlink("/proc/%d/exe" % pid) == os.readlink("/proc/%d/exe" % daemon):
                return None  # not executed yet
            seen = proc_info(pid)
        except OSError:
            return None
        if not seen["argv"] or not seen["env"]:
            return None  # in the middle of it
        return {"state": "up", **{k: seen[k] for k in ("argv", "env", "cwd", "uid", "gid",
                                                       "groups", "umask", "sigblk")}}
    return None


def text_of(result, box):
    """One comparable text (directories are seen from outside, through the box)."""
    text = json.dumps(result, sort_keys=True, indent=1, ensure_ascii=False)
    return text.replace(box.path("tree/root"), "")


def digests():
    try:
        with open(GOLDEN) as f:
            return dict(line.split() for line in f if not line.startswith("#"))
    except FileNotFoundError:
        return {}


@pytest.mark.skipif(not FOLDER, reason="no corpus here (see CORPUS)")
@pytest.mark.parametrize("name", FILES)
def test_file(box, root, targets, name):
    probe = subprocess.run(["unshare", "--mount", "--pid", "--net", "--uts", "--fork", "sh", "-c",
                            "mount -t tmpfs none /mnt && ip link set lo up"], capture_output=True)
    if probe.returncode:
        pytest.skip("no namespaces here: " + probe.stderr.decode().strip())
    got = observe(box, box.target, name)
    digest = hashlib.sha256(text_of(got, box).encode()).hexdigest()
    if not box.target.ours:
        if os.environ.get("RECORD") and "making dispatchers" not in text_of(got, box):
            with open(GOLDEN, "a") as f:  # one write: many workers may append
                f.write("%s %s\n" % (name.partition("-")[0], digest))
        assert got["answer"] == "RUNNING" or got["rc"] == 2
        return
    if targets["oracle"].there:
        want = observe(box, targets["oracle"], name)
        if want["rc"] == 2 and got["rc"] == 2:
            # Refused by both; the words are test_config's matter.
            assert got["error"].startswith("Error: ") or "\nError: " in got["error"]
            return
        for key, one in want["processes"].items():
            # A log such as /dev/stdout that belongs to another user: ours can write to it.
            if one.get("spawnerr", "").startswith("unknown error making dispatchers") and \
                    got["processes"].get(key, {}).get("state") == "up":
                want["processes"][key] = got["processes"][key]
        assert text_of(got, box) == text_of(want, box)
    elif name.partition("-")[0] in digests():
        if got["rc"] != 2:
            assert digest == digests()[name.partition("-")[0]]
    else:
        pytest.skip("neither the original nor a digest to compare with")
