"""Configurations as the original reads them: every group, process and typed option, or the
same complaint. Needs the original's Python package (ORACLE_PYTHON, default
/usr/bin/python3; ORACLE_SOURCE for another source tree) and build/*/tests/tools/conf_dump
(CONF_DUMP). Real files are taken from the directory CORPUS, as in test_corpus.py: what they
name (directories, users, variables) is made up so that most of them load."""
import glob
import json
import os
import re
import subprocess
import sys

import pytest

import harness

DUMP = os.environ.get("CONF_DUMP", "")
PYTHON = os.environ.get("ORACLE_PYTHON", "/usr/bin/python3")
CORPUS = sorted(glob.glob(os.path.join(
    os.environ.get("CORPUS") or os.path.join(harness.TOP, "..", "shared", "corpus"),
    "*.conf")))
KNOWN_USERS = {"root", "daemon", "bin", "sys", "nobody", "www-data", "mail"}

S = "[supervisord]\n"
OWN = {
    "sample": open(os.path.join(harness.TOP, "config/sample.conf")).read(),
    "numprocs": S + "[program:x]\ncommand=/x %(process_num)03d\nnumprocs=12\n"
                    "process_name=%(program_name)s_%(process_num)d\n",
    "comments": S + "[program:x] ; (c)\ncommand = /bin/sh -c 'a;b' ; c ; d\n  second # e\n"
                    "  third\nenvironment=A=\"x\", ; c\n  B=y\n",
    "groups": S + "[group:g]\nprograms=a, b\npriority=5\n[program:a]\ncommand=/a\n"
                  "priority=9\n[program:b]\ncommand=/b %(group_name)s\npriority=3\n"
                  "[program: c]\ncommand=/c\n",
    "listener": S + "[eventlistener:l]\ncommand=/l\nevents=TICK_5,process_state\n"
                    "buffer_size=99\nstdout_logfile=/dev/stdout\n"
                    "result_handler=supervisor_stdout:event_handler\n",
    "fcgi": S + "[fcgi-program:f]\ncommand=/f\nsocket=unix:///tmp/%(program_name)s.sock\n"
                "[fcgi-program:t]\ncommand=/f\nsocket=tcp://LocalHost:9\n",
    "defaults": "[DEFAULT]\nautorestart=true\n[supervisord]\n[program:x]\ncommand=/x\n",
    "servers": S + "[inet_http_server]\nport=*:9001        ; (comment)\nusername=u\n"
                   "password=p\n[unix_http_server]\nfile=/tmp/../s\nchmod=0770\n"
                   "chown=root:root\n",
    "logs": S + "logfile=/dev/stdout\nlogfile_maxbytes=0\n[program:x]\ncommand=/x\n"
                "stdout_logfile=syslog\nstderr_logfile=off\n[program:y]\ncommand=\n"
                "redirect_stderr=yes\nstderr_logfile=/tmp/e\nstdout_logfile_maxbytes=1 kb\n",
    "crlf": (S + "[program:x]\ncommand=/x\n  /y\n").replace("\n", "\r\n"),
    "signals": S + "[program:x]\ncommand=/x\nstopsignal=usr1\nexitcodes=0, 2\n"
                   "stopasgroup=true\numask=0o22\nuser=nobody\n",
    "urls": S + "[program:x]\ncommand=/x\nserverurl=\n[program:y]\ncommand=/y\n"
                "serverurl=http://y:1\n[program:z]\ncommand=/z\nserverurl= Auto\n",
    "bad bool": S + "[program:x]\ncommand=/x\nautostart=maybe\n",
    "bad format": S + "[program:x]\ncommand=date +%Y\n",
    "bad name": S + "[program:x]\ncommand=/x\n[program:y:z]\ncommand=/x\n",
    "no command": S + "[program:x]\n",
    "no supervisord": "[program:x]\ncommand=/x\n",
    "no section": "k=1\n",
    "bad lines": S + "foo\nbar\n[program:x]\ncommand=/x\n",
    "no log directory": S + "[program:x]\ncommand=/x\nstdout_logfile=/nonexistent/x/y\n",
    "unknown member": S + "[group:g]\nprograms=nope\n",
    "half a login": S + "[inet_http_server]\nport=1\nusername=u\n",
}


def environment():
    """Ours, with a value for every variable that a real file names."""
    env = dict(os.environ, PYTHONWARNINGS="ignore")
    for source in CORPUS:
        with open(source, "rb") as f:
            names = re.findall(rb"%\(ENV_([A-Za-z0-9_]+)\)", f.read())
        for name in {n.decode() for n in names}:
            number = any(part in name for part in ("NUM", "PROCS", "COUNT"))
            env.setdefault(name, "5" if number else "value")
    if os.environ.get("ORACLE_SOURCE"):
        env["PYTHONPATH"] = os.environ["ORACLE_SOURCE"]
    return env


ENV = environment()


def ours(path):
    done = subprocess.run([DUMP, path], env=ENV, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def theirs():
    """One process of the original's parser answers for all files."""
    if not os.access(DUMP, os.X_OK):
        pytest.skip("CONF_DUMP does not name the dump tool")
    probe = subprocess.run([PYTHON, "-c", "import supervisor.options"], env=ENV,
                           stderr=subprocess.DEVNULL)
    if probe.returncode != 0:
        pytest.skip("the original's package is not here to compare with")
    with subprocess.Popen([PYTHON, os.path.join(harness.HERE, "oracle_conf.py")], env=ENV,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        def ask(path):
            process.stdin.write(path.encode() + b"\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())
        yield ask
        process.stdin.close()


def without_place(error):
    """Our complaints add line and option to the original's."""
    return re.sub(r", line \d+(, option '[^']*')?\)", ")", error)


def same_error(mine, other):
    mine = without_place(mine)
    names = other.split("Available names")[0]
    return mine.startswith(other) or (names != other and mine.startswith(names))


def compare(mine, other):
    version = other.pop("version")
    if "error" in mine or "error" in other:
        assert "error" in mine and "error" in other, (mine.get("error"), other.get("error"))
        assert same_error(mine["error"], other["error"]), (mine["error"], other["error"])
        return
    missing = set(other.pop("warnings")) - set(mine.pop("warnings"))
    assert not missing
    for g in mine["groups"]:
        g["events"].sort()
    if version.startswith(("3.", "4.0", "4.1", "4.2")):  # these split environment= otherwise
        for conf in (mine, other):
            conf["environment"] = None
            for p in (p for g in conf["groups"] for p in g["processes"]):
                p["environment"] = sorted(p["environment"])
    assert mine == other


@pytest.mark.parametrize("name", sorted(OWN))
def test_own(name, tmp_path, theirs):
    path = tmp_path / "c.conf"
    path.write_bytes(OWN[name].encode())
    compare(ours(str(path)), theirs(str(path)))


def furnish(text, top):
    """Puts a private directory before absolute paths, known users for unknown ones."""
    text = re.sub(r"(?m)^(\s*(?:std(?:out|err)_logfile|logfile|pidfile|childlogdir|"
                  r"directory|file|files)\s*[=:]\s*)(/(?!dev/)[^\s;]*)",
                  lambda m: m.group(1) + top + m.group(2), text)
    text = re.sub(r"(?m)^(\s*(?:user|socket_owner|chown)\s*[=:]\s*)([^\s;#]+)",
                  lambda m: m.group(0) if m.group(2) in KNOWN_USERS
                  else m.group(1) + "nobody", text)
    return text if "[supervisord]" in text else S + text


def missing_directory(error, top):
    found = re.search(r"part of the path (\S+) does not exist|"
                      r"(\S+) is not an existing directory", error)
    if not found:
        return None
    folder = os.path.dirname(found.group(1)) if found.group(1) else found.group(2)
    return folder if folder.startswith(top) and not os.path.isdir(folder) else None


@pytest.mark.parametrize("source", CORPUS, ids=[os.path.basename(c) for c in CORPUS])
def test_real_file(source, tmp_path, theirs):
    top = str(tmp_path)
    with open(source, "rb") as f:
        text = f.read().decode("utf-8", "surrogateescape")
    path = tmp_path / "c.conf"
    path.write_bytes(furnish(text, top).encode("utf-8", "surrogateescape"))
    for _ in range(60):
        mine = ours(str(path))
        folder = missing_directory(mine.get("error", ""), top)
        if not folder:
            break
        os.makedirs(folder)
    compare(mine, theirs(str(path)))


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
