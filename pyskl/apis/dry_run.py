"""--dry-run: everything is built and one batch goes each way; shapes, time and memory are printed, nothing is written."""
from __future__ import annotations

import logging
import resource
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..datasets import Batches
from ..engine.batch import predict
from ..engine.distributed import Collectives, Ranks
from ..engine.log import JsonLog, as_text
from ..engine.trainer import Trainer
from ..inputs import Input
from ..inputs.base import Target, input_tensor
from ..recipe import Recipe
from .odd_data import ranges


def dry_run(model: torch.nn.Module, recipe: Recipe, ranks: Ranks, collectives: Collectives, train: Batches, val: Batches | None, seed: int,
            amp: str | None) -> None:
    """Print what a training step and a validation batch look like and cost."""
    trainer = Trainer(model, recipe, ranks, collectives, train, None, Path('.'), logging.getLogger('pyskl'), JsonLog(None), seed, amp)
    batch = next(iter(train))
    for line in ranges(train.dataset):
        _say(ranks, f'training clips: {line}')
    _say(ranks, f'training batch: {_shapes(batch)}; {len(train)} batches per epoch and process')
    _say(ranks, f'values of its first clips: {_values(batch, ranks.device)}')
    for which in ('first', 'second'):
        start = time.perf_counter()
        values = {name: float(value.detach()) for name, value in trainer.step(batch).items()}
        _say(ranks, f'{which} training step: {time.perf_counter() - start:.2f} s; {as_text(values)}')
    if val is not None and len(val):
        batch = next(iter(val))
        model.eval()
        start = time.perf_counter()
        answers = {name: scores.cpu() for name, scores in predict(model, batch, ranks.device, amp).items()}
        shapes = ', '.join(f'{name} {tuple(scores.shape)}' for name, scores in answers.items())
        _say(ranks, f'validation batch: {_shapes(batch)} -> {shapes} in {time.perf_counter() - start:.2f} s')
    _say(ranks, f'peak memory: {_memory(ranks)}. Nothing was written.')


def _say(ranks: Ranks, text: str) -> None:
    if ranks.is_main:
        print(text)


def _shapes(batch: Mapping[str, Any]) -> str:
    return ', '.join(f'{key} {tuple(value.shape)}' for key, value in batch.items() if hasattr(value, 'shape'))


def _values(batch: Mapping[str, Any], device: torch.device) -> str:
    """The range of each entry of up to eight clips; heatmaps are drawn for it."""
    ranges = []
    for key, value in batch.items():
        if isinstance(value, (Input, torch.Tensor)) and len(value) and key != 'index':
            numbers = input_tensor(value[:8].to(device), Target(device, torch.float32)).float()
            drawn = f' ({float((numbers > 0.1).float().mean()):.2%} above 0.1)' if isinstance(value, Input) else ''
            ranges.append(f'{key} {float(numbers.min()):.4g} to {float(numbers.max()):.4g}{drawn}')
    return ', '.join(ranges)


def _memory(ranks: Ranks) -> str:
    host = f'{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB of host memory'
    if ranks.device.type != 'cuda':
        return host
    return f'{host}, {torch.cuda.max_memory_allocated(ranks.device) / 2**30:.2f} GB of GPU memory'
