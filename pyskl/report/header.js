// The header: title, headline figures and the table of streams.

function fillHeader() {
  document.title = `${data.title} · test report`;
  $('title').textContent = data.title;
  const one = data.streams.length === 1 ? data.streams[0] : null;
  const facts = {
    ...(one && {Config: one.config, Checkpoint: one.checkpoint}),
    Data: [
      data.data.source,
      count(data.data.clips, 'clip'),
      count(data.data.classes, 'class', 'classes'),
    ].join(', '),
    ...(one && {Tested: one.tested}),
    Written: data.written,
  };
  $('facts').append(
    ...Object.entries(facts)
      .filter(([, text]) => text)
      .map(([name, text]) => h('div', {}, h('dt', {}, name), h('dd', {}, text))),
  );
  $('headline').append(...data.headline.map(tile));
  if (data.streams.length > 1) $('headline').after(streamTable());
  $('notes').append(...data.notes.map((note) => h('li', {}, note)));
  $('notes').hidden = !data.notes.length;
  $('foot').append(
    h(
      'p',
      {},
      `Written by pyskl ${data.version}. Intervals: 95 % of 1,000 bootstrap draws of these clips` +
        (data.people?.drawn
          ? `, and of whole groups of them (by ${data.people.kind}).`
          : '; other people may differ by more.'),
    ),
  );
}

// A headline figure, with its interval on a line from 0 to 100 %.
function tile({key, title, value, low, high, group_low: groupLow, group_high: groupHigh}) {
  const [guess, frequent] = data.chance[key];
  const place = (v) => `${100 * v}%`;
  return h(
    'div',
    {class: 'tile'},
    h('p', {class: 'tile-name'}, title),
    h('p', {class: 'tile-value'}, percent(value), h('span', {class: 'unit'}, ' %')),
    h(
      'div',
      {class: 'whisker', 'aria-hidden': 'true'},
      h('span', {class: 'range', style: {left: place(low), width: place(high - low)}}),
      h('span', {class: 'chance', style: {left: place(guess)}}),
      h('span', {class: 'point', style: {left: place(value)}}),
    ),
    h('p', {class: 'muted small'}, `95 %: ${percent(low)} to ${percent(high)}`),
    groupLow !== undefined &&
      h(
        'p',
        {class: 'muted small'},
        `95 %, drawing ${data.people.kind.split(' ')[0]}s: ` +
          `${percent(groupLow)} to ${percent(groupHigh)}`,
      ),
    h(
      'p',
      {class: 'muted small'},
      `chance ${percent(guess)}, ` +
        `${key === 'top5_acc' ? '5 most frequent classes' : 'most frequent class'} ${percent(frequent)}`,
    ),
  );
}

// Figures of the streams and the ensemble, the best of each column in bold.
function streamTable() {
  const best = data.headline.map((f, n) =>
    Math.max(f.value, ...data.streams.map((stream) => stream.figures[n].value)),
  );
  const row = (name, weight, figures, extra) =>
    h(
      'tr',
      {class: extra},
      h('th', {scope: 'row'}, name),
      h('td', {class: 'number'}, weight),
      figures.map((f, n) =>
        h(
          'td',
          {class: `number${f.value === best[n] ? ' best' : ''}`},
          percent(f.value),
          h('span', {class: 'muted interval'}, ` ${percent(f.low)}–${percent(f.high)}`),
        ),
      ),
    );
  const titles = data.headline.map((f) => `${f.title}, %`);
  const rows = data.streams.map((stream) =>
    row(
      h(
        'span',
        {},
        stream.name,
        h(
          'span',
          {class: 'muted under'},
          [
            stream.config,
            stream.checkpoint,
            stream.tested,
            stream.temperature !== 1 && `temperature ${stream.temperature.toFixed(2)}`,
          ]
            .filter(Boolean)
            .join(' · '),
        ),
      ),
      stream.weight.toFixed(3).replace(/\.?0+$/, ''),
      stream.figures,
    ),
  );
  return scroller(
    'Streams',
    null,
    h(
      'table',
      {class: 'plain streams'},
      h('caption', {}, 'Streams and their ensemble'),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ['Stream', 'Weight', ...titles].map((t, i) =>
            h('th', {scope: 'col', class: i ? 'number' : ''}, t),
          ),
        ),
      ),
      h('tbody', {}, rows, row('Ensemble', '', data.headline, 'total')),
    ),
  );
}
