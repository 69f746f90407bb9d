"""How often the true class is among the k likeliest: computed where the scores are, without waiting for the device."""

from __future__ import annotations

from collections.abc import Sequence

import torch


@torch.no_grad()
def topk_accuracies(
    cls_score: torch.Tensor, label: torch.Tensor, topk: Sequence[int] = (1, 5)
) -> dict[str, torch.Tensor]:
    """{'top1_acc': ..., 'top5_acc': ...}, each 0-dim float32 on the scores' device.

    cls_score (N, K), label (N,). Of equal scores the lower class comes first; a NaN comes before everything.
    Concretely: the true class has rank #(classes that are not behind it), and k counts ranks 0..k-1.
    """
    true = cls_score.gather(1, label[:, None])
    later = torch.arange(cls_score.shape[1], device=cls_score.device)[None] >= label[:, None]
    behind = (cls_score < true) | (
        (cls_score == true) & later
    )  # the true class itself is among them
    rank = cls_score.shape[1] - behind.sum(1)
    return {f'top{k}_acc': (rank < k).float().mean() for k in topk}
