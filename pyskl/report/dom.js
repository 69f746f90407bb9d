// Elements, numbers as text, colours, themes. Text from the data only ever becomes a text node.

const data = JSON.parse(document.getElementById('data').textContent);
const $ = (id) => document.getElementById(id);

// h('button', {class: 'x', onclick: f, 'aria-label': '...'}, 'text', child, [more])
function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

// The same for SVG.
function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'style')
      Object.entries(value).forEach(([key, v]) => element.style.setProperty(key, v));
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, value);
  }
  element.append(
    ...children.flat().filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

// -- numbers as text; null is an undefined figure

const percent = (value, digits = 1) => (value === null ? '–' : (100 * value).toFixed(digits));
const withUnit = (value, digits = 1) => (value === null ? '–' : `${percent(value, digits)}\u00a0%`);
const count = (n, one, many = one + 's') => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
const nameOf = (k) => data.classes[k].name;

// -- colours: ramps of one hue, which differ in lightness; blue and orange suit the colour-blind

const RAMPS = {
  light: {
    blue: ['#ffffff', '#dbe9f6', '#9dc3e6', '#4a8fcb', '#1c62ab', '#103f7a'],
    orange: ['#ffffff', '#fdeadb', '#f9c08f', '#e98a3c', '#c0600f', '#8a4006'],
  },
  dark: {
    blue: ['#1b2028', '#1d3550', '#24588c', '#2f74b5', '#5aa2e4', '#a4d2fa'],
    orange: ['#1b2028', '#43301f', '#7d4a1b', '#b0671f', '#e08f42', '#fbc48a'],
  },
};
const isDark = () => document.documentElement.dataset.theme === 'dark';
const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

// value 0..1 -> {fill: 'rgb(...)', text: a colour that can be read on it}
function shade(value, hue) {
  const stops = RAMPS[isDark() ? 'dark' : 'light'][hue];
  const at = Math.min(Math.max(value, 0), 1) * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  const [a, b] = [channels(stops[low]), channels(stops[low + 1])];
  const rgb = a.map((x, i) => Math.round(x + (b[i] - x) * (at - low)));
  const luminance = rgb
    .map((x) => (x / 255) ** 2.2)
    .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
  // contrast of 4.5 : 1 at least, either way
  return {fill: `rgb(${rgb.join(', ')})`, text: luminance > 0.18 ? '#000000' : '#ffffff'};
}

const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// -- light and dark: the system's setting until the button is used, whose choice is remembered;
// print is light. Canvases are redrawn on a change.

const redraws = [];
const drawWithTheme = (draw) => {
  draw();
  redraws.push(draw);
}; // what fails at once is not drawn again

function startTheme() {
  const system = matchMedia('(prefers-color-scheme: dark)');
  let chosen = remembered();
  let printing = false;
  const apply = () => {
    const theme = printing ? 'light' : (chosen ?? (system.matches ? 'dark' : 'light'));
    document.documentElement.dataset.theme = theme;
    $('theme').textContent = theme === 'dark' ? 'Light' : 'Dark';
    $('theme').setAttribute(
      'aria-label',
      `Change to ${theme === 'dark' ? 'light' : 'dark'} colours`,
    );
    redraws.forEach((draw) => draw());
  };
  system.addEventListener('change', apply);
  $('theme').addEventListener('click', () => {
    chosen = isDark() ? 'light' : 'dark';
    remember(chosen);
    apply();
  });
  window.addEventListener('beforeprint', () => {
    printing = true;
    apply();
  });
  window.addEventListener('afterprint', () => {
    printing = false;
    apply();
  });
  apply();
}

// A browser may refuse storage to a page from the disk; the choice then lasts until it is closed.
const THEME = 'pyskl-report-theme';
function remembered() {
  try {
    const theme = localStorage.getItem(THEME);
    return ['light', 'dark'].includes(theme) ? theme : null;
  } catch {
    return null;
  }
}
function remember(theme) {
  try {
    localStorage.setItem(THEME, theme);
  } catch {
    /* not stored */
  }
}

const reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');

// -- small pieces

// A row of radio buttons. options: {value: text}; change: called with the chosen value.
function choices(legend, options, chosen, change) {
  const name = `choice-${(choices.number = (choices.number ?? 0) + 1)}`;
  return h(
    'fieldset',
    {class: 'choices'},
    h('legend', {}, legend),
    Object.entries(options).map(([value, text]) =>
      h(
        'label',
        {},
        h('input', {
          type: 'radio',
          name,
          value,
          checked: value === chosen,
          onchange: () => change(value),
        }),
        h('span', {}, text),
      ),
    ),
  );
}

function section(id, title, lead, ...children) {
  return h(
    'section',
    {id, 'aria-labelledby': `${id}-title`},
    h('h2', {id: `${id}-title`}, title),
    lead && h('p', {class: 'lead'}, lead),
    ...children,
  );
}

// A box that scrolls a table which is too wide; it then takes the focus, so arrow keys scroll it.
// kind 'tall': the heading stays visible; 'tall low': the rows scroll as well.
function scroller(label, kind, ...children) {
  const box = h('div', {class: `scroll ${kind ?? ''}`}, children);
  const observer = new ResizeObserver(() => checkWidth(box, label));
  [box, ...box.children].forEach((part) => observer.observe(part));
  return box;
}

function checkWidth(box, label) {
  const fits = box.scrollWidth <= box.clientWidth + 1;
  box.classList.toggle('fits', fits);
  const scrolls = !fits || (box.matches('.low') && box.scrollHeight > box.clientHeight + 1);
  for (const [name, value] of Object.entries({
    tabindex: '0',
    role: 'region',
    'aria-label': `${label}, scrolls`,
  })) {
    if (scrolls) box.setAttribute(name, value);
    else box.removeAttribute(name);
  }
}

// Draw a canvas at the screen's resolution. draw(context, width, height) in CSS pixels.
function paint(canvas, width, height, draw) {
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  draw(context, width, height);
}
