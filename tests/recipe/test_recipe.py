"""From configs to recipes: old configs, defaults, comparison of results, writing."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from mmengine.config import Config

import pyskl.datasets  # noqa: F401 (fills the registries)
import pyskl.models  # noqa: F401
from pyskl.errors import ConfigError
from pyskl.recipe import (
    SPLITS,
    LrConfig,
    differences,
    dump_config,
    load_config,
    read_recipe,
)

USER_COPY = Path(__file__).parents[1] / 'inputs' / 'user_copy.py'


@pytest.fixture
def user_copy() -> Config:
    return load_config(USER_COPY)


def read(**keys):
    return read_recipe(Config(keys, filename=str(USER_COPY)))


# -- an old config ---------------------------------------------------------------------------------


def test_a_users_old_config_is_read_unchanged(user_copy):
    recipe = read_recipe(user_copy)
    assert recipe.optimizer == dict(type='SGD', lr=0.4 / 6, momentum=0.9, weight_decay=0.0003)
    assert recipe.lr_config == LrConfig('CosineAnnealing', by_epoch=False, min_lr=0)
    assert recipe.optimizer_config.grad_clip.max_norm == 40
    assert (recipe.total_epochs, recipe.work_dir) == (100, './work_dirs/mine')
    assert recipe.checkpoint_config.interval == recipe.evaluation.start == 10
    assert (recipe.evaluation.save_best, recipe.evaluation.rule) == ('top1_acc', 'greater')
    assert recipe.evaluation.metric_names == ('top1_acc', 'top5_acc', 'mean_class_accuracy')
    hooks = [hook['type'] for hook in recipe.log_config.hooks]
    assert hooks == ['TextLoggerHook', 'TensorboardLoggerHook']
    assert not recipe.find_unused_parameters and not recipe.auto_resume and recipe.cudnn_benchmark
    loaders = [recipe.data.loader(split).videos_per_gpu for split in SPLITS]
    assert loaders == [16, 8, 1]
    assert recipe.data.train['dataset']['pipeline'][3] == dict(type='Resize', scale=(-1, 64))


def test_keys_that_nothing_needs_any_more_are_said_so(user_copy):
    notes = [note.split()[1] for note in read_recipe(user_copy).notes]
    assert notes == ['memcached', 'mc_cfg', 'gpu_ids']
    assert read(memcached=False).notes == ()


def test_a_helper_name_that_looks_like_a_key_beside_it_is_noted():
    (note,) = read(optimizer=dict(type='SGD', lr=1), optimzer=dict(lr=1)).notes
    assert 'Did you mean optimizer?' in note
    assert read(my_lr=1).notes == ()


# -- defaults --------------------------------------------------------------------------------------


def test_an_empty_config_has_every_default():
    recipe = read()
    assert recipe.auto_resume is True and recipe.seed is None and recipe.log_level == 'INFO'
    assert recipe.work_dir == './work_dirs/user_copy'
    assert recipe.data.loader('train').shuffle and not recipe.data.loader('test').shuffle
    assert recipe.evaluation.best_metric == 'top1_acc'


def test_the_runner_may_give_the_epochs():
    assert read(runner=dict(type='EpochBasedRunner', max_epochs=7)).total_epochs == 7
    assert read(runner=dict(max_epochs=7), total_epochs=7).total_epochs == 7


def test_cosine_without_an_end_goes_to_zero_and_steps_decay_tenfold():
    assert read(lr_config=dict(policy='CosineAnnealing')).lr_config.min_lr == 0
    of_ratio = read(lr_config=dict(policy='CosineAnnealing', min_lr_ratio=0.01)).lr_config
    assert of_ratio.min_lr is None
    assert read(lr_config=dict(policy='step', step=[3, 5])).lr_config.gamma == 0.1


def test_one_metric_and_one_k_may_stand_alone():
    evaluation = read(evaluation=dict(metrics='top_k_accuracy', topk=3)).evaluation
    assert evaluation.metric_names == ('top3_acc',) and evaluation.best_metric == 'top3_acc'
    assert read(evaluation=dict(save_best=None)).evaluation.best_metric is None


def test_helper_names_are_the_configs_own_business():
    read(left_kp=[1], my_model=dict(a=1), train_pipeline=[], dataset_type='X', lr=0.1, epochs=3)
    test_cfg = dict(average_clips='score')
    read(test_cfg=test_cfg, model={**load_config(USER_COPY).model.to_dict(), 'test_cfg': test_cfg})


# -- comparing runs --------------------------------------------------------------------------------


def test_what_does_not_change_the_weights_may_differ(user_copy):
    same = load_config(
        USER_COPY,
        {
            'work_dir': 'elsewhere',
            'log_config.interval': 1,
            'data.workers_per_gpu': 9,
            'log_level': 'ERROR',
            'auto_resume': True,
            'checkpoint_config.interval': 3,
            'evaluation.interval': 5,
            'data.val_dataloader.videos_per_gpu': 1,
            'dist_params.backend': 'gloo',
            'cudnn_benchmark': False,
            'data.test.split': None,
            'find_unused_parameters': True,
            'resume_from': 'epoch_3.pth',
        },
    )
    assert differences(read_recipe(user_copy).results(), read_recipe(same).results()) == []


@pytest.mark.parametrize(
    ('option', 'line'),
    [
        ('optimizer.lr=0.2', 'optimizer.lr: 0.06666666666666667 -> 0.2'),
        ('optimizer.nesterov=True', 'optimizer.nesterov: not given -> True'),
        ('total_epochs=50', 'total_epochs: 100 -> 50'),
        ('seed=1', 'seed: None -> 1'),
        (
            'optimizer_config.grad_clip=None',
            "optimizer_config.grad_clip: {'max_norm': 40, 'norm_type': 2} -> None",
        ),
        ('lr_config.min_lr=0.1', 'lr_config.min_lr: 0 -> 0.1'),
        ('data.train_dataloader.videos_per_gpu=4', 'data.videos_per_gpu: 16 -> 4'),
        (
            'data.train.dataset.pipeline.0.clip_len=32',
            'data.train.dataset.pipeline[0].clip_len: 48 -> 32',
        ),
        (
            'data.train.dataset.pipeline.3.scale=(-1,32)',
            'data.train.dataset.pipeline[3].scale[1]: 64 -> 32',
        ),
        ('model.backbone.stage_blocks=[3,4]', 'model.backbone.stage_blocks: [4, 6, 3] -> [3, 4]'),
        ('deterministic=true', 'deterministic: False -> True'),
        ('load_from=a.pth', "load_from: None -> 'a.pth'"),
    ],
)
def test_a_setting_that_changes_the_weights_is_named(user_copy, option, line):
    changed = load_config(USER_COPY, [option])
    lines = differences(read_recipe(user_copy).results(), read_recipe(changed).results())
    assert lines == [line]


def test_lists_and_tuples_are_the_same_setting_but_true_is_not_one():
    assert differences({'a': (1, 2)}, {'a': [1, 2]}) == []
    assert differences({'a': float('nan')}, {'a': float('nan')}) == []
    assert differences({'a': True}, {'a': 1}) == ['a: True -> 1']


def test_results_survive_json_and_a_weights_only_checkpoint(user_copy, tmp_path):
    results = read_recipe(user_copy).results()
    torch.save(results, tmp_path / 'x.pth')
    assert differences(results, torch.load(tmp_path / 'x.pth', weights_only=True)) == []
    assert differences(results, json.loads(json.dumps(results))) == []


# -- writing ---------------------------------------------------------------------------------------


def test_a_written_config_and_the_effective_one_are_read_back(user_copy, tmp_path):
    again = tmp_path / 'again.py'
    again.write_text(dump_config(user_copy))
    assert load_config(again).to_dict() == user_copy.to_dict()
    assert max(map(len, again.read_text().splitlines())) <= 120

    recipe = read_recipe(user_copy)
    again.write_text(dump_config(recipe.effective()))
    found = read_recipe(load_config(again))
    assert differences(recipe.effective(), found.effective()) == []
    assert found.lr_config == recipe.lr_config and found.evaluation == recipe.evaluation
    assert all(found.data.loader(split) == recipe.data.loader(split) for split in SPLITS)


def test_the_effective_config_names_the_defaults_of_components(user_copy):
    effective = read_recipe(user_copy).effective()
    assert effective['model']['cls_head']['loss_emb'] == dict(type='MseLoss', loss_weight=20.0)
    assert effective['model']['backbone']['depth'] == 50
    assert effective['data']['train']['dataset']['pipeline'][6]['direction'] == 'horizontal'
    assert effective['auto_resume'] is False and effective['seed'] is None


plain_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.just('class'), inner)
    ),
    max_leaves=30,
)


@given(plain_values)
@example({'µ': 1})
def test_any_plain_value_is_written_so_that_python_reads_it_back(value):
    space: dict = {}
    exec(dump_config({'x': value}), space)
    assert space['x'] == value and type(space['x']) is type(value)


def test_numbers_that_are_not_finite_are_written_too():
    space: dict = {}
    exec(dump_config({'x': [math.inf, -math.inf, math.nan]}), space)
    assert space['x'][:2] == [math.inf, -math.inf] and math.isnan(space['x'][2])


def test_numpy_values_ranges_and_paths_become_plain():
    given = [np.float32(0.5), np.arange(3), range(2), Path('x') / 'y', (np.int64(3), np.inf)]
    space: dict = {}
    exec(dump_config({'x': given}), space)
    assert space['x'] == [0.5, [0, 1, 2], [0, 1], 'x/y', (3, math.inf)]


@pytest.mark.parametrize('value', [object(), len, {'a': {('x',): 1}}, np.array([object()])])
def test_a_value_that_cannot_be_written_is_named(value):
    with pytest.raises(ConfigError, match='config.x.*object'):
        dump_config({'x': value})


def test_a_value_that_contains_itself_is_named():
    circle: list = []
    circle.append(circle)
    with pytest.raises(ConfigError, match='contain itself'):
        dump_config({'x': circle})


def test_validation_keeps_its_workers_only_when_asked_to():
    data = read().data
    assert data.loader('train').persistent_workers and not data.loader('val').persistent_workers
    asked = read(data=dict(val_dataloader=dict(persistent_workers=True))).data
    assert asked.loader('val').persistent_workers
