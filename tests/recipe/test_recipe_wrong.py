"""Every wrong setting is one message with the file, the key, what was expected, a near miss."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mmengine.config import Config

import pyskl.datasets  # noqa: F401 (fills the registries)
import pyskl.models  # noqa: F401
from pyskl.errors import ConfigError
from pyskl.recipe import load_config, read_recipe
from pyskl.recipe.overrides import paths_of
from pyskl.recipe.settings import TopLevel
from pyskl.recipe.settings_base import hints_of

USER_COPY = load_config(Path(__file__).parents[1] / 'inputs' / 'user_copy.py').to_dict()
DELETE = object()


def with_changes(changes: dict) -> Config:
    """The user's config with dotted paths set to any value, or deleted."""

    def put(node, keys, value):
        if not keys:
            return value
        if isinstance(node, (list, tuple)):
            return type(node)(
                put(item, keys[1:], value) if str(i) == keys[0] else item
                for i, item in enumerate(node)
            )
        node = {
            **(node if isinstance(node, dict) else {}),
            keys[0]: put((node or {}).get(keys[0]), keys[1:], value),
        }
        return {k: v for k, v in node.items() if v is not DELETE}

    values = USER_COPY
    for path, value in changes.items():
        values = put(values, path.split('.'), value)
    return Config(values, cfg_text='#', filename='configs/joint.py')


STEP = {'policy': 'step', 'min_lr': None}
DATA = 'data.train.dataset.pipeline'
NO_EMB = {
    f'{place}.{i}.keys': keys
    for place, last in ((DATA, 9), ('data.val.pipeline', 6), ('data.test.pipeline', 6))
    for i, keys in ((last, ['imgs', 'label']), (last + 1, ['imgs', 'label']))
}

# what is changed, and words that the message must hold beside the file's name
WRONG = [
    # top level
    (
        {'optimzer': dict(type='SGD', lr=1), 'optimizer': DELETE},
        ["'optimzer' is unknown", 'Did you mean optimizer?'],
    ),
    ({'lr_confg': 1, 'lr_config': DELETE}, ["'lr_confg' is unknown", 'lr_config']),
    ({'total_epoch': 1, 'total_epochs': DELETE}, ["'total_epoch'", 'total_epochs']),
    ({'Work_Dir': 1, 'work_dir': DELETE}, ["'Work_Dir'", 'work_dir']),
    ({'total_epochs': 0}, ['total_epochs = 0', 'at least 1']),
    ({'total_epochs': 2.5}, ['total_epochs = 2.5', 'a whole number']),
    ({'total_epochs': '100'}, ["total_epochs = '100'", 'a whole number']),
    (
        {'runner': dict(type='EpochBasedRunner', max_epochs=5)},
        ['total_epochs = 100 and runner.max_epochs = 5 disagree'],
    ),
    (
        {'runner': dict(type='IterBasedRunner', max_epochs=5)},
        ["runner.type = 'IterBasedRunner' is unknown", 'EpochBasedRunner'],
    ),
    ({'runner': dict(type='EpochBasedRunner')}, ["runner: 'max_epochs' is missing"]),
    ({'log_level': 'INF'}, ["log_level = 'INF' is unknown", 'Did you mean INFO?']),
    ({'work_dir': 5}, ['work_dir = 5', 'a string']),
    ({'load_from': ['a.pth']}, ["load_from = ['a.pth']", 'a string']),
    ({'auto_resume': 'no'}, ["auto_resume = 'no'", 'True or False']),
    ({'cudnn_benchmark': 1}, ['cudnn_benchmark = 1', 'True or False']),
    ({'seed': -1}, ['seed = -1', 'at least 0']),
    ({'seed': 2**32}, ['seed = 4294967296', 'at most']),
    ({'workflow': [('train', 1), ('val', 1)]}, ['workflow', "only [('train', 1)]", 'evaluation']),
    ({'workflow': 'train'}, ["workflow = 'train'", 'a list']),
    (
        {'dist_params': dict(backend='ncl')},
        ["dist_params.backend = 'ncl' is unknown", 'Did you mean nccl?'],
    ),
    ({'dist_params': dict(port=5)}, ["dist_params: unknown argument 'port'"]),
    (
        {'auto_scale_lr': dict(base_batch_size=0)},
        ['auto_scale_lr.base_batch_size = 0', 'at least 1'],
    ),
    ({'auto_scale_lr': dict()}, ["auto_scale_lr: 'base_batch_size' is missing"]),
    ({'fp16': dict(loss_scale=512.0)}, ['fp16', '--amp fp16']),
    ({'custom_hooks': [dict(type='X')]}, ['custom_hooks', 'is not supported']),
    ({'test_cfg': dict(average_clips='score')}, ['test_cfg', 'belongs in model']),
    ({'train_dataloader': dict(batch_size=5)}, ['train_dataloader', 'belongs in data']),
    ({'optim_wrapper': dict(optimizer=dict(type='SGD'))}, ['optim_wrapper', 'older style']),
    # data
    ({'data': 5}, ['data = 5', 'a dict']),
    ({'data.videos_per_gpu': 0}, ['data.videos_per_gpu = 0', 'at least 1']),
    ({'data.videos_per_gpu': '16'}, ["data.videos_per_gpu = '16'", 'a whole number']),
    ({'data.workers_per_gpu': -1}, ['data.workers_per_gpu = -1', 'at least 0']),
    (
        {'data.video_per_gpu': 4},
        ["data: unknown argument 'video_per_gpu'", 'Did you mean videos_per_gpu?'],
    ),
    ({'data.samples_per_gpu': 4}, ["data: unknown argument 'samples_per_gpu'", 'videos_per_gpu']),
    (
        {'data.test_dataloader.shuffle': True},
        ['data.test_dataloader: shuffle = True', 'keep the order'],
    ),
    (
        {'data.val_dataloader.batch_size': 5},
        ["data.val_dataloader: unknown argument 'batch_size'", 'videos_per_gpu'],
    ),
    (
        {'data.train_dataloader.prefetch_factor': 0},
        ['data.train_dataloader.prefetch_factor = 0', 'at least 1'],
    ),
    ({'data.val': 'data/val.pkl'}, ["data.val = 'data/val.pkl'", 'a dict']),
    (
        {'data.val.type': 'PosDataset'},
        ["data.val.type = 'PosDataset' is not a known dataset", 'Did you mean PoseDataset?'],
    ),
    ({'data.val.ann_file': DELETE}, ["data.val (PoseDataset): 'ann_file' is missing"]),
    (
        {'data.val.anno_file': 'x'},
        ["data.val (PoseDataset): unknown argument 'anno_file'", 'Did you mean ann_file?'],
    ),
    ({'data.train.times': 'two'}, ["data.train (RepeatDataset).times = 'two'", 'a whole number']),
    ({'data.train.dataset.split': 5}, ['data.train.dataset (PoseDataset).split = 5', 'a string']),
    (
        {'data.val.num_classes': 5},
        ['data.val.num_classes = 5, but model.cls_head.num_classes = 32'],
    ),
    # pipelines
    (
        {f'{DATA}.6.type': 'Flp'},
        [f"{DATA}[6].type = 'Flp' is not a known pipeline stage", 'Did you mean Flip?'],
    ),
    ({f'{DATA}.6': 'Flip'}, [f"{DATA}[6] = 'Flip'", "a dict with a 'type'"]),
    (
        {f'{DATA}.6.flip_rate': 0.5},
        [f"{DATA}[6] (Flip): unknown argument 'flip_rate'", 'Did you mean flip_ratio?'],
    ),
    (
        {f'{DATA}.0.clip_len': '48'},
        [f"{DATA}[0] (UniformSampleFrames).clip_len = '48'", 'a whole number'],
    ),
    ({f'{DATA}.0.clip_len': DELETE}, [f"{DATA}[0] (UniformSampleFrames): 'clip_len' is missing"]),
    (
        {f'{DATA}.9.keys': ['imgs', 'label']},
        [f"{DATA}[10] (ToTensor) needs 'emb'; no earlier step gives it. Add it to Collect's keys."],
    ),
    (
        {f'{DATA}.9.keys': ['imgs', 'emb'], f'{DATA}.10.keys': ['imgs']},
        [f"{DATA}[9] (Collect) does not collect 'label'"],
    ),
    (
        {f'{DATA}.9.keys': ['label'], f'{DATA}.10.keys': ['label']},
        [f"{DATA}[9] (Collect) does not collect 'imgs'", 'Recognizer3D'],
    ),
    (
        {**NO_EMB, 'model.cls_head.loss_emb': dict(type='MseLoss')},
        ["no pipeline of this config collects 'emb'", 'loss_emb=None'],
    ),
    (
        {'data.val.pipeline': 'val_pipeline'},
        ["data.val (PoseDataset).pipeline = 'val_pipeline'", 'a list'],
    ),
    # model
    (
        {'model.type': 'Recogniser3D'},
        ["model.type = 'Recogniser3D' is not a known recognizer", 'Did you mean Recognizer3D?'],
    ),
    (
        {'model.backbone.type': 'ResNet3DSlowonly'},
        ['model.backbone.type', 'Did you mean ResNet3dSlowOnly?'],
    ),
    (
        {'model.backbone.dept': 50},
        ["model.backbone (ResNet3dSlowOnly): unknown argument 'dept'", 'Did you mean depth?'],
    ),
    (
        {'model.backbone.in_channels': 2.5},
        ['model.backbone (ResNet3dSlowOnly).in_channels = 2.5', 'a whole number'],
    ),
    (
        {'model.cls_head.num_class': 5},
        ["model.cls_head (I3DHead): unknown argument 'num_class'", 'Did you mean num_classes?'],
    ),
    (
        {'model.cls_head.loss_emb': dict(type='MSELos')},
        ["model.cls_head.loss_emb.type = 'MSELos'", 'Did you mean MseLoss?'],
    ),
    ({'model.cls_head': DELETE}, ["model (Recognizer3D): 'cls_head' is missing"]),
    ({'model': []}, ['model = []', 'a dict']),
    # optimizer
    ({'optimizer': 'SGD'}, ["optimizer = 'SGD'", 'a dict']),
    ({'optimizer.type': 'SDG'}, ["optimizer.type = 'SDG' is unknown", 'Did you mean SGD?']),
    ({'optimizer.type': DELETE}, ['optimizer = ', "a dict with a 'type'"]),
    ({'optimizer.type': 'AdamW'}, ["optimizer (AdamW): unknown argument 'momentum'", 'Known:']),
    ({'optimizer.lr': -0.1}, ['optimizer (SGD)', 'learning rate', '-0.1']),
    ({'optimizer.lr': float('nan')}, ['optimizer.lr = nan', 'a finite number']),
    ({'optimizer.lr': '0.4/6'}, ["lr = '0.4/6'", 'a number']),
    ({'optimizer.lr': DELETE}, ["optimizer: 'lr' is missing"]),
    ({'optimizer.weight_decay': -1}, ['optimizer (SGD)', 'weight_decay']),
    (
        {'optimizer.weigth_decay': 1e-4},
        ["unknown argument 'weigth_decay'", 'Did you mean weight_decay?'],
    ),
    ({'optimizer.nesterov': True, 'optimizer.momentum': 0}, ['optimizer (SGD)', 'Nesterov']),
    ({'optimizer': dict(type='Adam', lr=0.1, betas=(0.9,))}, ['optimizer (Adam)']),
    (
        {'optimizer': dict(type='Adam', lr=0.1, betas=('a', 0.9))},
        ['optimizer (Adam).betas', 'a list of 2: a number'],
    ),
    ({'optimizer.params': []}, ["optimizer: 'params' is given by the program"]),
    (
        {'optimizer.paramwise_cfg': dict(norm_decay_mult=0)},
        ['optimizer.paramwise_cfg is not supported'],
    ),
    (
        {'optimizer_config.grad_clip.max_nrom': 5},
        ["optimizer_config.grad_clip: unknown argument 'max_nrom'", 'max_norm?'],
    ),
    (
        {'optimizer_config.grad_clip.max_norm': 0},
        ['optimizer_config.grad_clip.max_norm = 0', 'more than 0'],
    ),
    (
        {'optimizer_config.grad_clip': 40},
        ['optimizer_config.grad_clip = 40', 'max_norm, norm_type'],
    ),
    ({'optimizer_config.type': 'Fp16OptimizerHook'}, ["optimizer_config: unknown argument 'type'"]),
    # lr_config
    (
        {'lr_config.policy': 'CosinAnnealing'},
        [
            "lr_config.policy = 'CosinAnnealing' is unknown. Known: CosineAnnealing, step. Did "
            'you mean CosineAnnealing?'
        ],
    ),
    ({'lr_config.policy': DELETE}, ["lr_config: 'policy' is missing"]),
    ({'lr_config.by_epoch': 'False'}, ["lr_config.by_epoch = 'False'", 'True or False']),
    ({'lr_config.min_lr': -1}, ['lr_config.min_lr = -1', 'at least 0']),
    ({'lr_config.min_lr_ratio': 0.1}, ['lr_config: min_lr and min_lr_ratio are both given']),
    ({'lr_config.step': [5]}, ["lr_config: 'step' belongs to policy='step'"]),
    ({'lr_config': dict(policy='step')}, ["lr_config: 'step' is missing", 'step=[90, 110]']),
    ({'lr_config': dict(policy='step', step=[5, 3])}, ['lr_config: step = [5, 3]', 'increasing']),
    ({'lr_config': dict(policy='step', step=[0])}, ['lr_config.step[0] = 0', 'at least 1']),
    ({'lr_config': dict(policy='step', step=[])}, ['lr_config: step = []', 'increasing']),
    (
        {'lr_config.warmup': 'liner', 'lr_config.warmup_iters': 5},
        ["lr_config.warmup = 'liner' is unknown", 'linear?'],
    ),
    ({'lr_config.warmup': 'linear'}, ['lr_config: warmup', 'warmup_iters']),
    (
        {'lr_config.warmup_iters': 500},
        ['lr_config: warmup_iters = 500 without warmup', "warmup='linear'"],
    ),
    (
        {'lr_config.warmup': 'linear', 'lr_config.warmup_iters': 5, 'lr_config.warmup_ratio': 0},
        ['lr_config.warmup_ratio = 0'],
    ),
    # checkpoint_config, evaluation, log_config
    ({'checkpoint_config.interval': 0}, ['checkpoint_config: interval = 0', 'at least 1, or -1']),
    ({'checkpoint_config.interval': 1.5}, ['checkpoint_config.interval = 1.5', 'a whole number']),
    (
        {'checkpoint_config.max_keep_ckpt': 3},
        ["checkpoint_config: unknown argument 'max_keep_ckpt'", 'max_keep_ckpts?'],
    ),
    (
        {'evaluation.metrics': ['top_k_acuracy']},
        ["evaluation: metrics = 'top_k_acuracy' is unknown", 'top_k_accuracy?'],
    ),
    ({'evaluation.metrics': []}, ['evaluation: metrics and topk must not be empty']),
    ({'evaluation.topk': (1, 0)}, ['evaluation.topk[1] = 0', 'at least 1']),
    (
        {'evaluation.save_best': 'top2_acc'},
        ["evaluation: save_best = 'top2_acc' is unknown", 'Known: auto, top1_acc'],
    ),
    ({'evaluation.rule': 'more'}, ["evaluation.rule = 'more' is unknown", 'greater, less']),
    (
        {'evaluation.intervall': 1},
        ["evaluation: unknown argument 'intervall'", 'Did you mean interval?'],
    ),
    ({'evaluation.start': -1}, ['evaluation.start = -1', 'at least 0']),
    ({'log_config.interval': 0}, ['log_config.interval = 0', 'at least 1']),
    (
        {'log_config.hooks.0.type': 'TextLogerHook'},
        ["log_config.hooks[0].type = 'TextLogerHook'", 'TextLoggerHook?'],
    ),
    ({'log_config.hooks': dict(type='TextLoggerHook')}, ['log_config.hooks', 'a list']),
    (
        {'log_config.hooks.1.logdir': 'x'},
        ["log_config.hooks[1] (TensorboardLoggerHook): unknown argument 'logdir'", 'log_dir?'],
    ),
    (
        {'log_config.hooks.1.log_dir': 3},
        ['log_config.hooks[1] (TensorboardLoggerHook).log_dir = 3', 'a string'],
    ),
    (
        {'log_config.hooks.1.type': 'PaviLoggerHook'},
        ['log_config.hooks[1].type', 'this logger of', 'TensorboardLoggerHook'],
    ),
]


@pytest.mark.parametrize(
    ('changes', 'words'), WRONG, ids=[' '.join(changes) for changes, _ in WRONG]
)
def test_a_wrong_setting_is_named_with_its_file(changes, words):
    with pytest.raises(ConfigError) as caught:
        read_recipe(with_changes(changes))
    message = str(caught.value)
    assert message.startswith('joint.py: ')
    for word in words:
        assert word in message


def test_the_unchanged_config_is_right():
    read_recipe(with_changes({}))


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


def all_paths(values, path='') -> list[str]:
    items = (
        values.items()
        if isinstance(values, dict)
        else enumerate(values)
        if isinstance(values, (list, tuple))
        else ()
    )
    return [path] * bool(path) + [
        p for k, v in items for p in all_paths(v, f'{path}.{k}' if path else str(k))
    ]


PATHS = [path for path in all_paths(USER_COPY) if path.split('.')[0] in hints_of(TopLevel)]
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


def reads_or_says_what_is_wrong(make):
    try:
        cfg = make()
    except (
        KeyError,
        TypeError,
        AttributeError,
    ):  # mmengine can't hold it; load_config says so (test_recipe_load.py)
        return
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
@given(st.dictionaries(st.sampled_from(sorted(hints_of(TopLevel))) | scalars, anything, max_size=4))
def test_any_dict_at_all_gives_only_config_errors(values):
    reads_or_says_what_is_wrong(lambda: values)


@pytest.mark.slow
@thorough
@given(mistakes)
def test_ten_thousand_configs_with_mistakes_give_only_config_errors(changes):
    reads_or_says_what_is_wrong(lambda: with_changes(changes))


@pytest.mark.slow
@thorough
@given(st.dictionaries(st.sampled_from(sorted(hints_of(TopLevel))) | scalars, anything, max_size=4))
def test_ten_thousand_dicts_give_only_config_errors(values):
    reads_or_says_what_is_wrong(lambda: values)


def test_paths_of_a_value_are_found_wherever_it_stands():
    assert paths_of([1], {'a': {'b': [1]}, 'c': [[1], 2]}) == ['a.b', 'c.0']
