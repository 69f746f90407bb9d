"""The published pipelines for pictures, and for pictures and poses, give the published numbers."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from goldens import SMALL, small

from pyskl.datasets.pipelines import Compose

FOLDER = SMALL / 'pipeline'
PIPELINES = json.loads((FOLDER / 'rgbpose.json').read_text())
GOLDEN = small('pipeline/rgbpose.npz')


def start(story: dict) -> dict:
    random.seed(story['seeded'])
    np.random.seed(story['seeded'])
    video = SMALL / 'video' / 'clip.mp4'
    return {
        'frame_dir': 'clip', 'filename': str(video), 'label': 5, 'total_frames': 40,
        'img_shape': (1080, 1920), 'original_shape': (1080, 1920), 'modality': 'Pose',
        'keypoint': GOLDEN['input/keypoint'], 'keypoint_score': GOLDEN['input/keypoint_score'],
        'start_index': 0, 'test_mode': story['test_mode'],
    }  # fmt: skip


def steps_of(story: dict) -> list[dict]:
    return [dict(type=kind, **settings) for kind, settings in story['stages']]


@pytest.mark.parametrize('name', PIPELINES)
def test_pictures_and_heatmaps_are_the_published_ones(name):
    """Pictures may differ by a level with another decoder, and so do heatmaps by rounding."""
    story = PIPELINES[name]
    results = Compose(steps_of(story))(start(story))
    for key in ('imgs', 'heatmap_imgs'):
        if f'{name}/{key}_part' not in GOLDEN:
            continue
        found = results[key].numpy()
        is_video = key == 'imgs'
        assert found.shape == tuple(GOLDEN[f'{name}/{key}_shape'])
        part = found[::3, :, ::3, 5::16, 5::16] if is_video else found[::3, ::3, ::12, 1::4, 1::4]
        golden = GOLDEN[f'{name}/{key}_part']
        np.testing.assert_allclose(part, golden, rtol=0, atol=2 / 57 if is_video else 1e-6)
        square = np.square(found, dtype=np.float64).sum()
        np.testing.assert_allclose(
            square, GOLDEN[f'{name}/{key}_square'], rtol=5e-3 if is_video else 1e-6
        )
        for axes, sums in (((0, 1, 2, 4), 'row'), ((0, 1, 2, 3), 'column')):
            expected = GOLDEN[f'{name}/{key}_sum_{sums}']
            atol = 1e-4 if not is_video else found.size / len(expected) * 0.02
            np.testing.assert_allclose(
                found.sum(axes, dtype=np.float64), expected, rtol=0, atol=atol
            )
