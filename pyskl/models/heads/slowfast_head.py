"""The head of SlowFast, over the concatenated features of two pathways."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...registry import HEADS
from .simple_head import SimpleHead


@HEADS.register_module()
class SlowFastHead(SimpleHead):
    """The head of SlowFast: pooled features of the slow, then of the fast pathway; dropout 0.5.

    Source: SlowFast, arXiv:1812.03982.
    """

    only_mode = '3D'

    def pool(self, feat: Tensor | Sequence[Tensor]) -> Tensor:
        """Average the features of each pathway and concatenate them.

        Args:
            feat: (slow, fast), each (N, D', T', H, W) with its own T'; or (N, D), already pooled.

        Returns:
            (N, D), D the sum of both widths.
        """
        if isinstance(feat, Tensor):
            return super().pool(feat)
        return torch.cat([super(SlowFastHead, self).pool(part) for part in feat], 1)
