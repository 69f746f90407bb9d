"""Files that torch.save wrote, read as data: the one door for checkpoints and starting weights.

Nothing in them is executed.
"""

from __future__ import annotations

import re
import shlex
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import torch

from ..errors import CheckpointError
from ..wording import brief
from .torch_pickles import ZIP_START, check_pickles

# Below which key a file holds its weights: PYSKL and most others, then scripts of one's own.
WEIGHT_KEYS = ('state_dict', 'model', 'model_state_dict', 'state_dict_ema', 'net', 'weights')


class _Dtype:
    """Stands in for numpy.dtype, which trusts flags in a file that turn bytes into pointers.

    Only plain numbers are accepted.
    """

    def __init__(self, text: str, align: bool = False, copy: bool = False):
        if not isinstance(text, str) or not re.fullmatch(r'[biuf][1248]', text):
            raise ValueError(f'a numpy dtype {text!r}')
        self.text, self.order = text, '='

    def __setstate__(self, state: tuple) -> None:
        if (
            not isinstance(state, tuple)
            or state[1] not in ('<', '>', '=', '|')
            or state[2:5] != (None,) * 3
            or any(state[7:])
        ):
            raise ValueError('a numpy dtype with an unreadable state')
        self.order = state[1]


def _scalar(dtype: _Dtype, raw: bytes) -> int | float | bool:
    """Stand in for numpy's scalar: return a Python number."""
    if not isinstance(dtype, _Dtype) or not isinstance(raw, bytes):
        raise ValueError('a numpy scalar of another kind')
    return np.frombuffer(raw, dtype.order + dtype.text)[0].item()


class _Ignored:
    """Stands in for an object that is not needed: accepts anything, keeps nothing."""

    def __init__(self, *arguments: Any):
        pass

    def __setstate__(self, state: Any) -> None:
        pass


class _Values(dict):
    """Stands in for argparse.Namespace: a dict of its values."""

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise ValueError('a Namespace with an unreadable state')
        self.update(state)


def _array(kind: Any, *arguments: Any) -> _Ignored:
    """Stand in for numpy's _reconstruct.

    An array beside the weights is part of something that is left out.
    """
    if kind is not _Ignored:
        raise ValueError('a numpy array of another kind')
    return _Ignored()


def _method(owner: Any, name: Any = None) -> _Ignored:
    """Stand in for getattr, by which pickles name the methods of a class."""
    if owner is not _Ignored or not isinstance(name, str):
        raise ValueError('an attribute of something that is no part of a checkpoint')
    return _Ignored()


def _path(*parts: Any) -> str:
    """Stand in for pathlib's classes: return the path as text."""
    if not all(isinstance(part, str) for part in parts):
        raise ValueError('a path that is not made of text')
    return str(PurePosixPath(*parts))


# What checkpoints hold beside tensors and plain Python, and what each is read as:
# PYSKL's a numpy scalar in their meta, MMAction2 1.x's the histories of its logged values, many
# others their options and paths.
_STAND_INS: list[tuple[Any, tuple[str, ...]]] = [
    (_Dtype, ('numpy.dtype',)),
    (_scalar, ('numpy.core.multiarray.scalar', 'numpy._core.multiarray.scalar')),
    (_Ignored, ('mmengine.logging.history_buffer.HistoryBuffer', 'numpy.ndarray')),
    (_array, ('numpy.core.multiarray._reconstruct', 'numpy._core.multiarray._reconstruct')),
    (_method, ('__builtin__.getattr', 'builtins.getattr')),
    (_Values, ('argparse.Namespace',)),
    (
        _path,
        tuple(
            f'{module}.{kind}Path'
            for module in ('pathlib', 'pathlib._local')
            for kind in ('Posix', 'Windows', 'PurePosix', 'PureWindows', '')
        ),
    ),
]
_KNOWN_GLOBALS: list[Callable | tuple[Callable, str]] = [
    (stand_in, name) for stand_in, names in _STAND_INS for name in names
]


def load_tensors(path: Path) -> Any:
    """Return what a file holds, tensors on the CPU, with weights_only=True and after its checksums.

    Of what else checkpoints hold, paths become text, options (argparse.Namespace) dicts, and logged
    histories empty objects.

    Raises:
        Exception: whatever torch makes of a damaged or hostile file (a dozen kinds of error); see
            `reason`.
    """
    _check_archive(path)
    check_pickles(path)
    with torch.serialization.safe_globals(_KNOWN_GLOBALS), warnings.catch_warnings():
        # torch warns of pickles that are not its own; the error is enough.
        warnings.simplefilter('ignore')
        return torch.load(path, map_location='cpu', weights_only=True)


_ZIP_FOLDER = 0x10  # bit of a zip entry's attributes that marks a folder


def _check_archive(path: Path) -> None:
    """Check an archive's members, which torch does not do.

    torch.save never compresses (and what is compressed may unpack to any size).

    Raises:
        ValueError: a compressed or damaged member, or one marked as a folder.
    """
    with open(path, 'rb') as file:
        is_zip = file.read(len(ZIP_START)) == ZIP_START
    if is_zip:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            packed = [m.filename for m in members if m.compress_type != zipfile.ZIP_STORED]
            if packed:
                raise ValueError(f'{packed[0]!r} in it is compressed, which torch.save never does')
            folders = [m.filename for m in members if m.is_dir() or m.external_attr & _ZIP_FOLDER]
            if folders:  # torch would silently read zeros instead
                raise ValueError(f'{folders[0]!r} in it is marked as a folder')
            damaged = archive.testzip()
        if damaged:
            raise ValueError(f'the bytes of {damaged!r} in it are not those that were written')


MAX_UNFOLDED_BYTES = 16 << 20


def check_dense(tensors: Any, where: str) -> None:
    """Check that all tensors of a dict are plain numbers in memory.

    Args:
        tensors: what a file holds where weights are expected; other values than tensors are
            ignored.
        where: 'FILE.pth: state_dict', for the message.

    Raises:
        CheckpointError: naming a key, and what is there instead.
    """
    unfolded = 0
    for key, value in tensors.items():
        if not torch.is_tensor(value):
            continue
        kind = _kind_of(value)
        if kind is None:  # one number can stand for as many as its shape says
            size = value.numel() * value.element_size()
            unfolded += max(0, size - value.untyped_storage().nbytes())
            if unfolded > MAX_UNFOLDED_BYTES:
                kind = 'unfolds from a few numbers to many more'
        if kind is not None:
            raise CheckpointError(
                f'{where} {brief(key)} {kind}. Dense tensors of real numbers are expected: make it '
                'one (.to_dense(), .dequantize(), .contiguous()) and save it again.'
            )


def tensors_in(content: Any) -> dict[str, torch.Tensor]:
    """Return all tensors inside dicts and lists, each once, by the path to it: 'meta/counts/0'."""
    found: dict[str, torch.Tensor] = {}
    seen, left = set(), [('', content)]
    while left:
        name, value = left.pop()
        if id(value) in seen:
            continue
        if torch.is_tensor(value):
            found[name] = value
        elif isinstance(value, (Mapping, list, tuple)):
            items = value.items() if isinstance(value, Mapping) else enumerate(value)
            left += [
                (f'{name}/{brief(key)}'[-200:].lstrip('/'), inner)
                for key, inner in items
                if torch.is_tensor(inner) or isinstance(inner, (Mapping, list, tuple))
            ]
        else:
            continue
        seen.add(id(value))
    return found


def _kind_of(tensor: torch.Tensor) -> str | None:
    """Return what is unusual about a tensor; None: nothing."""
    if tensor.is_nested:
        return 'is a nested tensor'
    if tensor.layout is not torch.strided:
        return 'is a sparse tensor'
    if tensor.is_quantized:
        return 'is a quantised tensor'
    if tensor.device.type == 'meta':
        return 'is a tensor without its numbers (of the meta device)'
    return 'is a tensor of complex numbers' if tensor.is_complex() else None


def weights_in(content: Any) -> tuple[str | None, Mapping[str, torch.Tensor] | None]:
    """Return (key, weights) of what a file holds.

    The key is that of WEIGHT_KEYS below which the weights are; None where they are the whole file.
    (None, None) where there are no weights.
    """
    if not isinstance(content, Mapping):
        return None, None
    for key in WEIGHT_KEYS:
        if isinstance(content.get(key), Mapping):
            return key, content[key]
    is_weights = bool(content) and all(map(torch.is_tensor, content.values()))
    return None, content if is_weights else None


def how_to_fetch(address: str, setting: str) -> str | None:
    """Return how to download a checkpoint whose name is an address; None if it is none.

    Nothing is downloaded here.

    Args:
        address: the checkpoint's name.
        setting: the config's line, with {} for the path.
    """
    if not re.match(r'\w+://', address):
        return None
    where = urlsplit(address)
    if where.scheme == 'torchvision':
        model = re.sub(r'\W', '', where.netloc) or 'resnet50'
        return (
            f'{address}: nothing is fetched from a network here. Save the weights with torchvision '
            'first, and give the path of the file:\n'
            '    python -c "import torch, torchvision.models as m; '
            f"torch.save(m.{model}(weights='IMAGENET1K_V1').state_dict(), "
            f"'work_dirs/{model}.pth')\"\n"
            f'    {setting.format(repr(f"work_dirs/{model}.pth"))}'
        )
    name = Path(where.path).name or 'checkpoint.pth'
    out = f'-O work_dirs/{name}' if '?' in address else '-P work_dirs'
    return (
        f'{address}: is an address, and nothing is fetched from a network here. Download it first, '
        f'and give the path of the file:\n    wget {shlex.quote(address)} {out}\n'
        f'    {setting.format(repr(f"work_dirs/{name}"))}'
    )


def reason(error: Exception) -> str:
    """Return torch's reason without its advice to read the file unsafely."""
    text = str(error).strip()
    if 'TorchScript' in text:
        return 'it is a TorchScript archive, a program'
    inner = re.search(r'WeightsUnpickler error: ?([^\n]*)', text)
    return (inner[1] if inner else text.split('\n')[0])[:300].strip() or type(error).__name__
