// Does the model confuse classes with similar names? The similarity of the label vectors beside the confusions, in one order.

function semanticsSection() {
  const found = data.semantics;
  const shown = shownClasses();
  const order = data.confusion.orders.similarity.filter((k) => data.classes[k].support && shown.has(k));
  const readout = h('p', {class: 'readout', role: 'status'});
  const titles = ['Similarity of the label vectors', 'Confused with each other'];
  const maps = [heatmap(titles[0], found.similarity, 'blue', order), heatmap(titles[1], found.confusion, 'orange', order)];
  const last = order.length - 1;
  let at = [0, 0];
  const tell = (row, column) => {
    at = [row, column].map((n) => Math.min(Math.max(n, 0), last));
    maps.forEach(({mark}) => {
      mark.hidden = false;
      ['top', 'left'].forEach((side, axis) => mark.style.setProperty(side, `${100 * at[axis] / order.length}%`));
    });
    const [a, b] = at.map((n) => order[n]);
    readout.textContent = a === b ? nameOf(a) : `${nameOf(a)} and ${nameOf(b)}: similarity ${found.similarity[a][b].toFixed(2)}, confused ${withUnit(found.confusion[a][b])}`;
  };
  const rest = () => { maps.forEach(({mark}) => { mark.hidden = true; }); readout.textContent = ''; };
  maps.forEach(({element}) => {
    const point = (event) => {
      const box = element.getBoundingClientRect();
      tell(...[event.clientY - box.top, event.clientX - box.left].map((v) => Math.floor(v / box.width * order.length)));
    };
    const steps = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -last], End: [0, last]};
    const listeners = {pointermove: point, pointerdown: point, pointerleave: rest, blur: rest, focus: () => tell(...at), keydown: (event) => {
      const step = steps[event.key];
      if (step) { event.preventDefault(); tell(at[0] + step[0], at[1] + step[1]); }
    }};
    Object.entries(listeners).forEach(([name, listener]) => element.addEventListener(name, listener));
  });
  const pairs = h('table', {class: 'plain'}, h('caption', {}, 'Most similar labels'),
    h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'Pair'), h('th', {scope: 'col', class: 'number'}, 'Similarity'), h('th', {scope: 'col', class: 'number'}, 'Confused, %'))),
    h('tbody', {}, found.pairs.map(([a, b, alike, confused]) => h('tr', {}, h('th', {scope: 'row'}, `${nameOf(a)} – ${nameOf(b)}`),
      h('td', {class: 'number'}, alike.toFixed(2)), h('td', {class: 'number'}, percent(confused))))));
  return section('meaning', 'Similar labels', verdict(found), h('div', {class: 'three'}, maps.map(({element}, n) =>
    h('figure', {class: 'chart-box'}, h('figcaption', {}, h('strong', {}, titles[n])), element, h('span', {class: 'muted small'}, 'classes → and ↓, in one order'))), scroller('Most similar labels', null, pairs)), readout,
  h('p', {class: 'muted small'}, `Rows and columns of both: ${order.length < found.classes ? `the ${order.length} classes with most clips` : `the ${order.length} classes that have clips`}, ` +
    `from ${nameOf(order[0])} (top left) to ${nameOf(order.at(-1))}, classes that are confused side by side. Keyboard: arrow keys move. Label vectors: ${found.table}. ` +
    'Confused: the mean of both ways’ shares of a class’s clips. p: Mantel’s permutation test, one-sided.'));
}

function verdict({rho, p, classes}) {
  if (rho === null) return 'Nothing is confused, or all label vectors are equally similar: there is no correlation.';
  const sure = p !== null && p <= 0.05;
  const answer = !sure ? 'No sign that classes with similar labels are confused more often' : `Classes with similar labels are confused ${rho >= 0.3 ? '' : 'slightly '}more often`;
  return `${answer}: Spearman’s rank correlation over all pairs of ${classes} classes is ${rho.toFixed(2)} (p ${p < 0.001 ? '< 0.001' : `= ${p.toFixed(3)}`}).`;
}

// {element, mark}: a map that can be walked over, and the frame around one of its cells.
function heatmap(title, values, hue, order) {
  const canvas = h('canvas', {class: 'heatmap'});
  const side = 100 / order.length;
  const mark = h('span', {class: 'mark', hidden: true, style: {width: `${side}%`, height: `${side}%`}});
  let [low, high] = [Infinity, -Infinity];
  for (const a of order) for (const b of order) if (a !== b) [low, high] = [Math.min(low, values[a][b]), Math.max(high, values[a][b])];
  onTheme(() => paint(canvas, 320, 320, (context, size) => {
    const cell = size / order.length;
    order.forEach((a, r) => order.forEach((b, c) => {
      context.fillStyle = a === b ? colour('line') : shade(((values[a][b] - low) / (high - low || 1)) ** 0.7, hue).fill;
      context.fillRect(c * cell, r * cell, cell + 0.5, cell + 0.5);
    }));
  }));
  const label = `${title}: ${order.length} by ${order.length} classes. Arrow keys move; the closest pairs stand in the table`;
  return {element: h('div', {class: 'map', role: 'application', tabindex: 0, 'aria-label': label}, canvas, mark), mark};
}
