"""The page of timelines shows labels above spotted segments, and plays the clicked frame."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest
from browser import MISSING, browser, complaints, open_page, requests

from pyskl.annotations.segments import Segment
from pyskl.report.timeline import BUDGET, Timeline
from pyskl.report.timeline import MISSING as ABSENT
from pyskl.skeletons import get_layout
from pyskl.sources.recordings import Recording

HOSTILE = '</script><script>document.title = "caught"</script>'


def recordings() -> dict[str, Recording]:
    rng = np.random.default_rng(0)
    xy = rng.uniform(200, 400, (1, 90, 22, 2)).astype(np.float32)
    score = np.ones((1, 90, 22), np.float32)
    xy[0, 10], score[0, 10] = 0, 0
    one = Recording('0001', xy, score, (720, 1280), 1)
    return {'0001': one, HOSTILE: Recording(HOSTILE, xy[:, :30], score[:, :30])}


def page(tmp_path):
    truth = {'0001': (Segment(10, 30, 0), Segment(50, 60, 1))}
    found = {
        '0001': [Segment(11, 30, 0, 0.9), Segment(70, 80, 1, 0.4)],
        HOSTILE: [Segment(0, 9, 1, 0.5)],
    }
    path = tmp_path / 'page.html'
    timeline = Timeline()
    for name, recording in recordings().items():
        timeline.add(recording, truth.get(name), found[name])
    size = timeline.write(path, ['wave', HOSTILE], 'imigue22', {'f1': 0.5})
    assert size == path.stat().st_size
    return path


def data_of(path) -> dict:
    text = re.search(
        '<script type="application/json" id="data">(.*?)</script>', path.read_text(), re.S
    )
    return json.loads(text[1])


def test_rows_hold_what_is_known_and_what_was_spotted(tmp_path):
    data = data_of(page(tmp_path))
    first, second = data['recordings']
    assert first['truth'] == [[9, 29, 0], [49, 59, 1]]  # the file's frames begin at 1
    assert first['found'] == [[10, 29, 0, 0.9, True], [69, 79, 1, 0.4, False]]
    assert second['truth'] is None and second['name'] == HOSTILE
    assert data['bones'] == [list(bone) for bone in get_layout('imigue22').bones]
    assert data['figures'] == [['F1', '0.500']]


def test_places_are_kept_within_a_grid_line(tmp_path):
    first = data_of(page(tmp_path))['recordings'][0]
    grid = np.frombuffer(base64.b64decode(first['points']), np.uint8).reshape(90, 1, 22, 2)
    assert (grid[10] == ABSENT).all() and (grid[11] != ABSENT).all()
    given = recordings()['0001']
    there = given.score[0] > 0
    low, high = np.percentile(given.keypoint[0][there], (0.5, 99.5), axis=0)
    extent = (high - low).max() * 1.1
    back = (grid[:, 0] / 254 - 0.5) * extent + (low + high) / 2
    assert np.abs(back - given.keypoint[0])[there].max() <= extent / 254 * 0.51


def test_nobody_at_all_makes_a_page_too(tmp_path):
    empty = Recording('x', np.zeros((1, 1, 5, 2), np.float32))
    timeline = Timeline()
    timeline.add(empty, None, [])
    timeline.write(tmp_path / 'x.html', [], 'imigue22')
    row = data_of(tmp_path / 'x.html')['recordings'][0]
    assert set(base64.b64decode(row['points'])) == {ABSENT} and row['found'] == []


def test_many_recordings_are_thinned_alike_and_take_no_more_memory(tmp_path):
    timeline, xy = Timeline(), np.random.default_rng(0).uniform(1, 9, (1, 6000, 22, 2))
    for i in range(40):  # 10.6 MB of points
        timeline.add(Recording(str(i), (xy + i).astype(np.float32)), None, [])
        assert sum(points.size for points in timeline._points) <= BUDGET
    timeline.write(tmp_path / 'x.html', [])
    rows = data_of(tmp_path / 'x.html')['recordings']
    assert {row['step'] for row in rows} == {2}
    assert {len(base64.b64decode(row['points'])) for row in rows} == {3000 * 22 * 2}


@pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
def test_a_click_plays_the_frame_under_it_and_texts_stay_texts(tmp_path):
    with browser() as driver:
        open_page(driver, page(tmp_path), 1000)
        assert driver.execute_script("return document.querySelectorAll('.row').length") == 2
        assert driver.title == 'Spotted gestures'
        click = (
            "const svg = document.querySelector('.row svg'), box = svg.getBoundingClientRect();"
            "svg.dispatchEvent(new MouseEvent('click', {bubbles: true, clientX: box.left + "
            "box.width * 55 / 89}));return [document.getElementById('where').textContent, "
            "document.getElementById('now').textContent]"
        )
        where, now = driver.execute_script(click)
        assert where == '0001, frame 56' and now == f'Known: {HOSTILE}. Spotted: nothing.'
        painted = (
            "const c = document.getElementById('canvas'), d = c.getContext('2d').getImageData(0, "
            '0, c.width, c.height).data;return d.some((value) => value > 0)'
        )
        assert driver.execute_script(painted)
        assert complaints(driver) == [] and requests(driver) == []
