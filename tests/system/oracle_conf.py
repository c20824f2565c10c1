"""Prints what the original makes of configuration files, one JSON object a line, in the
form of tests/tools/conf_dump.c. Run by a Python that has the supervisor package; started by
test_conf_dump.py, which writes one file name a line to its standard input."""
import json
import signal
import socket
import sys
import types

# the one plug-in that is built in here need not be installed there
plugin = types.ModuleType("supervisor_stdout")
plugin.event_handler = lambda *args: None
sys.modules.setdefault("supervisor_stdout", plugin)

from supervisor import datatypes, events, options  # noqa: E402

EVENT_NAMES = {getattr(events.EventTypes, n): n
               for n in dir(events.EventTypes) if n.isupper()}
RESTARTS = {False: "never", datatypes.RestartUnconditionally: "always",
            datatypes.RestartWhenExitUnexpected: "unexpected"}


class Refused(Exception):
    pass


def channel(process, name):
    path = getattr(process, name + "_logfile")
    target = ("auto" if path is datatypes.Automatic else "file" if path else "none")
    return {"target": target, "logfile": path if target == "file" else None,
            "logfile_maxbytes": getattr(process, name + "_logfile_maxbytes"),
            "logfile_backups": getattr(process, name + "_logfile_backups"),
            "capture_maxbytes": getattr(process, name + "_capture_maxbytes"),
            "events_enabled": int(getattr(process, name + "_events_enabled")),
            "syslog": int(getattr(process, name + "_syslog"))}


def process(p):
    out = {name: getattr(p, name) for name in
           ("name", "command", "directory", "priority", "startsecs", "startretries",
            "stopwaitsecs", "exitcodes", "environment", "serverurl")}
    for name in ("autostart", "stopsignal", "stopasgroup", "killasgroup",
                 "redirect_stderr"):
        out[name] = int(getattr(p, name))
    out["umask"] = -1 if p.umask is None else p.umask
    out["uid"] = -1 if p.uid is None else p.uid
    out["autorestart"] = RESTARTS[p.autorestart]
    out["out"], out["err"] = channel(p, "stdout"), channel(p, "stderr")
    return out


def group(g):
    kind = ("listeners" if isinstance(g, options.EventListenerPoolConfig) else
            "fcgi" if isinstance(g, options.FastCGIGroupConfig) else "programs")
    sock = getattr(g, "socket_config", None)
    return {"name": g.name.strip(), "priority": g.priority, "kind": kind,
            "buffer_size": getattr(g, "buffer_size", 0),
            "events": sorted(EVENT_NAMES[e] for e in getattr(g, "pool_events", [])),
            "socket_path": getattr(sock, "path", None) or None,
            "host": getattr(sock, "host", None), "port": getattr(sock, "port", 0) or 0,
            "processes": [process(p) for p in g.process_configs]}


def server(c):
    unix = c["family"] == socket.AF_UNIX
    return {"section": c["section"], "file": c["file"] if unix else None,
            "host": None if unix else c["host"], "port": 0 if unix else c["port"],
            "username": c["username"], "password": c["password"],
            "chmod": c["chmod"] if unix else 0,
            "chown": list(c["chown"]) if unix else [-1, -1]}


def load(path):
    o = options.ServerOptions()

    def usage(message):
        raise Refused(str(message))
    o.usage = usage
    try:
        o.realize(["-c", path], doc="", progname="supervisord")
    except Refused as e:
        return {"error": str(e)}
    out = {name: getattr(o, name) for name in
           ("logfile", "logfile_maxbytes", "logfile_backups", "loglevel", "pidfile",
            "umask", "minfds", "minprocs", "childlogdir", "directory", "identifier",
            "serverurl")}
    for name in ("nodaemon", "silent", "nocleanup", "strip_ansi"):
        out[name] = int(getattr(o, name))
    out["uid"] = -1 if o.uid is None else o.uid
    out["environment"] = o.configroot.supervisord.environment
    out["groups"] = [group(g) for g in sorted(o.process_group_configs)]
    out["http"] = [server(c) for c in o.server_configs]
    out["warnings"] = o.parse_warnings
    return out


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for line in sys.stdin:
        answer = load(line.rstrip("\n"))
        answer["version"] = options.VERSION
        print(json.dumps(answer), flush=True)
