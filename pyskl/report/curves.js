// The section of training curves.

const CURVES = {
  loss: (lines) =>
    byQuantity(lines).map(([name, parts]) =>
      lineChart(
        {loss: 'Total loss', loss_cls: 'Class loss', loss_emb: 'Embedding loss'}[name] ?? name,
        parts,
      ),
    ),
  accuracy: (lines) => [lineChart('Accuracy', inPercent(lines), {unit: '%'})],
  lr: (lines) => [lineChart('Learning rate', lines)],
  time: (lines) => [lineChart('Time', lines, {unit: 'seconds per step'})],
};

const METRIC_NAMES = {
  top1_acc: 'Top-1',
  top5_acc: 'Top-5',
  mean_class_accuracy: 'Mean-class',
  macro_f1: 'Macro-F1',
  mean_average_precision: 'Mean average precision',
  lr: 'learning rate',
};

// {'loss_cls (training)': ..., ...} -> [[quantity, its lines], ...], parts of the loss first
function byQuantity(lines) {
  const found = {};
  for (const [name, points] of Object.entries(lines))
    (found[name.split(' (')[0]] ??= {})[name.replace(/^.* \((.*)\)$/, '$1')] = points;
  const parts = Object.keys(found).filter((name) => name !== 'loss');
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  // the only part is the total
  if (parts.length === 1 && same(found[parts[0]], found.loss)) delete found[parts[0]];
  return Object.entries(found).sort(([a], [b]) => (a === 'loss') - (b === 'loss'));
}

const inPercent = (lines) =>
  Object.fromEntries(
    Object.entries(lines).map(([name, points]) => [name, points.map(([x, y]) => [x, 100 * y])]),
  );

const withMetricNames = (lines) =>
  Object.fromEntries(
    Object.entries(lines).map(([name, points]) => [
      name.replace(/^\w+/, (word) => METRIC_NAMES[word] ?? word),
      points,
    ]),
  );

function curvesSection() {
  const place = h('div', {class: 'charts'});
  const draw = (name) => {
    const curves = data.curves.find((stream) => stream.name === name).groups;
    place.replaceChildren(
      ...Object.entries(CURVES).flatMap(([group, chart]) =>
        curves[group] ? chart(withMetricNames(curves[group])) : [],
      ),
    );
  };
  const names = data.curves.map((stream) => stream.name);
  draw(names[0]);
  return section(
    'curves',
    'Training',
    null,
    names.length > 1 &&
      h(
        'div',
        {class: 'toolbar'},
        choices('Stream', Object.fromEntries(names.map((name) => [name, name])), names[0], draw),
      ),
    place,
    h(
      'p',
      {class: 'muted small'},
      'Values below a chart: at the pointer or the cursor of the arrow keys, else the last ones.',
    ),
  );
}
