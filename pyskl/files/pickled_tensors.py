"""Torch tensors inside a plain pickle, as numpy arrays: what `pickle.dump` of a tensor calls.

A storage is a whole file of torch's old format in the middle of the pickle: four small pickles
(magic number, version, machine, the storage's type and length), one with its key, then a count and
the numbers. None of them is run, and torch is not asked: `pickletools` lists their instructions.
"""

from __future__ import annotations

import io
import pickletools
from itertools import islice
from math import prod
from typing import Any

import numpy as np

_DTYPES = {
    'torch FloatStorage': '<f4',
    'torch DoubleStorage': '<f8',
    'torch HalfStorage': '<f2',
    'torch BFloat16Storage': '<u2',
    'torch LongStorage': '<i8',
    'torch IntStorage': '<i4',
    'torch ShortStorage': '<i2',
    'torch CharStorage': '<i1',
    'torch ByteStorage': '<u1',
    'torch BoolStorage': '?',
}
_COUNT_BYTES = 8
_MOST_INSTRUCTIONS = 200  # of each small pickle; torch writes about 40


def load_from_bytes(raw: Any) -> np.ndarray:
    """Return the numbers of a storage, as `torch.storage._load_from_bytes` would.

    Raises:
        ValueError, LookupError: no such file, another type, other than the announced length.
    """
    if type(raw) is not bytes:
        raise ValueError('a storage that is not made of bytes')
    file = io.BytesIO(raw)
    programs = [list(islice(pickletools.genops(file), _MOST_INSTRUCTIONS)) for _ in range(5)]
    if any(program[-1][0].name != 'STOP' for program in programs):
        raise ValueError('a storage in a form that torch never writes')
    kind = next((str(arg) for op, arg, _ in programs[3] if op.name == 'GLOBAL'), '')
    dtype = np.dtype(_DTYPES[kind])
    count, numbers = int.from_bytes(file.read(_COUNT_BYTES), 'little'), file.read()
    if len(numbers) != count * dtype.itemsize:
        raise ValueError('a storage with another number of bytes than it says')
    values = np.frombuffer(numbers, dtype)
    if kind == 'torch BFloat16Storage':  # the upper half of a float32
        return (values.astype('<u4') << 16).view('<f4')
    return values


def rebuild_tensor(
    storage: Any, offset: Any, size: Any, stride: Any, *hooks_and_gradient: Any
) -> np.ndarray:
    """Return a copy of a tensor's part of a storage (`torch._utils._rebuild_tensor_v2`).

    Raises:
        ValueError: a shape that leaves the storage, or unfolds to more than it holds.
    """
    numbers = (offset, *size, *stride)
    if (
        not isinstance(storage, np.ndarray)
        or storage.ndim != 1
        or len(size) != len(stride)
        or not all(type(n) is int and 0 <= n < 2**48 for n in numbers)
        or prod(size) > len(storage)
    ):
        raise ValueError('a tensor with an unreadable shape')
    last = offset + sum((n - 1) * step for n, step in zip(size, stride))
    if prod(size) and last >= len(storage):
        raise ValueError('a tensor that reaches beyond its storage')
    steps = [step * storage.itemsize for step in stride]
    view = np.lib.stride_tricks.as_strided(
        storage[min(offset, len(storage)) :], size, steps, writeable=False
    )
    return view.astype(storage.dtype.newbyteorder('='))
