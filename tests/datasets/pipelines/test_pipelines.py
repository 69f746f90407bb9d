"""What each step does to key points, how pipelines are built, and their messages."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pipelines_as_published import LIMBS, PIPELINES_AS_PUBLISHED, stage

from pyskl.datasets.pipelines import (
    CenterCrop,
    Collect,
    Compose,
    Flip,
    FormatShape,
    GeneratePoseTarget,
    PoseCompact,
    PoseDecode,
    RandomCrop,
    RandomResizedCrop,
    Resize,
    Step,
    ToTensor,
    UniformSampleFrames,
)
from pyskl.errors import ConfigError, DataError
from pyskl.inputs import LazyArray
from pyskl.inputs.heatmaps import Heatmaps
from pyskl.registry import PIPELINES


def clip(people: int = 1, frames: int = 60, joints: int = 22, seed: int = 0, **more) -> dict:
    rng = np.random.default_rng(seed)
    keypoint = (rng.random((people, frames, joints, 2)) * (800, 500) + 100).astype(np.float32)
    return {
        'frame_dir': '0001_0',
        'label': 3,
        'img_shape': (1080, 1920),
        'original_shape': (1080, 1920),
        'total_frames': frames,
        'keypoint': keypoint,
        'keypoint_score': rng.random((people, frames, joints)).astype(np.float32),
        'emb': np.zeros(300, np.float32),
        'modality': 'Pose',
        'start_index': 0,
        'test_mode': False,
        **more,
    }


# sampling


def test_test_mode_leaves_the_global_random_stream_alone_and_is_always_the_same():
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    first = UniformSampleFrames(clip_len=16, num_clips=3)(clip(test_mode=True))['frame_inds']
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    np.random.seed(2)
    np.testing.assert_array_equal(
        UniformSampleFrames(clip_len=16, num_clips=3)(clip(test_mode=True))['frame_inds'], first
    )
    other = UniformSampleFrames(clip_len=16, num_clips=3, seed=1)(clip(test_mode=True))[
        'frame_inds'
    ]
    assert (other != first).any()


def test_old_configs_may_ask_for_test_mode_in_the_stage():
    asked = UniformSampleFrames(clip_len=16, num_clips=3, test_mode=True)(clip())['frame_inds']
    np.testing.assert_array_equal(
        asked, UniformSampleFrames(clip_len=16, num_clips=3)(clip(test_mode=True))['frame_inds']
    )


@given(
    st.integers(1, 200), st.integers(1, 64), st.integers(1, 4), st.booleans(), st.floats(0.01, 1)
)
@settings(max_examples=100, deadline=None)
def test_sampled_frames_exist_and_run_forward(frames, clip_len, num_clips, test_mode, least):
    results = {'total_frames': frames, 'test_mode': test_mode, 'frame_dir': 'a'}
    inds = UniformSampleFrames(clip_len, num_clips, p_interval=(least, 1.0))(results)['frame_inds']
    assert inds.shape == (num_clips * clip_len,) and inds.min() >= 0 and inds.max() < frames
    if least * frames >= clip_len:
        assert (np.diff(inds.reshape(num_clips, clip_len)) > 0).all()


def test_p_interval_samples_from_a_part_of_the_clip():
    for seed in range(20):
        np.random.seed(seed)
        inds = UniformSampleFrames(clip_len=8, p_interval=0.25)(clip(frames=100))['frame_inds']
        assert np.ptp(inds) < 25


def test_real_frames_end_with_the_last_frame_that_shows_anybody():
    padded = clip(frames=90)
    padded['keypoint'][:, 33:] = 0
    published = UniformSampleFrames(clip_len=48)(dict(padded))['frame_inds']
    assert published.max() >= 33
    assert UniformSampleFrames(clip_len=48, real_frames=True)(dict(padded))['frame_inds'].max() < 33
    padded['keypoint'][:] = 0
    assert UniformSampleFrames(clip_len=48, real_frames=True)(dict(padded))['frame_inds'].max() < 90


# geometry


def through(*steps, **more) -> dict:
    results = clip(**more)
    for step in steps:
        results = step(results)
    return results


def test_flipping_twice_is_the_identity():
    flip = Flip(flip_ratio=1, left_kp=[1, 3], right_kp=[2, 4])
    results = clip()
    results['keypoint'][0, 3] = 0
    twice = flip(flip(dict(results)))
    np.testing.assert_allclose(twice['keypoint'], results['keypoint'], atol=1e-3)
    np.testing.assert_array_equal(twice['keypoint_score'], results['keypoint_score'])


def test_flip_maps_x_to_width_minus_x_swaps_sides_and_leaves_missing_joints():
    results = clip()
    results['keypoint'][0, 0, 5] = 0
    flipped = Flip(flip_ratio=1, left_kp=[1], right_kp=[2], flip_label_map={3: 9})(dict(results))
    np.testing.assert_array_equal(
        flipped['keypoint'][:, :, 1, 0], 1920 - results['keypoint'][:, :, 2, 0]
    )
    np.testing.assert_array_equal(flipped['keypoint'][..., 7, 1], results['keypoint'][..., 7, 1])
    np.testing.assert_array_equal(
        flipped['keypoint_score'][:, :, 2], results['keypoint_score'][:, :, 1]
    )
    assert (
        not flipped['keypoint'][0, 0, 5].any() and flipped['label'] == 9 and flipped['flip'] is True
    )


def test_flip_ratio_is_how_often_and_each_clip_draws_once():
    np.random.seed(0)
    flips = sum(Flip(flip_ratio=0.3)(clip(frames=1))['flip'] for _ in range(500))
    state = np.random.get_state()[2]
    np.random.seed(0)
    np.random.rand(500)
    assert 110 < flips < 190 and np.random.get_state()[2] == state
    assert not Flip(flip_ratio=0)(clip())['flip']


def test_compacting_keeps_everybody_inside_and_says_where_the_crop_lies():
    results = through(PoseCompact(hw_ratio=(1.0, 1.0)))
    h, w = results['img_shape']
    x, y = results['keypoint'][..., 0], results['keypoint'][..., 1]
    assert x.min() > 0 and y.min() > 0 and x.max() < w and y.max() < h and abs(h - w) <= 1
    left, top, share_w, share_h = results['crop_quadruple']
    np.testing.assert_allclose(x + left * 1920, clip()['keypoint'][..., 0], atol=1e-3)
    np.testing.assert_allclose([share_w * 1920, share_h * 1080], [w, h])


def test_compacting_ignores_and_keeps_missing_joints():
    results = clip()
    results['keypoint'][0, 0, 0] = 0
    results['keypoint'][0, 0, 1] = np.nan
    results['keypoint'][0, 0, 2] = np.inf
    done = PoseCompact()(dict(results))
    assert done['img_shape'] == PoseCompact()(clip())['img_shape']
    assert not done['keypoint'][0, 0, 0].any() and np.isnan(done['keypoint'][0, 0, 1]).all()


@pytest.mark.parametrize(
    'keypoint',
    [
        np.zeros((1, 60, 22, 2)),
        np.full((1, 60, 22, 2), np.nan),
        np.full((1, 60, 22, 2), 300.0),
        np.zeros((0, 60, 22, 2)),
    ],
)
def test_a_clip_with_nothing_to_see_is_not_cropped(keypoint):
    results = PoseCompact()(clip(keypoint=keypoint.astype(np.float32)))
    assert results['img_shape'] == (1080, 1920) and 'crop_quadruple' not in results


def test_without_allow_imgpad_the_crop_stays_in_the_picture():
    results = clip()
    results['keypoint'] *= 3
    h, w = PoseCompact(padding=1.0, allow_imgpad=False)(dict(results))['img_shape']
    assert h <= 1080 and w <= 1920
    h, w = PoseCompact(padding=1.0, allow_imgpad=True)(dict(results))['img_shape']
    assert h > 1080 and w > 1920


@pytest.mark.parametrize(
    'scale, keep_ratio, size',
    [
        ((-1, 64), True, (64, 114)),
        ((np.inf, 64), True, (64, 114)),
        ((64, 64), True, (36, 64)),
        ((64, 48), False, (48, 64)),
        ((100, 64), True, (56, 100)),
        (0.5, True, (540, 960)),
        (2, True, (2160, 3840)),
    ],
)
def test_resizing_gives_the_size_and_moves_the_key_points_along(scale, keep_ratio, size):
    results = through(Resize(scale, keep_ratio))
    assert results['img_shape'] == size
    factor = np.array([size[1] / 1920, size[0] / 1080])
    np.testing.assert_allclose(results['keypoint'], clip()['keypoint'] * factor, rtol=1e-5)
    np.testing.assert_allclose(
        through(Resize(scale, keep_ratio), Resize(0.5))['scale_factor'],
        factor * np.array([(v * 0.5 + 0.5) // 1 / v for v in size[::-1]]),
        rtol=1e-5,
    )


@pytest.mark.parametrize(
    'crop, size',
    [
        (RandomCrop(300), (300, 300)),
        (CenterCrop((400, 200)), (200, 400)),
        (CenterCrop(50), (50, 50)),
        (RandomResizedCrop((0.1, 0.9)), None),
    ],
)
def test_a_crop_moves_the_key_points_by_its_corner(crop, size):
    for seed in range(10):
        random.seed(seed)
        np.random.seed(seed)
        results = through(crop)
        left, top, right, bottom = results['crop_bbox']
        assert results['img_shape'] == (bottom - top, right - left) and size in (
            None,
            results['img_shape'],
        )
        assert 0 <= left < right <= 1920 and 0 <= top < bottom <= 1080
        np.testing.assert_allclose(results['keypoint'] + [left, top], clip()['keypoint'], atol=1e-3)
        shares = [left / 1920, top / 1080, (right - left) / 1920, (bottom - top) / 1080]
        np.testing.assert_allclose(results['crop_quadruple'], shares, rtol=1e-6)


def test_a_random_crop_that_never_fits_becomes_the_middle_square():
    results = through(RandomResizedCrop((1.0, 1.0), (3.0, 3.0)), img_shape=(100, 200))
    np.testing.assert_array_equal(results['crop_bbox'], [50, 0, 150, 100])


# the ends of the road


def test_a_pipeline_draws_any_number_of_people_anywhere_without_nan():
    kinds = st.sampled_from(['plain', 'zero', 'outside', 'nan'])

    @given(st.integers(0, 4), st.integers(1, 70), kinds, st.sampled_from(['joint', 'limb']))
    @settings(max_examples=25, deadline=None)
    def check(people, frames, kind, stream):
        results = clip(people, frames)
        if kind == 'zero':
            results['keypoint'] *= 0
        elif kind == 'outside':
            results['keypoint'] += 5000
        elif kind == 'nan':
            results['keypoint'][:, ::2] = np.nan
        for split in ('train', 'val'):
            pipeline = Compose([HEATMAP[0], *PIPELINES_AS_PUBLISHED[stream][split][1:]])
            sample = pipeline({**results, 'test_mode': split == 'val'}, lazy=True)
            assert sample['imgs'].input().draw().isfinite().all()
            assert sample['imgs'].shape[1:] == (
                22,
                8,
                *((56, 56) if split == 'train' else (64, 64)),
            )

    check()


def test_scaling_and_double_reach_the_heatmap():
    steps = [
        stage('UniformSampleFrames', clip_len=4, num_clips=2),
        stage('PoseDecode'),
        HEATMAP[2],
        stage(
            'GeneratePoseTarget',
            scaling=0.5,
            double=True,
            with_limb=True,
            skeletons=LIMBS,
            left_kp=[2],
            right_kp=[5],
            left_limb=[],
            right_limb=[],
        ),
        stage('FormatShape', input_format='NCTHW_Heatmap'),
        stage('Collect', keys=['imgs', 'input_shape']),
    ]
    sample = Compose(steps)(clip(test_mode=True))
    assert sample['imgs'].shape == sample['input_shape'] == (4, 44, 4, 28, 28)
    later = Compose(steps)(clip(test_mode=True), lazy=True)
    assert later['input_shape'] == (4, 44, 4, 28, 28) and later['imgs'].input().shape == (
        1,
        4,
        44,
        4,
        28,
        28,
    )
    np.testing.assert_array_equal(later['imgs'].input().draw()[0], sample['imgs'])


def test_a_clip_without_scores_is_drawn_with_peaks_of_one():
    results = through(Resize((56, 56), keep_ratio=False))
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
    given_values = {
        'a': np.ones(3),
        'b': 4,
        'c': np.int64(5),
        'd': 0.5,
        'e': [1, 2],
        'f': torch.ones(2),
    }
    tensors = ToTensor(keys=list(given_values))(dict(given_values))
    assert all(isinstance(value, torch.Tensor) for value in tensors.values())
    assert (
        tensors['b'].tolist() == [4]
        and tensors['c'].dtype == torch.int64
        and tensors['d'].dtype == torch.float32
    )
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


NOBODY_GIVES = 'no earlier step gives it.'


@pytest.mark.parametrize(
    'steps, message',
    [
        (
            [HEATMAP[0], HEATMAP[4]],
            f"[1] (FormatShape) needs 'imgs'; {NOBODY_GIVES} Try GeneratePoseTarget before "
            'FormatShape.',
        ),
        (
            [HEATMAP[3], HEATMAP[4]],
            f"[1] (FormatShape) needs 'num_clips'; {NOBODY_GIVES} Try MMUniformSampleFrames or "
            'SampleFrames',
        ),
        (
            HEATMAP[:5] + [stage('Collect', keys=['imgs', 'lable'])],
            f"[5] (Collect) needs 'lable'; {NOBODY_GIVES}",
        ),
        (
            HEATMAP[:6] + [stage('ToTensor', keys=['emb'])],
            f"[6] (ToTensor) needs 'emb'; {NOBODY_GIVES} Add it to Collect's keys.",
        ),
        (
            HEATMAP[:3] + [stage('Collect', keys=['keypoint']), stage('Flip')],
            f"[4] (Flip) needs 'img_shape'; {NOBODY_GIVES}",
        ),
        ([stage('Flp')], 'Did you mean Flip?'),
        ([42], 'pipeline[0]'),
        ([stage('Flip', flip_ration=0.5)], 'Did you mean flip_ratio?'),
        ([stage('Flip', flip_ratio=1.5)], 'pipeline[0] (Flip): flip_ratio = 1.5'),
        ([stage('Flip', direction='diagonal')], 'horizontal'),
        ([stage('Flip', left_kp=[1])], 'left_kp has 1'),
        ([stage('Resize', scale=(-1, -1))], 'scale'),
        ([stage('Resize', scale=-2)], 'scale'),
        ([stage('Resize', scale=(-1, 64), keep_ratio=False)], 'scale'),
        ([stage('Resize', scale=0.5, keep_ratio=False)], 'scale'),
        ([stage('RandomResizedCrop', area_range=(0.5, 2.0))], 'area_range'),
        ([stage('RandomResizedCrop', aspect_ratio_range=(2.0, 1.0))], 'aspect_ratio_range'),
        ([stage('RandomCrop', size=0)], 'size = 0'),
        ([stage('CenterCrop', crop_size=-1)], 'crop_size'),
        ([stage('UniformSampleFrames', clip_len=0)], 'clip_len = 0'),
        ([stage('UniformSampleFrames', clip_len=8, p_interval=0.0)], 'p_interval'),
        ([stage('UniformSampleFrames', clip_len=8, seed=-1)], 'seed'),
        ([stage('PoseCompact', padding=-1.0)], 'padding'),
        ([stage('PoseCompact', hw_ratio=0.0)], 'hw_ratio'),
        ([stage('FormatShape', input_format='NTHWC')], 'NCTHW_Heatmap'),
        ([stage('GeneratePoseTarget', sigma=-1.0)], 'sigma'),
        ([stage('GeneratePoseTarget', skeletons='coco')], 'skeletons'),
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


def test_a_users_draws_are_reproducible(jitter):
    drawn = []
    for _ in range(2):
        random.seed(5)
        np.random.seed(5)
        drawn.append(Compose([*HEATMAP[:2], jitter, *HEATMAP[2:]])(clip())['imgs'])
    assert torch.equal(*drawn)


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

    assert isinstance(input_of(*HEATMAP), Heatmaps) and isinstance(
        input_of(jitter, *HEATMAP), Heatmaps
    )
    assert input_of(*HEATMAP, lambda results: results) is None
    assert input_of(*HEATMAP[:4], lambda results: results, *HEATMAP[4:]) is None
    assert input_of(*HEATMAP[:4], Shape('NCTHW_Heatmap'), *HEATMAP[5:]) is None
    assert input_of(*HEATMAP[:4], stage('Collect', keys=['imgs'])) is None
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


def test_a_picture_smaller_than_the_crop_is_named():
    with pytest.raises(DataError, match="clip '0001_0': RandomCrop: size = 2000 does not fit"):
        RandomCrop(2000)(clip())


def test_forgotten_pose_decode_is_named():
    with pytest.raises(DataError, match='Is PoseDecode in the pipeline'):
        Compose([HEATMAP[0], *HEATMAP[2:]])(clip())


def test_joints_that_the_layout_lacks_are_named():
    with pytest.raises(ConfigError, match='Flip: left_kp / right_kp: the pair \\(1, 30\\)'):
        Flip(flip_ratio=1, left_kp=[1], right_kp=[30])(clip())


def test_a_pipeline_can_be_read():
    assert "Resize(scale=(56, 56), keep_ratio=False, interpolation='bilinear')" in repr(
        Compose(HEATMAP)
    )
