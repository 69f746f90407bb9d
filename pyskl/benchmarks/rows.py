"""The lines of the benchmark's result, and how many times faster than the plain way each is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .task import PLAIN, PLAIN_PAGES, Figure

# The plain way is float32: what has no plain row of its own is compared with another's.
SAME_PLAIN = {
    'train_bf16': 'train_fp32',
    'test_bf16': 'test_fp32',
    'onnx_fp32': 'test_fp32',
    'memory_train_bf16': 'memory_train',
}


@dataclass
class Row:
    """One line of the result.

    Attributes:
        name: what was measured.
        setting: PLAIN, PLAIN_PAGES or FAST.
        value: the number, in `unit`.
        unit: unit of the number.
        better: 'more' or 'less': which way the value improves.
        ratio: how many times better than the plain way.
        ratio_allocator: how many times better than the plain way with pages kept.
        note: circumstances, in words.
    """

    name: str
    setting: str
    value: float
    unit: str
    better: str
    ratio: float | None = None
    ratio_allocator: float | None = None
    note: str = ''

    def times_better(self, other: Row) -> float:
        """Return how many times better this row is than another of the same unit."""
        return self.value / other.value if self.better == 'more' else other.value / self.value

    def __str__(self) -> str:
        ratios = '  '.join(
            ' ' * 8 if value is None else f'{value:7.2f}x'
            for value in (self.ratio, self.ratio_allocator)
        )
        name = f'{self.name:21}{self.setting:20}'
        return f'{name}{self.value:12.4g} {self.unit:9}{ratios}  {self.note}'


def with_ratios(rows: list[Row]) -> list[Row]:
    """Fill in how many times better each row is than the plain ones."""
    known = {(row.name, row.setting): row for row in rows}
    for row in rows:
        for setting, ratio in ((PLAIN, 'ratio'), (PLAIN_PAGES, 'ratio_allocator')):
            of_float32 = known.get((SAME_PLAIN.get(row.name, ''), setting))
            plain = known.get((row.name, setting), of_float32)
            if plain:
                setattr(row, ratio, row.times_better(plain))
    return rows


def share_of_peak(figure: Figure, machine: Mapping[str, Any]) -> str:
    """Say how much of the machine's peak the plain way's arithmetic would take in that time.

    The fast way may compute less, so the share may be higher than that of its own arithmetic.
    """
    peak = machine.get(f'matmul_gflops_{figure.name.partition("_")[2]}')
    if figure.gflops is None or not peak:
        return ''
    arithmetic = f"{figure.gflops:.0f} GFLOP/s of the plain way's arithmetic"
    return f', {arithmetic}, {figure.gflops / peak:.0%} of the peak'
