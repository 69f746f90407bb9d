"""The problem of tiny.py for graph networks: a small ST-GCN++ on five joints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tiny import write_data, write_splits

CONFIG = """
layout = dict(
    name='five', joints=['head', 'chest', 'hip', 'left hand', 'right hand'],
    bones=[(0, 1), (2, 1), (3, 1), (4, 1)], mirror=[(3, 4)], centre='chest')
prepare = [dict(type='{normalise}'{axes}), dict(type='GenSkeFeat', dataset=layout, feats=['j'])]
finish = [
    dict(type='PoseDecode'), dict(type='FormatGCNInput', num_person={people}),
    dict(type='Collect', keys=['keypoint', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['keypoint'])]
train_pipeline = [*prepare, dict(type='UniformSample', clip_len=8), *finish]
test_pipeline = [*prepare, dict(type='UniformSample', clip_len=8, num_clips=3), *finish]
model = dict(
    type='RecognizerGCN',
    backbone=dict(
        type='STGCN', base_channels=12, num_stages=3, inflate_stages=[2], down_stages=[3],
        gcn_adaptive='init', gcn_with_res=True, tcn_type='mstcn', num_person={people},
        graph_cfg=dict(layout=layout, mode='spatial')),
    cls_head=dict(type='GCNHead', num_classes=3, in_channels=24, emb_dim=6))
data = dict(
    videos_per_gpu=8, workers_per_gpu=0,
    train=dict(type='PoseDataset', ann_file='{folder}/{data}train.pkl',
        label_embeddings='{folder}/labels.npy', pipeline=train_pipeline),
    val=dict(type='PoseDataset', ann_file='{folder}/{data}val.pkl',
        label_embeddings='{folder}/labels.npy', pipeline=test_pipeline),
    test=dict(type='PoseDataset', ann_file='{folder}/{data}test.pkl',
        label_embeddings='{folder}/labels.npy', pipeline=test_pipeline))
optimizer = dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0.0005, nesterov=True)
lr_config = dict(policy='CosineAnnealing', by_epoch=False, min_lr=0)
total_epochs = 2
checkpoint_config = dict(interval=1)
evaluation = dict(interval=1, metrics=['top_k_accuracy', 'mean_class_accuracy'], topk=(1, 2))
log_config = dict(interval=2, hooks=[dict(type='TextLoggerHook')])
work_dir = '{folder}/run'
"""

# ProtoGCN instead of ST-GCN++: its head gets the graph and remembers classes.
PROTOGCN = """
model.update(
    backbone=dict(
        type='ProtoGCN', base_channels=16, num_stages=2, inflate_stages=[2], down_stages=[2],
        gcn_ratio=0.125, gcn_ctr='T', gcn_ada='T', tcn_ms_cfg=[(3, 1), (3, 2), ('max', 3), '1x1'],
        num_person={people}, num_prototype=6,
        graph_cfg=dict(layout=layout, mode='random', num_filter=8)),
    cls_head=dict(type='SimpleHead', joint_cfg=layout, num_classes=3, in_channels=32, weight=0.3))
"""

# Pipelines that collect `emb`: the head gets an embedding.
EMBEDDING = "finish[2]['keys'].append('emb')\nfinish[3]['keys'].append('emb')\n"


def write_config(
    folder: Path, name: str = 'graph.py', extra: str = '', people: int = 1, in_space: bool = False
) -> Path:
    """Write a config for that folder's data; `extra` lines come before the pipelines' use, and win.

    Args:
        folder: where the data are, see write_data and write_space.
        extra: lines of Python; '{people}' in them is filled in.
        people: that the network sees.
        in_space: x, y, z (write_space) in place of pixels.
    """
    text = CONFIG + extra
    # What a line changes in a list or dict, it changes wherever that is used: copies are made last.
    for place, value in {
        'normalise': 'PreNormalize3D' if in_space else 'PreNormalize2D',
        'axes': ', zaxis=[2, 0], xaxis=[4, 3]' if in_space else '',
        'data': 'space_' if in_space else '',
        'people': str(people),
        'folder': str(folder),
    }.items():
        text = text.replace(f'{{{place}}}', value)
    path = folder / name
    path.write_text(text)
    return path


def write_space(folder: Path, num_train: int = 40, num_test: int = 13, seed: int = 0) -> None:
    """Write space_train.pkl ...: the gestures in metres, x right, y up, z away from the camera."""
    write_splits(folder, lambda xy: {'keypoint': in_space(xy)}, num_train, num_test, seed, 'space_')


def in_space(xy: np.ndarray) -> np.ndarray:
    """Make x, y, z in metres of pixels: (M, T, V, 2) -> (M, T, V, 3)."""
    x, y = np.moveaxis(xy, -1, 0) / 100
    return np.stack([x, 2 - y, 2 + 0.1 * x], -1).astype(np.float32)


def problem(folder: Path, extra: str = '', space: bool = False, **sizes: int) -> Path:
    """Write data and config; return the config's path."""
    write_data(folder, **sizes)
    if space:
        write_space(folder, **sizes)
    return write_config(folder, extra=extra, in_space=space)
