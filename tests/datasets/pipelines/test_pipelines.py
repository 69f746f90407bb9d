"""What each step does to key points, how pipelines are built, and their messages."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from made_clips import made_clip
from pipelines_as_published import stage

from pyskl.datasets.pipelines import (
    Collect,
    Compose,
    Flip,
    FormatShape,
    GeneratePoseTarget,
    PoseCompact,
    PoseDecode,
    Step,
    ToTensor,
    UniformSampleFrames,
)
from pyskl.errors import ConfigError, DataError
from pyskl.inputs import LazyArray
from pyskl.inputs.heatmaps import Heatmaps
from pyskl.registry import PIPELINES


def clip(people: int = 1, frames: int = 60, **more) -> dict:
    given = dict(frame_dir='0001_0', label=3, **more)
    return made_clip(people, frames, 22, **{'size': (1080, 1920), 'missing': 0, **given})


# sampling


def test_real_frames_end_with_the_last_frame_that_shows_anybody():
    padded = clip(frames=90)
    padded['keypoint'][:, 33:] = 0
    published = UniformSampleFrames(clip_len=48)(dict(padded))['frame_inds']
    assert published.max() >= 33
    assert UniformSampleFrames(clip_len=48, real_frames=True)(dict(padded))['frame_inds'].max() < 33
    padded['keypoint'][:] = 0
    assert UniformSampleFrames(clip_len=48, real_frames=True)(dict(padded))['frame_inds'].max() < 90


# geometry


def test_compacting_ignores_and_keeps_missing_joints():
    results = clip()
    results['keypoint'][0, 0, 0] = 0
    results['keypoint'][0, 0, 1] = np.nan
    results['keypoint'][0, 0, 2] = np.inf
    done = PoseCompact()(dict(results))
    assert done['img_shape'] == PoseCompact()(clip())['img_shape']
    assert not done['keypoint'][0, 0, 0].any() and np.isnan(done['keypoint'][0, 0, 1]).all()


@pytest.mark.parametrize('people, place', [(1, 0), (1, np.nan), (1, 300), (0, 0)])
def test_a_clip_with_nothing_to_see_is_not_cropped(people, place):
    keypoint = np.full((people, 60, 22, 2), place, np.float32)
    results = PoseCompact()(clip(keypoint=keypoint))
    assert results['img_shape'] == (1080, 1920) and 'crop_quadruple' not in results


# the ends of the road


def test_scaling_and_double_reach_the_heatmap():
    target = dict(scaling=0.5, double=True, with_limb=True, layout='imigue22')
    sampling = stage('UniformSampleFrames', clip_len=4, num_clips=2)
    collect = stage('Collect', keys=['imgs', 'input_shape'])
    drawing = stage('GeneratePoseTarget', **target)
    steps = Compose([sampling, *HEATMAP[1:3], drawing, HEATMAP[4], collect])
    sample, later = (steps(clip(test_mode=True), lazy=lazy) for lazy in (False, True))
    shape = (4, 22 + 21, 4, 28, 28)
    assert sample['imgs'].shape == sample['input_shape'] == later['input_shape'] == shape
    assert later['imgs'].input().shape == (1, *shape)
    np.testing.assert_array_equal(later['imgs'].input().draw()[0], sample['imgs'])


def test_a_clip_without_scores_is_drawn_with_peaks_of_one():
    results = clip(frames=1, img_shape=(600, 900))
    del results['keypoint_score']
    assert GeneratePoseTarget()(results)['imgs'].max() > 0.9


def test_collect_keeps_what_was_asked_for():
    results = {'imgs': 1, 'label': 2, 'frame_dir': 'a', 'img_shape': (2, 3)}
    assert Collect(keys=['imgs', 'label'])(results) == {'imgs': 1, 'label': 2}
    assert Collect(keys=['imgs'], meta_keys=['frame_dir'])(results) == {
        'imgs': 1,
        'img_metas': {'frame_dir': 'a'},
    }
    nested = Collect(keys=['imgs'], meta_keys=['frame_dir'], meta_name='m', nested=True)
    assert nested(results) == {'imgs': [1], 'm': [{'frame_dir': 'a'}]}


def test_to_tensor_takes_arrays_and_numbers():
    given_values = dict(a=np.ones(3), b=4, c=np.int64(5), d=0.5, e=[1, 2], f=torch.ones(2))
    tensors = ToTensor(keys=list(given_values))(dict(given_values))
    kinds = [value.dtype for value in tensors.values()]
    assert kinds == [torch.float64, *[torch.int64] * 2, torch.float32, torch.int64, torch.float32]
    assert tensors['b'].tolist() == [4]
    with pytest.raises(DataError, match="'frame_dir' is a str"):
        ToTensor(keys=['frame_dir'])({'frame_dir': 'a'})


# putting a pipeline together

HEATMAP = [
    stage('UniformSampleFrames', clip_len=8),
    stage('PoseDecode'),
    stage('Resize', scale=(56, 56), keep_ratio=False),
    stage('GeneratePoseTarget'),
    stage('FormatShape', input_format='NCTHW_Heatmap'),
    stage('Collect', keys=['imgs', 'label']),
    stage('ToTensor', keys=['imgs']),
]


class Jitter:
    """A user's own stage: no needs, no gives, draws from both global streams."""

    def __call__(self, results):
        results['keypoint'] = results['keypoint'] + random.random() + np.random.rand(2)
        results['jittered'] = True
        return results


@pytest.fixture
def jitter():
    PIPELINES.register_module(module=Jitter, force=True)
    yield stage('Jitter')
    del PIPELINES.module_dict['Jitter']


@pytest.mark.parametrize(
    'steps, message',
    [
        (
            [HEATMAP[0], HEATMAP[4]],
            "[1] (FormatShape) needs 'imgs'; no earlier step gives it. Try GeneratePoseTarget "
            'before FormatShape.',
        ),
        (
            [HEATMAP[3], HEATMAP[4]],
            "[1] (FormatShape) needs 'num_clips'; no earlier step gives it. Try "
            'MMUniformSampleFrames or SampleFrames',
        ),
        (
            HEATMAP[:5] + [stage('Collect', keys=['imgs', 'lable'])],
            "[5] (Collect) needs 'lable'",
        ),
        (
            HEATMAP[:6] + [stage('ToTensor', keys=['emb'])],
            "[6] (ToTensor) needs 'emb'; no earlier step gives it. Add it to Collect's keys.",
        ),
        ([stage('Flp')], 'Did you mean Flip?'),
        ([42], 'pipeline[0]'),
    ],
)
def test_a_wrong_pipeline_is_refused_when_it_is_built(steps, message):
    with pytest.raises(ConfigError) as error:
        Compose(steps, where='pipeline')
    assert message in str(error.value) and 'pipeline[' in str(error.value)


def test_a_stage_of_the_users_own_may_stand_anywhere(jitter):
    for at in range(len(HEATMAP) - 1):
        Compose(HEATMAP[:at] + [jitter] + HEATMAP[at:])
    sample = Compose(
        HEATMAP[:2] + [jitter] + HEATMAP[2:5] + [stage('Collect', keys=['imgs', 'jittered'])]
    )(clip())
    assert sample['jittered']
    Compose([lambda results: results, *HEATMAP])


def test_a_users_stage_with_needs_and_gives_is_part_of_the_check():
    class Doubles(Step):
        needs, gives = ('flow',), ('imgs',)

        def __call__(self, results):
            return results

    class Flows:
        gives = ('flow',)

        def __call__(self, results):
            return results

    with pytest.raises(ConfigError, match="Doubles.*needs 'flow'"):
        Compose([Doubles()])
    Compose([Flows(), Doubles(), stage('Collect', keys=['imgs'])])
    with pytest.raises(ConfigError, match="needs 'motion'"):
        Compose([Flows(), stage('Collect', keys=['motion'])])


def test_heatmaps_stay_lazy_until_a_step_that_is_not_ours(jitter):
    class Shape(FormatShape):
        pass

    def input_of(*steps):
        """What a loader would carry: Heatmaps, or None where the array itself is needed."""
        imgs = Compose(steps)(clip(), lazy=True)['imgs']
        return imgs.input() if isinstance(imgs, LazyArray) else None

    assert isinstance(input_of(jitter, *HEATMAP), Heatmaps)
    for steps in (
        [*HEATMAP, lambda results: results],
        [*HEATMAP[:4], lambda results: results, *HEATMAP[4:]],
        [*HEATMAP[:4], Shape('NCTHW_Heatmap'), *HEATMAP[5:]],
        [*HEATMAP[:4], HEATMAP[5]],
    ):
        assert input_of(*steps) is None
    assert isinstance(Compose(HEATMAP)(clip())['imgs'], torch.Tensor)


def test_a_step_that_returns_nothing_is_named():
    with pytest.raises(DataError, match="clip '0001_0': pipeline step 1 .* returned NoneType"):
        Compose([PoseDecode(), lambda results: None])(clip())


@pytest.mark.parametrize(
    'change, message',
    [
        ({'total_frames': 0}, 'total_frames = 0'),
        ({'total_frames': 61}, 'total_frames = 61, but keypoint has 60 frames'),
        ({'keypoint': np.zeros((60, 22, 2))}, 'keypoint has'),
        ({'keypoint': np.zeros((1, 60, 22, 3))}, '(1, 8, 22, 3), but Resize works on pixels'),
        ({'keypoint_score': np.zeros((1, 60, 21))}, 'keypoint_score has shape (1, 60, 21)'),
        ({'start_index': 30}, 'start_index'),
        ({'img_shape': (0, 1920)}, 'img_shape = (0, 1920)'),
        ({'img_shape': None}, 'img_shape = None'),
        ({'img_shape': 'big'}, "'big'"),
    ],
)
def test_wrong_data_is_named_with_its_clip(change, message):
    with pytest.raises(DataError) as error:
        Compose(HEATMAP)(clip(**change))
    assert message in str(error.value) and "clip '0001_0'" in str(error.value)


def test_pairs_of_joints_that_the_clip_lacks_are_named():
    with pytest.raises(ConfigError, match=r'Flip: left_kp / right_kp: the pair \(1, 30\)'):
        Flip(flip_ratio=1, left_kp=[1], right_kp=[30])(clip())


def test_forgotten_pose_decode_is_named():
    with pytest.raises(DataError, match='Is PoseDecode in the pipeline'):
        Compose([HEATMAP[0], *HEATMAP[2:]])(clip())


def test_a_pipeline_can_be_read():
    assert "Resize(scale=(56, 56), keep_ratio=False, interpolation='bilinear')" in repr(
        Compose(HEATMAP)
    )
