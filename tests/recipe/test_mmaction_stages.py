"""MMAction2's stages, translated, make of a clip what MMAction2 makes of it."""

from __future__ import annotations

import ast
import re

import numpy as np
import pytest
from goldens import SMALL

from pyskl.datasets import Compose
from pyskl.recipe.dialects.stages import translate_pipeline
from pyskl.recipe.dialects.translation_log import TranslationLog

with np.load(SMALL / 'pipeline' / 'mmaction.npz') as arrays:
    GOLDEN = dict(arrays)


def names(kind: str) -> list[str]:
    return [name for name in GOLDEN if name.startswith(f'{kind}({{')]


def translated(*steps: dict, **clip) -> dict:
    """Pass a clip through stages written for MMAction2 1.x."""
    log = TranslationLog('a.py')
    pipeline = Compose(translate_pipeline(steps, 'pipeline', log))
    assert not log.faults.messages
    return pipeline({'frame_dir': 'a', 'start_index': 0, 'label': 0, **clip})


@pytest.mark.parametrize('name', names('UniformSampleFrames'))
def test_the_frames_sampled_are_mmactions(name):
    settings, frames, test = re.fullmatch(r'\w+\((\{.*\}),T=(\d+),test=(\w+)\)', name).groups()
    testing = test == 'True'
    np.random.seed(9)
    step = dict(type='UniformSampleFrames', test_mode=testing, **ast.literal_eval(settings))
    clip = translated(step, total_frames=int(frames), test_mode=testing)
    np.testing.assert_array_equal(clip['frame_inds'], GOLDEN[name])


@pytest.mark.parametrize('name', names('PreNormalize3D'))
def test_spine_and_shoulders_turn_as_mmactions_do(name):
    settings = ast.literal_eval(re.fullmatch(r'\w+\((\{.*\})\)', name)[1])
    keypoint = GOLDEN['PreNormalize3D/input']
    step = dict(type='PreNormalize3D', **settings)
    found = translated(step, keypoint=keypoint, total_frames=keypoint.shape[1])['keypoint'][:, ::4]
    np.testing.assert_allclose(found, GOLDEN[name], rtol=0, atol=1e-6)


@pytest.mark.parametrize('bones', [False, True])
def test_pictures_are_normalised_without_a_look_at_the_scores(bones):
    """MMAction2 computes in the file's float16, 5e-4 apart near 1; a joint of score 0.005 stays
    where it is.
    """
    steps = [dict(type='PreNormalize2D')]
    steps += [dict(type='GenSkeFeat', dataset='coco', feats=['b'])] if bones else []
    clip = {key: GOLDEN[f'PreNormalize2D/{key}'] for key in ('keypoint', 'keypoint_score')}
    found = translated(*steps, **clip, img_shape=(960, 1440), total_frames=4)['keypoint']
    golden = GOLDEN['PreNormalize2D+GenSkeFeat(b)' if bones else 'PreNormalize2D(float16)']
    np.testing.assert_allclose(found[..., : golden.shape[-1]], golden, rtol=0, atol=2e-3)


def test_absent_people_are_filled_in_by_those_who_are_there():
    keypoint = np.arange(24, dtype=np.float32).reshape(1, 4, 3, 2)
    step = dict(type='FormatGCNInput', num_person=2, mode='loop')
    clip = translated(step, keypoint=keypoint, total_frames=4, clip_len=4, num_clips=1)
    np.testing.assert_array_equal(clip['keypoint'], GOLDEN['FormatGCNInput(loop)'])


@pytest.mark.parametrize(
    ('steps', 'entry'),
    [
        (['PoseDecode'], 'keypoint'),
        (['PoseDecode', 'GeneratePoseTarget'], 'imgs'),
        (['DecordDecode'], 'imgs'),
        ([('PackActionInputs', dict(collect_keys=('imgs', 'heatmap_imgs')))], 'imgs heatmap_imgs'),
    ],
)
def test_what_is_packed_is_what_the_network_takes(steps, entry):
    written = [dict(type=s) if isinstance(s, str) else dict(type=s[0], **s[1]) for s in steps]
    if 'Pack' not in str(steps):
        written.append(dict(type='PackActionInputs'))
    *_, collect, to_tensor = translate_pipeline(written, 'pipeline', TranslationLog('a.py'))
    assert collect == dict(type='Collect', keys=[*entry.split(), 'label'], meta_keys=[])
    assert to_tensor == dict(type='ToTensor', keys=entry.split())


@pytest.mark.parametrize('beside', [False, True])
def test_only_heatmaps_alone_are_brought_into_order_as_heatmaps(beside):
    """0.x writes NCTHW for heatmaps, too; beside pictures both have it."""
    decode = [dict(type='MMDecode')] if beside else []
    steps = [
        *decode,
        dict(type='GeneratePoseTarget'),
        dict(type='FormatShape', input_format='NCTHW'),
    ]
    *_, shape = translate_pipeline(steps, 'pipeline', TranslationLog('a.py'))
    assert shape['input_format'] == ('NCTHW' if beside else 'NCTHW_Heatmap')


def test_crops_of_pictures_are_never_lazy():
    steps = [dict(type=kind, crop_size=8, lazy=False) for kind in ('ThreeCrop', 'CenterCrop')]
    assert translate_pipeline(steps, 'pipeline', TranslationLog('a.py')) == [
        dict(type='ThreeCrop', crop_size=8),
        dict(type='CenterCrop', crop_size=8),
    ]
