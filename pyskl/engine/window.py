"""Averages of what an iteration reports, kept on the device until a log line is due."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from .distributed import Collectives
from .optimizer import MOST, checked_number


class Window:
    """Sums of losses and accuracies since the last log line (on the device: no wait per iteration), and of times (seconds)."""

    def __init__(self):
        self.clear()

    def clear(self) -> None:
        self.count, self.sums = 0, {}
        self.time = self.data_time = 0.0
        self.timed = 0

    def add(self, values: Mapping[str, torch.Tensor]) -> None:
        """Values of one iteration, `loss` among them; with a loss that is not finite (float16 overflowed) none of them counts."""
        fine = torch.isfinite(values['loss'].detach())
        self.count = self.count + fine.double()
        for name, value in values.items():
            value = torch.where(fine, value.detach().double(), 0.0)
            self.sums[name] = self.sums[name] + value if name in self.sums else value

    def add_time(self, seconds: float, data_seconds: float) -> None:
        self.time, self.data_time, self.timed = (
            self.time + seconds,
            self.data_time + data_seconds,
            self.timed + 1,
        )

    def means(self, collectives: Collectives) -> dict[str, float]:
        """Mean over iterations and ranks, by name; {} when nothing counted. Waits for the device."""
        if not self.sums:
            return {}
        *sums, count = collectives.mean(
            torch.stack([v.cpu() for v in (*self.sums.values(), self.count)])
        ).tolist()
        return {name: value / count for name, value in zip(self.sums, sums)} if count else {}

    def state(self) -> dict:
        """What a checkpoint inside the window must keep for the next line to come out the same."""
        return {
            'count': int(self.count),
            'sums': {name: float(value) for name, value in self.sums.items()},
        }

    def restore(self, state: Mapping, device: torch.device) -> None:
        """raises   ValueError, KeyError, TypeError, AttributeError: this is no state"""
        count = checked_number(state['count'], 'count', whole=True)
        self.count = torch.tensor(float(count), dtype=torch.float64, device=device)
        self.sums = {
            str(name): torch.tensor(
                checked_number(value, f'sum of {name}', low=-MOST),
                dtype=torch.float64,
                device=device,
            )
            for name, value in state['sums'].items()
        }
