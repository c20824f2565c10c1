"""Chromium for the tests of the web page, by Playwright.

npm packages are installed into build/web (never committed), in the versions that
tests/web/package.json names; Chromium is Debian's. Where one of them cannot be had the
tests skip and say which. One browser serves all tests of a session; pages are fresh.
"""
import fcntl
import json
import os
import select
import shutil
import subprocess

import pytest

from harness import TOP

WEB = os.path.join(TOP, "tests", "web")
BUILD = os.path.join(TOP, "build", "web")
SHOTS = os.path.join(TOP, "build", "screenshots")


def _modules():
    """The folder of the npm packages; installs them once."""
    os.makedirs(BUILD, exist_ok=True)
    wanted = open(os.path.join(WEB, "package.json"), encoding="utf-8").read()
    stamp = os.path.join(BUILD, "installed.json")
    with open(os.path.join(BUILD, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(stamp) or open(stamp, encoding="utf-8").read() != wanted:
            # Where there is no registry, one attempt per run is slow enough.
            failed = os.path.join(BUILD, "failed-" + os.environ.get(
                "PYTEST_XDIST_TESTRUNUID", str(os.getpid())))
            if os.path.exists(failed):
                pytest.skip("npm cannot install playwright-core and axe-core")
            npm = shutil.which("npm") or pytest.skip("needs npm to install playwright-core")
            shutil.copy(os.path.join(WEB, "package.json"), BUILD)
            done = subprocess.run([npm, "install", "--no-audit", "--no-fund",
                                   "--no-package-lock", "--ignore-scripts",
                                   "--fetch-retries=1", "--fetch-timeout=30000"], cwd=BUILD,
                                  capture_output=True, text=True, timeout=300, check=False)
            if done.returncode != 0:
                open(failed, "w", encoding="utf-8").close()
                pytest.skip("npm cannot install playwright-core and axe-core: "
                            + done.stderr.strip()[-300:])
            with open(stamp, "w", encoding="utf-8") as f:
                f.write(wanted)
    return os.path.join(BUILD, "node_modules")


class Browser:
    """run(code, **args): a piece of JavaScript with Playwright; see tests/web/driver.js."""

    def __init__(self, home):
        chromium = shutil.which("chromium") or pytest.skip(
            "needs Debian's package chromium, which cannot be installed here")
        node = shutil.which("node") or pytest.skip("needs Debian's package nodejs")
        env = {"PATH": os.environ["PATH"], "HOME": home, "TZ": "UTC", "LANG": "C.UTF-8",
               "WEB_MODULES": _modules(), "CHROMIUM": chromium}
        self.process = subprocess.Popen([node, os.path.join(WEB, "driver.js")], env=env,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        start_new_session=True, cwd=home)
        self.run("return t.browser.version()", timeout=180)  # starting may take a while

    def run(self, code, timeout=60, **args):
        line = json.dumps({"code": code, "args": args}) + "\n"
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        assert ready, "the browser did not finish in %d s: %s" % (timeout, code)
        answer = json.loads(self.process.stdout.readline() or '{"error": "it ended"}')
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def open(self, url, **options):
        return self.run("return await t.open(args.url, args.options)", url=url,
                        options=options)

    def shot(self, name):
        os.makedirs(SHOTS, exist_ok=True)
        self.run("await t.page.screenshot({path: args.path})",
                 path=os.path.join(SHOTS, name + ".png"))

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
