#!/usr/bin/python3
"""An event listener for the tests: writes each event as a line of JSON into a file and
answers as its options say.

  listener.py FILE [bytes] [wait=FILE] [slow=SECONDS] [answers=A,B,...]

bytes reads binary, else text as Python's childutils does. wait: the answer is given when
FILE exists (%s in it becomes the serial). answers: OK, FAIL, die (exit before
answering), spell (OK a byte at a time), or text that is written as it is, one for each
event; the last one goes on. slow: READY comes so much later."""
import json
import os
import sys
import time


def main():
    options = dict(a.partition("=")[::2] for a in sys.argv[2:])
    answers = options.get("answers", "OK").split(",")
    source = sys.stdin.buffer if "bytes" in options else sys.stdin
    time.sleep(float(options.get("slow", 0)))
    while True:
        os.write(1, b"READY\n")
        line = source.readline()
        if not line:
            return
        text = line if isinstance(line, str) else line.decode()
        head = dict(word.split(":", 1) for word in text.split())
        body = source.read(int(head["len"]))
        if not isinstance(body, str):
            body = body.decode()
        with open(sys.argv[1], "a") as f:
            f.write(json.dumps({"line": text, "head": head, "body": body,
                                "pid": os.getpid()}) + "\n")
        if "wait" in options:
            gate = options["wait"].replace("%s", head["serial"])
            while not os.path.exists(gate):
                time.sleep(0.01)  # poll
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer == "die":
            os._exit(3)
        if answer == "spell":
            for c in b"RESULT 2\nOK":
                os.write(1, bytes([c]))
                time.sleep(0.01)  # so that each byte is a read; no poll, no wait for a result
        elif answer in ("OK", "FAIL"):
            os.write(1, b"RESULT %d\n%s" % (len(answer), answer.encode()))
        else:
            os.write(1, answer.encode().decode("unicode_escape").encode())


main()
