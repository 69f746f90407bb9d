"""configs/longtail and configs/zero_shot: each changes one thing of the joint stream."""

import numpy as np
import pytest
import torch
from config_files import CONFIGS

from pyskl.datasets import Compose
from pyskl.models import build_model
from pyskl.recipe import differences, load_config, read_recipe

BASE = read_recipe(load_config(CONFIGS / 'ablation' / 'joint.py'))
CHANGES = {
    'balanced_sampling': ["data.train.class_prob: not given -> 'balanced'"],
    'sqrt_sampling': ["data.train.class_prob: not given -> 'sqrt'"],
    'effective_weights': [
        "model.cls_head.loss_cls: not given -> {'type': 'CrossEntropyLoss', 'class_weight': "
        "'effective', 'beta': 0.999}"
    ],
    'sqrt_weights': [
        "model.cls_head.loss_cls: not given -> {'type': 'CrossEntropyLoss', 'class_weight': 'sqrt'}"
    ],
    'focal': ["model.cls_head.loss_cls: not given -> {'type': 'FocalLoss', 'gamma': 2.0}"],
    'logit_adjustment': [
        "model.cls_head.loss_cls: not given -> {'type': 'LogitAdjustedLoss', 'tau': 1.0}"
    ],
    'label_smoothing': ['model.cls_head.label_smooth_eps: not given -> 0.1'],
    'mixup': ["model.train_cfg: not given -> {'mixup': 0.2}"],
    'cutmix': ["model.train_cfg: not given -> {'cutmix': 1.0, 'prob': 0.5}"],
    'ema': ["ema: not given -> {'decay': 0.98, 'warmup': True}"],
}
STEPS = {
    'joint_dropout': ('PoseDecode', 'JointDropout'),
    'shift_scale': ('PoseCompact', 'ShiftScale'),
    'frame_jitter': ('UniformSampleFrames', 'FrameJitter'),
}


def recipe(name):
    return read_recipe(load_config(CONFIGS / 'longtail' / f'{name}.py'))


def test_every_item_of_the_long_tail_has_its_config():
    assert {path.stem for path in (CONFIGS / 'longtail').glob('*.py')} == {*CHANGES, *STEPS}


@pytest.mark.parametrize('name', CHANGES)
def test_a_config_changes_what_it_says_and_nothing_else(name):
    assert differences(BASE.results(), recipe(name).results()) == CHANGES[name]


@pytest.mark.parametrize('name', STEPS)
def test_a_config_adds_one_step_in_its_place(name):
    before, step = STEPS[name]
    steps = [item['type'] for item in recipe(name).data.train['pipeline']]
    assert steps[steps.index(before) + 1] == step
    steps.remove(step)
    assert steps == [item['type'] for item in BASE.data.train['pipeline']]
    Compose(recipe(name).data.train['pipeline'])
    assert recipe(name).data.test == BASE.data.test


@pytest.mark.parametrize('name', [*CHANGES, *STEPS, '../zero_shot/joint'])
def test_the_paper_is_named_and_the_network_learns(name):
    assert 'arXiv:' in (CONFIGS / 'longtail' / f'{name}.py').read_text()
    torch.manual_seed(0)
    model = build_model(recipe(name).model)
    rng = np.random.default_rng(0)
    table = rng.normal(size=(32, 300)).astype(np.float32)
    model.cls_head.learn_labels(np.where(np.arange(32) % 4 == 2, 0, 1 + np.arange(32)), table)
    label = torch.tensor([0, 31])
    imgs = torch.rand(2, 1, 22, 2, 16, 16)
    losses = model(imgs=imgs, label=label, emb=torch.from_numpy(table)[label])
    (losses['loss_cls'] + losses['loss_emb']).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_the_zero_shot_config_keeps_unseen_classes_apart():
    found = recipe('../zero_shot/joint')
    unseen = list(range(2, 32, 4))
    tested = [data['only_classes'] for data in (found.data.val, found.data.test)]
    assert [found.data.train['without_classes'], *tested] == [unseen] * 3
    assert found.model['test_cfg']['classes'] == unseen and found.evaluation.best_metric is None
