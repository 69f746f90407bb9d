"""ProtoGCN: DG-STGCN whose last graphs are rebuilt from prototypes and contrasted by class.

Source: ProtoGCN, arXiv:2411.18941.

Settings and state-dict keys are those of its authors' code.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ...errors import ConfigError
from ...registry import BACKBONES
from ..layers.dggcn import PrototypeGCN
from ..layers.dgmstcn import DGMSTCN
from ..layers.graph_block import GraphBlock
from ..layers.prototypes import PrototypeNetwork
from .dgstgcn import DGSTGCN


class PrototypeBlock(GraphBlock):
    """A block that also returns the graph of its clip."""

    def forward(  # type: ignore[override]
        self, x: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Map (P, C, T, V) to (P, C', T', V) and the graph (P, K mid, V, V)."""
        y, graph = self.gcn(x)
        return self.finish(y, x), graph


@BACKBONES.register_module()
class ProtoGCN(DGSTGCN):
    """The blocks of DG-STGCN and a prototype network over the graph of the last one.

    `forward` returns the features (N, M, C', T', V) and the graph (N, V * V), which the
    class-specific contrastive loss of the head takes. The other arguments are those of DGSTGCN.

    Args:
        num_prototype: the number of prototypes, see PrototypeNetwork.
        kwargs: the settings of the blocks. gcn_*: see PrototypeGCN; tcn_*: see DGMSTCN. A tuple of
            num_stages values gives each block its own.

    Raises:
        ConfigError: there is no block or no prototype.
    """

    unit_kinds = {'gcn': {'prototype_gcn': PrototypeGCN}, 'tcn': {'dgmstcn': DGMSTCN}}
    block_class = PrototypeBlock

    def __init__(
        self,
        graph_cfg: Mapping[str, Any],
        *,
        base_channels: int = 96,
        pretrained: str | os.PathLike | None = None,
        num_prototype: int = 100,
        **kwargs,
    ):
        super().__init__(graph_cfg, base_channels=base_channels, **kwargs)
        if not self.gcn or num_prototype < 1:
            raise ConfigError(
                f'model.backbone (ProtoGCN): {len(self.gcn)} blocks and num_prototype = '
                f'{num_prototype}: expected 1 or more of both.'
            )
        last: Any = self.gcn[-1].gcn
        width = last.num_groups * last.mid_channels
        self.post = nn.Conv2d(width, width, 1)
        self.bn = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.prn = PrototypeNetwork(width, num_prototype)
        self.load_pretrained(pretrained)

    def person_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (P, C, T, V) to (P, C', T', V) and the last block's graph (P, K mid, V, V)."""
        for block in self.gcn:
            x, graph = block(x)
        return x, graph

    def join_people(self, features: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Average the graph over people and rebuild it from prototypes.

        Args:
            features: (N, M, C', T', V) and the graph (N, M, K mid, V, V).

        Returns:
            (N, M, C', T', V), and the graph (N, V * V).
        """
        x, graph = features
        graph = graph.mean(1)  # (N, K mid, V, V)
        rows = graph.flatten(2).transpose(1, 2)  # (N, V V, K mid)
        rebuilt = self.prn(rows).transpose(1, 2).reshape(graph.shape)  # (N, K mid, V, V)
        rebuilt = self.relu(self.bn(self.post(rebuilt)))
        return x, rebuilt.mean(1).flatten(1)
