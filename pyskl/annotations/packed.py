"""The packed form of annotations: a folder of .npy files that are mapped into memory, not read.

A million clips open at once, and all processes of a machine share the pages.

    meta.json            format, version, id, names of the splits, names and kinds of the extra
                         columns, stamps of the source files; names of the classes and the layout,
                         where the source has them
    keypoint.npy         (F, V, C) float32: key points of all clips, people and frames end to end
    keypoint_score.npy   (F, V) float32
    offset.npy           (N + 1,) int64: clip n has the rows offset[n]:offset[n + 1], which are
                         people[n] * frames[n]
    people.npy, frames.npy, total_frames.npy   (N,) int32
    label.npy            (N,) int64
    label_list.npy       (L,) int64, only where clips have several labels: those of clip n are
                         label_list[label_list_end[n]:label_list_end[n + 1]], and label.npy has the
                         first of them, or -1
    label_list_end.npy   (N + 1,) int64
    img_shape.npy, original_shape.npy          (N, 2) int32, h and w px; 0, 0: none
    names.npy            uint8, the clips' names in UTF-8, each followed by a newline; clip n has
                         name_end[n]:name_end[n + 1]
    name_end.npy         (N + 1,) int64
    split_0.npy ...      int64, the rows of each split in ascending order
    extra_0.npy ...      (N,) float64, other numbers that clips have; NaN: this clip has none

Written by `write_packed`, opened by `open_annotations`.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..files.arrays import load_npy
from ..files.texts import read_json
from ..wording import brief, plain
from .about import About
from .field_values import MAX_LABEL, MAX_SIDE, NO_LABEL
from .label_lists import LabelLists

FORMAT, VERSION = 'pyskl packed annotations', 1
META = 'meta.json'
_MAX_META = 1 << 20
_MAX_COUNT = 2**31 - 1  # people or frames of a clip
_CHUNK = 65536  # names that are checked at once
# name: dtype, axes
ARRAYS = {
    'keypoint': ('<f4', 3),
    'keypoint_score': ('<f4', 2),
    'offset': ('<i8', 1),
    'people': ('<i4', 1),
    'frames': ('<i4', 1),
    'total_frames': ('<i4', 1),
    'label': ('<i8', 1),
    'img_shape': ('<i4', 2),
    'original_shape': ('<i4', 2),
    'names': ('|u1', 1),
    'name_end': ('<i8', 1),
}
KINDS = {'int': int, 'float': float, 'bool': bool}
COLUMNS = ('total_frames', 'label')  # what column() gives beside the extra ones
KNOWN = (
    'frame_dir',
    'label',
    'total_frames',
    'img_shape',
    'original_shape',
    'keypoint',
    'keypoint_score',
)


class Packed:
    """The clips of a packed folder, a Store (clips.py); key points and scores are read-only views.

    Every row of the tables is checked on opening; the key points of a clip (finite numbers) are
    checked when the clip is read.

    Args:
        path: the folder.
        expect: what its meta['id'] must be, for a worker that opens what its parent opened.

    Raises:
        DataError: no such folder, another version, missing, truncated or contradictory arrays.
    """

    def __init__(self, path: str | os.PathLike, expect: str | None = None):
        self.where, self._path = str(path), Path(path).absolute()
        self.meta = _read_meta(Path(path))
        if expect is not None and self.meta['id'] != expect:
            raise self._error('was packed again after it was opened. Start again.')
        self._table = {name: self._load(name, *kind) for name, kind in ARRAYS.items()}
        self._keypoint, self._score = self._table['keypoint'], self._table['keypoint_score']
        self._offset, self.labels = self._table['offset'], self._table['label']
        self._names, self._ends = self._table['names'], self._table['name_end']
        self._check_lengths()
        self._check_rows()
        self._check_names()
        self._pages = []
        if hasattr(mmap, 'MADV_WILLNEED'):
            self._pages = [_Pages(self._keypoint), _Pages(self._score)]
        self.label_lists = self._label_lists() if self.meta.get('several_labels') else None
        self.split_names = tuple(self.meta['splits'])
        self.about = About.of(self.meta, f'{self.where}/{META}')
        self._splits = {name: self._split(k) for k, name in enumerate(self.split_names)}
        self._extras = {
            extra['name']: (self._extra(k), KINDS[extra['kind']])
            for k, extra in enumerate(self.meta['extras'])
        }
        if _read_meta(Path(path))['id'] != self.meta['id']:
            raise self._error('was packed again while it was being opened. Start again.')

    def __reduce__(self) -> tuple:
        return Packed, (str(self._path), self.meta['id'])

    def __len__(self) -> int:
        return len(self.labels)

    # -- reading -----------------------------------------------------------------------------------

    def clip(self, row: int) -> dict[str, Any]:
        """Return the annotation of a clip.

        Raises:
            DataError: its key points or scores hold NaN or inf.
        """
        start, stop = self._offset.item(row), self._offset.item(row + 1)
        for pages in self._pages:
            pages.fetch(start, stop)
        table = self._table
        frames = table['frames'].item(row)
        keypoint, score = self._keypoint[start:stop], self._score[start:stop]
        if not (np.isfinite(keypoint).all() and np.isfinite(score).all()):
            raise self._error(
                f'clip {self.name(row)} (row {row}) holds NaN or inf in keypoint or keypoint_score.'
            )
        label = table['label'].item(row) if self.label_lists is None else self.label_lists[row]
        clip = self._extra_fields(row)
        for field in ('img_shape', 'original_shape'):
            h, w = table[field][row].tolist()
            if h:
                clip[field] = (h, w)
        clip.update(
            frame_dir=self.name(row),
            label=label,
            total_frames=table['total_frames'].item(row),
            keypoint=keypoint.reshape(-1, frames, *keypoint.shape[1:]),
            keypoint_score=score.reshape(-1, frames, score.shape[1]),
        )
        return clip

    def _extra_fields(self, row: int) -> dict[str, Any]:
        return {
            name: kind(value)
            for name, (column, kind) in self._extras.items()
            if (value := column.item(row)) == value  # NaN: this clip has none
        }

    def name(self, row: int) -> str:
        """Return frame_dir of a clip."""
        return self._names[self._ends.item(row) : self._ends.item(row + 1) - 1].tobytes().decode()

    def name_lines(self, rows: np.ndarray) -> bytes:
        """Return the names of some clips in UTF-8, each followed by a newline."""
        start, stop = self._ends[rows], self._ends[rows + 1]
        length = stop - start
        if (start[1:] == stop[:-1]).all():  # consecutive clips
            return self._names[start[0] : stop[-1]].tobytes()
        first = np.cumsum(length) - length  # where each name begins in the result
        return self._names[np.repeat(start - first, length) + np.arange(length.sum())].tobytes()

    def column(self, field: str) -> np.ndarray:
        """Return (N,) float64: a field that is one number a clip; NaN where it is missing."""
        if field in COLUMNS:
            return self._table[field].astype(np.float64)
        return self._extras[field][0] if field in self._extras else np.full(len(self), np.nan)

    def split_rows(self, name: str) -> np.ndarray:
        """Return the ascending rows of the clips in a split."""
        return self._splits[name]

    # -- opening -----------------------------------------------------------------------------------

    def _load(self, name: str, dtype: str, ndim: int) -> np.ndarray:
        array = load_npy(self._path / f'{name}.npy')
        if array.dtype != np.dtype(dtype) or array.ndim != ndim:
            raise self._error(
                f'{name}.npy holds {array.dtype} of shape {array.shape}. Expected '
                f'{np.dtype(dtype)} with {ndim} axes.'
            )
        if not array.flags.c_contiguous:
            raise self._error(f'{name}.npy is in Fortran order. Expected C order.')
        return np.asarray(array)  # slicing an np.memmap is slow

    def _check_lengths(self) -> None:
        num_clips = len(self)
        if not num_clips:
            raise self._error('holds no clips. Expected at least one.')
        wanted = {
            **dict.fromkeys(('offset', 'name_end'), (num_clips + 1,)),
            **dict.fromkeys(('img_shape', 'original_shape'), (num_clips, 2)),
            **dict.fromkeys(('people', 'frames', 'total_frames'), (num_clips,)),
            'keypoint_score': self._keypoint.shape[:2],
        }
        for name, shape in wanted.items():
            if self._table[name].shape != shape:
                raise self._error(
                    f'{name}.npy has shape {self._table[name].shape}. Expected {shape}, as '
                    f'label.npy has {num_clips} clips and keypoint.npy shape '
                    f'{self._keypoint.shape}.'
                )
        joints, coordinates = self._keypoint.shape[1:]
        if not joints or coordinates not in (2, 3):
            raise self._error(
                f'keypoint.npy has shape {self._keypoint.shape}. Expected (rows, joints, 2 or 3).'
            )

    def _check_rows(self) -> None:
        people, frames = self._table['people'], self._table['frames']
        self._check_edges('offset', self._offset, len(self._keypoint))
        self._check_range('people', 1, _MAX_COUNT)
        self._check_range('frames', 1, _MAX_COUNT)
        self._check_range('total_frames', 1, frames)
        self._check_range('label', NO_LABEL, MAX_LABEL)
        rows = np.multiply(people, frames, dtype=np.int64)
        self._check_all(np.diff(self._offset) == rows, 'offset', 'people times frames rows')
        for field in ('img_shape', 'original_shape'):
            self._check_range(field, 0, MAX_SIDE)
            h, w = self._table[field].T
            self._check_all((h > 0) == (w > 0), field, 'both height and width, or 0, 0 for none')

    def _check_names(self) -> None:
        self._check_edges('name_end', self._ends, len(self._names))
        ends = self._names[self._ends[1:] - 1] == ord('\n')
        self._check_all(ends, 'names', 'a newline behind each name')
        for start in range(0, len(self), _CHUNK):
            stop = min(start + _CHUNK, len(self))
            try:
                text = self._names[self._ends[start] : self._ends[stop]].tobytes().decode()
            except UnicodeDecodeError:
                text = '\0'
            *names, rest = text.split('\n')
            printable = all(names) and ''.join(names).isprintable()
            if rest or len(names) != stop - start or not printable:
                raise self._error(
                    'names.npy holds an empty name or one that is no printable UTF-8 text (clips '
                    f'{start} to {stop - 1}).'
                )

    def _label_lists(self) -> LabelLists:
        lists = LabelLists(
            self._load('label_list', '<i8', 1), self._load('label_list_end', '<i8', 1)
        )
        values, ends = lists.values, lists.ends
        if (
            len(ends) != len(self) + 1
            or ends[0] != 0
            or ends[-1] != len(values)
            or (np.diff(ends) < 0).any()
        ):
            raise self._error(
                f'label_list_end.npy does not divide the {len(values)} labels of label_list.npy '
                f'among {len(self)} clips.'
            )
        no_label = (values == NO_LABEL) & (lists.lengths == 1)[lists.clips]
        wanted = f'numbers from 0 to {MAX_LABEL}, or {NO_LABEL} alone'
        fits = (values <= MAX_LABEL) & ((values >= 0) | no_label)
        self._check_all(fits, 'label_list', wanted, lists.clips)
        self._check_all(
            lists.first == self.labels, 'label', 'the first of the labels in label_list.npy'
        )
        return lists

    def _check_edges(self, name: str, edges: np.ndarray, end: int) -> None:
        """Check that edges rise from 0 to `end`."""
        if edges[0] != 0 or edges[-1] != end:
            raise self._error(
                f'{name}.npy runs from {edges[0]} to {edges[-1]}. Expected 0 to {end}, the '
                'rows that are there.'
            )
        self._check_all(edges[1:] > edges[:-1], name, 'numbers that rise from clip to clip')

    def _check_range(self, name: str, low: int, high: int | np.ndarray) -> None:
        values = self._table[name]
        wanted = f'numbers from {low} to {high if isinstance(high, int) else "frames"}'
        self._check_all((values >= low) & (values <= high), name, wanted)

    def _check_all(
        self, fits: np.ndarray, name: str, wanted: str, clips: np.ndarray | None = None
    ) -> None:
        """Refuse the first entry of an array that does not fit.

        Args:
            fits: (N, ...) whether each entry is right.
            name: the array, for the message.
            wanted: what was expected of an entry.
            clips: the clip of each entry; None: entry n belongs to clip n.
        """
        if not fits.all():
            row = np.argwhere(~fits)[0][0]
            row = row if clips is None else clips[row]
            raise self._error(f'{name}.npy is wrong for clip {row}. Expected {wanted}.')

    def _split(self, k: int) -> np.ndarray:
        rows = self._load(f'split_{k}', '<i8', 1)
        if len(rows) and (rows[0] < 0 or rows[-1] >= len(self) or (rows[1:] <= rows[:-1]).any()):
            raise self._error(
                f'split_{k}.npy ({plain(self.split_names[k])}) holds rows that are not there, or '
                f'not in ascending order. Expected rows of {len(self)} clips.'
            )
        return rows

    def _extra(self, k: int) -> np.ndarray:
        column = self._load(f'extra_{k}', '<f8', 1)
        kind = self.meta['extras'][k]['kind']
        if len(column) != len(self) or kind != 'float' and np.isinf(column).any():
            raise self._error(
                f'extra_{k}.npy has {len(column)} numbers, kind {kind}. Expected {len(self)} '
                'finite ones.'
            )
        return column

    def _error(self, what: str) -> DataError:
        cure = '' if what.endswith('again.') else ' Pack it again: tools/pack.py.'
        return DataError(f'{self.where}: {what}{cure}')


class _Pages:
    """Fetches rows of a mapped array from the disk in one go.

    Left to page faults, a random clip that is not in memory makes the system read megabytes around
    it (measured: 1.6 MB for a clip of 5 KB).
    """

    def __init__(self, array: np.ndarray):
        mapped: Any = array.base  # np.memmap, whose base is the mmap
        self._mmap: mmap.mmap = mapped.base
        self._row_bytes = array.strides[0]
        self._first = mapped.offset % mmap.ALLOCATIONGRANULARITY

    def fetch(self, start: int, stop: int) -> None:
        """Ask the system to read the rows start:stop."""
        begin = (self._first + start * self._row_bytes) // mmap.PAGESIZE * mmap.PAGESIZE
        self._mmap.madvise(mmap.MADV_WILLNEED, begin, self._first + stop * self._row_bytes - begin)


def _read_meta(path: Path) -> dict[str, Any]:
    """Read meta.json and check what is used of it."""
    pack_again = 'Pack it again: tools/pack.py.'
    if not (path / META).exists():
        what = f'is a folder without {META}' if path.is_dir() else 'no such folder'
        raise DataError(
            f'{path}: {what}. Expected packed annotations, as tools/pack.py writes them.'
        )
    meta = read_json(path / META, pack_again, _MAX_META)
    if not isinstance(meta, dict) or meta.get('format') != FORMAT:
        raise DataError(f'{path / META}: format is not {FORMAT!r}. Is this another kind of folder?')
    if meta.get('version') != VERSION:
        raise DataError(
            f'{path}: has version {brief(meta.get("version"))} of the packed form; this program '
            f'reads {VERSION}. {pack_again}'
        )
    if not _well_formed(meta):
        raise DataError(f'{path / META}: has fields of unexpected types. {pack_again}')
    return meta


def _well_formed(meta: dict[str, Any]) -> bool:
    def texts(value: Any) -> bool:
        return (
            isinstance(value, list)
            and all(isinstance(v, str) and v.isprintable() for v in value)
            and len(set(value)) == len(value)
        )

    def dicts(value: Any, **types: type) -> bool:
        return isinstance(value, list) and all(
            isinstance(v, dict) and all(type(v.get(key)) is kind for key, kind in types.items())
            for v in value
        )

    return (
        isinstance(meta.get('id'), str)
        and isinstance(meta.get('several_labels', False), bool)
        and texts(meta.get('splits'))
        and dicts(meta.get('extras'), name=str, kind=str)
        and texts([e['name'] for e in meta['extras']])
        and all(e['kind'] in KINDS for e in meta['extras'])
        and not set(KNOWN) & {e['name'] for e in meta['extras']}
        and dicts(meta.get('sources'), name=str, size=int, mtime_ns=int, sha256=str)
    )
