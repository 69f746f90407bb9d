"""Steps on frames, key points and boxes do what the published ones do."""

from __future__ import annotations

import ast
import random
import re

import numpy as np
import pytest
from goldens import below, small

from pyskl.datasets import pipelines
from pyskl.datasets.pipelines import (
    CenterCrop,
    Compose,
    Flip,
    GeneratePoseTarget,
    Heatmap2Potion,
    MMCompact,
    MMPad,
    Normalize,
    PoseCompact,
    RandomCrop,
    Resize,
    ShiftScale,
    TenCrop,
    ThreeCrop,
)
from pyskl.datasets.pipelines.pictures import cut
from pyskl.errors import ConfigError, DataError

GOLDEN = small('pipeline/pictures.npz')

H, W = 24, 36
SIDES = dict(left_kp=list(range(1, 16, 2)), right_kp=list(range(2, 17, 2)))
MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]

# Settings of the names that are not Python literals.
SETTINGS = {
    'RandomResizedCrop((0.56,1))': dict(area_range=(0.56, 1.0)),
    'RandomResizedCrop(default)': {},
    'RandomResizedCrop((1,1),(4,4))': dict(area_range=(1.0, 1.0), aspect_ratio_range=(4.0, 4.0)),
    'Flip(1,left_right)': dict(flip_ratio=1, **SIDES),
    'Flip(1,vertical)': dict(flip_ratio=1, direction='vertical'),
    'Flip(1,label_map)': dict(flip_ratio=1, flip_label_map={3: 7}),
}
FIRST_ARGUMENT = {'Flip': 'flip_ratio', 'RandomCrop': 'size'}
MOVING = (
    *('Resize', 'RandomResizedCrop', 'RandomCrop', 'CenterCrop', 'ThreeCrop', 'TenCrop', 'Flip'),
    *('MMCompact', 'MMPad', 'PoseCompact'),
)
ELSEWHERE = (
    *('Resize(twice)', 'Resize(float32 images)', 'Flip(1,Flow)', 'Flip(0.5,seeds 0-19)'),
    *('PoseCompact(nan)', 'PoseCompact(twice,padding=0)', 'PoseCompact(float16)'),
)


def frames() -> list[np.ndarray]:
    return list(np.random.RandomState(21).randint(0, 256, (4, H, W, 3)).astype(np.uint8))


def fields(name: str) -> dict[str, np.ndarray]:
    return below(GOLDEN, name)


def clip(entries, **more) -> dict:
    """The clip that the golden numbers were made of: of pictures, key points and boxes those in
    `entries`.
    """
    boxes = GOLDEN['input/boxes']
    everything = {
        'imgs': frames(),
        'keypoint': GOLDEN['input/keypoint'],
        'keypoint_score': GOLDEN['input/keypoint_score'],
        'gt_bboxes': boxes,
        'proposals': boxes[::-1],
    }
    given = {key: value for key, value in everything.items() if key in entries}
    return {'frame_dir': 'a', 'img_shape': (H, W), 'label': 3, 'modality': 'RGB', **given, **more}


def passed(step, results: dict, seed: int = 5) -> dict:
    np.random.seed(seed)
    random.seed(seed)
    return step(results)


def assert_golden(results: dict, golden: dict, kind: str) -> None:
    for key, expected in golden.items():
        if key == 'imgs_sum':
            sums = [frame.sum(dtype=np.float64) for frame in results['imgs']]
            np.testing.assert_array_equal(sums, expected)
            continue
        found = np.asarray(results[key])
        if key == 'imgs':
            found = found[:, ::3, ::3]
            found = found[::2] if kind == 'TenCrop' else found
        assert found.dtype == expected.dtype, key
        np.testing.assert_array_equal(found, expected, err_msg=key)


NAMES = sorted({k.rpartition('/')[0] for k in GOLDEN if k.split('(')[0] in MOVING} - set(ELSEWHERE))


@pytest.mark.parametrize('name', NAMES)
def test_frames_key_points_and_boxes_move_as_published(name):
    seed = re.search(r',seed=(\d)\)$', name)
    written = name.replace(seed[0], ')') if seed else name
    kind = name.split('(')[0]
    if written in SETTINGS:
        settings = SETTINGS[written]
    else:
        value = ast.literal_eval(written.removeprefix(kind)[1:-1])
        argument = FIRST_ARGUMENT.get(kind, 'crop_size')
        settings = value if isinstance(value, dict) else {argument: value}
    golden, step = fields(name), getattr(pipelines, kind)(**settings)
    results = clip(golden)
    before = {key: np.array(value) for key, value in results.items() if key != 'frame_dir'}
    annotation = dict(results)
    assert_golden(passed(step, results, int(seed[1]) if seed else 5), golden, kind)
    for key, value in before.items():
        np.testing.assert_array_equal(
            np.asarray(annotation[key]), value
        )  # nothing was written into


def test_resizing_twice_multiplies_the_factors():
    golden = fields('Resize(twice)')
    results = Resize((20, 14), keep_ratio=False)(clip(golden))
    assert_golden(Resize((-1, 10))(results), golden, 'Resize')


def test_frames_of_floats_are_resized_too():
    golden = fields('Resize(float32 images)')
    results = clip(golden, imgs=[(frame / 3).astype(np.float32) for frame in frames()])
    found = Resize((20, 14), keep_ratio=False)(results)
    np.testing.assert_allclose(np.stack(found['imgs'])[:, ::3, ::3], golden['imgs'], atol=2e-5)


def test_flow_turned_round_changes_its_sign():
    flow = [frame[..., 0] for frame in frames()]
    results = clip((), imgs=flow, modality='Flow')
    assert_golden(Flip(flip_ratio=1)(results), fields('Flip(1,Flow)'), 'Flip')


def test_clips_are_flipped_in_the_published_draws():
    flips = [passed(Flip(0.5), clip(('imgs',)), seed)['flip'] for seed in range(20)]
    assert flips == fields('Flip(0.5,seeds 0-19)')['flip'].tolist()


@pytest.mark.parametrize('to_bgr', [False, True])
def test_pictures_are_normalised_to_the_last_bit(to_bgr):
    imgs = np.asarray(Normalize(MEAN, STD, to_bgr)(clip(('imgs',)))['imgs'])
    golden = fields(f'Normalize(to_bgr={to_bgr})')
    np.testing.assert_array_equal(imgs[:, ::3, ::3], golden['imgs'])
    np.testing.assert_allclose(imgs.sum((1, 2, 3), dtype=np.float64), golden['imgs_sum'], atol=1e-6)


@pytest.mark.parametrize('adjust', [False, True])
def test_flow_is_normalised_to_the_last_bit(adjust):
    flow = [frame[..., 0] for frame in frames()]
    results = clip((), imgs=flow, modality='Flow', scale_factor=np.float32([0.5, 2]))
    imgs = Normalize([127, 120], [50, 40], adjust_magnitude=adjust)(results)['imgs']
    golden = fields(f'Normalize(Flow,adjust={adjust})')
    np.testing.assert_array_equal(imgs[:, ::3, ::3], golden['imgs'])


@pytest.mark.parametrize(
    'name',
    sorted(k for k in GOLDEN if k.startswith('Heatmap2Potion(')),
    ids=lambda name: name[14:-5],
)
def test_heatmaps_are_painted_in_the_published_colours(name):
    colours, option = re.match(r'Heatmap2Potion\(C=(\d),(\w+)', name).groups()
    length = {} if 'no clip_len' in name else {'clip_len': 6}
    results = {'frame_dir': 'a', 'imgs': GOLDEN['Heatmap2Potion/input/imgs'], **length}
    found = Heatmap2Potion(int(colours), option)(results)['imgs']
    np.testing.assert_allclose(found, GOLDEN[name], rtol=0, atol=1e-6)


@pytest.mark.parametrize('kind', ['with imgs', 'double', 'limb,double'])
def test_heatmaps_beside_pictures_are_the_published_ones(kind):
    golden = fields(f'GeneratePoseTarget({kind})')
    entries = ('keypoint', 'keypoint_score', 'imgs')[: 3 if 'heatmap_imgs' in golden else 2]
    double, limb = 'double' in kind, 'limb' in kind
    step = GeneratePoseTarget(double=double, with_limb=limb, with_kp=not limb)
    results = step(clip(entries, num_clips=1, clip_len=4))
    ((key, expected),) = golden.items()
    assert ('heatmap_imgs' in results) == ('imgs' in entries)
    found = np.asarray(results[key])[:, ::2][:, ::4, ::2, ::2]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_several_crops_of_a_picture_leave_no_key_points():
    gone = {'keypoint', 'keypoint_score', 'gt_bboxes'}
    results = ThreeCrop(24)(clip(('imgs', *gone)))
    assert len(results['imgs']) == 12 and not gone & set(results)
    keys = ThreeCrop(24).keys_after({'imgs', 'keypoint', 'keypoint_score', 'label'})
    assert keys == {'imgs', 'label', 'crop_bbox'}


def test_a_box_stays_around_what_was_in_its_corners():
    """The corners of a box are moved as key points are."""
    x1, y1, x2, y2 = GOLDEN['input/boxes'].T
    corners = np.stack([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]).transpose(2, 0, 1)
    results = clip(('gt_bboxes',), keypoint=corners[:, None].astype(np.float32))
    moved = passed(ShiftScale(angle=30), results)
    found = moved['keypoint'][:, 0]
    expected = np.concatenate([found.min(axis=1), found.max(axis=1)], axis=1)
    np.testing.assert_allclose(moved['gt_bboxes'], expected, atol=1e-4)


def test_crops_are_views_of_the_frames():
    imgs = frames()
    assert all(map(np.shares_memory, CenterCrop(16)(clip((), imgs=imgs))['imgs'], imgs))


@pytest.mark.parametrize(
    'box', [(-3, 2, 10, 30), (30, 20, 50, 40), (40, 0, 50, 9), (-9, -9, -1, -1), (2, 3, 9, 9)]
)
def test_outside_the_picture_there_is_the_value_asked_for(box):
    left, top, right, bottom = box
    padded = np.pad(np.stack(frames()), [(0, 0), (50, 50), (50, 50), (0, 0)], constant_values=9)
    expected = padded[:, top + 50 : bottom + 50, left + 50 : right + 50]
    np.testing.assert_array_equal(cut(frames(), box, 9), expected)


def test_key_points_far_outside_ask_for_no_giant_frames():
    keypoint = GOLDEN['input/keypoint'].copy()
    keypoint[0, 0, 0] = 1e6, 1e6
    results = clip((), keypoint=keypoint, imgs=frames())
    for step in (PoseCompact(), MMCompact(), MMPad(padding=1e4), Resize((20000, 20000))):
        with pytest.raises(DataError, match='pixels') as error:
            step(dict(results))
        assert "clip 'a'" in str(error.value) and type(step).__name__ in str(error.value)
    assert PoseCompact()({k: v for k, v in results.items() if k != 'imgs'})['img_shape'][0] > 10**6


@pytest.mark.parametrize(
    'imgs, told',
    [
        ([], 'imgs'),
        (5, 'int'),
        ('abc', 'str'),
        ([np.zeros((H, W, 3), np.uint8), np.zeros((H, W + 1, 3), np.uint8)], f'({H}, {W + 1}, 3)'),
        ([np.zeros((H + 1, W, 3), np.uint8)], f'({H}, {W}, 3)'),
        (np.zeros((4, 17, H, W), np.float32), '(17, 24, 36)'),
        ([np.zeros((H, W, 3), np.int64)], 'int64'),
        ([np.zeros((H, W, 3), object)], 'object'),
    ],
)
@pytest.mark.parametrize(
    'step',
    [Resize((8, 8), keep_ratio=False), Flip(1), CenterCrop(8), TenCrop(8), Normalize(MEAN, STD)],
)
def test_what_are_no_frames_is_refused(imgs, told, step):
    with pytest.raises(DataError) as error:
        step(clip((), imgs=imgs))
    assert "clip 'a'" in str(error.value) and told in str(error.value)


@pytest.mark.parametrize(
    'step, told',
    [
        (ThreeCrop(20), '20 x 20'),
        (TenCrop(30), '30 x 30'),
        (RandomCrop(30), 'size = 30'),
        (Normalize([1], [1]), '3 channels'),
        (Flip(1, direction='vertical'), 'vertical'),
    ],
)
def test_settings_that_do_not_fit_the_clip_are_named(step, told):
    with pytest.raises(DataError) as error:
        step(clip(('imgs', 'keypoint')))
    assert told in str(error.value)


def test_a_step_that_moves_either_needs_one_of_them():
    Compose([dict(type='Flip')], entries=('imgs', 'img_shape'))
    Compose([dict(type='Flip')], entries=('keypoint', 'img_shape'))
    with pytest.raises(ConfigError, match="needs 'keypoint' or 'imgs'"):
        Compose([dict(type='Flip')], entries=('img_shape',))
    with pytest.raises(DataError, match="has no 'keypoint' or 'imgs'"):
        Compose([dict(type='Flip')], entries=None)({'frame_dir': 'a', 'img_shape': (H, W)})


def test_what_a_step_does_not_find_it_does_not_claim():
    for step in (Resize((8, 8), keep_ratio=False), Flip(), RandomCrop(8), MMPad()):
        assert 'keypoint' not in step.keys_after({'imgs', 'img_shape'})
        assert 'imgs' not in step.keys_after({'keypoint', 'img_shape'})
    assert GeneratePoseTarget().keys_after({'keypoint'}) == {'keypoint', 'imgs'}
    assert GeneratePoseTarget().keys_after({'imgs'}) == {'imgs', 'heatmap_imgs'}
    assert GeneratePoseTarget().keys_after(None) is None
