"""The self-test of `pyskl doctor`: its numbers are the published ones, and faults are found."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from goldens import SMALL
from graph_goldens import fill as fill_as_tests_do

from pyskl.doctor import selftest
from pyskl.doctor.selftest import NETWORKS, PUBLISHED, Check

GOLDEN = {
    'slowonly': 'cnn/slowonly_463',
    'x3d': 'cnn/x3d_shallow',
    'stgcnpp': 'gcn/stgcnpp_ntu',
    'ctrgcn': 'gcn/ctrgcn_ntu',
}
CPU = torch.device('cpu')


def numbers(key):
    """The published numbers of a network, from the golden files of the tests."""
    golden = np.load(SMALL / f'{GOLDEN[key]}.npz')
    output = '0' if 'train_pooled0' in golden else ''
    step = golden[f'train_pooled{output}'].shape[-1] // 32
    return {
        'train': golden[f'train_pooled{output}'][..., ::step],
        'eval': golden[f'eval_pooled{output}'][..., ::step],
        'loss': golden['loss'],
        'gradient': np.sqrt(np.square(golden['grad_norms']).sum()),
    }


def test_the_numbers_are_those_of_the_golden_files():
    known = np.load(PUBLISHED)
    assert set(known) == {f'{key}/{kind}' for key in GOLDEN for kind in numbers(key)}
    for key in GOLDEN:
        for kind, value in numbers(key).items():
            np.testing.assert_array_equal(known[f'{key}/{kind}'], value)
    assert PUBLISHED.stat().st_size < 20_000


SLOW = ('PoseC3D', 'CTR-GCN')


@pytest.mark.parametrize(
    'name', [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in NETWORKS]
)
def test_weights_and_inputs_are_those_of_the_golden_files(name):
    network = NETWORKS[name]
    ours, theirs = network.build(), fill_as_tests_do(network.build())
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict(), rtol=0, atol=0)
    golden = np.load(SMALL / f'{GOLDEN[network.key]}.npz')
    if 'input' in golden:
        np.testing.assert_array_equal(network.inputs(), golden['input'])
    else:
        assert list(network.shape) == golden['input_shapes'][0].tolist()


@pytest.mark.parametrize(
    'names', [['X3D'], pytest.param(list(NETWORKS), marks=pytest.mark.slow)], ids=['one', 'all']
)
def test_known_numbers_come_out_here(monkeypatch, names):
    monkeypatch.setattr(selftest, 'NETWORKS', {name: NETWORKS[name] for name in names})
    monkeypatch.setattr(selftest, 'has_bf16', lambda device: True)
    checks = list(selftest.run(CPU))
    ways = [f'{name}, {way}' for name in names for way in ('float32', 'bfloat16')]
    assert [check.name for check in checks] == ['heatmaps', *ways]
    assert all(check.holds for check in checks), checks


def test_a_network_that_computes_something_else_is_found(monkeypatch):
    monkeypatch.setattr(selftest, 'has_bf16', lambda device: False)
    monkeypatch.setattr(selftest, 'NETWORKS', {'X3D': NETWORKS['X3D']})
    convolution = torch.nn.functional.conv3d

    def wrong(*args, **kwargs):
        right = convolution(*args, **kwargs)
        return right * torch.linspace(0.99, 1.01, right.shape[-1])

    monkeypatch.setattr(torch.nn.functional, 'conv3d', wrong)
    [_, check] = selftest.run(CPU)
    assert not check.holds


def test_what_is_not_a_number_never_holds():
    assert not Check('X3D', float('nan'), 1.0, 0.0).holds
