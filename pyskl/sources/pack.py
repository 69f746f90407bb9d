"""Pack an annotation pickle, or iMiGUE's raw arrays, into a memory-mapped folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..annotations.about import About
from ..annotations.opening import packed_beside
from ..annotations.packing import write_packed
from ..annotations.source_stamps import change_since, stamp_of
from ..annotations.store import read_annotations
from ..errors import UserError
from .imigue import IMG_SHAPE, iterate_raw, raw_paths
from .source import Annotation


def pack_file(
    path: str | os.PathLike,
    out: str | os.PathLike | None = None,
    drop: Sequence[str] = (),
    img_shape: Sequence[int] = IMG_SHAPE,
) -> tuple[Path, int]:
    """Pack a file of clips into the form of annotations/packed.py.

    Args:
        path: an annotation pickle, or iMiGUE's {split}_data.npy with {split}_label.pkl beside it.
        out: the folder to write; x.packed beside x.pkl by default.
        drop: fields to leave out.
        img_shape: (h, w) px of the clips of raw arrays.

    Returns:
        The folder and the number of clips.

    Raises:
        UserError: a file was changed while it was packed.
        DataError: see write_packed and read_annotations.
    """
    path = Path(path)
    out = packed_beside(path) if out is None else Path(out)
    if path.suffix == '.npy':
        files, num_clips, annotations, splits = _raw(path, img_shape)
        about = None
        sources = [stamp_of(file) for file in files]
    else:
        sources = [stamp_of(path)]
        files, data = [path], read_annotations(path)
        annotations, splits = data['annotations'], data['split']
        num_clips = len(annotations)
        about = About.of(data, str(path))
    title = f'packing {path.name}'
    rows = tqdm(annotations, title, num_clips, unit='clip', leave=False, disable=None)
    end = partial(_check_unchanged, files, sources)
    write_packed(out, rows, splits, sources=sources, drop=drop, about=about, before_end=end)
    return out, num_clips


def _raw(
    path: Path, img_shape: Sequence[int]
) -> tuple[list[Path], int, Iterator[Annotation], dict[str, np.ndarray]]:
    """Return the files of iMiGUE's raw arrays, the number of clips, the clips and their split."""
    split = path.stem.removesuffix('_data')
    data, labels = raw_paths(path.parent, split)
    if path != data:
        raise UserError(
            f"{path}: expected an annotation pickle, or iMiGUE's raw arrays with a name like "
            'train_data.npy.'
        )
    num_clips, annotations = iterate_raw(path.parent, split, img_shape)
    files = [data, labels] if labels.exists() else [data]
    return files, num_clips, annotations, {split: np.arange(num_clips)}


def _check_unchanged(files: Sequence[Path], sources: Sequence[Mapping[str, Any]]) -> None:
    for file, source in zip(files, sources):
        if change_since(file, source) is not None:
            raise UserError(
                f'{file}: was changed while it was packed. Nothing was written; start again when '
                'it is whole.'
            )
