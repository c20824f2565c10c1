"""Who is measured: ours, the original ("ref"), its peers, and the floor, which is the least
that a program could do (floor.c). Each makes its own configuration for n programs."""
import os
import shutil
import signal

from box import tool

HEAD = """[supervisord]
nodaemon=true
logfile={folder}/daemon.log
pidfile={folder}/daemon.pid
childlogdir={folder}
minfds={minfds}
[unix_http_server]
file={socket}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{socket}
"""

PROGRAMS = """[program:p]
command={mark} {fifo} %(process_num)d
process_name=p%(process_num)d
numprocs={n}
stdout_logfile=NONE
stderr_logfile=NONE
{options}
"""


class Subject:
    """command() writes what n programs need into the box and tells what to run."""
    name = ""
    needs = ()
    has_rpc = False
    says_up = "RUNNING"  # what its status command prints for a program that runs

    def missing(self):
        gone = [p for p in self.needs if not shutil.which(p)]
        return "not installed" if gone else None

    def stop(self, box, process):
        """Asks for an end of everything."""
        process.send_signal(signal.SIGTERM)


class Supervisord(Subject):
    has_rpc = True

    def __init__(self, name, daemon, ctl):
        self.name, self.daemon, self.ctl = name, daemon, ctl
        self.needs = (daemon[0],)

    def command(self, box, n, options="", extra=""):
        text = HEAD.format(folder=box.folder, socket=box.socket, minfds=1024 + 4 * n)
        if n > 0:
            text += PROGRAMS.format(mark=tool("mark"), fifo=box.fifo, n=n, options=options)
        return self.daemon + ["-n", "-c", box.write("sv.conf", text + extra)]

    def ctl_command(self, box, *words):
        return self.ctl + ["-c", box.path("sv.conf"), *words]

    def status(self, box, _n):
        return self.ctl_command(box, "status")


class Scanner(Subject):
    """A peer that supervises a folder of services, each with a file "run"."""

    def __init__(self, name, scan, needs, status, stop):
        self.name, self.scan, self.needs = name, scan, (scan, *needs)
        self.status_command, self.stop_commands = status, stop
        self.says_up = "run:" if name == "runit" else "up"

    def command(self, box, n, options="", extra=""):
        for i in range(n):
            box.write("scan/p%d/run" % i, "#!%s %s\n" % (tool("mark"), box.fifo), 0o755)
        limit = ["-c", str(2 * n + 100)] if self.name == "s6" and n > 400 else []
        return [self.scan] + limit + [box.path("scan")]

    def folders(self, box, n):
        return [box.path("scan/p%d" % i) for i in range(n)]

    def status(self, box, n):
        folders = self.folders(box, n)
        if self.name == "s6":  # knows one service at a time
            folders = folders[:1]
        return self.status_command + folders

    def stop(self, box, process):
        folders = self.folders(box, len(os.listdir(box.path("scan"))))
        for command in self.stop_commands:
            if command == "HUP":
                process.send_signal(signal.SIGHUP)
            elif command == "TERM":
                process.send_signal(signal.SIGTERM)
            else:
                box.run(*[w for word in command for w in
                          (folders if word == "*" else [box.path("scan")] if word == "."
                           else [word])])


class Init(Subject):
    """A peer that runs one program."""

    def __init__(self, name):
        self.name, self.needs = name, (name,)

    def command(self, box, n, options="", extra=""):
        assert n == 1
        quiet = ["-s"] if self.name == "tini" else []
        return [self.name] + quiet + ["--", tool("mark"), box.fifo, "0"]


class Floor(Subject):
    name = "floor"

    def command(self, box, n, options="", extra=""):
        return [tool("floor"), "run", str(n), tool("mark"), box.fifo, "%d"]


def all_subjects(binary):
    one = os.path.abspath(binary)
    return [
        Supervisord("ours", [one, "supervisord"], [one, "supervisorctl"]),
        Supervisord("ref", ["/usr/bin/supervisord"], ["/usr/bin/supervisorctl"]),
        Scanner("runit", "runsvdir", ("runsv", "sv"), ["sv", "status"], ["HUP"]),
        Scanner("s6", "s6-svscan", ("s6-supervise", "s6-svscanctl", "s6-svstat"),
                ["s6-svstat"], [["s6-svscanctl", "-t", "."]]),
        Scanner("daemontools", "svscan", ("supervise", "svc", "svstat"), ["svstat"],
                ["TERM", ["svc", "-dx", "*"]]),
        Init("tini"),
        Init("dumb-init"),
        Floor(),
    ]
