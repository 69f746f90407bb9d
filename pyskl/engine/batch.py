"""A batch's way through a model.

Onto the device, and the call, the same in training and testing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ConfigError

PRECISIONS = {'bf16': torch.bfloat16, 'fp16': torch.float16}


def to_device(batch: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """Move a batch's entries, tensors and Inputs, to the device; `index` stays behind."""
    return {
        key: value.to(device, non_blocking=True) if hasattr(value, 'to') else value
        for key, value in batch.items()
        if key != 'index'
    }


def autocast(device: torch.device, amp: str | None) -> contextlib.AbstractContextManager:
    """Mixed precision ('bf16', 'fp16') for what runs inside; None computes in float32."""
    if amp is None:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=PRECISIONS[amp])


def compute_losses(
    model: nn.Module, batch: Mapping[str, Any], device: torch.device, amp: str | None = None
) -> dict[str, Tensor]:
    """Pass a training batch through a recognizer (or its DistributedDataParallel).

    Returns:
        Losses and accuracies by name, and 'loss', the sum of the losses; 0-dim, on the device.

    Raises:
        ConfigError: a loss is no tensor of one number.
    """
    with autocast(device, amp):
        values = model(to_device(batch, device))
        for name, value in values.items():
            if 'loss' in name and not (isinstance(value, Tensor) and value.numel() == 1):
                raise ConfigError(_no_number(name, value))
        values['loss'] = sum(value for name, value in values.items() if 'loss' in name)
    return values


def _no_number(name: str, value: Any) -> str:
    if not isinstance(value, Tensor):
        return (
            f'{name} is a {type(value).__name__}, expected a 0-dim tensor. '
            'See what forward() of that loss returns.'
        )
    return (
        f'{name} has shape {tuple(value.shape)}, expected a 0-dim tensor. '
        'Let forward() of that loss average over the samples.'
    )


def predict(
    model: nn.Module, batch: Mapping[str, Any], device: torch.device, amp: str | None = None
) -> dict[str, Tensor]:
    """Pass a test batch through a recognizer in eval mode.

    Its answers by name, float32, on the device.
    """
    with torch.inference_mode(), autocast(device, amp):
        answers = model.predict(to_device(batch, device))
    return {name: scores.float() for name, scores in answers.items()}
