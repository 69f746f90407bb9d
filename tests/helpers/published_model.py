"""The published network's config, for tests, and smaller ones of the same build."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from pyskl.inputs.heatmaps import Heatmaps, HeatmapSpec

BACKBONE = dict(
    type='ResNet3dSlowOnly',
    depth=50,
    pretrained=None,
    in_channels=22,
    base_channels=32,
    num_stages=3,
    out_indices=(2,),
    stage_blocks=(4, 6, 3),
    conv1_stride=(1, 1),
    pool1_stride=(1, 1),
    inflate=(0, 1, 1),
    spatial_strides=(2, 2, 2),
    temporal_strides=(1, 1, 2),
)
HEAD = dict(type='I3DHead', in_channels=512, num_classes=32, dropout=0.5)


def published(**test_cfg: Any) -> dict[str, Any]:
    return dict(
        type='Recognizer3D',
        backbone=dict(BACKBONE),
        cls_head=dict(HEAD),
        test_cfg=dict(average_clips='prob') | test_cfg,
    )


def small(
    backbone: dict[str, Any] | None = None, head: dict[str, Any] | None = None, **test_cfg: Any
) -> dict[str, Any]:
    """The same layers, small: 3 joints, 4 channels, a block a stage, 5 classes, 6-d embeddings."""
    return dict(
        type='Recognizer3D',
        backbone=dict(BACKBONE, in_channels=3, base_channels=4, stage_blocks=(1, 2, 1))
        | (backbone or {}),
        cls_head=dict(type='I3DHead', in_channels=64, num_classes=5, emb_dim=6, dropout=0.5)
        | (head or {}),
        test_cfg=dict(average_clips='prob') | test_cfg,
    )


def clips_of(
    num_samples: int = 2,
    num_clips: int = 5,
    clip_len: int = 6,
    num_frames: int = 8,
    people: int = 1,
    joints: int = 3,
    size: int = 16,
    seed: int = 0,
    **spec: Any,
) -> Heatmaps:
    """Samples whose clips draw on so few frames that they share or repeat them."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, size, (num_samples, people, num_frames, joints, 2)).astype(np.float32)
    score = rng.uniform(0.2, 1, (num_samples, people, num_frames, joints)).astype(np.float32)
    chosen = np.sort(rng.integers(0, num_frames, (num_clips, clip_len)), 1)
    return Heatmaps(
        torch.from_numpy(np.stack([xy[:, :, i] for i in chosen], 1)),
        torch.from_numpy(np.stack([score[:, :, i] for i in chosen], 1)),
        (size, size),
        HeatmapSpec(left_kp=(1,), right_kp=(2,), **spec),
    )
