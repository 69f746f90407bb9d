"""The golden numbers of a graph network: keys, weights by formula, one pass each way.

tests/golden/README.md describes the arrays.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from goldens import SMALL
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

FOLDER = SMALL / 'gcn'


def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return standard normal numbers that a name and a shape fix: float64."""
    return np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)


def fill(model: nn.Module, random_graph: bool = False) -> nn.Module:
    """Give each entry of the state dict the value that its key and shape fix, in place.

    Args:
        model: as built; a graph `A` stays as it is.
        random_graph: `A` is drawn too, as where the graph's mode is 'random'.
    """
    with torch.no_grad():
        for key, value in model.state_dict().items():
            new = _entry(key, value, random_graph)
            if new is not None:
                value.copy_(torch.from_numpy(np.asarray(new)))
    return model


def _entry(key: str, value: Tensor, random_graph: bool) -> np.ndarray | None:
    shape, leaf = tuple(value.shape), key.rpartition('.')[2]
    noise = draw(key, shape)
    if leaf == 'num_batches_tracked':
        return np.zeros(())
    if leaf == 'running_var':
        return 1 + 0.5 * np.tanh(noise)
    if leaf in ('running_mean', 'bias'):
        return 0.1 * noise
    if leaf in ('alpha', 'beta', 'add_coeff'):
        return 0.5 * noise
    if leaf == 'A':
        return 0.04 + 0.02 * noise if random_graph else None
    if leaf == 'PA':
        starts_at_one = float(value.mean()) > 0.5
        return 1 + 0.1 * noise if starts_at_one else 0.02 * noise
    if len(shape) == 1:
        return 1 + 0.1 * noise
    return noise / np.sqrt(np.prod(shape[1:]))


def without_chance(model: nn.Module) -> nn.Module:
    """Switch dropout off, and let BatchNorm take a batch's statistics as its running ones."""
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
        elif isinstance(module, _BatchNorm):
            module.momentum = 1.0
    return model


def golden(name: str) -> Any:
    """Return the arrays of a golden network."""
    return np.load(FOLDER / f'{name}.npz')


def state_dict_lines(model: nn.Module) -> list[str]:
    """Return a line 'key, shape, parameter or buffer' for each entry, in order."""
    parameters = dict(model.named_parameters())
    lines = []
    for key, value in model.state_dict().items():
        kind = 'parameter' if key in parameters else 'buffer'
        lines.append(f'{key}\t{"x".join(map(str, value.shape)) or "scalar"}\t{kind}')
    return lines


def assert_keys(name: str, model: nn.Module) -> None:
    """Assert that the state dict has the golden keys, shapes and kinds in the golden order."""
    lines = (FOLDER / f'{name}.tsv').read_text().splitlines()
    assert state_dict_lines(model) == [line for line in lines if not line.startswith('key\t')]


def run_training_pass(
    model: nn.Module,
    keypoint: np.ndarray,
    loss_of: Callable[[Any], Tensor] | None = None,
) -> tuple[Any, float]:
    """Pass a clip through the network in training, and back; gradients are left in the parameters.

    Args:
        model: filled. Dropout is switched off, and BatchNorm takes this batch's statistics as its
            running ones.
        keypoint: (N, M, T, V, C).
        loss_of: from what the network returns to the loss; None: the golden loss of its features.

    Returns:
        What the network returns, and the loss.
    """
    out = without_chance(model).train()(torch.from_numpy(keypoint))
    loss = (loss_of or pooled_loss)(out)
    model.zero_grad()
    loss.backward()
    return out, float(loss.detach())


def parts(out: Any) -> tuple[Tensor, ...]:
    """Return what a network returns as a tuple."""
    return out if isinstance(out, tuple) else (out,)


def features_in(out: Any) -> Tensor:
    """Return the features (N, M, C, T, V), of a tuple the first."""
    return parts(out)[0]


def pooled_loss(out: Any) -> Tensor:
    """Return the golden loss: the mean of the pooled features weighed by numbers of their shape."""
    pooled = features_in(out).mean((3, 4))
    weight = torch.from_numpy(draw('loss', tuple(pooled.shape))).to(pooled.dtype)
    return (pooled * weight).mean()


def assert_close(actual: Tensor, expected: np.ndarray, tolerance: float = 1e-5) -> None:
    """Assert that all differ by at most `tolerance` of the largest expected value."""
    actual = actual.detach().numpy()
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= tolerance * np.abs(expected).max()


def assert_passes(
    name: str,
    model: nn.Module,
    gradients: float = 1e-3,
) -> Any:
    """Assert the golden features, loss and gradient norms in training, then features in testing.

    The network computes in float64, so what differs is the rounding of the golden numbers.

    Args:
        name: of the golden network.
        model: as built.
        gradients: by which share a gradient's norm may differ.

    Returns:
        What the network returned in testing.
    """
    arrays = golden(name)
    keypoint = arrays['input'].astype(np.float64)
    out, loss = run_training_pass(fill(model).double(), keypoint)
    assert_close(features_in(out).mean((3, 4)), arrays['train_pooled'])
    assert abs(loss - arrays['loss']) <= 1e-5 * abs(arrays['loss'])

    # A gradient that is next to 0, as a bias's before BatchNorm, is compared with the largest.
    parameters = dict(model.named_parameters())
    assert set(arrays['grad_names']) == set(parameters)
    norms = [float(parameters[key].grad.norm()) for key in arrays['grad_names']]
    expected = arrays['grad_norms']
    np.testing.assert_allclose(norms, expected, rtol=gradients, atol=2e-6 * expected.max())

    with torch.no_grad():
        out = model.eval()(torch.from_numpy(keypoint))
    features = features_in(out)
    assert tuple(features.shape) == tuple(arrays['shape'])
    assert_close(features.mean((3, 4)), arrays['eval_pooled'])
    assert_close(features[:, :, :8], arrays['eval_first8'], 2e-5)
    return out
