"""The optimiser: when it is fused, first steps that a scaler skips, state from another machine."""

import copy

import pytest
import torch

from pyskl.engine.optimizer import build_optimizer, fits_fused, load_optimizer

SGD = {'type': 'SGD', 'lr': 0.1, 'momentum': 0.9, 'weight_decay': 3e-4}


def linear():
    torch.manual_seed(0)
    return torch.nn.Linear(64, 32)


def train(model, optimizer, gradients, scaler=None):
    """One step for each number, which all gradients are filled with."""
    scaler = scaler or torch.amp.GradScaler('cpu', enabled=False)
    for number in gradients:
        for weight in model.parameters():
            weight.grad = torch.full_like(weight, number) * scaler.scale(torch.ones(()))
        scaler.step(optimizer)
        scaler.update()
    return [weight.detach() for weight in model.parameters()]


@pytest.fixture
def dirty_memory(monkeypatch):
    """What torch leaves uninitialised holds NaN."""
    monkeypatch.setattr(
        torch, 'empty_like', lambda x, **kwargs: torch.full_like(x, float('nan'), **kwargs)
    )


@pytest.mark.parametrize('nesterov', [False, True])
def test_fused_momentum_survives_a_first_step_that_overflows(dirty_memory, nesterov):
    plain, fused = linear(), linear()
    config = {**SGD, 'nesterov': nesterov}
    expected = train(plain, build_optimizer(plain, config), (1.0, -0.5, 2.0))
    optimizer = build_optimizer(fused, {**config, 'fused': True})
    scaler = torch.amp.GradScaler('cpu', init_scale=4.0)
    found = train(fused, optimizer, (float('inf'), 1.0, -0.5, 2.0), scaler)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    'config', [SGD, {'type': 'Adam', 'lr': 0.1}, {'type': 'AdamW', 'lr': 0.1, 'amsgrad': True}]
)
@pytest.mark.parametrize(('before', 'now'), [(None, True), (True, None)])
def test_a_run_goes_on_fused_or_not_as_it_is_itself(dirty_memory, config, before, now):
    model, again = linear(), linear()
    first = build_optimizer(model, {**config, 'fused': before})
    train(model, first, (1.0, 2.0))
    state = copy.deepcopy(first.state_dict())
    second = build_optimizer(again, {**config, 'fused': now})
    again.load_state_dict(model.state_dict())
    load_optimizer(second, state)
    assert second.param_groups[0]['fused'] is now
    found = train(again, second, (3.0,), torch.amp.GradScaler('cpu'))
    torch.testing.assert_close(found, train(model, first, (3.0,)))


def test_a_checkpoint_without_momentum_starts_it(dirty_memory):
    plain, fused = linear(), linear()
    expected = train(plain, build_optimizer(plain, SGD), (1.0, 2.0))
    optimizer = build_optimizer(fused, {**SGD, 'fused': True})
    load_optimizer(optimizer, build_optimizer(linear(), SGD).state_dict())
    found = train(fused, optimizer, (float('inf'), 1.0, 2.0), torch.amp.GradScaler('cpu'))
    torch.testing.assert_close(found, expected)


def test_a_checkpoint_of_other_groups_is_refused():
    optimizer = build_optimizer(linear(), SGD)
    state = optimizer.state_dict()
    with pytest.raises(ValueError):
        load_optimizer(optimizer, {**state, 'param_groups': state['param_groups'] * 2})


@pytest.mark.parametrize(
    ('config', 'fused'),
    [
        (SGD, True),
        ({'type': 'AdamW', 'lr': 0.1}, True),
        ({'type': 'Adagrad', 'lr': 0.1}, False),
        ({'type': 'RMSprop', 'lr': 0.1}, False),
        ({**SGD, 'dampening': 0.1}, False),
        ({**SGD, 'foreach': True}, False),
        ({**SGD, 'fused': False}, False),
    ],
)
def test_only_what_torch_fuses_on_a_gpu_is_fused_there(config, fused):
    assert fits_fused(config) is fused
