"""Write the packed form of annotations (packed.py), one clip at a time, so that any number fits."""

from __future__ import annotations

import json
import logging
import os
import uuid
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, UserError
from ..files.arrays import load_npy
from ..files.atomic import atomic_folder, atomic_write
from ..wording import brief, repeated, some
from .about import About
from .clips import Ids, is_number
from .compressed import is_compressed
from .field_values import NO_LABEL, FieldError
from .fields import clean_fields
from .packed import ARRAYS, FORMAT, KNOWN, META, VERSION
from .store import clip_name

_LOG = logging.getLogger('pyskl')
_EXACT = 2**53  # whole numbers up to this are kept exactly


def write_packed(
    path: str | os.PathLike,
    annotations: Iterable[Mapping[str, Any]],
    splits: Mapping[str, Sequence[str] | np.ndarray] | None = None,
    *,
    sources: Sequence[Mapping[str, Any]] = (),
    drop: Sequence[str] = (),
    before_end: Callable[[], None] | None = None,
    about: About | None = None,
) -> int:
    """Write a packed folder; it replaces an older one only when it is complete.

    Args:
        path: the folder, x.packed.
        annotations: dicts as `fields.clean_fields` takes them, one at a time; they need not be in
            memory together.
        splits: name -> names of clips, or their rows (integers).
        sources: stamps of the files that it is made from (source_stamps.py).
        drop: fields to leave out. Beside the fields of an annotation those that are one number a
            clip are kept; any others must be dropped.
        before_end: called when all is written, before the folder takes its place; an exception that
            it raises prevents that.
        about: the names of the classes and the layout, to be written with the data.

    Returns:
        The number of clips.

    Raises:
        DataError: naming clip and field: wrong (see read_annotations), or of a kind that cannot be
            packed; no clips at all.
        UserError: the folder cannot be written, or `path` is a folder of something else.
    """
    path = Path(path)
    if path.is_dir() and any(path.iterdir()) and not (path / META).is_file():
        raise UserError(
            f'{path}: is a folder of something else (it has no {META}). Choose another name.'
        )
    with atomic_folder(path) as folder, ExitStack() as files:
        writer = _Writer(folder, files, str(path), frozenset(drop))
        for annotation in annotations:
            writer.add(annotation)
        writer.finish(splits or {}, sources, about or About())
        if before_end is not None:
            before_end()
    return writer.num_clips


class _Growing:
    """An .npy file to which rows are appended; its header gets their number at the end."""

    def __init__(self, files: ExitStack, path: Path, dtype: str, shape: Sequence[int] = ()):
        self.dtype, self.shape, self.num_rows = dtype, tuple(shape), 0
        self._file = files.enter_context(open(path, 'wb'))  # noqa: SIM115 (the stack closes it)
        self._write_header()

    def _write_header(self) -> None:
        """Write the header, which numpy pads so that its length does not depend on the rows."""
        shape = (self.num_rows, *self.shape)
        header = {'descr': self.dtype, 'fortran_order': False, 'shape': shape}
        np.lib.format.write_array_header_1_0(self._file, header)

    def add(self, rows: Any, num_rows: int = 1) -> None:
        """Append rows."""
        self._file.write(np.ascontiguousarray(rows, self.dtype).data)
        self.num_rows += num_rows

    def finish(self) -> None:
        """Complete the header and close the file, on disk."""
        self._file.seek(0)
        self._write_header()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


class _Writer:
    """Takes clips one by one; keeps their labels, and hashes of their names to find doubles."""

    def __init__(self, folder: Path, files: ExitStack, where: str, drop: frozenset[str]):
        self.folder, self.files, self.where, self.drop = folder, files, where, drop
        self.num_clips, self.num_rows = 0, 0
        self.columns: dict[str, _Growing] = {}
        self.extras: dict[str, _Growing] = {}
        self.kinds: dict[str, str] = {}
        self.hashes = array('q')
        self.labels, self.label_ends = array('q'), array('q', [0])

    def add(self, annotation: Mapping[str, Any]) -> None:
        """Write a clip.

        Raises:
            DataError: a field that is wrong, or cannot be packed.
        """
        where = clip_name(annotation, self.num_clips)
        try:
            clip = clean_fields(annotation)
        except FieldError as error:
            raise DataError(f'{self.where}: {where}: {error}') from None
        if is_compressed(clip):
            raise DataError(
                f'{self.where}: {where}: is in the compressed form (frame_inds), which cannot be '
                'packed. Use the pickle.'
            )
        keypoint, score = clip['keypoint'], clip['keypoint_score']
        if not self.columns:
            self._start(*keypoint.shape[2:])
        if keypoint.shape[2:] != self.columns['keypoint'].shape:
            raise DataError(
                f'{self.where}: {where}: keypoint has shape {keypoint.shape}, (V, C) of the first '
                f'clip is {self.columns["keypoint"].shape}. Expected the same joints in every clip.'
            )
        rows = keypoint.shape[0] * keypoint.shape[1]
        self.columns['keypoint'].add(keypoint, rows)
        self.columns['keypoint_score'].add(score, rows)
        self.num_rows += rows
        self._add_name(clip['frame_dir'])
        labels = clip['label'] if isinstance(clip['label'], list) else [clip['label']]
        self.labels.extend(labels)
        self.label_ends.append(len(self.labels))
        self._add_numbers(
            offset=self.num_rows,
            people=keypoint.shape[0],
            frames=keypoint.shape[1],
            label=labels[0] if labels else NO_LABEL,
            total_frames=clip['total_frames'],
            img_shape=clip.get('img_shape', (0, 0)),
            original_shape=clip.get('original_shape', (0, 0)),
        )
        self._add_extras(clip, where)
        self.num_clips += 1

    def _start(self, joints: int, coordinates: int) -> None:
        shapes = {'keypoint': (joints, coordinates), 'keypoint_score': (joints,)}
        shapes |= dict.fromkeys(('img_shape', 'original_shape'), (2,))
        for name, (dtype, _) in ARRAYS.items():
            self.columns[name] = self._file(name, dtype, shapes.get(name, ()))
        self._add_numbers(offset=0, name_end=0)

    def _file(self, name: str, dtype: str, shape: Sequence[int] = ()) -> _Growing:
        return _Growing(self.files, self.folder / f'{name}.npy', dtype, shape)

    def _add_numbers(self, **numbers: Any) -> None:
        for name, value in numbers.items():
            self.columns[name].add(value)

    def _add_name(self, name: str) -> None:
        raw = f'{name}\n'.encode()
        self.columns['names'].add(np.frombuffer(raw, np.uint8), len(raw))
        self._add_numbers(name_end=self.columns['names'].num_rows)
        self.hashes.append(hash(name))

    def _add_extras(self, clip: Mapping[str, Any], where: str) -> None:
        extra = {
            name: value
            for name, value in clip.items()
            if name not in KNOWN and name not in self.drop and value is not None
        }
        for name, value in extra.items():
            self._check_extra(name, value, where)
            if name not in self.extras:
                self.extras[name] = self._file(f'extra_{len(self.extras)}', '<f8')
                self.extras[name].add(np.full(self.num_clips, np.nan), self.num_clips)
            kind = _kind(value)
            known_kind = self.kinds.setdefault(name, kind)
            self.kinds[name] = kind if kind == known_kind else 'float'
        for name, column in self.extras.items():
            column.add(extra.get(name, np.nan))

    def _check_extra(self, name: Any, value: Any, where: str) -> None:
        if not isinstance(name, str) or not name.isprintable():
            raise DataError(
                f'{self.where}: {where}: has a field {brief(name)}. Expected a name in printable '
                'text.'
            )
        inexact = _kind(value) == 'int' and abs(int(value)) > _EXACT
        if not is_number(value) or inexact:
            raise DataError(
                f'{self.where}: {where}: the field {name!r} is {brief(value)}. Beside the fields '
                'of an annotation only one number a clip can be packed. If nothing needs it, leave '
                f'it out: --drop {name} (drop=({name!r},)).'
            )

    def finish(
        self,
        splits: Mapping[str, Sequence[str] | np.ndarray],
        sources: Sequence[Mapping[str, Any]],
        about: About,
    ) -> None:
        """Write the splits and meta.json, and close all files; arguments as of write_packed.

        Raises:
            DataError: no clips, a name that several have, or a split that is wrong.
        """
        if not self.num_clips:
            raise DataError(
                f'{self.where}: there are no annotations to pack. Expected at least one clip.'
            )
        for column in (*self.columns.values(), *self.extras.values()):
            column.finish()
        several = bool((np.diff(self.label_ends) != 1).any())
        if several:
            self._write_whole('label_list', self.labels)
            self._write_whole('label_list_end', self.label_ends)
        names = _written_names(self.folder)
        self._check_doubles(names)
        for k, (name, members) in enumerate(splits.items()):
            if not isinstance(name, str) or not name.isprintable():
                raise DataError(
                    f'{self.where}: a split is named {brief(name)}. Expected printable text.'
                )
            self._write_whole(f'split_{k}', self._split_rows(name, members, names))
        meta = {
            'format': FORMAT,
            'version': VERSION,
            'id': uuid.uuid4().hex,
            'splits': list(splits),
            'extras': [{'name': name, 'kind': self.kinds[name]} for name in self.extras],
            'sources': list(sources),
        }
        meta |= about.entries()
        if several:
            meta['several_labels'] = True
        with atomic_write(self.folder / META, 'w', encoding='utf-8') as f:
            json.dump(meta, f, indent=1)

    def _write_whole(self, name: str, values: Any) -> None:
        column = self._file(name, '<i8')
        column.add(values, len(values))
        column.finish()

    def _check_doubles(self, names: Ids) -> None:
        """Refuse names that appear twice; only those whose hashes are equal are compared."""
        hashes = np.frombuffer(self.hashes, np.int64)
        order = np.argsort(hashes, kind='stable')
        same = np.flatnonzero(np.diff(hashes[order]) == 0)
        suspects = [
            names[row] for row in np.unique(order[np.concatenate([same, same + 1])]).tolist()
        ]
        twice = repeated(suspects)
        if twice:
            raise DataError(
                f'{self.where}: frame_dir {some(twice)} appears more than once. Expected a '
                'different name for every clip, because splits and scores refer to it.'
            )

    def _split_rows(self, name: str, members: Sequence[str] | np.ndarray, names: Ids) -> np.ndarray:
        """Return the ascending rows of the clips that a split lists by name or by row."""
        if isinstance(members, np.ndarray) and members.dtype.kind in 'iu':
            rows = np.unique(members)
            if len(rows) and not 0 <= rows[0] <= rows[-1] < self.num_clips:
                raise DataError(
                    f'{self.where}: split {name!r} holds rows {rows[0]} to {rows[-1]}; there are '
                    f'{self.num_clips} clips.'
                )
            return rows
        wanted = set(members)
        rows = np.array([row for row, clip in enumerate(names) if clip in wanted], np.int64)
        if len(rows) < len(wanted):
            missing = wanted - {names[row] for row in rows.tolist()}
            _LOG.warning(
                '%s: split %r lists %d names without a clip (%s); they are left out.',
                self.where,
                name,
                len(missing),
                some(sorted(missing, key=str)),
            )
        return rows


def _kind(value: Any) -> str:
    """Return the kind of a number as meta.json has it."""
    if isinstance(value, (bool, np.bool_)):
        return 'bool'
    return 'int' if isinstance(value, (int, np.integer)) else 'float'


def _written_names(folder: Path) -> Ids:
    """Read back the names that were just written."""
    lines, ends = (np.asarray(load_npy(folder / f'{name}.npy')) for name in ('names', 'name_end'))
    return Ids(lambda row: lines[ends[row] : ends[row + 1] - 1].tobytes().decode(), len(ends) - 1)
