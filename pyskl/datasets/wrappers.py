"""Data sets made of data sets: several joined, one repeated."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from ..annotations.clips import Ids
from ..errors import ConfigError
from ..registry import DATASETS
from .balance import repeats
from .base import Classes, ClipDataset, as_clip_dataset, count_labels


def _built(dataset: Any, test_mode: bool | None) -> ClipDataset:
    if isinstance(dataset, dict):
        changes = {} if test_mode is None else {'test_mode': test_mode}
        dataset = DATASETS.build(dataset, 'dataset', **changes)
    return as_clip_dataset(dataset)


@DATASETS.register_module()
class ConcatDataset(ClipDataset):
    """Data sets one after the other."""

    components = {'datasets': DATASETS}

    def __init__(self, datasets: Sequence[dict | Any], test_mode: bool | None = None):
        if not datasets:
            raise ConfigError('ConcatDataset.datasets is empty: expected at least one dataset.')
        self.datasets = [_built(dataset, test_mode) for dataset in datasets]
        self.labels = np.concatenate([dataset.labels for dataset in self.datasets])
        targets = [dataset.targets for dataset in self.datasets]
        self._same([None if t is None else t.shape[1] for t in targets], 'multi_class, num_classes')
        self.test_mode = self.datasets[0].test_mode
        self.gives = self._common_gives()
        self.class_prob_rule, self.class_prob = self._common_class_prob()
        vectors = self._same(
            [dataset.classes.vectors for dataset in self.datasets], 'label_embeddings'
        )
        first, names = self.datasets[0].classes, [d.classes.names for d in self.datasets]
        label_names = self._same([known for known in names if known] or [None], 'label_names')
        counts = count_labels(self.truth)
        self.classes = Classes(counts, vectors, first.vectors_file, label_names)
        self._ends = np.cumsum([len(dataset) for dataset in self.datasets])

    @property
    def ids(self) -> Ids:
        """Names of the clips in order."""
        return Ids(self._id, len(self), lambda: chain.from_iterable(d.ids for d in self.datasets))

    @property
    def targets(self) -> np.ndarray | None:
        """(N, K) targets of clips with several labels; None: one label a clip."""
        targets = [dataset.targets for dataset in self.datasets]
        known = [table for table in targets if table is not None]
        return np.concatenate(known) if len(known) == len(targets) else None

    @property
    def fingerprint(self) -> list[Any]:
        """Fingerprints of the joined data sets."""
        return [dataset.fingerprint for dataset in self.datasets]

    def _common_gives(self) -> set[str] | None:
        """Return the entries that the samples of all data sets have; None where one is unknown."""
        gives = [dataset.gives for dataset in self.datasets]
        known = [keys for keys in gives if keys is not None]
        return set.intersection(*known) if len(known) == len(gives) else None

    def _common_class_prob(self) -> tuple[str | None, np.ndarray | None]:
        """Return the rule ('balanced', 'sqrt') applied to all clips, or the common numbers."""
        rule = self._same([dataset.class_prob_rule for dataset in self.datasets], 'class_prob')
        if rule is not None:
            return rule, repeats(self.labels, rule)
        return None, self._same([dataset.class_prob for dataset in self.datasets], 'class_prob')

    @staticmethod
    def _same(values: Sequence[Any], setting: str) -> Any:
        first, *others = values
        if any(not np.array_equal(first, other) for other in others):
            raise ConfigError(
                f'ConcatDataset: its datasets disagree about {setting}. Give all of them the same.'
            )
        return first

    def __len__(self) -> int:
        return len(self.labels)

    def _place(self, index: int) -> tuple[int, int]:
        """Return the data set that a clip is in, and its index there."""
        # As in lists, -1 is the last clip, and an index beyond the end is an IndexError.
        index = range(len(self))[index]
        which = int(np.searchsorted(self._ends, index, side='right'))
        return which, index - (int(self._ends[which - 1]) if which else 0)

    def _id(self, index: int) -> str:
        which, inner = self._place(index)
        return self.datasets[which].ids[inner]

    def __getitem__(self, index: int) -> dict[str, Any]:
        which, inner = self._place(index)
        return self.datasets[which][inner]

    def sample(self, index: int) -> dict[str, Any]:
        """Return one clip for a loader, with lazy entries."""
        which, inner = self._place(index)
        return self.datasets[which].sample(inner)


@DATASETS.register_module()
class RepeatDataset(ConcatDataset):
    """A data set seen `times` times in an epoch, without the pause between epochs."""

    components = {'dataset': DATASETS}

    def __init__(self, dataset: dict | Any, times: int, test_mode: bool | None = None):
        if times < 1:
            raise ConfigError(f'RepeatDataset.times = {times}: expected at least 1.')
        self.dataset, self.times = _built(dataset, test_mode), times
        super().__init__([self.dataset] * times)
        self.classes, self.class_prob = self.dataset.classes, self.dataset.class_prob

    @property
    def fingerprint(self) -> Any:
        """Fingerprint of the repeated data set."""
        return self.dataset.fingerprint
