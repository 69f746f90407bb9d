"""How the weights of a network start."""

from __future__ import annotations

from torch import nn


def init_like_he(network: nn.Module) -> None:
    """Start 2-D convolutions with He's normal by fan out, their biases at 0, BatchNorm at 1 and 0.

    Source: Delving deep into rectifiers, arXiv:1502.01852.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode='fan_out')
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.reset_parameters()
