// Does the model confuse what means alike? The similarity of the label vectors beside the confusions, in one order.

function semanticsSection() {
  const found = data.semantics;
  const order = data.confusion.orders.similarity.filter((k) => data.classes[k].support);
  const readout = h('p', {class: 'readout', 'aria-hidden': 'true'});
  const maps = [['Similarity of the label vectors', found.similarity, 'blue', 0], ['Confused with each other', found.confusion, 'orange', 0]];
  const canvases = maps.map(([title, values, hue]) => heatmap(title, values, hue, order));
  canvases.forEach((canvas) => {
    canvas.addEventListener('pointermove', (event) => {
      const box = canvas.getBoundingClientRect();
      const at = [event.clientY - box.top, event.clientX - box.left].map((v) => Math.min(Math.floor(v / box.width * order.length), order.length - 1));
      const [a, b] = at.map((n) => order[Math.max(n, 0)]);
      readout.textContent = a === b ? nameOf(a) : `${nameOf(a)} and ${nameOf(b)}: similarity ${found.similarity[a][b].toFixed(2)}, confused ${withUnit(found.confusion[a][b])}`;
    });
    canvas.addEventListener('pointerleave', () => { readout.textContent = ''; });
  });
  const pairs = h('table', {class: 'plain'}, h('caption', {}, 'Closest in meaning'),
    h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'Pair'), h('th', {scope: 'col', class: 'number'}, 'Similarity'), h('th', {scope: 'col', class: 'number'}, 'Confused, %'))),
    h('tbody', {}, found.pairs.map(([a, b, alike, confused]) => h('tr', {}, h('th', {scope: 'row'}, `${nameOf(a)} – ${nameOf(b)}`),
      h('td', {class: 'number'}, alike.toFixed(2)), h('td', {class: 'number'}, percent(confused))))));
  return section('meaning', 'Meaning', verdict(found), h('div', {class: 'three'}, maps.map(([title], n) =>
    h('figure', {class: 'chart-box'}, h('figcaption', {}, h('strong', {}, title)), canvases[n])), h('div', {class: 'scroll'}, pairs)), readout,
  h('p', {class: 'muted small'}, `Both in the order of confusions; the ${order.length} classes that have clips. Label vectors: ${found.table}. ` +
    'Confused: the mean of both ways’ shares of a class’s clips. p: Mantel’s permutation test, one-sided.'));
}

function verdict({rho, p, classes}) {
  if (rho === null) return 'Nothing is confused, or all vectors are equally alike: there is no correlation to tell.';
  const sure = p !== null && p <= 0.05;
  const answer = !sure ? 'No sign that the model confuses what means alike' : rho >= 0.3 ? 'The model confuses what means alike' : 'The model confuses what means alike, a little';
  return `${answer}: Spearman’s rank correlation over all pairs of ${classes} classes is ${rho.toFixed(2)} (p ${p < 0.001 ? '< 0.001' : `= ${p.toFixed(3)}`}).`;
}

function heatmap(title, values, hue, order) {
  const canvas = h('canvas', {class: 'heatmap', role: 'img', 'aria-label': `${title}: ${order.length} by ${order.length} classes; the closest pairs stand in the table`});
  const off = order.flatMap((a) => order.filter((b) => b !== a).map((b) => values[a][b]));
  const [low, high] = [Math.min(...off), Math.max(...off)];
  onTheme(() => paint(canvas, 320, 320, (context, size) => {
    const side = size / order.length;
    order.forEach((a, r) => order.forEach((b, c) => {
      context.fillStyle = a === b ? colour('line') : shade(((values[a][b] - low) / (high - low || 1)) ** 0.7, hue).fill;
      context.fillRect(c * side, r * side, side + 0.5, side + 0.5);
    }));
  }));
  return canvas;
}
