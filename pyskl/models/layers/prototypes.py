"""The prototype network: rebuild each row from learned prototypes."""

from __future__ import annotations

from torch import Tensor, nn


class PrototypeNetwork(nn.Module):
    """Replace each row by a mixture of P prototypes, weighted by its response to them.

    Args:
        dim: D of a row and of a prototype.
        num_prototypes: P.

    Source: ProtoGCN, arXiv:2411.18941.
    """

    def __init__(self, dim: int, num_prototypes: int):
        super().__init__()
        self.query_matrix = nn.Linear(dim, num_prototypes, bias=False)
        self.memory_matrix = nn.Linear(num_prototypes, dim, bias=False)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., D) to (..., D)."""
        response = self.query_matrix(x).softmax(-1)  # (..., P)
        return self.dropout(self.memory_matrix(response))
