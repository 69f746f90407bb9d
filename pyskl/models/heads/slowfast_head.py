"""The head of SlowFast: the features of two pathways side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...registry import HEADS
from .simple_head import SimpleHead


@HEADS.register_module()
class SlowFastHead(SimpleHead):
    """The head of SlowFast: the slow pathway's features, pooled, then the fast one's; dropout 0.5.

    Source: SlowFast, arXiv:1812.03982.
    """

    only_mode = '3D'

    def pool(self, feat: torch.Tensor | Sequence[torch.Tensor]) -> torch.Tensor:
        """Average each pathway's features, and join them.

        Args:
            feat: (slow, fast), each (N, D', T', H, W) with frames of its own; or (N, D), pooled.

        Returns:
            (N, D), D the sum of both.
        """
        if isinstance(feat, torch.Tensor):
            return super().pool(feat)
        return torch.cat([super(SlowFastHead, self).pool(part) for part in feat], 1)
