// Sections: confused pairs, accuracy by person, another run, a map of the clips, training setups.

const headRow = (titles) =>
  h(
    'thead',
    {},
    h(
      'tr',
      {},
      titles.map((title, i) => h('th', {scope: 'col', class: i ? 'number' : ''}, title)),
    ),
  );
const number = (...content) => h('td', {class: 'number'}, content);
const play = (text, title, list) =>
  list.length
    ? h('button', {type: 'button', class: 'link', onclick: () => openPlayer(title, list)}, text)
    : text;

function pairsSection() {
  const {pairs, counts} = data.confusion;
  const cells = clipsByCell();
  const mistakes = counts
    .flatMap((row, k) => row.filter((_, m) => m !== k))
    .reduce((a, b) => a + b, 0);
  const direction = (k, m, n) =>
    number(play(String(n), describePair(k, m), cells.get(`${k},${m}`) ?? []));
  const rows = pairs.map(([a, b, there, back]) =>
    h(
      'tr',
      {},
      h('th', {scope: 'row'}, `${nameOf(a)} – ${nameOf(b)}`),
      direction(a, b, there),
      direction(b, a, back),
      number(meter((there + back) / mistakes)),
    ),
  );
  return section(
    'pairs',
    'Most confused pairs',
    'Click a number to see the clips.',
    scroller(
      'Most confused pairs',
      null,
      h(
        'table',
        {class: 'plain'},
        h('caption', {class: 'hidden'}, 'Most confused pairs'),
        headRow([
          'Pair',
          'First predicted as second',
          'Second as first',
          'Share of all mistakes, %',
        ]),
        h('tbody', {}, rows),
      ),
    ),
  );
}

function peopleSection() {
  const {kind, drawn, rows} = data.people;
  const shares = rows.map((row) => row[2]);
  const lead =
    `By ${kind}: ${count(rows.length, 'group')}, ` +
    `top-1 from ${percent(shares[0])} to ${withUnit(shares.at(-1))}, ` +
    `median ${withUnit(shares[Math.floor(shares.length / 2)])}. ` +
    (drawn
      ? 'The second interval of each headline figure draws these groups.'
      : 'Too few groups for intervals.');
  return section(
    'people',
    'By person or video',
    lead,
    scroller(
      'By person or video',
      'tall low',
      h(
        'table',
        {class: 'plain'},
        h('caption', {class: 'hidden'}, 'Accuracy of each group, the lowest first'),
        headRow(['Group', 'Clips', 'Top-1, %']),
        h(
          'tbody',
          {},
          rows.map(([name, clipsOf, accuracy, list]) =>
            h(
              'tr',
              {},
              h('th', {scope: 'row'}, play(name, `${name}: ${count(clipsOf, 'clip')}`, list)),
              number(clipsOf),
              number(meter(accuracy)),
            ),
          ),
        ),
      ),
    ),
  );
}

// -- another run

function comparisonSection() {
  const found = data.comparison;
  const p = found.p < 0.001 ? 'p < 0.001' : `p = ${found.p.toFixed(3)}`;
  const points = (v) => `${v > 0 ? '+' : ''}${(100 * v).toFixed(1)}`;
  const verdict =
    `Top-1: ${points(found.difference)} percentage points against ${found.name} ` +
    `(95 %: ${points(found.low)} to ${points(found.high)}` +
    `${data.people?.drawn ? ', drawing groups' : ''}). ` +
    `McNemar’s exact test: ${p}${found.p < 0.05 ? '' : ', so it may be chance'}.`;
  const figures = h(
    'table',
    {class: 'plain'},
    h('caption', {}, 'Both runs'),
    headRow(['Run', ...data.headline.map((f) => `${f.title}, %`)]),
    h(
      'tbody',
      {},
      [
        ['this one', data.headline],
        [found.name, found.headline],
      ].map(([name, rows]) =>
        h(
          'tr',
          {},
          h('th', {scope: 'row'}, name),
          rows.map((f) =>
            number(
              percent(f.value),
              h('span', {class: 'muted interval'}, ` ${percent(f.low)}–${percent(f.high)}`),
            ),
          ),
        ),
      ),
    ),
  );
  const clipsTable = h(
    'table',
    {class: 'plain'},
    h('caption', {}, 'Clips'),
    headRow(['Right in', 'Clips']),
    h(
      'tbody',
      {},
      [
        ['both', String(found.both)],
        ['only this run', play(String(found.first), 'Right in this run only', found.gained)],
        [
          `only ${found.name}`,
          play(String(found.second), `Right in ${found.name} only`, found.lost),
        ],
        ['neither', String(found.neither)],
      ].map(([name, n]) => h('tr', {}, h('th', {scope: 'row'}, name), number(n))),
    ),
  );
  const classes = h(
    'table',
    {class: 'plain'},
    h('caption', {}, 'Recall of each class, the largest difference first'),
    headRow(['Class', 'This run, %', `${found.name}, %`, 'Difference, points']),
    h(
      'tbody',
      {},
      found.classes.map(([k, here, there]) =>
        h(
          'tr',
          {},
          h('th', {scope: 'row'}, nameOf(k)),
          number(percent(here)),
          number(percent(there)),
          number(points(here - there)),
        ),
      ),
    ),
  );
  return section(
    'comparison',
    'Comparison',
    verdict,
    scroller('Both runs', null, figures),
    h(
      'div',
      {class: 'two'},
      scroller('Clips of both runs', null, clipsTable),
      scroller('Classes of both runs', 'tall low', classes),
    ),
    h(
      'p',
      {class: 'muted small'},
      'The test assumes independent clips. Clips of one person are not, so read the interval, too.',
    ),
  );
}

// -- the map

const describeClip = (i) =>
  data.confusion ? describePair(clips.label[i], clips.pred[i]) : nameOf(clips.pred[i]);

function mapSection() {
  const {x, y, shares} = data.map;
  const size = 520;
  const canvas = h('canvas', {
    class: 'clip-map',
    role: 'img',
    'aria-label': 'Map of the clips; the same clips stand in the table below',
  });
  const readout = h('p', {class: 'readout', 'aria-hidden': 'true'});
  let chosen = '';
  const place = (i, side) => [0.03 * side + x[i] * 0.94 * side, 0.03 * side + y[i] * 0.94 * side];
  const draw = () =>
    paint(canvas, canvas.clientWidth || size, canvas.clientWidth || size, (context, side) => {
      const hues = {right: colour('line-1'), wrong: colour('line-2')};
      clips.ids.forEach((_, i) => {
        context.globalAlpha = chosen === '' || ofClass(i) === Number(chosen) ? 0.8 : 0.08;
        context.fillStyle = hues[wrong(i) ? 'wrong' : 'right'];
        context.beginPath();
        context.arc(...place(i, side), clips.ids.length > 1000 ? 2 : 3.2, 0, 7);
        context.fill();
      });
      context.globalAlpha = 1;
    });
  const ofClass = (i) => (data.confusion ? clips.label[i] : clips.pred[i]);
  const nearest = (event) => {
    const box = canvas.getBoundingClientRect();
    const distance = (i) => {
      const [px, py] = place(i, box.width);
      return Math.hypot(px - event.clientX + box.left, py - event.clientY + box.top);
    };
    const best = x.reduce(
      (b, _, i) =>
        (chosen === '' || ofClass(i) === Number(chosen)) && distance(i) < distance(b) ? i : b,
      0,
    );
    return distance(best) < 14 ? best : null;
  };
  canvas.addEventListener('pointermove', (event) => {
    const i = nearest(event);
    readout.textContent = i === null ? '' : `${clips.ids[i]}: ${describeClip(i)}`;
  });
  canvas.addEventListener('click', (event) => {
    const i = nearest(event);
    if (i !== null) openPlayer('Map', [i]);
  });
  drawWithTheme(draw);
  window.addEventListener('resize', draw);
  const select = h(
    'select',
    {
      id: 'map-class',
      onchange: (event) => {
        chosen = event.target.value;
        draw();
      },
    },
    h('option', {value: ''}, 'all'),
    data.classes.map((row) => h('option', {value: row.id}, row.name)),
  );
  return section(
    'map',
    'Map of the clips',
    'Clips with similar scores lie close to each other. Click one to play it.',
    h(
      'div',
      {class: 'toolbar'},
      h('label', {}, data.confusion ? 'True class ' : 'Predicted ', select),
      data.confusion &&
        h(
          'p',
          {class: 'legend'},
          h('span', {class: 'key left'}, 'right'),
          h('span', {class: 'key right'}, 'wrong'),
        ),
      saveButton('PNG', 'Save the map as PNG', () =>
        canvas.toBlob((blob) => save('map.png', blob)),
      ),
    ),
    canvas,
    readout,
    h(
      'p',
      {class: 'muted small'},
      'The first two principal components of the log scores, centred over the classes: ' +
        `${percent(shares[0], 0)} and ${withUnit(shares[1], 0)} of their variance. ` +
        'They are linear in the features before the last layer.',
    ),
  );
}

// -- training setups

function runSection() {
  const setup = ({name, facts, config, differs}) =>
    h(
      'div',
      {class: 'run'},
      data.runs.length > 1 && h('h3', {}, name),
      h(
        'dl',
        {class: 'facts'},
        facts.map(([title, text]) => h('div', {}, h('dt', {}, title), h('dd', {}, text))),
      ),
      differs.length > 0 &&
        h(
          'details',
          {},
          h('summary', {}, `Differs from ${data.runs[0].name} in ${count(differs.length, 'line')}`),
          h('pre', {tabindex: 0}, differs.join('\n')),
        ),
      config && h('details', {}, h('summary', {}, 'Config'), h('pre', {tabindex: 0}, config)),
    );
  return section('runs', data.runs.length > 1 ? 'Runs' : 'Run', null, data.runs.map(setup));
}
