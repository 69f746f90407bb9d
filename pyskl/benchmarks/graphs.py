"""Calls to time: a graph network, and the pipeline before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

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
    training: bool,
    people: int,
    fast: bool,
    device: torch.device,
    clips: int,
    configs: Path,
) -> Callable[[], None]:
    """Build a graph network and a batch of clips of 100 frames and two people.

    Args:
        network: one of GRAPH_NETWORKS.
        training: whether the call runs forward and backward; otherwise it computes scores.
        people: how many of the two people are present; the others are zeros.
        fast: whether the network is sped up; otherwise it stays plain.
        device: device of the network.
        clips: clips of the batch.
        configs: folder of the configs that come with the package.

    Returns:
        A function that runs the network on the batch once.
    """
    torch.manual_seed(0)
    cfg = read_run(configs / f'{GRAPH_NETWORKS[network]}.py').recipe.model or {}
    model = build_model({**cfg, 'cls_head': {**cfg['cls_head'], 'loss_emb': None}}).to(device)
    keypoint = torch.randn(clips, 1, 2, 100, 25, 3)
    keypoint[:, :, people:] = 0
    batch = {'keypoint': keypoint, 'label': torch.arange(clips)}
    if fast and not training:
        fuse_conv_bn(model)
    if fast:
        speed_up(model)

    def train_step() -> None:
        model.zero_grad(set_to_none=True)
        compute_losses(model, batch, device, None)['loss'].backward()

    def test_step() -> None:
        predict(model, {'keypoint': keypoint}, device, None)

    model.train(training)
    return train_step if training else test_step


class FrameByFrame(Step):
    """PreNormalize3D and GenSkeFeat as loops over people and frames."""

    needs = gives = ('keypoint',)

    def __call__(self, results: dict) -> dict:
        """Normalise the key points and compute the joints' features."""
        normal = reference.pre_normalize_3d(results['keypoint'])
        features = reference.features(normal, 'nturgb+d', ['j'])
        return {**results, 'keypoint': features, 'total_frames': features.shape[1]}


def pose_steps_call(people: int, fast: bool) -> Callable[[], object]:
    """Return a function that prepares a clip up to FormatGCNInput: 120 frames of NTU's 25 joints.

    Args:
        people: people of the clip.
        fast: whether the package's own steps run; otherwise loops over people and frames.
    """
    keypoint = np.random.default_rng(0).standard_normal((people, 120, 25, 3), np.float32)
    score = np.ones(keypoint.shape[:3], np.float32)
    clip = {'keypoint': keypoint, 'keypoint_score': score, 'total_frames': 120, 'test_mode': False}
    first = [dict(type='PreNormalize3D'), dict(type='GenSkeFeat')] if fast else [FrameByFrame()]
    sample = dict(type='UniformSample', clip_len=100)
    steps = Compose([*first, sample, dict(type='PoseDecode'), dict(type='FormatGCNInput')])
    return lambda: steps(dict(clip))
