"""Configs in the style of MMAction2 1.x and 0.x, written for tests by its table of recipes."""

from __future__ import annotations

import csv
import json
from typing import Any

from goldens import SMALL
from mmengine.config import Config

STREAMS = {'joint': 'j', 'bone': 'b', 'joint-motion': 'jm', 'bone-motion': 'bm'}
GRAPH_FAMILIES = {'stgcn': 'STGCN', 'stgcnpp': 'STGCN', '2s-agcn': 'AAGCN'}
UNITS = {
    'stgcn': {},
    'stgcnpp': dict(gcn_adaptive='init', gcn_with_res=True, tcn_type='mstcn'),
    '2s-agcn': dict(gcn_attention=False),
}
LEFT, RIGHT = [1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]


HEATMAP_MODEL = """
model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3dSlowOnly', depth=50, pretrained=None, in_channels=17, base_channels=32,
        num_stages=3, out_indices=(2,), conv1_stride_s=1, pool1_stride_s=1, inflate=(0, 1, 1),
        spatial_strides=(2, 2, 2), temporal_strides=(1, 1, 2), dilations=(1, 1, 1)),
    cls_head=dict(
        type='I3DHead', in_channels=512, num_classes=60, dropout_ratio=0.5, average_clips='prob'))
"""
RUNTIME = """
default_scope = 'mmaction'
default_hooks = dict(
    runtime_info=dict(type='RuntimeInfoHook'), timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=100, ignore_last=False),
    checkpoint=dict(type='CheckpointHook', interval=1, save_best='auto'))
env_cfg = dict(
    cudnn_benchmark=False, mp_cfg=dict(opencv_num_threads=0), dist_cfg=dict(backend='nccl'))
log_processor = dict(type='LogProcessor', window_size=20, by_epoch=True)
vis_backends = [dict(type='LocalVisBackend')]
log_level = 'INFO'
resume = False
val_evaluator = [dict(type='AccMetric')]
test_evaluator = [dict(type='AccMetric')]
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
"""


def _read(config: str) -> dict[str, Any]:
    return Config.fromstring(config, '.py').to_dict()


def rows() -> list[dict[str, str]]:
    """Return MMAction2 1.x's 42 skeleton configs: name, recipe, PYSKL's counterpart."""
    with open(SMALL / 'mmaction_configs.tsv', encoding='utf-8', newline='') as f:
        return list(csv.DictReader(f, delimiter='\t'))


def family_of(row: dict[str, str]) -> str:
    return row['config'].split('/')[0]


def stream_of(row: dict[str, str]) -> str:
    """Return the feature of a graph network's config: 'bm' of ...-bone-motion-u100-..."""
    word = row['config'].split('8xb16-')[1].split('-u100')[0]
    return STREAMS[word]


def graph_pipeline(row: dict[str, str], **sampling: Any) -> list[dict[str, Any]]:
    flat = row['ann_file'].endswith('2d.pkl')
    return [
        dict(type='PreNormalize2D' if flat else 'PreNormalize3D'),
        dict(type='GenSkeFeat', dataset='coco' if flat else 'nturgb+d', feats=[stream_of(row)]),
        dict(type='UniformSampleFrames', clip_len=100, **sampling),
        dict(type='PoseDecode'),
        dict(type='FormatGCNInput', num_person=2),
        dict(type='PackActionInputs'),
    ]


def heatmap_pipeline(row: dict[str, str], split: str) -> list[dict[str, Any]]:
    limb = row['config'].endswith('limb')
    sides = dict(left_kp=LEFT, right_kp=RIGHT)
    small = [
        dict(type='Resize', scale=(-1, 64)),
        dict(type='RandomResizedCrop', area_range=(0.56, 1.0)),
        dict(type='Resize', scale=(56, 56), keep_ratio=False),
        dict(type='Flip', flip_ratio=0.5, **sides),
    ]
    plain = [dict(type='Resize', scale=(-1, 64)), dict(type='CenterCrop', crop_size=64)]
    sampling = {'train': {}, 'val': dict(num_clips=1, test_mode=True)}
    sampling['test'] = dict(num_clips=10, test_mode=True)
    mirrored = dict(double=True, **sides) if split == 'test' else {}
    return [
        *([dict(type='DecompressPose', squeeze=True)] if 'k400-keypoint' in row['config'] else []),
        dict(type='UniformSampleFrames', clip_len=48, **sampling[split]),
        dict(type='PoseDecode'),
        dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
        *(small if split == 'train' else plain),
        dict(type='GeneratePoseTarget', with_kp=not limb, with_limb=limb, **mirrored),
        dict(type='FormatShape', input_format='NCTHW_Heatmap'),
        dict(type='PackActionInputs'),
    ]


def graph_model(row: dict[str, str]) -> dict[str, Any]:
    family = family_of(row)
    layout = 'coco' if row['ann_file'].endswith('2d.pkl') else 'nturgb+d'
    mode = 'stgcn_spatial' if family == 'stgcn' else 'spatial'
    classes = 120 if 'ntu120' in row['config'] else 60
    return dict(
        type='RecognizerGCN',
        backbone=dict(
            type=GRAPH_FAMILIES[family],
            graph_cfg=dict(layout=layout, mode=mode),
            **UNITS[family],
        ),
        cls_head=dict(type='GCNHead', num_classes=classes, in_channels=256),
    )


def heatmap_model(row: dict[str, str]) -> dict[str, Any]:
    k400 = 'kinetics400' in row['config'] or 'k400' in row['config']
    model = _read(HEATMAP_MODEL)['model']
    model['backbone']['stage_blocks'] = (3, 4, 6) if k400 else (4, 6, 3)
    return model


def config_1x(row: dict[str, str]) -> dict[str, Any]:
    """Return a whole config of MMAction2 1.x with the recipe of a row."""
    is_graph = family_of(row) in GRAPH_FAMILIES
    repeat, epochs, batch = (int(row[key]) for key in ('repeat', 'epochs', 'batch per GPU'))

    def pipeline(split: str) -> list[dict[str, Any]]:
        if not is_graph:
            return heatmap_pipeline(row, split)
        drawn = {'train': {}, 'val': dict(num_clips=1, test_mode=True)}
        return graph_pipeline(row, **drawn.get(split, dict(num_clips=10, test_mode=True)))

    def loader(split: str) -> dict[str, Any]:
        held = row['split'].replace('train', 'val' if 'train1' not in row['split'] else 'test')
        dataset = dict(
            type='PoseDataset',
            ann_file=row['ann_file'],
            split=row['split'] if split == 'train' else held,
            pipeline=pipeline(split),
        )
        if split != 'train':
            dataset['test_mode'] = True
        elif repeat > 1:
            dataset = dict(type='RepeatDataset', times=repeat, dataset=dataset)
        return dict(
            batch_size=1 if split == 'test' else batch,
            num_workers=2,
            persistent_workers=True,
            sampler=dict(type='DefaultSampler', shuffle=split == 'train'),
            dataset=dataset,
        )

    kind, _, rest = row['schedule'].partition(' ')
    scheduler = dict(type=kind, by_epoch=True)
    if kind == 'CosineAnnealingLR':
        scheduler.update(eta_min=0, T_max=int(rest), convert_to_iter_based=True)
    else:
        scheduler.update(begin=0, end=epochs, milestones=json.loads(rest), gamma=0.1)
    lr, weight_decay = float(row['lr']), float(row['weight_decay'])
    optimizer = dict(type='SGD', lr=lr, momentum=0.9, weight_decay=weight_decay)
    if row['nesterov'] == 'True':
        optimizer['nesterov'] = True
    wrapper: dict[str, Any] = dict(optimizer=optimizer)
    if row['clip'] != 'None':
        wrapper['clip_grad'] = dict(max_norm=int(row['clip']), norm_type=2)
    whole = dict(
        **_read(RUNTIME),
        load_from=None if row['load_from'] == 'None' else row['load_from'],
        model=graph_model(row) if is_graph else heatmap_model(row),
        **{f'{split}_dataloader': loader(split) for split in ('train', 'val', 'test')},
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=epochs, val_begin=1, val_interval=1),
        param_scheduler=[scheduler],
        optim_wrapper=wrapper,
    )
    if row['base_batch_size'] != 'None':
        whole['auto_scale_lr'] = dict(enable=False, base_batch_size=int(row['base_batch_size']))
    return whole
