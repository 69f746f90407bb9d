// Builds the page.

fillHeader();
startTheme();
const sections = [
  [data.confusion, confusionSection],
  [data.confusion?.pairs.length, pairsSection],
  [data.classes, classesSection],
  [data.comparison, comparisonSection],
  [data.mistakes, mistakesSection],
  [data.calibration, calibrationSection],
  [data.people, peopleSection],
  [data.map, mapSection],
  [data.clips, clipsSection],
  [data.curves.length, curvesSection],
  [data.occlusion, jointsSection],
  [data.semantics, semanticsSection],
  [data.runs.length, runSection],
]
  .map(([hasData, build]) => hasData && attempt(build))
  .filter(Boolean);
const NAV_NAMES = {
  confusion: 'Confusions',
  pairs: 'Pairs',
  mistakes: 'Mistakes',
  calibration: 'Calibration',
  people: 'People',
  map: 'Map',
  clips: 'Clips',
  joints: 'Joints',
  semantics: 'Labels',
};
$('main').append(...sections);
$('nav').append(
  h(
    'ul',
    {class: 'wide'},
    sections.map((part) =>
      h(
        'li',
        {},
        h('a', {href: `#${part.id}`}, NAV_NAMES[part.id] ?? part.querySelector('h2').textContent),
      ),
    ),
  ),
);
buildPlayer();
openLink();
window.addEventListener('hashchange', openLink);
window.dispatchEvent(new Event('resize'));
performance.mark('ready');
document.documentElement.dataset.ready = 'yes';

// A section that cannot be drawn becomes a note; the others stay.
function attempt(build) {
  try {
    return build();
  } catch (error) {
    console.error(error);
    addNote(`A part of this page could not be drawn: ${error.message}`);
    return null;
  }
}
