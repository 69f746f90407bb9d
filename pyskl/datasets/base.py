"""The contract of a data set: what loaders, training, testing and reports ask of one."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..registry import DATASETS


@dataclass(frozen=True)
class Classes:
    """What a data set knows of its classes.

    Attributes:
        counts: (K,) clips of each class, counted once however often a clip is repeated; None where
            no clip has a label. K is the highest label + 1.
        vectors: (K, D) float32, a label vector for each class; None without.
        vectors_file: the file that the config names for them; None for the package's own table.
        names: of the classes in class order, where the data say them; None: unknown.
    """

    counts: np.ndarray | None = None
    vectors: np.ndarray | None = None
    vectors_file: str | PathLike | None = None
    names: tuple[str, ...] | None = None


class ClipDataset(ABC):
    """Clips by index, each with a name and a label.

    A data set of your own derives from it, registers itself (`@DATASETS.register_module()`) and
    defines `__len__` and `__getitem__`; everything else has a default. `ids`, `labels`, `targets`,
    `classes` and `gives` may be set as plain attributes, too.

    Attributes:
        test_mode: whether clips are tested, in order and each once; else trained on, shuffled.
        class_prob: (K,) how often the clips of each class are seen in an epoch; None: once.
        class_prob_rule: the rule that class_prob follows ('balanced', 'sqrt'); data sets that are
            joined apply it to all their clips together.
        entries: what a clip of this class holds before its pipeline's first step; None: not known.
    """

    test_mode: bool = False
    class_prob: np.ndarray | None = None
    class_prob_rule: str | None = None
    entries: tuple[str, ...] | None = None

    def __init_subclass__(cls, **kwargs: Any):
        """Make loaders use a `__getitem__` that a subclass redefines, as PYSKL's users do."""
        super().__init_subclass__(**kwargs)
        owner = next(c for c in cls.__mro__ if {'sample', '__getitem__'} & vars(c).keys())
        if 'sample' not in vars(owner):  # a parent's `sample` knows nothing of it
            cls.sample = ClipDataset.sample  # type: ignore[method-assign]

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of clips."""

    @abstractmethod
    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return a clip's entries, as the pipeline's last step collects them, all computed."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Go through the clips once."""
        return map(self.__getitem__, range(len(self)))

    def sample(self, index: int) -> dict[str, Any]:
        """Return one clip for a loader.

        As `__getitem__`, but entries may be lazy (inputs.LazyArray).
        """
        return dict(self[index])

    @cached_property
    def ids(self) -> Sequence[str]:
        """Names of the clips in order, each once; by default their indices."""
        return [str(index) for index in range(len(self))]

    @cached_property
    def labels(self) -> np.ndarray:
        """(N,) int64 class of each clip; -1 where it is unknown, the default."""
        return np.full(len(self), -1)

    @cached_property
    def targets(self) -> np.ndarray | None:
        """(N, K) classes of clips with several labels; None, the default: one label a clip.

        1 for a clip's classes, else 0; a row of -1 where they are unknown. `labels` are each clip's
        first.
        """
        return None

    @property
    def truth(self) -> np.ndarray:
        """Ground truth of scores: `targets` (N, K) of clips with several labels, else `labels`."""
        targets = self.targets
        return self.labels if targets is None else targets

    @cached_property
    def classes(self) -> Classes:
        """Class counts and label vectors; by default counted from the labels, without vectors."""
        return Classes(count_labels(self.truth))

    @cached_property
    def gives(self) -> set[str] | None:
        """Entries of a sample, as far as they are known before one is made; None: unknown."""
        return None

    @cached_property
    def fingerprint(self) -> Any:
        """Value that differs between sets of clips; by default a hash of names and labels."""
        digest = hashlib.sha256('\n'.join(self.ids).encode())
        digest.update(np.ascontiguousarray(self.truth, np.int64).tobytes())
        return digest.hexdigest()


def count_labels(labels: np.ndarray) -> np.ndarray | None:
    """Return the number of clips of each class, (K,); None where no clip has a class.

    Args:
        labels: (N,) classes, -1 for none; or (N, K) targets.
    """
    if labels.ndim == 2:
        counts = (labels > 0).sum(0)
        return counts if counts.any() else None
    known = labels[labels >= 0]
    return np.bincount(known) if len(known) else None


class _Adapted(ClipDataset):
    """A data set that is no ClipDataset, such as one of torch, with defaults for what it lacks."""

    def __init__(self, dataset: Any):
        self._dataset = dataset
        for name in ('test_mode', 'ids', 'labels', 'targets'):
            if hasattr(dataset, name):
                setattr(self, name, getattr(dataset, name))
        self.ids, self.labels = [str(name) for name in self.ids], np.asarray(self.labels)

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self._dataset[index]


def as_clip_dataset(dataset: Any) -> ClipDataset:
    """Return a data set as a ClipDataset: itself, or with defaults for what it lacks.

    Raises:
        ConfigError: its labels are no array, or not one for each clip; the same of its targets.
    """
    clips = dataset if isinstance(dataset, ClipDataset) else _Adapted(dataset)
    labels = clips.labels
    if not isinstance(labels, np.ndarray) or labels.shape != (len(clips),):
        is_array = isinstance(labels, np.ndarray)
        found = f'an array of shape {labels.shape}' if is_array else f'a {type(labels).__name__}'
        raise ConfigError(
            f'{type(dataset).__name__}.labels is {found}: expected a numpy array of '
            f'shape ({len(clips)},), the class of each clip or -1. A class that '
            'redefines __len__ has to redefine labels and ids, too.'
        )
    targets = clips.targets
    is_table = isinstance(targets, np.ndarray) and targets.ndim == 2
    if targets is not None and not (is_table and len(targets) == len(clips)):
        raise ConfigError(
            f'{type(dataset).__name__}.targets is a {type(targets).__name__} of shape '
            f'{np.shape(targets)}: expected a numpy array of shape ({len(clips)}, K), zeros and '
            'ones for the classes of each clip.'
        )
    return clips


DATASETS.contract = ClipDataset
