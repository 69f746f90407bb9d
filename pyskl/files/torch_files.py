"""Files that torch.save wrote, read as data: the one door for checkpoints and starting weights. Nothing in them runs."""
from __future__ import annotations

import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch


class _Dtype:
    """Stands in for numpy.dtype, which believes flags in a file that turn bytes into pointers. Plain numbers only."""

    def __init__(self, text: str, align: bool = False, copy: bool = False):
        if not isinstance(text, str) or not re.fullmatch(r'[biuf][1248]', text):
            raise ValueError(f'a numpy dtype {text!r}')
        self.text, self.order = text, '='

    def __setstate__(self, state: tuple) -> None:
        if not isinstance(state, tuple) or state[1] not in ('<', '>', '=', '|') or state[2:5] != (None,) * 3 or any(state[7:]):
            raise ValueError('a numpy dtype with an unreadable state')
        self.order = state[1]


def _scalar(dtype: _Dtype, raw: bytes) -> int | float | bool:
    """Stands in for numpy's scalar: a Python number."""
    if not isinstance(dtype, _Dtype) or not isinstance(raw, bytes):
        raise ValueError('a numpy scalar of another kind')
    return np.frombuffer(raw, dtype.order + dtype.text)[0].item()


# Checkpoints that the published code wrote have a numpy scalar in their meta.
_PUBLISHED_GLOBALS = [(_Dtype, 'numpy.dtype'), (_scalar, 'numpy.core.multiarray.scalar'), (_scalar, 'numpy._core.multiarray.scalar')]


def load_tensors(path: Path) -> Any:
    """What the file holds, tensors on the CPU, with weights_only=True and after its checksums.

    raises  whatever torch makes of a damaged or hostile file (a dozen kinds of error): see `reason`
    """
    _check_archive(path)
    with torch.serialization.safe_globals(_PUBLISHED_GLOBALS), warnings.catch_warnings():
        warnings.simplefilter('ignore')     # torch remarks on pickles that are none of its own; the error is enough
        return torch.load(path, map_location='cpu', weights_only=True)


_ZIP_FOLDER = 0x10          # the bit of a zip entry's attributes that says so


def _check_archive(path: Path) -> None:
    """torch never compresses what it saves (what is compressed may unpack to any size), and does not check what it reads."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            packed = [m.filename for m in archive.infolist() if m.compress_type != zipfile.ZIP_STORED]
            if packed:
                raise ValueError(f'{packed[0]!r} in it is compressed, which torch.save never does')
            folders = [m.filename for m in archive.infolist() if m.is_dir() or m.external_attr & _ZIP_FOLDER]
            if folders:                         # torch would read zeros in its place, and say nothing
                raise ValueError(f'{folders[0]!r} in it is marked as a folder')
            damaged = archive.testzip()
        if damaged:
            raise ValueError(f'the bytes of {damaged!r} in it are not those that were written')


def reason(error: Exception) -> str:
    """torch's reason without its advice to read the file unsafely."""
    text = str(error).strip()
    if 'TorchScript' in text:
        return 'it is a TorchScript archive, a program'
    inner = re.search(r'WeightsUnpickler error: ?([^\n]*)', text)
    return (inner[1] if inner else text.split('\n')[0])[:300].strip() or type(error).__name__
