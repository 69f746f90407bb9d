"""The scores of all clips of a dataset, from any number of processes, in dataset order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import numpy as np
import torch
from tqdm import tqdm

from ..datasets import Batches
from ..datasets.samplers import TestBatches
from ..evaluation import by_prefix
from ..models.recognizers.base import Recognizer
from .batch import predict
from .collectives import Collectives


def collect_scores(
    model: Recognizer,
    batches: Batches,
    collectives: Collectives,
    amp: str | None = None,
    title: str = 'test',
    interrupted: Callable[[], int] = lambda: 0,
) -> dict[str, np.ndarray] | None:
    """Run a recognizer over a test-mode dataset.

    Args:
        model: the recognizer.
        batches: this rank's share, see build_dataloader; together the shares hold every clip once.
        collectives: of all ranks.
        amp: see `autocast`.
        title: of the progress bar.
        interrupted: called after each batch; all but 0 gives up. Every rank must answer alike.

    Returns:
        On rank 0 the model's answers by name, (N, ...) float32 in dataset order; None on other
        ranks, or when interrupted.
    """
    sampler = cast(TestBatches, batches.sampler)
    ranks = collectives.ranks
    was_training = model.training
    model.eval()
    rows, answers = [], []
    try:
        with tqdm(
            total=len(sampler.indices),
            desc=title,
            unit='clip',
            leave=False,
            disable=None if ranks.is_main else True,
        ) as bar:
            for batch in batches:
                rows.append(batch['index'])
                answers.append(predict(model, batch, ranks.device, amp))
                bar.update(len(rows[-1]))
                if interrupted():
                    return None
        # A rank with fewer batches asks as often as the others.
        for _ in range(sampler.most - len(batches)):
            if interrupted():
                return None
    finally:
        model.train(was_training)
    index = torch.cat(rows).numpy() if rows else np.zeros(0, int)
    joined = {
        name: torch.cat([answer[name] for answer in answers]).cpu().numpy()
        for name in (answers[0] if answers else ())
    }
    parts = collectives.gather((index, joined))
    return None if parts is None else _in_order(parts, len(batches.dataset))


def _in_order(
    parts: list[tuple[np.ndarray, dict[str, np.ndarray]]], num_clips: int
) -> dict[str, np.ndarray]:
    """Join the ranks' answers in dataset order.

    Args:
        parts: for each rank the rows that it tested, and its answers by name.
        num_clips: in the dataset.
    """
    parts = [(rows, answers) for rows, answers in parts if len(rows)]
    rows = np.concatenate([rows for rows, _ in parts])
    order = np.argsort(rows)
    exactly_once = np.array_equal(rows[order], np.arange(num_clips))
    assert exactly_once, 'the ranks did not share the clips out exactly'
    return {
        name: np.concatenate([answers[name] for _, answers in parts])[order] for name in parts[0][1]
    }


def judged_scores(answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return all scores to evaluate, by the prefix of their metrics' names.

    The joint scores have the prefix ''. A recognizer with several answers adds 'rgb_', 'pose_' and
    their blends, see evaluation.by_prefix.
    """
    parts = {} if len(answers) == 1 else by_prefix(answers)
    return {'': joint_scores(answers), **parts}


def joint_scores(answers: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return one score per clip and class: 'score', or the mean of several answers."""
    return answers['score'] if 'score' in answers else np.mean(list(answers.values()), axis=0)
