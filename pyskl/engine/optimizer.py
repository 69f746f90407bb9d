"""The optimiser a config asks for, and how it goes on from a checkpoint."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

FUSED = ('SGD', 'Adam', 'AdamW')        # those that torch fuses on CUDA


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
    return config['type'] in FUSED and not config.get('dampening') and not config.keys() & {'fused', 'foreach', 'differentiable'}


def _start_momentum(optimizer: torch.optim.Optimizer) -> None:
    """Fused SGD starts from a momentum of zeros, which gives the same first step (with dampening it would not).

    Left to itself it takes memory as it comes; when a scaler then leaves the first step out, that is what later steps go on from.
    """
    for group in optimizer.param_groups:
        if isinstance(optimizer, torch.optim.SGD) and group['fused'] and group['momentum'] and not group['dampening']:
            for weight in group['params']:
                if optimizer.state[weight].get('momentum_buffer') is None:
                    optimizer.state[weight]['momentum_buffer'] = torch.zeros_like(weight)


def load_optimizer(optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Go on from a checkpoint's state_dict, which may be of another machine: how a step is computed stays this run's own.

    raises   ValueError when the groups of weights are others
    """
    groups = [{**theirs, **{key: ours[key] for key in ('fused', 'foreach') if key in ours}}
              for theirs, ours in zip(state['param_groups'], optimizer.param_groups, strict=True)]
    optimizer.load_state_dict({**state, 'param_groups': groups})
    _start_momentum(optimizer)
