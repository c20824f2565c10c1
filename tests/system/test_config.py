"""Reading a configuration: what is accepted, what is refused and in which words."""
import os
import re
import shutil
import subprocess

import pytest

from harness import is_user, read, wait_rpc, wait_until

SERVER = "[supervisord]\nlogfile={d}/l\npidfile={d}/p\n"
PROGRAM = SERVER + "[program:a]\ncommand=/bin/cat\n"

# id, text, what the error must say (a list: each of these)
ERRORS = [
    ("empty", "", [".ini file does not include supervisord section"]),
    ("no section", "a=1\n", ["File contains no section headers", "c.conf", "1", "a=1"]),
    ("no server section", "[program:a]\ncommand=x\n",
     [".ini file does not include supervisord section"]),
    ("a word alone", SERVER + "junk\n", ["Source contains parsing errors", "c.conf", "4", "junk"]),
    ("three bad lines", SERVER + "junk\nmore\n=v\n", ["4", "junk", "5", "more", "6", "=v"]),
    ("open header", SERVER + "[x\n", ["parsing errors", "c.conf", "4", "[x"]),
    ("no command", SERVER + "[program:a]\n",
     ["program section program:a does not specify a command", "'program:a'", "{d}/c.conf"]),
    ("boolean", PROGRAM + "autostart=maybe\n",
     ["not a valid boolean value: 'maybe'", "'program:a'", "{d}/c.conf"]),
    ("integer", PROGRAM + "startsecs=x\n", ["'x'", "'program:a'", "{d}/c.conf"]),
    ("not whole", PROGRAM + "startsecs=1.5\n", ["'1.5'", "'program:a'", "{d}/c.conf"]),
    ("signal", PROGRAM + "stopsignal=NOPE\n",
     ["value 'NOPE' is not a valid signal name", "'program:a'"]),
    ("signal number", PROGRAM + "stopsignal=999\n", ["'999' is not a valid signal number"]),
    ("autorestart", PROGRAM + "autorestart=perhaps\n",
     ["invalid 'autorestart' value 'perhaps'", "'program:a'"]),
    ("exit code", PROGRAM + "exitcodes=300\n", ["not a valid list of exit codes: '300'"]),
    ("exit codes", PROGRAM + "exitcodes=0,a\n", ["not a valid list of exit codes: '0,a'"]),
    ("umask", PROGRAM + "umask=9\n", ["9 can not be converted to an octal type"]),
    ("user", PROGRAM + "user=no-such-user\n", ["Invalid user name no-such-user", "'program:a'"]),
    ("uid", PROGRAM + "user=999999\n", ["Invalid user id 999999"]),
    ("log directory", PROGRAM + "stdout_logfile=/nonexistent/dir/x\n",
     ["The directory named as part of the path /nonexistent/dir/x does not exist",
      "'program:a'", "{d}/c.conf"]),
    ("bytes", PROGRAM + "stdout_logfile_maxbytes=1xb\n", ["'1xb'", "'program:a'"]),
    ("backups", PROGRAM + "stderr_logfile_backups=q\n", ["'q'", "'program:a'"]),
    ("blank in name", SERVER + "[program:a b]\ncommand=x\n",
     ["Invalid name: 'a b' because of character: ' '"]),
    ("slash in name", SERVER + "[program:a/b]\ncommand=x\n",
     ["Invalid name: 'a/b' because of character: '/'"]),
    ("colon in name", SERVER + "[program:a:b]\ncommand=x\n",
     ["Invalid name: 'a:b' because of character: ':'"]),
    ("numprocs", PROGRAM + "numprocs=2\n",
     ["%(process_num) must be present within process_name when numprocs > 1", "'program:a'"]),
    ("contradiction", PROGRAM + "stopasgroup=true\nkillasgroup=false\n",
     ["Cannot set stopasgroup=true and killasgroup=false", "'program:a'"]),
    ("pair without value", PROGRAM + "environment=A\n",
     ["Unexpected end of key/value pairs in value 'A'"]),
    ("second pair", PROGRAM + "environment=A=1,B\n",
     ["Unexpected end of key/value pairs in value 'A=1,B'"]),
    ("open quote", PROGRAM + "environment=A='x\n", ["No closing quotation", "'program:a'"]),
    ("no key", PROGRAM + "environment==1\n",
     ["Unexpected end of key/value pairs in value '=1'"]),
    ("unknown expansion", PROGRAM + "directory=%(nope)s\n",
     ["'%(nope)s'", "program:a", "directory", "nope", "cannot be expanded", "here"]),
    ("cut expansion", PROGRAM + "directory=%(here)\n",
     ["'%(here)'", "'program:a.directory'", "is badly formatted: incomplete format"]),
    ("unset variable", PROGRAM + "environment=A=%(ENV_NOPE_X)s\n",
     ["'A=%(ENV_NOPE_X)s'", "environment", "ENV_NOPE_X", "cannot be expanded"]),
    ("bare percent", SERVER + "[program:a]\ncommand=/bin/date +%H\n",
     ["'/bin/date +%H'", "'program:a.command'",
      "is badly formatted: unsupported format character 'H' (0x48) at index 12"]),
    ("process_name", PROGRAM + "process_name=%(bogus)s\n",
     ["'%(bogus)s'", "process_name", "bogus", "cannot be expanded"]),
    ("log name", PROGRAM + "stdout_logfile=%(bogus)s\n",
     ["'%(bogus)s'", "stdout_logfile", "cannot be expanded"]),
    ("server option", SERVER + "identifier=%(bogus)s\n",
     ["'%(bogus)s'", "supervisord.identifier", "cannot be expanded"]),
    ("group member", PROGRAM + "[group:g]\nprograms=a,b\n",
     ["names unknown program or fcgi-program b"]),
    ("group priority", PROGRAM + "[group:g]\nprograms=a\npriority=x\n", ["'x'"]),
    ("group name", PROGRAM + "[group:g:h]\nprograms=a\n",
     ["Invalid name: 'g:h' because of character: ':'"]),
    ("listener without events", SERVER + "[eventlistener:e]\ncommand=x\n",
     ['[eventlistener:e] section requires an "events" line']),
    ("event", SERVER + "[eventlistener:e]\ncommand=x\nevents=NOPE\n",
     ["Unknown event type NOPE in [eventlistener:e] events"]),
    ("buffer_size", SERVER + "[eventlistener:e]\ncommand=x\nevents=TICK_5\nbuffer_size=0\n",
     ["[eventlistener:e] section sets invalid buffer_size (0)"]),
    ("listener's stderr", SERVER + "[eventlistener:e]\ncommand=x\nevents=TICK_5\n"
     "redirect_stderr=true\n", ["[eventlistener:e]", "redirect_stderr=true", "not allowed"]),
    ("result handler", SERVER + "[eventlistener:e]\ncommand=x\nevents=TICK_5\n"
     "result_handler=nope:handler\n", ["nope:handler cannot be resolved within [eventlistener:e]"]),
    ("fcgi without socket", SERVER + "[fcgi-program:f]\ncommand=x\n",
     ['[fcgi-program:f] section requires a "socket" line']),
    ("fcgi socket", SERVER + "[fcgi-program:f]\ncommand=x\nsocket=foo\n",
     ["Bad socket format", "foo", "[fcgi-program:f] socket"]),
    ("fcgi mode on tcp", SERVER + "[fcgi-program:f]\ncommand=x\nsocket=tcp://h:1\n"
     "socket_mode=0700\n", ["socket_owner and socket_mode params should only be used with a "
                            "Unix domain socket", "[fcgi-program:f] socket"]),
    ("fcgi owner", SERVER + "[fcgi-program:f]\ncommand=x\nsocket=unix:///tmp/x\n"
     "socket_owner=nope:nope\n", ["Invalid socket_owner value nope:nope"]),
    ("fcgi backlog", SERVER + "[fcgi-program:f]\ncommand=x\nsocket=unix:///tmp/x\n"
     "socket_backlog=0\n", ["Invalid socket_backlog value 0"]),
    ("fcgi mode", SERVER + "[fcgi-program:f]\ncommand=x\nsocket=unix:///tmp/x\n"
     "socket_mode=9\n", ["Invalid socket_mode value 9"]),
    ("fcgi path", SERVER + "[fcgi-program:f]\ncommand=x\nsocket=unix://rel\n",
     ["is not an absolute path", "rel", "[fcgi-program:f] socket"]),
    ("rpcinterface", PROGRAM + "[rpcinterface:x]\n",
     ["section [rpcinterface:x] does not specify a supervisor.rpcinterface_factory"]),
    ("rpcinterface factory", PROGRAM + "[rpcinterface:x]\n"
     "supervisor.rpcinterface_factory=nope:nope\n",
     ["nope:nope cannot be resolved within [rpcinterface:x]"]),
    ("inet without port", PROGRAM + "[inet_http_server]\n",
     ["section [inet_http_server] has no port value"]),
    ("port", PROGRAM + "[inet_http_server]\nport=x\n", ["not a valid port number: 'x'"]),
    ("no port", PROGRAM + "[inet_http_server]\nport=h:\n", ["no port number specified in"]),
    ("port range", PROGRAM + "[inet_http_server]\nport=99999\n",
     ["not a valid port number: '99999'"]),
    ("half a login", PROGRAM + "[inet_http_server]\nport=1:2\nusername=u\n",
     ["Section [inet_http_server] contains incomplete authentication: If a username or a "
      "password is specified, both the username and password must be specified"]),
    ("unix without file", PROGRAM + "[unix_http_server]\n",
     ["section [unix_http_server] has no file value"]),
    ("socket mode", PROGRAM + "[unix_http_server]\nfile=/tmp/x\nchmod=9\n",
     ["Invalid chmod value 9"]),
    ("socket owner", PROGRAM + "[unix_http_server]\nfile=/tmp/x\nchown=nope\n",
     ["Invalid sockchown value nope"]),
    ("half a login, unix", PROGRAM + "[unix_http_server]\nfile=/tmp/x\npassword=p\n",
     ["Section [unix_http_server] contains incomplete authentication"]),
    ("directory", SERVER + "directory=/nonexistent\n", ["/nonexistent is not an existing directory"]),
    ("childlogdir", SERVER + "childlogdir=/nonexistent\n",
     ["/nonexistent is not an existing directory"]),
    ("logfile", "[supervisord]\nlogfile=/nonexistent/x\n",
     ["The directory named as part of the path /nonexistent/x does not exist"]),
    ("pidfile", "[supervisord]\nlogfile={d}/l\npidfile=/nonexistent/p\n",
     ["The directory named as part of the path /nonexistent/p does not exist"]),
    ("loglevel", SERVER + "loglevel=loud\n", ["bad logging level name 'loud'"]),
    ("minfds", SERVER + "minfds=x\n", ["'x'"]),
    ("server umask", SERVER + "umask=8\n", ["8 can not be converted to an octal type"]),
    ("server user", SERVER + "user=nope-nope\n", ["Invalid user name nope-nope"]),
    ("nodaemon", SERVER + "nodaemon=x\n", ["not a valid boolean value: 'x'"]),
    ("logfile_maxbytes", SERVER + "logfile_maxbytes=x\n", ["'x'"]),
    ("include", PROGRAM + "[include]\n", [".ini file has [include] section, but no files setting"]),
    ("include expansion", PROGRAM + "[include]\nfiles=%(x)s\n",
     ["'%(x)s'", "include.files", "cannot be expanded"]),
    ("included file", PROGRAM + "[include]\nfiles=bad.ini\n", ["bad.ini", "2", "junk"]),
    ("the last one counts", PROGRAM + "autostart=true\n[program:a]\nautostart=zz\n",
     ["not a valid boolean value: 'zz'"]),
]


def one_error(r, program):
    """The text of a usage error, whose form is checked."""
    assert r.rc == 2, r
    m = re.match(r"Error: (.*)\nFor help, use (\S+) -h\n\Z", r.err, re.S)
    assert m, r.err
    assert m.group(2) == program
    return m.group(1)


@pytest.mark.parametrize("text,words", [c[1:] for c in ERRORS], ids=[c[0] for c in ERRORS])
def test_error(box, text, words):
    box.write("bad.ini", "[program:x]\njunk\n")
    conf = box.write("c.conf", text.replace("{d}", box.dir))
    r = box.run("supervisord", "-n", "-c", conf)
    said = one_error(r, box.target.path("supervisord"))
    for word in words:
        assert word.replace("{d}", box.dir) in said
    assert not os.path.exists(box.path("p")), "a pidfile in spite of the error"
    assert not os.path.exists(box.path("l")), "a log in spite of the error"


@pytest.mark.differs("the original keeps a NUL byte and fails at the exec")
def test_nul_byte_is_refused(box):
    conf = box.write("c.conf", PROGRAM.format(d=box.dir) + "environment=A=\0x\n")
    said = one_error(box.run("supervisord", "-n", "-c", conf), box.target.path("supervisord"))
    assert "NUL" in said and re.search(r"c\.conf\D+6\b", said)


# ---- the command line --------------------------------------------------------------

USAGE = [
    (["-c", "/nonexistent/x.conf"], "could not find config file /nonexistent/x.conf"),
    (["--nope"], "option --nope not recognized"),
    (["-Z"], "option -Z not recognized"),
    (["-c"], "option -c requires argument"),
    (["--configuration"], "option --configuration requires argument"),
    (["--nodaemon=1"], "option --nodaemon must not have an argument"),
    (["word"], "positional arguments are not supported: "),
    (["--lo", "x"], "option --lo not a unique prefix"),
    (["-e", "loud"], "bad logging level name 'loud'"),
    (["-m", "9"], "9 can not be converted to an octal type"),
    (["-d", "/nonexistent"], "/nonexistent is not an existing directory"),
    (["-y", "z"], "'z'"),
    (["-u", "nope-nope"], "Invalid user name nope-nope"),
]


@pytest.mark.parametrize("args,words", USAGE, ids=[" ".join(a) for a, _ in USAGE])
def test_usage_error(box, args, words):
    conf = box.write("c.conf", PROGRAM.format(d=box.dir))
    args = args if args[0] == "-c" or "--c" in args[0] else ["-n", "-c", conf] + args
    said = one_error(box.run("supervisord", *args), box.target.path("supervisord"))
    assert words in said


def test_no_configuration_found(box):
    if any(os.path.exists(p) for p in ("/etc/supervisord.conf",
                                       "/etc/supervisor/supervisord.conf")):
        pytest.skip("this machine has a system-wide configuration")
    r = box.run("supervisord", "-n")
    assert r.rc == 2
    assert "Error: No config file found at default paths (" in r.err
    assert "use the -c option to specify a config file at a different path" in r.err
    for path in ("supervisord.conf", "etc/supervisord.conf", "/etc/supervisord.conf",
                 "/etc/supervisor/supervisord.conf"):
        assert path in r.err


def test_version_and_help(box):
    for option in ("-v", "--version", "--vers"):
        r = box.run("supervisord", option)
        assert r.rc == 0 and re.match(r"4\.\d+\.\d+(\.dev0)?\n\Z", r.out), r
        if box.target.ours:
            assert r.out == "4.4.0\n"
    for option in ("-h", "--help", "--he"):
        r = box.run("supervisord", option)
        assert r.rc == 0 and r.err == ""
        for word in ("--configuration", "--nodaemon", "--logfile", "--minprocs", "--silent"):
            assert word in r.out
    assert box.run("supervisorctl", "-h").rc == 0


def test_search_path(box):
    """../etc, .. (beside the folder of argv[0]), then ., ./etc, /etc, /etc/supervisor."""
    program = box.path("inst", "bin", "supervisord")
    os.makedirs(os.path.dirname(program))
    os.symlink(os.path.realpath(box.target.path("supervisord")), program)
    os.makedirs(box.path("cwd", "etc"))
    places = ["inst/etc/supervisord.conf", "inst/supervisord.conf", "cwd/supervisord.conf",
              "cwd/etc/supervisord.conf"]
    for i, place in enumerate(places):
        # Each is broken in its own way, so that the error names the one which was read.
        box.write(place, SERVER.format(d=box.dir) + "umask=9%d\n" % i)
    for i, place in enumerate(places):
        argv = [program, "-n"]
        p = subprocess.run(argv, cwd=box.path("cwd"), env=box.env(), capture_output=True,
                           text=True, timeout=20)
        assert p.returncode == 2 and "9%d can not be converted" % i in p.stderr, place
        os.unlink(box.path(place))


def test_root_is_warned_about_the_search(box, root):
    os.makedirs(box.path("etc"))
    box.write("supervisord.conf", box.conf_text())
    p = box.popen([box.target.path("supervisord"), "-n"],
                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                  env={"PYTHONWARNINGS": "default"})
    wait_rpc(box.path("sv.sock"))
    p.terminate()
    out = " ".join(p.communicate(timeout=20)[0].decode().split())
    assert re.search("running as root.*search.*configuration|"
                     "running as root.*configuration.*search", out)


@pytest.mark.parametrize("args", [
    ["--nodaem", "--conf", "{conf}", "--logfile", "{d}/other.log", "--loglev=debug"],
    ["--nodaem", "--conf={conf}", "-l", "{d}/other.log", "-edebug"],
    ["-nc{conf}", "-l{d}/other.log", "-e", "debug"]])
def test_options_long_short_abbreviated(box, args):
    conf = box.write("c.conf", box.conf_text())
    args = [a.replace("{conf}", conf).replace("{d}", box.dir) for a in args]
    box.popen([box.target.path("supervisord"), *args], stdout=subprocess.DEVNULL,
              stderr=subprocess.DEVNULL)
    wait_until(lambda: "supervisord started with pid" in read(box.path("other.log")))
    assert not os.path.exists(box.path("supervisord.log"))


def test_command_line_wins_over_the_file(box):
    d = box.start("[program:a]\ncommand=%s pause\nstartsecs=0\n" % box.child,
                  supervisord="identifier=fromfile\nloglevel=info",
                  args=("-n", "-i", "fromargs", "-e", "debug", "-j", box.path("other.pid"),
                        "-q", box.path("")))
    assert d.sv.getIdentification() == "fromargs"
    assert box.read("other.pid") == "%d\n" % d.pid
    assert not os.path.exists(box.path("supervisord.pid"))
    d.wait_state("a", "RUNNING")
    d.kill(15)
    d.wait_exit()
    assert "DEBG" in d.log


# ---- the format --------------------------------------------------------------------

def config_of(d):
    return {"%s:%s" % (c["group"], c["name"]): c for c in d.sv.getAllConfigInfo()}


def test_comments_and_values(box):
    d = box.start("""
; a comment
# another
[program:a]        ; after the header
command = %s pause  ; trailing
    ; indented comment
  pause
environment = A="x;y#z", B='p q'   # comment
startsecs = 0
AutoRestart: false
[program:b] junk after it
command=%s pause a;b c#d
  startsecs = 0
autostart=false
[program: c]
command=x
autostart=no
""" % (box.child, box.child))
    c = config_of(d)
    assert c["a:a"]["command"] == "%s pause\npause" % box.child
    assert c["b:b"]["command"] == "%s pause a;b c#d\nstartsecs = 0" % box.child
    assert c["c:c"]["autostart"] is False
    d.wait_state("a", "RUNNING")
    p = d.proc("a")
    assert p["argv"] == [box.child, "pause", "pause"]
    assert (p["env"]["A"], p["env"]["B"]) == ("x;y#z", "p q")


def test_comment_inside_quotes(box):
    """White space before ; or # begins a comment even between quotes."""
    d = box.start("[program:a]\ncommand=/bin/echo 'a ;b'\nautostart=false\n")
    assert config_of(d)["a:a"]["command"] == "/bin/echo 'a"
    d.stop()


def test_utf8_and_crlf(box):
    text = "[program:a]\r\ncommand=%s pause ä→日本\r\nenvironment=N=\"日本\"  ; コメント\r\nstartsecs=0\r\n"
    d = box.start(text % box.child)
    d.wait_state("a", "RUNNING")
    p = d.proc("a")
    assert p["argv"][-1] == "ä→日本" and p["env"]["N"] == "日本"


def test_default_section(box):
    """Its options are every section's (and so no [rpcinterface] can be there: it would
    get them too, which the original refuses)."""
    conf = box.write("sv.conf", SERVER.format(d=box.dir) + """
[DEFAULT]
stdout_logfile=%%(here)s/%%(program_name)s.txt
startsecs=0
[program:a]
command=%s out A pause
[program:b]
command=%s out B pause
stdout_logfile=%%(here)s/own.txt
""" % (box.child, box.child))
    box.launch(conf)
    wait_until(lambda: box.read("a.txt") == "A" and box.read("own.txt") == "B")
    assert not os.path.exists(box.path("b.txt"))


def test_duplicates(box):
    """Sections merge; the last value of a key wins."""
    d = box.start("[program:a]\ncommand=x\nstartsecs=3\nstartsecs=4\nautostart=false\n"
                  "[program:a]\ncommand=y\n")
    c = config_of(d)
    assert len(c) == 1 and (c["a:a"]["command"], c["a:a"]["startsecs"]) == ("y", 4)


def test_everything_reaches_getAllConfigInfo(box):
    d = box.start("""
[program:full]
command=/bin/cat -u
process_name=%%(program_name)s-x
directory=/tmp
umask=022
priority=5
autostart=false
startsecs=11
startretries=12
exitcodes=0,2,5
stopsignal=QUIT
stopwaitsecs=13
stopasgroup=true
redirect_stderr=false
stdout_logfile=%(d)s/o
stdout_logfile_maxbytes=2MB
stdout_logfile_backups=3
stdout_capture_maxbytes=1KB
stdout_events_enabled=true
stderr_logfile=NONE
stderr_logfile_maxbytes=4KB
stderr_logfile_backups=5
stderr_capture_maxbytes=6
serverurl=AUTO
""" % {"d": box.dir})
    c = config_of(d)["full:full-x"]
    want = {"autostart": False, "command": "/bin/cat -u", "exitcodes": [0, 2, 5], "group": "full",
            "group_prio": 5, "inuse": True, "killasgroup": True, "name": "full-x",
            "process_prio": 5, "redirect_stderr": False, "startretries": 12, "startsecs": 11,
            "stderr_capture_maxbytes": 6, "stderr_events_enabled": False,
            "stderr_logfile": "none", "stderr_logfile_backups": 5,
            "stderr_logfile_maxbytes": 4096, "stderr_syslog": False,
            "stdout_capture_maxbytes": 1024, "stdout_events_enabled": True,
            "stdout_logfile": box.path("o"), "stdout_logfile_backups": 3,
            "stdout_logfile_maxbytes": 2 * 1024 * 1024, "stdout_syslog": False,
            "stopsignal": 3, "stopwaitsecs": 13}
    assert {k: c.get(k) for k in want} == want
    if box.target.ours:  # members that came after 4.2
        more = {"directory": "/tmp", "uid": "none", "autorestart": "unexpected"}
        assert {k: c.get(k) for k in more} == more


@pytest.mark.differs("4.2 lacks these members; 4.4.0.dev0 fails on autorestart=true")
def test_newer_members_of_config_info(box):
    d = box.start("[program:t]\ncommand=x\nautostart=false\nautorestart=true\n"
                  "[program:f]\ncommand=x\nautostart=false\nautorestart=false\n"
                  "[program:u]\ncommand=x\nautostart=false\nautorestart=unexpected\n")
    c = config_of(d)
    assert c["t:t"]["autorestart"] is True and c["f:f"]["autorestart"] is False
    assert c["u:u"]["autorestart"] == "unexpected"


# ---- expansions, numprocs, groups --------------------------------------------------

def test_expansions(box):
    d = box.start("""
[program:p]
command=%s pause %%(program_name)s %%(group_name)s %%(process_num)03d %%(numprocs)d %%(here)s %%(ENV_FROM)s %%(ENV_OWN)s %%(ENV_SRV)s 100%%%% %%(process_num)4s| %%(host_node_name)s
process_name=%%(program_name)s-%%(process_num)02d
numprocs=2
numprocs_start=7
startsecs=0
environment=OWN="o%%(process_num)d",PCT="%%%%",RAW="%%(ENV_FROM)s"
directory=%%(here)s
stdout_logfile=%%(here)s/%%(program_name)s_%%(process_num)d.log
""" % box.child, supervisord='environment=SRV="srv"', env={"FROM": "f%(x)s%%"})
    c = config_of(d)
    assert set(c) == {"p:p-07", "p:p-08"}
    d.wait_state("p:p-08", "RUNNING")
    p = d.proc("p:p-08")
    assert p["argv"][2:] == ["p", "p", "008", "2", box.dir, "f%(x)s%%", "o8", "srv", "100%", "8|",
                             os.uname().nodename]
    assert p["env"]["RAW"] == "f%(x)s%%" and p["env"]["OWN"] == "o8" and p["env"]["PCT"] == "%"
    assert c["p:p-08"]["stdout_logfile"] == box.path("p_8.log")


def test_program_environment_expands_in_its_own_options(box):
    d = box.start("[program:a]\ncommand=%s pause %%(ENV_X)s\nenvironment=X=\"mine\"\nstartsecs=0\n"
                  % box.child, supervisord='environment=X="server"')
    d.wait_state("a", "RUNNING")
    assert d.proc("a")["argv"][-1] == "mine" and d.proc("a")["env"]["X"] == "mine"


@pytest.mark.parametrize("text,want", [
    ("A=1,B=2", {"A": "1", "B": "2"}),
    ("A=\"x, y\",B='z w'", {"A": "x, y", "B": "z w"}),
    ("A=/usr/bin:/bin,B=a-b.c+d(e)", {"A": "/usr/bin:/bin", "B": "a-b.c+d(e)"}),
    ("A=1,", {"A": "1"}),
    ("A=1 , B = 2", {"A": "1", "B": "2"}),
    ("A=\"1\",\n  B=\"2\"", {"A": "1", "B": "2"}),
    ("A='x=y',B=\"p'q\"", {"A": "x=y", "B": "p'q"}),
])
def test_environment_pairs(box, text, want):
    d = box.start("[program:a]\ncommand=%s pause\nstartsecs=0\nenvironment=%s\n"
                  % (box.child, text))
    d.wait_state("a", "RUNNING")
    env = d.proc("a")["env"]
    assert {k: env.get(k) for k in want} == want


@pytest.mark.parametrize("command,argv", [
    ("pause 'a b' \"c d\" e\\ f", ["a b", "c d", "e f"]),
    ("pause \"a'b\" 'c\"d' g''h", ["a'b", 'c"d', "gh"]),
    ("pause && x > y 2>&1 $HOME `id` *", ["&&", "x", ">", "y", "2>&1", "$HOME", "`id`", "*"]),
    ("pause a \\\n  b", ["a", "\nb"]),
    ("pause '' \"\" a", ["", "", "a"]),
])
def test_command_words(box, command, argv):
    d = box.start("[program:a]\ncommand=%s %s\nstartsecs=0\n" % (box.child, command))
    d.wait_state("a", "RUNNING")
    assert d.proc("a")["argv"][2:] == argv


def test_groups(box):
    d = box.start("""
[program:a]
command=x
autostart=false
priority=3
[program:b]
command=x
autostart=false
numprocs=2
process_name=%(program_name)s_%(process_num)d_%(group_name)s
[program:alone]
command=x
autostart=false
[group:g]
programs=a, b
priority=7
""")
    got = [(p["group"], p["name"]) for p in d.sv.getAllProcessInfo()]
    assert sorted(got) == [("alone", "alone"), ("g", "a"), ("g", "b_0_g"), ("g", "b_1_g")]
    c = config_of(d)
    assert c["g:a"]["group_prio"] == 7 and c["g:a"]["process_prio"] == 3
    assert c["alone:alone"]["group_prio"] == 999


def test_include(box):
    os.makedirs(box.path("conf.d"))
    box.write("conf.d/20.conf", "[program:two]\ncommand=/bin/echo %(here)s\nautostart=false\n")
    box.write("conf.d/10.conf", "[program:one]\ncommand=x\nautostart=false\n"
                                "[program:two]\nstartsecs=9\n")
    box.write("extra.ini", "[program:three]\ncommand=x\nautostart=false\n"
                           "[include]\nfiles=never.ini\n")
    box.write("never.ini", "[program:never]\ncommand=x\n")
    d = box.start("[include]\nfiles = conf.d/*.conf %(here)s/extra.ini nothing/*.here\n")
    c = config_of(d)
    assert set(c) == {"one:one", "two:two", "three:three"}
    assert c["two:two"]["startsecs"] == 9
    assert c["two:two"]["command"] == "/bin/echo " + box.path("conf.d")
    d.wait_log(r'INFO Included extra file "%s" during parsing$' % box.path("conf.d/10.conf"))
    log = d.log
    assert [os.path.basename(f) for f in re.findall(r'Included extra file "(.*?)"', log)] == [
        "10.conf", "20.conf", "extra.ini"]
    d.wait_log(r'WARN No file matches via include "%s"$' % re.escape(box.path("nothing/*.here")))


def test_relative_include_of_a_relative_c(box):
    box.write("sub/sv.conf", box.conf_text("[include]\nfiles=p.ini\n"))
    box.write("sub/p.ini", "[program:x]\ncommand=y\nautostart=false\n")
    d = box.start(raw=box.read("sub/sv.conf"), name="sub/again.conf")
    assert [p["name"] for p in d.sv.getAllProcessInfo()] == ["x"]


def test_unknown_keys_and_sections_are_accepted(box):
    d = box.start("[program:a]\ncommand=%s pause\nstartsec=5\nnonsense=1\nstartsecs=0\n"
                  "[taskmasterd]\nx=1\n[porgram:b]\ncommand=x\n" % box.child)
    d.wait_state("a", "RUNNING")
    if box.target.ours:
        text = d.log + d.err
        assert re.search(r"WARN .*sv\.conf:\d+.*startsec\b.*startsecs", text)
        assert re.search(r"WARN .*sv\.conf:\d+.*nonsense", text)
        assert re.search(r"WARN .*sv\.conf:\d+.*porgram:b", text)
        assert len(re.findall(r"WARN .*nonsense", d.log)) == 1


def test_parse_warnings(box):
    d = box.start("[program:a]\ncommand=x\nautostart=false\nstdout_logfile_maxbytes=0\n"
                  "[program:b]\ncommand=x\nautostart=false\nredirect_stderr=true\n"
                  "stderr_logfile=%s\n" % box.path("e"))
    d.wait_log(r"WARN For \[program:a\], AUTO logging used for stdout_logfile without rollover, "
               r"set maxbytes > 0 to avoid filling up filesystem unintentionally$")
    d.wait_log(r"WARN For \[program:b\], redirect_stderr=true but stderr_logfile has also been "
               r"set to a filename, the filename has been ignored$")


def test_large_file(box):
    """1 MB of configuration: long values, many lines of continuation."""
    many = "".join("  word%d\n" % i for i in range(2000))
    d = box.start("[program:a]\nautostart=false\ncommand=/bin/echo\n%s[program:b]\n"
                  "autostart=false\ncommand=/bin/echo %s\n" % (many, "x" * 1000000))
    c = config_of(d)
    assert c["a:a"]["command"].split()[-1] == "word1999"
    assert len(c["b:b"]["command"]) == 1000010


def test_user_by_expansion(box, root):
    who = is_user("nobody") or pytest.skip("no user nobody")
    d = box.start("[program:a]\ncommand=%s pause\nstartsecs=0\nuser=%%(ENV_WHO)s\n" % box.child,
                  env={"WHO": "nobody"})
    d.wait_state("a", "RUNNING")
    assert d.proc("a")["uid"] == who.pw_uid


def test_relative_command_line_conf(box):
    """-c with a relative name: %(here)s is absolute all the same."""
    os.makedirs(box.path("c"))
    box.write("c/sv.conf", box.conf_text("[program:a]\ncommand=/bin/echo %(here)s\nautostart=false\n"))
    shutil.copy(box.path("c/sv.conf"), box.path("sv.conf"))
    box.popen([box.target.path("supervisord"), "-n", "-c", "c/sv.conf"],
              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    info = wait_rpc(box.path("sv.sock")).getAllConfigInfo()
    assert info[0]["command"] == "/bin/echo " + box.path("c")
