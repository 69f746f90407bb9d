// Builds the page.

fillHeader();
startTheme();
const sections = [
  data.confusion && confusionSection(), classesSection(), data.mistakes && mistakesSection(), data.calibration && certaintySection(),
  data.curves.length > 0 && curvesSection(), data.occlusion && jointsSection(), data.semantics && semanticsSection()].filter(Boolean);
$('main').append(...sections);
$('nav').append(h('ul', {class: 'wide'}, sections.map((part) => h('li', {}, h('a', {href: `#${part.id}`}, part.querySelector('h2').textContent)))));
buildPlayer();
window.dispatchEvent(new Event('resize'));
performance.mark('ready');
document.documentElement.dataset.ready = 'yes';
