"""Configs of MMAction2 are translated: the same recipe, or one message for all that cannot be."""

from __future__ import annotations

import contextlib
import json
import random
import re
import textwrap

import pytest
from config_files import CONFIGS, paths_in, splits_of, with_value
from mmaction_configs import GRAPH_FAMILIES, LEFT, RIGHT, config_1x, family_of, rows, stream_of
from tiny import script

from pyskl.errors import ConfigError
from pyskl.recipe import LrConfig, dump_config, load_config, read_recipe

ROWS = rows()
GRAPH_ROWS = [row for row in ROWS if family_of(row) in GRAPH_FAMILIES]
HEATMAP_ROWS = [row for row in ROWS if 'slowonly_' in row['config']]


def named(found: list[dict[str, str]]) -> dict:
    return dict(argvalues=found, ids=[row['config'].split('/')[-1] for row in found])


@pytest.fixture
def write(tmp_path):
    def _write(values, name='theirs.py', head=''):
        text = values if isinstance(values, str) else head + dump_config(values)
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return _write


# -- 1.x -------------------------------------------------------------------------------------------


@pytest.mark.parametrize('row', **named(GRAPH_ROWS + HEATMAP_ROWS))
def test_the_recipe_is_that_of_the_table(row):
    recipe = read_recipe(config_1x(row))
    train, repeat = recipe.data.train, 1
    if train['type'] == 'RepeatDataset':
        train, repeat = train['dataset'], train['times']
    clip = recipe.optimizer_config.grad_clip
    lr = recipe.lr_config
    kind, _, rest = row['schedule'].partition(' ')
    base = recipe.auto_scale_lr.base_batch_size if recipe.auto_scale_lr else None
    found = {
        'recognizer': recipe.model['type'],
        'backbone': recipe.model['backbone']['type'],
        'lr': recipe.optimizer['lr'],
        'weight_decay': recipe.optimizer['weight_decay'],
        'nesterov': recipe.optimizer.get('nesterov', False),
        'clip': None if clip is None else int(clip.max_norm),
        'epochs': recipe.total_epochs,
        'repeat': repeat,
        'batch per GPU': recipe.data.videos_per_gpu,
        'base_batch_size': base,
        'ann_file': train['ann_file'],
        'split': train['split'],
        'load_from': recipe.load_from,
    }
    assert {key: str(value) for key, value in found.items()} == {key: row[key] for key in found}
    if kind == 'CosineAnnealingLR':
        assert lr == LrConfig('CosineAnnealing', by_epoch=False, min_lr=0)
        assert int(rest) == recipe.total_epochs
    else:
        assert lr == LrConfig('step', step=json.loads(rest))
    assert recipe.data.loader('test').videos_per_gpu == 1 and recipe.data.loader('train').shuffle
    assert recipe.evaluation.metrics == ('top_k_accuracy', 'mean_class_accuracy')
    assert recipe.evaluation.topk == (1, 5) and recipe.evaluation.best_metric == 'top1_acc'
    assert recipe.log_config.interval == 100 and recipe.cudnn_benchmark is False


@pytest.mark.parametrize('row', **named(GRAPH_ROWS))
def test_a_graph_network_is_its_counterpart_among_pyskls(row):
    """All but what MMAction2 computes otherwise: the frames it draws, and the scores that it looks
    at.
    """
    folder, name, stream = row['PYSKL counterpart'].split(' ')[0].split('/')
    theirs = read_recipe(config_1x(row))
    ours = read_recipe(load_config(CONFIGS / folder / f'{name}.py', [f'stream={stream}']))
    assert stream == stream_of(row)
    model = dict(ours.model)
    if 'gcn_attention False' in row['PYSKL counterpart']:
        model['backbone'] = {**model['backbone'], 'gcn_attention': False}
    assert theirs.model == model
    assert theirs.optimizer == ours.optimizer and theirs.lr_config == ours.lr_config
    for split, known in splits_of(ours).items():
        found = splits_of(theirs)[split]
        assert as_pyskl_has_it(found['pipeline']) == known['pipeline'], split
        assert found['split'] == known['split'] and found['type'] == known['type']


def as_pyskl_has_it(pipeline: list[dict]) -> list[dict]:
    changed = []
    for step in pipeline:
        step = dict(step)
        if step['type'] == 'UniformSampleFrames':
            assert step.pop('p_interval') is None
            step['type'] = 'UniformSample'
        if step['type'] == 'PreNormalize2D':
            assert step.pop('threshold') == -1
        changed.append(step)
    return changed


def test_heat_maps_are_read_word_for_word(write):
    row = next(row for row in HEATMAP_ROWS if row['config'].endswith('ntu60-xsub-limb'))
    recipe = read_recipe(load_config(write(config_1x(row))))
    backbone, head = recipe.model['backbone'], recipe.model['cls_head']
    assert backbone['conv1_stride'] == backbone['pool1_stride'] == (1, 1)
    assert not {'conv1_stride_s', 'pool1_stride_s', 'dilations'} & set(backbone)
    assert head['dropout'] == 0.5 and recipe.model['test_cfg'] == {'average_clips': 'prob'}
    *_, draw, shape, collect, tensors = recipe.data.test['pipeline']
    sides = dict(left_kp=LEFT, right_kp=RIGHT)
    what = dict(with_kp=False, with_limb=True, double=True)
    assert draw == dict(type='GeneratePoseTarget', **what, **sides)
    assert shape == dict(type='FormatShape', input_format='NCTHW_Heatmap')
    assert (collect['keys'], tensors['keys']) == (['imgs', 'label'], ['imgs'])


@pytest.mark.parametrize('name', ['rgb_only', 'rgbpose_conv3d'])
def test_networks_that_are_not_here_are_named_all_at_once(name, write):
    row = next(row for row in ROWS if row['config'].endswith(name))
    theirs = config_1x(row)
    if name == 'rgbpose_conv3d':
        theirs['model']['backbone'] = dict(type='RGBPoseConv3D')
    normalise = dict(type='ActionDataPreprocessor', mean=[1.0, 2, 3], std=[4.0, 5, 6])
    theirs['model'].update(type=row['recognizer'], data_preprocessor=normalise)
    theirs['model']['cls_head'] = dict(type='TSMHead', num_classes=60, in_channels=2048)
    steps = [dict(type='ColorJitter'), dict(type='FormatShape', input_format='NCTHW')]
    theirs['test_dataloader']['dataset']['pipeline'] = steps
    with pytest.raises(ConfigError) as caught:
        read_recipe(load_config(write(theirs)))
    for word in ('TSMHead', 'ColorJitter'):
        assert any(f"'{word}': this" in line for line in caught.value.messages)


def test_what_cannot_be_translated_is_said_in_one_message(write):
    theirs = config_1x(GRAPH_ROWS[0])
    theirs['optim_wrapper'].update(paramwise_cfg=dict(bias_lr_mult=2), accumulative_counts=4)
    cosine = dict(type='CosineAnnealingLR', T_max=99)
    theirs['param_scheduler'] = [dict(type='PolyLR', power=2), cosine]
    theirs['train_dataloader']['sampler'] = dict(type='InfiniteSampler')
    theirs['train_dataloader']['dataset']['times'] = '5'
    theirs['train_cfg']['dynamic_intervals'] = [(2, 1)]
    theirs['val_evaluater'] = theirs.pop('val_evaluator')
    theirs['model']['cls_head']['num_class'] = 3
    with pytest.raises(ConfigError) as caught:
        read_recipe(load_config(write(theirs)))
    lines = caught.value.messages
    words = (
        'paramwise_cfg accumulative_counts PolyLR T_max InfiniteSampler dynamic_intervals '
        'val_evaluator? num_classes? times'
    )
    for word in words.split():
        assert sum(word in line for line in lines) == 1, word
    assert all(line.startswith('theirs.py: ') for line in lines)


def test_a_base_that_is_not_on_this_machine_is_done_without(write):
    """One config alone, downloaded; and the config of another stream that starts from it."""
    joint = config_1x(GRAPH_ROWS[-2])
    write(joint, 'joint.py', "_base_ = '../../_base_/default_runtime.py'\n")
    child = write("_base_ = 'joint.py'\noptim_wrapper = dict(optimizer=dict(lr=0.5))\n", 'bone.py')
    recipe = read_recipe(load_config(child))
    assert recipe.optimizer['lr'] == 0.5 and recipe.total_epochs == 16
    assert any('default_runtime.py' in note and 'does not exist' in note for note in recipe.notes)
    with pytest.raises(ConfigError, match=r'joint\.py, line \d+: NameError'):
        write('_base_ = "../../_base_/default_runtime.py"\na = no_such_name\n', 'joint.py')
        load_config(child)


def test_a_comma_behind_a_loader_and_the_scope_of_a_type_are_read(write):
    theirs = config_1x(HEATMAP_ROWS[-1])
    theirs['train_dataloader'] = (theirs['train_dataloader'],)
    theirs['model']['type'] = 'mmaction.Recognizer3D'
    recipe = read_recipe(load_config(write(theirs)))
    assert recipe.data.train['type'] == 'RepeatDataset' and recipe.model['type'] == 'Recognizer3D'


def test_steps_warm_up_and_the_rest_of_mmengines_words(write):
    theirs = config_1x(GRAPH_ROWS[0])
    theirs['param_scheduler'] = [
        dict(type='LinearLR', start_factor=0.2, by_epoch=True, begin=0, end=3),
        dict(type='MultiStepLR', begin=0, end=16, by_epoch=True, milestones=[4, 9], gamma=0.5),
    ]
    theirs['default_hooks']['checkpoint'].update(max_keep_ckpts=2, save_best='acc/mean1')
    theirs['train_cfg'].update(val_begin=5, val_interval=2)
    theirs.update(randomness=dict(seed=7), resume=True, load_from='a.pth')
    recipe = read_recipe(load_config(write(theirs), ['data.videos_per_gpu=3']))
    lr, evaluation = recipe.lr_config, recipe.evaluation
    warmup = dict(warmup='linear', warmup_ratio=0.2, warmup_iters=3, warmup_by_epoch=True)
    assert lr == LrConfig('step', step=[4, 9], gamma=0.5, **warmup)
    assert (evaluation.start, evaluation.interval) == (5, 2)
    assert evaluation.save_best == 'mean_class_accuracy'
    assert recipe.checkpoint_config.max_keep_ckpts == 2 and recipe.seed == 7
    assert (recipe.resume_from, recipe.load_from) == ('a.pth', None)
    assert recipe.data.videos_per_gpu == 3


def test_a_hook_that_says_nothing_of_saving_leaves_checkpoint_config_as_it_is(write):
    theirs = config_1x(GRAPH_ROWS[0])
    theirs['default_hooks']['checkpoint'] = dict(type='CheckpointHook', save_best='auto')
    theirs['checkpoint_config'] = dict(interval=5)
    assert read_recipe(load_config(write(theirs))).checkpoint_config.interval == 5


def test_trackers_are_loggers(write):
    theirs = config_1x(GRAPH_ROWS[0])
    wandb = dict(type='WandbVisBackend', init_kwargs=dict(project='p'), commit=True)
    backends = [dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend'), wandb]
    theirs['vis_backends'] = [*backends, dict(type='AimVisBackend')]
    theirs['visualizer'] = dict(type='ActionVisualizer', vis_backends=theirs['vis_backends'])
    recipe = read_recipe(load_config(write(theirs)))
    assert list(recipe.log_config.hooks) == [
        dict(type='TextLoggerHook'),
        dict(type='TensorboardLoggerHook'),
        dict(type='WandbLoggerHook', init_kwargs=dict(project='p')),
    ]
    assert recipe.log_config.interval == 100
    for word in ('WandbVisBackend: commit', 'AimVisBackend is left out'):
        assert any(word in note for note in recipe.notes)


def test_print_config_shows_the_translation_which_is_read_again(write, capsys):
    path = write(config_1x(HEATMAP_ROWS[0]))
    script('print_config').main([str(path)])
    printed = capsys.readouterr().out
    assert printed.startswith('# theirs.py: is written for MMAction2 1.x')
    assert 'train_dataloader = ' not in printed
    again = read_recipe(load_config(write(printed, 'again.py')))
    assert again.effective() == read_recipe(load_config(path)).effective()


# -- 0.x -------------------------------------------------------------------------------------------

OLD = textwrap.dedent("""
    model = dict(
        type='Recognizer3D',
        backbone=dict(type='ResNet3dSlowOnly', pretrained=None, in_channels=17, base_channels=4,
                      num_stages=3, out_indices=(2,), stage_blocks=(1, 1, 1),
                      conv1_stride_s=1, pool1_stride_s=1, inflate=(0, 1, 1),
                      spatial_strides=(2, 2, 2),
                      temporal_strides=(1, 1, 2), dilations=(1, 1, 1)),
        cls_head=dict(type='I3DHead', in_channels=64, num_classes=2,
                      spatial_type='avg', dropout_ratio=0.3),
        train_cfg=dict(), test_cfg=dict(average_clips='prob'))
    left, right = [1, 3], [2, 4]
    pipeline = [dict(type='UniformSampleFrames', clip_len=8, num_clips=1, test_mode=True),
                dict(type='PoseDecode'),
                dict(type='Flip', flip_ratio=0.5, left=left, right=right),
                dict(type='GeneratePoseTarget', double=True, left_kp=left, right_kp=right),
                dict(type='FormatShape', input_format='NCTHW'),
                dict(type='Collect', keys=['imgs', 'label'], meta_keys=[]),
                dict(type='ToTensor', keys=['imgs'])]
    part = dict(type='PoseDataset', ann_file='a.pkl', data_prefix='', pipeline=pipeline)
    data = dict(videos_per_gpu=4, workers_per_gpu=0, train=part, val=part, test=part)
    optimizer = dict(type='SGD', lr=0.2, momentum=0.9)
    lr_config = dict(policy='CosineAnnealing', by_epoch=False, min_lr=0)
    total_epochs = 240
    workflow = [('train', 10)]
    evaluation = dict(
        interval=10, metrics=['top_k_accuracy'], topk=(1, 2), key_indicator='top1_acc')
""")


def test_a_config_of_0x_is_read(write):
    recipe = read_recipe(load_config(write(OLD)))
    backbone, head = recipe.model['backbone'], recipe.model['cls_head']
    assert backbone['conv1_stride'] == backbone['pool1_stride'] == (1, 1) and head['dropout'] == 0.3
    sample, _, flip, draw, shape, *_ = recipe.data.test['pipeline']
    assert sample == dict(type='UniformSampleFrames', clip_len=8, num_clips=1, p_interval=None)
    assert flip == dict(type='Flip', flip_ratio=0.5, left_kp=[1, 3], right_kp=[2, 4])
    assert shape['input_format'] == 'NCTHW_Heatmap' and draw['left_kp'] == [1, 3]
    assert recipe.evaluation.save_best == 'top1_acc' and recipe.total_epochs == 240
    words = '0.x workflow key_indicator dilations spatial_type data_prefix pixel'
    assert all(word in ' '.join(recipe.notes) for word in words.split())


def test_graph_networks_of_0x_are_read_and_their_own_stage_is_named(write):
    steps = (
        "dict(type='PaddingWithLoop', clip_len=300), dict(type='PoseDecode'), "
        "dict(type='FormatGCNInput', input_format='NCTVM'), "
    )
    last = (
        "dict(type='Collect', keys=['keypoint', 'label'], meta_keys=[]), "
        "dict(type='ToTensor', keys=['keypoint'])]\n"
    )
    model = (
        "model = dict(type='SkeletonGCN', backbone=dict(type='STGCN', in_channels=3, "
        "edge_importance_weighting=True, graph_cfg=dict(layout='coco', strategy='spatial')), "
        "cls_head=dict(type='STGCNHead', num_classes=60, in_channels=256, "
        "loss_cls=dict(type='CrossEntropyLoss')), train_cfg=None, test_cfg=None)\n"
    )
    data = (
        "test = dict(type='PoseDataset', ann_file='a.pkl', data_prefix='', pipeline=pipeline)\n"
        'data = dict(test=test)\n'
    )
    recipe = read_recipe(load_config(write(f'{model}pipeline = [{steps}{last}{data}')))
    graph = dict(layout='coco', mode='stgcn_spatial')
    backbone = dict(type='STGCN', in_channels=3, gcn_adaptive='importance', graph_cfg=graph)
    assert recipe.model['type'] == 'RecognizerGCN' and recipe.model['backbone'] == backbone
    assert recipe.model['cls_head']['type'] == 'GCNHead'
    assert recipe.data.test['pipeline'][0] == dict(type='PadTo', length=300, mode='loop')
    old = f'{model}pipeline = [{steps}dict(type="PoseNormalize"), {last}{data}'
    for text, words in (
        (old, 'PoseNormalize.*PreNormalize2D'),
        (old.replace("'STGCN'", "'AGCN'"), 'AGCN.*softmax'),
        (OLD.replace("'ResNet3dSlowOnly'", "'C3D'"), 'C3D.*max pooling'),
    ):
        with pytest.raises(ConfigError, match=words):
            read_recipe(load_config(write(text)))


# -- anything at all -------------------------------------------------------------------------------

JUNK = (None, -1, '', [], {}, [1], {'a': 1}, (1, 2), {'type': 5}, [{'type': 'Flip'}], {1: 2})


@pytest.mark.parametrize('start', range(0, 24, 8))
def test_a_config_of_mmaction_with_any_mistake_gives_only_config_errors(start):
    for seed in range(start, start + 8):
        draw, theirs = random.Random(seed), config_1x(ROWS[seed % 8])
        for _ in range(2):
            path = draw.choice(paths_in(theirs))
            theirs = with_value(theirs, path, draw.choice(JUNK))
        with contextlib.suppress(ConfigError):
            read_recipe(theirs).effective()


@pytest.mark.parametrize('prefix', ["'films'", "dict(video='films')", "dict(img='films')"])
def test_the_folder_of_videos_is_kept(prefix, write):
    theirs = OLD.replace("data_prefix=''", f'data_prefix={prefix}')
    recipe = read_recipe(load_config(write(theirs)))
    assert recipe.data.test['data_prefix'] == 'films'
    sampled = "dict(type='MMUniformSampleFrames', clip_len=dict(RGB=8, Pose=32), test_mode=True)"
    theirs = re.sub(r"dict\(type='UniformSampleFrames'[^)]*\)", sampled, theirs)
    theirs = theirs.replace("type='PoseDecode'", "type='MMDecode'")
    step = read_recipe(load_config(write(theirs))).data.test['pipeline'][0]
    assert step['p_interval'] is None and 'test_mode' not in step
