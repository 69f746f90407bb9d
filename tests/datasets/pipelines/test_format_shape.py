"""Frames and heatmaps come into the published order, whether computed or still lazy."""

from __future__ import annotations

import numpy as np
import pytest
from goldens import below, small
from made_clips import made_clip

from pyskl.datasets.pipelines import FormatShape, GeneratePoseTarget, Normalize
from pyskl.errors import DataError

GOLDEN = small('pipeline/pictures.npz')

# 2 crops, 3 clips of 4 pictures, or of 5 heatmaps
PICTURES = np.arange(432, dtype=np.float32).reshape(24, 2, 3, 3)
HEATMAPS = np.arange(360, dtype=np.float32).reshape(30, 2, 2, 3)


def formatted(input_format: str, **entries) -> dict:
    return FormatShape(input_format)({'frame_dir': 'a', **entries})


@pytest.mark.parametrize(
    'name, entries',
    [
        ('FormatShape(NCTHW)', dict(imgs=PICTURES, num_clips=3, clip_len=4)),
        (
            'FormatShape(NCTHW,dict)',
            dict(imgs=PICTURES, heatmap_imgs=HEATMAPS, num_clips=3, clip_len=dict(RGB=4, Pose=5)),
        ),
        ('FormatShape(NCHW)', dict(imgs=PICTURES)),
        ('FormatShape(NCTHW_Heatmap)', dict(imgs=HEATMAPS, num_clips=3, clip_len=5)),
    ],
)
def test_the_order_is_the_published_one(name, entries):
    results = formatted(name[12:-1].removesuffix(',dict'), **entries)
    for key, expected in below(GOLDEN, name).items():
        np.testing.assert_array_equal(results[key], expected, err_msg=key)


@pytest.mark.parametrize(
    'name, input_format, entries',
    [
        ("(NPTCHW,{'num_proposals': 2})", 'NPTCHW', dict(num_proposals=2, num_clips=3, clip_len=4)),
        ("(NCHW,{'modality': 'Flow', 'clip_len': 4})", 'NCHW', dict(modality='Flow', clip_len=4)),
        ('(NCTHW,{})', 'NCTHW', dict(num_clips=3, clip_len=4)),
        ('(NCHW,{})', 'NCHW', {}),
    ],
)
def test_the_order_is_mmactions(name, input_format, entries):
    imgs = PICTURES[..., :2] if 'modality' in entries else PICTURES
    found = formatted(input_format, imgs=imgs, **entries)['imgs']
    np.testing.assert_array_equal(found, GOLDEN[f'mmaction/FormatShape{name}'])


@pytest.mark.parametrize(
    'input_format, clip_len', [('NCTHW', 2), ('NCTHW', {'RGB': 2}), ('NCHW', 2)]
)
@pytest.mark.parametrize('looked_at', [False, True])
def test_lazy_frames_become_what_computed_ones_do(input_format, clip_len, looked_at):
    imgs = list(np.random.RandomState(0).randint(0, 256, (8, 5, 6, 3), np.uint8))
    entries = dict(imgs=imgs, img_shape=(5, 6), num_clips=2, clip_len=clip_len)
    normalize = Normalize([1.0, 2, 3], [4.0, 5, 6], to_bgr=True)
    eager = np.array(normalize(dict(entries))['imgs'])
    results = normalize(dict(entries))
    if looked_at:
        results['imgs'] += 1
        eager += 1
    found = FormatShape(input_format)(results)
    expected = formatted(input_format, imgs=eager, num_clips=2, clip_len=clip_len)
    assert found['input_shape'] == found['imgs'].shape == expected['imgs'].shape
    assert (found['imgs'].input() is None) == looked_at
    np.testing.assert_array_equal(found['imgs'], expected['imgs'])


@pytest.mark.parametrize(
    'input_format, entries, told',
    [
        ('NCTHW', dict(imgs=np.zeros((15, 17, 4, 8)), num_clips=3, clip_len=5), 'NCTHW_Heatmap'),
        ('NCTHW', dict(imgs=PICTURES, num_clips=3, clip_len=5), '15'),
        ('NCTHW', dict(imgs=[], num_clips=3, clip_len=5), 'height, width'),
        ('NCTHW', dict(imgs=PICTURES, heatmap_imgs=PICTURES[:5], num_clips=3, clip_len=4),
            'heatmap_imgs'),
        ('NCTHW_Heatmap', dict(imgs=PICTURES, num_clips=5, clip_len=5), "'NCTHW'"),
        ('NCHW', dict(imgs=PICTURES[0]), 'height, width'),
        ('NPTCHW', dict(imgs=PICTURES, num_proposals=5, num_clips=3, clip_len=4), '60'),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(input_format, entries, told):
    with pytest.raises(DataError) as error:
        formatted(input_format, **entries)
    assert "clip 'a'" in str(error.value) and told in str(error.value)


def test_heatmaps_still_to_be_drawn_are_no_pictures():
    clip = made_clip(frames=4, num_clips=2, clip_len=2)
    with pytest.raises(DataError, match='NCTHW_Heatmap'):
        FormatShape('NCTHW')(GeneratePoseTarget()(dict(clip)))
    clip['imgs'] = list(np.zeros((4, 48, 64, 3), np.uint8))
    with pytest.raises(DataError, match="'NCTHW'"):
        FormatShape('NCTHW_Heatmap')(Normalize([0.0] * 3, [1.0] * 3)(clip))


def test_what_is_formatted_beside_the_pictures_is_claimed():
    keys = {'imgs', 'heatmap_imgs', 'num_clips', 'clip_len'}
    assert 'heatmap_input_shape' in FormatShape('NCTHW').keys_after(keys)
    assert 'heatmap_input_shape' not in FormatShape('NCTHW').keys_after(keys - {'heatmap_imgs'})
    assert FormatShape('NCTHW').keys_after(None) is None
