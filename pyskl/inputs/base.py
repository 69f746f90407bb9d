"""The contract between data sets and models: inputs of a batch that the model's device computes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.lib.mixins import NDArrayOperatorsMixin
from torch import Tensor

from ..errors import ConfigError, DataError


@dataclass(frozen=True)
class Target:
    """What a backbone wants its input to be.

    Attributes:
        device: where the backbone's parameters are.
        dtype: of the backbone's arithmetic.
        channels_last: whether channels lie last in memory (channels_last_3d; channels_last for
            pictures).
    """

    device: torch.device
    dtype: torch.dtype
    channels_last: bool = False

    @classmethod
    def of(cls, parameter: Tensor, channels_last: bool = False) -> Target:
        """Return the target of a network with this parameter; under autocast, in its dtype."""
        kind = parameter.device.type
        autocast = torch.is_autocast_enabled(kind)
        dtype = torch.get_autocast_dtype(kind) if autocast else parameter.dtype
        return cls(parameter.device, dtype, channels_last)

    def laid_out(self, volume: Tensor) -> Tensor:
        """Return a volume (N, C, T, H, W), or pictures (N, C, H, W), in this memory layout.

        What has it already is returned as it is.
        """
        last = torch.channels_last if volume.ndim == 4 else torch.channels_last_3d
        first = torch.contiguous_format
        return volume.contiguous(memory_format=last if self.channels_last else first)


_Own = TypeVar('_Own', bound='Input')


class Input(ABC):
    """A batched network input that still has to be computed, which happens on the model's device.

    The loader carries the small form (key points, say), the model asks for tensors. A data set
    hands out one sample as a LazyArray; `collate` makes a batch of their inputs.

    Attributes:
        has_joints: whether it is made of key points, which `without_joints` can hide.
    """

    has_joints = False

    @property
    @abstractmethod
    def shape(self) -> torch.Size:
        """(B, S, ...): the shape that computing all S views of all B samples gives."""

    @abstractmethod
    def to(self, device: torch.device | str, non_blocking: bool = False) -> Input:
        """Move the small form to a device."""

    @abstractmethod
    def pin_memory(self) -> Input:
        """Put the small form into page-locked memory."""

    @abstractmethod
    def __getitem__(self, samples: slice) -> Input:
        """Return some samples, still as a batch."""

    @abstractmethod
    def tensor(self, views: slice | None, target: Target) -> Tensor:
        """Compute some views (None: all) of every sample.

        Returns:
            (B, n, ...) on the target's device, in its dtype and memory layout.
        """

    def view(self, index: int) -> Input:
        """Return one view of each sample, counted from 0; mirrored copies are not asked for."""
        raise ConfigError(f'{type(self).__name__} has no single views.')

    def without_joints(self, joints: Sequence[int]) -> Input:
        """Return the same clips, in which nobody has these joints."""
        raise ConfigError(f'{type(self).__name__} has no joints that could be hidden.')

    @classmethod
    @abstractmethod
    def collate(cls: type[_Own], samples: Sequence[_Own]) -> _Own:
        """Join batches into one, in order.

        Raises:
            DataError: when they don't fit together.
        """


def check_alike(facts: Sequence[Mapping[str, Any]]) -> None:
    """Check that samples go into one batch.

    Args:
        facts: of each sample, what all of them have to share.

    Raises:
        DataError: naming the first sample that differs from sample 0, and in what.
    """
    for i, of_sample in enumerate(facts):
        for what, found in of_sample.items():
            if found != facts[0][what]:
                raise DataError(
                    f'batch: sample {i} has {what} {found}, sample 0 has {facts[0][what]}; all '
                    'samples of a batch must have the same. Where sizes differ, resize to a fixed '
                    'one (keep_ratio=False) or crop to one; a batch of 1 always works.'
                )


def input_tensor(value: Tensor | Input, target: Target, views: slice | None = None) -> Tensor:
    """Return an entry of a batch (B, S, ...) as a tensor (B, n, ...) for the target.

    Args:
        value: a tensor as it is, or an Input, which is computed.
        target: device and dtype of the result.
        views: which of the S views; None takes all.
    """
    if isinstance(value, Input):
        return value.tensor(views, target)
    chosen = value if views is None else value[:, views]
    return chosen.to(target.device, target.dtype, non_blocking=True)


class LazyArray(NDArrayOperatorsMixin, ABC):
    """An entry of one sample that is computed when it is used.

    It behaves as the array that it becomes (or, after `as_tensor`, as the tensor): shape, dtype,
    indexing, arithmetic, numpy's and torch's functions, and the methods of both. So a pipeline
    step called by hand gives what its eager counterpart would give. What is written into it stays
    in it.
    """

    is_tensor = False
    _array: np.ndarray | None = None  # once it is computed

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of the array, known without computing it."""

    @abstractmethod
    def _compute(self) -> np.ndarray:
        """Compute the array."""

    @abstractmethod
    def input(self) -> Input | None:
        """Return it as a batch of one sample.

        None where it has to be, or has been, computed here.
        """

    @property
    @abstractmethod
    def by_view(self) -> LazyArray:
        """The same as (S, C, T, H, W), as FormatShape makes it of S * T frames."""

    @property
    def is_computed(self) -> bool:
        """Whether the array has been computed."""
        return self._array is not None

    def array(self) -> np.ndarray:
        """Compute the array, once: the same one each time, since somebody may write into it."""
        if self._array is None:
            self._array = self._compute()
        return self._array

    def as_tensor(self) -> LazyArray:
        """Return the same entry, which becomes a tensor."""
        made = copy(self)
        made.is_tensor = True
        return made

    def value(self) -> np.ndarray | Tensor:
        """Compute it: an array, or a tensor after `as_tensor`."""
        return torch.from_numpy(self.array()) if self.is_tensor else self.array()

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> Any:
        """Type of the values: numpy's or torch's float32."""
        return torch.float32 if self.is_tensor else np.dtype(np.float32)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        return self.value()[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self.value()[index] = _computed(value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.array(), dtype=dtype, copy=copy)

    def __getattr__(self, name: str) -> Any:
        if name.startswith('_'):
            raise AttributeError(name)
        return getattr(self.value(), name)

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: tuple = (), **kwargs: Any
    ) -> Any:
        kwargs = {name: _computed(value) for name, value in kwargs.items()}
        if not out:
            return getattr(ufunc, method)(*map(_computed, inputs), **kwargs)
        arrays = tuple(x.array() if isinstance(x, LazyArray) else x for x in out)
        getattr(ufunc, method)(*map(_computed, inputs), out=arrays, **kwargs)
        return out[0] if len(out) == 1 else out

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = {name: _computed(value) for name, value in (kwargs or {}).items()}
        return function(*map(_computed, args), **kwargs)


def _computed(value: Any) -> Any:
    """Compute lazy entries, inside lists and tuples too; leave everything else."""
    if isinstance(value, LazyArray):
        return value.value()
    if isinstance(value, (list, tuple)):
        return type(value)(map(_computed, value))
    return value


def compute_lazy(entries: dict[str, Any]) -> dict[str, Any]:
    """Return a sample's entries with every lazy one computed; itself where none is lazy."""
    lazy = {key: value.value() for key, value in entries.items() if isinstance(value, LazyArray)}
    return {**entries, **lazy} if lazy else entries


def lazy_inputs(entries: dict[str, Any]) -> dict[str, Any]:
    """Return a sample's entries with every lazy one as a batch of one sample, or computed."""
    lazy = {key: value for key, value in entries.items() if isinstance(value, LazyArray)}
    inputs = {key: value.input() for key, value in lazy.items()}
    ready = {key: lazy[key].value() if made is None else made for key, made in inputs.items()}
    return {**entries, **ready}
