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


def file_size(_box, subject):
    """The binary; for those that are several or need an interpreter, what is theirs."""
    needs = subject.daemon[:1] if subject.has_rpc else subject.needs
    paths = {os.path.realpath(shutil.which(name)) for name in needs}
    if subject.name == "ref":
        import importlib.util
        found = importlib.util.find_spec("supervisor")
        for folder in found.submodule_search_locations if found else ():
            paths |= {os.path.join(at, name) for at, _, names in os.walk(folder)
                      for name in names if "__pycache__" not in at}
    return {"size": [sum(map(os.path.getsize, paths)) / 1000]}


ROWS = [
    Row("cold-start", first_child, ALL, [Metric("to main()", "ms", floors=4)], rounds=15),
    Row("first-answer", first_answer, PAIR, [Metric("to answer", "ms", most=1)], rounds=15),
    Row("start-calls", system_calls, ALL, [Metric("calls", "calls", most=80),
                                           Metric("files opened", "files")], rounds=1),
    Row("size", file_size, TWO + ("runit", "s6", "daemontools", "tini", "dumb-init"),
        [Metric("size", "kB", most=400)], rounds=1),
]
