"""Joints in space become pictures, from as many sides as are asked for."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from pyskl.annotations import About, make_annotation, read_annotations, write_annotations
from pyskl.errors import DataError, UserError
from pyskl.skeletons.camera import Camera

ABOUT = About(['wave', 'nod'], 'ntu25')


@pytest.fixture
def in_space(tmp_path):
    rng = np.random.default_rng(0)
    clips = [
        make_annotation(f'clip_{i}', rng.normal(size=(2, 6, 25, 3)), label=i % 2, img_shape=None)
        for i in range(3)
    ]
    path = tmp_path / 'space.pkl'
    write_annotations(path, {'train': ['clip_0', 'clip_1'], 'val': ['clip_2']}, clips, about=ABOUT)
    return path


@pytest.fixture
def project(convert):
    return lambda path, *words: convert('project', path, *words)


def test_each_clip_is_seen_as_the_camera_sees_it(in_space, project):
    seen, space = project(in_space), read_annotations(in_space)
    assert seen['split'] == space['split']
    assert (seen['label_names'], seen['layout']) == (['wave', 'nod'], 'ntu25')
    for clip, before in zip(seen['annotations'], space['annotations']):
        xy, there = Camera().project(before['keypoint'])
        assert_array_equal(clip['keypoint'], xy)
        assert there.all()
        assert (clip['keypoint_score'] == 1).all() and clip['img_shape'] == (512, 512)
        assert (clip['frame_dir'], clip['label']) == (before['frame_dir'], before['label'])


def test_several_turns_are_several_clips_in_the_same_split(in_space, project):
    seen = project(in_space, '--turns', '-30', '0', '30', '--axes=x,-z,y', '--picture', '100')
    names = [f'clip_{i}@{turn}' for i in range(3) for turn in (-30, 0, 30)]
    assert [clip['frame_dir'] for clip in seen['annotations']] == names
    assert seen['split'] == {'train': names[:6], 'val': names[6:]}
    camera, before = Camera(('x', '-z', 'y'), 100), read_annotations(in_space)['annotations'][2]
    for clip, turn in zip(seen['annotations'][6:], (-30, 0, 30)):
        assert_array_equal(clip['keypoint'], camera.project(before['keypoint'], turn)[0])


@pytest.mark.parametrize(
    'words',
    ['--axes=x,y', '--turns 0 0', '--turns inf', '--turns nan', '--distance 0.8'],
)
def test_what_makes_no_camera_is_refused(in_space, project, words):
    with pytest.raises(UserError, match=re.match(r'--(\w+)', words)[1]):
        project(in_space, *words.split())


def test_clips_in_a_picture_are_left_out_by_name(tmp_path, project):
    path = tmp_path / 'flat.pkl'
    clip = make_annotation('flat', np.full((1, 4, 25, 2), 50.0), label=0, img_shape=(100, 100))
    write_annotations(path, {}, [clip])
    with pytest.raises(DataError, match='flat'):
        project(path)
    assert not (tmp_path / 'o.pkl').exists()
