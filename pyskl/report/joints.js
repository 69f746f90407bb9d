// Joint importance: skeletons coloured by the probability that is lost without a joint or a limb.

function jointsSection() {
  const found = data.occlusion;
  const all = {
    id: -1,
    name: 'all classes',
    joints: found.all.joints,
    limbs: found.all.limbs,
    clips: found.all.clips,
  };
  const rows = [all, ...found.classes.map((row) => ({...row, name: nameOf(row.id)}))];
  const largestLoss = (chosen) =>
    chosen
      .flatMap((row) => [...row.joints, ...row.limbs])
      .reduce((most, v) => Math.max(most, Math.abs(v)), 0.01);
  const most = largestLoss(rows.slice(1));
  const canvas = h('canvas', {class: 'joints', role: 'img'});
  const table = scroller('Joints and limbs', null);
  const select = h(
    'select',
    {id: 'joints-class', onchange: (e) => choose(Number(e.target.value))},
    rows.map((row, n) => h('option', {value: n}, row.name)),
  );
  let current = all;
  const legend = scaleLegend();
  const draw = () => {
    paint(canvas, 380, 380, (context, size) =>
      drawJoints(context, size, current, largestLoss([current])),
    );
    legend.draw(largestLoss([current]));
  };
  function choose(n) {
    current = rows[n];
    select.value = n;
    draw();
    const names = {
      joints: jointNames(),
      limbs: data.layout.bones.map(
        ([child, parent]) => `${jointNames()[parent]} to ${jointNames()[child]}`,
      ),
    };
    const ranked = (kind) =>
      names[kind]
        .map((name, at) => [name, current[kind][at]])
        .sort((a, b) => b[1] - a[1])
        .slice(0, 6);
    canvas.setAttribute(
      'aria-label',
      `Skeleton of ${current.name}; most important: ${ranked('joints')
        .slice(0, 3)
        .map(([name]) => name)
        .join(', ')}`,
    );
    table.replaceChildren(
      h(
        'table',
        {class: 'plain'},
        h('caption', {}, `${current.name}: loss without it`),
        Object.entries({joints: 'Joint', limbs: 'Limb'})
          .filter(([kind]) => names[kind].length)
          .map(([kind, title]) =>
            h(
              'tbody',
              {},
              h(
                'tr',
                {class: 'group-head'},
                h('th', {scope: 'col'}, title),
                h('th', {scope: 'col', class: 'number'}, 'percentage points'),
              ),
              ranked(kind).map(([name, value]) =>
                h(
                  'tr',
                  {},
                  h('th', {scope: 'row'}, name),
                  h('td', {class: 'number'}, percent(value)),
                ),
              ),
            ),
          ),
      ),
    );
  }
  const small = rows.slice(1).map((row, n) => {
    const thumbnail = h('canvas', {class: 'thumb', 'aria-hidden': 'true'});
    drawWithTheme(() =>
      paint(thumbnail, 96, 96, (context, size) => drawJoints(context, size, row, most)),
    );
    return h(
      'li',
      {},
      h(
        'button',
        {
          type: 'button',
          class: 'card upright',
          onclick: () => {
            choose(n + 1);
            canvas.scrollIntoView({block: 'nearest'});
          },
        },
        thumbnail,
        h('span', {}, row.name),
      ),
    );
  });
  choose(0);
  drawWithTheme(draw);
  return section(
    'joints',
    'Joint importance',
    'The probability of the true class that is lost when a joint, or a limb with both its joints, ' +
      'is hidden. ' +
      `${count(found.clips, 'clip')}, at most ${found.most} of a class, one view each. ` +
      found.hidden.join(' '),
    h(
      'div',
      {class: 'toolbar'},
      h('label', {}, 'Class ', select),
      h('p', {class: 'legend'}, legend.element),
    ),
    h('div', {class: 'two'}, canvas, table),
    h(
      'p',
      {class: 'muted small'},
      `Below, all classes share a scale, whose full colour is ${percent(most, 0)} percentage points.`,
    ),
    h('ul', {class: 'cards small-cards'}, small),
  );
}

const jointNames = () => data.layout.joints;

// {element, draw(most)}: the colours from -most to most
function scaleLegend() {
  const canvas = h('canvas', {class: 'ramp wide-ramp', 'aria-hidden': 'true'});
  const [low, high] = [h('span'), h('span')];
  const draw = (most) => {
    paint(canvas, 96, 10, (context) => {
      for (let x = 0; x < 96; x++) {
        context.fillStyle = lossColour(((x / 95) * 2 - 1) * most, most);
        context.fillRect(x, 0, 1, 10);
      }
    });
    low.textContent = `better without it (−${percent(most, 0)}) `;
    high.textContent = ` worse without it (+${percent(most, 0)})`;
  };
  return {element: h('span', {}, low, canvas, high), draw};
}

const lossColour = (value, most) =>
  shade(0.16 + 0.84 * Math.min(1, Math.abs(value) / most), value < 0 ? 'blue' : 'orange').fill;

function drawJoints(context, size, row, most) {
  const {bones, pose} = data.layout;
  const margin = size * 0.1;
  const [xs, ys] = [0, 1].map((axis) => pose.map((p) => p[axis]));
  const [x0, y0] = [Math.min(...xs), Math.min(...ys)];
  const extent = Math.max(Math.max(...xs) - x0, Math.max(...ys) - y0) || 1;
  const place = (j) => [
    (size - ((Math.max(...xs) - x0) / extent) * (size - 2 * margin)) / 2 +
      ((xs[j] - x0) / extent) * (size - 2 * margin),
    margin + ((ys[j] - y0) / extent) * (size - 2 * margin),
  ];
  context.lineCap = 'round';
  bones.forEach(([child, parent], l) => {
    context.strokeStyle = lossColour(row.limbs[l], most);
    context.lineWidth = size / 50;
    context.beginPath();
    context.moveTo(...place(child));
    context.lineTo(...place(parent));
    context.stroke();
  });
  pose.forEach((_, j) => {
    context.fillStyle = lossColour(row.joints[j], most);
    context.strokeStyle = colour('ground');
    context.lineWidth = size / 160;
    context.beginPath();
    context.arc(...place(j), size / 42, 0, 7);
    context.fill();
    context.stroke();
  });
}
