"""PYSKL's configs of networks on heatmaps: its names, recipes, networks and pipelines."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
from config_files import (
    POSEC3D_CONFIGS,
    SPLITS,
    name_of,
    published_stages,
    recipe,
    splits_of,
    stages_of,
)

from pyskl.models import build_model
from pyskl.recipe import LrConfig

NTU = ('ntu60_xsub', 'ntu60_xview', 'ntu120_xsub', 'ntu120_xset')
every_config = pytest.mark.parametrize('path', POSEC3D_CONFIGS, ids=name_of)


def test_the_files_are_pyskls():
    networks = [
        f'{network}_{s}' for network in ('c3d_light', 'x3d_shallow') for s in (NTU[0], 'gym')
    ]
    two = (*(f'slowonly_r50_{s}' for s in (*NTU, 'gym', '346_k400', '463_k400')), *networks)
    expected = {f'posec3d/{folder}/{stream}.py' for folder in two for stream in ('joint', 'limb')}
    expected |= {f'posec3d/slowonly_r50_{s}_k400p/s1_joint.py' for s in ('ucf101', 'hmdb51')}
    expected.add('posec3d/slowonly_r50_diving48/joint.py')
    assert {name_of(path) for path in POSEC3D_CONFIGS} == expected and len(expected) == 25


# -- data and recipe -------------------------------------------------------------------------------


CLASSES = {
    'ntu60': 60,
    'ntu120': 120,
    'gym': 99,
    'k400': 400,
    'ucf101': 101,
    'hmdb51': 51,
    'diving48': 48,
}


def data_of(path) -> str:
    """Return the data set that a config's name tells of, without its split."""
    found = re.search('|'.join(CLASSES), path.parent.name.removesuffix('_k400p'))
    return found[0]


@every_config
def test_the_data_and_the_classes_are_those_of_the_name(path):
    data, found = data_of(path), recipe(path)
    folder = 'nturgbd' if data.startswith('ntu') else data
    split = re.search(r'_(xsub|xview|xset)$', path.parent.name)
    train, test = {
        'ucf101': ('train1', 'test1'),
        'hmdb51': ('train1', 'test1'),
        'diving48': ('train', 'test'),
        'gym': ('train', 'val'),
        'k400': ('train', 'val'),
    }.get(data) or (f'{split[1]}_train', f'{split[1]}_val')
    read = {name: (part['ann_file'], part['split']) for name, part in splits_of(found).items()}
    pickle = f'data/{folder}/{data}_hrnet.pkl'
    assert read == {'train': (pickle, train), 'val': (pickle, test), 'test': (pickle, test)}
    assert found.model['cls_head']['num_classes'] == CLASSES[data]
    thresholds = {part.get('box_thr') for part in splits_of(found).values()}
    assert thresholds == {0.5 if data == 'k400' else None}


@every_config
def test_the_recipe_is_pyskls(path):
    found, data = recipe(path), data_of(path)
    fine_tuned = data in ('ucf101', 'hmdb51')
    decay = 1e-4 if data in ('k400', 'diving48', 'hmdb51') else 3e-4
    lr, clips, epochs = (0.01, 128, 12) if fine_tuned else (0.4, 256, 24)
    assert found.optimizer == dict(type='SGD', lr=lr, momentum=0.9, weight_decay=decay)
    assert (found.auto_scale_lr.base_batch_size, found.total_epochs) == (clips, epochs)
    assert found.data.train['times'] == 10 and found.data.videos_per_gpu * 8 == clips
    clip = found.optimizer_config.grad_clip
    assert (clip.max_norm, clip.norm_type) == (40, 2)
    if fine_tuned:
        assert found.lr_config == LrConfig('step', step=[9, 11])
        assert found.load_from.endswith('/k400_posec3d-041f49c6.pth')
    else:
        assert found.lr_config == LrConfig('CosineAnnealing', by_epoch=False, min_lr=0)
        assert found.load_from is None
    assert found.evaluation.metric_names == ('top1_acc', 'top5_acc', 'mean_class_accuracy')
    rare = [1.0] * 60 + [2.0] * 60 if path.parent.name == 'slowonly_r50_ntu120_xsub' else None
    assert splits_of(found)['train'].get('class_prob') == rare


# -- networks --------------------------------------------------------------------------------------


BACKBONES = {'slowonly': 1_994_080, 'c3d_light': 3_389_472, 'x3d_shallow': 241_488}


@cache
def _size(model: str) -> tuple[int, int]:
    built = build_model(json.loads(model))
    assert not hasattr(built.cls_head, 'fc_emb')
    return tuple(sum(p.numel() for p in part.parameters()) for part in (built.backbone, built))


@every_config
def test_every_model_can_be_built_and_has_the_published_size(path):
    model, _ = recipe(path).model_config()
    backbone, whole = _size(json.dumps(model))
    blocks = model['backbone'].get('stage_blocks')
    network = next(name for name in BACKBONES if path.parent.name.startswith(name))
    is_463 = '346' not in path.parent.name and not path.parent.name.endswith('k400p')
    if network == 'slowonly':
        assert tuple(blocks) == ((4, 6, 3) if is_463 else (3, 4, 6))
    if is_463:
        assert backbone == BACKBONES[network]
    width = model['cls_head']['in_channels']
    assert whole - backbone == model['cls_head']['num_classes'] * (width + 1)


# -- pipelines -------------------------------------------------------------------------------------


PUBLISHED = published_stages('pipelines.json')
XSUB = 'posec3d/slowonly_r50_ntu60_xsub'


@every_config
def test_the_pipelines_are_pyskls_stage_by_stage(path):
    name = name_of(path).removesuffix('.py')
    for split, found in stages_of(path).items():
        assert found == PUBLISHED.get(f'{name}:{split}', found), split


def test_the_copied_pipelines_cover_the_shipped_ones_but_for_some_of_limbs():
    names = {f'{name_of(p).removesuffix(".py")}:{s}' for p in POSEC3D_CONFIGS for s in SPLITS}
    assert set(PUBLISHED) < names
    lacking = {use.partition('/')[2] for use in names - set(PUBLISHED)}
    assert all(re.search(r'/limb:(train|test)|ntu120_\w+/joint:test', use) for use in lacking)
    assert len(lacking) == 13


def with_target(steps: list, **changes: Any) -> list:
    return [
        [kind, {**given, **changes} if kind == 'GeneratePoseTarget' else given]
        for kind, given in steps
    ]


@every_config
def test_limbs_differ_from_joints_in_what_is_drawn_alone(path):
    """So the pipelines that no copy covers follow from those that one does."""
    if path.stem == 'limb':
        limbs, joints = stages_of(path), stages_of(path.with_name('joint.py'))
        for split in SPLITS:
            copied = PUBLISHED[f'{XSUB}/limb:{"test" if split == "test" else "val"}']
            drawn = dict(copied)['GeneratePoseTarget']
            assert limbs[split] == with_target(joints[split], **drawn)
    elif 'ntu120' in path.parent.name:  # limbs in spite of the name, in the test, too
        joints = PUBLISHED[f'{XSUB}/joint:test']
        assert stages_of(path)['test'] == with_target(joints, with_kp=False, with_limb=True)
