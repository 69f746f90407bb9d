"""Averages over the iterations between two log lines."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from .collectives import Collectives
from .optimizer import MOST, checked_number


class Window:
    """Sums of losses and accuracies since the last log line, and of times.

    The sums stay on the device, so that no iteration has to synchronise.

    Attributes:
        time: seconds of the iterations.
        data_time: seconds of these in which they waited for data.
        timed: how many iterations were timed.
    """

    def __init__(self):
        self.clear()

    def clear(self) -> None:
        """Start a new window."""
        self._count: torch.Tensor | int = 0
        self._sums: dict[str, torch.Tensor] = {}
        self.time = self.data_time = 0.0
        self.timed = 0

    def add(self, values: Mapping[str, torch.Tensor]) -> None:
        """Add the values of one iteration.

        Args:
            values: 0-dim tensors by name, 'loss' among them. If the loss is not finite (float16
                overflowed), none of them counts.
        """
        fine = torch.isfinite(values['loss'].detach())
        self._count = self._count + fine.double()
        for name, value in values.items():
            value = torch.where(fine, value.detach().double(), 0.0)
            self._sums[name] = self._sums[name] + value if name in self._sums else value

    def add_time(self, seconds: float, data_seconds: float) -> None:
        """Add the time of one iteration, and how much of it was spent waiting for data."""
        self.time += seconds
        self.data_time += data_seconds
        self.timed += 1

    def means(self, collectives: Collectives) -> dict[str, float]:
        """Return the means over iterations and ranks by name; {} when nothing counted.

        Synchronises with the device.
        """
        if not self._sums:
            return {}
        *sums, count = collectives.mean(
            torch.stack([v.cpu() for v in (*self._sums.values(), torch.as_tensor(self._count))])
        ).tolist()
        return {name: value / count for name, value in zip(self._sums, sums)} if count else {}

    def state(self) -> dict:
        """Return what a checkpoint must hold for the next log line to come out the same."""
        return {
            'count': int(self._count),
            'sums': {name: float(value) for name, value in self._sums.items()},
        }

    def restore(self, state: Mapping, device: torch.device) -> None:
        """Go on from what `state` gave.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: it gave something else.
        """
        count = checked_number(state['count'], 'count', whole=True)
        self._count = torch.tensor(float(count), dtype=torch.float64, device=device)
        self._sums = {
            str(name): torch.tensor(
                checked_number(value, f'sum of {name}', low=-MOST),
                dtype=torch.float64,
                device=device,
            )
            for name, value in state['sums'].items()
        }
