"""Whatever is wrong with a config is told in one message, each fault once."""

from __future__ import annotations

from pathlib import Path

import pytest

import pyskl.datasets
import pyskl.models  # noqa: F401 (fills the registries)
from pyskl.errors import ConfigError, Faults
from pyskl.recipe import load_config, read_recipe

USER_COPY = Path(__file__).parents[1] / 'inputs' / 'user_copy.py'


def changed(**options) -> dict:
    return load_config(USER_COPY, {key.replace('__', '.'): value for key, value in options.items()})


def faults_of(cfg, **how) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_recipe(cfg, **how)
    return list(caught.value.messages)


def test_faults_of_all_sections_come_together():
    values = changed(
        model__backbone__depht=50,
        model__cls_head__num_classes='32',
        data__train__dataset__pipeline__0__clip_len='48',
        data__train__dataset__pipeline__5__type='Resizee',
        data__val__pipeline__3__scale=None,
        data__test__spilt='test',
        data__videos_per_gpu=0,
        optimizer__momentun=0.9,
        optimizer__weight_decay='x',
        lr_config__policy='CosinAnnealing',
        evaluation__metrics=['top_k_acuracy'],
    )
    values = dict(values._cfg_dict, log_levl='INFO', fp16=dict(loss_scale=512.0))
    del values['log_level']
    lines = faults_of(values)
    for words in (
        ('model.backbone', "'depht'"),
        ('model.cls_head (I3DHead).num_classes', "'32'"),
        ('data.train.dataset.pipeline[0]', 'clip_len'),
        ('data.train.dataset.pipeline[5]', 'Did you mean Resize?'),
        ('data.val.pipeline[3]', 'scale'),
        ('data.test', 'Did you mean split?'),
        ('data.videos_per_gpu = 0', 'at least 1'),
        ('optimizer (SGD)', 'Did you mean momentum?'),
        ('optimizer (SGD).weight_decay', 'a number'),
        ('lr_config.policy', 'Did you mean CosineAnnealing?'),
        ('evaluation', 'top_k_accuracy?'),
        ("'log_levl'", 'Did you mean log_level?'),
        ('fp16', '--amp fp16'),
    ):
        assert sum(all(word in line for word in words) for line in lines) == 1, (words, lines)
    assert len(lines) == 13 and all(line.startswith('config: ') for line in lines)


def test_what_does_not_belong_together_is_told_beside_what_cannot_be_built():
    values = changed(
        data__val__num_classes=5,
        data__test__pipeline__6__keys=['label'],
        data__test__pipeline__7__keys=['label'],
        data__train__dataset__pipeline__0__clip_len=0,
    )
    lines = faults_of(values)
    for words in ('data.val.num_classes = 5', "does not collect 'imgs'", 'clip_len = 0'):
        assert sum(words in line for line in lines) == 1, words


@pytest.mark.parametrize(
    ('model', 'others'), [(dict(model__backbone__dept=50), 1), (dict(model=None), 0)]
)
def test_an_unknown_figure_is_told_without_a_sound_model(model, others):
    lines = faults_of(changed(evaluation__save_best='nonsense', **model))
    assert sum("save_best = 'nonsense'" in line for line in lines) == 1
    assert len(lines) == 1 + others


def test_missing_keys_are_all_named():
    missing = ['model', 'optimizer', 'data.train']
    with pytest.raises(ConfigError) as caught:
        read_recipe({}).require(*missing)
    assert [line.split()[1] for line in caught.value.messages] == missing


def test_wrong_options_are_all_named():
    with pytest.raises(ConfigError) as caught:
        changed(modle__x=1, data__train__dataset__pipeline__99__x=1)
    assert len(caught.value.messages) == 2


def test_one_fault_alone_is_as_it_was():
    faults = Faults()
    faults.raise_any()
    for _ in range(2):
        with faults:
            raise ConfigError('a.py: wrong')
    with pytest.raises(ConfigError, match=r'^a\.py: wrong$'):
        faults.raise_any()
    with pytest.raises(ValueError, match='other'), faults:
        raise ValueError('other')


@pytest.mark.parametrize(
    'train', [5, dict(type='NoSuchData'), dict(type='PoseDataset', pipeline=[dict(type='X')])]
)
def test_a_test_asks_nothing_of_the_training_data(train):
    values = dict(changed()._cfg_dict)
    values['data'] = {**values['data'], 'train': train}
    data = read_recipe(values, splits=('test',)).data
    assert data.train is None and data.val is None and data.test['split'] == 'test'
    assert faults_of(values)


@pytest.mark.parametrize(
    ('kind', 'name'),
    [('backbone', 'AGCN'), ('backbone', 'SwinTransformer3D'), ('cls_head', 'TSMHead')],
)
def test_a_network_that_is_not_here_is_said_to_be_elsewhere(kind, name):
    (line,) = faults_of(changed(**{f'model__{kind}__type': name}))
    assert f'model.{kind}.type = {name!r}' in line and 'Did you mean' not in line


def test_a_recognizer_is_made_without_a_look_at_the_training_data():
    from pyskl.apis import init_recognizer

    backbone = dict(base_channels=1, stage_blocks=(1, 1, 1))
    small = {f'model.backbone.{key}': value for key, value in backbone.items()}
    cfg = load_config(USER_COPY, {**small, 'model.cls_head.in_channels': 16})
    cfg._cfg_dict['data']['train'] = dict(type='NoSuchData')
    assert init_recognizer(cfg, device='cpu').cls_head.num_classes == 32
