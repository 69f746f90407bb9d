"""From a dataset to batches.

Workers prepare key points, collation packs them, drawing is left to the model's device.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, default_collate, get_worker_info

from ..errors import UserError
from ..inputs import Input, lazy_inputs
from .base import ClipDataset, as_clip_dataset
from .samplers import TestBatches, TrainBatches
from .workers import worker_init_fn


def seed_everything(*entropy: int) -> None:
    """Seed `random`, `np.random` and torch's generators on all devices.

    Args:
        entropy: a tuple of numbers, e.g. (seed, iteration, rank).
    """
    torch.manual_seed(_seed_host(*entropy))


def seed_sample(*entropy: int) -> None:
    """Seed `random`, `np.random` and torch's CPU generator, to the same state as seed_everything.

    Leaving other devices alone saves 0.25 ms a clip.
    """
    torch.default_generator.manual_seed(_seed_host(*entropy))


def _seed_host(*entropy: int) -> int:
    a, b, c = np.random.SeedSequence(entropy).generate_state(3).tolist()
    random.seed(a)
    np.random.seed(b)
    return c


class SeededSamples(Dataset[dict[str, Any]]):
    """What a worker runs: seed by (seed, epoch, index), then the pipeline.

    Results do not depend on the number of workers.
    """

    def __init__(self, dataset: ClipDataset, seed: int):
        self.dataset, self.seed = dataset, seed

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Any]:
        epoch, index = key
        seed_sample(self.seed, epoch, index)
        return {**lazy_inputs(self.dataset.sample(index)), 'index': index}


def collate(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Make a batch of samples: Inputs by their own `collate`, everything else stacked by torch."""
    batch = {}
    for key, first in samples[0].items():
        values = [sample[key] for sample in samples]
        join = type(first).collate if isinstance(first, Input) else default_collate
        batch[key] = join(values)
    if get_worker_info() is None:
        return batch
    return {key: _sent(value) for key, value in batch.items()}


# Tensors of fewer bytes go through the pipe: torch's shared memory costs a millisecond a tensor.
_BY_VALUE = 2**16


def _sent(value: Any) -> Any:
    return value.numpy() if isinstance(value, torch.Tensor) and value.nbytes < _BY_VALUE else value


@contextlib.contextmanager
def worker_errors() -> Iterator[None]:
    """Raise what went wrong in a loader's worker as it would be raised without workers.

    Raises:
        UserError: the worker's own, which torch wraps in a traceback; or a worker was killed, or
            had too little shared memory.
    """
    try:
        yield
    except UserError as error:
        if 'DataLoader worker' not in str(error):
            raise
        name = f'{type(error).__module__}.{type(error).__qualname__}: '
        raise type(error)(str(error).rpartition(name)[2].strip()) from None
    except RuntimeError as error:
        if 'DataLoader worker' not in str(error):
            raise
        lines = str(error).strip().splitlines()
        caught = lines[0].startswith('Caught')
        no_room = any(words in lines[-1] for words in _NO_ROOM)
        if caught and not no_room:
            raise  # a bug, here or in a user's own step, which its traceback shows
        reason = lines[-1 if caught else 0].rstrip('. ')
        raise UserError(f'A worker that prepares clips is gone: {reason}. {_MORE_ROOM}') from error


_NO_ROOM = ('shared memory', 'No space left', '</torch_')
_MORE_ROOM = (
    'Out of memory, of shared memory (df /dev/shm; docker run --shm-size=1g) or of open files '
    '(ulimit -n)? Try data.workers_per_gpu=0, or fewer than now. Where it decodes videos, one of '
    "them may be broken: on_bad_video='skip' in the data set finds such."
)


class Batches:
    """A DataLoader whose epoch and first batch can be chosen.

        for batch in batches.epoch(3, start=120): ...

    A batch is a dict: what the pipeline collects, as tensors or Inputs (heatmaps not drawn yet),
    and `index`, the positions of the clips in the data set. `emb` is left out where it is the row
    of the clip's label in the data set's table (classes.vectors), which the head has, too.
    """

    def __init__(
        self, loader: DataLoader, sampler: TrainBatches | TestBatches, dataset: ClipDataset
    ):
        self.loader, self.sampler, self.dataset = loader, sampler, dataset

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        try:
            return self._batches(iter(self.loader))
        except OSError as error:
            raise UserError(
                f'The workers that prepare clips cannot be started ({error.strerror}). {_MORE_ROOM}'
            ) from error

    def _batches(self, iterator: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the loader's batches; raise its errors without torch's own frames.

        These frames refer to the error and to the loader's iterator. Such a cycle is collected in
        an order that closes the iterator's queues before its workers are told to end, which then
        waits 20 s for them.
        """
        try:
            for batch in iterator:
                yield self._received(batch)
        except Exception as error:
            raise error.with_traceback(None) from error.__cause__

    def _received(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Turn small tensors back, which come from a worker as arrays."""
        batch = dict(batch)
        for key, value in batch.items():
            if isinstance(value, np.ndarray):
                small = torch.from_numpy(value)
                batch[key] = small.pin_memory() if self.loader.pin_memory else small
        return batch

    def epoch(self, epoch: int, start: int = 0) -> Iterator[dict[str, Any]]:
        """Yield the training batches of an epoch from batch `start` on.

        They are the same whether or not the run was stopped in between.
        """
        if isinstance(self.sampler, TrainBatches):
            self.sampler.epoch, self.sampler.start = epoch, start
        return iter(self)


def build_dataloader(
    dataset: Any,
    videos_per_gpu: int,
    workers_per_gpu: int = 0,
    shuffle: bool | None = None,
    seed: int = 0,
    rank: int = 0,
    num_ranks: int = 1,
    pin_memory: bool = False,
    persistent_workers: bool = True,
    prefetch_factor: int = 4,
) -> Batches:
    """Make batches of a data set for one rank.

    Args:
        dataset: a ClipDataset, or any data set with `__len__` and `__getitem__`.
        videos_per_gpu: clips per batch and rank.
        workers_per_gpu: worker processes per rank; 0 prepares samples in this process.
        shuffle: None shuffles what is trained on; data sets in test mode are never shuffled or
            filled up.
        seed: of the order of clips and of what each clip's steps draw.
        rank: this process among `num_ranks`.
        num_ranks: number of processes.
        pin_memory: put batches into page-locked memory, for a GPU.
        persistent_workers: keep workers from epoch to epoch.
        prefetch_factor: batches that each worker prepares ahead.
    """
    dataset = as_clip_dataset(dataset)
    if dataset.test_mode:
        sampler: TrainBatches | TestBatches
        sampler = TestBatches(len(dataset), videos_per_gpu, rank, num_ranks)
    else:
        sampler = TrainBatches(
            len(dataset),
            videos_per_gpu,
            seed,
            rank,
            num_ranks,
            shuffle is not False,
            dataset.labels,
            dataset.class_prob,
        )
    workers = min(workers_per_gpu, len(sampler))
    parallel: dict[str, Any] = {}
    if workers:
        parallel = {
            'persistent_workers': persistent_workers,
            'prefetch_factor': prefetch_factor,
            'worker_init_fn': worker_init_fn(),
        }
    loader: DataLoader = DataLoader(
        SeededSamples(dataset, seed),
        batch_sampler=sampler,
        num_workers=workers,
        collate_fn=collate,
        pin_memory=pin_memory,
        **parallel,
    )
    return Batches(loader, sampler, dataset)
