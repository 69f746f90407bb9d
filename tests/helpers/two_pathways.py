"""Small networks of two pathways, and clips for them."""

from __future__ import annotations

from typing import Any

import torch
from graph_goldens import fill
from torch import Tensor

from pyskl.models import BACKBONES, Backbone

TWO = dict(num_stages=2, spatial_strides=(1, 2), temporal_strides=(1, 1), inflate=(0, 1))
SLOWFAST = dict(
    type='ResNet3dSlowFast',
    resample_rate=4,
    speed_ratio=4,
    channel_ratio=4,
    slow_pathway=dict(
        depth=18,
        inflate_style='3x3x3',
        lateral=True,
        conv1_kernel=(1, 7, 7),
        base_channels=16,
        fusion_kernel=5,
        **TWO,
    ),
    fast_pathway=dict(
        depth=18, inflate_style='3x3x3', conv1_kernel=(5, 7, 7), base_channels=4, **TWO
    ),
)
RGB = dict(
    lateral=True,
    lateral_infl=1,
    lateral_activate=(0, 0, 1, 1),
    conv1_kernel=(1, 7, 7),
    inflate=(0, 0, 1, 1),
    base_channels=8,
    stage_blocks=(1, 1, 1, 1),
)
POSE = dict(
    num_stages=3,
    stage_blocks=(1, 1, 1),
    lateral=True,
    lateral_inv=True,
    lateral_infl=16,
    lateral_activate=(0, 1, 1),
    in_channels=5,
    base_channels=4,
    conv1_kernel=(1, 7, 7),
    conv1_stride=(1, 1),
    pool1_stride=(1, 1),
    inflate=(0, 1, 1),
    spatial_strides=(2, 2, 2),
)
RGBPOSE = dict(type='RGBPoseConv3D', rgb_pathway=RGB, pose_pathway=POSE)
NETWORKS = {'SlowFast': SLOWFAST, 'RGBPoseConv3D': RGBPOSE}
PATHS = {
    'SlowFast': ('slow_pathway', 'fast_pathway'),
    'RGBPoseConv3D': ('rgb_pathway', 'pose_pathway'),
}


def with_settings(name: str, **settings: Any) -> dict[str, Any]:
    """Return the config of a network both of whose pathways have the settings."""
    cfg = NETWORKS[name]
    return {**cfg, **{path: {**cfg[path], **settings} for path in PATHS[name]}}


def build(name: str, **settings: Any) -> Backbone:
    """Build a network with weights that its keys fix."""
    return fill(BACKBONES.build(with_settings(name, **settings)))


def clips(name: str, seed: int = 0) -> list[Tensor]:
    """Return the inputs of two clips."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [(2, 3, 8, 32, 32)]
    if name == 'RGBPoseConv3D':
        shapes = [(2, 3, 2, 64, 64), (2, 5, 8, 16, 16)]
    return [torch.randn(shape, generator=generator) for shape in shapes]
