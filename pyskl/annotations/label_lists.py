"""Labels of clips that may have several at once."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .field_values import NO_LABEL


def lacks_class_0(
    labels: Iterable[int | Sequence[int] | None], label_names: Sequence[str] | None
) -> bool:
    """Return whether labels seem to count from 1: classes without names, all of 1 to K and no 0."""
    known = {k for label in labels for k in (label if isinstance(label, list) else [label])}
    known -= {NO_LABEL, None}
    return label_names is None and len(known) > 1 and known == set(range(1, len(known) + 1))


def from_one(labels: np.ndarray, num_classes: int, where: str) -> str:
    """Return advice if labels (L,) seem to count from 1, that is run from 1 to K; else ''."""
    known = labels[labels != NO_LABEL]
    if not len(known) or known.min() != 1 or known.max() != num_classes:
        return ''
    return (
        'Labels count from 0; these seem to count from 1. To change that: python tools/join.py '
        f'{shlex.quote(where)} -o OUT.pkl --first-label 1'
    )


@dataclass(frozen=True)
class LabelLists:
    """The labels of N clips, end to end.

    Attributes:
        values: (L,) int64 classes; -1 alone: the clip's labels are unknown.
        ends: (N + 1,) int64; clip n has values[ends[n] : ends[n + 1]]. A clip without any belongs
            to none of the classes.
    """

    values: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, labels: Iterable[int | Sequence[int]]) -> LabelLists:
        """Join labels as annotations have them: a number each, or a list of numbers."""
        lists = [label if isinstance(label, list) else [label] for label in labels]
        values = np.array([label for several in lists for label in several], np.int64)
        return cls(values, np.cumsum([0, *map(len, lists)], dtype=np.int64))

    @classmethod
    def of_single(cls, labels: np.ndarray) -> LabelLists:
        """Take labels (N,), one for each clip."""
        return cls(labels, np.arange(len(labels) + 1))

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, row: int) -> int | list[int]:
        """Return a clip's label as its annotation has it."""
        several = self._row(row).tolist()
        return several[0] if len(several) == 1 else several

    def _row(self, row: int) -> np.ndarray:
        return self.values[self.ends.item(row) : self.ends.item(row + 1)]

    def take(self, rows: np.ndarray) -> LabelLists:
        """Return the labels of some clips, in the order of `rows`."""
        starts, lengths = self.ends[rows], self.lengths[rows]
        ends = np.concatenate([[0], np.cumsum(lengths)])
        return LabelLists(
            self.values[np.repeat(starts - ends[:-1], lengths) + np.arange(ends[-1])], ends
        )

    @property
    def lengths(self) -> np.ndarray:
        """(N,) how many labels each clip has; an unknown one counts as a label."""
        return np.diff(self.ends)

    @property
    def first(self) -> np.ndarray:
        """(N,) int64, each clip's first label; -1 where it is unknown or there is none."""
        first = np.full(len(self), NO_LABEL)
        first[self.lengths > 0] = self.values[self.ends[:-1][self.lengths > 0]]
        return first

    @property
    def known(self) -> np.ndarray:
        """(N,) bool: whether a clip's labels are known."""
        return (self.first != NO_LABEL) | (self.lengths == 0)

    @property
    def clips(self) -> np.ndarray:
        """(L,) which clip each of `values` belongs to."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def target(self, row: int, num_classes: int) -> np.ndarray:
        """Return (K,) float32: 1 for the classes of a clip, else 0; all -1 where unknown."""
        several = self._row(row)
        if NO_LABEL in several:
            return np.full(num_classes, NO_LABEL, np.float32)
        target = np.zeros(num_classes, np.float32)
        target[several] = 1
        return target

    def targets(self, num_classes: int) -> np.ndarray:
        """Return (N, K) int8, the rows as `target` gives them."""
        targets = np.zeros((len(self), num_classes), np.int8)
        is_class = self.values != NO_LABEL
        targets[self.clips[is_class], self.values[is_class]] = 1
        targets[~self.known] = NO_LABEL
        return targets
