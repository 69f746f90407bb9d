"""From a dataset to batches: workers prepare key points, collation packs them, drawing is left to the model's device."""
from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, default_collate, get_worker_info

from ..errors import UserError
from ..inputs.heatmaps import Heatmaps
from .samplers import TestBatches, TrainBatches
from .workers import worker_init_fn


def seed_everything(*entropy: int) -> None:
    """Seed `random`, `np.random` and torch's generators on all devices from a tuple of numbers, e.g. (seed, iteration, rank)."""
    torch.manual_seed(_seed_host(*entropy))


def seed_sample(*entropy: int) -> None:
    """Seed `random`, `np.random` and torch's CPU generator, to the same bits. To leave other devices alone saves 0.25 ms a clip."""
    torch.default_generator.manual_seed(_seed_host(*entropy))


def _seed_host(*entropy: int) -> int:
    a, b, c = np.random.SeedSequence(entropy).generate_state(3).tolist()
    random.seed(a)
    np.random.seed(b)
    return c


class SeededSamples:
    """What a worker runs: seed for (seed, epoch, index), then the pipeline. Results don't depend on the number of workers."""

    def __init__(self, dataset: Any, seed: int, deferred: bool, drop_emb: bool):
        self.dataset, self.seed, self.deferred, self.drop_emb = dataset, seed, deferred, drop_emb

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Any]:
        epoch, index = key
        seed_sample(self.seed, epoch, index)
        sample = self.dataset.sample(index, deferred=True) if self.deferred else dict(self.dataset[index])
        if self.drop_emb:
            del sample['emb']
        sample['index'] = index
        return sample


def collate(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Samples -> one batch: Heatmaps are packed, everything else is stacked by torch."""
    batch = {key: [sample[key] for sample in samples] for key in samples[0]}
    batch = {key: Heatmaps.collate(values) if isinstance(values[0], Heatmaps) else default_collate(values)
             for key, values in batch.items()}
    return batch if get_worker_info() is None else {key: _sent(value) for key, value in batch.items()}


_BY_VALUE = 2**16       # bytes: smaller tensors go through the pipe, since torch's shared memory costs a millisecond a tensor


def _sent(value: Any) -> Any:
    return value.numpy() if isinstance(value, torch.Tensor) and value.nbytes < _BY_VALUE else value


@contextlib.contextmanager
def worker_errors() -> Iterator[None]:
    """What went wrong in a loader's worker, in the words it would have without one: torch wraps it in a traceback.

    raises  the UserError of the worker; UserError when a worker was killed
    """
    try:
        yield
    except UserError as error:
        said = str(error).rpartition(f'{type(error).__module__}.{type(error).__qualname__}: ')[2]
        if 'DataLoader worker' not in str(error):
            raise
        raise type(error)(said.strip()) from None
    except RuntimeError as error:
        if 'DataLoader worker' not in str(error):
            raise
        raise UserError(f'A worker that prepares clips is gone: {str(error).splitlines()[0].rstrip(". ")}. Out of memory? '
                        'Try data.workers_per_gpu=0, or fewer than now.') from error


class Batches:
    """A DataLoader whose epoch and first batch can be chosen: `for batch in batches.epoch(3, start=120)`.

    deferred           do batches carry key points (Heatmaps), to be drawn on the device?
    label_embeddings   (K, D) or None. Not None: batches carry no `emb`, since it is label_embeddings[label] for every
                       clip (zeros for label -1), and the device that has the table looks it up.
    """

    def __init__(self, loader: DataLoader, sampler: TrainBatches | TestBatches, dataset: Any,
                 deferred: bool, label_embeddings: np.ndarray | None):
        self.loader, self.sampler, self.dataset = loader, sampler, dataset
        self.deferred, self.label_embeddings = deferred, label_embeddings

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(self._received, self.loader)

    def _received(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Small tensors come from a worker as arrays."""
        small = {key: torch.from_numpy(value) for key, value in batch.items() if isinstance(value, np.ndarray)}
        return {**batch, **({key: value.pin_memory() for key, value in small.items()} if self.loader.pin_memory else small)}

    def epoch(self, epoch: int, start: int = 0) -> Iterator[dict[str, Any]]:
        """Training batches of that epoch from batch `start` on; the same whether or not the run was stopped in between."""
        self.sampler.epoch, self.sampler.start = epoch, start
        return iter(self)


def build_dataloader(dataset: Any, videos_per_gpu: int, workers_per_gpu: int = 0, shuffle: bool | None = None, seed: int = 0,
                     rank: int = 0, num_ranks: int = 1, pin_memory: bool = False, persistent_workers: bool = True,
                     prefetch_factor: int = 4, deferred: bool | None = None) -> Batches:
    """Batches of a dataset for one rank.

    videos_per_gpu    clips per batch and rank
    workers_per_gpu   worker processes per rank; 0 prepares samples in this process
    shuffle           default: shuffle unless the dataset is in test mode; test-mode datasets are never shuffled or filled up
    deferred          carry key points and draw on the device (default: whenever pipeline and dataset allow it)
    """
    test_mode = getattr(dataset, 'test_mode', False)
    deferred = getattr(dataset, 'can_defer', False) if deferred is None else deferred
    if test_mode:
        sampler: TrainBatches | TestBatches = TestBatches(len(dataset), videos_per_gpu, rank, num_ranks)
    else:
        sampler = TrainBatches(len(dataset), videos_per_gpu, seed, rank, num_ranks, shuffle is not False,
                               getattr(dataset, 'labels', None), getattr(dataset, 'class_prob', None))
    workers = min(workers_per_gpu, len(sampler))
    parallel = {'persistent_workers': persistent_workers, 'prefetch_factor': prefetch_factor,
                'worker_init_fn': worker_init_fn()} if workers else {}
    drop_emb = deferred and dataset.looks_up_emb
    loader = DataLoader(SeededSamples(dataset, seed, deferred, drop_emb), batch_sampler=sampler, num_workers=workers,
                        collate_fn=collate, pin_memory=pin_memory, **parallel)
    return Batches(loader, sampler, dataset, deferred, dataset.label_embeddings if drop_emb else None)
