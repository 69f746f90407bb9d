// Similarity of the label vectors beside the confusions, in the same order of classes.

function semanticsSection() {
  const found = data.semantics;
  const shown = shownClasses();
  const order = data.confusion.orders.similarity.filter(
    (k) => data.classes[k].support && shown.has(k),
  );
  const readout = h('p', {class: 'readout', role: 'status'});
  const titles = ['Similarity of the label vectors', 'Confused with each other'];
  const maps = [
    heatmap(titles[0], found.similarity, 'blue', order),
    heatmap(titles[1], found.confusion, 'orange', order),
  ];
  const last = order.length - 1;
  let at = [0, 0];
  const select = (row, column) => {
    at = [row, column].map((n) => Math.min(Math.max(n, 0), last));
    maps.forEach(({mark}) => {
      mark.hidden = false;
      ['top', 'left'].forEach((side, axis) =>
        mark.style.setProperty(side, `${(100 * at[axis]) / order.length}%`),
      );
    });
    const [a, b] = at.map((n) => order[n]);
    readout.textContent =
      a === b
        ? nameOf(a)
        : `${nameOf(a)} and ${nameOf(b)}: similarity ${found.similarity[a][b].toFixed(2)}, ` +
          `confused ${withUnit(found.confusion[a][b])}`;
  };
  const clear = () => {
    maps.forEach(({mark}) => {
      mark.hidden = true;
    });
    readout.textContent = '';
  };
  maps.forEach(({element}) => {
    const point = (event) => {
      const box = element.getBoundingClientRect();
      select(
        ...[event.clientY - box.top, event.clientX - box.left].map((v) =>
          Math.floor((v / box.width) * order.length),
        ),
      );
    };
    const steps = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      Home: [0, -last],
      End: [0, last],
    };
    const listeners = {
      pointermove: point,
      pointerdown: point,
      pointerleave: clear,
      blur: clear,
      focus: () => select(...at),
      keydown: (event) => {
        const step = steps[event.key];
        if (step) {
          event.preventDefault();
          select(at[0] + step[0], at[1] + step[1]);
        }
      },
    };
    Object.entries(listeners).forEach(([name, listener]) =>
      element.addEventListener(name, listener),
    );
  });
  const pairs = h(
    'table',
    {class: 'plain'},
    h('caption', {}, 'Most similar labels'),
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        h('th', {scope: 'col'}, 'Pair'),
        h('th', {scope: 'col', class: 'number'}, 'Similarity'),
        h('th', {scope: 'col', class: 'number'}, 'Confused, %'),
      ),
    ),
    h(
      'tbody',
      {},
      found.pairs.map(([a, b, similarity, confused]) =>
        h(
          'tr',
          {},
          h('th', {scope: 'row'}, `${nameOf(a)} – ${nameOf(b)}`),
          h('td', {class: 'number'}, similarity.toFixed(2)),
          h('td', {class: 'number'}, percent(confused)),
        ),
      ),
    ),
  );
  return section(
    'semantics',
    'Similar labels',
    conclusion(found),
    h(
      'div',
      {class: 'three'},
      maps.map(({element}, n) =>
        h(
          'figure',
          {class: 'chart-box'},
          h('figcaption', {}, h('strong', {}, titles[n])),
          element,
          h('span', {class: 'muted small'}, 'classes → and ↓, in the same order'),
        ),
      ),
      scroller('Most similar labels', null, pairs),
    ),
    readout,
    h(
      'p',
      {class: 'muted small'},
      `Rows and columns of both: the ${order.length} classes ` +
        `${order.length < found.classes ? 'with the most clips' : 'that have clips'}, ` +
        `from ${nameOf(order[0])} (top left) to ${nameOf(order.at(-1))}, ` +
        'confused classes side by side. Keyboard: arrow keys move. ' +
        `Label vectors: ${found.table}. ` +
        'Confused: the mean share of clips over both directions. ' +
        'p: Mantel’s permutation test, one-sided.',
    ),
  );
}

function conclusion({rho, p, classes}) {
  if (rho === null)
    return 'Nothing is confused, or all label vectors are equally similar: there is no correlation.';
  const significant = p !== null && p <= 0.05;
  const finding = !significant
    ? 'No sign that classes with similar labels are confused more often'
    : `Classes with similar labels are confused ${rho >= 0.3 ? '' : 'slightly '}more often`;
  const shown = p < 0.001 ? '< 0.001' : `= ${p.toFixed(3)}`;
  return (
    `${finding}: Spearman’s rank correlation over all pairs of ${classes} classes is ` +
    `${rho.toFixed(2)} (p ${shown}).`
  );
}

// {element, mark}: a map of values, and the frame around its selected cell.
function heatmap(title, values, hue, order) {
  const canvas = h('canvas', {class: 'heatmap'});
  const side = 100 / order.length;
  const mark = h('span', {
    class: 'mark',
    hidden: true,
    style: {width: `${side}%`, height: `${side}%`},
  });
  let [low, high] = [Infinity, -Infinity];
  for (const a of order)
    for (const b of order)
      if (a !== b) [low, high] = [Math.min(low, values[a][b]), Math.max(high, values[a][b])];
  drawWithTheme(() =>
    paint(canvas, 320, 320, (context, size) => {
      const cell = size / order.length;
      order.forEach((a, r) =>
        order.forEach((b, c) => {
          context.fillStyle =
            a === b
              ? colour('line')
              : shade(((values[a][b] - low) / (high - low || 1)) ** 0.7, hue).fill;
          context.fillRect(c * cell, r * cell, cell + 0.5, cell + 0.5);
        }),
      );
    }),
  );
  const label =
    `${title}: ${order.length} by ${order.length} classes. Arrow keys move; ` +
    'the table lists the closest pairs';
  return {
    element: h(
      'div',
      {class: 'map', role: 'application', tabindex: 0, 'aria-label': label},
      canvas,
      mark,
    ),
    mark,
  };
}
