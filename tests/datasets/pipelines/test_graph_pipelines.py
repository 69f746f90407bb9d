"""Whole pipelines of graph networks give what upstream gave."""

from __future__ import annotations

import json
import random
from functools import cache

import numpy as np
import pytest
from config_files import CONFIGS, splits_of
from goldens import GOLDEN, needs_golden
from pose_goldens import clip, protogcn, stages

from pyskl.datasets.pipelines import Compose
from pyskl.recipe import load_config, read_recipe


def shipped(name: str, split: str, stream: str = 'j') -> list[dict]:
    """Return a pipeline of a shipped config."""
    recipe = read_recipe(load_config(CONFIGS / f'{name}.py', {'stream': stream}))
    return splits_of(recipe)[split]['pipeline']


def passed(pipeline: list[dict], results: dict, test_mode: bool, seed: int = 3) -> np.ndarray:
    np.random.seed(seed)
    random.seed(seed)
    more = dict(label=5, modality='Pose', start_index=0, test_mode=test_mode)
    return Compose(pipeline)({**results, **more})['keypoint'].numpy()


def assert_like(out: np.ndarray, golden: dict[str, np.ndarray], step: int) -> None:
    """Assert shape, the means over T and C, and some frames of the first clip."""
    assert out.dtype == np.float32 and out.shape == tuple(golden['shape'])
    np.testing.assert_allclose(out.mean((2, 4), dtype=float), golden['mean'], atol=1e-4)
    np.testing.assert_allclose(out[0, :, ::step], golden['first'], atol=1e-4)


@pytest.mark.parametrize(
    'golden, config, split',
    [
        ('stgcn++ 3dkp j,clips=1,test=False', 'stgcn++/stgcn++_ntu60_xsub_3dkp', 'train'),
        ('stgcn++ 3dkp j,clips=10,test=True', 'stgcn++/stgcn++_ntu60_xsub_3dkp', 'test'),
        ('stgcn++ 3dkp bm,clips=1,test=False', 'aagcn/aagcn_pyskl_ntu120_xset_3dkp', 'train'),
        ('stgcn++ 3dkp bm,clips=10,test=True', 'aagcn/aagcn_pyskl_ntu120_xset_3dkp', 'test'),
        ('stgcn++ hrnet j,clips=1,test=False', 'ctrgcn/ctrgcn_pyskl_ntu60_xview_hrnet', 'train'),
        ('stgcn++ hrnet j,clips=10,test=True', 'msg3d/msg3d_pyskl_ntu120_xsub_hrnet', 'test'),
        ('strong_aug b,train', 'strong_aug/ntu60_xsub_3dkp', 'train'),
    ],
)
def test_the_configs_pipelines_give_upstreams_numbers(golden, config, split):
    stream = golden.split(',')[0].split()[-1]
    flat = clip(stages('input/k2'), stages('input/s2'), img_shape=(1080, 1920))
    results = flat if 'hrnet' in golden else clip(stages('input/k3'))
    out = passed(shipped(config, split, stream), results, test_mode=split == 'test')
    parts = {part: stages(f'pipeline({golden})/{part}') for part in ('shape', 'mean', 'first')}
    assert_like(out, parts, step=10)


@cache
def protogcn_pipelines() -> dict[str, dict]:
    return json.loads((GOLDEN / 'cnn' / 'proto.json').read_text())['pipelines']


def protogcn_clip(kind: str) -> dict:
    if kind == 'k3':
        return clip(protogcn('input/k3'))
    if kind == 'k2':
        return clip(protogcn('input/k2'), protogcn('input/s2'), img_shape=(1080, 1920))
    results = clip(
        protogcn('input/c_keypoint'),
        frame_inds=protogcn('input/c_frame_inds'),
        anno_inds=protogcn('input/c_box_score') >= 0.5,
        img_shape=(240, 340),
    )
    return {**results, 'total_frames': 40}


@needs_golden
@pytest.mark.parametrize('number', range(60))
def test_protogcns_pipelines_give_upstreams_numbers(number):
    name = f'Q{number:02}'
    told = protogcn_pipelines()[name]
    pipeline = [dict(type=stage, **arguments) for stage, arguments in told['stages']]
    out = passed(pipeline, protogcn_clip(told['input']), told['test_mode'], told['seeded'])
    fields = ('shape', 'mean', 'first', 'square')
    golden = {field: protogcn(f'pipeline/{name}/{field}') for field in fields}
    assert_like(out, golden, step=20)
    np.testing.assert_allclose((out.astype(float) ** 2).sum(), golden['square'], rtol=1e-4)
