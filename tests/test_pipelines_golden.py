"""Every stage of both published configs gives what the published code gave, on made-up clips."""
from __future__ import annotations

import json
import pickle
import random
from functools import cache

import numpy as np
import pytest
import torch
from goldens import GOLDEN, needs_golden
from pipelines_as_published import PIPELINES_AS_PUBLISHED

from pyskl.datasets.pipelines import Compose

CLIPS = [f'{stream}/{split}/{i}' for stream in ('joint', 'limb')
         for split, numbers in (('train', (0, 7, 23)), ('val', (0, 5, 11)), ('test', (0, 4, 9))) for i in numbers]


@cache
def full() -> tuple[dict, dict]:
    with np.load(GOLDEN / 'pipeline' / 'stages.npz') as arrays:
        return json.loads((GOLDEN / 'pipeline' / 'stages.json').read_text()), dict(arrays)


@cache
def annotations(split: str) -> list[dict]:
    with open(GOLDEN / 'raw' / f'imigue_{split}.pkl', 'rb') as f:
        return pickle.load(f)['annotations']


def start(clip: str, story: dict) -> dict:
    """The clip's `results` as the dataset hands them to the first stage, the random state set."""
    _, split, number = clip.split('/')
    info = annotations(split)[int(number)]
    assert info['frame_dir'] == story['frame_dir']
    if story['seed'] is not None:
        random.seed(story['seed'])
        np.random.seed(story['seed'])
    return {**info, 'label': story['label'], 'emb': np.zeros(300, np.float32), 'modality': 'Pose', 'start_index': 0,
            'test_mode': split != 'train'}


def assert_values(ours, golden: dict, key: str) -> None:
    """One entry of `results` against what the json says of it."""
    if not isinstance(golden, dict):
        assert (list(ours) if isinstance(ours, tuple) else ours) == golden, key
    elif 'value' in golden:
        assert type(ours).__name__ == golden['type'] and str(getattr(ours, 'dtype', '')) == golden['dtype'], key
        np.testing.assert_allclose(np.asarray(ours), golden['value'], rtol=1e-7, err_msg=key)
    elif key != 'emb':
        assert list(ours.shape) == golden['shape'], key
        assert str(getattr(ours, 'dtype', '')).removeprefix('torch.') == golden['dtype'].removeprefix('torch.'), key


def assert_heatmaps(ours: np.ndarray, golden: dict, name: str, arrays: dict) -> None:
    ours = np.asarray(ours)
    assert (np.abs(ours.reshape(-1)[::golden['stride']] - arrays[f'{name}/imgs_sub']) < 1e-5).all(), name
    assert ours.flags.c_contiguous == golden['C_CONTIGUOUS'], name
    assert abs(ours.sum(dtype=np.float64) - golden['sum_f64']) < 1e-6 * golden['sum_f64'], name
    if f'{name}/sum_view_channel' in arrays:
        sums = ours.sum((3, 4), dtype=np.float64)
        np.testing.assert_allclose(sums.sum(2), arrays[f'{name}/sum_view_channel'], rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(sums.sum(1), arrays[f'{name}/sum_frame'], rtol=1e-5, atol=1e-4)


def walk(clip: str, story: dict, arrays: dict) -> dict:
    """Run the clip stage by stage, each held against its golden."""
    stream, split, _ = clip.split('/')
    steps = Compose(PIPELINES_AS_PUBLISHED[stream][split]).steps
    assert [type(step).__name__ for step in steps] == [stage['stage'][3:] for stage in story['stages']]
    results = start(clip, story)
    for step, stage in zip(steps, story['stages']):
        results = step(results)
        name = f'{clip}/{stage["stage"]}'
        assert sorted(results) == stage['keys'], name
        for key, golden in stage['values'].items():
            assert_values(results[key], golden, f'{name}: {key}')
        for key in ('frame_inds', 'keypoint', 'keypoint_score'):
            if f'{name}/{key}' in arrays:
                np.testing.assert_allclose(results[key], arrays[f'{name}/{key}'], rtol=0, atol=1e-5, err_msg=name)
        if f'{name}/imgs_sub' in arrays:
            assert_heatmaps(results['imgs'], stage['values']['imgs'], name, arrays)
    return results


@needs_golden
@pytest.mark.parametrize('clip', CLIPS)
def test_every_stage_gives_the_published_values(clip):
    stories, arrays = full()
    walk(clip, stories[clip], arrays)


@needs_golden
@pytest.mark.parametrize('clip', CLIPS)
def test_deferred_and_drawn_at_once_are_the_same(clip):
    story = full()[0][clip]
    stream, split, _ = clip.split('/')
    pipeline = Compose(PIPELINES_AS_PUBLISHED[stream][split])
    assert pipeline.can_defer
    at_once, later = pipeline(start(clip, story)), pipeline(start(clip, story), deferred=True)
    assert later['imgs'].shape == (1, *at_once['imgs'].shape)
    assert torch.equal(later['imgs'].draw()[0], at_once['imgs'])
    assert set(later) == set(at_once)


@needs_golden
@pytest.mark.parametrize('stream', ['joint', 'limb'])
def test_whole_heatmap_of_a_clip_is_the_published_one(stream):
    with np.load(GOLDEN / 'pipeline' / f'full_{stream}_val_0.npz') as golden:
        golden = golden[golden.files[0]]
    clip = f'{stream}/val/0'
    ours = Compose(PIPELINES_AS_PUBLISHED[stream]['val'])(start(clip, full()[0][clip]))['imgs'].numpy()
    assert np.abs(ours - golden).max() < 1e-5
