"""Initial weights of a network."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def init_like_he(network: nn.Module) -> None:
    """Draw convolutions from He's normal distribution by fan-out; reset biases and BatchNorm.

    Source: Delving deep into rectifiers, arXiv:1502.01852.
    """
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d)):
            nn.init.kaiming_normal_(module.weight, mode='fan_out')
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, _BatchNorm):
            module.reset_parameters()  # the running statistics, too
