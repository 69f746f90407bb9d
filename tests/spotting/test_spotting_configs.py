"""The shipped configs that spot: they fit their networks, and name windows and background alike."""

from __future__ import annotations

import pytest
from config_files import CONFIGS

from pyskl.datasets.pipelines import Compose
from pyskl.models import build_model
from pyskl.recipe import load_config, read_recipe

PATHS = sorted((CONFIGS / 'spotting').glob('*.py'))
SPLITS = ('train', 'val', 'test')


def recipe(path):
    return read_recipe(load_config(path))


@pytest.mark.parametrize('path', PATHS, ids=lambda p: p.stem)
def test_a_spotting_config_can_train_and_spot(path):
    found = recipe(path)
    found.require('model', 'data.train', 'data.val', 'data.test', 'optimizer', 'total_epochs')
    model = build_model(found.model)
    for split in SPLITS:
        dataset = getattr(found.data, split)
        Compose(dataset['pipeline'])
        assert dataset['num_classes'] == model.cls_head.num_classes == dataset['background'] + 1
    windows = [(d['lengths'], d['stride'], d['fps']) for d in (found.data.val, found.data.test)]
    assert windows[0] == windows[1] and found.notes == ()


def test_nobody_is_in_two_parts_of_smg():
    data = recipe(CONFIGS / 'spotting' / 'smg.py').data
    assert sorted(data.train['without']) == sorted(data.val['only'] + data.test['only'])
    assert not set(data.val['only']) & set(data.test['only'])
