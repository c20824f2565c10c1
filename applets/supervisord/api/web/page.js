// The status page, live. What the server wrote is taken over: rows are found by their
// data-name, and new ones are copies of the pattern, so the markup exists once.
// Text from outside only ever becomes text.
'use strict';
(() => {
  const $ = (id) => document.getElementById(id);
  const root = document.documentElement;
  const table = $('programs'), form = $('acts'), search = $('find').q;
  const programs = new Map(); // name -> { p, tr, history }
  const HISTORY_MS = 300000;
  let boot = document.body.dataset.boot;
  let supervisor = null, skew = 0, kind = 'all', source = null, polling = 0, waiting = new Map();
  root.classList.add('js');

  // --- words

  const units = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const duration = (secs) => {
    secs = Math.max(0, Math.floor(secs));
    let i = units.findIndex(([n]) => secs >= n);
    if (i < 0) i = 3;
    const text = Math.floor(secs / units[i][0]) + ' ' + units[i][1];
    return i === 3 ? text : text + ' ' + Math.floor(secs % units[i][0] / units[i + 1][0]) + ' ' + units[i + 1][1];
  };
  const bytes = (n) => {
    if (n === null) return '';
    let i = 0;
    for (n /= 1024; n >= 1024 && i < 3; i++) n /= 1024;
    return (i === 0 || n >= 100 ? Math.floor(n) : Math.floor(n * 10) / 10) + ' ' + ['KB', 'MB', 'GB', 'TB'][i];
  };
  const percent = (n) => n === null ? '' : n.toFixed(1) + ' %';
  const now = () => Date.now() / 1000 + skew;
  const put = (node, text) => { if (node.textContent !== text) node.textContent = text; };
  const failed = (p) => p.statename === 'FATAL' || p.statename === 'BACKOFF' || p.statename === 'UNKNOWN' ||
    (p.statename === 'EXITED' && p.spawnerr !== '');
  const kinds = {
    all: ['All', () => true],
    running: ['Running', (p) => p.statename === 'RUNNING'],
    changing: ['Changing', (p) => p.statename === 'STARTING' || p.statename === 'STOPPING'],
    failed: ['Failed', failed],
    stopped: ['Stopped', (p) => (p.statename === 'STOPPED' || p.statename === 'EXITED') && !failed(p)],
  };

  function say(text, tone) {
    const box = $('message'), close = document.createElement('button');
    clearTimeout(say.timer);
    box.className = tone;
    box.textContent = text;
    if (!text) return;
    close.textContent = '\u00d7';
    close.setAttribute('aria-label', 'Dismiss');
    close.onclick = () => say('', '');
    box.append(close);
    if (tone === 'good') say.timer = setTimeout(say, 8000, '', '');
  }

  // --- rows

  const part = (tr, name) => tr.querySelector('.' + name);

  function newRow(p) {
    const tr = $('pattern').content.querySelector('tr[data-name]').cloneNode(true);
    tr.dataset.name = p.name;
    const box = tr.querySelector('[name=processname]');
    box.value = p.name;
    box.setAttribute('aria-label', 'Select ' + p.name);
    for (const b of tr.querySelectorAll('[data-verb]')) {
      b.value = b.dataset.verb + ' ' + p.name;
      b.setAttribute('aria-label', b.textContent + ' ' + p.name);
    }
    for (const a of tr.querySelectorAll('[data-log]')) {
      const err = a.dataset.log === 'stderr';
      a.href = 'tail.html?processname=' + encodeURIComponent(p.name) + (err ? '&channel=stderr' : '');
      a.setAttribute('aria-label', a.textContent + ': log of ' + p.name);
    }
    return tr;
  }

  function newHeading(group) {
    const tr = $('pattern').content.querySelector('tr.group').cloneNode(true);
    part(tr, 'title').textContent = group;
    tr.querySelector('.all').setAttribute('aria-label', 'Select group ' + group);
    part(tr, 'fold').setAttribute('aria-label', 'Programs of ' + group);
    for (const b of tr.querySelectorAll('[data-verb]')) {
      b.value = b.dataset.verb + ' ' + group + ':*';
      b.setAttribute('aria-label', b.textContent + ' group ' + group);
    }
    return tr;
  }

  function curve(svg, history, field, least) {
    const end = Date.now(), points = history.filter((h) => h[field] !== null);
    const top = Math.max(least, ...points.map((h) => h[field]));
    // a young curve is stretched, so that it can be seen
    const span = Math.max(60000, Math.min(HISTORY_MS, end - (points[0] || {}).at || 0));
    const xy = points.map((h) => [60 - 60 * Math.min(1, (end - h.at) / span), 15 - 14 * h[field] / top]);
    if (xy.length) xy.push([60, xy[xy.length - 1][1]]);
    svg.firstElementChild.setAttribute('points', xy.map(([x, y]) => x.toFixed(1) + ',' + y.toFixed(1)).join(' '));
  }

  function showUsage(e, fresh) {
    const { p, tr, history } = e, last = history[history.length - 1], at = Date.now();
    if (fresh && (!last || last.cpu !== p.cpu_percent || last.rss !== p.rss_bytes)) {
      // the value held until now: a step, not a slope
      if (last && at - last.at > 6000) history.push({ ...last, at: at - 2000 });
      history.push({ at, cpu: p.cpu_percent, rss: p.rss_bytes });
      while (history.length > 2 && at - history[1].at > HISTORY_MS) history.shift();
    }
    put(part(tr, 'cpu').lastElementChild, percent(p.cpu_percent));
    put(part(tr, 'memory').lastElementChild, bytes(p.rss_bytes));
    if (tr.hidden) return;
    curve(part(tr, 'cpu').firstElementChild, history, 'cpu', 20);
    curve(part(tr, 'memory').firstElementChild, history, 'rss', 1 << 20);
  }

  const showSince = ({ p, tr }) => {
    const from = p.pid ? p.start : p.stop;
    put(part(tr, 'since'), from ? duration(now() - from) : '');
  };

  function showRow(e) {
    const { p, tr } = e, running = ['RUNNING', 'STARTING', 'BACKOFF'].includes(p.statename);
    tr.dataset.state = p.statename;
    tr.classList.toggle('bad', failed(p));
    put(part(tr, 'badge'), p.statename);
    put(part(tr, 'pid'), p.pid ? String(p.pid) : '');
    put(part(tr, 'again'), String(Math.max(0, p.starts - 1)));
    let reason = p.reason && p.pid ? 'before: ' + p.reason : p.reason;
    if (p.statename === 'STOPPED' && !p.starts) reason = 'not started';
    const cell = part(tr, 'reason');
    put(cell, reason);
    cell.title = reason;
    for (const b of tr.querySelectorAll('[data-verb]'))
      b.hidden = b.dataset.verb === 'start' ? running || p.statename === 'STOPPING' : !running;
    tr.querySelector('[data-log=stdout]').hidden = !p.stdout;
    tr.querySelector('[data-log=stderr]').hidden = !p.stderr;
    showSince(e);
    showUsage(e, true);
  }

  // --- the table

  const matches = (p) => {
    const q = search.value.trim().toLowerCase();
    return kinds[kind][1](p) && (!q || [p.name, p.statename, p.reason, p.spawnerr, p.pid].join('\n').toLowerCase().includes(q));
  };

  function tally() {
    const count = {};
    let shown = 0;
    for (const k in kinds) count[k] = 0;
    for (const { p, tr } of programs.values()) {
      for (const k in kinds) count[k] += kinds[k][1](p);
      if (!tr.hidden) shown++;
    }
    for (const b of $('chips').children) {
      put(b.lastElementChild, String(count[b.value]));
      b.setAttribute('aria-pressed', String(b.value === kind));
      b.classList.toggle('alarm', b.value === 'failed' && count.failed > 0);
      b.hidden = b.value === 'changing' && !count.changing && kind !== 'changing';
    }
    put($('counts'), shown === programs.size ? '' : shown + ' of ' + programs.size + ' shown');
    $('empty').hidden = shown > 0;
    if (supervisor) document.title = (count.failed ? '(' + count.failed + ') ' : '') + supervisor.identifier + ' \u2013 Supervisor Status';
    for (const body of table.tBodies) {
      const heading = part(body, 'group');
      if (!heading) continue;
      const rows = [...body.rows].slice(1), up = rows.filter((tr) => tr.dataset.state === 'RUNNING').length;
      put(part(heading, 'tally'), up + ' of ' + rows.length + ' running');
      heading.hidden = rows.every((tr) => tr.hidden);
    }
    picked();
  }

  function filter() {
    for (const e of programs.values()) {
      const hide = !matches(e.p);
      if (e.tr.hidden !== hide) {
        e.tr.hidden = hide;
        if (!hide) showUsage(e, false);
      }
    }
    tally();
  }

  const boxes = () => [...programs.values()].filter(({ tr }) => !tr.hidden).map(({ tr }) => tr.querySelector('[name=processname]'));

  function picked() {
    const all = boxes(), n = all.filter((b) => b.checked).length;
    put($('picked'), n + ' selected');
    $('bar').classList.toggle('none', n === 0);
    for (const b of $('bar').querySelectorAll('button, select')) b.disabled = n === 0;
    $('all').checked = n > 0 && n === all.length;
    $('all').indeterminate = n > 0 && n < all.length;
  }

  function build(list) {
    const groups = new Map(), old = new Map([...table.querySelectorAll('tr[data-name]')].map((tr) => [tr.dataset.name, tr]));
    const folded = new Set([...table.querySelectorAll('.folded')].map((b) => b.dataset.group));
    for (const p of list) {
      if (!groups.has(p.group)) groups.set(p.group, []);
      groups.get(p.group).push(p);
    }
    for (const name of [...programs.keys()]) if (!list.some((p) => p.name === name)) programs.delete(name);
    const bodies = [];
    for (const [group, members] of groups) {
      const body = document.createElement('tbody');
      const heading = members.length > 1 || members[0].process !== group;
      body.dataset.group = group;
      body.classList.toggle('folded', folded.has(group));
      if (heading) body.append(newHeading(group));
      if (heading && folded.has(group)) part(body, 'fold').setAttribute('aria-expanded', 'false');
      for (const p of members) {
        const e = programs.get(p.name) || { history: [] };
        e.p = p;
        e.tr = old.get(p.name) || newRow(p);
        part(e.tr, 'name').textContent = heading ? p.process : p.name;
        part(e.tr, 'name').title = p.name;
        programs.set(p.name, e);
        body.append(e.tr);
      }
      bodies.push(body);
    }
    for (const body of [...table.tBodies]) body.remove();
    table.append(...bodies);
  }

  function sameRows(list) {
    if (list.length !== programs.size) return false;
    return list.every((p) => programs.has(p.name));
  }

  // --- news

  function showSupervisor() {
    const s = supervisor;
    put($('identifier'), s.identifier);
    put($('mood'), s.statename);
    $('mood').dataset.state = s.statename;
    put($('version'), s.version);
    put($('own-pid'), String(s.pid));
    put($('uptime'), duration(now() - s.start));
    put($('load'), s.load.map((n) => n.toFixed(2)).join(' '));
    put($('own-cpu'), percent(s.cpu_percent) || '\u2013');
    put($('own-memory'), bytes(s.rss_bytes) || '\u2013');
  }

  function onStatus(all) {
    if (all.supervisor.boot !== boot) {
      // another life of the daemon: its page has another secret
      location.reload();
      return;
    }
    skew = all.now - Date.now() / 1000;
    supervisor = all.supervisor;
    if (!sameRows(all.processes) || !table.tBodies.length || !programs.size) build(all.processes);
    for (const p of all.processes) {
      const e = programs.get(p.name);
      e.p = p;
      showRow(e);
    }
    showSupervisor();
    filter();
  }

  function onProcess(list) {
    for (const p of list) {
      const e = programs.get(p.name);
      if (!e) continue;
      e.p = p;
      e.tr.hidden = !matches(p);
      showRow(e);
    }
    tally();
  }

  function onUsage(u) {
    Object.assign(supervisor, u.supervisor);
    showSupervisor();
    for (const n of u.processes) {
      const e = programs.get(n.name);
      if (!e) continue;
      Object.assign(e.p, n);
      showUsage(e, true);
    }
  }

  function onJob(r) {
    const end = waiting.get(r.job);
    if (!end) return;
    waiting.delete(r.job);
    end(r);
  }

  function live(state, text) {
    $('live').dataset.kind = state;
    put($('live'), text);
  }

  async function poll() {
    try {
      const answer = await fetch('status.json', { cache: 'no-store' });
      if (!answer.ok) throw new Error(answer.status);
      onStatus(await answer.json());
      live('poll', 'every 5 s');
    } catch {
      live('lost', 'no connection');
    }
  }

  function listen() {
    const on = (name, fn) => source.addEventListener(name, (ev) => {
      // an event that was cut off is followed by a whole picture
      let data;
      try { data = JSON.parse(ev.data); } catch { return; }
      fn(data);
    });
    // where the server or a proxy does not let events through: ask, and go on trying
    const fallBack = () => {
      if (polling) return;
      polling = setInterval(poll, 5000);
      poll();
    };
    const late = setTimeout(fallBack, 5000);
    let errors = 0;
    source = new EventSource('events');
    source.onerror = () => {
      if (!polling) live('lost', 'no connection');
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 30000);
      else if (++errors < 2) return;
      fallBack();
    };
    on('status', (all) => {
      clearTimeout(late);
      clearInterval(polling);
      polling = errors = 0;
      live('live', 'live');
      onStatus(all);
    });
    on('process', onProcess);
    on('usage', onUsage);
    on('supervisor', (s) => { supervisor = s; showSupervisor(); });
    on('job', onJob);
  }

  // --- actions

  function ask(title, content) {
    const dialog = $('ask'), box = $('ask-text');
    $('ask-title').textContent = title;
    box.replaceChildren(content);
    dialog.returnValue = 'no';
    dialog.showModal();
    return new Promise((done) => dialog.addEventListener('close', () => done(dialog.returnValue === 'yes'), { once: true }));
  }

  async function post(fields) {
    fields.set('token', form.token.value);
    const answer = await fetch('index.html', { method: 'POST', body: fields, headers: { Accept: 'application/json' } });
    if (!(answer.headers.get('Content-Type') || '').startsWith('application/json'))
      return { ok: false, message: (await answer.text()).trim() || 'ERROR: HTTP ' + answer.status };
    return answer.json();
  }

  const questions = {
    stopall: 'Stop all programs?',
    restartall: 'Restart all programs?',
    reload: 'Restart supervisord? All programs stop and start again.',
    shutdown: 'Shut supervisord down? All programs stop, and this page with them.',
  };

  function list(diff) {
    const dl = document.createElement('dl');
    const words = { added: 'Added', changed: 'Changed (will be restarted)', removed: 'Removed (will be stopped)' };
    for (const key in words) {
      if (!diff[key].length) continue;
      const dt = document.createElement('dt'), dd = document.createElement('dd');
      dt.textContent = words[key];
      dd.textContent = diff[key].join(', ');
      dl.append(dt, dd);
    }
    return dl;
  }

  async function update() {
    const diff = await post(new URLSearchParams({ action: 'reread' }));
    if (!diff.added) return say(diff.message, 'bad');
    if (!diff.added.length && !diff.changed.length && !diff.removed.length) return say('The configuration has not changed', 'good');
    if (await ask('Apply this update?', list(diff))) await act(new URLSearchParams({ action: 'update' }), []);
  }

  function report(r) {
    say(r.message, r.pending ? 'wait' : r.ok ? 'good' : 'bad');
  }

  async function act(fields, names) {
    const rows = names.map((n) => programs.get(n)).filter(Boolean).map((e) => e.tr);
    rows.forEach((tr) => tr.setAttribute('aria-busy', 'true'));
    const end = (r) => {
      rows.forEach((tr) => tr.removeAttribute('aria-busy'));
      report(r);
    };
    try {
      const r = await post(fields);
      if (r.pending) {
        report(r);
        waiting.set(r.job, end);
        setTimeout(() => rows.forEach((tr) => tr.removeAttribute('aria-busy')), 15000);
      } else {
        end(r);
      }
    } catch {
      end({ ok: false, message: 'ERROR: supervisord does not answer' });
    }
  }

  function targets(spec) {
    if (!spec.endsWith(':*')) return [spec];
    return [...programs.values()].filter(({ p }) => p.group === spec.slice(0, -2)).map(({ p }) => p.name);
  }

  form.addEventListener('submit', async (ev) => {
    const button = ev.submitter;
    ev.preventDefault();
    if (!button || button.value === 'refresh') return;
    $('more').open = false;
    const fields = new URLSearchParams({ [button.name]: button.value });
    let names = [];
    if (button.name === 'row') {
      names = targets(button.value.slice(button.value.indexOf(' ') + 1));
    } else if (button.closest('#bar')) {
      names = boxes().filter((b) => b.checked).map((b) => b.value);
      for (const n of names) fields.append('processname', n);
      if (button.value === 'signal') fields.set('signal', form.signal.value);
    }
    if (button.value === 'reread') return update();
    if (questions[button.value] && !await ask(questions[button.value], '')) return;
    act(fields, names);
  });

  // --- controls

  form.addEventListener('change', (ev) => {
    const box = ev.target;
    if (box.id === 'all') for (const b of boxes()) b.checked = box.checked;
    if (box.className.startsWith('all'))
      for (const tr of box.closest('tbody').rows) {
        const b = tr.querySelector('[name=processname]');
        if (b && !tr.hidden) b.checked = box.checked;
      }
    picked();
  });

  table.addEventListener('click', (ev) => {
    const fold = ev.target.closest('.fold');
    if (!fold) return;
    const body = fold.closest('tbody');
    fold.setAttribute('aria-expanded', String(!body.classList.toggle('folded')));
  });

  $('find').addEventListener('submit', (ev) => ev.preventDefault());
  search.addEventListener('input', filter);
  document.addEventListener('keydown', (ev) => {
    if (ev.key === '/' && !/INPUT|SELECT|TEXTAREA/.test(ev.target.tagName) && !$('ask').open) {
      ev.preventDefault();
      search.select();
    }
    if (ev.key === 'Escape') $('more').open = false;
  });
  document.addEventListener('click', (ev) => { if (!$('more').contains(ev.target)) $('more').open = false; });

  for (const k in kinds) {
    const b = document.createElement('button');
    b.type = 'button';
    b.value = k;
    b.append(kinds[k][0], document.createElement('b'));
    b.onclick = () => { kind = k; filter(); };
    $('chips').append(b);
  }

  let ticks = 0;
  setInterval(() => {
    if (document.hidden || !supervisor) return;
    put($('uptime'), duration(now() - supervisor.start));
    // many rows are looked at less often
    if (++ticks % (programs.size > 200 ? 10 : 1)) return;
    for (const e of programs.values()) {
      if (e.tr.hidden) continue;
      showSince(e);
      if (ticks % 10 === 0 && e.history.length > 1) showUsage(e, false);
    }
  }, 1000);

  // An address with a message in it should not say it again when it is reloaded.
  if (location.search) history.replaceState(null, '', location.pathname);
  if ($('message').textContent) say($('message').textContent, $('message').className);
  picked();
  live('lost', 'connecting');
  listen();
})();
