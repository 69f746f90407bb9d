"""What the losses on class scores have in common: weights of classes, smoothed labels, labels that are shares of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from ...errors import ConfigError
from .class_weights import DEFAULT_BETA, WEIGHTINGS

ClassWeight = Literal['effective', 'sqrt'] | Sequence[float] | None


class ClassLoss(nn.Module):
    """A loss on class scores (N, K).

    class_weight       K numbers, what a clip of each class counts; or how they come from the class counts of the training clips:
                       'effective' (Cui et al. 2019, with beta), 'sqrt' (one over the count's square root)
    label_smooth_eps   0..1: this share of the target is spread evenly over the K classes (arXiv:1512.00567, section 7)
    beta               of 'effective'; None: 0.999

    Nothing that it learns of the labels is part of the state dict.
    of_several_labels: it is computed from labels (N, K) alone, as a head with multi_class=True gives them.
    """

    of_several_labels = False

    def __init__(
        self,
        loss_weight: float,
        class_weight: ClassWeight = None,
        label_smooth_eps: float = 0.0,
        beta: float | None = None,
    ):
        super().__init__()
        if not 0 <= label_smooth_eps <= 1:
            raise ValueError(
                f'label_smooth_eps = {label_smooth_eps}: expected a number from 0 to 1.'
            )
        if beta is not None and class_weight != 'effective':
            raise ValueError(f"beta = {beta} belongs to class_weight='effective'. Leave it out.")
        if beta is not None and not 0 <= beta < 1:
            raise ValueError(f'beta = {beta}: expected a number from 0 to below 1, e.g. 0.999.')
        self.loss_weight, self.label_smooth_eps = loss_weight, label_smooth_eps
        self.weighting = class_weight if isinstance(class_weight, str) else None
        self._options = (
            {'beta': DEFAULT_BETA if beta is None else beta} if class_weight == 'effective' else {}
        )
        weight = (
            None
            if class_weight is None or self.weighting
            else torch.tensor(class_weight, dtype=torch.float32)
        )
        if weight is not None and not (
            torch.isfinite(weight).all() and (weight >= 0).all() and weight.sum() > 0
        ):
            raise ValueError(
                f'class_weight = {list(class_weight)}: expected finite numbers, none below 0 and not all 0.'
            )
        self.register_buffer('class_weight', weight, persistent=False)

    @property
    def needs_counts(self) -> bool:
        """Can it not be computed before learn_labels was told the class counts?"""
        return self.weighting is not None

    def learn_labels(self, counts: np.ndarray | None, table: np.ndarray | None) -> None:
        """counts (K,): the training clips of each class. The label vectors `table` are no matter of class scores."""
        if counts is not None and self.weighting is not None:
            self.class_weight = torch.tensor(
                WEIGHTINGS[self.weighting](counts, **self._options), dtype=torch.float32
            )

    def weights(self) -> torch.Tensor | None:
        """(K,) or None. ConfigError when they come from counts that nobody gave."""
        if self.class_weight is None and self.weighting is not None:
            raise missing_counts(self, f'class_weight={self.weighting!r}')
        return self.class_weight

    def smoothed(self, label_NK: torch.Tensor) -> torch.Tensor:
        """Shares of classes (N, K) with label_smooth_eps of them spread evenly."""
        return spread(label_NK, self.label_smooth_eps)


def spread(label_NK: torch.Tensor, eps: float) -> torch.Tensor:
    """Shares of classes (N, K) with eps of them spread evenly."""
    return label_NK * (1 - eps) + eps / label_NK.shape[1]


def in_full(scores: torch.Tensor) -> torch.Tensor:
    """The scores in float32, out of which half precision does not lead; float64 stays."""
    return scores if scores.dtype == torch.float64 else scores.float()


def over_ranks(total: torch.Tensor) -> torch.Tensor:
    """The mean over all ranks of a 0-dim sum of weights: DDP averages the ranks' gradients, so each must divide by the same number."""
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return total
    everywhere = total.detach().clone()
    dist.all_reduce(everywhere)
    return everywhere / dist.get_world_size()


def as_shares(label: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """label (N,) class indices, or (N, K) shares already -> (N, K) in the scores' dtype."""
    if label.shape == scores.shape:
        return label.to(scores.dtype)
    return torch.zeros_like(scores).scatter_(1, label[:, None], 1.0)


def missing_counts(loss: nn.Module, what: str) -> ConfigError:
    return ConfigError(
        f'{type(loss).__name__} ({what}) needs the number of training clips of each class, and the training data has no '
        'labels to count. Give a data set with `labels`, or call model.cls_head.learn_labels(counts, None) first.'
    )
