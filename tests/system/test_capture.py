"""Capture mode and strip_ansi: what a program says between the tokens goes into an event
and not into its log, wherever its writes are cut."""
import pytest

from harness import holds_for, wait_until
from test_events import got, program, section, wait_event

BEGIN, END = "<!--XSUPERVISOR:BEGIN-->", "<!--XSUPERVISOR:END-->"
TAIL = " and then so much that no token can begin in it"  # the original loses less


def comm(box):
    return [e["body"].partition("\n")[2] for e in got(box)
            if e["head"]["eventname"].startswith("PROCESS_COMMUNICATION")]


def captured(box, words, maxbytes="1MB", more=""):
    """A program that says words (for the helper) with capture on; its log."""
    d = box.start(section(box, "PROCESS_COMMUNICATION") +
                  program("a", box.child + " " + words, stdout_capture_maxbytes=maxbytes,
                          stdout_logfile=box.path("o")) + more)
    d.wait_state("a", "EXITED")
    return d


def in_pieces(text, size, pause="0.03"):
    """Words for the helper: text, so many bytes a write, with a pause between."""
    return (" sleep %s " % pause).join(
        "out '%s'" % text[i:i + size] for i in range(0, len(text), size))


def test_captured_and_the_rest(box):
    captured(box, "out 'before%sinside%safter%s'" % (BEGIN, END, TAIL))
    wait_event(box, r"PROCESS_COMMUNICATION_STDOUT processname:a groupname:a pid:\d+\ninside")
    assert box.read("o") == "beforeafter" + TAIL


def test_several_in_one_write(box):
    text = "".join("%s%d%s-" % (BEGIN, i, END) for i in range(5))
    captured(box, "out '%s'" % (text + TAIL))
    wait_until(lambda: comm(box) == list("01234"))
    assert box.read("o") == "-----" + TAIL


@pytest.mark.parametrize("size", [1, 7, 23])
def test_tokens_across_reads(box, size):
    captured(box, in_pieces("a%sxyz%sb" % (BEGIN, END), size) + " sleep 0.05 out '%s'" % TAIL)
    wait_until(lambda: comm(box) == ["xyz"])
    assert box.read("o") == "ab" + TAIL


@pytest.mark.differs("the original keeps back what is shorter than a token, and loses it")
def test_what_looks_like_a_token(box):
    """Beginnings of a token that come to nothing are output."""
    captured(box, "out '<' out '<!--XSUP' out 'x%s' out '<!--XSUPERVISOR:BEGIN'" % BEGIN[:-1])
    assert box.read("o") == "<<!--XSUPx" + BEGIN[:-1] + "<!--XSUPERVISOR:BEGIN"
    assert comm(box) == []


@pytest.mark.differs("the original keeps back what is shorter than a token, and loses it")
def test_short_last_words(box):
    captured(box, "out short")
    assert box.read("o") == "short"


def test_stderr(box):
    box.start(section(box, "PROCESS_COMMUNICATION") + program(
        "a", box.child + " err 'x%syes%sy'" % (BEGIN, END),
        stderr_capture_maxbytes="1KB", stderr_logfile=box.path("e")))
    wait_event(box, r"PROCESS_COMMUNICATION_STDERR processname:a groupname:a pid:\d+\nyes")
    wait_until(lambda: box.read("e") in ("xy", "x"))  # the original may keep the "y"


def test_off_by_default(box):
    """With maxbytes 0 tokens are text like any other."""
    captured(box, "out '%sx%s'" % (BEGIN, END), maxbytes=0)
    assert box.read("o") == "%sx%s" % (BEGIN, END)
    holds_for(lambda: comm(box) == [], 0.3)


def test_maxbytes_keeps_the_end(box):
    """More than maxbytes between the tokens: the last of it stays."""
    words = "out '%s' sleep 0.3 " % BEGIN
    words += " sleep 0.1 ".join("out '%s'" % (c * 50) for c in "abcd") + " sleep 0.3 out '%s'" % (END + TAIL)
    captured(box, words, maxbytes=100)
    wait_until(lambda: comm(box))
    assert comm(box)[0].endswith("c" * 50 + "d" * 50) and "a" not in comm(box)[0]


def test_captured_makes_log_events_too(box):
    d = box.start(section(box, "PROCESS_LOG,PROCESS_COMMUNICATION") + program(
        "a", box.child + " out '%shidden text that is long enough%s'" % (BEGIN, END),
        stdout_capture_maxbytes="1KB", stdout_events_enabled="true",
        stdout_logfile=box.path("o")))
    d.wait_state("a", "EXITED")
    wait_event(box, r"PROCESS_COMMUNICATION_STDOUT .*\nhidden text that is long enough")
    wait_event(box, r"PROCESS_LOG_STDOUT .* channel:stdout\nhidden text that is long enough")
    assert box.read("o") == ""


def test_capture_of_a_restart_begins_anew(box):
    """A program that dies inside the tokens: its next life is not captured."""
    d = captured(box, "out 'log%sunfinished business of some length'" % BEGIN)
    d.sv.startProcess("a", False)
    wait_until(lambda: box.read("o") == "loglog")
    assert comm(box) == []


def test_nobody_listens(box):
    d = box.start(program("a", box.child + " out 'x%ssecret%sy and more than a token long'" % (BEGIN, END),
                          stdout_capture_maxbytes="1KB", stdout_logfile=box.path("o")))
    d.wait_state("a", "EXITED")
    assert box.read("o") == "xy and more than a token long"


# ---- strip_ansi --------------------------------------------------------------------

RED = r"\x1b[31;1mred\x1b[0m and \x1b[2Jplain\x1b[K.\n"


def test_strip_ansi(box):
    d = box.start(program("a", box.child + " out '%s'" % RED, stdout_logfile=box.path("o")),
                  supervisord="strip_ansi=true")
    d.wait_state("a", "EXITED")
    assert box.read("o") == "red and plain.\n"


def test_ansi_stays_by_default(box):
    d = box.start(program("a", box.child + " out '%s'" % RED, stdout_logfile=box.path("o")))
    d.wait_state("a", "EXITED")
    assert box.read("o") == "\x1b[31;1mred\x1b[0m and \x1b[2Jplain\x1b[K.\n"


@pytest.mark.differs("the original loses what a read cuts")
def test_strip_ansi_across_reads(box):
    words = r"out 'a\x1b' sleep 0.05 out '[3' sleep 0.05 out '1mb\x1b' sleep 0.05 out 'c'"
    d = box.start(program("a", box.child + " " + words, stdout_logfile=box.path("o")),
                  supervisord="strip_ansi=true")
    d.wait_state("a", "EXITED")
    assert box.read("o") == "ab\x1bc"


def test_strip_ansi_of_what_is_captured(box):
    box.start(section(box, "PROCESS_COMMUNICATION") + program(
        "a", box.child + r" out '%s\x1b[31mred\x1b[0m%s'" % (BEGIN, END),
        stdout_capture_maxbytes="1KB"), supervisord="strip_ansi=true")
    wait_until(lambda: comm(box) == ["red"])
