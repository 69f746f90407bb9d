"""PadTo, FormatGCNInput, Rename and nested pipelines: upstream's numbers, wrong input."""

from __future__ import annotations

import numpy as np
import pytest
from goldens import GOLDEN, needs_golden
from pose_goldens import assert_same, clip, stages, untouched

from pyskl.datasets.pipelines import (
    Compose,
    FormatGCNInput,
    PadTo,
    PoseDecode,
    PreNormalize3D,
    Rename,
    ToTensor,
    UniformSample,
)
from pyskl.errors import ConfigError, DataError


@pytest.mark.parametrize('mode', ['loop', 'zero'])
def test_padding_is_upstreams(mode):
    after = untouched(PadTo(60, mode), PreNormalize3D()(clip(stages('input/k3'))))
    assert_same(after['keypoint'], stages(f'PadTo(60,{mode})/keypoint'))
    assert after['total_frames'] == 60


@pytest.mark.parametrize('mode', ['loop', 'zero'])
def test_scores_are_padded_like_key_points(mode):
    keypoint = np.arange(24, dtype=np.float32).reshape(1, 4, 3, 2)
    after = PadTo(6, mode)({**clip(keypoint, keypoint[..., 1]), 'total_frames': 3})
    np.testing.assert_array_equal(after['keypoint'][..., 1], after['keypoint_score'])
    behind = keypoint[:, :3] if mode == 'loop' else np.zeros((1, 3, 3, 2))
    np.testing.assert_array_equal(after['keypoint'][:, 3:], behind)


@pytest.mark.parametrize('people, mode', [(1, 'zero'), (1, 'loop'), (3, 'zero')])
def test_the_networks_order_is_upstreams(people, mode):
    golden = f'FormatGCNInput(M={people},{mode})'
    results = clip(stages(f'{golden}/before'), num_clips=2)
    after = untouched(FormatGCNInput(num_person=2, mode=mode), results)['keypoint']
    assert_same(after, stages(f'{golden}/keypoint'))
    assert after.flags.c_contiguous


def test_people_are_repeated_where_asked():
    keypoint = np.random.default_rng(0).normal(size=(2, 6, 5, 3))
    out = FormatGCNInput(num_person=5, mode='repeat')(clip(keypoint, num_clips=3))['keypoint']
    assert out.shape == (3, 5, 2, 5, 3) and out.dtype == np.float32
    for person in range(5):
        views = keypoint[person % 2].reshape(3, 2, 5, 3)
        np.testing.assert_array_equal(out[:, person], views.astype(np.float32))


@needs_golden
def test_repeated_people_are_mmaction2s_loop():
    with np.load(GOLDEN / 'cnn' / 'mmaction_stages.npz') as arrays:
        golden = arrays['FormatGCNInput(loop)']
    out = FormatGCNInput(2, 'repeat')(clip(golden[0, :1]))['keypoint']
    np.testing.assert_array_equal(out, golden)


def test_a_score_is_joined_to_x_and_y_and_dropped_beside_z():
    score = np.random.default_rng(0).random((1, 2, 5)).astype(np.float32)
    for channels in (2, 3):
        keypoint = np.ones((1, 2, 5, channels), np.float32)
        after = untouched(FormatGCNInput(1), clip(keypoint, score))
        assert after['keypoint'].shape == (1, 1, 2, 5, 3) and 'keypoint_score' not in after
        third = score if channels == 2 else keypoint[..., 2]
        np.testing.assert_array_equal(after['keypoint'][0, ..., 2], third)


@needs_golden
def test_renaming_is_upstreams_and_a_taken_name_is_refused():
    with np.load(GOLDEN / 'cnn' / 'pipeline' / 'stages.npz') as arrays:
        keys, b = arrays['Rename/keys'].tolist(), int(arrays['Rename/b'])
    after = Rename({'a': 'b', 'd': 'e'})({'a': 1, 'd': 2})
    assert sorted(after) == keys == ['b', 'e'] and after['b'] == b
    with pytest.raises(DataError, match="'e'"):
        Rename({'d': 'e'})({'frame_dir': 'a', 'd': 1, 'e': 2})


def test_a_nested_pipeline_is_its_steps_in_a_row():
    steps = [dict(type='GenSkeFeat', feats=['b']), dict(type='FormatGCNInput')]
    last = [dict(type='Collect', keys=['keypoint']), dict(type='ToTensor', keys=['keypoint'])]
    nested = Compose([dict(type='Compose', transforms=steps), *last])
    assert len(nested.steps) == 4 and isinstance(nested.steps[-1], ToTensor)
    results = clip(np.random.default_rng(0).normal(size=(1, 3, 25, 3)))
    assert (nested(dict(results))['keypoint'] == Compose(steps + last)(results)['keypoint']).all()
    for wrong in ([dict(type='GenSkeFeet')], [5], None):
        with pytest.raises(ConfigError, match='transforms'):
            Compose([dict(type='Compose', transforms=wrong)])
    with pytest.raises(ConfigError, match=r'pipeline\[0\].transforms\[1\] \(Rename\)'):
        Compose(
            [dict(type='Compose', transforms=[*steps[:1], dict(type='Rename', mapping={'x': 'y'})])]
        )


@pytest.mark.parametrize('num_clips', [1, 2])
def test_sampled_frames_that_nothing_took_are_missed(num_clips):
    """Without PoseDecode all 20 frames would pass, whatever clip_len says."""
    keypoint = np.arange(20.0).repeat(15).reshape(1, 20, 5, 3)
    sampled = UniformSample(8, num_clips)(
        dict(frame_dir='a', keypoint=keypoint, total_frames=20, test_mode=True)
    )
    with pytest.raises(DataError, match='20 frames, expected 8 for each of'):
        FormatGCNInput(1)(dict(sampled))
    taken = FormatGCNInput(1)(PoseDecode()(dict(sampled)))['keypoint']
    np.testing.assert_array_equal(taken[:, 0, :, 0, 0].ravel(), sampled['frame_inds'])
