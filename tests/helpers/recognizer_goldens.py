"""PYSKL's numbers of heads, losses and recognizers, and the networks and inputs that they are of.

tests/golden/README.md describes the arrays.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from goldens import SMALL
from graph_goldens import fill, without_chance
from network_goldens import golden_input
from torch import Tensor, nn

from pyskl.models import build_model

POOLED = dict(conv1_stride=(1, 1), pool1_stride=(1, 1))
MODELS = {
    'recognizer3d': dict(
        type='Recognizer3D',
        backbone=dict(
            type='ResNet3dSlowOnly', depth=50, in_channels=5, base_channels=8, num_stages=2,
            out_indices=(1,), stage_blocks=(2, 1), inflate=(0, 1), spatial_strides=(2, 2),
            temporal_strides=(1, 2), **POOLED),
        cls_head=dict(type='I3DHead', in_channels=64, num_classes=6, loss_emb=None)),
    'recognizer3d_slowfast': dict(
        type='Recognizer3D',
        backbone=dict(
            type='ResNet3dSlowFast', resample_rate=4, speed_ratio=4, channel_ratio=4,
            slow_pathway=dict(
                depth=18, inflate_style='3x3x3', num_stages=2, out_indices=(1,), lateral=True,
                lateral_activate=[1, 1], spatial_strides=(1, 2), temporal_strides=(1, 1),
                inflate=(0, 1), conv1_kernel=(1, 7, 7), base_channels=16),
            fast_pathway=dict(
                depth=18, inflate_style='3x3x3', num_stages=2, out_indices=(1,), lateral=False,
                spatial_strides=(1, 2), temporal_strides=(1, 1), inflate=(1, 1),
                conv1_kernel=(5, 7, 7), base_channels=4)),
        cls_head=dict(type='SlowFastHead', in_channels=40, num_classes=6, loss_emb=None)),
    'recognizer2d': dict(
        type='Recognizer2D',
        backbone=dict(type='ResNet', depth=18, num_stages=2, out_indices=(1,), strides=(1, 2)),
        cls_head=dict(type='SimpleHead', mode='2D', in_channels=128, num_classes=6, loss_emb=None)),
    'mmrecognizer3d': dict(
        type='MMRecognizer3D',
        backbone=dict(
            type='RGBPoseConv3D',
            rgb_pathway=dict(
                num_stages=4, stage_blocks=(1, 1, 1, 1), lateral=True, lateral_infl=1,
                lateral_activate=(0, 0, 1, 1), base_channels=16, conv1_kernel=(1, 7, 7),
                inflate=(0, 0, 1, 1)),
            pose_pathway=dict(
                num_stages=3, stage_blocks=(1, 1, 1), lateral=True, lateral_inv=True,
                lateral_infl=16, lateral_activate=(0, 1, 1), in_channels=17, base_channels=8,
                out_indices=(2,), conv1_kernel=(1, 7, 7), inflate=(0, 1, 1),
                spatial_strides=(2, 2, 2), temporal_strides=(1, 1, 1), **POOLED)),
        cls_head=dict(
            type='RGBPoseHead', in_channels=(512, 128), num_classes=6, loss_weights=[1, 0.5],
            loss_emb=None)),
}  # fmt: skip
TRAINED_ON = {
    'recognizer3d': {'imgs': (2, 1, 5, 4, 16, 16)},
    'recognizer2d': {'imgs': (2, 4, 3, 32, 32)},
    'mmrecognizer3d': {'imgs': (2, 1, 3, 4, 64, 64), 'heatmap_imgs': (2, 1, 17, 16, 16, 16)},
}
TESTED_ON = {
    'recognizer3d': {'imgs': (2, 3, 5, 4, 16, 16)},
    'recognizer3d_slowfast': {'imgs': (2, 3, 3, 8, 32, 32)},
    'recognizer2d': {'imgs': (2, 12, 3, 32, 32)},
    'mmrecognizer3d': {'imgs': (1, 3, 3, 4, 64, 64), 'heatmap_imgs': (1, 3, 17, 16, 16, 16)},
}


@cache
def _arrays() -> dict[str, np.ndarray]:
    with np.load(SMALL / 'cnn' / 'recognizers.npz') as data:
        return dict(data)


def golden(name: str) -> dict[str, np.ndarray]:
    """Return the arrays of 'head/NAME', 'loss/NAME' or 'rec/NAME' by field."""
    start = f'{name}/'
    return {k.removeprefix(start): v for k, v in _arrays().items() if k.startswith(start)}


def batch_of(shapes: dict[str, tuple[int, ...]], first_seed: int) -> dict[str, Tensor]:
    return {name: golden_input(s, first_seed + i) for i, (name, s) in enumerate(shapes.items())}


def test_batch(name: str) -> dict[str, Tensor]:
    return batch_of(TESTED_ON[name], 9 if name == 'mmrecognizer3d' else 8)


test_batch.__test__ = False


def filled(cfg: dict[str, Any]) -> nn.Module:
    """Build a model in float64 with the golden weights, without dropout."""
    return without_chance(fill(build_model(cfg)).double())


def trained(
    name: str, test_cfg: dict[str, Any] | None = None
) -> tuple[nn.Module, dict[str, Tensor]]:
    """Return a golden network after its one training pass, in eval mode, and its losses.

    The pass sets BatchNorm's statistics; gradients of the sum of the losses are in the parameters.
    A network that PYSKL cannot train keeps the statistics that the weights' formula gives.
    """
    model, losses = filled({**MODELS[name], 'test_cfg': test_cfg or {}}), {}
    if name in TRAINED_ON:
        losses = model.train()(batch_of(TRAINED_ON[name], 7), label=torch.tensor([[2], [5]]))
        sum(value for key, value in losses.items() if 'loss' in key).backward()
    return model.eval(), {key: value.detach() for key, value in losses.items()}
