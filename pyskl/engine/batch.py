"""How a batch passes through a model, the same in training and testing."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ConfigError
from ..models.recognizers.base import Recognizer

PRECISIONS = {'bf16': torch.bfloat16, 'fp16': torch.float16}


def to_device(batch: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """Return a batch with its tensors and Inputs on the device, without `index`."""
    return {
        key: value.to(device, non_blocking=True) if hasattr(value, 'to') else value
        for key, value in batch.items()
        if key != 'index'
    }


def autocast(device: torch.device, amp: str | None) -> contextlib.AbstractContextManager:
    """Return a context of mixed precision.

    Args:
        device: the model's.
        amp: 'bf16' or 'fp16'; None computes in float32.
    """
    if amp is None:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=PRECISIONS[amp])


def compute_losses(
    model: nn.Module, batch: Mapping[str, Any], device: torch.device, amp: str | None = None
) -> dict[str, Tensor]:
    """Pass a training batch through a recognizer.

    Args:
        model: a recognizer, or its DistributedDataParallel.
        batch: as the loader gives it.
        device: the model's.
        amp: see `autocast`.

    Returns:
        Losses and accuracies by name, and 'loss', the sum of the losses; 0-dim, on the device.

    Raises:
        ConfigError: a loss is not a tensor with one number.
    """
    with autocast(device, amp):
        values = model(to_device(batch, device))
        for name, value in values.items():
            if 'loss' in name and not (isinstance(value, Tensor) and value.numel() == 1):
                is_tensor = isinstance(value, Tensor)
                shape = f'has shape {tuple(value.shape)}' if is_tensor else ''
                raise ConfigError(
                    f'{name} {shape or f"is a {type(value).__name__}"}, expected a 0-dim tensor. '
                    'Let forward() of that loss return a tensor, the mean over the samples.'
                )
        values['loss'] = sum(value for name, value in values.items() if 'loss' in name)
    return values


def predict(
    model: Recognizer, batch: Mapping[str, Any], device: torch.device, amp: str | None = None
) -> dict[str, Tensor]:
    """Pass a test batch through a recognizer in eval mode.

    Args:
        model: in eval mode already.
        batch: as the loader gives it.
        device: the model's.
        amp: see `autocast`.

    Returns:
        The answers by name, (B, K) each, float32, on the device.
    """
    with torch.inference_mode(), autocast(device, amp):
        answers = model.predict(to_device(batch, device))
    return {name: scores.float() for name, scores in answers.items()}
