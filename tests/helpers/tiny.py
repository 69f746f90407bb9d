"""A tiny problem that trains in seconds: three gestures of one waving arm."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from pyskl.annotations import write_annotations

ROOT = Path(__file__).parents[2]
NUM_JOINTS, NUM_FRAMES, NUM_CLASSES = 5, 20, 3

CONFIG = """
clip_len = 8
skeletons = [(0, 1), (1, 2), (1, 3), (1, 4)]
left_kp, right_kp = [3], [4]
sides = dict(left_kp=left_kp, right_kp=right_kp, left_limb=[2], right_limb=[3])
heatmap = dict(type='GeneratePoseTarget', {drawing}, skeletons=skeletons)
tail = [dict(type='FormatShape', input_format='NCTHW_Heatmap'),
        dict(type='Collect', keys=['imgs', 'label', 'emb'], meta_keys=[])]
head = [dict(type='PoseDecode'), dict(type='PoseCompact', hw_ratio=1., allow_imgpad=True)]
train_pipeline = [
    dict(type='UniformSampleFrames', clip_len=clip_len), *head, dict(type='Resize', scale=(-1, 18)),
    dict(type='RandomResizedCrop', area_range=(0.7, 1.0)),
    dict(type='Resize', scale=(16, 16), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, left_kp=left_kp, right_kp=right_kp), heatmap, *tail,
    dict(type='ToTensor', keys=['imgs', 'label', 'emb'])]
test_pipeline = [
    dict(type='UniformSampleFrames', clip_len=clip_len, num_clips=2), *head,
    dict(type='Resize', scale=(16, 16), keep_ratio=False),
    dict(heatmap, double=True, **sides), *tail, dict(type='ToTensor', keys=['imgs', 'emb'])]
model = dict(
    type='Recognizer3D',
    backbone=dict(type='ResNet3dSlowOnly', depth=50, pretrained=None, in_channels={channels},
                  base_channels=4, num_stages=3, out_indices=(2,), stage_blocks=(1, 1, 1),
                  conv1_stride=(1, 1), pool1_stride=(1, 1), inflate=(0, 1, 1),
                  spatial_strides=(2, 2, 2), temporal_strides=(1, 1, 2)),
    cls_head=dict(type='I3DHead', in_channels=64, num_classes=3, dropout=0.5, emb_dim=6),
    test_cfg=dict(average_clips='prob'))
data = dict(
    videos_per_gpu=8, workers_per_gpu=0,
    train=dict(type='PoseDataset', ann_file='{folder}/train.pkl',
        label_embeddings='{folder}/labels.npy', pipeline=train_pipeline),
    val=dict(type='PoseDataset', ann_file='{folder}/val.pkl',
        label_embeddings='{folder}/labels.npy', pipeline=test_pipeline),
    test=dict(type='PoseDataset', ann_file='{folder}/test.pkl',
        label_embeddings='{folder}/labels.npy', pipeline=test_pipeline))
optimizer = dict(type='SGD', lr=0.03, momentum=0.9, weight_decay=0.0003)
optimizer_config = dict(grad_clip=dict(max_norm=40, norm_type=2))
lr_config = dict(policy='CosineAnnealing', by_epoch=False, min_lr=0)
total_epochs = 2
checkpoint_config = dict(interval=1)
evaluation = dict(interval=1, metrics=['top_k_accuracy', 'mean_class_accuracy'], topk=(1, 2))
log_config = dict(interval=2, hooks=[dict(type='TextLoggerHook')])
auto_scale_lr = dict(base_batch_size=8)
work_dir = '{folder}/run'
"""


def clip(rng: np.random.Generator, label: int) -> np.ndarray:
    """(1, T, V, 2) px: the end of the arm goes round, up and down, or sideways."""
    phase = np.linspace(0, 4 * np.pi, NUM_FRAMES) + rng.uniform(0, 6)
    path = np.stack([np.cos(phase) * (label != 1), np.sin(phase) * (label != 2)], -1) * 60
    xy = np.array([[100, 40], [100, 80], [100, 160], [60, 120], [140, 120]], float)[None].repeat(
        NUM_FRAMES, 0
    )
    xy[:, 4] += path
    return (xy + rng.normal(0, 1, xy.shape) + rng.uniform(0, 30, 2))[None].astype(np.float32)


def write_data(folder: Path, num_train: int = 40, num_test: int = 13, seed: int = 0) -> None:
    """train.pkl, val.pkl, test.pkl with three classes in turn; labels.npy, a vector for each."""
    np.save(folder / 'labels.npy', 0.3 * np.eye(NUM_CLASSES, 6, dtype=np.float32))

    def in_pictures(xy: np.ndarray) -> dict[str, Any]:
        score = np.full((1, NUM_FRAMES, NUM_JOINTS), 0.9, np.float32)
        sizes = dict.fromkeys(('img_shape', 'original_shape'), (240, 320))
        return {**sizes, 'keypoint': xy, 'keypoint_score': score}

    write_splits(folder, in_pictures, num_train, num_test, seed)


def write_splits(
    folder: Path,
    fields: Callable[[np.ndarray], dict[str, Any]],
    num_train: int,
    num_test: int,
    seed: int,
    prefix: str = '',
) -> None:
    """Write the three files; `fields` makes a clip's of its key points in pixels."""
    rng = np.random.default_rng(seed)
    for split, number in (('train', num_train), ('val', num_test), ('test', num_test)):
        names = [f'{split}_{i}' for i in range(number)]
        annotations = []
        for i, name in enumerate(names):
            label = i % NUM_CLASSES
            about = {'frame_dir': name, 'label': label, 'total_frames': NUM_FRAMES}
            annotations.append({**about, **fields(clip(rng, label))})
        write_annotations(folder / f'{prefix}{split}.pkl', {split: names}, annotations)


def write_config(folder: Path, name: str = 'tiny.py', limbs: bool = False, extra: str = '') -> Path:
    """A config for that folder's data; `extra` lines come last and win."""
    drawing, channels = (
        ('with_kp=False, with_limb=True', 4) if limbs else ('with_kp=True, with_limb=False', 5)
    )
    path = folder / name
    path.write_text(
        CONFIG.replace('{drawing}', drawing)
        .replace('{channels}', str(channels))
        .replace('{folder}', str(folder))
        + extra
    )
    return path


def problem(folder: Path, extra: str = '', **sizes: int) -> Path:
    """Data and config; returns the config's path."""
    write_data(folder, **sizes)
    return write_config(folder, extra=extra)


def script(name: str) -> ModuleType:
    """Return the module of tools/NAME.py or ensemble/ensemble.py, to call it in this process."""
    return import_module(f'pyskl.cli.{name}')


def run(
    *words: object, cwd: Path | None = None, processes: int = 1, before: str = '', **env: str
) -> subprocess.CompletedProcess:
    """Run a script of the project as a user runs it.

    Args:
        words: the script and its arguments.
        cwd: where.
        processes: more than one: under torchrun.
        before: a command of the shell to run first, as one that sets a limit.
        env: environment variables to set.
    """
    script, *arguments = map(str, words)
    command = [sys.executable, str(ROOT / script), *arguments]
    if processes > 1:
        launcher = f'-m torch.distributed.run --standalone --nproc_per_node {processes}'
        command[1:1] = launcher.split()
    if before:
        command = ['bash', '-c', f'{before} && exec "$@"', 'bash', *command]
    return subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        encoding='utf-8',
        errors='replace',  # odd names may be printed
        timeout=280,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': '', **env},
        check=False,
    )
