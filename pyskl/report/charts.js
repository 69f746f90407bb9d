// Charts as SVG: line charts with a cursor, and the reliability diagram.

const LINE_COLOURS = ['line-1', 'line-2', 'line-3', 'line-4', 'line-5', 'line-6'];
const DASHES = ['', '6 4', '2 3', '10 3 2 3', '1 4', '12 4'];
let chartNumber = 0;

// Round numbers from low to high, about n of them.
function ticks(low, high, n) {
  const span = high - low || 1;
  const rough = span / n;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((m) => m >= rough);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++)
    found.push(Number((i * step).toPrecision(12)));
  return found;
}

const shortNumber = (v) =>
  v === 0 ? '0' : Math.abs(v) < 1e-3 ? v.toExponential(0) : String(Number(v.toPrecision(3)));

// lines: {name: [[x, y], ...]}; unit: unit of y. Values are read with the pointer or, as on a
// slider, with the arrow keys.
function lineChart(title, lines, {unit = '', xTitle = 'epoch'} = {}) {
  const [width, height, left, right, top, bottom] = [420, 220, 46, 12, 10, 34];
  const names = Object.keys(lines);
  const all = Object.values(lines).flat();
  const [x0, x1] = [Math.min(...all.map((p) => p[0]), 0), Math.max(...all.map((p) => p[0]), 1e-9)];
  const [low, high] = [Math.min(0, ...all.map((p) => p[1])), Math.max(0, ...all.map((p) => p[1]))];
  const yTicks = ticks(low, high === low ? low + 1 : high, 4);
  const top1 = Math.max(high, yTicks[yTicks.length - 1]);
  const x = (v) => left + ((v - x0) / (x1 - x0 || 1)) * (width - left - right);
  const y = (v) => height - bottom - ((v - low) / (top1 - low || 1)) * (height - top - bottom);
  const id = `chart-${++chartNumber}`;
  const summary = names
    .map(
      (name) =>
        `${name}: from ${shortNumber(lines[name][0][1])} to ${shortNumber(lines[name].at(-1)[1])}`,
    )
    .join('; ');
  const cursor = s('line', {class: 'cursor', y1: top, y2: height - bottom, x1: -9, x2: -9});
  const svg = s(
    'svg',
    {
      viewBox: `0 0 ${width} ${height}`,
      role: 'slider',
      tabindex: 0,
      'aria-labelledby': id,
      'aria-valuemin': x0,
      'aria-valuemax': x1,
      class: 'chart',
    },
    s('title', {id}, `${title}. ${summary}`),
    yTicks.map((v) =>
      s(
        'g',
        {},
        s('line', {class: 'grid', x1: left, x2: width - right, y1: y(v), y2: y(v)}),
        s('text', {class: 'tick', x: left - 6, y: y(v) + 4, 'text-anchor': 'end'}, shortNumber(v)),
      ),
    ),
    ticks(x0, x1, 6).map((v) =>
      s(
        'text',
        {class: 'tick', x: x(v), y: height - bottom + 16, 'text-anchor': 'middle'},
        shortNumber(v),
      ),
    ),
    s('text', {class: 'axis', x: width - right, y: height - 4, 'text-anchor': 'end'}, xTitle),
    names.map((name, i) =>
      lines[name].length === 1
        ? s('circle', {
            class: `dot ${LINE_COLOURS[i % 6]}`,
            cx: x(lines[name][0][0]),
            cy: y(lines[name][0][1]),
            r: 3,
          })
        : s('path', {
            class: `line ${LINE_COLOURS[i % 6]}`,
            'stroke-dasharray': DASHES[i % 6] || null,
            d: lines[name]
              .map((p, n) => `${n ? 'L' : 'M'}${x(p[0]).toFixed(1)} ${y(p[1]).toFixed(1)}`)
              .join(''),
          }),
    ),
    cursor,
  );
  const [where, values] = [
    h('span', {class: 'value'}),
    names.map(() => h('span', {class: 'value'})),
  ];
  const stops = [...new Set(all.map((p) => p[0]))].sort((a, b) => a - b);
  let at = x1;
  const moveTo = (v, place = x(v)) => {
    at = v;
    cursor.setAttribute('x1', place);
    cursor.setAttribute('x2', place);
    where.textContent = shortNumber(at);
    names.forEach((name, i) => {
      const nearest = lines[name].reduce((best, p) =>
        Math.abs(p[0] - at) < Math.abs(best[0] - at) ? p : best,
      );
      values[i].textContent = shortNumber(nearest[1]);
    });
    const shown = names.map((name, i) => `${name} ${values[i].textContent}`);
    svg.setAttribute('aria-valuenow', at);
    svg.setAttribute('aria-valuetext', `${xTitle} ${shortNumber(at)}: ${shown.join('; ')}`);
  };
  const reset = () => moveTo(x1, -9);
  reset();
  svg.addEventListener('pointermove', (event) => {
    const box = svg.getBoundingClientRect();
    moveTo(
      Math.min(
        Math.max(
          x0 +
            ((((event.clientX - box.left) / box.width) * width - left) / (width - left - right)) *
              (x1 - x0),
          x0,
        ),
        x1,
      ),
    );
  });
  svg.addEventListener('pointerleave', reset);
  svg.addEventListener('blur', reset);
  svg.addEventListener('keydown', (event) => {
    const next = {
      ArrowRight: () => stops.find((v) => v > at),
      ArrowLeft: () => stops.findLast((v) => v < at),
      Home: () => stops[0],
      End: () => stops.at(-1),
    }[event.key];
    if (!next) return;
    event.preventDefault();
    moveTo(next() ?? at);
  });
  return h(
    'figure',
    {class: 'chart-box'},
    h(
      'figcaption',
      {},
      h('strong', {}, title),
      unit && h('span', {class: 'muted'}, ` ${unit}`),
      chartButtons(title, () => svg),
    ),
    svg,
    h(
      'ul',
      {class: 'lines'},
      h('li', {}, `${xTitle} `, where),
      names.map((name, i) =>
        h(
          'li',
          {},
          s(
            'svg',
            {class: 'swatch', viewBox: '0 0 24 6', 'aria-hidden': 'true'},
            s('path', {
              class: `line ${LINE_COLOURS[i % 6]}`,
              'stroke-dasharray': DASHES[i % 6] || null,
              d: 'M0 3L24 3',
            }),
          ),
          name,
          ' ',
          values[i],
        ),
      ),
    ),
  );
}

// Accuracy by confidence, with the number of clips of each bin below. A hidden list says the same
// to screen readers.
function reliabilityChart({edges, confidence, accuracy, count: counts, ece}) {
  const [width, height, left, right, top, middle, bottom] = [420, 330, 46, 12, 10, 240, 34];
  const x = (v) => left + v * (width - left - right);
  const y = (v) => middle - v * (middle - top);
  const maxCount = Math.max(...counts, 1);
  const floor = height - bottom;
  const bar = (n) => (n / maxCount) * (floor - middle - 14);
  const describe = (b) =>
    `${percent(edges[b], 0)} to ${percent(edges[b + 1], 0)} % confident: ` +
    `${count(counts[b], 'clip')}, ${percent(accuracy[b], 0)} % right`;
  const bins = counts.map(
    (n, b) =>
      n &&
      s(
        'g',
        {},
        s('rect', {
          class: 'bin',
          x: x(edges[b]) + 1,
          width: x(edges[b + 1]) - x(edges[b]) - 2,
          y: y(accuracy[b]),
          height: Math.max(0.5, middle - y(accuracy[b])),
        }),
        s('line', {
          class: 'gap',
          x1: (x(edges[b]) + x(edges[b + 1])) / 2,
          x2: (x(edges[b]) + x(edges[b + 1])) / 2,
          y1: y(accuracy[b]),
          y2: y(confidence[b]),
        }),
        s('circle', {
          class: 'confidence',
          cx: (x(edges[b]) + x(edges[b + 1])) / 2,
          cy: y(confidence[b]),
          r: 2.6,
        }),
        s('rect', {
          class: 'bin-count',
          x: x(edges[b]) + 1,
          width: x(edges[b + 1]) - x(edges[b]) - 2,
          y: floor - bar(n),
          height: bar(n),
        }),
        s('title', {}, describe(b)),
      ),
  );
  const id = `chart-${++chartNumber}`;
  const svg = s(
    'svg',
    {viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-labelledby': id, class: 'chart'},
    s('title', {id}, `Reliability diagram: expected calibration error ${withUnit(ece)}`),
    [0, 0.25, 0.5, 0.75, 1].map((v) =>
      s(
        'g',
        {},
        s('line', {class: 'grid', x1: left, x2: width - right, y1: y(v), y2: y(v)}),
        s('text', {class: 'tick', x: left - 6, y: y(v) + 4, 'text-anchor': 'end'}, String(100 * v)),
        s(
          'text',
          {class: 'tick', x: x(v), y: floor + 16, 'text-anchor': 'middle'},
          String(100 * v),
        ),
      ),
    ),
    bins,
    s('line', {class: 'ideal', x1: x(0), y1: y(0), x2: x(1), y2: y(1)}),
    s('text', {class: 'tick', x: left - 6, y: floor, 'text-anchor': 'end'}, 'clips'),
    s(
      'text',
      {class: 'axis', x: width - right, y: height - 4, 'text-anchor': 'end'},
      'confidence, %',
    ),
    s('text', {class: 'axis', x: left + 6, y: top + 10}, 'right, %'),
  );
  return [
    svg,
    h(
      'ul',
      {class: 'hidden'},
      counts.map((n, b) => n > 0 && h('li', {}, describe(b))),
    ),
  ];
}
