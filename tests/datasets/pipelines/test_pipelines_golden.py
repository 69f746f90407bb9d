"""Every stage of both published configs gives what the published code gave, on made-up clips."""

from __future__ import annotations

import json
import pickle
import random
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from goldens import GOLDEN, SMALL, needs_golden, small
from pipelines_as_published import PIPELINES_AS_PUBLISHED

from pyskl.datasets.pipelines import Compose, UniformSampleFrames

FEW = ['joint/val/0', 'limb/val/0', 'limb/train/7']  # these travel with the project
ALL = [
    pytest.param(f'{stream}/{split}/{i}', marks=[pytest.mark.slow] if split == 'test' and i else [])
    for stream in ('joint', 'limb')
    for split, numbers in (('train', (0, 7, 23)), ('val', (0, 5, 11)), ('test', (0, 4, 9)))
    for i in numbers
]


@cache
def stories(folder: Path) -> tuple[dict, dict]:
    """What the published stages did: ({clip: {frame_dir, label, seed, stages}}, arrays by name)."""
    with np.load(folder / 'stages.npz') as arrays:
        return json.loads((folder / 'stages.json').read_text()), dict(arrays)


@cache
def annotations(split: str) -> list[dict]:
    with open(GOLDEN / 'raw' / f'imigue_{split}.pkl', 'rb') as f:
        return pickle.load(f)['annotations']


def start(clip: str, story: dict, arrays: dict) -> dict:
    """The clip's `results` as the dataset hands them to the first stage, the random state set."""
    _, split, number = clip.split('/')
    if f'{split}/{number}/keypoint' in arrays:
        info = {key: arrays[f'{split}/{number}/{key}'] for key in ('keypoint', 'keypoint_score')}
        info |= {
            'frame_dir': story['frame_dir'],
            'img_shape': (1080, 1920),
            'original_shape': (1080, 1920),
            'total_frames': 90,
        }
    else:
        info = annotations(split)[int(number)]
    assert info['frame_dir'] == story['frame_dir']
    if story['seed'] is not None:
        random.seed(story['seed'])
        np.random.seed(story['seed'])
    return {
        **info,
        'label': story['label'],
        'emb': np.zeros(300, np.float32),
        'modality': 'Pose',
        'start_index': 0,
        'test_mode': split != 'train',
    }


def assert_values(ours, golden: dict, key: str) -> None:
    """One entry of `results` against what the json says of it."""
    if not isinstance(golden, dict):
        assert (list(ours) if isinstance(ours, tuple) else ours) == golden, key
    elif 'value' in golden:
        assert (
            type(ours).__name__ == golden['type']
            and str(getattr(ours, 'dtype', '')) == golden['dtype']
        ), key
        np.testing.assert_allclose(np.asarray(ours), golden['value'], rtol=1e-7, err_msg=key)
    elif key != 'emb':
        assert list(ours.shape) == golden['shape'], key
        assert str(getattr(ours, 'dtype', '')).removeprefix('torch.') == golden[
            'dtype'
        ].removeprefix('torch.'), key


def assert_heatmaps(ours: np.ndarray, golden: dict, name: str, arrays: dict) -> None:
    ours = np.asarray(ours)
    assert (
        np.abs(ours.reshape(-1)[:: golden['stride']] - arrays[f'{name}/imgs_sub']) < 1e-5
    ).all(), name
    assert ours.flags.c_contiguous == golden['C_CONTIGUOUS'], name
    assert abs(ours.sum(dtype=np.float64) - golden['sum_f64']) < 1e-6 * golden['sum_f64'], name
    if f'{name}/sum_view_channel' in arrays:
        sums = ours.sum((3, 4), dtype=np.float64)
        np.testing.assert_allclose(
            sums.sum(2), arrays[f'{name}/sum_view_channel'], rtol=1e-5, atol=1e-4
        )
        np.testing.assert_allclose(sums.sum(1), arrays[f'{name}/sum_frame'], rtol=1e-5, atol=1e-4)


def walk(clip: str, folder: Path) -> None:
    """Run the clip stage by stage, each held against its golden; then all at once and deferred."""
    told, arrays = stories(folder)
    story = told[clip]
    stream, split, _ = clip.split('/')
    pipeline = Compose(PIPELINES_AS_PUBLISHED[stream][split])
    assert [type(step).__name__ for step in pipeline.steps] == [
        stage['stage'][3:] for stage in story['stages']
    ]
    results = start(clip, story, arrays)
    untouched = {key: results[key].copy() for key in ('keypoint', 'keypoint_score')}
    annotation = {key: results[key] for key in untouched}
    for step, stage in zip(pipeline.steps, story['stages']):
        results = step(results)
        name = f'{clip}/{stage["stage"]}'
        assert sorted(results) == stage['keys'], name
        for key, golden in stage['values'].items():
            assert_values(results[key], golden, f'{name}: {key}')
        for key in ('frame_inds', 'keypoint', 'keypoint_score'):
            if f'{name}/{key}' in arrays:
                np.testing.assert_allclose(
                    results[key], arrays[f'{name}/{key}'], rtol=0, atol=1e-5, err_msg=name
                )
        if f'{name}/imgs_sub' in arrays:
            assert_heatmaps(results['imgs'], stage['values']['imgs'], name, arrays)
    for key, before in untouched.items():
        np.testing.assert_array_equal(annotation[key], before)

    later = pipeline(start(clip, story, arrays), lazy=True)
    assert later['imgs'].input().shape == (1, *results['imgs'].shape) and set(later) == set(results)
    assert torch.equal(later['imgs'].input().draw()[0], results['imgs'])


@pytest.mark.parametrize('clip', FEW)
def test_stages_give_the_published_values(clip):
    walk(clip, SMALL / 'pipeline')


@needs_golden
@pytest.mark.parametrize('clip', ALL)
def test_every_stage_gives_the_published_values(clip):
    walk(clip, GOLDEN / 'pipeline')


@needs_golden
@pytest.mark.parametrize('stream', ['joint', 'limb'])
def test_whole_heatmap_of_a_clip_is_the_published_one(stream):
    with np.load(GOLDEN / 'pipeline' / f'full_{stream}_val_0.npz') as golden:
        golden = golden[golden.files[0]]
    told, arrays = stories(GOLDEN / 'pipeline')
    clip = f'{stream}/val/0'
    ours = Compose(PIPELINES_AS_PUBLISHED[stream]['val'])(start(clip, told[clip], arrays))[
        'imgs'
    ].numpy()
    assert np.abs(ours - golden).max() < 1e-5


SAMPLED = small('pipeline/uniform_sample.npz')


@pytest.mark.parametrize('name', SAMPLED)
def test_frames_are_sampled_as_published(name):
    length, clips, mode = name.split('_')
    length, clips = int(length.removeprefix('nf')), int(clips.removeprefix('clips'))
    np.random.seed(5)
    results = UniformSampleFrames(clip_len=48, num_clips=clips)(
        {'total_frames': length, 'test_mode': mode == 'test'}
    )
    np.testing.assert_array_equal(results['frame_inds'], SAMPLED[name])
    assert results['frame_inds'].dtype == np.int64
