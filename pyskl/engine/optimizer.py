"""The optimiser a config asks for."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch


def build_optimizer(model: torch.nn.Module, config: Mapping[str, Any]) -> torch.optim.Optimizer:
    """torch.optim's optimiser of that type over all trainable parameters, in one group as published.

    config   {'type': 'SGD', 'lr': ..., ...}, already checked by the recipe
    """
    arguments = {k: v for k, v in config.items() if k != 'type'}
    return getattr(torch.optim, config['type'])([p for p in model.parameters() if p.requires_grad], **arguments)
