"""Which clips come when: a function of (seed, epoch, rank), so that runs can continue at any batch.

Samplers yield batches of (epoch, index). The epoch travels with the index because what is drawn for
a sample (frames, crop, flip) depends on (seed, epoch, index), not on the worker that prepares it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..errors import ConfigError


class TrainBatches:
    """Training batches of one rank.

    Every epoch is a new permutation, dealt round-robin to the ranks, filled up from its start to a
    multiple of num_ranks. Set `epoch` and `start` (batches to skip) before iterating.

    Args:
        num_clips: clips in the data set.
        batch_size: clips per batch and rank; the last batch of an epoch may be smaller.
        seed: of the permutations.
        rank: this process among `num_ranks`.
        num_ranks: number of processes.
        shuffle: False keeps the order of the data set.
        labels: (num_clips,) class of each clip, for class_prob.
        class_prob: (K,) how often the clips of each class are seen; None: once.

    Raises:
        ConfigError: class_prob leaves no clip.
    """

    def __init__(
        self,
        num_clips: int,
        batch_size: int,
        seed: int = 0,
        rank: int = 0,
        num_ranks: int = 1,
        shuffle: bool = True,
        labels: np.ndarray | None = None,
        class_prob: np.ndarray | None = None,
    ):
        self.num_clips, self.batch_size, self.seed = num_clips, batch_size, seed
        self.rank, self.num_ranks, self.shuffle = rank, num_ranks, shuffle
        self.labels, self.class_prob = labels, class_prob
        self.epoch, self.start = 0, 0
        self._num_indices = len(self._indices(0))
        if class_prob is not None and not self._num_indices:
            raise ConfigError(
                f'class_prob = {class_prob.tolist()}: leaves no clip of {num_clips} in an epoch. '
                'Expected larger numbers.'
            )

    def _indices(self, epoch: int) -> np.ndarray:
        rng = np.random.default_rng([self.seed, epoch])
        indices = np.arange(self.num_clips)
        if self.class_prob is not None:
            indices = self._repeated(self.class_prob, rng)
        return rng.permutation(indices) if self.shuffle else indices

    def _repeated(self, class_prob: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return every clip as often as its class says; for a fraction, random clips of it."""
        parts: list[np.ndarray] = []
        for k, times in enumerate(class_prob):
            clips = np.flatnonzero(self.labels == k)
            total = int(round(times * len(clips), 6))  # 8/3 of 3 clips are 8, not 7.999
            whole, rest = divmod(total, max(len(clips), 1))
            parts += [clips] * whole + [rng.permutation(clips)[:rest]]
        return np.concatenate(parts)

    def __len__(self) -> int:
        per_rank = -(-self._num_indices // self.num_ranks)
        return -(-per_rank // self.batch_size)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        indices = self._indices(self.epoch)
        per_rank = -(-len(indices) // self.num_ranks)
        mine = np.resize(indices, per_rank * self.num_ranks)[self.rank :: self.num_ranks]
        for b in range(self.start, len(self)):
            yield [
                (self.epoch, int(i)) for i in mine[b * self.batch_size : (b + 1) * self.batch_size]
            ]


class TestBatches:
    """One rank's share of a data set, in order, every clip exactly once.

    Attributes:
        indices: the clips of this rank.
        most: batches of the rank that has most.
    """

    __test__ = False  # not a test class, whatever its name tells pytest

    def __init__(self, num_clips: int, batch_size: int, rank: int = 0, num_ranks: int = 1):
        self.batch_size = batch_size
        self.indices: Sequence[int] = range(rank, num_clips, num_ranks)
        self.most = -(-len(range(0, num_clips, num_ranks)) // batch_size)

    def __len__(self) -> int:
        return -(-len(self.indices) // self.batch_size)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for start in range(0, len(self.indices), self.batch_size):
            yield [(0, i) for i in self.indices[start : start + self.batch_size]]
