"""What a config may say about data sets and their loading; a part of `settings`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from .settings_base import setting


@dataclass(frozen=True)
class LoaderChanges:
    """data.{train,val,test}_dataloader: what differs from `data` for one split. None: as in `data`.

    Attributes:
        videos_per_gpu: clips per batch and process
        workers_per_gpu: worker processes per process; 0 prepares clips in the process itself
        shuffle: training only; False takes the clips in file order
        pin_memory: None: where a GPU is used
        persistent_workers: workers stay alive from epoch to epoch
        prefetch_factor: batches that each worker prepares ahead
    """

    videos_per_gpu: int | None = setting(None, at_least=1)
    workers_per_gpu: int | None = setting(None, at_least=0)
    shuffle: bool | None = None
    pin_memory: bool | None = None
    persistent_workers: bool | None = None
    prefetch_factor: int | None = setting(None, at_least=1)


@dataclass(frozen=True)
class EvalLoaderChanges(LoaderChanges):
    """The same for validation and test, whose clips keep their order."""

    def __post_init__(self):
        if self.shuffle:
            raise ValueError(
                'shuffle = True: validation and test keep the order of the clips. Leave shuffle '
                'out.'
            )


@dataclass(frozen=True)
class Loader:
    """The loader settings of one split, complete; fields as in LoaderChanges."""

    videos_per_gpu: int
    workers_per_gpu: int
    shuffle: bool
    pin_memory: bool | None
    persistent_workers: bool
    prefetch_factor: int


@dataclass(frozen=True)
class Data:
    """data: the datasets and how they are loaded.

    Attributes:
        videos_per_gpu, workers_per_gpu: as in LoaderChanges, for all splits
        persistent_workers: as in LoaderChanges, for training; validation keeps its workers only if
            val_dataloader says so
        train, val, test: datasets, e.g. dict(type='PoseDataset', ann_file=..., pipeline=[...])
    """

    videos_per_gpu: int = setting(1, at_least=1)
    workers_per_gpu: int = setting(1, at_least=0)
    persistent_workers: bool = True
    train: dict | None = None
    val: dict | None = None
    test: dict | None = None
    train_dataloader: LoaderChanges = LoaderChanges()
    val_dataloader: EvalLoaderChanges = EvalLoaderChanges()
    test_dataloader: EvalLoaderChanges = EvalLoaderChanges()

    def loader(self, split: Literal['train', 'val', 'test']) -> Loader:
        """Return the complete loader settings of one split."""
        common = Loader(
            self.videos_per_gpu,
            self.workers_per_gpu,
            shuffle=split == 'train',
            pin_memory=None,
            persistent_workers=self.persistent_workers and split == 'train',
            prefetch_factor=4,
        )
        changes = vars(getattr(self, f'{split}_dataloader'))
        return replace(
            common, **{name: value for name, value in changes.items() if value is not None}
        )
