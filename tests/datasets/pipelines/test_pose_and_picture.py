"""Whatever moves the picture, a key point stays on the pixels that it was on."""

from __future__ import annotations

import random

import numpy as np
import pytest

from pyskl.datasets.pipelines import (
    CenterCrop,
    Flip,
    FormatShape,
    GeneratePoseTarget,
    JointDropout,
    KeypointNoise,
    MMCompact,
    MMPad,
    Normalize,
    PoseCompact,
    RandomCrop,
    RandomResizedCrop,
    Resize,
    ShiftScale,
)
from pyskl.inputs import LazyFrames

V = 17
SIDES = dict(left_kp=list(range(1, 16, 2)), right_kp=list(range(2, 17, 2)))
MIRROR = np.array([0, *(j for i in range(1, 16, 2) for j in (i + 1, i))])
SIZE = (120, 160)


def dots(keypoint: np.ndarray, size: tuple[int, int]) -> list[np.ndarray]:
    """Draw one dot a frame: frame t shows joint t."""
    y, x = np.mgrid[: size[0], : size[1]]
    xy = keypoint[0, np.arange(V), np.arange(V)]
    dot = [255 * np.exp(-((x - a) ** 2 + (y - b) ** 2) / 2 / 2.5**2) for a, b in xy]
    return [np.repeat(d.round().astype(np.uint8)[..., None], 3, axis=2) for d in dot]


def clip(seed: int = 0) -> dict:
    h, w = SIZE
    place = np.random.default_rng(seed).uniform((30, 25), (w - 30, h - 25), (V, 2))
    keypoint = np.broadcast_to(place.astype(np.float32), (1, V, V, 2)).copy()
    imgs = dots(keypoint, SIZE)
    score = np.ones((1, V, V), np.float32)
    return {
        'frame_dir': 'a',
        'img_shape': SIZE,
        'keypoint': keypoint,
        'keypoint_score': score,
        'imgs': imgs,
        'label': 0,
        'modality': 'RGB',
    }


def distances(results: dict, order: np.ndarray) -> np.ndarray:
    """(joints, 2) how far key points lie from their dots, of those that are wholly shown.

    Frame t shows joint order[t].
    """
    frames = np.stack(results['imgs']).astype(np.float64)
    assert frames.shape[1:3] == tuple(results['img_shape'])
    at = results['keypoint'][0, np.arange(V), order]
    shown = ((at > 8) & (at < np.array(results['img_shape'][::-1]) - 9)).all(axis=1)
    light = np.maximum(frames[shown, ..., 0] - 140, 0)  # padding is as bright as 127
    assert len(light) >= 3 and light.any(axis=(1, 2)).all()
    y, x = np.mgrid[: frames.shape[1], : frames.shape[2]]
    centre = [(light * axis).sum(axis=(1, 2)) / light.sum(axis=(1, 2)) for axis in (x, y)]
    return at[shown] - np.stack(centre, axis=1)


STEPS = {
    'smaller': Resize((110, 90), keep_ratio=False),
    'larger': Resize((200, 150), keep_ratio=False),
    'short edge': Resize((-1, 100)),
    'nearest': Resize((-1, 110), interpolation='nearest'),
    'random region': RandomResizedCrop((0.5, 1.0)),
    'random square': RandomCrop(80),
    'middle': CenterCrop((100, 90)),
    'beyond the edge': CenterCrop((210, 170)),
    'compact': MMCompact(),
    'compact in the picture': MMCompact(allow_imgpad=False, hw_ratio=None),
    'compact, key points first': PoseCompact(hw_ratio=1.0),
    'padded': MMPad(hw_ratio=1.0, padding=0.2),
    'turned': ShiftScale(shift=0.05, scale=(0.9, 1.1), angle=20),
    'mirrored': Flip(flip_ratio=1, layout='coco17'),
}


@pytest.mark.parametrize('name', STEPS)
@pytest.mark.parametrize('seed', [0, 1])
def test_a_key_point_stays_on_its_dot(name, seed):
    np.random.seed(seed)
    random.seed(seed)
    results = STEPS[name](clip(seed))
    order = MIRROR if name == 'mirrored' else np.arange(V)
    assert abs(distances(results, order)).max() < 0.75


def test_the_published_flip_leaves_them_one_pixel_apart():
    """x becomes W - x, but pixel x becomes W - 1 - x. The layout's flip has both at W - 1 - x."""
    results = Flip(flip_ratio=1, **SIDES)(clip())
    np.testing.assert_allclose(distances(results, MIRROR), [[1, 0]] * V, atol=0.05)


def test_steps_that_change_key_points_alone_leave_the_pictures():
    for step in (JointDropout(), KeypointNoise()):
        results = clip()
        imgs = results['imgs']
        assert step(results)['imgs'] is imgs


@pytest.mark.parametrize('normalised', ['before', 'behind', 'seen'])
def test_mirrored_copies_show_pose_and_picture_mirrored(normalised):
    normalize = Normalize([0.0] * 3, [1.0] * 3)
    target = GeneratePoseTarget(double=True, sigma=2.5, layout='coco17')
    results = {**clip(), 'num_clips': 1, 'clip_len': {'RGB': V, 'Pose': V}}
    if normalised == 'behind':
        results = normalize(target(results))
    else:
        results = normalize(results)
        if normalised == 'seen':
            results['imgs'] *= 1.0
        results = target(results)
    results = FormatShape('NCTHW')(results)
    imgs, heatmaps = np.asarray(results['imgs']), np.asarray(results['heatmap_imgs'])
    assert imgs.shape == (2, 3, V, *SIZE) and heatmaps.shape == (2, V, V, *SIZE)
    if normalised != 'seen':
        assert isinstance(results['imgs'], LazyFrames) and imgs.max() > 250
    for view, order in ((0, np.arange(V)), (1, MIRROR)):
        for t in range(V):
            # channel order[t] of frame t shows the joint whose dot is in the picture
            assert np.abs(imgs[view, 0, t] / 255 - heatmaps[view, order[t], t]).max() < 0.02
