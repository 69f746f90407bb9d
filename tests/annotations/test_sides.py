"""Joints on the side that the layout says; layouts that a file or the command line names."""

from __future__ import annotations

import numpy as np
import pytest
from small_clips import clip
from tiny import script as load_script

from pyskl.annotations import About, write_annotations
from pyskl.annotations.check import check_annotations
from pyskl.skeletons import LAYOUTS, get_layout, layout_of
from pyskl.skeletons.sides import crossed_bones

ARMS = dict(
    name='arms', joints=['neck', 'elbow l', 'elbow r', 'hand l', 'hand r'], centre='neck',
    bones=[(1, 0), (2, 0), (3, 1), (4, 2)], mirror=[(1, 2), (3, 4)])  # fmt: skip
SWAPPED = dict(ARMS, joints=['neck', 'elbow l', 'elbow r', 'hand r', 'hand l'])
SWAPPED |= dict(bones=[(1, 0), (2, 0), (4, 1), (3, 2)], mirror=[(1, 2), (4, 3)])


def standing(layout, num_frames: int = 5) -> dict:
    """A clip of somebody who faces us, as the layout is drawn."""
    keypoint = np.tile(400 * np.array(layout.pose, np.float32), (1, num_frames, 1, 1))
    score = np.ones(keypoint.shape[:3], np.float32)
    return clip(keypoint=keypoint, keypoint_score=score, total_frames=num_frames)


@pytest.mark.parametrize('layout', LAYOUTS.values(), ids=lambda layout: layout.name)
def test_nobody_who_stands_as_a_layout_says_has_changed_sides(layout):
    assert crossed_bones([standing(layout)], layout) == []


@pytest.mark.parametrize(
    ('name', 'pair', 'found'),
    [
        ('coco17', ('left wrist', 'right wrist'), {'left wrist'}),
        ('coco17', ('left knee', 'right knee'), {'left knee', 'left ankle'}),
        (
            'openpose137',
            ('left hand root', 'right hand root'),
            {'left hand root', 'left thumb root'},
        ),
    ],
)
def test_joints_that_changed_sides_are_found(name, pair, found):
    layout = get_layout(name)
    crossed = standing(layout)
    a, b = map(layout.joints.index, pair)
    crossed['keypoint'][:, :, [a, b]] = crossed['keypoint'][:, :, [b, a]]
    lefts = {layout.joints[left[0]] for left, _ in crossed_bones([crossed], layout)}
    assert found <= lefts and all(j.startswith('left') for j in lefts)


def test_few_frames_and_missing_joints_tell_nothing():
    layout, swapped = layout_of(ARMS), layout_of(SWAPPED)
    faces_us = standing(layout)
    assert crossed_bones([faces_us], swapped) == [((4, 1), (3, 2))]
    assert crossed_bones([standing(layout, num_frames=3)], swapped) == []
    faces_us['keypoint_score'][:, :, 3] = 0
    assert crossed_bones([faces_us], swapped) == []


# -- check_data and visualize take any layout ------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    """An annotation file of ARMS, and how to write one that says its layout."""

    def write(layout=None):
        path = tmp_path / 'a.pkl'
        write_annotations(
            path, {'train': ['a']}, [standing(layout_of(ARMS))], about=About(None, layout)
        )
        return str(path)

    return write


def options(tmp_path):
    """SWAPPED as the command line can say it."""
    config = tmp_path / 'own.py'
    config.write_text(f'layout = {SWAPPED!r}\n')
    words = ', '.join(f'{key}={value!r}' for key, value in SWAPPED.items())
    return [f'dict({words})', repr(SWAPPED), str(config)]


def test_the_sides_are_those_of_the_file_or_of_an_option_in_every_form(file, tmp_path, capsys):
    main = load_script('check_data').main
    for said, words in ((SWAPPED, []), *((None, ['--layout', form]) for form in options(tmp_path))):
        assert main([file(said), *words]) == 0
        assert 'sides look swapped' in capsys.readouterr().out
    assert main([file(SWAPPED), '--layout', repr(ARMS)]) == 0
    assert 'swapped' not in capsys.readouterr().out


def test_a_layout_in_a_file_that_is_none_is_an_error_of_the_data():
    report = check_annotations(
        dict(split={}, annotations=[standing(layout_of(ARMS))], layout='amrs')
    )
    assert any("layout 'amrs' is unknown" in line for line in report.errors)


def test_a_clip_is_drawn_with_the_layout_of_its_file(file, tmp_path, monkeypatch):
    visualize = load_script('visualize')
    drawn = []
    monkeypatch.setattr(
        'pyskl.cli.pictures.clip_scene', lambda clip, layout, *rest: drawn.append(layout)
    )
    monkeypatch.setattr('pyskl.cli.pictures.write_scene', lambda *rest: None)
    out = ['-o', str(tmp_path / 'x.png')]
    visualize.main(['clip', file(SWAPPED), 'a', *out])
    for words in options(tmp_path):
        visualize.main(['clip', file(ARMS), 'a', '--layout', words, *out])
    assert drawn == [layout_of(SWAPPED)] * 4
