"""Dry run: build everything, run one batch, and print shapes, cost, time and memory."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from ..engine.batch import predict
from ..engine.distributed import Ranks
from ..engine.log import as_text, duration
from ..engine.trainer import Trainer
from ..inputs import Input
from ..inputs.base import Target, input_tensor
from ..recipe import Recipe
from .odd_data import value_ranges
from .setup import build_recognizer


def dry_run(trainer: Trainer) -> None:
    """Print shapes, ranges and cost of a training step and a validation batch; write nothing.

    Args:
        trainer: of the whole run; its model is trained for two steps.
    """
    recipe, ranks, train, val = trainer.recipe, trainer.ranks, trainer.train, trainer.val

    # What goes in.
    batch = next(iter(train))
    for line in value_ranges(train.dataset):
        _say(ranks, f'training clips: {line}')
    _say(ranks, f'training batch: {_shapes(batch)}; {len(train)} batches per epoch and process')
    _say(ranks, f'values of its first clips: {_values(batch, ranks.device)}')
    if ranks.is_main:
        print(f'network: {cost(recipe, batch)}')

    # Two training steps; the first one includes warming up.
    for which in ('first', 'second'):
        start = time.perf_counter()
        values = {name: float(value.detach()) for name, value in trainer.step(batch).items()}
        step = time.perf_counter() - start
        _say(ranks, f'{which} training step: {step:.2f} s; {as_text(values)}')
    epochs = recipe.total_epochs or 0
    parts = [f'{epochs} epochs x {len(train)} steps x {step:.2f} s']
    whole = epochs * len(train) * step

    # A validation batch.
    if val is not None and len(val):
        batch = next(iter(val))
        model = trainer.model.eval()
        start = time.perf_counter()
        answers = predict(model, batch, ranks.device, trainer.amp)
        answers = {name: scores.cpu() for name, scores in answers.items()}
        seconds = time.perf_counter() - start
        times = epochs // recipe.evaluation.interval
        parts.append(f'{times} validations x {len(val)} batches x {seconds:.2f} s')
        whole += times * len(val) * seconds
        shapes = ', '.join(f'{name} {tuple(scores.shape)}' for name, scores in answers.items())
        _say(ranks, f'validation batch: {_shapes(batch)} -> {shapes} in {seconds:.2f} s')
    _say(
        ranks,
        f'whole run: {", ".join(parts)}: about {duration(whole)} (hours:minutes:seconds), if the '
        'loader keeps up',
    )
    _say(ranks, f'peak memory: {_memory(ranks)}. Nothing was written.')


def cost(recipe: Recipe, batch: Mapping[str, Any]) -> str:
    """Describe the size of the network: its parameters, and the operations of one training clip.

    Counts multiplications and additions of convolutions and matrix products, each as one, with
    PyTorch's counter, on the plain layers.
    """
    model, _ = build_recognizer(recipe)
    numbers = sum(parameter.numel() for parameter in model.parameters())
    clip = {key: value[:1] if hasattr(value, 'shape') else value for key, value in batch.items()}
    with FlopCounterMode(display=False) as counter:
        predict(model.eval(), clip, torch.device('cpu'))
    flops = counter.get_total_flops() / 1e9
    return f'{numbers / 1e6:.2f} million parameters, {flops:.3g} GFLOP for a training clip, forward'


def _say(ranks: Ranks, text: str) -> None:
    if ranks.is_main:
        print(text)


def _shapes(batch: Mapping[str, Any]) -> str:
    return ', '.join(
        f'{key} {tuple(value.shape)}' for key, value in batch.items() if hasattr(value, 'shape')
    )


def _values(batch: Mapping[str, Any], device: torch.device) -> str:
    """Return the range of each entry over up to eight clips; heatmaps are drawn for it."""
    lines = []
    for key, value in batch.items():
        if isinstance(value, (Input, torch.Tensor)) and value.shape[0] and key != 'index':
            numbers = input_tensor(value[:8].to(device), Target(device, torch.float32)).float()
            line = f'{key} {float(numbers.min()):.4g} to {float(numbers.max()):.4g}'
            if isinstance(value, Input):
                line += f' ({float((numbers > 0.1).float().mean()):.2%} above 0.1)'
            lines.append(line)
    return ', '.join(lines)


def _memory(ranks: Ranks) -> str:
    host = f'{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB of host memory'
    if ranks.device.type != 'cuda':
        return host
    return f'{host}, {torch.cuda.max_memory_allocated(ranks.device) / 2**30:.2f} GB of GPU memory'
