// The page from top to bottom: header, classes, mistakes, certainty, curves.

function fillHeader() {
  document.title = `${data.title} · test report`;
  $('title').textContent = data.title;
  const one = data.streams.length === 1 ? data.streams[0] : null;
  const facts = {
    ...(one && {Config: one.config, Checkpoint: one.checkpoint}),
    'Data': `${data.data.source}, ${count(data.data.clips, 'clip')}, ${count(data.data.classes, 'class', 'classes')}`,
    ...(one && {Tested: one.tested}), Written: data.written};
  $('facts').append(...Object.entries(facts).filter(([, text]) => text).map(([name, text]) => h('div', {}, h('dt', {}, name), h('dd', {}, text))));
  $('headline').append(...data.headline.map(tile));
  if (data.streams.length > 1) $('headline').after(streamTable());
  $('notes').append(...data.notes.map((note) => h('li', {}, note)));
  $('notes').hidden = !data.notes.length;
  $('foot').append(h('p', {}, `Written by pyskl ${data.version}. Intervals: 95 % of 1,000 bootstrap draws of these clips${data.people?.drawn ? ', and of whole groups of them (by ' + data.people.kind + ')' : '; other people may differ by more'}.`));
}

// One figure with its interval drawn on a line from 0 to 100 %.
function tile({key, title, value, low, high, group_low: groupLow, group_high: groupHigh}) {
  const [guess, frequent] = data.chance[key];
  const place = (v) => `${100 * v}%`;
  return h('div', {class: 'tile'}, h('p', {class: 'tile-name'}, title),
    h('p', {class: 'tile-value'}, percent(value), h('span', {class: 'unit'}, ' %')),
    h('div', {class: 'whisker', 'aria-hidden': 'true'}, h('span', {class: 'range', style: {left: place(low), width: place(high - low)}}),
      h('span', {class: 'chance', style: {left: place(guess)}}), h('span', {class: 'point', style: {left: place(value)}})),
    h('p', {class: 'muted small'}, `95 %: ${percent(low)} to ${percent(high)}`),
    groupLow !== undefined && h('p', {class: 'muted small'}, `other ${data.people.kind.split(' ')[0]}s: ${percent(groupLow)} to ${percent(groupHigh)}`),
    h('p', {class: 'muted small'}, `chance ${percent(guess)}, ${key === 'top5_acc' ? '5 most frequent classes' : 'most frequent class'} ${percent(frequent)}`));
}

// The best of each column is bold.
function streamTable() {
  const best = data.headline.map((f, n) => Math.max(f.value, ...data.streams.map((stream) => stream.figures[n].value)));
  const row = (name, weight, figures, extra) => h('tr', {class: extra}, h('th', {scope: 'row'}, name), h('td', {class: 'number'}, weight),
    figures.map((f, n) => h('td', {class: `number${f.value === best[n] ? ' best' : ''}`}, percent(f.value), h('span', {class: 'muted interval'}, ` ${percent(f.low)}–${percent(f.high)}`))));
  const titles = data.headline.map((f) => `${f.title}, %`);
  const rows = data.streams.map((stream) => row(h('span', {}, stream.name, h('span', {class: 'muted under'},
    [stream.config, stream.checkpoint, stream.tested, stream.temperature !== 1 && `temperature ${stream.temperature.toFixed(2)}`].filter(Boolean).join(' · '))), stream.weight.toFixed(3).replace(/\.?0+$/, ''), stream.figures));
  return scroller('Streams', null, h('table', {class: 'plain streams'}, h('caption', {}, 'Streams and their ensemble'),
    h('thead', {}, h('tr', {}, ['Stream', 'Weight', ...titles].map((t, i) => h('th', {scope: 'col', class: i ? 'number' : ''}, t)))),
    h('tbody', {}, rows, row('Ensemble', '', data.headline, 'total'))));
}

// -- classes

const COLUMNS = [['id', 'No.'], ['name', 'Class'], ['f1', 'F1, %'], ['recall', 'Recall, %'], ['precision', 'Precision, %'], ['support', 'Test clips'],
  ['predicted', 'Predicted'], ['train', 'Training clips'], ['group', 'Group']];
const SHARES = new Set(['precision', 'recall', 'f1']);

function classesSection() {
  const columns = COLUMNS.filter(([key]) => data.classes.some((row) => row[key] !== undefined && row[key] !== null));
  const body = h('tbody');
  const heads = columns.map(([key, title]) => h('th', {scope: 'col', 'aria-sort': 'none', 'data-key': key, class: key === 'name' || key === 'group' ? '' : 'number'},
    h('button', {type: 'button', onclick: () => sortBy(key)}, title)));
  let [sorted, falling] = [null, false];
  function sortBy(key) {
    falling = sorted === key ? !falling : !['id', 'name', 'group'].includes(key);
    sorted = key;
    heads.forEach((th) => th.setAttribute('aria-sort', th.dataset.key === key ? (falling ? 'descending' : 'ascending') : 'none'));
    body.replaceChildren(...sortedClasses(key, falling).map((row) => classRow(row, columns)));
  }
  sortBy(data.confusion ? 'support' : 'predicted');
  return section('classes', 'Classes', 'Click a heading to sort, a class to see its clips.',
    h('div', {class: 'toolbar'}, csvButton('classes', classRows)), scroller('Classes', 'tall',
    h('table', {class: 'plain sortable'}, h('caption', {class: 'hidden'}, 'Figures of each class'), h('thead', {}, h('tr', {}, heads)), body)));
}

// Empty figures come last, whichever way.
function sortedClasses(key, falling) {
  const rank = {head: 0, middle: 1, tail: 2};
  const value = (row) => key === 'group' ? rank[row.group] : row[key];
  return [...data.classes].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return (x === null) - (y === null) || a.id - b.id;
    const order = typeof x === 'string' ? x.localeCompare(y) : x - y;
    return (falling ? -order : order) || a.id - b.id;
  });
}

function classRow(row, columns) {
  return h('tr', {'data-class': row.id}, columns.map(([key]) => {
    if (key === 'name') return h('th', {scope: 'row'}, h('button', {type: 'button', class: 'link', onclick: () => playClass(row.id)}, row.name));
    if (SHARES.has(key)) return h('td', {class: 'number'}, meter(row[key]));
    return h('td', {class: key === 'group' ? '' : 'number'}, row[key] === null ? '–' : String(row[key]));
  }));
}

// A class's clips, mistakes first, the most confident first; without labels, those that were given that class.
function playClass(k) {
  const of = data.confusion ? clips.label : clips.pred;
  const wrong = (i) => Number(clips.label[i] !== clips.pred[i]);
  const list = clips.ids.map((_, i) => i).filter((i) => of[i] === k)
    .sort((a, b) => wrong(b) - wrong(a) || scoreOf(b, clips.pred[b]) - scoreOf(a, clips.pred[a]));
  if (list.length) openPlayer(`${nameOf(k)}: ${count(list.length, 'clip')}`, list);
}

// -- mistakes

function mistakesSection() {
  if (!data.mistakes.length) return section('mistakes', 'Most confident mistakes', 'Every clip was recognised.');
  const cards = data.mistakes.map((i, n) => {
    const canvas = h('canvas', {class: 'thumb', 'aria-hidden': 'true'});
    onTheme(() => thumb(canvas, i));
    return h('li', {}, h('button', {type: 'button', class: 'card', onclick: () => openPlayer('Most confident mistakes', data.mistakes, n)}, canvas,
      h('span', {class: 'card-text'}, h('strong', {}, nameOf(clips.label[i])), h('span', {}, `predicted: ${nameOf(clips.pred[i])}`),
        h('span', {class: 'muted'}, `${withUnit(scoreOf(i, clips.pred[i]), 0)} · ${clips.ids[i]}`))));
  });
  return section('mistakes', 'Most confident mistakes', `The ${count(cards.length, 'wrong answer')} with the highest probability.`, h('ol', {class: 'cards'}, cards));
}

// The middle frame of a clip, drawn once the page stands: not when it comes into view, or print would miss it.
function thumb(canvas, i) {
  if (!hasFrames(i)) return;
  const draw = () => unpack(i).then((clip) => paint(canvas, 96, 96, (context, size) => drawClip(context, size, clip, (clip.frames - 1) / 2)));
  (window.requestIdleCallback ?? setTimeout)(draw);
}

// -- calibration, and accuracy of frequent and rare classes

function certaintySection() {
  const {calibration, groups} = data;
  const by = data.data.train_counts ? 'training clips' : 'test clips';
  const table = groups.length > 0 && h('table', {class: 'plain'}, h('caption', {}, `Frequent and rare classes: a third each, by ${by}`),
    h('thead', {}, h('tr', {}, ['Group', 'Classes', by[0].toUpperCase() + by.slice(1), 'Test clips', 'Accuracy, %'].map((t, i) =>
      h('th', {scope: 'col', class: i ? 'number' : ''}, t)))),
    h('tbody', {}, groups.map((g) => h('tr', {}, h('th', {scope: 'row'}, g.name), h('td', {class: 'number'}, g.classes),
      h('td', {class: 'number'}, g.least === g.most ? g.least : `${g.least}–${g.most}`), h('td', {class: 'number'}, g.clips),
      h('td', {class: 'number'}, meter(g.accuracy))))));
  return section('certainty', groups.length ? 'Calibration and frequency' : 'Calibration', null, h('div', {class: 'two'},
    h('figure', {class: 'chart-box'}, h('figcaption', {}, h('strong', {}, 'Calibration'), h('span', {class: 'muted'},
      ` expected calibration error ${withUnit(calibration.ece)}`), chartButtons('calibration', () => $('certainty').querySelector('svg'))), reliabilityChart(calibration),
      h('p', {class: 'muted small'}, 'Bars: the share of clips with that confidence that are right. Dots: their mean confidence. On the dashed line both are equal.')),
    table && h('div', {}, scroller('Frequent and rare classes', null, table), h('p', {class: 'muted small'}, data.data.train_counts
      ? `Accuracy: the mean over the classes. Training clips are counted from ${data.data.train_counts}.` : 'Accuracy: the mean over the classes. The number of training clips is not known, so classes are ranked by test clips.'))));
}

// -- curves

const CURVES = {
  loss: (lines) => byQuantity(lines).map(([name, some]) => lineChart({loss: 'Total loss', loss_cls: 'Class loss', loss_emb: 'Embedding loss'}[name] ?? name, some)),
  accuracy: (lines) => [lineChart('Accuracy', inPercent(lines), {unit: '%'})],
  lr: (lines) => [lineChart('Learning rate', lines)],
  time: (lines) => [lineChart('Time', lines, {unit: 'seconds per step'})],
};

const FRIENDLY = {top1_acc: 'Top-1', top5_acc: 'Top-5', mean_class_accuracy: 'Mean-class', macro_f1: 'Macro-F1', mean_average_precision: 'Mean average precision', lr: 'learning rate'};

// {'loss_cls (training)': ..., ...} -> [[quantity, its lines], ...], the losses' parts first
function byQuantity(lines) {
  const found = {};
  for (const [name, points] of Object.entries(lines)) (found[name.split(' (')[0]] ??= {})[name.replace(/^.* \((.*)\)$/, '$1')] = points;
  const parts = Object.keys(found).filter((name) => name !== 'loss');
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  if (parts.length === 1 && same(found[parts[0]], found.loss)) delete found[parts[0]];      // the only part is the total
  return Object.entries(found).sort(([a], [b]) => (a === 'loss') - (b === 'loss'));
}

const inPercent = (lines) => Object.fromEntries(Object.entries(lines).map(([name, points]) => [name, points.map(([x, y]) => [x, 100 * y])]));

const friendly = (lines) => Object.fromEntries(Object.entries(lines).map(([name, points]) => [name.replace(/^\w+/, (word) => FRIENDLY[word] ?? word), points]));

function curvesSection() {
  const place = h('div', {class: 'charts'});
  const draw = (name) => {
    const curves = data.curves.find((stream) => stream.name === name).groups;
    place.replaceChildren(...Object.entries(CURVES).flatMap(([group, chart]) => curves[group] ? chart(friendly(curves[group])) : []));
  };
  const names = data.curves.map((stream) => stream.name);
  draw(names[0]);
  return section('curves', 'Training', null, names.length > 1 && h('div', {class: 'toolbar'},
    choices('Stream', Object.fromEntries(names.map((name) => [name, name])), names[0], draw)), place,
  h('p', {class: 'muted small'}, 'Values below a chart: at the pointer, or where the arrow keys have moved to; else the last.'));
}
