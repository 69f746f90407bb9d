"""What the losses on class scores share: class weights, label smoothing, soft labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from ...errors import ConfigError
from .class_weights import effective_weights, sqrt_weights

ClassWeight = Literal['effective', 'sqrt'] | Sequence[float] | None


class ClassLoss(nn.Module):
    """A loss on class scores (N, K).

    Nothing that it learns about the labels is part of the state dict.

    Args:
        loss_weight: factor of the loss.
        class_weight: K numbers, the weight of a clip of each class; or how to compute them from the
            class counts of the training clips: 'effective' (arXiv:1901.05555, with `beta`) or
            'sqrt' (one over the square root of the count). None: all classes weigh the same.
        label_smooth_eps: share of the target, in [0, 1], to spread evenly over the K classes
            (arXiv:1512.00567, section 7).
        beta: of 'effective'; None: 0.999.

    Attributes:
        of_several_labels: whether it takes labels of shape (N, K) alone, as a head with
            multi_class=True gives them.

    Raises:
        ValueError: an argument is out of range, or `beta` comes without 'effective'.
    """

    of_several_labels = False
    class_weight: Tensor | None

    def __init__(
        self,
        loss_weight: float = 1.0,
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
        self.beta = 0.999 if beta is None else beta
        self.weighting = class_weight if isinstance(class_weight, str) else None
        weight = None
        if class_weight is not None and not isinstance(class_weight, str):
            weight = _checked_weights(class_weight)
        self.register_buffer('class_weight', weight, persistent=False)

    @property
    def needs_counts(self) -> bool:
        """Whether `learn_labels` must bring the class counts before the loss can be computed."""
        return self.weighting is not None

    def learn_labels(self, counts: np.ndarray | None, table: np.ndarray | None) -> None:
        """Compute class weights from the class counts, where the config asks for that.

        Args:
            counts: (K,) training clips of each class.
            table: (K, D) label vectors; not used by a loss on class scores.
        """
        if counts is not None and self.weighting is not None:
            by_sqrt = self.weighting == 'sqrt'
            weights = sqrt_weights(counts) if by_sqrt else effective_weights(counts, self.beta)
            self.class_weight = torch.tensor(weights, dtype=torch.float32)

    def weights(self) -> Tensor | None:
        """Return the weight of each class, (K,), or None.

        Raises:
            ConfigError: the class counts that they are computed from are not known.
        """
        if self.class_weight is None and self.weighting is not None:
            raise missing_counts(self, f'class_weight={self.weighting!r}')
        return self.class_weight


def smoothed(shares: Tensor, eps: float) -> Tensor:
    """Spread `eps` of the class shares (N, K) evenly over the classes."""
    return shares * (1 - eps) + eps / shares.shape[1]


def at_least_float32(scores: Tensor) -> Tensor:
    """Return half-precision scores as float32, in which losses do not overflow."""
    return scores if scores.dtype == torch.float64 else scores.float()


def mean_over_ranks(total: Tensor) -> Tensor:
    """Average a 0-dim sum of weights over all ranks.

    DDP averages the gradients of the ranks, so each rank must divide by the same number.
    """
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return total
    everywhere = total.detach().clone()
    dist.all_reduce(everywhere)
    return everywhere / dist.get_world_size()


def as_shares(label: Tensor, scores: Tensor) -> Tensor:
    """Return labels as shares of each class, (N, K), in the dtype of the scores.

    Args:
        label: (N,) class indices, or (N, K) shares.
        scores: (N, K).
    """
    if label.shape == scores.shape:
        return label.to(scores.dtype)
    return torch.zeros_like(scores).scatter_(1, label[:, None], 1.0)


def missing_counts(loss: nn.Module, what: str) -> ConfigError:
    """Return the error of a loss that needs class counts where there are none."""
    return ConfigError(
        f'{type(loss).__name__} ({what}) needs the number of training clips of each class, and the '
        'training data has no labels to count. Give a data set with `labels`, or call '
        'model.cls_head.learn_labels(counts, None) first.'
    )


def _checked_weights(class_weight: Sequence[float]) -> Tensor:
    weight = torch.tensor(class_weight, dtype=torch.float32)
    if not (torch.isfinite(weight).all() and (weight >= 0).all() and weight.sum() > 0):
        raise ValueError(
            f'class_weight = {list(class_weight)}: expected finite numbers, none below 0 and not '
            'all 0.'
        )
    return weight
