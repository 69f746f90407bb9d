// Sections of classes, mistakes and calibration.

// -- classes

const COLUMNS = [
  ['id', 'No.'],
  ['name', 'Class'],
  ['f1', 'F1, %'],
  ['recall', 'Recall, %'],
  ['precision', 'Precision, %'],
  ['support', 'Test clips'],
  ['predicted', 'Predicted'],
  ['train', 'Training clips'],
  ['group', 'Group'],
];
const SHARES = new Set(['precision', 'recall', 'f1']);

function classesSection() {
  const columns = COLUMNS.filter(([key]) =>
    data.classes.some((row) => row[key] !== undefined && row[key] !== null),
  );
  const body = h('tbody');
  const heads = columns.map(([key, title]) =>
    h(
      'th',
      {
        scope: 'col',
        'aria-sort': 'none',
        'data-key': key,
        class: key === 'name' || key === 'group' ? '' : 'number',
      },
      h('button', {type: 'button', onclick: () => sortBy(key)}, title),
    ),
  );
  let [sorted, falling] = [null, false];
  function sortBy(key) {
    falling = sorted === key ? !falling : !['id', 'name', 'group'].includes(key);
    sorted = key;
    heads.forEach((th) =>
      th.setAttribute(
        'aria-sort',
        th.dataset.key === key ? (falling ? 'descending' : 'ascending') : 'none',
      ),
    );
    body.replaceChildren(...sortedClasses(key, falling).map((row) => classRow(row, columns)));
  }
  sortBy(data.confusion ? 'support' : 'predicted');
  return section(
    'classes',
    'Classes',
    'Click a heading to sort, a class to see its clips.',
    h('div', {class: 'toolbar'}, csvButton('classes', classRows)),
    scroller(
      'Classes',
      'tall',
      h(
        'table',
        {class: 'plain sortable'},
        h('caption', {class: 'hidden'}, 'Figures of each class'),
        h('thead', {}, h('tr', {}, heads)),
        body,
      ),
    ),
  );
}

// Classes in the order of a column; undefined figures come last in either direction.
function sortedClasses(key, falling) {
  const rank = {head: 0, middle: 1, tail: 2};
  const value = (row) => (key === 'group' ? rank[row.group] : row[key]);
  return [...data.classes].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return (x === null) - (y === null) || a.id - b.id;
    const order = typeof x === 'string' ? x.localeCompare(y) : x - y;
    return (falling ? -order : order) || a.id - b.id;
  });
}

function classRow(row, columns) {
  return h(
    'tr',
    {'data-class': row.id},
    columns.map(([key]) => {
      if (key === 'name')
        return h(
          'th',
          {scope: 'row'},
          h('button', {type: 'button', class: 'link', onclick: () => playClass(row.id)}, row.name),
        );
      if (SHARES.has(key)) return h('td', {class: 'number'}, meter(row[key]));
      return h(
        'td',
        {class: key === 'group' ? '' : 'number'},
        row[key] === null ? '–' : String(row[key]),
      );
    }),
  );
}

// Play the clips of a class, mistakes first, then by confidence. Without labels, those predicted as
// the class.
function playClass(k) {
  const of = data.confusion ? clips.label : clips.pred;
  const wrong = (i) => Number(clips.label[i] !== clips.pred[i]);
  const list = clips.ids
    .map((_, i) => i)
    .filter((i) => of[i] === k)
    .sort((a, b) => wrong(b) - wrong(a) || scoreOf(b, clips.pred[b]) - scoreOf(a, clips.pred[a]));
  if (list.length) openPlayer(`${nameOf(k)}: ${count(list.length, 'clip')}`, list);
}

// -- mistakes

function mistakesSection() {
  if (!data.mistakes.length)
    return section('mistakes', 'Most confident mistakes', 'All clips are recognised.');
  const cards = data.mistakes.map((i, n) => {
    const canvas = h('canvas', {class: 'thumb', 'aria-hidden': 'true'});
    drawWithTheme(() => thumb(canvas, i));
    return h(
      'li',
      {},
      h(
        'button',
        {
          type: 'button',
          class: 'card',
          onclick: () => openPlayer('Most confident mistakes', data.mistakes, n),
        },
        canvas,
        h(
          'span',
          {class: 'card-text'},
          h('strong', {}, nameOf(clips.label[i])),
          h('span', {}, `predicted: ${nameOf(clips.pred[i])}`),
          h(
            'span',
            {class: 'muted'},
            `${withUnit(scoreOf(i, clips.pred[i]), 0)} · ${clips.ids[i]}`,
          ),
        ),
      ),
    );
  });
  return section(
    'mistakes',
    'Most confident mistakes',
    `The ${count(cards.length, 'mistake')} with the highest probability.`,
    h('ol', {class: 'cards'}, cards),
  );
}

// Draw the middle frame of a clip once the page is built. Waiting until it is visible would leave
// it out of print.
function thumb(canvas, i) {
  if (!hasFrames(i)) return;
  const draw = () =>
    unpack(i).then((clip) =>
      paint(canvas, 96, 96, (context, size) =>
        drawClip(context, size, clip, (clip.frames - 1) / 2),
      ),
    );
  (window.requestIdleCallback ?? setTimeout)(draw);
}

// -- calibration, and accuracy of frequent and rare classes

function calibrationSection() {
  const {calibration, groups} = data;
  const by = data.data.train_counts ? 'training clips' : 'test clips';
  const table =
    groups.length > 0 &&
    h(
      'table',
      {class: 'plain'},
      h('caption', {}, `Frequent and rare classes: a third each, by ${by}`),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ['Group', 'Classes', by[0].toUpperCase() + by.slice(1), 'Test clips', 'Accuracy, %'].map(
            (t, i) => h('th', {scope: 'col', class: i ? 'number' : ''}, t),
          ),
        ),
      ),
      h(
        'tbody',
        {},
        groups.map((g) =>
          h(
            'tr',
            {},
            h('th', {scope: 'row'}, g.name),
            h('td', {class: 'number'}, g.classes),
            h('td', {class: 'number'}, g.least === g.most ? g.least : `${g.least}–${g.most}`),
            h('td', {class: 'number'}, g.clips),
            h('td', {class: 'number'}, meter(g.accuracy)),
          ),
        ),
      ),
    );
  return section(
    'calibration',
    groups.length ? 'Calibration and frequency' : 'Calibration',
    null,
    h(
      'div',
      {class: 'two'},
      h(
        'figure',
        {class: 'chart-box'},
        h(
          'figcaption',
          {},
          h('strong', {}, 'Calibration'),
          h('span', {class: 'muted'}, ` expected calibration error ${withUnit(calibration.ece)}`),
          chartButtons('calibration', () => $('calibration').querySelector('svg')),
        ),
        reliabilityChart(calibration),
        h(
          'p',
          {class: 'muted small'},
          'Bars: share of right clips among those with that confidence. Dots: their mean confidence. ' +
            'On the dashed line both are equal.',
        ),
      ),
      table &&
        h(
          'div',
          {},
          scroller('Frequent and rare classes', null, table),
          h(
            'p',
            {class: 'muted small'},
            'Accuracy: the mean over the classes. ',
            data.data.train_counts
              ? `Training clips are counted from ${data.data.train_counts}.`
              : 'The number of training clips is not known, so classes are ranked by test clips.',
          ),
        ),
    ),
  );
}
