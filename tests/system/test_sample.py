"""echo_supervisord_conf: a complete sample which both implementations accept."""
import re
import subprocess

from harness import wait_rpc


def sample(box):
    r = box.run("echo_supervisord_conf")
    assert r.rc == 0 and r.err == ""
    return r.out


def start(box, target, text):
    """Run supervisord with the sample, its /tmp paths moved into the box."""
    text = text.replace("/tmp/", box.dir + "/")
    conf = box.write("sample.conf", text)
    box.popen([target.path("supervisord"), "-n", "-c", conf],
              stdout=open(box.path("supervisord.out"), "wb"),
              stderr=open(box.path("supervisord.err"), "wb"))
    sock = re.search(r"^file=([^\s;]+)", text, re.M).group(1)
    return wait_rpc(sock), conf


def test_sample_runs(box):
    sv, conf = start(box, box.target, sample(box))
    assert sv.getState()["statename"] == "RUNNING"
    assert sv.getAllProcessInfo() == []
    r = box.ctl("status", conf=conf)
    assert (r.rc, r.out) == (0, "")


def test_sample_is_accepted_by_the_original(box, both):
    sv, conf = start(box, both["oracle"], sample(box))
    assert sv.getState()["statename"] == "RUNNING"
    assert box.ctl("version", conf=conf, kind="oracle").rc == 0


def test_originals_sample_is_accepted(box, both):
    text = box.run("echo_supervisord_conf", kind="oracle").out
    sv, conf = start(box, box.target, text)
    assert sv.getState()["statename"] == "RUNNING"
    assert box.ctl("status", conf=conf).rc == 0


def uncommented(text):
    """Every commented option and section of a sample, made real."""
    return re.sub(r"^;(?=[\[a-z])", "", text, flags=re.M)


def test_sample_names_every_section_and_option(box):
    """What the original's manual lists, the sample shows."""
    text = uncommented(sample(box))
    for section in ("unix_http_server", "inet_http_server", "supervisord",
                    "rpcinterface:supervisor", "supervisorctl", "include"):
        assert re.search(r"^\[%s\]" % re.escape(section), text, re.M), section
    for section in ("program", "eventlistener", "group"):
        assert re.search(r"^\[%s:" % section, text, re.M), section
    for option in ("command process_name numprocs directory umask priority autostart startsecs "
                   "startretries autorestart exitcodes stopsignal stopwaitsecs stopasgroup "
                   "killasgroup user redirect_stderr stdout_logfile stdout_logfile_maxbytes "
                   "stdout_logfile_backups stdout_capture_maxbytes stdout_events_enabled "
                   "stderr_logfile stderr_logfile_maxbytes stderr_logfile_backups "
                   "stderr_capture_maxbytes stderr_events_enabled environment serverurl file "
                   "chmod chown username password port logfile logfile_maxbytes logfile_backups "
                   "loglevel pidfile nodaemon silent minfds minprocs identifier nocleanup "
                   "childlogdir strip_ansi buffer_size events programs files prompt "
                   "history_file").split():
        assert re.search(r"^%s ?=" % option, text, re.M), option


def test_printed_whole_into_a_pipe(box):
    r = subprocess.run(["sh", "-c", "%s | wc -c" % box.target.path("echo_supervisord_conf")],
                       capture_output=True, env=box.env())
    assert int(r.stdout) == len(sample(box).encode())
