"""The optimiser a config asks for, and how it goes on from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

import torch

from ..files.torch_files import check_dense
from ..wording import brief, some

MOST = 2.0**53  # larger than any count of a run
FUSED = ('SGD', 'Adam', 'AdamW')  # optimisers that torch fuses on CUDA


def build_optimizer(model: torch.nn.Module, config: Mapping[str, Any]) -> torch.optim.Optimizer:
    """Build an optimiser of torch.optim over all trainable parameters, in one group as published.

    On CUDA the step is one fused kernel where the optimiser has one and the config does not choose.

    Args:
        model: the network.
        config: {'type': 'SGD', 'lr': ..., ...}, already checked by the recipe.
    """
    arguments = {k: v for k, v in config.items() if k != 'type'}
    weights = [p for p in model.parameters() if p.requires_grad]
    if fits_fused(config) and all(p.device.type == 'cuda' for p in weights):
        arguments['fused'] = True
    optimizer = getattr(torch.optim, config['type'])(weights, **arguments)
    _start_momentum(optimizer)
    return optimizer


def fits_fused(config: Mapping[str, Any]) -> bool:
    """Return whether an optimiser may be fused on CUDA.

    It may if torch can fuse it, the config does not choose, and momentum may start from zeros.
    """
    return (
        config['type'] in FUSED
        and not config.get('dampening')
        and not config.keys() & {'fused', 'foreach', 'differentiable'}
    )


def _start_momentum(optimizer: torch.optim.Optimizer) -> None:
    """Let fused SGD start from a momentum of zeros; without dampening the first step is the same.

    Otherwise it allocates uninitialised memory, and when a scaler skips the first step, later steps
    go on from that.
    """
    for group in optimizer.param_groups:
        if (
            isinstance(optimizer, torch.optim.SGD)
            and group['fused']
            and group['momentum']
            and not group['dampening']
        ):
            for weight in group['params']:
                if optimizer.state[weight].get('momentum_buffer') is None:
                    optimizer.state[weight]['momentum_buffer'] = torch.zeros_like(weight)


def load_optimizer(optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Go on from a checkpoint's optimiser state.

    It may come from another machine, so only the learning rate of its groups is used.

    Args:
        optimizer: a fresh one.
        state: a state_dict of such an optimiser.

    Raises:
        ValueError, KeyError, TypeError: other groups of weights, or a state that this optimiser
            does not keep for its weight.
    """
    groups, states = [], {}
    for saved, group in zip(state['param_groups'], optimizer.param_groups, strict=True):
        rate = checked_number(saved['lr'], 'the learning rate')
        groups.append({**group, 'params': saved['params'], 'lr': rate})
        for index, weight in zip(saved['params'], group['params'], strict=True):
            if state['state'].get(index):
                states[index] = _checked_state(state['state'][index], weight, optimizer)
    optimizer.load_state_dict({'state': states, 'param_groups': groups})
    _start_momentum(optimizer)


def _checked_state(
    state: Mapping[str, Any], weight: torch.Tensor, optimizer: torch.optim.Optimizer
) -> dict[str, Any]:
    """Return a copy of the state that a checkpoint holds for a weight.

    Names and shapes must be those after this optimiser's first step on such a weight.
    """
    if not isinstance(state, Mapping):
        raise TypeError(f'the optimiser state of a weight is {brief(state)}')

    # Do that step on a stand-in.
    stand_in = torch.zeros_like(weight, device='cpu', requires_grad=True)
    stand_in.grad = torch.zeros_like(stand_in)
    known = signature(type(optimizer)).parameters.keys() - {'fused', 'foreach'}
    twin = type(optimizer)(
        [stand_in], **{key: value for key, value in optimizer.defaults.items() if key in known}
    )
    twin.step()

    # Compare.
    check_dense(state, 'the optimiser state')
    checked: dict[str, Any] = {}
    for name, expected in twin.state[stand_in].items():
        if name not in state:
            raise ValueError(
                f'the optimiser state holds {some(state)}, expected {name}: is it from another '
                'optimiser?'
            )
        value = state[name]
        if value is None and name == 'momentum_buffer':  # the first step was left out
            checked[name] = None
        elif torch.is_tensor(expected) and expected.dim():
            if (
                not torch.is_tensor(value)
                or value.shape != expected.shape
                or not value.is_floating_point()
            ):
                found = (
                    f'{value.dtype} of shape {tuple(value.shape)}'
                    if torch.is_tensor(value)
                    else brief(value)
                )
                raise ValueError(f'{name} of a weight of shape {tuple(weight.shape)} is {found}')
            checked[name] = value.clone()  # tensors of a file may share memory
        else:
            number = checked_number(value.item() if torch.is_tensor(value) else value, name)
            checked[name] = expected.new_tensor(number) if torch.is_tensor(expected) else number
    return checked


def checked_number(
    value: Any, name: str, whole: bool = False, low: float = 0, high: float = MOST
) -> Any:
    """Return a number of a checkpoint.

    Raises:
        ValueError: not a finite number (with `whole`, a whole number) from `low` to `high`.
    """
    fits = isinstance(value, int) or isinstance(value, float) and not whole
    if not fits or isinstance(value, bool) or not low <= value <= high:
        kind = 'whole number' if whole else 'number'
        raise ValueError(f'{name} is {brief(value)}, expected a {kind} from {low:g} to {high:g}')
    return value
