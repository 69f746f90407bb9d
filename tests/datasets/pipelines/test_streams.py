"""Joint, limb and motion streams: mirroring key points equals mirroring pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_clips import made_clip
from own_layout import ARM

from pyskl.datasets.pipelines import Flip, GeneratePoseTarget
from pyskl.errors import DataError
from pyskl.inputs.heatmaps import Heatmaps, HeatmapSpec
from pyskl.skeletons import LAYOUTS, get_layout, imigue22

SIZE = (24, 32)  # H, W
PARTS = {
    'joint': {},
    'limb': dict(with_kp=False, with_limb=True),
    'joint_motion': dict(motion=True),
    'limb_motion': dict(with_kp=False, with_limb=True, motion=True),
}
layouts = pytest.mark.parametrize(
    'layout',
    [*LAYOUTS, dict(name='imigue22', first_hand='right'), ARM],
    ids=lambda layout: layout if isinstance(layout, str) else f'{layout["name"]} of a config',
)
parts = pytest.mark.parametrize('part', PARTS)
many = settings(max_examples=10, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def joints_of(layout) -> int:
    return (
        3
        if layout is ARM
        else (imigue22() if isinstance(layout, dict) else get_layout(layout)).num_joints
    )


@layouts
@parts
@given(seed=seeds)
@many
def test_flipping_then_drawing_equals_drawing_then_flipping(layout, part, seed):
    """At sigma = 1 and on whole pixels the cut at 3 sigma is the same on both sides, so that every
    cell must agree.
    """
    target = GeneratePoseTarget(sigma=1.0, layout=layout, double=True, **PARTS[part])
    clip = made_clip(joints=joints_of(layout), size=SIZE, seed=seed)
    clip['keypoint'] = clip['keypoint'].round()
    plain, turned = np.split(target(dict(clip))['imgs'], 2)  # (T, C, H, W)
    flipped, _ = np.split(target(Flip(flip_ratio=1, layout=layout)(dict(clip)))['imgs'], 2)
    np.testing.assert_allclose(flipped, turned, atol=1e-5)
    order = list(target.spec.flip_order(joints_of(layout)))
    np.testing.assert_allclose(turned, plain[:, order, :, ::-1], atol=1e-6)
    assert (flipped != plain).any()


@parts
def test_a_layout_gives_what_its_lists_give(part):
    layout = get_layout('imigue22')
    lists = dict(
        skeletons=layout.bones,
        left_kp=layout.left,
        right_kp=layout.right,
        left_limb=layout.left_bones,
        right_limb=layout.right_bones,
    )
    assert GeneratePoseTarget(layout='imigue22', **PARTS[part]).spec == HeatmapSpec(
        **lists, **PARTS[part]
    )
    clip = made_clip(joints=22)
    by_lists = Flip(flip_ratio=1, left_kp=list(layout.left), right_kp=list(layout.right))(
        dict(clip)
    )['keypoint']
    by_layout = Flip(flip_ratio=1, layout='imigue22')(dict(clip))['keypoint']
    one_pixel = np.where(by_lists == 0, 0, (1, 0))  # the published flip is off by it
    np.testing.assert_allclose(by_layout, by_lists - one_pixel, atol=1e-5)


def test_drawn_by_hand_motion_ends_with_each_clip_as_when_the_model_draws():
    clip = made_clip(size=SIZE, num_clips=3, clip_len=2)
    keypoint, score = (
        np.tile(clip['keypoint'], (1, 2, 1, 1)),
        np.tile(clip['keypoint_score'], (1, 2, 1)),
    )
    target = GeneratePoseTarget(layout='coco17', motion=True, double=True)
    drawn = target({**clip, 'keypoint': keypoint, 'keypoint_score': score})['imgs']  # (12, C, H, W)
    clips = target({**clip, 'keypoint': keypoint, 'keypoint_score': score})['imgs'].by_view.input()
    assert isinstance(clips, Heatmaps) and clips.shape[:2] == (1, 6)
    np.testing.assert_allclose(
        drawn.reshape(6, 2, 17, *SIZE).swapaxes(1, 2), clips.draw()[0], atol=1e-6
    )
    assert not drawn[1::2].any() and drawn[0].any()


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'step', [Flip(flip_ratio=1, layout='imigue22'), GeneratePoseTarget(layout='imigue22')]
)
def test_clips_of_other_joints_than_the_layouts_are_named(step):
    with pytest.raises(
        DataError, match="clip 'a': has 17 joints, but the pipeline's layout imigue22 has 22"
    ):
        step(made_clip())
