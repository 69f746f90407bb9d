"""Every wrong setting is one message with the file, the key, what was expected, a near miss."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from config_files import DELETE, paths_in, with_value
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mmengine.config import Config

import pyskl.datasets  # noqa: F401 (fills the registries)
import pyskl.models  # noqa: F401
from pyskl.errors import ConfigError
from pyskl.recipe import load_config, read_recipe
from pyskl.recipe.settings import TopLevel
from pyskl.recipe.settings_base import hints_of

USER_COPY = load_config(Path(__file__).parents[1] / 'inputs' / 'user_copy.py').to_dict()
TOP_LEVEL = sorted(hints_of(TopLevel))


def with_changes(changes: dict) -> Config:
    """The user's config with dotted paths set to any value, or deleted."""
    values = USER_COPY
    for path, value in changes.items():
        values = with_value(values, path.split('.'), value)
    return Config(values, cfg_text='#', filename='configs/joint.py')


DATA = 'data.train.dataset.pipeline'
NO_EMB = {
    f'{place}.{i}.keys': keys
    for place, last in ((DATA, 9), ('data.val.pipeline', 6), ('data.test.pipeline', 6))
    for i, keys in ((last, ['imgs', 'label']), (last + 1, ['imgs', 'label']))
}

# A value of a wrong type or out of range, which the message quotes behind the key's name.
WRONG_VALUES = [
    ('total_epochs', 0),
    ('total_epochs', 2.5),
    ('load_from', ['a.pth']),
    ('cudnn_benchmark', 1),
    ('seed', -1),
    ('seed', 2**32),
    ('workflow', 'train'),
    ('auto_scale_lr.base_batch_size', 0),
    ('data', 5),
    ('data.videos_per_gpu', '16'),
    ('data.workers_per_gpu', -1),
    ('data.test_dataloader.shuffle', True),
    ('data.train_dataloader.prefetch_factor', 0),
    ('data.val', 'data/val.pkl'),
    ('data.val.num_classes', 5),
    ('data.train.times', 'two'),
    ('data.train.dataset.split', 5),
    ('data.val.pipeline', 'val_pipeline'),
    (f'{DATA}.6', 'Flip'),
    (f'{DATA}.0.clip_len', '48'),
    ('model', []),
    ('model.backbone.in_channels', 2.5),
    ('optimizer', 'SGD'),
    ('optimizer.lr', float('nan')),
    ('optimizer.lr', '0.4/6'),
    ('optimizer_config.grad_clip.max_norm', 0),
    ('optimizer_config.grad_clip', 40),
    ('lr_config.by_epoch', 'False'),
    ('lr_config.min_lr', -1),
    ('checkpoint_config.interval', 0),
    ('evaluation.start', -1),
    ('log_config.interval', 0),
    ('log_config.hooks', dict(type='TextLoggerHook')),
    ('log_config.hooks.1.log_dir', 3),
]
# A misspelt value, and the one that the message proposes.
MISSPELT_VALUES = [
    ('runner.type', 'IterBasedRunner', 'EpochBasedRunner'),
    ('log_level', 'INF', 'INFO'),
    ('dist_params.backend', 'ncl', 'nccl'),
    ('data.val.type', 'PosDataset', 'PoseDataset'),
    (f'{DATA}.6.type', 'Flp', 'Flip'),
    ('model.type', 'Recogniser3D', 'Recognizer3D'),
    ('model.backbone.type', 'ResNet3DSlowonly', 'ResNet3dSlowOnly'),
    ('model.cls_head.loss_emb.type', 'MSELos', 'MseLoss'),
    ('optimizer.type', 'SDG', 'SGD'),
    ('lr_config.policy', 'CosinAnnealing', 'CosineAnnealing'),
    ('lr_config.warmup', 'liner', 'linear'),
    ('evaluation.save_best', 'top2_acc', 'top1_acc'),
    ('evaluation.rule', 'more', 'greater'),
    ('log_config.hooks.0.type', 'TextLogerHook', 'TextLoggerHook'),
    ('log_config.hooks.1.type', 'PaviLoggerHook', 'TensorboardLoggerHook'),
]
# A misspelt key beside the right ones, and the one that the message proposes.
MISSPELT_KEYS = [
    ('data.video_per_gpu', 'videos_per_gpu'),
    ('data.val_dataloader.batch_size', 'videos_per_gpu'),
    ('data.val.anno_file', 'ann_file'),
    (f'{DATA}.6.flip_rate', 'flip_ratio'),
    ('model.backbone.dept', 'depth'),
    ('model.cls_head.num_class', 'num_classes'),
    ('optimizer.weigth_decay', 'weight_decay'),
    ('optimizer_config.grad_clip.max_nrom', 'max_norm'),
    ('optimizer_config.type', 'grad_clip'),
    ('checkpoint_config.max_keep_ckpt', 'max_keep_ckpts'),
    ('evaluation.intervall', 'interval'),
    ('log_config.hooks.1.logdir', 'log_dir'),
]
MISSING = [
    'data.val.ann_file',
    f'{DATA}.0.clip_len',
    'model.cls_head',
    'optimizer.lr',
    'lr_config.policy',
]
# Other changes, and words of the message.
STEPS = {'policy': 'step'}
WRONG = [
    ({'optimzer': 1, 'optimizer': DELETE}, "'optimzer' is unknown. Did you mean optimizer?"),
    ({'Work_Dir': 1, 'work_dir': DELETE}, "'Work_Dir' is unknown. Did you mean work_dir?"),
    ({'runner': dict(max_epochs=5)}, 'total_epochs = 100 and runner.max_epochs = 5'),
    ({'runner': dict()}, "runner: 'max_epochs' is missing"),
    ({'workflow': [('train', 1), ('val', 1)]}, "workflow = [('train', 1), ('val', 1)]"),
    ({'fp16': dict(loss_scale=512.0)}, '--amp fp16'),
    ({'custom_hooks': [dict(type='X')]}, 'custom_hooks'),
    ({'test_cfg': dict(average_clips='score')}, 'test_cfg belongs in model'),
    ({'train_dataloader': dict(batch_size=5)}, 'train_dataloader belongs in data'),
    ({'optim_wrapper': dict(optimizer=dict(type='SGD'))}, 'optim_wrapper'),
    ({f'{DATA}.9.keys': ['imgs', 'label']}, f"{DATA}[10] (ToTensor) needs 'emb'"),
    (
        {f'{DATA}.9.keys': ['imgs', 'emb'], f'{DATA}.10.keys': ['imgs']},
        f"{DATA}[9] (Collect) does not collect 'label'",
    ),
    (
        {f'{DATA}.9.keys': ['label'], f'{DATA}.10.keys': ['label']},
        f"{DATA}[9] (Collect) does not collect 'imgs'",
    ),
    (
        {**NO_EMB, 'model.cls_head.loss_emb': dict(type='MseLoss')},
        "no pipeline of this config collects 'emb'",
    ),
    ({'optimizer.type': DELETE}, "optimizer = {'lr'"),
    ({'optimizer.type': 'AdamW'}, "optimizer (AdamW): unknown argument 'momentum'"),
    ({'optimizer.lr': -0.1}, 'optimizer (SGD): Invalid learning rate: -0.1'),
    ({'optimizer.nesterov': True, 'optimizer.momentum': 0}, 'optimizer (SGD): Nesterov'),
    ({'optimizer': dict(type='Adam', lr=0.1, betas=(0.9,))}, 'optimizer (Adam)'),
    ({'optimizer.params': []}, "optimizer: 'params' is given by the program"),
    ({'optimizer.paramwise_cfg': dict(norm_decay_mult=0)}, 'optimizer.paramwise_cfg'),
    ({'lr_config.min_lr_ratio': 0.1}, 'lr_config: min_lr and min_lr_ratio'),
    ({'lr_config.step': [5]}, "lr_config: 'step' belongs to policy='step'"),
    ({'lr_config': STEPS}, "lr_config: 'step' is missing"),
    ({'lr_config': {**STEPS, 'step': [5, 3]}}, 'lr_config: step = [5, 3]'),
    ({'lr_config': {**STEPS, 'step': [0]}}, 'lr_config.step[0] = 0'),
    ({'lr_config': {**STEPS, 'step': []}}, 'lr_config: step = []'),
    ({'lr_config.warmup': 'linear'}, 'lr_config: warmup'),
    ({'lr_config.warmup_iters': 500}, 'lr_config: warmup_iters = 500 without warmup'),
    ({'evaluation.metrics': ['top_k_acuracy']}, 'Did you mean top_k_accuracy?'),
    ({'evaluation.metrics': []}, 'evaluation: metrics'),
    ({'evaluation.topk': (1, 0)}, 'evaluation.topk[1] = 0'),
]


def told(changes: dict) -> str:
    with pytest.raises(ConfigError) as caught:
        read_recipe(with_changes(changes))
    assert str(caught.value).startswith('joint.py: ')
    return str(caught.value)


def place_and_key(path: str) -> tuple[str, str]:
    """Return where a key stands, as messages write it, and the key."""
    place, _, key = path.rpartition('.')
    return re.sub(r'\.(\d+)', r'[\1]', place), f'[{key}]' if key.isdigit() else key


@pytest.mark.parametrize(('path', 'value'), WRONG_VALUES)
def test_a_wrong_value_is_named_with_its_file_and_place(path, value):
    place, key = place_and_key(path)
    message = told({path: value})
    assert place in message and f'{key} = {value!r}' in message


@pytest.mark.parametrize(('path', 'value', 'near'), MISSPELT_VALUES)
def test_a_misspelt_value_is_named_with_the_nearest(path, value, near):
    place, key = place_and_key(path)
    message = told({path: value})
    assert place in message and f'{key} = {value!r}' in message and near in message


@pytest.mark.parametrize(('path', 'near'), MISSPELT_KEYS)
def test_a_misspelt_key_is_named_with_the_nearest(path, near):
    place, key = place_and_key(path)
    message = told({path: 1})
    assert place in message and f'unknown argument {key!r}' in message and near in message


@pytest.mark.parametrize('path', MISSING)
def test_a_missing_key_is_named(path):
    place, key = place_and_key(path)
    message = told({path: DELETE})
    assert place in message and f'{key!r} is missing' in message


@pytest.mark.parametrize(('changes', 'words'), WRONG)
def test_what_does_not_belong_together_is_named(changes, words):
    assert words in told(changes)


def test_a_head_without_embeddings_needs_no_emb():
    read_recipe(with_changes({'model.cls_head.loss_emb': None, **NO_EMB}))


@pytest.mark.parametrize(
    ('changes', 'weights', 'embeds'),
    [
        ({}, None, True),
        (NO_EMB, None, False),  # by the pipelines
        ({}, ['cls_head.fc_cls.weight'], False),
        (NO_EMB, ['cls_head.emb_fc.weight'], True),  # by a checkpoint's weights
        ({}, ['module.cls_head.emb_fc.weight'], True),
        ({'model.cls_head.loss_emb': None}, ['cls_head.emb_fc.weight'], False),
    ],
)  # the config says it
def test_a_head_that_does_not_say_gets_an_embedding_where_there_is_one(changes, weights, embeds):
    model, note = read_recipe(with_changes(changes)).model_config(weights)
    assert (model['cls_head'].get('loss_emb', 'default') is not None) == embeds
    assert (note is None) == ('model.cls_head.loss_emb' in changes)


def test_names_of_helpers_may_be_near_a_key_that_is_there():
    read_recipe(with_changes({'optimizers': 1, 'models': 2, 'work_dirs': 3}))


# -- anything at all -------------------------------------------------------------------------------


PATHS = ['.'.join(map(str, path)) for path in paths_in(USER_COPY) if {*path[:1]} & {*TOP_LEVEL}]
WORDS = sorted(
    {part for path in PATHS for part in path.split('.')} | {'SGD', 'Flip', 'step', 'top1_acc'}
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(WORDS)
    | st.sampled_from([10**400, -(10**400), 2**63, 'nan'])
    | st.binary(max_size=2)
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from(WORDS) | scalars, inner, max_size=3)
        | st.dictionaries(st.just('type'), inner, max_size=1)
    ),
    max_leaves=8,
)
mistakes = st.dictionaries(
    st.sampled_from(PATHS)
    | st.builds('{}.{}'.format, st.sampled_from(PATHS), st.sampled_from(WORDS)),
    st.just(DELETE) | anything,
    min_size=1,
    max_size=3,
)


dicts = st.dictionaries(st.sampled_from(TOP_LEVEL) | scalars, anything, max_size=4)


def reads_or_says_what_is_wrong(make):
    try:
        cfg = make()
    except (KeyError, TypeError, AttributeError):
        return  # mmengine can't hold it; load_config says so (test_recipe_load.py)
    try:
        recipe = read_recipe(cfg)
    except ConfigError as error:
        assert str(error)
    else:
        recipe.results()
        recipe.effective()


quick = settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
thorough = settings(quick, max_examples=10_000, derandomize=False)


@quick
@given(mistakes)
@example({'optimizer.lr': 10**400})
@example({'data.val.pipeline.0.type': ['Flip']})
def test_a_config_with_any_mistake_gives_only_config_errors(changes):
    reads_or_says_what_is_wrong(lambda: with_changes(changes))


@quick
@given(dicts)
def test_any_dict_at_all_gives_only_config_errors(values):
    reads_or_says_what_is_wrong(lambda: values)


@pytest.mark.slow
@thorough
@given(mistakes)
def test_ten_thousand_configs_with_mistakes_give_only_config_errors(changes):
    reads_or_says_what_is_wrong(lambda: with_changes(changes))


@pytest.mark.slow
@thorough
@given(dicts)
def test_ten_thousand_dicts_give_only_config_errors(values):
    reads_or_says_what_is_wrong(lambda: values)
