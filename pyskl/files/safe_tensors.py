"""Weights in .safetensors files: tensors by name and a few texts; nothing in them runs."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from ..errors import UserError
from .atomic import atomic_write
from .torch_files import load_tensors

SUFFIX = '.safetensors'
META = 'meta'  # the text that holds a checkpoint's meta, as JSON
MAX_CHARACTERS = 16 << 20


def load_either(path: Path) -> Any:
    """Read a checkpoint of either kind, .safetensors or torch's; tensors are on the CPU.

    Raises:
        UserError: the package safetensors is not installed.
        Other errors: whatever torch or safetensors raises for a damaged or hostile file.
    """
    return load_safe_tensors(path) if path.suffix == SUFFIX else load_tensors(path)


def load_safe_tensors(path: Path) -> dict[str, Any]:
    """Read a .safetensors file as a checkpoint.

    Args:
        path: the file.

    Returns:
        `state_dict`, tensors on the CPU, and `meta`, {} where the file has none.

    Raises:
        UserError: the package safetensors is not installed.
        ValueError: its `meta` is no dict in JSON.
        Other errors: whatever safetensors raises for a damaged file.
    """
    _library()
    from safetensors import safe_open

    with safe_open(str(path), 'pt', device='cpu') as file:
        texts = file.metadata() or {}
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    text = texts.get(META, '{}')
    try:
        meta = json.loads(text) if len(text) <= MAX_CHARACTERS else None
    except RecursionError:
        meta = None
    if not isinstance(meta, dict):
        raise ValueError(f'its text {META!r} is no dict in JSON')
    return {'meta': meta, 'state_dict': weights}


def save_safe_tensors(
    path: str | os.PathLike, weights: Mapping[str, torch.Tensor], meta: Mapping[str, Any]
) -> list[str]:
    """Write weights, and as much of a checkpoint's `meta` as JSON can hold, atomically.

    Args:
        path: the file.
        weights: dense tensors by name.
        meta: the checkpoint's `meta`.

    Returns:
        The keys of `meta` that JSON cannot hold; they are left out.

    Raises:
        UserError: the package safetensors is not installed, or the file cannot be written.
    """
    library = _library()
    kept, left = {}, []
    for key, value in meta.items():
        try:
            kept[key] = json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError, RecursionError):
            left.append(str(key))
    # The format allows no shared memory, so tensors that share it are copied.
    copies = {name: value.detach().cpu().contiguous().clone() for name, value in weights.items()}
    with atomic_write(path) as file:
        file.write(library.save(copies, {META: json.dumps(kept)}))
    return left


def _library() -> ModuleType:
    try:
        return importlib.import_module('safetensors.torch')
    except ImportError as error:
        raise UserError(
            f'safetensors cannot be imported ({error}). Install it: '
            "pip install -c constraints.txt -e '.[safetensors]'"
        ) from error
