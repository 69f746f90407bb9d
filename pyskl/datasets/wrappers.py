"""Datasets made of datasets: one repeated, several joined."""
from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any

import numpy as np

from ..annotations.clips import Ids
from ..errors import ConfigError
from ..registry import DATASETS
from .balance import repeats


def _built(dataset: Any, test_mode: bool | None) -> Any:
    if not isinstance(dataset, dict):
        return dataset
    return DATASETS.build(dataset, 'dataset', **({} if test_mode is None else {'test_mode': test_mode}))


@DATASETS.register_module()
class RepeatDataset:
    """A dataset seen `times` times in an epoch, without the pause between epochs."""

    components = {'dataset': DATASETS}

    def __init__(self, dataset: dict | Any, times: int, test_mode: bool | None = None):
        if times < 1:
            raise ConfigError(f'RepeatDataset.times = {times}: expected at least 1.')
        self.dataset, self.times = _built(dataset, test_mode), times
        self.labels = np.tile(self.dataset.labels, times)

    @property
    def can_defer(self) -> bool:
        return type(self).__getitem__ is RepeatDataset.__getitem__ and self.dataset.can_defer

    @property
    def ids(self) -> Ids:
        inner = self.dataset.ids
        return Ids(lambda index: inner[index % len(inner)], len(self), lambda: chain.from_iterable(repeat(inner, self.times)))

    def __getattr__(self, name: str) -> Any:
        if name == 'dataset':           # not set yet: unpickling asks before __init__ ran
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __len__(self) -> int:
        return self.times * len(self.dataset)

    def sample(self, index: int, deferred: bool = False) -> dict[str, Any]:
        return self.dataset.sample(index % len(self.dataset), deferred)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.dataset[index % len(self.dataset)]


@DATASETS.register_module()
class ConcatDataset:
    """Datasets one after the other."""

    components = {'datasets': DATASETS}

    def __init__(self, datasets: Sequence[dict | Any], test_mode: bool | None = None):
        if not datasets:
            raise ConfigError('ConcatDataset.datasets is empty: expected at least one dataset.')
        self.datasets = [_built(d, test_mode) for d in datasets]
        self.labels = np.concatenate([d.labels for d in self.datasets])
        self.can_defer = type(self).__getitem__ is ConcatDataset.__getitem__ and all(d.can_defer for d in self.datasets)
        self.looks_up_emb = all(d.looks_up_emb for d in self.datasets)
        self.class_prob_rule = self._same('class_prob_rule', 'class_prob')
        self.class_prob = self._same('class_prob') if self.class_prob_rule is None else repeats(self.labels, self.class_prob_rule)
        self.label_embeddings = self._same('label_embeddings')
        self.test_mode = self.datasets[0].test_mode
        self._ends = np.cumsum([len(d) for d in self.datasets])

    @property
    def ids(self) -> Ids:
        return Ids(self._id, len(self), lambda: chain.from_iterable(d.ids for d in self.datasets))

    @property
    def fingerprint(self) -> list[str]:
        return [d.fingerprint for d in self.datasets]

    def _same(self, name: str, setting: str | None = None) -> Any:
        first, *others = [getattr(d, name, None) for d in self.datasets]
        if any(not np.array_equal(first, other) for other in others):
            raise ConfigError(f'ConcatDataset: its datasets disagree about {setting or name}. Give all of them the same.')
        return first

    def __len__(self) -> int:
        return int(self._ends[-1])

    def _place(self, index: int) -> tuple[int, int]:
        """Which dataset a clip is in, and its index there."""
        which = int(np.searchsorted(self._ends, index, side='right'))
        return which, index - (int(self._ends[which - 1]) if which else 0)

    def _id(self, index: int) -> str:
        which, inner = self._place(index)
        return self.datasets[which].ids[inner]

    def sample(self, index: int, deferred: bool = False) -> dict[str, Any]:
        which, inner = self._place(index)
        return self.datasets[which].sample(inner, deferred)

    def __getitem__(self, index: int) -> dict[str, Any]:
        which, inner = self._place(index)
        return self.datasets[which][inner]
