"""The web page in Chromium: what an operator sees and does. Screenshots: build/screenshots."""
import os
import shutil
import signal
import subprocess

import pytest

from browser import Browser
from harness import free_port, wait_until
from test_web import PROGRAMS, Site

pytestmark = pytest.mark.differs("the page is our own")


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    browser = Browser(str(tmp_path_factory.mktemp("browser")))
    yield browser
    browser.close()


@pytest.fixture
def site(box):
    site = Site(box)
    for name in ("cat", "w:w0", "w:w1"):
        site.daemon.wait_state(name, "RUNNING")
    return site


def test_actions(site, browser):
    browser.open(site.url)
    browser.run("""
        await t.live();
        await t.state('cat', 'RUNNING');
        await t.state('idle', 'STOPPED');
        const press = (name, verb) => t.row(name).locator('[data-verb=' + verb + ']').click();
        await press('idle', 'start');
        await t.message('Process idle started');
        await t.state('idle', 'RUNNING');
        await press('idle', 'restart');
        await t.message('Process idle restarted');
        await press('idle', 'stop');
        await t.message('Process idle stopped');
        await t.state('idle', 'STOPPED');
        // a fault's words
        await press('bad', 'start');
        await t.message('ERROR: Process bad: no such file');
        // a group
        const group = t.page.locator('tr.group', { hasText: 'w' });
        await group.locator('[data-verb=stop]').click();
        await t.message('2 stopped');
        await t.state('w:w1', 'STOPPED');
        // a selection
        for (const n of ['w:w0', 'w:w1', 'idle']) await t.row(n).locator('[name=processname]').check();
        await t.page.locator('#bar button[value=start]').click();
        await t.message('3 started');
        await t.state('w:w1', 'RUNNING');
        await t.row('w:w1').locator('[name=processname]').uncheck();
        await t.row('idle').locator('[name=processname]').uncheck();
        await t.page.locator('[name=signal]').selectOption('KILL');
        await t.page.locator('#bar button[value=signal]').click();
        await t.message('Process w:w0 signalled');
        await t.row('w:w0').locator('.reason', { hasText: 'terminated by SIGKILL' }).waitFor();
        await t.page.locator('#bar button[value=clearlog]').click();
        await t.message('Log for w:w0 cleared');
        // all: asked first
        await t.page.locator('#more summary').click();
        await t.page.locator('button[value=stopall]').click();
        await t.page.locator('#ask button[value=no]').click();
        await t.state('cat', 'RUNNING');
        await t.page.locator('#more summary').click();
        await t.page.locator('button[value=stopall]').click();
        await t.page.locator('#ask button[value=yes]').click();
        await t.message('All stopped at');
        await t.state('cat', 'STOPPED');
    """)
    assert site.daemon.state("w:w0") == "STOPPED"


def test_live(site, browser):
    browser.open(site.url)
    browser.run("await t.live(); await t.state('cat', 'RUNNING'); t.asked = t.requests.length")
    pid = site.daemon.pid_of("cat")
    os.kill(pid, signal.SIGKILL)
    browser.run("""
        await t.row('cat').locator('.reason', { hasText: 'terminated by SIGKILL' }).waitFor();
        await t.row('cat').locator('.again', { hasText: /^1$/ }).waitFor();
        await t.state('cat', 'RUNNING');
        await t.row('cat').locator('.memory', { hasText: /B$/ }).waitFor();
        if (t.requests.length !== t.asked) throw new Error('it asked: ' + t.requests.slice(t.asked));
    """)
    assert browser.run("return t.row('cat').locator('.pid').textContent()") == str(
        site.daemon.pid_of("cat"))


def test_without_events(site, browser):
    """Where a proxy lets no events through the page asks every few seconds."""
    browser.open("about:blank")
    browser.run("""
        await t.context.route('**/events', (route) => route.abort());
        await t.page.goto(args.url);
        await t.page.locator('#live[data-kind=poll]').waitFor();
        await t.state('idle', 'STOPPED');
    """, url=site.url)
    site.daemon.sv.startProcess("idle")
    browser.run("""
        await t.state('idle', 'RUNNING');
        await t.context.unroute('**/events');
        await t.live();
    """)


def test_update_and_shutdown(site, browser, box):
    browser.open(site.url)
    browser.run("await t.live()")
    text = open(site.daemon.conf).read().replace("[program:idle]", "[program:fresh]")
    box.write("sv.conf", text.replace("numprocs=2", "numprocs=3"))
    browser.run("""
        await t.page.locator('#reread').click();
        await t.page.locator('#ask dd', { hasText: 'fresh' }).waitFor();
        await t.page.locator('#ask dd', { hasText: 'idle' }).waitFor();
    """)
    browser.shot("update")
    assert site.daemon.state("idle") == "STOPPED", "nothing is done before it is confirmed"
    browser.run("""
        await t.page.locator('#ask button[value=yes]').click();
        await t.message('Updated: 1 added, 1 changed, 1 removed');
        await t.state('w:w2', 'RUNNING|STARTING');
        await t.row('fresh').waitFor();
        await t.row('idle').waitFor({ state: 'detached' });
        await t.page.locator('#reread').click();
        await t.message('The configuration has not changed');
        await t.page.locator('#more summary').click();
        await t.page.locator('button[value=reload]').click();
        await t.page.locator('#ask button[value=yes]').click();
        await t.message('Supervisor is restarting');
        // the new daemon has another secret: the page fetches itself anew and goes on
        await t.page.waitForEvent('load');
        await t.live();
        await t.row('w:w2').locator('[data-verb=restart]').click();
        await t.message('Process w:w2 restarted');
        await t.page.locator('#more summary').click();
        await t.page.locator('button[value=shutdown]').click();
        await t.page.locator('#ask button[value=yes]').click();
        await t.message('Supervisor is shutting down');
    """)
    site.daemon.wait_exit()
    browser.run("await t.page.locator('#live[data-kind=lost]').waitFor()")


def test_log(box, browser):
    site = Site(box, """
[inet_http_server]
port=127.0.0.1:{port}
[program:cat]
command=/bin/sh -c 'while read x; do printf "$x\\n"; done'
stdout_logfile={dir}/cat.log
stdout_logfile_maxbytes=2000
""".replace("{dir}", box.dir))
    site.daemon.wait_state("cat", "RUNNING")

    def say(text):
        site.daemon.sv.sendProcessStdin("cat", text + "\n")
    say("one <script>window.hacked = 1</script>")
    wait_until(lambda: "hacked" in box.read("cat.log"))
    browser.open(site.url + "tail.html?processname=cat")
    browser.run("""
        await t.live();
        t.line = (text) => t.page.locator('#text div', { hasText: text });
        await t.line('<script>window.hacked').waitFor();
    """)
    say("\\\\033[31mred\\\\033[0m after")
    browser.run("""
        await t.line('red after').waitFor();
        if (await t.line('red after').locator('span.c1').textContent() !== 'red') throw new Error('no colour');
        await t.page.locator('#pause').click();
    """)
    say("while paused")
    browser.run("""
        await t.page.locator('#live', { hasText: 'KB wait' }).waitFor();
        if (await t.line('while paused').count()) throw new Error('it is paused');
        await t.page.locator('#pause').click();
        await t.line('while paused').waitFor();
    """)
    for i in range(5):  # rotates behind the fourth, if each is read by itself
        say("filler %d " % i + "x" * 600)
        wait_until(lambda: "filler %d" % i in box.read("cat.log.1") + box.read("cat.log"))
    say("after rotation")
    browser.run("""
        await t.line('after rotation').waitFor();
        for (let i = 0; i < 5; i++) if (await t.line('filler ' + i).count() !== 1) throw new Error('lost ' + i);
        await t.page.keyboard.press('/');
        await t.page.keyboard.type('rotation');
        await t.page.locator('#found', { hasText: /^1 line$/ }).waitFor();
        await t.page.locator('#only').check();
        if (await t.line('while paused').isVisible()) throw new Error('only matches');
        await t.page.locator('#search').fill('');
        await t.page.locator('#only').uncheck();
    """)
    browser.shot("log")
    assert browser.run("return t.page.evaluate(() => window.hacked || 0)") == 0
    assert browser.run("return t.axe()") == []
    path = browser.run("""
        const [download] = await Promise.all([t.page.waitForEvent('download'),
                                              t.page.getByText('Download', { exact: true }).click()]);
        return download.path();
    """)
    with open(path, encoding="utf-8") as f:
        assert f.read().endswith("after rotation\n")
    browser.run("""
        await t.page.locator('#clear').click();
        await t.message('Log for cat cleared');
    """)
    say("new life")
    browser.run("await t.line('new life').waitFor()")
    browser.open(site.url + "tail.html?log=main")
    browser.run("await t.live();"
                "await t.page.locator('#text div', { hasText: \"spawned: 'cat'\" }).waitFor()")


def test_flood(box, browser):
    site = Site(box, """
[inet_http_server]
port=127.0.0.1:{port}
[program:flood]
command=/bin/sh -c 'exec yes 0123456789012345678901234567890123456789012345678901234567890123'
stdout_logfile={dir}/flood.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=1
""".replace("{dir}", box.dir))
    site.daemon.wait_state("flood", "RUNNING")
    browser.open(site.url + "tail.html?processname=flood")
    browser.run("""
        await t.live();
        await t.page.locator('.note', { hasText: 'passed over' }).first().waitFor();
        for (let i = 0; i < 3; i++) {
            // the page answers while it floods
            await t.page.locator('#wrap').click();
            if (await t.page.locator('#text > div').count() > 5000) throw new Error('too many lines');
        }
        await t.page.locator('#pause').click();
    """)
    assert site.daemon.sv.getState()["statename"] == "RUNNING"
    site.daemon.sv.stopProcess("flood")


def many(box, **kw):
    site = Site(box, """
[inet_http_server]
port=127.0.0.1:{port}
[program:many]
command=/bin/sleep 1000
process_name=p%(process_num)04d
numprocs=1000
startsecs=0
""", supervisord="minfds=8000\n", **kw)
    site.daemon.wait_state("many:p0999", "RUNNING", timeout=100)
    return site


def test_thousand_programs(box, browser):
    site = many(box)
    browser.open(site.url)
    took = browser.run("""
        await t.live();
        await t.page.locator('#chips [value=running] b', { hasText: '1000' }).waitFor();
        const begin = Date.now();
        await t.page.locator('#find input').fill('p0777');
        await t.page.locator('#counts', { hasText: '1 of 1000 shown' }).waitFor();
        await t.row('many:p0777').locator('[data-verb=stop]').click();
        await t.message('Process many:p0777 stopped');
        await t.state('many:p0777', 'STOPPED');
        await t.page.locator('#chips [value=stopped]').click();
        await t.page.locator('#find input').fill('');
        await t.page.locator('#counts', { hasText: '1 of 1000 shown' }).waitFor();
        await t.page.locator('#chips [value=all]').click();
        await t.row('many:p0999').waitFor();
        return Date.now() - begin;
    """)
    assert took < 20000
    browser.shot("thousand")


def test_without_scripts(site, browser):
    browser.open(site.url, javaScriptEnabled=False)
    browser.run("""
        const press = (name, verb) => t.row(name).locator('[data-verb=' + verb + ']').click();
        await press('idle', 'start');
        await t.message('Process idle started');
        await t.state('idle', 'RUNNING');
        await t.row('idle').locator('[name=processname]').check();
        await t.row('w:w0').locator('[name=processname]').check();
        await t.page.locator('#bar button[value=stop]').click();
        await t.message('2 stopped');
        await t.state('w:w0', 'STOPPED');
        await t.page.locator('#find input').fill('w0');
        await t.page.locator('#find button').click();
        await t.row('w:w0').waitFor();
        if (await t.row('cat').count()) throw new Error('it is to be filtered');
        await t.page.goto(args.url);
        await t.page.locator('#reread').click();
        await t.page.locator('#diff', { hasText: 'has not changed' }).waitFor();
        await t.page.goto(args.url);
        await t.row('once').locator('[data-log=stdout]').click();
        await t.page.locator('#text', { hasText: 'said once' }).waitFor();
    """, url=site.url)
    browser.open(site.url, javaScriptEnabled=False)
    browser.shot("without-scripts")


@pytest.mark.parametrize("name,options", [
    ("light", {}), ("dark", {"colorScheme": "dark"}),
    ("phone", {"viewport": {"width": 390, "height": 844}, "deviceScaleFactor": 2,
               "hasTouch": True}),
])
def test_looks_and_accessibility(site, browser, name, options):
    browser.open(site.url, **options)
    browser.run("await t.live(); await t.state('once', 'EXITED');"
                "await t.row('cat').locator('.memory', { hasText: /B$/ }).waitFor()")
    browser.shot(name)
    assert browser.run("return t.axe()") == []
    wide = browser.run("return t.page.evaluate(() => document.documentElement.scrollWidth"
                       " - innerWidth)")
    assert wide <= 0, "it scrolls sideways"
    browser.run("""
        await t.row('bad').locator('[data-verb=start]').click();
        await t.message('ERROR');
        await t.page.locator('#more summary').click();
        await t.page.locator('button[value=stopall]').click();
        await t.page.locator('#ask[open]').waitFor();
    """)
    browser.shot(name + "-question")
    assert browser.run("return t.axe()") == []


def test_keyboard(site, browser):
    browser.open(site.url)
    browser.run("""
        await t.live();
        await t.page.keyboard.press('/');
        await t.page.keyboard.type('idle');
        await t.page.locator('#counts', { hasText: '1 of' }).waitFor();
        const focused = () => t.page.evaluate(() => document.activeElement.getAttribute('aria-label'));
        for (let i = 0; i < 12 && await focused() !== 'Start idle'; i++) await t.page.keyboard.press('Tab');
        if (await focused() !== 'Start idle') throw new Error('Start is not reached by Tab');
        await t.page.keyboard.press('Enter');
        await t.message('Process idle started');
        // Enter in a box sends nothing
        const posts = () => t.requests.filter((r) => r.startsWith('POST')).length;
        const before = posts();
        await t.row('idle').locator('[name=processname]').focus();
        await t.page.keyboard.press('Space');
        await t.page.keyboard.press('Enter');
        await t.page.locator('#picked', { hasText: '1 selected' }).waitFor();
        if (posts() !== before) throw new Error('it acted: ' + t.requests);
    """)
    assert site.daemon.state("idle") == "RUNNING"


def test_password(box, browser):
    site = Site(box, auth="username=me\npassword=s\u00e9cret")
    with pytest.raises(AssertionError, match="ERR_INVALID_AUTH_CREDENTIALS|got 401"):
        assert browser.open(site.url) == 200, "got 401"
    browser.open(site.url, httpCredentials={"username": "me", "password": "s\u00e9cret"})
    browser.run("""
        await t.live();
        await t.row('idle').locator('[data-verb=start]').click();
        await t.message('Process idle started');
    """)


# ---- behind a proxy, over TLS ------------------------------------------------------

def nginx(box, text):
    path = shutil.which("nginx", path="/usr/sbin:/usr/bin:" + os.environ["PATH"])
    if not path:
        pytest.skip("needs nginx of Debian's package nginx-light")
    box.write("nginx.conf", """
worker_processes 1; daemon off; user root; pid %(d)s/nginx.pid; error_log %(d)s/error.log;
events {}
http { access_log off; client_body_temp_path %(d)s/t1; proxy_temp_path %(d)s/t2;
  fastcgi_temp_path %(d)s/t3; uwsgi_temp_path %(d)s/t4; scgi_temp_path %(d)s/t5;
  %(t)s }
""" % {"d": box.dir, "t": text})
    box.popen([path, "-p", box.dir, "-c", box.path("nginx.conf"), "-e", box.path("error.log")])


def certificate(box):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", box.path("key.pem"), "-out", box.path("cert.pem")],
                   check=True, capture_output=True)


def try_page(browser, url):
    def answers():
        try:
            return browser.open(url, ignoreHTTPSErrors=True) == 200
        except AssertionError:
            return False
    wait_until(answers, every=0.2)
    browser.run("""
        await t.live();
        await t.row('idle').locator('[data-verb=start]').click();
        await t.message('Process idle started');
        await t.state('idle', 'RUNNING');
        await t.row('once').locator('[data-log=stdout]').click();
        await t.live();
        await t.page.locator('#text div', { hasText: 'said once' }).waitFor();
        await t.page.locator('a', { hasText: 'Programs' }).click();
        await t.live();
    """)


def test_behind_nginx_with_prefix(site, browser, box):
    """As an article does it, over the unix socket: nginx's Host is none of the page's."""
    port = free_port()
    nginx(box, """
  server { listen 127.0.0.1:%d;
    location /supervisor { rewrite ^/supervisor(/.*)$ $1 break;
      proxy_pass http://unix:%s/sv.sock; } }""" % (port, box.dir))
    try_page(browser, "http://127.0.0.1:%d/supervisor/" % port)
    # the same without scripts: the redirection after a form stays below the prefix
    browser.open("http://127.0.0.1:%d/supervisor/" % port, javaScriptEnabled=False)
    browser.run("""
        await t.row('idle').locator('[data-verb=stop]').click();
        await t.message('Process idle stopped');
        if (!t.page.url().includes('/supervisor/?message=')) throw new Error(t.page.url());
    """)


def test_over_tls(box, browser):
    certificate(box)
    port = free_port()
    text = PROGRAMS.format(port="127.0.0.1:0", auth="").partition("[program:cat]")
    raw = box.conf_text("[inet_http_server]\nport=127.0.0.1:%d\nssl_certfile=%s\n"
                        "ssl_keyfile=%s\n[program:cat]%s"
                        % (port, box.path("cert.pem"), box.path("key.pem"), text[2]))
    box.write("tls.conf", raw)
    probe = box.launch(box.path("tls.conf"))
    wait_until(lambda: probe.poll() is not None or os.path.exists(box.path("sv.sock")))
    if probe.poll() is not None and "serves no TLS" in box.read("supervisord.err"):
        pytest.skip("this build serves no TLS")
    try_page(browser, "https://localhost:%d/" % port)
