"""How the processes of a run exchange small values."""

from __future__ import annotations

import json
from typing import Any

import torch
import torch.distributed as dist

from ..errors import DataError
from .distributed import Ranks


class Collectives:
    """Exchanges small values between the ranks, over gloo, so that no GPU has to synchronise."""

    def __init__(self, ranks: Ranks):
        self.ranks = ranks
        self._group = dist.new_group(backend='gloo') if ranks.world > 1 else None

    def barrier(self) -> None:
        """Wait for all ranks."""
        if self._group is not None:
            dist.barrier(group=self._group)

    def highest(self, value: int) -> int:
        """Return the largest of all ranks' values, on every rank."""
        if self._group is None:
            return value
        tensor = torch.tensor(value)
        dist.all_reduce(tensor, dist.ReduceOp.MAX, group=self._group)
        return int(tensor)

    def gather(self, value: Any) -> list[Any] | None:
        """Return all ranks' values in rank order, on rank 0; None elsewhere."""
        if self._group is None:
            return [value]
        values = [None] * self.ranks.world if self.ranks.is_main else None
        dist.gather_object(value, values, group=self._group)
        return values

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """Return the mean over ranks of a float64 CPU tensor, on every rank."""
        if self._group is not None:
            dist.all_reduce(values, group=self._group)
            values /= self.ranks.world
        return values

    def tell(self, value: Any) -> Any:
        """Return rank 0's value, on every rank."""
        box = [value]
        if self._group is not None:
            dist.broadcast_object_list(box, group=self._group)
        return box[0]

    def share(self, value: Any) -> list[Any]:
        """Return all ranks' values in rank order, on every rank."""
        return self.tell(self.gather(value))

    def same(self, **values: Any) -> None:
        """Check that all ranks have the same values, short ones such as hashes.

        Raises:
            DataError: on every rank, if they differ.
        """
        if self._group is None:
            return
        texts = {
            name: json.dumps(value, sort_keys=True, default=str) for name, value in values.items()
        }
        gathered = self.share(texts)
        for name, text in gathered[0].items():
            differing = [rank for rank, other in enumerate(gathered) if other[name] != text]
            if differing:
                raise DataError(
                    f'The processes do not see the same {name}: ranks {differing} differ from rank '
                    '0. Give every machine the same config and the same data files.'
                )
