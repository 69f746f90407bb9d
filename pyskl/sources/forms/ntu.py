"""NTU RGB+D in its usual forms: .skeleton files, PYSKL's pickles, CTR-GCN's npz.

skeleton: files, folders or zip archives of the data set; people are chosen by PYSKL's rules
(sources/ntu_people.py).

pkl: ntu60_3danno.pkl, ntu60_hrnet.pkl ..., unchanged apart from layout and label names.

npz: NTU60_CS.npz with x_train (N, T, 150), x y z of 25 joints of two people, y_train, one-hot, and
x_test. Padding frames are removed, and a second person who is never there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from ...files import load_pickle
from ...files.arrays import npz_rows, npz_shapes
from ...labels import NTU60_LABELS, NTU120_LABELS
from .. import ntu
from ..source import Annotation, Source, Unit, find_files, named, option, positive

CHUNK = 32  # files that a process reads at a time
PROTOCOLS = {'cs': 'xsub', 'csub': 'xsub', 'xsub': 'xsub', 'cv': 'xview', 'xview': 'xview'}
PROTOCOLS |= {'cset': 'xset', 'xset': 'xset'}


@dataclass
class Ntu(Source):
    """Files of skeletons, pickles, npz."""

    form = 'ntu'
    reads = "folders or zip archives of .skeleton files, PYSKL's NTU pickles, CTR-GCN's npz"
    suffixes = ('.pkl', '.npz')
    layouts = {25: 'ntu25', 17: 'coco17'}
    as_given = True

    missing: Path | None = option(
        None, '.skeleton files: clips to leave out, one name per line', type=Path, metavar='FILE'
    )
    classes: int | None = option(
        None,
        '.skeleton files: 60 for actions 1 to 60 only (default: all)',
        type=int,
        choices=(60, 120),
    )
    workers: int = option(
        cpu_count() or 1,
        'processes that read .skeleton files (default: one per processor)',
        type=int,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        positive('workers', self.workers)
        self._classes: set[int] = set()  # 60, 120, or 0 for a clip that is not of NTU

    def find(self, paths: Sequence[Path]) -> list[Unit]:
        """List the skeletons, in one unit, and the other files."""
        self._skeletons = [path for path in paths if _has_skeletons(path)]
        others = [path for path in paths if path not in self._skeletons]
        units = [Unit(self._skeletons[0], 'skeletons')] if self._skeletons else []
        if others:
            units += named(find_files(others, self.suffixes, self.reads), others)
        return units

    def read(self, unit: Unit) -> Iterator[Annotation]:
        """Yield the clips."""
        if unit.path.suffix.lower() == '.npz':
            yield from self._of_npz(unit)
            return
        clips: Iterable[Any] = (
            self._of_skeletons()
            if unit.path in self._skeletons
            else self.clips_in(load_pickle(unit.path), unit.path)
        )
        for clip in clips:
            self._classes.add(_num_classes(clip))
            yield clip

    def _of_skeletons(self) -> Iterator[Annotation]:
        missing = ntu.read_missing(self.missing) if self.missing else ()
        files = ntu.find_files(self._skeletons, missing, self.leave_out)
        if self.classes == 60:
            files = [file for file in files if ntu.action_of(file.name) <= 60]
        for clip in read_skeletons(files, self.workers):
            if clip.fault:
                self.leave_out(clip.fault)
            else:
                yield ntu.annotation_of(clip)

    def _of_npz(self, unit: Unit) -> Iterator[Annotation]:
        """Yield the clips of an npz and remember their splits."""
        shapes = npz_shapes(unit.path)
        there = [part for part in ('train', 'val', 'test') if f'x_{part}' in shapes]
        if not there:
            raise DataError(
                f'{unit.path}: holds {", ".join(shapes) or "nothing"}. Expected x_train, y_train'
            )
        words = re.split(r'[^a-z]+', unit.path.stem.lower())
        protocol = next((f'{PROTOCOLS[word]}_' for word in words if word in PROTOCOLS), '')
        for part in there:
            label_shape = shapes.get(f'y_{part}')
            labels = _labels(unit.path, f'y_{part}') if label_shape else None
            width = label_shape[-1] if label_shape and len(label_shape) == 2 else 0
            self._classes.add(width if width in (60, 120) else 0)
            shape = shapes[f'x_{part}']
            if len(shape) != 3 or shape[2] % 75 or not shape[2]:
                raise DataError(f'{unit.path}: x_{part} has shape {shape}. Expected (N, T, 150).')
            if labels is not None and len(labels) != shape[0]:
                raise DataError(
                    f'{unit.path}: {len(labels)} labels for {shape[0]} clips of x_{part}.'
                )
            held = protocol + ('train' if part == 'train' else 'val' if protocol else part)
            for i, row in enumerate(npz_rows(unit.path, f'x_{part}')):
                name = f'{unit.name}_{part}_{i}'
                people = _people(row)
                if not people.any():
                    self.leave_out(f'{unit.path}: row {i} of x_{part} shows nobody.')
                    continue
                self.own_splits[held].append(name)
                label = {} if labels is None else {'label': int(labels[i])}
                yield {
                    'frame_dir': name,
                    **label,
                    'keypoint': people,
                    'total_frames': people.shape[1],
                }

    def label_names(self) -> tuple[str, ...] | None:
        """Return the names of the actions, 120 if any clip is above 60; None for other data."""
        names = {60: NTU60_LABELS, 120: NTU120_LABELS}
        return None if 0 in self._classes else names[max(self._classes)]

    def splits(self, names: Sequence[str]) -> dict[str, list[str]]:
        """Return the splits of the file, or the data set's protocols."""
        if self.own_splits or not self._skeletons:
            return self.own_splits
        return ntu.splits(names, self.classes or max(self._classes))


def read_skeletons(files: Sequence[ntu.SkeletonFile], workers: int) -> Iterator[ntu.Clip]:
    """Read files in order, in several processes if there are enough files."""
    workers = min(workers, -(-len(files) // CHUNK))
    if workers <= 1:
        yield from map(ntu.convert_file, files)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(ntu.convert_file, files, chunksize=CHUNK)


def _num_classes(clip: Any) -> int:
    """Return 60 or 120, the classes of NTU by a clip's name and label; 0 for other data sets."""
    name = clip.get('frame_dir') if isinstance(clip, dict) else None
    if isinstance(name, str) and ntu.is_name(name) and clip.get('label') == ntu.action_of(name) - 1:
        return 60 if ntu.action_of(name) <= 60 else 120
    return 0


def _has_skeletons(path: Path) -> bool:
    if path.is_dir():
        return next(path.rglob(f'*{ntu.SUFFIX}'), None) is not None
    return path.suffix.lower() in ('.zip', ntu.SUFFIX)


def _people(row: np.ndarray) -> np.ndarray:
    """Turn (T, 75 M) into (M, T, 25, 3), up to the last non-empty frame, without absent people."""
    people = row.reshape(len(row), -1, ntu.NUM_JOINTS, 3).transpose(1, 0, 2, 3)
    filled = np.flatnonzero(people.any(axis=(0, 2, 3)))
    people = people[:, : filled[-1] + 1 if len(filled) else 1]
    seen = people.any(axis=(1, 2, 3))
    return np.ascontiguousarray(people[seen] if seen.any() else people[:1])


def _labels(path: Path, name: str) -> np.ndarray:
    """Return (N,) classes from one-hot rows, or from classes."""
    rows = np.array(list(npz_rows(path, name)))
    if rows.ndim == 2 and ((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all():
        return rows.argmax(axis=1)
    if rows.ndim == 1 and (rows >= 0).all() and (rows == rows.astype(int)).all():
        return rows.astype(int)
    raise DataError(
        f'{path}: {name} is {rows.dtype} {rows.shape}. Expected one-hot rows, or classes.'
    )
