"""Top-k accuracy, computed on the scores' device without waiting for it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


@torch.no_grad()
def topk_accuracies(
    cls_score: Tensor, label: Tensor, topk: Sequence[int] = (1, 5)
) -> dict[str, Tensor]:
    """Return how often the true class is among the k highest scores, for each k.

    Of equal scores the lower class ranks first; NaN ranks before every number.

    Args:
        cls_score: (N, K) class scores.
        label: (N,) class indices.
        topk: the values of k.

    Returns:
        {'top1_acc': ..., 'top5_acc': ...}: 0-dim float32 each, on the device of the scores.
    """
    true_score = cls_score.gather(1, label[:, None])
    same_or_later = torch.arange(cls_score.shape[1], device=cls_score.device) >= label[:, None]

    # The rank of the true class is the number of classes that are not behind it. It counts as
    # behind itself, so ranks start at 0.
    behind = (cls_score < true_score) | ((cls_score == true_score) & same_or_later)
    rank = cls_score.shape[1] - behind.sum(1)
    return {f'top{k}_acc': (rank < k).float().mean() for k in topk}
