"""Scores of every clip of a dataset, from any number of processes, in dataset order."""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from tqdm import tqdm

from ..datasets import Batches
from .batch import autocast
from .distributed import Collectives, Ranks


def collect_scores(model: torch.nn.Module, batches: Batches, ranks: Ranks, collectives: Collectives, amp: str | None = None,
                   title: str = 'test', interrupted: Callable[[], bool] | None = None) -> np.ndarray | None:
    """Run the model over a test-mode dataset.

    batches       this rank's share, see build_dataloader; the shares together hold every clip once
    interrupted   asked after each batch; True gives up (every rank must answer alike)
    ->            (N, ...) float32 scores in dataset order on rank 0; None on other ranks, or when interrupted
    """
    was_training = model.training
    model.eval()
    rows, scores = [], []
    try:
        with torch.inference_mode(), autocast(ranks.device, amp), tqdm(
                total=len(batches.sampler.indices), desc=title, unit='clip', leave=False, disable=None if ranks.is_main else True) as bar:
            for batch in batches:
                rows.append(batch['index'])
                scores.append(model.predict(batch['imgs']).float())     # from the host, where shared frames are found without waiting
                bar.update(len(rows[-1]))
                if interrupted is not None and interrupted():
                    return None
        for _ in range(batches.sampler.most - len(batches)):        # a rank with fewer batches is asked as often as the others
            if interrupted is not None and interrupted():
                return None
    finally:
        model.train(was_training)
    mine = (torch.cat(rows).numpy(), torch.cat(scores).cpu().numpy()) if rows else (np.zeros(0, int), None)
    parts = collectives.gather(mine)
    return None if parts is None else _in_order(parts, len(batches.dataset))


def _in_order(parts: list[tuple[np.ndarray, np.ndarray | None]], num_clips: int) -> np.ndarray:
    parts = [(rows, values) for rows, values in parts if len(rows)]
    rows = np.concatenate([r for r, _ in parts])
    assert np.array_equal(np.sort(rows), np.arange(num_clips)), 'the ranks did not share the clips out exactly'
    scores = np.empty((num_clips, *parts[0][1].shape[1:]), np.float32)
    scores[rows] = np.concatenate([values for _, values in parts])
    return scores
