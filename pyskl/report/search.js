// The list of all clips, with search and order; links to a clip (#clip=ID).

const PAGE_OF_CLIPS = 50;
const wrong = (i) => data.confusion && clips.label[i] !== clips.pred[i];
const confidence = (i) => scoreOf(i, clips.pred[i]);

const ORDERS = {
  confident: ['most confident first', (a, b) => confidence(b) - confidence(a)],
  unsure: ['least confident first', (a, b) => confidence(a) - confidence(b)],
  id: ['by id', (a, b) => clips.ids[a].localeCompare(clips.ids[b], 'en', {numeric: true})],
};

function clipsSection() {
  const judged = Boolean(data.confusion);
  const wanted = {
    text: '',
    truth: '',
    predicted: '',
    which: '',
    order: judged ? 'confident' : 'id',
  };
  const body = h('tbody');
  const status = h('p', {class: 'muted', role: 'status'});
  const more = h(
    'button',
    {
      type: 'button',
      class: 'quiet screen',
      onclick: () => {
        shown += PAGE_OF_CLIPS;
        fillRows();
      },
    },
    `Show ${PAGE_OF_CLIPS} more`,
  );
  let [found, shown] = [[], PAGE_OF_CLIPS];
  const fillRows = () => {
    body.replaceChildren(
      ...found
        .slice(0, shown)
        .map((i, n) =>
          clipRow(i, judged, () => openPlayer(`${count(found.length, 'clip')} found`, found, n)),
        ),
    );
    more.hidden = found.length <= shown;
  };
  const search = () => {
    found = clips.ids
      .map((_, i) => i)
      .filter((i) => matches(i, wanted))
      .sort(ORDERS[wanted.order][1]);
    shown = PAGE_OF_CLIPS;
    const total = clips.ids.length.toLocaleString('en');
    status.textContent = `${count(found.length, 'clip')} of ${total}`;
    fillRows();
  };
  const set = (key) => (event) => {
    wanted[key] = event.target.value;
    search();
  };
  const choice = (text, key, options) =>
    h(
      'label',
      {},
      `${text} `,
      h(
        'select',
        {id: `clips-${key}`, onchange: set(key)},
        options.map(([value, name]) => h('option', {value, selected: value === wanted[key]}, name)),
      ),
    );
  const names = [['', 'any'], ...data.classes.map((row) => [String(row.id), row.name])];
  search();
  const titles = ['Clip', judged && 'True class', 'Predicted', 'Probability, %'].filter(Boolean);
  return section(
    'clips',
    'All clips',
    'Click a clip to play it. The address of the page then names it: a link to this clip.',
    h(
      'div',
      {class: 'toolbar'},
      h('label', {}, 'Id ', h('input', {id: 'clips-text', type: 'search', oninput: set('text')})),
      judged && choice('True class', 'truth', names),
      choice('Predicted', 'predicted', names),
      judged &&
        choice('Show', 'which', [
          ['', 'all'],
          ['right', 'right'],
          ['wrong', 'wrong'],
        ]),
      choice(
        'Order',
        'order',
        Object.entries(ORDERS).map(([key, [name]]) => [key, name]),
      ),
      csvButton('predictions', predictionRows),
    ),
    status,
    scroller(
      'Clips',
      'tall low',
      h(
        'table',
        {class: 'plain'},
        h('caption', {class: 'hidden'}, 'Clips found'),
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            titles.map((title) =>
              h('th', {scope: 'col', class: title.endsWith('%') ? 'number' : ''}, title),
            ),
          ),
        ),
        body,
      ),
    ),
    more,
  );
}

function matches(i, {text, truth, predicted, which}) {
  return (
    (!text || clips.ids[i].toLowerCase().includes(text.toLowerCase())) &&
    (!truth || clips.label[i] === Number(truth)) &&
    (!predicted || clips.pred[i] === Number(predicted)) &&
    (!which || wrong(i) === (which === 'wrong'))
  );
}

function clipRow(i, judged, play) {
  return h(
    'tr',
    {'data-clip': i},
    h(
      'th',
      {scope: 'row'},
      h('button', {type: 'button', class: 'link', onclick: play}, clips.ids[i]),
    ),
    judged && h('td', {}, nameOf(clips.label[i])),
    h('td', {class: wrong(i) ? 'is-wrong' : ''}, nameOf(clips.pred[i])),
    h('td', {class: 'number'}, meter(confidence(i))),
  );
}

// -- links

const LINK = '#clip=';

const linkOf = (i) => LINK + encodeURIComponent(clips.ids[i]);

// The page's address names clip i while it plays. Afterwards it is removed, unless it has changed.
function setLink(i, playing = true) {
  if (!playing && location.hash !== linkOf(i)) return;
  const page = location.href.split('#')[0];
  try {
    history.replaceState(null, '', playing ? page + linkOf(i) : page);
  } catch {
    /* some browsers refuse this for files */
  }
}

function openLink() {
  if (!location.hash.startsWith(LINK)) return;
  let id;
  try {
    id = decodeURIComponent(location.hash.slice(LINK.length));
  } catch {
    return;
  }
  const i = clips.ids.indexOf(id);
  if (i >= 0) openPlayer('Linked clip', [i]);
  else addNote(`The link names a clip that is not in this report: ${id}`);
}

function addNote(text) {
  $('notes').append(h('li', {}, text));
  $('notes').hidden = false;
}
