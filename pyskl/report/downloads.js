// Downloads: tables as CSV, charts as SVG and PNG.

function save(name, blob) {
  const link = h('a', {href: URL.createObjectURL(blob), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const fileName = (title) =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_|_$/g, '')
    .slice(0, 60) || 'report';

const saveButton = (text, label, press) =>
  h(
    'button',
    {type: 'button', class: 'quiet small screen', 'aria-label': label, onclick: press},
    text,
  );

// -- tables. A text that a spreadsheet would run as a formula gets a ' in front: ids and names are
// not trusted.

const csvCell = (value) => {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n;']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

const csvText = (rows) => rows.map((row) => row.map(csvCell).join(',') + '\r\n').join('');

const csvButton = (title, rows) =>
  saveButton('CSV', `Save ${title} as CSV`, () =>
    save(`${fileName(title)}.csv`, new Blob(['\ufeff', csvText(rows())], {type: 'text/csv'})),
  );

function predictionRows() {
  const judged = Boolean(data.confusion);
  const head = [
    'id',
    ...(judged ? ['label', 'true_class'] : []),
    'predicted',
    'predicted_class',
    ...clips.sets.map((set) => `probability ${set}`),
    ...(judged ? ['right'] : []),
    ...(data.comparison ? [`predicted ${data.comparison.name}`] : []),
  ];
  return [
    head,
    ...clips.ids.map((id, i) => [
      id,
      ...(judged ? [clips.label[i], nameOf(clips.label[i])] : []),
      clips.pred[i],
      nameOf(clips.pred[i]),
      ...clips.sets.map((_, set) => scoreOf(i, clips.pred[i], set)),
      ...(judged ? [Number(clips.label[i] === clips.pred[i])] : []),
      ...(data.comparison ? [data.comparison.pred[i]] : []),
    ]),
  ];
}

const matrixRows = () => [
  ['true \\ predicted', ...data.classes.map((row) => row.name)],
  ...data.confusion.counts.map((row, k) => [nameOf(k), ...row]),
];

const classRows = () => {
  const keys = Object.keys(data.classes[0]).filter((key) => key !== 'typical');
  return [keys, ...data.classes.map((row) => keys.map((key) => row[key]))];
};

// -- charts

const DRAWN = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'stroke-linejoin',
  'opacity',
  'font-size',
  'font-family',
];

// The text of an SVG file, with the computed styles written into its elements.
function svgText(svg) {
  const copy = svg.cloneNode(true);
  const [from, to] = [svg, copy].map((root) => [...root.querySelectorAll('*')]);
  const live = svg.isConnected;
  from.forEach(
    (element, n) =>
      live &&
      DRAWN.forEach((name) =>
        to[n].setAttribute(name, getComputedStyle(element).getPropertyValue(name)),
      ),
  );
  const [, , width, height] = svg.getAttribute('viewBox').split(' ').map(Number);
  for (const name of ['class', 'role', 'tabindex', 'aria-labelledby', 'aria-valuetext'])
    copy.removeAttribute(name);
  copy.setAttribute('width', width);
  copy.setAttribute('height', height);
  copy.setAttribute('font-family', 'sans-serif');
  copy.prepend(s('rect', {width, height, fill: colour('ground')}));
  return new XMLSerializer().serializeToString(copy);
}

async function savePng(name, svg, scale = 3) {
  const text = svgText(svg);
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await picture.decode();
  const canvas = h('canvas', {width: picture.width * scale, height: picture.height * scale});
  canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => save(name, blob));
}

// getSvg: returns the SVG to save
function chartButtons(title, getSvg) {
  const name = fileName(title);
  return h(
    'span',
    {class: 'saves screen'},
    saveButton('SVG', `Save ${title} as SVG`, () =>
      save(`${name}.svg`, new Blob([svgText(getSvg())], {type: 'image/svg+xml'})),
    ),
    saveButton('PNG', `Save ${title} as PNG`, () => savePng(`${name}.png`, getSvg())),
  );
}

// The confusion matrix as an SVG, with the table's order and colours.
function matrixSvg() {
  const [cell, head] = [24, 190];
  const side = head + cell * matrix.cells.length + 4;
  const rows = matrix.cells.map((row) =>
    row.map((td) => [td.style.background, td.style.color, td.textContent]),
  );
  const order = matrix.cells.map((row) => Number(row[0].dataset.true));
  const middle = (n) => head + cell * (n + 0.5);
  const short = (k) => (nameOf(k).length > 28 ? `${nameOf(k).slice(0, 27)}…` : nameOf(k));
  const text = (attributes, words) =>
    s(
      'text',
      {'font-size': 11, 'dominant-baseline': 'middle', fill: colour('ink'), ...attributes},
      words,
    );
  return s(
    'svg',
    {viewBox: `0 0 ${side} ${side}`},
    order.map((k, n) =>
      s(
        'g',
        {},
        text({x: head - 6, y: middle(n), 'text-anchor': 'end'}, short(k)),
        text({transform: `translate(${middle(n)} ${head - 6}) rotate(-90)`}, short(k)),
      ),
    ),
    rows.flatMap((row, r) =>
      row.map(([fill, ink, words], c) =>
        s(
          'g',
          {},
          s('rect', {
            x: head + c * cell,
            y: head + r * cell,
            width: cell - 1,
            height: cell - 1,
            fill: fill || colour('card'),
          }),
          words &&
            text(
              {x: middle(c), y: middle(r), 'text-anchor': 'middle', fill: ink, 'font-size': 9},
              words,
            ),
        ),
      ),
    ),
  );
}
