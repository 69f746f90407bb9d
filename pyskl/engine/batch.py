"""A batch on its way to the network: onto the device, with its label vectors, under the chosen precision."""
from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

PRECISIONS = {'bf16': torch.bfloat16, 'fp16': torch.float16}


class ToDevice:
    """Moves batches to the device, and looks up `emb` there when the loader left it out (see Batches.label_embeddings)."""

    def __init__(self, device: torch.device, label_embeddings: np.ndarray | None):
        self.device = device
        self.table = None
        if label_embeddings is not None:        # one more row, of zeros, is what label -1 (unknown) finds
            zeros = np.zeros_like(label_embeddings[:1])
            self.table = torch.from_numpy(np.concatenate([label_embeddings, zeros])).to(device)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        moved = {key: value.to(self.device, non_blocking=True) if hasattr(value, 'to') else value
                 for key, value in batch.items() if key != 'index'}
        if self.table is not None and 'label' in moved:
            moved['emb'] = self.table[moved['label'].reshape(-1)]
        return moved


def autocast(device: torch.device, amp: str | None) -> contextlib.AbstractContextManager:
    """Mixed precision ('bf16', 'fp16') for what runs inside; None computes in float32."""
    if amp is None:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=PRECISIONS[amp])
