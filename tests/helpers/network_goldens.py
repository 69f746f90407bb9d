"""Golden numbers of networks on heatmaps or pictures: keys, initial values, one pass each way.

tests/golden/README.md describes the arrays.
"""

from __future__ import annotations

import numpy as np
import torch
from goldens import SMALL
from graph_goldens import assert_close, draw, fill, parts, state_dict_lines, without_chance
from torch import Tensor, nn

FOLDER = SMALL / 'cnn'
TOLERANCE = 1e-9  # the largest difference, of the largest expected value
CHANNELS = 128  # how many of a pooled feature the files hold, evenly spread


def rows(name: str) -> list[list[str]]:
    """Return key, shape, kind, mean and spread at the start of each entry of the state dict."""
    lines = (FOLDER / f'{name}.tsv').read_text().splitlines()
    return [line.split('\t') for line in lines[1:]]


def assert_keys(name: str, network: nn.Module) -> None:
    """Assert that the state dict has the golden keys, shapes and kinds in the golden order."""
    assert state_dict_lines(network) == ['\t'.join(row[:3]) for row in rows(name)]


def assert_starts(name: str, network: nn.Module) -> None:
    """Assert that what starts at 0 or 1 does so, and that what is drawn has the golden spread."""
    state = network.state_dict()
    for key, _, _, mean, spread in rows(name):
        value = state[key].double()
        if float(spread) == 0:
            assert bool((value == float(mean)).all()), key
        else:  # two draws of n numbers
            wanted = np.hypot(float(mean), float(spread))
            assert (
                abs(float(value.square().mean().sqrt()) / wanted - 1) < 5 / value.numel() ** 0.5
            ), key


def inputs(name: str) -> list[Tensor]:
    """Return the golden inputs of a network: float64."""
    shapes = np.load(FOLDER / f'{name}.npz')['input_shapes']
    return [golden_input(tuple(n for n in shape if n), 7 + i) for i, shape in enumerate(shapes)]


def golden_input(shape: tuple[int, ...], seed: int = 7) -> Tensor:
    """Return the input of that shape, in float64."""
    drawn = np.random.RandomState(seed).standard_normal(shape).astype(np.float32)
    return torch.from_numpy(np.float32(0.5) * drawn).double()


def assert_passes(name: str, network: nn.Module) -> None:
    """Assert the golden features, loss and gradient norms in training, then features in testing.

    Args:
        name: of the golden network.
        network: as built; it gets the golden weights, and computes in float64.
    """
    golden = np.load(FOLDER / f'{name}.npz')
    without_chance(fill(network).double())
    loss = torch.zeros((), dtype=torch.float64)
    for i, features in enumerate(parts(network.train()(*inputs(name)))):
        assert tuple(features.shape) == tuple(golden[f'shape{i}'])
        pooled = _pooled(features)
        assert_close(_some(pooled), golden[f'train_pooled{i}'], TOLERANCE)
        weight = draw(f'loss{i}' if i else 'loss', tuple(pooled.shape))
        loss = loss + (pooled * torch.from_numpy(weight)).mean()
    assert_close(loss, golden['loss'], TOLERANCE)

    network.zero_grad()
    loss.backward()
    parameters = dict(network.named_parameters())
    assert set(golden['grad_names']) == set(parameters)
    norms = torch.stack([parameters[key].grad.norm() for key in golden['grad_names']])
    assert_close(norms, golden['grad_norms'], TOLERANCE)

    with torch.no_grad():
        outs = parts(network.eval()(*inputs(name)))
    for i, features in enumerate(outs):
        assert_close(_some(_pooled(features)), golden[f'eval_pooled{i}'], TOLERANCE)
        if f'eval_first8_{i}' in golden:
            steps = (slice(None, None, max(1, -(-size // 6))) for size in features.shape[2:])
            assert_close(
                features[(slice(None), slice(4), *steps)], golden[f'eval_first8_{i}'], 1e-6
            )


def _pooled(features: Tensor) -> Tensor:
    return features.mean(tuple(range(2, features.ndim)))


def _some(pooled: Tensor) -> Tensor:
    return pooled[:, :: max(1, -(-pooled.shape[1] // CHANNELS))]
