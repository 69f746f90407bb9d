"""Pictures, pixel by pixel."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import ROOT

from pyskl.drawing.before_after import _caption
from pyskl.drawing.canvas import blank, dot, line, text_width, wrap
from pyskl.drawing.chart import layout_chart
from pyskl.drawing.colours import (
    BLUE,
    MIDDLE,
    ON_PAPER,
    VERMILLION,
    joint_sides,
    side_of,
)
from pyskl.drawing.heat import NEGATIVE, POSITIVE, colours_of, paint, paint_signed
from pyskl.drawing.scene import GAP, LINE, best_columns, grid, spread, with_title
from pyskl.drawing.skeleton import MIN_OPACITY, box_around, draw_skeleton, fit
from pyskl.drawing.stages import Stage
from pyskl.errors import UserError
from pyskl.files import libraries
from pyskl.inputs.heatmaps import HeatmapSpec
from pyskl.skeletons import LAYOUTS, get_layout

LAYOUT = get_layout('imigue22')
WHITE = blank(220, 200)
POSE = np.array(LAYOUT.pose) * (199, 199)


def drawn(keypoint=POSE, score=None, **kwargs):
    canvas = WHITE.copy()
    score = None if score is None else np.asarray(score, float)[None]
    draw_skeleton(canvas, np.asarray(keypoint, float)[None], score, LAYOUT, **kwargs)
    return canvas


def pixel(canvas, xy):
    x, y = np.rint(xy).astype(int)
    return tuple(canvas[y, x].tolist())


def test_arguments_of_a_step_are_written_as_in_a_config():
    results = {'keypoint': np.zeros((1, 4, 22, 2))}
    config = {'layout': dict(name='imigue22', joints=['a']), 'sigma': 0.6}
    stages = [Stage(name, config, None, results, False) for name in ('', 'Step')]
    said = "layout=dict(name='imigue22', joints=['a']), sigma=0.6"
    assert _caption(stages, 1, 2000) == ['1  Step', said]


# -- skeletons


@pytest.mark.parametrize('name', LAYOUTS)
def test_each_joint_has_its_sides_colour(name):
    layout = get_layout(name)
    points = np.rint(np.array(layout.pose) * 1999)  # far apart, on whole pixels
    canvas = blank(2000, 2000)
    draw_skeleton(canvas, points[None], None, layout)
    for left, right in layout.mirror:
        assert pixel(canvas, points[left]) == BLUE and pixel(canvas, points[right]) == VERMILLION
    for j in set(range(layout.num_joints)) - set(layout.left + layout.right):
        assert pixel(canvas, points[j]) == ON_PAPER.middle


@given(
    missing=st.sets(st.integers(0, 21)), how=st.sampled_from(['score', 'nan', 'zero', 'infinite'])
)
@settings(max_examples=40, deadline=None)
def test_missing_joints_and_their_bones_are_not_drawn(missing, how):
    keypoint, score, some = POSE.copy(), np.ones(22), sorted(missing)
    if how == 'score':
        score[some] = 0
    else:
        keypoint[some] = {'nan': np.nan, 'zero': 0, 'infinite': np.inf}[how]
    canvas = drawn(keypoint, score)
    seen = [j for j in range(22) if j not in missing]
    marks = [(POSE[j], POSE[j]) for j in seen]
    marks += [POSE[list(bone)] for bone in LAYOUT.bones if not missing & set(bone)]
    for j in missing:
        if all(_distance(POSE[j], start, end) > 9 for start, end in marks):
            assert pixel(canvas, POSE[j]) == (255, 255, 255)
    assert all(pixel(canvas, POSE[j]) != (255, 255, 255) for j in seen)


def _distance(point, start, end):
    """The distance of a point from a line between two points."""
    steps = np.linspace(0, 1, 50)[:, None]
    return np.hypot(*(start + steps * (end - start) - point).T).min()


@given(st.lists(st.booleans(), min_size=22, max_size=22))
@settings(max_examples=20, deadline=None)
def test_nobody_is_drawn_where_all_are_missing_and_the_box_holds_all_that_are_there(there):
    score = np.array(there, float)
    box = box_around(POSE[None], score[None])
    if not any(there):
        assert box is None and np.array_equal(drawn(score=score), WHITE)
        return
    assert (box[:2] < POSE[score > 0]).all() and (POSE[score > 0] < box[2:]).all()


@pytest.mark.parametrize('score', [0.01, 0.3, 0.5, 1.0])
def test_confidence_is_opacity(score):
    scores = np.zeros(22)
    scores[3] = score  # a right elbow alone
    opacity = MIN_OPACITY + (1 - MIN_OPACITY) * score
    edge = 255.0  # its white edge changes nothing on white
    expected = np.rint(edge + (np.array(VERMILLION) - edge) * opacity)
    assert np.abs(np.array(pixel(drawn(score=scores), POSE[3])) - expected).max() <= 1


def test_everybody_in_a_frame_is_drawn():
    canvas = WHITE.copy()
    two = np.stack([POSE * 0.4, POSE * 0.4 + (100, 100)])
    draw_skeleton(canvas, two, None, LAYOUT)
    assert pixel(canvas, two[0, 1]) == pixel(canvas, two[1, 1]) == ON_PAPER.middle


@given(
    st.tuples(*[st.floats(-1e3, 1e3)] * 2),
    st.floats(1, 1e3),
    st.floats(1, 1e3),
    st.integers(40, 300),
    st.integers(40, 300),
)
def test_fit_shows_the_whole_box_centred_and_unstretched(corner, w, h, height, width):
    box = (*corner, corner[0] + w, corner[1] + h)
    place = fit(box, height, width, margin=5)
    first, last = place(box[:2]), place(box[2:])
    assert (first >= 5 - 1e-6).all()
    assert first + last == pytest.approx([width, height], abs=1e-6)
    assert np.ptp((last - first) / (w, h)) == pytest.approx(0, abs=1e-6)


# -- marks and words


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=4, max_size=4),
    st.integers(1, 9),
    st.floats(0, 1),
)
@settings(max_examples=100, deadline=None)
def test_marks_may_lie_anywhere(numbers, width, alpha):
    canvas = blank(20, 30)
    line(canvas, numbers[:2], numbers[2:], BLUE, width, alpha)
    dot(canvas, numbers[:2], VERMILLION, width, alpha)
    assert canvas.shape == (20, 30, 3)


@given(st.floats(-3, 33), st.floats(-3, 23), st.floats(0.5, 9))
@settings(max_examples=60, deadline=None)
def test_a_dot_is_round(x, y, radius):
    canvas = blank(20, 30)
    dot(canvas, (x, y), (0, 0, 0), radius)
    rows, columns = np.mgrid[:20, :30]
    share = np.clip(radius + 0.5 - np.hypot(columns - x, rows - y), 0, 1)
    # placed to a sixteenth of a pixel
    assert np.abs(canvas[..., 0] - 255 * (1 - share)).max() < 255 * 0.1


def test_a_line_goes_from_end_to_end_and_no_farther():
    canvas = blank(40, 60)
    line(canvas, (10, 20), (50, 20), BLUE, 2)
    assert (canvas[20, 11:50] == BLUE).all()
    canvas[17:24, 7:54] = 255
    assert (canvas == 255).all()


@given(st.text(st.sampled_from('abc W,.=()'), max_size=80), st.integers(60, 300), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_wrapped_words_fit_and_none_is_lost(words, width, most):
    lines = wrap(words, width, 9)
    assert ''.join(lines).replace(' ', '') == words.replace(' ', '')
    assert all(text_width(each, 9) <= width for each in lines)
    few = wrap(words, width, 9, most)
    assert len(few) == min(len(lines), most) and (len(lines) <= most or few[-1].endswith('...'))
    assert all(text_width(each, 9) <= width + 2 for each in few)


# -- sheets


@given(st.integers(1, 500), st.integers(1, 40))
def test_spread_frames_are_in_order_with_first_and_last(count, wanted):
    chosen = spread(count, wanted)
    assert chosen == sorted(set(chosen)) and chosen[0] >= 0 and chosen[-1] < count
    assert len(chosen) == min(count, wanted) and (wanted == 1 or chosen[-1] == count - 1)


def test_a_sheet_holds_every_panel_unchanged_and_its_title_above():
    rng = np.random.default_rng(0)
    panels = [rng.integers(0, 256, (30, 40, 3), dtype=np.uint8) for _ in range(5)]
    sheet = grid(panels, [['a', 'b']] * 5)
    below = 2 * LINE + 4
    columns = best_columns(5, 30 + below, 40)
    for i, panel in enumerate(panels):
        row, column = divmod(i, columns)
        top, left = row * (30 + below + GAP), column * (40 + GAP) + GAP
        assert np.array_equal(sheet[top : top + 30, left : left + 40], panel)
    titled = with_title(sheet, 'a title', [('right', VERMILLION)])
    assert np.array_equal(titled[-len(sheet) :], sheet)
    assert (titled[: -len(sheet)] == VERMILLION).all(-1).any()


@pytest.mark.parametrize('name', LAYOUTS)
def test_the_chart_of_every_layout_shows_both_sides(name):
    chart = layout_chart(get_layout(name))
    for colour in (BLUE, VERMILLION):
        assert (chart == colour).all(-1).sum() > 100 * len(get_layout(name).mirror)


# -- heatmaps


def test_painting_equals_one_pixel_at_a_time():
    rng = np.random.default_rng(1)
    maps, colours = rng.uniform(0, 1, (5, 6, 7)), rng.uniform(0, 1, (5, 3))
    painted = paint(maps, colours, full=0.9)
    for y, x in np.ndindex(6, 7):
        brightest = np.max([min(maps[c, y, x] / 0.9, 1) * colours[c] for c in range(5)], axis=0)
        assert np.abs(painted[y, x] - 255 * brightest).max() < 0.51


def test_motion_has_the_colour_of_its_sign():
    maps = np.zeros((3, 2, 2))
    maps[0, 0, 0], maps[1, 0, 1], maps[0, 1, 0], maps[2, 1, 0] = 0.5, -0.5, 0.25, -0.25
    painted = paint_signed(maps, full=0.5)
    both = np.maximum(POSITIVE, NEGATIVE) / 2
    expected = [[POSITIVE, NEGATIVE], [both, (0, 0, 0)]]
    assert np.abs(painted - np.array(expected)).max() <= 1


def test_channels_are_warm_on_the_right_and_cool_on_the_left_for_joints_and_limbs():
    sides = joint_sides(LAYOUT)
    spec = HeatmapSpec(with_kp=True, with_limb=True, skeletons=LAYOUT.bones)
    colours = colours_of(spec, LAYOUT, 22 + 21)
    found = sides + [side_of(bone, sides) for bone in LAYOUT.bones]
    assert len({tuple(c) for c in colours.tolist()}) == 43
    for (r, _, b), side in zip(colours, found):
        assert side == MIDDLE or (r > b) == (side == 'right')
    # a limb of the published config, from right wrist to left shoulder; a user's own channels
    assert side_of((4, 5), sides) == MIDDLE
    assert colours_of(spec, LAYOUT, 7).shape == (7, 3)


# -- the libraries


def test_a_missing_system_library_is_a_users_message(monkeypatch):
    def no_library(name):
        raise ImportError('libGL.so.1: cannot open shared object file')

    monkeypatch.setattr(libraries.importlib, 'import_module', no_library)
    with pytest.raises(UserError, match=r'libGL\.so\.1.*apt-get install libgl1'):
        libraries.opencv()
    with pytest.raises(UserError, match='pip install decord'):
        libraries.decord()


def test_only_drawing_knows_opencv_and_decord_and_only_when_it_draws():
    """Training needs no library of pictures. (mmcv imports cv2 itself.)"""
    for file in (ROOT / 'pyskl').rglob('*.py'):
        text = file.read_text('utf-8')
        assert not re.search(r'^\s*(import|from) (cv2|decord)\b', text, re.MULTILINE), file
