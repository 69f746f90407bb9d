// The confusion matrix: a table whose cells take the arrow keys and play their clips.

const MAX_CLASSES = 100; // of more classes, those with the most clips are shown
const PRINTED = 690; // px, the width of an A4 page without its margins
const matrix = {mode: 'share', order: 'similarity', cells: [], focus: null};

function confusionSection() {
  const {counts} = data.confusion;
  const readout = h('p', {id: 'readout', class: 'readout', 'aria-hidden': 'true'});
  const box = h('div', {id: 'matrix-box', class: 'scroll tall'});
  const shown = shownClasses();
  const build = () => {
    box.replaceChildren(
      matrixTable(
        data.confusion.orders[matrix.order].filter((k) => shown.has(k)),
        readout,
      ),
    );
    fit(box, shown.size);
  };
  matrix.clips = clipsByCell();
  drawWithTheme(build);
  window.addEventListener('resize', () => fit(box, shown.size));
  window.addEventListener('beforeprint', () => fit(box, shown.size, PRINTED));
  window.addEventListener('afterprint', () => fit(box, shown.size));
  const right = counts.reduce((sum, row, k) => sum + row[k], 0);
  const lead =
    'A row is the true class, a column the predicted one. Click a cell to see its clips.' +
    (shown.size < counts.length
      ? ` Of ${counts.length} classes, the ${shown.size} with the most clips are shown.`
      : '');
  return section(
    'confusion',
    'Confusions',
    lead,
    h(
      'div',
      {class: 'toolbar'},
      choices('Cells', {share: '% of the row', counts: 'clips'}, matrix.mode, (value) => {
        matrix.mode = value;
        build();
      }),
      choices(
        'Order',
        {similarity: 'confused classes together', id: 'by number'},
        matrix.order,
        (value) => {
          matrix.order = value;
          build();
        },
      ),
      rampLegend(),
      h(
        'span',
        {class: 'saves'},
        csvButton('confusion matrix', matrixRows),
        chartButtons('confusion matrix', matrixSvg),
      ),
    ),
    box,
    readout,
    h(
      'p',
      {class: 'muted small'},
      `${right.toLocaleString('en')} of ${count(clips.ids.length, 'clip')} lie on the diagonal. ` +
        'Keyboard: arrow keys move, Enter plays.',
    ),
  );
}

function shownClasses() {
  const ranked = data.classes
    .map((row) => row.id)
    .sort((a, b) => data.classes[b].support - data.classes[a].support || a - b);
  return new Set(ranked.slice(0, MAX_CLASSES));
}

// Map of 'label,prediction' to clips, the most confident first.
function clipsByCell() {
  const cells = new Map();
  clips.label.forEach((label, i) => {
    const key = `${label},${clips.pred[i]}`;
    if (!cells.has(key)) cells.set(key, []);
    cells.get(key).push(i);
  });
  for (const list of cells.values())
    list.sort((a, b) => scoreOf(b, clips.pred[b]) - scoreOf(a, clips.pred[a]));
  return cells;
}

function rampLegend() {
  const bar = (hue) => {
    const canvas = h('canvas', {class: 'ramp', 'aria-hidden': 'true'});
    drawWithTheme(() =>
      paint(canvas, 64, 10, (context) => {
        for (let x = 0; x < 64; x++) {
          context.fillStyle = shade(x / 63, hue).fill;
          context.fillRect(x, 0, 1, 10);
        }
      }),
    );
    return canvas;
  };
  return h(
    'p',
    {class: 'legend'},
    h('span', {}, bar('blue'), ' right'),
    h('span', {}, bar('orange'), ' wrong'),
  );
}

// Make cells as large as the width allows. On a phone they stay large enough for a finger, and the
// table scrolls.
function fit(box, n, width = box.clientWidth || 1000) {
  const narrow = width < 620;
  const head = narrow ? 92 : width === PRINTED ? 110 : 158;
  const gaps = n + 2; // of 1 px, on both sides of the n + 1 columns
  const cell = Math.max(narrow ? 24 : 15, Math.min(56, Math.floor((width - head - gaps) / n)));
  box.style.setProperty('--cell', `${cell}px`);
  box.style.setProperty('--head', `${head}px`);
  box.classList.toggle('bare', cell < 22);
  checkWidth(box, 'Confusion matrix');
}

function matrixTable(order, readout) {
  const {counts} = data.confusion;
  const sums = counts.map((row) => row.reduce((a, b) => a + b, 0));
  const maxCount = Math.max(1, ...order.flatMap((k) => order.map((m) => counts[k][m])));
  matrix.cells = order.map((k, r) =>
    order.map((m, c) => cell(k, m, r, c, counts[k][m], sums[k], maxCount)),
  );
  matrix.focus = null;
  const start = matrix.cells.flat().find((td) => td.dataset.count !== '0') ?? matrix.cells[0][0];
  start.tabIndex = 0;
  matrix.focus = start;
  const columns = order.map((m) =>
    h('th', {scope: 'col', class: 'column'}, h('span', {}, nameOf(m))),
  );
  const table = h(
    'table',
    {class: 'matrix', role: 'grid', 'aria-label': 'Confusion matrix'},
    h(
      'thead',
      {},
      h('tr', {}, h('td', {class: 'corner'}, h('span', {}, 'true ↓  predicted →')), columns),
    ),
    h(
      'tbody',
      {},
      order.map((k, r) =>
        h(
          'tr',
          {},
          h('th', {scope: 'row', title: nameOf(k)}, h('span', {}, nameOf(k))),
          matrix.cells[r],
        ),
      ),
    ),
  );
  const cellOf = (event) => event.target.closest('td[data-row]');
  table.addEventListener('click', (event) => {
    const td = cellOf(event);
    if (td) {
      focusCell(td);
      playCell(td);
    }
  });
  table.addEventListener('keydown', matrixKey);
  const point = (event) => {
    const td = cellOf(event);
    if (td) describeCell(td, readout, table, columns);
  };
  table.addEventListener('mouseover', point);
  table.addEventListener('focusin', point);
  table.addEventListener('mouseleave', () => {
    readout.textContent = '';
    highlight(table, columns, null);
  });
  return table;
}

function cell(k, m, r, c, n, sum, maxCount) {
  const share = sum ? n / sum : 0;
  const ofRow = sum ? `, ${percent(share, 0)} percent` : '';
  const td = h('td', {
    role: 'gridcell',
    tabindex: -1,
    'data-row': r,
    'data-column': c,
    'data-true': k,
    'data-predicted': m,
    'data-count': n,
    'aria-label': `${describePair(k, m)}: ${count(n, 'clip')}${ofRow}`,
  });
  if (n) {
    const value = matrix.mode === 'share' ? share : Math.sqrt(n / maxCount);
    const {fill, text} = shade(0.12 + 0.88 * value, k === m ? 'blue' : 'orange');
    td.style.background = fill;
    td.style.color = text;
    td.append(h('span', {}, matrix.mode === 'share' ? percent(share, 0) : String(n)));
  }
  return td;
}

const describePair = (k, m) =>
  k === m ? `${nameOf(k)}, recognised` : `${nameOf(k)} predicted as ${nameOf(m)}`;

function describeCell(td, readout, table, columns) {
  const [k, m, n] = [td.dataset.true, td.dataset.predicted, td.dataset.count].map(Number);
  const sum = data.confusion.counts[k].reduce((a, b) => a + b, 0);
  readout.textContent = `${describePair(k, m)}: ${count(n, 'clip')} of ${sum}`;
  highlight(table, columns, td);
}

function highlight(table, columns, td) {
  table.querySelectorAll('.lit').forEach((element) => element.classList.remove('lit'));
  if (td) {
    td.parentElement.firstChild.classList.add('lit');
    columns[td.dataset.column].classList.add('lit');
  }
}

function focusCell(td) {
  matrix.focus.tabIndex = -1;
  td.tabIndex = 0;
  matrix.focus = td;
  td.focus({preventScroll: false});
}

function matrixKey(event) {
  const td = event.target.closest('td[data-row]');
  if (!td) return;
  const [r, c, last] = [Number(td.dataset.row), Number(td.dataset.column), matrix.cells.length - 1];
  const next = {
    ArrowRight: [r, c + 1],
    ArrowLeft: [r, c - 1],
    ArrowDown: [r + 1, c],
    ArrowUp: [r - 1, c],
    Home: [event.ctrlKey ? 0 : r, 0],
    End: [event.ctrlKey ? last : r, last],
  }[event.key];
  if (next) {
    event.preventDefault();
    focusCell(
      matrix.cells[Math.min(Math.max(next[0], 0), last)][Math.min(Math.max(next[1], 0), last)],
    );
  } else if (event.key === 'Enter' || event.key === ' ') {
    event.preventDefault();
    playCell(td);
  }
}

function playCell(td) {
  const list = matrix.clips.get(`${td.dataset.true},${td.dataset.predicted}`);
  if (list) openPlayer(describePair(Number(td.dataset.true), Number(td.dataset.predicted)), list);
}
