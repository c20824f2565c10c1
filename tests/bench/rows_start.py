"""Rows of the start: first child, first answer, system calls until then; sizes of files."""
import os
import re
import shutil
import subprocess
import time

from box import Wrong, read, request, tool
from table import ALL, PAIR, TWO, Metric, Row


def first_child(box, subject):
    box.stamped(subject.command(box, 1))
    [mark] = box.wait_programs(1, 60)
    return {"to main()": [(mark.ns - box.exec_ns()) / 1e6]}


def first_answer(box, subject):
    asked = box.write("request", request("supervisor.getState"))
    if subject.name == "floor":
        answer = box.write("answer", b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nRUNNING")
        command = [tool("floor"), "serve", box.socket, answer]
    else:
        command = subject.command(box, 1)
    # The client comes first and tries each 50 us until somebody answers.
    client = subprocess.Popen([tool("asker"), box.socket, asked, "RUNNING", "new", "1", "1",
                               "60", "0"], stdout=subprocess.PIPE, text=True)
    time.sleep(0.1)
    box.stamped(command)
    out, _ = client.communicate(timeout=120)
    if client.returncode != 0:
        box.fail("no answer")
    box.take_marks(5)
    return {"to answer": [(int(out.split()[-1]) - box.exec_ns()) / 1e6]}


def system_calls(box, subject):
    if not shutil.which("strace"):
        return {}
    trace = box.path("trace")
    box.spawn(["strace", "-o", trace] + subject.command(box, 1))
    box.wait_programs(1, 120)
    if subject.has_rpc:
        box.wait(lambda: os.path.exists(box.socket), 60, "the control socket")
    calls = re.findall(r"(?m)^(\w+)\(.* = (-?\d+|0x[0-9a-f]+)", read(trace))
    if not calls:
        raise Wrong("no trace")
    opened = [1 for call, result in calls if call.startswith("open") and result[0] != "-"]
    return {"calls": [len(calls)], "files opened": [len(opened)]}


# What an image without anything must have


# What packages depend on for being installed, not for running.
NOT_TO_RUN = {"init-system-helpers", "lsb-base", "sysvinit-utils", "perl-base", "debconf",
              "dpkg", "debianutils"}
NOT_TO_READ = re.compile("/usr/share/(doc|man|info|locale|lintian|bug)/")


def packages(name):
    """A package and all that it depends on, as installed."""
    found = [name]
    for package in found:
        text = subprocess.run(["dpkg-query", "-W", "-f", "${Pre-Depends}, ${Depends}", package],
                              capture_output=True, text=True, check=False).stdout
        for wanted in re.split(r" *, *", text):
            other = re.match(r"[\w.+-]*", wanted).group()
            if other and other not in found and other not in NOT_TO_RUN:
                found.append(other)
    return found


def package_files(name):
    listed = subprocess.run(["dpkg", "-L", *packages(name)], capture_output=True, text=True,
                            check=False).stdout.splitlines()
    return {path for path in listed if not NOT_TO_READ.match(path)
            and os.path.isfile(path) and not os.path.islink(path)}


def with_libraries(programs):
    paths = {os.path.realpath(shutil.which(name)) for name in programs}
    for path in list(paths):
        text = subprocess.run(["ldd", path], capture_output=True, text=True,
                              check=False).stdout
        paths |= {os.path.realpath(found) for found in re.findall(r"(/\S+) \(0x", text)}
    return paths


def image(_box, subject):
    """The files that must be there to run it: ours is one; for the original its package's
    and what that depends on, without documentation; the peers' programs and libraries."""
    needs = subject.daemon[:1] if subject.has_rpc else subject.needs
    files = package_files("supervisor") if subject.name == "ref" else with_libraries(needs)
    if len(files) < len(needs):
        raise Wrong("no files found")
    return {"size": [sum(map(os.path.getsize, files)) / 1000], "files": [len(files)]}


def without_tls(_box, _subject):
    path = tool("notls")
    return {"size": [os.path.getsize(path) / 1000]} if os.path.exists(path) else {}


PEERS = ("runit", "s6", "daemontools", "tini", "dumb-init")
ROWS = [
    Row("cold-start", first_child, ALL, [
        Metric("to main()", "ms", than={"floor": 4, "tini": 1.5})],
        rounds=15, slow={"ref": 5, "runit": 3}),
    Row("first-answer", first_answer, PAIR, [
        Metric("to answer", "ms", most=1, at_floor=0.3)], rounds=15, slow={"ref": 5}),
    Row("start-calls", system_calls, ALL, [Metric("calls", "calls", most=80),
                                           Metric("files opened", "files")], rounds=1),
    Row("image", image, TWO + PEERS, [Metric("size", "kB", most=400),
                                      Metric("files", "files", most=1)], rounds=1),
    Row("image-without-tls", without_tls, ("ours",), [Metric("size", "kB", most=250)],
        rounds=1),
]
