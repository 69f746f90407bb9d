"""The self-test: known numbers of four published networks, and heatmaps drawn in two ways.

published.npz holds what PYSKL's own networks compute in float64 (float32 for graph networks). Its
few kilobytes hold no weights and inputs, since `fill` and `Network.inputs` make them from names and
seeds. `train` and `eval` are pooled features of a training pass, and of a test pass that follows,
with the BatchNorm statistics of the training pass.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..engine.machine import has_bf16
from ..inputs.heatmaps import Heatmaps, HeatmapSpec
from ..inputs.heatmaps.reference import render_slowly
from ..models import BACKBONES

PUBLISHED = Path(__file__).with_name('published.npz')
NTU = dict(layout='nturgb+d', mode='spatial')


@dataclass(frozen=True)
class Network:
    """A network whose numbers are known.

    Attributes:
        key: key in published.npz.
        settings: config of the backbone.
        shape: shape of the input.
        pooled: number of the features' last axes to average.
    """

    key: str
    settings: dict[str, Any]
    shape: tuple[int, ...]
    pooled: int

    def build(self) -> nn.Module:
        """Return the network with the known weights, without dropout."""
        network = fill(BACKBONES.build(dict(self.settings), 'pyskl doctor'))
        for module in network.modules():
            if isinstance(module, nn.modules.dropout._DropoutNd):
                module.p = 0.0
            elif isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.momentum = 1.0
        return network

    def inputs(self) -> Tensor:
        """Return the known input, float32."""
        noise = 0.5 * np.random.RandomState(7).standard_normal(self.shape)
        if len(self.shape) == 5 and self.shape[-1] == 3:
            noise[1, 1] = 0  # the second clip shows one person
        return torch.from_numpy(noise.astype(np.float32))


NETWORKS = {
    'PoseC3D': Network(
        'slowonly',
        dict(
            type='ResNet3dSlowOnly',
            in_channels=17,
            base_channels=32,
            num_stages=3,
            out_indices=(2,),
            stage_blocks=(4, 6, 3),
            conv1_stride=(1, 1),
            pool1_stride=(1, 1),
            inflate=(0, 1, 1),
            spatial_strides=(2, 2, 2),
            temporal_strides=(1, 1, 2),
        ),
        (2, 17, 16, 32, 32),
        3,
    ),
    'X3D': Network(
        'x3d',
        dict(
            type='X3D',
            gamma_d=1,
            in_channels=17,
            base_channels=24,
            num_stages=3,
            se_ratio=None,
            use_swish=False,
            stage_blocks=(2, 5, 3),
            spatial_strides=(2, 2, 2),
        ),
        (2, 17, 16, 32, 32),
        3,
    ),
    'ST-GCN++': Network(
        'stgcnpp',
        dict(type='STGCN', graph_cfg=NTU, gcn_adaptive='init', gcn_with_res=True, tcn_type='mstcn'),
        (2, 2, 20, 25, 3),
        2,
    ),
    'CTR-GCN': Network('ctrgcn', dict(type='CTRGCN', graph_cfg=NTU), (2, 2, 20, 25, 3), 2),
}


@dataclass(frozen=True)
class Check:
    """The outcome of a comparison.

    Attributes:
        name: what was computed, and how.
        difference: largest difference, relative to the largest known number.
        bound: largest difference that is allowed.
        seconds: duration in seconds.
    """

    name: str
    difference: float
    bound: float
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether the numbers are the known ones; NaN is not."""
        return self.difference <= self.bound


def _draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)


def fill(network: nn.Module) -> nn.Module:
    """Fill the state dict, except for graphs, with values that depend on keys and shapes alone."""
    with torch.no_grad():
        for key, value in network.state_dict().items():
            shape, leaf = tuple(value.shape), key.rpartition('.')[2]
            noise = _draw(key, shape)
            if leaf == 'A':
                continue
            if leaf == 'num_batches_tracked':
                new = np.zeros(())
            elif leaf == 'running_var':
                new = 1 + 0.5 * np.tanh(noise)
            elif leaf in ('running_mean', 'bias'):
                new = 0.1 * noise
            elif leaf in ('alpha', 'beta', 'add_coeff'):
                new = 0.5 * noise
            elif leaf == 'PA':
                new = 1 + 0.1 * noise if float(value.mean()) > 0.5 else 0.02 * noise
            elif len(shape) == 1:
                new = 1 + 0.1 * noise
            else:
                new = noise / np.sqrt(np.prod(shape[1:]))
            value.copy_(torch.from_numpy(np.asarray(new)))
    return network


def passes(
    network: nn.Module, inputs: Tensor, pooled: int, autocast: Callable
) -> dict[str, Tensor]:
    """Run a training pass and a test pass.

    Args:
        network: network of Network.build, on its device.
        inputs: its input.
        pooled: number of the features' last axes to average.
        autocast: makes the context of each pass.

    Returns:
        `train` and `eval`: pooled features; `loss`: their mean with known weights; `gradient`: its
        norm.
    """
    axes = tuple(range(-pooled, 0))

    def features() -> Tensor:
        with autocast():
            output = network(inputs)
        return (output[0] if isinstance(output, tuple) else output).float().mean(axes)

    network.train()
    train = features()
    weight = torch.from_numpy(_draw('loss', tuple(train.shape))).to(train)
    loss = (train * weight).mean()
    network.zero_grad()
    loss.backward()
    squares = [p.grad.double().square().sum() for p in network.parameters() if p.grad is not None]
    network.eval()
    with torch.no_grad():
        tested = features()
    gradient = torch.stack(squares).sum().sqrt()
    return {'train': train.detach(), 'loss': loss.detach(), 'gradient': gradient, 'eval': tested}


def difference(found: dict[str, Tensor], network: Network, known: Any) -> float:
    """Return the largest difference to the known numbers, relative to the largest of each kind."""
    shares = []
    for kind, value in found.items():
        expected = known[f'{network.key}/{kind}']
        actual = value.double().cpu().numpy()
        if actual.ndim:  # the file holds every k-th channel
            actual = actual[..., :: actual.shape[-1] // expected.shape[-1]]
        shares.append(np.abs(actual - expected).max() / np.abs(expected).max())
    return float(np.max(shares))


def run(device: torch.device) -> Iterator[Check]:
    """Yield the checks of a device, one after the other.

    Args:
        device: the CPU or a GPU. What training may use is checked, too: TF32 on a GPU, and bfloat16
            if the device computes in it.
    """
    yield _timed('heatmaps', 1e-4, partial(heatmaps, device))
    known = np.load(PUBLISHED, allow_pickle=False)
    ways: list[tuple[str, bool, bool, float]] = [('float32', False, False, 2e-3)]
    if device.type == 'cuda':
        ways.append(('TF32', True, False, 5e-2))
    if has_bf16(device):
        ways.append(('bfloat16', True, True, 0.25))
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    try:
        for name, network in NETWORKS.items():
            for way, tf32, bf16, bound in ways:
                torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
                compute = partial(_one, network, device, bf16, known)
                yield _timed(f'{name}, {way}', bound, compute)
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


def _one(network: Network, device: torch.device, bf16: bool, known: Any) -> float:
    def autocast() -> Any:
        return torch.autocast(device.type, torch.bfloat16) if bf16 else nullcontext()

    model, inputs = network.build().to(device), network.inputs().to(device)
    return difference(passes(model, inputs, network.pooled, autocast), network, known)


def _timed(name: str, bound: float, measure: Callable[[], float]) -> Check:
    start = time.perf_counter()
    difference = measure()
    return Check(name, difference, bound, time.perf_counter() - start)


def heatmaps(device: torch.device) -> float:
    """Return the largest difference between heatmaps drawn on the device and by numpy loops."""
    rng = np.random.RandomState(7)
    xy = rng.uniform(2, 54, (2, 6, 5, 2)).astype(np.float32)
    score = rng.uniform(0.2, 1, (2, 6, 5)).astype(np.float32)
    spec = HeatmapSpec(with_kp=True, with_limb=True, skeletons=((0, 1), (1, 2), (3, 4)))
    # (B, S, M, T, V, 2) and (B, S, M, T, V): one clip, one view
    clips = Heatmaps(
        torch.from_numpy(xy)[None, None], torch.from_numpy(score)[None, None], (56, 56), spec
    )
    drawn = clips.to(device).draw()[0, 0].transpose(0, 1).cpu().numpy()
    return float(np.abs(drawn - render_slowly(xy, score, (56, 56), spec)).max())
