"""The binary as several programs: its names, its links, and what it says to a wrong one."""
import os
import subprocess

import pytest

import harness

BINARY = os.path.abspath(os.environ.get("SUPERVISOR_BIN")
                         or os.path.join(harness.TOP, "build", "supervisor"))


def run(*argv, **kw):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kw)
    return harness.Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture(autouse=True)
def ours_only(request):
    if request.config.getoption("--target") != "ours":
        pytest.skip("the original has no such binary")


def test_list_names_every_applet():
    assert run(BINARY, "--list") == (0, "".join(a + "\n" for a in harness.APPLETS), "")


def test_help_and_version():
    got = run(BINARY, "--help")
    assert got.rc == 0 and all(a in got.out for a in harness.APPLETS)
    got = run(BINARY, "--version")
    assert got.rc == 0 and got.out.startswith("supervisor ")
    assert run(BINARY, "supervisord", "-v") == (0, "4.4.0\n", "")


def test_unknown_applet_lists_those_there_are():
    got = run(BINARY, "supervizord")
    assert got.rc == 2 and got.out == ""
    assert got.err.startswith("Error: unknown applet supervizord; the applets are:\n")
    assert all(a in got.err for a in harness.APPLETS)
    assert run(BINARY).rc == 2


@pytest.mark.parametrize("symbolic", (False, True))
def test_install(tmp_path, symbolic):
    flags = ["-s"] if symbolic else []
    program = tmp_path / "supervisor"
    with open(BINARY, "rb") as f:
        program.write_bytes(f.read())
    program.chmod(0o755)
    folder = tmp_path / "bin"
    folder.mkdir()
    assert run(str(program), "--install", *flags, str(folder)) == (0, "", "")
    for name in harness.APPLETS:
        link = folder / name
        assert os.path.samefile(link, program)
        assert os.path.islink(link) == symbolic
    assert run(str(folder / "supervisord"), "-v").out == "4.4.0\n"
    assert run(str(folder / "echo_supervisord_conf")).out.startswith(";")
    # again is no error; another file in the place of a link is, unless it may be replaced
    assert run(str(program), "--install", *flags, str(folder)).rc == 0
    other = folder / "pidproxy"
    other.unlink()
    other.write_text("mine")
    got = run(str(program), "--install", *flags, str(folder))
    assert got.rc == 1 and "pidproxy: File exists (use -f to replace it)" in got.err
    assert other.read_text() == "mine"
    assert run(str(program), "--install", "-f", *flags, str(folder)).rc == 0
    assert os.path.samefile(other, program)


def test_install_wants_one_directory(tmp_path):
    assert run(BINARY, "--install").rc == 2
    assert run(BINARY, "--install", "-x", str(tmp_path)).rc == 2
    assert run(BINARY, "--install", "-s", str(tmp_path / "no")).rc == 1


def test_full_output_is_an_error():
    with open("/dev/full", "w") as full:
        for argv in ([BINARY, "--list"], [BINARY, "echo_supervisord_conf"]):
            done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE)
            assert done.returncode == 1 and b"No space left" in done.stderr
