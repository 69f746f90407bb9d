// A row for each recording, known gestures above spotted ones; a click plays from there.

const data = JSON.parse(document.getElementById('data').textContent);
const $ = (id) => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 48;
const MISSING = 255;
const state = {row: 0, frame: 0, playing: false, last: 0};
const hue = (label) => (label * 137.508) % 360;
const points = new Map();

function make(tag, attributes, parent, text) {
  const element = document.createElementNS(
    tag.startsWith('svg:') ? SVG : 'http://www.w3.org/1999/xhtml',
    tag.replace('svg:', ''),
  );
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

function build() {
  $('title').textContent = data.title;
  for (const [name, value] of data.figures) {
    const pair = make('div', {}, $('figures'));
    make('dt', {}, pair, name);
    make('dd', {}, pair, value);
  }
  data.recordings.forEach(buildRow);
  $('play').addEventListener('click', () => {
    state.playing = !state.playing;
    state.last = 0;
    draw();
    if (state.playing) requestAnimationFrame(tick);
  });
  $('scrub').addEventListener('input', (event) => go(state.row, Number(event.target.value)));
  if (data.recordings.length) go(0, 0);
}

const className = (label) => data.classes[label] ?? `class ${label}`;

function buildRow(recording, i) {
  const known = recording.truth ? `${recording.truth.length} known, ` : '';
  const row = make('div', {class: 'row'}, $('rows'));
  make('h2', {}, row, `${recording.name}: ${known}${recording.found.length} spotted`);
  const svg = make(
    'svg:svg',
    {
      viewBox: `0 0 ${recording.frames} ${HEIGHT}`,
      preserveAspectRatio: 'none',
      role: 'slider',
      tabindex: 0,
      'aria-label': `Frame of ${recording.name}`,
      'aria-valuemin': 0,
      'aria-valuemax': recording.frames - 1,
      'aria-valuenow': 0,
    },
    row,
  );
  make('svg:rect', {class: 'rest', x: 0, y: 0, width: recording.frames, height: HEIGHT}, svg);
  for (const one of recording.truth ?? []) segment(svg, recording, one, 2, false);
  for (const one of recording.found) segment(svg, recording, one, 26, recording.truth && !one[4]);
  make('svg:line', {class: 'cursor', x1: 0, x2: 0, y1: 0, y2: HEIGHT}, svg);
  svg.addEventListener('click', (event) => {
    const box = svg.getBoundingClientRect();
    go(i, Math.round(((event.clientX - box.left) / box.width) * (recording.frames - 1)));
  });
  svg.addEventListener('keydown', (event) => {
    const step = {ArrowRight: 1, ArrowLeft: -1, PageDown: 30, PageUp: -30}[event.key];
    if (step) {
      event.preventDefault();
      go(i, (state.row === i ? state.frame : 0) + step);
    }
  });
}

function segment(svg, recording, [start, end, label, score], y, wrong) {
  const rect = make(
    'svg:rect',
    {
      x: start,
      y,
      width: end - start + 1,
      height: 20,
      fill: `hsl(${hue(label)} 60% 50%)`,
      'fill-opacity': wrong ? 0.35 : 1,
      stroke: wrong ? `hsl(${hue(label)} 60% 40%)` : 'none',
      'stroke-dasharray': '4 3',
      'vector-effect': 'non-scaling-stroke',
    },
    svg,
  );
  make(
    'svg:title',
    {},
    rect,
    `${className(label)}, frames ${start + recording.first} to ${end + recording.first}` +
      (score === undefined ? '' : `, score ${score.toFixed(2)}${wrong ? ', wrong' : ''}`),
  );
}

function go(row, frame) {
  const recording = data.recordings[row];
  state.row = row;
  state.frame = Math.max(0, Math.min(frame, recording.frames - 1));
  draw();
}

function tick(now) {
  if (!state.playing) return;
  if (state.last) {
    const recording = data.recordings[state.row];
    state.frame += ((now - state.last) / 1000) * data.fps;
    if (state.frame >= recording.frames - 1) {
      state.frame = recording.frames - 1;
      state.playing = false;
    }
    draw();
  }
  state.last = now;
  if (state.playing) requestAnimationFrame(tick);
}

function namesAt(segments, frame) {
  const names = (segments ?? [])
    .filter(([start, end]) => start <= frame && frame <= end)
    .map(([, , label]) => className(label));
  return names.length ? names.join(', ') : 'nothing';
}

function draw() {
  const recording = data.recordings[state.row];
  const frame = Math.floor(state.frame);
  $('play').textContent = state.playing ? 'Pause' : 'Play';
  $('scrub').max = recording.frames - 1;
  $('scrub').value = frame;
  $('where').textContent = `${recording.name}, frame ${frame + recording.first}`;
  const known = recording.truth ? `Known: ${namesAt(recording.truth, frame)}. ` : '';
  $('now').textContent = `${known}Spotted: ${namesAt(recording.found, frame)}.`;
  document.querySelectorAll('.row svg').forEach((svg, i) => {
    const at = i === state.row ? frame : -1;
    const cursor = svg.querySelector('.cursor');
    cursor.setAttribute('x1', at);
    cursor.setAttribute('x2', at);
    svg.setAttribute('aria-valuenow', Math.max(at, 0));
  });
  drawSkeleton(recording, frame);
}

function drawSkeleton(recording, frame) {
  const canvas = $('canvas'),
    size = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
  canvas.width = canvas.height = size;
  const context = canvas.getContext('2d');
  context.strokeStyle = context.fillStyle = getComputedStyle(
    document.documentElement,
  ).getPropertyValue('--ink');
  context.lineWidth = size / 150;
  if (!points.has(state.row))
    points.set(
      state.row,
      Uint8Array.from(atob(recording.points), (c) => c.charCodeAt(0)),
    );
  const bytes = points.get(state.row),
    kept = Math.floor(frame / recording.step);
  const at = (person, joint) => {
    const i = 2 * ((kept * recording.people + person) * recording.joints + joint);
    return bytes[i] === MISSING ? null : [(bytes[i] / 254) * size, (bytes[i + 1] / 254) * size];
  };
  for (let person = 0; person < recording.people; person++) {
    for (const [a, b] of data.bones) {
      const from = at(person, a),
        to = at(person, b);
      if (!from || !to) continue;
      context.beginPath();
      context.moveTo(...from);
      context.lineTo(...to);
      context.stroke();
    }
    for (let joint = 0; joint < recording.joints; joint++) {
      const place = at(person, joint);
      if (!place) continue;
      context.beginPath();
      context.arc(...place, size / 90, 0, 2 * Math.PI);
      context.fill();
    }
  }
}

build();
document.documentElement.dataset.ready = 'yes';
