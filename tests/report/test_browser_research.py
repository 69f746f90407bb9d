"""Search, links, comparison and downloads of the page in a browser."""

import csv
import io
from urllib.parse import quote

import numpy as np
import pytest
from browser import MISSING, browser, complaints, open_page, requests, wait
from report_data import data_of, two_streams

from pyskl.report import ReportOptions, build_report

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
# What is saved goes into a list instead of the disk.
CAUGHT = """
    window.saved = [];
    URL.createObjectURL = (blob) => {
      blob.arrayBuffer().then((b) => saved.push([blob.type, [...new Uint8Array(b)]]));
      return 'blob:x';
    };
    HTMLAnchorElement.prototype.click = function () { window.savedName = this.download; };"""
FORMULA = '=HYPERLINK("http://x")'


@pytest.fixture(scope='module')
def driver():
    with browser() as found:
        yield found


@pytest.fixture(scope='module')
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp('page')
    streams = two_streams(folder, 120)
    (folder / 'labels.txt').write_text(''.join(f'{FORMULA} {k}\n' for k in range(32)))
    options = ReportOptions(
        title='demo', compare=str(streams[1]), labels=str(folder / 'labels.txt')
    )
    return build_report(streams, options).path


@pytest.fixture
def page(driver, report):
    open_page(driver, report, 1280)
    yield driver
    driver.execute_script("document.querySelector('#player').close()")
    assert complaints(driver) == [] and requests(driver) == []


def choose(driver, field, value, event='change'):
    driver.execute_script(
        'const e = document.getElementById(arguments[0]); e.value = arguments[1]; '
        'e.dispatchEvent(new Event(arguments[2]))',
        field,
        value,
        event,
    )


def saved(driver, label):
    """Press a button; return (type, bytes) of what the browser would save."""
    driver.execute_script(CAUGHT)
    driver.execute_script(f'document.querySelector(\'[aria-label="{label}"]\').click()')
    kind, content = wait(driver, 'return window.saved[0]')
    return kind, bytes(content)


def test_clips_are_found_by_id_class_and_outcome(page, report):
    clips = data_of(report)['clips']
    wrong = [i for i, pair in enumerate(zip(clips['label'], clips['pred'])) if pair[0] != pair[1]]
    choose(page, 'clips-which', 'wrong')
    choose(page, 'clips-order', 'id')
    rows = (
        "return [...document.querySelectorAll('#clips tbody tr')].map((tr) => "
        'Number(tr.dataset.clip))'
    )
    assert set(page.execute_script(rows)) <= set(wrong) and len(page.execute_script(rows)) == min(
        50, len(wrong)
    )
    name, label = clips['ids'][wrong[0]], clips['label'][wrong[0]]
    choose(page, 'clips-text', name, 'input')
    choose(page, 'clips-truth', str(label))
    assert wrong[0] in page.execute_script(rows)
    told = page.execute_script("return document.querySelector('#clips [role=status]').textContent")
    assert told.startswith(f'{len(page.execute_script(rows))} clip')


def test_a_link_names_the_clip_that_plays_and_opens_it(page, driver, report):
    data = data_of(report)
    name = data['clips']['ids'][data['mistakes'][0]]
    page.execute_script("document.querySelector('#mistakes .card').click()")
    assert page.execute_script('return location.hash') == f'#clip={quote(name)}'
    page.execute_script("document.querySelector('#player-close').click()")
    wait(page, "return location.hash === ''")
    page.execute_script('location.hash = `clip=${arguments[0]}`', name)
    wait(page, "return document.querySelector('#player').open")
    assert name in page.execute_script("return document.querySelector('#caption-left').textContent")
    page.execute_script(
        "document.querySelector('#player').close(); location.hash = 'clip=<b>nobody</b>'"
    )
    wait(page, "return document.querySelector('#notes').textContent.includes('nobody')")
    assert page.execute_script("return document.querySelectorAll('#notes b').length") == 0


def test_a_mistake_is_shown_beside_either_class(page, report):
    data = data_of(report)
    typical = [row['typical'] for row in data['classes']]
    n, i = next(
        (n, i)
        for n, i in enumerate(data['mistakes'])
        if typical[data['clips']['pred'][i]] is not None and typical[data['clips']['label'][i]] != i
    )
    page.execute_script("document.querySelectorAll('#mistakes .card')[arguments[0]].click()", n)
    beside = "return document.querySelector('#caption-right').textContent"
    for value, k in (('predicted', data['clips']['pred'][i]), ('true', data['clips']['label'][i])):
        choose(page, 'player-compare', value)
        assert data['clips']['ids'][typical[k]] in page.execute_script(beside)
    choose(page, 'player-compare', 'predicted')


def test_answers_are_saved_as_csv_in_which_no_text_is_a_formula(page, report):
    clips = data_of(report)['clips']
    kind, content = saved(page, 'Save predictions as CSV')
    rows = list(csv.DictReader(io.StringIO(content.decode('utf-8-sig'), newline='')))
    assert kind == 'text/csv' and [row['id'] for row in rows] == clips['ids']
    assert [int(row['predicted']) for row in rows] == clips['pred'] and [
        int(row['label']) for row in rows
    ] == clips['label']
    top = [clips['scores'][0][i][clips['shown'][i].index(k)] for i, k in enumerate(clips['pred'])]
    np.testing.assert_allclose([float(row['probability ensemble']) for row in rows], top)
    assert all(row['true_class'] == f"'{FORMULA} {row['label']}" for row in rows)


def test_the_matrix_is_saved_as_csv_svg_and_png(page, report):
    counts = data_of(report)['confusion']['counts']
    _, content = saved(page, 'Save confusion matrix as CSV')
    rows = list(csv.reader(io.StringIO(content.decode('utf-8-sig'), newline='')))[1:]
    assert [[int(n) for n in row[1:]] for row in rows] == counts
    kind, content = saved(page, 'Save confusion matrix as SVG')
    assert (
        kind == 'image/svg+xml'
        and content.count(b'<rect') == 1 + 32 * 32
        and b'<script' not in content
    )
    kind, content = saved(page, 'Save confusion matrix as PNG')
    assert kind == 'image/png' and content.startswith(b'\x89PNG')


def test_a_chart_is_saved_with_its_colours(page):
    _, content = saved(page, 'Save Accuracy as SVG')
    assert b'stroke="rgb(' in content and content.startswith(b'<svg')


def test_the_comparison_plays_what_only_one_run_gets_right(page, report):
    data = data_of(report)
    page.execute_script("document.querySelectorAll('#comparison .two button')[0].click()")
    options = page.execute_script(
        "return [...document.querySelectorAll('#player-clip option')].map((o) => "
        "o.textContent.split(' ')[0])"
    )
    assert options == [data['clips']['ids'][i] for i in data['comparison']['gained']]


def test_a_click_on_the_map_plays_the_clip_there(page, report):
    data = data_of(report)
    page.execute_script(
        "document.querySelector('.clip-map').scrollIntoView({block: 'center', behavior: 'instant'})"
    )
    page.execute_script(
        """
        const c = document.querySelector('.clip-map'), b = c.getBoundingClientRect();
        const at = (v) => (0.03 + 0.94 * v) * b.width;
        const [clientX, clientY] = [b.left + at(arguments[0]), b.top + at(arguments[1])];
        c.dispatchEvent(new MouseEvent('click', {clientX, clientY}))""",
        data['map']['x'][7],
        data['map']['y'][7],
    )
    name = page.execute_script("return document.querySelector('#player-clip').textContent")
    places = list(zip(data['map']['x'], data['map']['y'], data['clips']['ids']))
    there = [own for *place, own in places if place == list(places[7][:2])]
    assert name.startswith(tuple(there))
