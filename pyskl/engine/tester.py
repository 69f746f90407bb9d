"""Scores of every clip of a dataset, from any number of processes, in dataset order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from tqdm import tqdm

from ..datasets import Batches
from ..evaluation import by_prefix
from .batch import predict
from .distributed import Collectives, Ranks


def collect_scores(
    model: torch.nn.Module,
    batches: Batches,
    ranks: Ranks,
    collectives: Collectives,
    amp: str | None = None,
    title: str = 'test',
    interrupted: Callable[[], bool] | None = None,
) -> dict[str, np.ndarray] | None:
    """Run the model over a test-mode dataset.

    batches       this rank's share, see build_dataloader; the shares together hold every clip once
    interrupted   asked after each batch; True gives up (every rank must answer alike)
    ->            the model's answers by name, (N, ...) float32 in dataset order, on rank 0; None on other ranks, or when interrupted
    """
    was_training = model.training
    model.eval()
    rows, answers = [], []
    try:
        with tqdm(
            total=len(batches.sampler.indices),
            desc=title,
            unit='clip',
            leave=False,
            disable=None if ranks.is_main else True,
        ) as bar:
            for batch in batches:
                rows.append(batch['index'])
                answers.append(predict(model, batch, ranks.device, amp))
                bar.update(len(rows[-1]))
                if interrupted is not None and interrupted():
                    return None
        for _ in range(
            batches.sampler.most - len(batches)
        ):  # a rank with fewer batches is asked as often as the others
            if interrupted is not None and interrupted():
                return None
    finally:
        model.train(was_training)
    mine = torch.cat(rows).numpy() if rows else np.zeros(0, int)
    joined = {
        name: torch.cat([answer[name] for answer in answers]).cpu().numpy()
        for name in (answers[0] if answers else ())
    }
    parts = collectives.gather((mine, joined))
    return None if parts is None else _in_order(parts, len(batches.dataset))


def _in_order(
    parts: list[tuple[np.ndarray, dict[str, np.ndarray]]], num_clips: int
) -> dict[str, np.ndarray]:
    """Put the ranks' answers, each (rows, answers of these rows by name), into dataset order."""
    parts = [(rows, answers) for rows, answers in parts if len(rows)]
    rows = np.concatenate([rows for rows, _ in parts])
    order = np.argsort(rows)
    exactly_once = np.array_equal(rows[order], np.arange(num_clips))
    assert exactly_once, 'the ranks did not share the clips out exactly'
    return {
        name: np.concatenate([answers[name] for _, answers in parts])[order] for name in parts[0][1]
    }


def judged_scores(answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All scores of clips that are judged, by what stands before their figures' names: '' for the joint ones.

    Of a recognizer with several answers also 'rgb_', 'pose_' and their blends, see evaluation.by_prefix.
    """
    parts = {} if len(answers) == 1 else by_prefix(answers)
    return {'': joint_scores(answers), **parts}


def joint_scores(answers: Mapping[str, np.ndarray]) -> np.ndarray:
    """The one score of each clip: 'score', or the mean of a recognizer's several answers."""
    return answers['score'] if 'score' in answers else np.mean(list(answers.values()), axis=0)
