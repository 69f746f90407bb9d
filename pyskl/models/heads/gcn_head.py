"""The head of graph networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ...registry import HEADS
from .simple_head import CROSS_ENTROPY, EMBEDDING_MSE, SimpleHead


@HEADS.register_module()
class GCNHead(SimpleHead):
    """The head of graph networks: features (N, M, D, T, V), no dropout."""

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        loss_cls: dict = CROSS_ENTROPY,
        loss_emb: dict | None = EMBEDDING_MSE,
        emb_dim: int = 300,
        dropout: float = 0.0,
        init_std: float = 0.01,
        mode: Literal['GCN'] = 'GCN',
        multi_class: bool = False,
        label_smooth_eps: float = 0.0,
        topk: Sequence[int] = (1, 5),
    ):
        super().__init__(
            num_classes,
            in_channels,
            loss_cls,
            loss_emb,
            emb_dim,
            dropout,
            init_std,
            mode,
            multi_class,
            label_smooth_eps,
            topk,
        )
