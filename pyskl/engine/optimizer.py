"""The optimiser a config asks for, and how it goes on from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

import torch

from ..files.torch_files import check_dense
from ..wording import brief, some

MOST = 2.0**53  # no count of a run comes near it
FUSED = ('SGD', 'Adam', 'AdamW')  # those that torch fuses on CUDA


def build_optimizer(model: torch.nn.Module, config: Mapping[str, Any]) -> torch.optim.Optimizer:
    """torch.optim's optimiser of that type over all trainable parameters, in one group as published.

    config   {'type': 'SGD', 'lr': ..., ...}, already checked by the recipe. On CUDA the step is one fused kernel where the optimiser has
             one and the config says nothing of it
    """
    arguments = {k: v for k, v in config.items() if k != 'type'}
    weights = [p for p in model.parameters() if p.requires_grad]
    if fits_fused(config) and all(p.device.type == 'cuda' for p in weights):
        arguments['fused'] = True
    optimizer = getattr(torch.optim, config['type'])(weights, **arguments)
    _start_momentum(optimizer)
    return optimizer


def fits_fused(config: Mapping[str, Any]) -> bool:
    """Is the optimiser one that torch fuses on CUDA, does the config say nothing of it, and may momentum start from zeros?"""
    return (
        config['type'] in FUSED
        and not config.get('dampening')
        and not config.keys() & {'fused', 'foreach', 'differentiable'}
    )


def _start_momentum(optimizer: torch.optim.Optimizer) -> None:
    """Fused SGD starts from a momentum of zeros, which gives the same first step (with dampening it would not).

    Left to itself it takes memory as it comes; when a scaler then leaves the first step out, that is what later steps go on from.
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
    """Go on from a checkpoint's state_dict, which may be of another machine: of its groups only the learning rate is taken over.

    raises   ValueError, KeyError, TypeError: the groups of weights are others, or a state is not what this optimiser keeps of its weight
    """
    groups, states = [], {}
    for theirs, ours in zip(state['param_groups'], optimizer.param_groups, strict=True):
        groups.append(
            {
                **ours,
                'params': theirs['params'],
                'lr': checked_number(theirs['lr'], 'the learning rate'),
            }
        )
        for index, weight in zip(theirs['params'], ours['params'], strict=True):
            if state['state'].get(index):
                states[index] = _checked_state(state['state'][index], weight, optimizer)
    optimizer.load_state_dict({'state': states, 'param_groups': groups})
    _start_momentum(optimizer)


def _checked_state(
    state: Mapping[str, Any], weight: torch.Tensor, optimizer: torch.optim.Optimizer
) -> dict[str, Any]:
    """What a checkpoint keeps of a weight, copied: names and shapes as after this optimiser's first step on such a weight."""
    if not isinstance(state, Mapping):
        raise TypeError(f'the optimiser state of a weight is {brief(state)}')
    stand_in = torch.zeros_like(weight, device='cpu', requires_grad=True)
    stand_in.grad = torch.zeros_like(stand_in)
    known = signature(type(optimizer)).parameters.keys() - {'fused', 'foreach'}
    twin = type(optimizer)(
        [stand_in], **{key: value for key, value in optimizer.defaults.items() if key in known}
    )
    twin.step()
    check_dense(state, 'the optimiser state')
    checked: dict[str, Any] = {}
    for name, own in twin.state[stand_in].items():
        if name not in state:
            raise ValueError(
                f'the optimiser state holds {some(state)}, expected {name}: is it of another optimiser?'
            )
        value = state[name]
        if value is None and name == 'momentum_buffer':  # the first step was left out
            checked[name] = None
        elif torch.is_tensor(own) and own.dim():
            if (
                not torch.is_tensor(value)
                or value.shape != own.shape
                or not value.is_floating_point()
            ):
                found = (
                    f'{value.dtype} of shape {tuple(value.shape)}'
                    if torch.is_tensor(value)
                    else brief(value)
                )
                raise ValueError(f'{name} of a weight of shape {tuple(weight.shape)} is {found}')
            checked[name] = value.clone()  # memory of its own, whatever the file shares
        else:
            number = checked_number(value.item() if torch.is_tensor(value) else value, name)
            checked[name] = (
                own.new_tensor(number) if torch.is_tensor(own) and not own.dim() else number
            )
    return checked


def checked_number(
    value: Any, name: str, whole: bool = False, low: float = 0, high: float = MOST
) -> Any:
    """A number out of a checkpoint. ValueError unless it is one, finite and in that range."""
    fits = isinstance(value, int) or isinstance(value, float) and not whole
    if not fits or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(
            f'{name} is {brief(value)}, expected a {"whole " if whole else ""}number from {low:g} to {high:g}'
        )
    return value
