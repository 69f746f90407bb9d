"""A very small learnable problem of videos: three classes, told by the colour that grows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pyskl.files.libraries import opencv

NUM_CLASSES = 3

CONFIG = """
normalize = dict(type='Normalize', mean=[123.675, 116.28, 103.53],
                 std=[58.395, 57.12, 57.375], to_bgr=False)
shape = dict(type='FormatShape', input_format='NCTHW')
train_pipeline = [
    dict(type='DecordInit'), dict(type='SampleFrames', clip_len=4, frame_interval=2),
    dict(type='DecordDecode'), dict(type='RandomResizedCrop', area_range=(0.7, 1.0)),
    dict(type='Resize', scale=(16, 16), keep_ratio=False), dict(type='Flip', flip_ratio=0.5),
    normalize, shape, dict(type='Collect', keys=['imgs', 'label']),
    dict(type='ToTensor', keys=['label'])]
test_pipeline = [
    dict(type='DecordInit'), dict(type='SampleFrames', clip_len=4, frame_interval=2, num_clips=2),
    dict(type='DecordDecode'), dict(type='Resize', scale=(-1, 18)),
    dict(type='CenterCrop', crop_size=16), normalize, shape, dict(type='Collect', keys=['imgs'])]
model = dict(
    type='Recognizer3D',
    backbone=dict(type='ResNet3dSlowOnly', depth=50, base_channels=4, num_stages=2,
                  out_indices=(1,), stage_blocks=(1, 1), conv1_kernel=(1, 3, 3),
                  conv1_stride=(1, 1), pool1_stride=(1, 1), spatial_strides=(2, 2),
                  temporal_strides=(1, 1), inflate=(0, 1)),
    cls_head=dict(type='I3DHead', in_channels=32, num_classes=3, dropout=0.5),
    test_cfg=dict(average_clips='prob'))
dataset = dict(type='VideoDataset', data_prefix='{folder}', num_classes=3)
data = dict(
    videos_per_gpu=4, workers_per_gpu=0,
    train=dict(dataset, ann_file='{folder}/train.txt', pipeline=train_pipeline),
    val=dict(dataset, ann_file='{folder}/val.txt', pipeline=test_pipeline),
    test=dict(dataset, ann_file='{folder}/val.txt', pipeline=test_pipeline))
optimizer = dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=0.0001)
optimizer_config = dict(grad_clip=None)
lr_config = dict(policy='CosineAnnealing', by_epoch=False, min_lr=0)
total_epochs = 2
checkpoint_config = dict(interval=1)
evaluation = dict(interval=1, metrics=['top_k_accuracy'], topk=(1, 2))
log_config = dict(interval=1, hooks=[dict(type='TextLoggerHook')])
work_dir = '{folder}/run'
"""


def write_video(path: Path, frames: np.ndarray, fps: float = 25) -> None:
    """Write frames (T, H, W, 3), uint8 RGB, as an mp4 file."""
    cv2 = opencv()
    size = (frames.shape[2], frames.shape[1])
    film = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), fps, size)
    for frame in frames:
        film.write(np.ascontiguousarray(frame[..., ::-1]))
    film.release()


def film(rng: np.random.Generator, label: int, num_frames: int) -> np.ndarray:
    """(T, 24, 32, 3) uint8: channel `label` grows over time."""
    frames = rng.integers(60, 120, (num_frames, 24, 32, 3))
    frames[..., label] += np.linspace(0, 130, num_frames)[:, None, None].astype(int)
    return frames.clip(0, 255).astype(np.uint8)


def problem(folder: Path, extra: str = '', num_train: int = 12) -> Path:
    """Write videos, lists and a config; return the config's path."""
    rng = np.random.default_rng(0)
    for split, number in (('train', num_train), ('val', 6)):
        lines = []
        for i in range(number):
            label, name = i % NUM_CLASSES, f'{split}_{i}.mp4'
            write_video(folder / name, film(rng, label, 10 + i % 4))
            lines.append(f'{name} {label}\n')
        (folder / f'{split}.txt').write_text(''.join(lines))
    path = folder / 'videos.py'
    path.write_text(CONFIG.replace('{folder}', str(folder)) + extra)
    return path
