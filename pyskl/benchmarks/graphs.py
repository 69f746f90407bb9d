"""What tools/benchmark.py times of graph networks: calls that run a network, or the steps before it, once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from ..apis.setup import read_run
from ..datasets.pipelines import Compose, Step, reference
from ..engine.batch import compute_losses, predict
from ..models import build_model, fuse_conv_bn, speed_up

GRAPH_NETWORKS = {
    'stgcn': 'stgcn/stgcn_pyskl_ntu60_xsub_3dkp',
    'stgcnpp': 'stgcn++/stgcn++_ntu60_xsub_3dkp',
    'aagcn': 'aagcn/aagcn_pyskl_ntu60_xsub_3dkp',
    'ctrgcn': 'ctrgcn/ctrgcn_pyskl_ntu60_xsub_3dkp',
    'msg3d': 'msg3d/msg3d_pyskl_ntu60_xsub_3dkp',
    'dgstgcn': 'dgstgcn/ntu60_xsub_3dkp',
    'protogcn': 'protogcn/ntu60_xsub/j',
}


def graph_network_call(
    network: str,
    way: Literal['train', 'eval'],
    people: int,
    ours: bool,
    device: torch.device,
    clips: int,
    configs: Path,
) -> Callable[[], None]:
    """Return what makes a training step, or the scores, of clips of 100 frames and two people.

    Args:
        network: one of GRAPH_NETWORKS.
        way: forward and backward, or forward in testing.
        people: how many of the two are there; the others are zeros.
        ours: with what makes it faster; else the plain network.
        device: where it runs.
        clips: of a batch.
        configs: the folder of the configs that come along.
    """
    torch.manual_seed(0)
    cfg = read_run(configs / f'{GRAPH_NETWORKS[network]}.py').recipe.model
    model = build_model({**cfg, 'cls_head': {**cfg['cls_head'], 'loss_emb': None}}).to(device)
    keypoint = torch.randn(clips, 1, 2, 100, 25, 3)
    keypoint[:, :, people:] = 0
    batch = {'keypoint': keypoint, 'label': torch.arange(clips)}
    if ours and way == 'eval':
        fuse_conv_bn(model)
    if ours:
        speed_up(model)

    def step() -> None:
        model.zero_grad(set_to_none=True)
        compute_losses(model, batch, device, None)['loss'].backward()

    def answer() -> None:
        predict(model, {'keypoint': keypoint}, device, None)

    model.train(way == 'train')
    return step if way == 'train' else answer


class FrameByFrame(Step):
    """PreNormalize3D and GenSkeFeat as loops over people and frames."""

    needs = gives = ('keypoint',)

    def __call__(self, results: dict) -> dict:
        normal = reference.pre_normalize_3d(results['keypoint'])
        features = reference.features(normal, 'nturgb+d', ['j'])
        return {**results, 'keypoint': features, 'total_frames': features.shape[1]}


def pose_steps_call(people: int, ours: bool) -> Callable[[], None]:
    """Return what prepares a clip up to FormatGCNInput: 120 frames of NTU's 25 joints."""
    keypoint = np.random.default_rng(0).standard_normal((people, 120, 25, 3), np.float32)
    score = np.ones(keypoint.shape[:3], np.float32)
    clip = {'keypoint': keypoint, 'keypoint_score': score, 'total_frames': 120, 'test_mode': False}
    first = [dict(type='PreNormalize3D'), dict(type='GenSkeFeat')] if ours else [FrameByFrame()]
    sample = dict(type='UniformSample', clip_len=100)
    steps = Compose([*first, sample, dict(type='PoseDecode'), dict(type='FormatGCNInput')])
    return lambda: steps(dict(clip))
