// Runs pieces of Playwright code for tests/system/browser.py: one JSON line
// {"code": ..., "args": {...}} in, one {"value": ...} or {"error": ...} out. The code is the
// body of an async function of (t, args); t keeps what it is given from one piece to the
// next. A page's errors fail the next piece.
'use strict';
const { chromium } = require(process.env.WEB_MODULES + '/playwright-core');
const axe = require('fs').readFileSync(require.resolve(process.env.WEB_MODULES + '/axe-core'), 'utf8');

const t = { pageErrors: [], requests: [] };

// A fresh browser profile with one page.
t.open = async (url, options) => {
  if (t.context) await t.context.close();
  t.context = await t.browser.newContext({ viewport: { width: 1400, height: 800 }, ...options });
  t.page = await t.context.newPage();
  t.page.setDefaultTimeout(20000);
  t.requests = [];
  t.page.on('pageerror', (e) => t.pageErrors.push(e.message));
  t.page.on('console', (m) => {
    if (/Content Security Policy/.test(m.text())) t.pageErrors.push(m.text());
  });
  t.page.on('request', (r) => t.requests.push(r.method() + ' ' + r.url()));
  const answer = await t.page.goto(url);
  return answer ? answer.status() : null;
};

// The row of a program; names are data, so no selector is made of them.
t.row = (name) => t.page.locator('tr[data-name=' + JSON.stringify(name) + ']');
t.state = (name, state) => t.row(name).locator('.badge', { hasText: new RegExp('^(' + state + ')$') }).waitFor();
t.message = (text) => t.page.locator('#message', { hasText: text }).waitFor();
t.live = () => t.page.locator('#live[data-kind=live]').waitFor();

// Findings of axe-core that are serious or worse, as text.
t.axe = async () => {
  // the page's policy lets no foreign script in; evaluate goes round it
  await t.page.evaluate(axe);
  const { violations } = await t.page.evaluate(() => window.axe.run(document));
  return violations.filter((v) => /serious|critical/.test(v.impact))
    .map((v) => v.id + ': ' + v.nodes.map((n) => n.html + ' ' + n.failureSummary).join('; '));
};

async function main() {
  t.browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  // not sooner: lines that come before somebody waits for them are lost
  const lines = require('readline').createInterface({ input: process.stdin });
  const AsyncFunction = main.constructor;
  for await (const line of lines) {
    const { code, args } = JSON.parse(line);
    let answer;
    try {
      const value = await new AsyncFunction('t', 'args', code)(t, args);
      const errors = t.pageErrors.splice(0);
      answer = errors.length ? { error: 'in the page: ' + errors.join('; ') } : { value: value === undefined ? null : value };
    } catch (e) {
      answer = { error: String(e && e.stack || e) };
    }
    process.stdout.write(JSON.stringify(answer) + '\n');
  }
  await t.browser.close();
}

main().catch((e) => {
  process.stdout.write(JSON.stringify({ error: String(e && e.stack || e) }) + '\n');
  process.exit(1);
});
