// The log page, live: follows by server-sent events, draws once per frame, keeps the last
// lines only. Text from the log only ever becomes text; its colours become classes.
'use strict';
(() => {
  const $ = (id) => document.getElementById(id);
  const MAX_LINES = 5000, MAX_HELD = 1 << 20;
  const box = $('text'), search = $('search');
  let held = [], heldSize = 0, drawing = false, paused = false, follows = true;
  let line = null, style = { fg: '', bg: '', on: {} };
  document.documentElement.classList.add('js');

  function say(text, tone) {
    $('message').textContent = text;
    $('message').className = tone;
  }

  function live(kind, text) {
    $('live').dataset.kind = kind;
    if ($('live').textContent !== text) $('live').textContent = text;
  }

  // --- colours: SGR sequences; every other escape sequence is left out

  const flags = { 1: 'b', 2: 'f', 3: 'i', 4: 'u' };
  const cube = (n) => n ? n * 40 + 55 : 0;
  function colour(codes) {
    const mode = codes.shift();
    if (mode === 2) return 'rgb(' + codes.splice(0, 3).map((n) => n & 255).join() + ')';
    const n = codes.shift();
    if (mode !== 5 || !(n >= 0 && n < 256)) return '';
    if (n < 16) return 'c' + n % 8;
    if (n > 231) return 'rgb(' + Array(3).fill(n * 10 - 2312).join() + ')';
    return 'rgb(' + [(n - 16) / 36, (n - 16) / 6 % 6, (n - 16) % 6].map((v) => cube(Math.floor(v))).join() + ')';
  }
  function sgr(text) {
    const codes = text.split(/[;:]/).map(Number);
    while (codes.length) {
      const c = codes.shift();
      if (c === 0) style = { fg: '', bg: '', on: {} };
      else if (flags[c]) style.on[flags[c]] = true;
      else if (c === 22) style.on.b = style.on.f = false;
      else if (c === 23 || c === 24) style.on[flags[c - 20]] = false;
      else if (c >= 30 && c <= 37 || c >= 90 && c <= 97) style.fg = 'c' + c % 10;
      else if (c === 38) style.fg = colour(codes);
      else if (c === 39) style.fg = '';
      else if (c === 48) style.bg = colour(codes);
      else if (c === 49) style.bg = '';
    }
  }
  const plain = () => !style.fg && !style.bg && !Object.values(style.on).includes(true);
  function run(text) {
    if (!text) return;
    if (plain()) return line.append(text);
    const span = document.createElement('span');
    span.className = Object.keys(style.on).filter((k) => style.on[k]).join(' ');
    if (style.fg.startsWith('c')) span.classList.add(style.fg);
    else span.style.color = style.fg;
    if (style.bg.startsWith('rgb')) span.style.backgroundColor = style.bg;
    span.textContent = text;
    line.append(span);
  }
  // eslint-disable-next-line no-control-regex
  const escape = /\x1b\[([0-9;:]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\^_]|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]/g;
  function write(text) {
    let from = 0;
    for (const m of text.matchAll(escape)) {
      run(text.slice(from, m.index));
      if (m[1] !== undefined) sgr(m[1] || '0');
      from = m.index + m[0].length;
    }
    run(text.slice(from));
  }

  // --- lines

  function mark(div) {
    const q = search.value.toLowerCase();
    const hit = q !== '' && !div.classList.contains('note') && div.textContent.toLowerCase().includes(q);
    div.classList.toggle('hit', hit);
  }
  function count() {
    const n = box.querySelectorAll('.hit').length;
    $('found').textContent = search.value ? n + (n === 1 ? ' line' : ' lines') : '';
    box.classList.toggle('only', $('only').checked && search.value !== '');
  }
  function newLine(to) {
    line = document.createElement('div');
    to.append(line);
  }
  function note(to, text) {
    const div = document.createElement('div');
    div.className = 'note';
    div.textContent = text;
    to.append(div);
    line = null;
  }

  function addText(to, text) {
    const lines = text.split('\n');
    // more than can be shown is not even made
    if (lines.length > MAX_LINES) lines.splice(0, lines.length - MAX_LINES);
    lines.forEach((part, i) => {
      if (i > 0) { if (line) mark(line); line = null; }
      if (part === '' && i === lines.length - 1) return;
      if (!line) newLine(to);
      write(part);
    });
    if (line) mark(line);
  }

  function draw() {
    drawing = false;
    if (paused) return;
    const atEnd = follows, more = document.createDocumentFragment();
    const items = held;
    held = [];
    heldSize = 0;
    for (const item of items) {
      if (item.text !== undefined) addText(more, item.text);
      else note(more, item.note);
    }
    box.append(more);
    while (box.childElementCount > MAX_LINES) box.firstElementChild.remove();
    if (search.value) count();
    if (atEnd) box.scrollTop = box.scrollHeight;
    else $('end').hidden = false;
  }

  function hold(item) {
    held.push(item);
    heldSize += item.text ? item.text.length : 0;
    while (heldSize > MAX_HELD && held.length > 1) heldSize -= (held.shift().text || '').length;
    if (paused) {
      live('poll', 'paused, ' + Math.ceil(heldSize / 1024) + ' KB wait');
      return;
    }
    if (drawing) return;
    drawing = true;
    // a hidden page draws no frames
    if (document.hidden) setTimeout(draw, 500);
    else requestAnimationFrame(draw);
  }

  const size = (n) => n < 1 << 20 ? Math.ceil(n / 1024) + ' KB' : (n / (1 << 20)).toFixed(1) + ' MB';

  function listen() {
    const source = new EventSource('events/log' + box.dataset.query);
    const on = (name, fn) => source.addEventListener(name, (ev) => {
      let data;
      try { data = JSON.parse(ev.data); } catch { return; }
      fn(data);
    });
    let first = true;
    source.onopen = () => {
      live('live', 'live');
      if (!first) return;
      first = false;
      box.replaceChildren();
      line = null;
    };
    source.onerror = () => {
      live('lost', 'no connection');
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 10000);
    };
    on('log', (text) => hold({ text }));
    on('gap', (g) => hold({ note: size(g.bytes) + ' passed over: the program writes faster than anybody reads. Download has it all' }));
    on('reset', (r) => hold({ note: r.why === 'cleared' ? 'the log was cleared' : 'the log was rotated' }));
  }

  // --- controls

  $('pause').onclick = () => {
    paused = !paused;
    $('pause').setAttribute('aria-pressed', String(paused));
    live(paused ? 'poll' : 'live', paused ? 'paused' : 'live');
    if (!paused) draw();
  };
  $('wrap').onclick = () => $('wrap').setAttribute('aria-pressed', String(box.classList.toggle('wrap')));
  search.oninput = () => {
    for (const div of box.children) mark(div);
    count();
    const hits = box.querySelectorAll('.hit');
    if (hits.length) hits[hits.length - 1].scrollIntoView({ block: 'nearest' });
  };
  $('only').onchange = count;
  box.onscroll = () => {
    follows = box.scrollHeight - box.scrollTop - box.clientHeight < 30;
    if (follows) $('end').hidden = true;
  };
  $('end').onclick = () => { box.scrollTop = box.scrollHeight; };
  $('acts').onsubmit = async (ev) => {
    ev.preventDefault();
    if (ev.submitter !== $('clear')) return;
    const fields = new URLSearchParams({ [ev.submitter.name]: ev.submitter.value, token: $('acts').token.value });
    try {
      const answer = await fetch('index.html', { method: 'POST', body: fields, headers: { Accept: 'application/json' } });
      const json = (answer.headers.get('Content-Type') || '').startsWith('application/json');
      const r = json ? await answer.json() : { ok: false, message: await answer.text() };
      say(r.message, r.ok ? 'good' : 'bad');
      if (r.ok) { box.replaceChildren(); line = null; setTimeout(say, 5000, '', ''); }
    } catch {
      say('ERROR: supervisord does not answer', 'bad');
    }
  };
  document.addEventListener('keydown', (ev) => {
    if (ev.key === '/' && ev.target.tagName !== 'INPUT') {
      ev.preventDefault();
      search.select();
    }
  });

  box.scrollTop = box.scrollHeight;
  live('lost', 'connecting');
  listen();
})();
