"""The optimiser a config asks for."""
from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch


def build_optimizer(model: torch.nn.Module, config: Mapping[str, Any]) -> torch.optim.Optimizer:
    """torch.optim's optimiser of that type over all trainable parameters, in one group as published.

    config   {'type': 'SGD', 'lr': ..., ...}, already checked by the recipe. On CUDA the step is one fused kernel where the optimiser has
             one and the config says nothing of it
    """
    kind = getattr(torch.optim, config['type'])
    arguments = {k: v for k, v in config.items() if k != 'type'}
    weights = [p for p in model.parameters() if p.requires_grad]
    undecided = not arguments.keys() & {'fused', 'foreach', 'differentiable'}
    if undecided and 'fused' in inspect.signature(kind).parameters and all(p.device.type == 'cuda' for p in weights):
        arguments['fused'] = True
    return kind(weights, **arguments)
