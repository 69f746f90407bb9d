// The dialog that plays a clip beside a typical one of its predicted class, and shows the scores.

const player = {
  playing: false,
  time: 0,
  last: 0,
  speed: 1,
  list: [],
  at: 0,
  left: null,
  right: null,
  request: 0,
  compareWith: 'predicted',
};
const SPEEDS = [0.25, 0.5, 1, 2];

function buildPlayer() {
  const button = (id, text, label, press) =>
    h(
      'button',
      {type: 'button', id, class: 'control', 'aria-label': label, title: label, onclick: press},
      text,
    );
  const figure = (side) =>
    h(
      'figure',
      {},
      h('canvas', {id: `canvas-${side}`, role: 'img'}),
      h('figcaption', {id: `caption-${side}`}),
    );
  $('player').append(
    h(
      'div',
      {class: 'player-head'},
      h(
        'div',
        {},
        h('h2', {id: 'player-title'}),
        h('p', {id: 'player-sub', class: 'muted', 'aria-live': 'polite'}),
      ),
      h(
        'button',
        {type: 'button', id: 'player-close', class: 'quiet', onclick: () => $('player').close()},
        'Close',
      ),
    ),
    h('div', {class: 'figures'}, figure('left'), figure('right')),
    h(
      'div',
      {class: 'controls'},
      h(
        'button',
        {type: 'button', id: 'player-play', class: 'control', title: 'space', onclick: togglePlay},
        'Play',
      ),
      h('input', {
        type: 'range',
        id: 'player-scrub',
        min: 0,
        value: 0,
        step: 1,
        'aria-label': 'Frame',
        oninput: (e) => seek(Number(e.target.value)),
      }),
      // hidden from screen readers, since the slider has the same text
      h('span', {id: 'player-frame', class: 'muted', 'aria-hidden': 'true'}),
      h(
        'label',
        {class: 'speed'},
        h('span', {class: 'hidden'}, 'Speed'),
        h(
          'select',
          {id: 'player-speed', onchange: (e) => setSpeed(Number(e.target.value))},
          SPEEDS.map((v) => h('option', {value: v, selected: v === 1}, `${v} ×`)),
        ),
      ),
    ),
    h(
      'div',
      {class: 'controls'},
      button('player-previous', '←', 'Previous clip (P)', () => show(player.at - 1)),
      h('select', {
        id: 'player-clip',
        'aria-label': 'Clip',
        onchange: (e) => show(Number(e.target.value)),
      }),
      button('player-next', '→', 'Next clip (N)', () => show(player.at + 1)),
      h(
        'label',
        {id: 'player-compare-label'},
        h('span', {class: 'hidden'}, 'Compare with'),
        h(
          'select',
          {
            id: 'player-compare',
            onchange: (e) => {
              player.compareWith = e.target.value;
              show(player.at);
            },
          },
          h('option', {value: 'predicted'}, 'compare: predicted class'),
          h('option', {value: 'true'}, 'compare: true class'),
        ),
      ),
    ),
    h('div', {id: 'player-scores'}),
    h(
      'p',
      {class: 'legend'},
      ['left', 'right', 'middle'].map((side, i) =>
        h('span', {class: `key ${side}`}, ["person's left", "person's right", 'middle'][i]),
      ),
      h('span', {}, 'faint: low key point score'),
    ),
    h(
      'p',
      {class: 'keys muted'},
      h('kbd', {}, 'space'),
      ' play, ',
      h('kbd', {}, '←'),
      ' ',
      h('kbd', {}, '→'),
      ' frame, ',
      h('kbd', {}, 'P'),
      ' ',
      h('kbd', {}, 'N'),
      ' clip, ',
      h('kbd', {}, '<'),
      ' ',
      h('kbd', {}, '>'),
      ' speed, ',
      h('kbd', {}, 'Esc'),
      ' close',
    ),
  );
  $('player').addEventListener('keydown', playerKey);
  $('player').addEventListener('click', (event) => {
    if (event.target === $('player')) $('player').close();
  });
  $('player').addEventListener('close', () => {
    player.playing = false;
    setLink(player.list[player.at], false);
  });
  redraws.push(drawBoth);
  window.addEventListener('resize', drawBoth);
}

// Play the clips of `list`, from index `at` of the list.
function openPlayer(title, list, at = 0) {
  player.list = list;
  $('player-title').textContent = title;
  $('player-clip').replaceChildren(
    ...list.map((i, n) => h('option', {value: n}, `${clips.ids[i]}${outcome(i)}`)),
  );
  if (!$('player').open) $('player').showModal();
  player.playing = !reducedMotion.matches;
  $('player-play').focus();
  show(at);
}

const outcome = (i) =>
  clips.label[i] < 0
    ? ''
    : clips.label[i] === clips.pred[i]
      ? '  right'
      : `  → ${nameOf(clips.pred[i])}`;

async function show(n) {
  if (!player.list.length) return;
  player.at = (n + player.list.length) % player.list.length;
  const i = player.list[player.at];
  const request = ++player.request;
  const [other, why] = clipToCompare(i);
  $('player-clip').value = player.at;
  $('player-compare-label').hidden = !wrong(i);
  setLink(i);
  $('player-previous').disabled = $('player-next').disabled = player.list.length < 2;
  $('player-sub').textContent = `clip ${player.at + 1} of ${player.list.length}`;
  caption('left', 'This clip', i, clips.label[i] < 0 ? 'no label' : nameOf(clips.label[i]));
  caption(
    'right',
    why,
    other,
    other === null
      ? 'none'
      : nameOf(clips.label[other] < 0 ? clips.pred[other] : clips.label[other]),
  );
  scoreTable(i);
  const found = await Promise.all(
    [i, other].map((clip) => (hasFrames(clip) ? unpack(clip) : null)),
  );
  if (request !== player.request) return; // another clip was opened meanwhile
  [player.left, player.right] = found;
  $('player-scrub').max = Math.max(1, length() - 1);
  seek(0);
  player.last = performance.now();
  if (!player.running) {
    player.running = true;
    requestAnimationFrame(tick);
  }
}

// The clip to compare with: a typical one of the predicted class, or of a mistake's true class;
// where that is clip i itself, one of the second most likely class.
function clipToCompare(i) {
  const ofTrueClass =
    wrong(i) && player.compareWith === 'true' ? data.classes[clips.label[i]].typical : i;
  if (ofTrueClass !== i) return [ofTrueClass, `Typical ${nameOf(clips.label[i])}, the true class`];
  const typical = data.classes[clips.pred[i]].typical;
  if (typical !== i) return [typical, `Typical ${nameOf(clips.pred[i])}`];
  const second = clips.shown[i].find(
    (k) => k !== clips.pred[i] && data.classes[k].typical !== null,
  );
  return second === undefined
    ? [null, 'Nothing to compare with']
    : [data.classes[second].typical, `Typical ${nameOf(second)}, the second most likely class`];
}

function caption(side, why, i, label) {
  const prediction =
    i === null
      ? ''
      : `predicted: ${nameOf(clips.pred[i])}, ${withUnit(scoreOf(i, clips.pred[i]), 0)}`;
  $(`caption-${side}`).replaceChildren(
    h('span', {class: 'why'}, why),
    h('strong', {}, label),
    h(
      'span',
      {class: 'muted'},
      i === null ? 'no clip of this class' : `${clips.ids[i]} · ${prediction}`,
    ),
    i !== null && !hasFrames(i)
      ? h('span', {class: 'muted'}, 'the key points are not in this file')
      : '',
  );
  $(`canvas-${side}`).setAttribute(
    'aria-label',
    i === null ? 'empty' : `Moving skeleton of clip ${clips.ids[i]}, ${label}`,
  );
}

const scoreOf = (i, k, set = 0) => clips.scores[set][i][clips.shown[i].indexOf(k)] ?? null;

// The most likely classes as bars, with a column for the ensemble and for each stream.
function scoreTable(i) {
  const head = h(
    'tr',
    {},
    h('th', {scope: 'col'}, 'Class'),
    clips.sets.map((set) => h('th', {scope: 'col'}, clips.sets.length > 1 ? set : 'Score')),
  );
  const rows = clips.shown[i].map((k) => {
    const role =
      k === clips.label[i]
        ? k === clips.pred[i]
          ? 'true, predicted'
          : 'true'
        : k === clips.pred[i]
          ? 'predicted'
          : '';
    return h(
      'tr',
      {class: k === clips.label[i] ? 'true' : k === clips.pred[i] ? 'wrong' : ''},
      h('th', {scope: 'row'}, nameOf(k), role && h('span', {class: 'role'}, role)),
      clips.sets.map((_, set) => h('td', {}, meter(scoreOf(i, k, set)))),
    );
  });
  $('player-scores').replaceChildren(
    h(
      'table',
      {class: 'scores'},
      h('caption', {class: 'hidden'}, 'Scores of this clip'),
      h('thead', {}, head),
      h('tbody', {}, rows),
    ),
  );
}

// A number with a bar behind it; value 0..1 or null.
function meter(value, digits = 1) {
  return h(
    'span',
    {class: 'meter'},
    h('span', {
      class: 'meter-bar',
      style: {width: `${100 * (value ?? 0)}%`},
      'aria-hidden': 'true',
    }),
    h('span', {class: 'meter-text'}, percent(value, digits)),
  );
}

// -- time

const length = () => Math.max(player.left?.frames ?? 1, player.right?.frames ?? 1);

function tick(now) {
  if (!$('player').open) {
    player.running = false;
    return;
  }
  const seconds = Math.min(0.1, (now - player.last) / 1000);
  player.last = now;
  if (player.playing) {
    player.time += (seconds * player.speed * FRAMES_A_SECOND) / clips.step;
    // pause at the end, then repeat
    if (player.time > length() - 1 + 8 / clips.step) player.time = 0;
    drawBoth();
  }
  requestAnimationFrame(tick);
}

function seek(time) {
  player.time = Math.min(Math.max(time, 0), length() - 1);
  drawBoth();
}

function togglePlay() {
  player.playing = !player.playing;
  drawBoth();
}

function setSpeed(speed) {
  player.speed = speed;
  $('player-speed').value = speed;
}

function drawBoth() {
  if (!$('player').open) return;
  const time = Math.min(player.time, length() - 1);
  for (const side of ['left', 'right']) {
    const canvas = $(`canvas-${side}`);
    const clip = player[side];
    paint(canvas, canvas.clientWidth, canvas.clientWidth, (context, size) => {
      if (clip) drawClip(context, size, clip, Math.min(time, clip.frames - 1));
    });
    canvas.classList.toggle('over', Boolean(clip) && time > clip.frames - 1);
  }
  const frame = `frame ${Math.round(time) * clips.step + 1} of ${(length() - 1) * clips.step + 1}`;
  $('player-scrub').value = Math.round(time);
  $('player-scrub').setAttribute('aria-valuetext', frame);
  $('player-frame').textContent = frame;
  if ($('player').dataset.playing === String(player.playing)) return;
  $('player').dataset.playing = player.playing;
  $('player-play').textContent = player.playing ? 'Pause' : 'Play';
}

function playerKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const on = event.target.tagName;
  const action = {
    ' ': on === 'BUTTON' || on === 'SELECT' ? null : togglePlay,
    n: () => show(player.at + 1),
    p: () => show(player.at - 1),
    ArrowRight: on === 'SELECT' ? null : () => stepFrame(1),
    ArrowLeft: on === 'SELECT' ? null : () => stepFrame(-1),
    '>': () => setSpeed(SPEEDS[Math.min(SPEEDS.indexOf(player.speed) + 1, SPEEDS.length - 1)]),
    '<': () => setSpeed(SPEEDS[Math.max(SPEEDS.indexOf(player.speed) - 1, 0)]),
  }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (action) {
    event.preventDefault();
    action();
  }
}

function stepFrame(step) {
  player.playing = false;
  seek(Math.round(player.time) + step);
}
