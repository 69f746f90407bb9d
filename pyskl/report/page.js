// Builds the page.

fillHeader();
startTheme();
const sections = [
  [data.confusion, confusionSection], [data.classes, classesSection], [data.mistakes, mistakesSection], [data.calibration, certaintySection],
  [data.curves.length, curvesSection], [data.occlusion, jointsSection], [data.semantics, semanticsSection],
].map(([there, build]) => there && attempt(build)).filter(Boolean);
$('main').append(...sections);
$('nav').append(h('ul', {class: 'wide'}, sections.map((part) => h('li', {}, h('a', {href: `#${part.id}`}, part.querySelector('h2').textContent)))));
buildPlayer();
window.dispatchEvent(new Event('resize'));
performance.mark('ready');
document.documentElement.dataset.ready = 'yes';

// A section that cannot be drawn leaves the others standing, and a note.
function attempt(build) {
  try {
    return build();
  } catch (error) {
    console.error(error);
    $('notes').append(h('li', {}, `A part of this page could not be drawn: ${error.message}`));
    $('notes').hidden = false;
    return null;
  }
}
