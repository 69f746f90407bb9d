"""A batch's way through a model: onto the device, and the call, the same in training and testing."""
from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

PRECISIONS = {'bf16': torch.bfloat16, 'fp16': torch.float16}


def to_device(batch: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """Move a batch's entries, tensors and Inputs, to the device; `index` stays behind."""
    return {key: value.to(device, non_blocking=True) if hasattr(value, 'to') else value
            for key, value in batch.items() if key != 'index'}


def autocast(device: torch.device, amp: str | None) -> contextlib.AbstractContextManager:
    """Mixed precision ('bf16', 'fp16') for what runs inside; None computes in float32."""
    if amp is None:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=PRECISIONS[amp])


def compute_losses(model: nn.Module, batch: Mapping[str, Any], device: torch.device,
                   amp: str | None = None) -> dict[str, Tensor]:
    """Pass a training batch through a recognizer (or its DistributedDataParallel).

    Returns:
        Losses and accuracies by name, and 'loss', the sum of the losses; 0-dim, on the device.
    """
    with autocast(device, amp):
        values = model(to_device(batch, device))
        values['loss'] = sum(value for name, value in values.items() if 'loss' in name)
    return values


def predict(model: nn.Module, batch: Mapping[str, Any], device: torch.device,
            amp: str | None = None) -> dict[str, Tensor]:
    """Pass a test batch through a recognizer in eval mode: its answers by name, float32, on the device."""
    with torch.inference_mode(), autocast(device, amp):
        answers = model.predict(to_device(batch, device))
    return {name: scores.float() for name, scores in answers.items()}
