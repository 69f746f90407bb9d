"""Annotations as a sequence: a list in memory, or arrays mapped from a packed folder."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, overload

import numpy as np

from ..errors import DataError, did_you_mean
from ..wording import brief, count, plain, some
from .about import About
from .label_lists import LabelLists
from .notes import fix_command, warn_once

_CHUNK = 65536  # clips whose names are handled at once


class Store(Protocol):
    """N clips as they are kept in memory or in files; row n is clip n of the file.

    Attributes:
        where: the file or folder, for messages.
        labels: (N,) int64, -1: none; of several labels the first.
        label_lists: None where each clip has at most one label.
        split_names: names of the splits.
        about: names of the classes and the layout, where the file has them.
    """

    where: str
    labels: np.ndarray
    label_lists: LabelLists | None
    split_names: tuple[str, ...]
    about: About

    def __len__(self) -> int: ...

    def clip(self, row: int) -> dict[str, Any]:
        """Return the annotation of a clip."""

    def name(self, row: int) -> str:
        """Return frame_dir of a clip."""

    def name_lines(self, rows: np.ndarray) -> bytes:
        """Return the names of some clips in UTF-8, each followed by a newline."""

    def column(self, field: str) -> np.ndarray:
        """Return (N,) float64: a field that is one number a clip; NaN where it is missing."""

    def split_rows(self, name: str) -> np.ndarray:
        """Return the ascending rows of the clips in a split."""


class Annotations(Sequence[dict[str, Any]]):
    """All clips of a file or some: `annotations[i]` is an annotation as read_annotations gives it.

    An annotation is made when it is asked for, and its arrays are views of the store's: do not
    write into them. Pickled (for a loader's worker), a packed store travels as its path.

    Args:
        store: where the clips are kept.
        rows: (n,) rows of the store that these clips are, in order; None: all.
    """

    def __init__(self, store: Store, rows: np.ndarray | None = None):
        self.store, self.rows = store, rows

    def __len__(self) -> int:
        return len(self.store) if self.rows is None else len(self.rows)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Annotations: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | Annotations:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        return self.store.clip(self._row(index))

    def _row(self, index: int) -> int:
        index = range(len(self))[index]
        return index if self.rows is None else int(self.rows[index])

    def take(self, indices: np.ndarray) -> Annotations:
        """Return the clips at (n,) indices, in that order."""
        return Annotations(self.store, indices if self.rows is None else self.rows[indices])

    def split(self, name: str) -> Annotations:
        """Return the clips among these that a split of the file lists, in the file's order.

        Raises:
            DataError: the file has no such split.
        """
        names = self.store.split_names
        if name not in names:
            raise DataError(f'{self.store.where}: {_no_split(name, names, self.store.where)}')
        rows = self.store.split_rows(name)
        if self.rows is not None:
            return Annotations(self.store, self.rows[np.isin(self.rows, rows)])
        return self if len(rows) == len(self) else Annotations(self.store, rows)

    @property
    def about(self) -> About:
        """Names of the classes and the layout, as far as the file has them."""
        return self.store.about

    @property
    def labels(self) -> np.ndarray:
        """(N,) int64, one label for each clip; -1: no label.

        Raises:
            DataError: a clip has several labels.
        """
        if self.store.label_lists is not None:
            lists = self.label_lists
            several = np.flatnonzero(lists.lengths != 1)
            if len(several):
                raise DataError(
                    f'{self.store.where}: clip {plain(self.ids[several[0]])} has the labels '
                    f'{brief(lists[several[0]])} ({len(several)} such clips); here each clip needs '
                    'one label. Training and testing take several with multi_class=True in the '
                    'data set.'
                )
        return self._of_rows(self.store.labels)

    @property
    def label_lists(self) -> LabelLists:
        """All labels of each clip."""
        lists = self.store.label_lists
        if lists is None:
            return LabelLists.of_single(self._of_rows(self.store.labels))
        return lists if self.rows is None else lists.take(self.rows)

    def column(self, field: str) -> np.ndarray:
        """Return (N,) float64: a field that is one number a clip; NaN where it is missing.

        Args:
            field: total_frames, valid_frames, or a field of the user's own.
        """
        return self._of_rows(self.store.column(field))

    def _of_rows(self, values: np.ndarray) -> np.ndarray:
        return values if self.rows is None else values[self.rows]

    @property
    def ids(self) -> Ids:
        """Names of the clips (frame_dir)."""
        return Ids(self._id, len(self), self._names)

    def _id(self, index: int) -> str:
        return self.store.name(self._row(index))

    def _lines(self) -> Iterator[bytes]:
        for start in range(0, len(self), _CHUNK):
            stop = min(start + _CHUNK, len(self))
            yield self.store.name_lines(
                np.arange(start, stop) if self.rows is None else self.rows[start:stop]
            )

    def _names(self) -> Iterator[str]:
        for lines in self._lines():
            yield from lines.decode().split('\n')[:-1]

    @property
    def fingerprint(self) -> str:
        """Hash of names and labels in order, the same for a pickle and its packed form."""
        digest = hashlib.sha256()
        for lines in self._lines():
            digest.update(lines)
        digest.update(np.ascontiguousarray(self._of_rows(self.store.labels), '<i8').data)
        lists = self.label_lists
        if (lists.lengths != 1).any():
            for part in (lists.values, lists.ends):
                digest.update(np.ascontiguousarray(part, '<i8').data)
        return digest.hexdigest()


def _no_split(name: str, names: Sequence[str], where: str) -> str:
    """Return a message about a split that the file does not have, with the ways out."""
    make = (
        f'python tools/join.py {shlex.quote(where)} -o OUT.pkl --split-by '
        'video:train=0.8,val=0.2 (or random:..., regex:..., list:FILE)'
    )
    if not names:
        return (
            f'holds no splits, but split={name!r} is asked for. Leave split out of '
            f'the config to take all clips, or make splits: {make}'
        )
    without = ' To train without validation: tools/train.py --no-validate.' if 'val' in name else ''
    return (
        f'holds no split {name!r}; it has {", ".join(map(repr, names))}.'
        f'{did_you_mean(name, names)} Name one of these, or make others: {make}.{without}'
    )


class Ids(Sequence[str]):
    """Names of clips, made when asked for; used and compared like a list of str.

    Args:
        get: returns the name at an index, 0 <= index < length.
        length: number of names.
        iterate: yields all names in order, faster than one by one; None: there is no such way.
    """

    def __init__(
        self,
        get: Callable[[int], str],
        length: int,
        iterate: Callable[[], Iterator[str]] | None = None,
    ):
        self._get, self._length, self._iterate = get, length, iterate

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        wanted = range(self._length)[index]
        return self._get(wanted) if isinstance(wanted, int) else list(map(self._get, wanted))

    def __iter__(self) -> Iterator[str]:
        return self._iterate() if self._iterate else map(self._get, range(self._length))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (Ids, list, tuple)):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other))

    def __repr__(self) -> str:
        return f'Ids({self[:3]}{" ..." if len(self) > 3 else ""}, {len(self)} names)'


class InMemory:
    """A Store of the dict that read_annotations returns."""

    def __init__(self, data: Mapping[str, Any], where: str):
        self._annotations, self._splits, self.where = data['annotations'], data['split'], where
        self.about = About.of(data, where)
        labels = [a['label'] for a in self._annotations]
        self.label_lists = (
            LabelLists.of(labels) if any(isinstance(label, list) for label in labels) else None
        )
        self.labels = (
            np.array(labels, dtype=np.int64) if self.label_lists is None else self.label_lists.first
        )
        self.split_names = tuple(self._splits)

    def __len__(self) -> int:
        return len(self._annotations)

    def clip(self, row: int) -> dict[str, Any]:
        """Return the annotation of a clip."""
        return self._annotations[row]

    def name(self, row: int) -> str:
        """Return frame_dir of a clip."""
        return self._annotations[row]['frame_dir']

    def name_lines(self, rows: np.ndarray) -> bytes:
        """Return the names of some clips in UTF-8, each followed by a newline."""
        return ''.join(f'{self.name(row)}\n' for row in rows.tolist()).encode()

    def column(self, field: str) -> np.ndarray:
        """Return (N,) float64: a field that is one number a clip; NaN where it is missing."""
        values = [_value(a, field) for a in self._annotations]
        wrong = next((i for i, v in enumerate(values) if v is not None and not is_number(v)), None)
        if wrong is not None:
            raise DataError(
                f'{self.where}: clip {plain(self.name(wrong))}: {field} is a '
                f'{type(values[wrong]).__name__}. Expected one number.'
            )
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)

    def split_rows(self, name: str) -> np.ndarray:
        """Return the ascending rows of the clips in a split; warn of names that no clip has.

        Raises:
            DataError: the split lists no clip that is there.
        """
        wanted = set(self._splits[name])
        rows = np.flatnonzero([a['frame_dir'] in wanted for a in self._annotations])
        if len(rows) < len(wanted):
            missing = sorted(wanted - {self.name(row) for row in rows.tolist()})
            if not len(rows):
                raise DataError(
                    f'{self.where}: split {name!r} lists no clip that the file holds '
                    f'({some(missing, 3)}; the clips are called '
                    f'{some([self.name(row) for row in range(min(len(self), 3))])}). Expected the '
                    'same names.'
                )
            warn_once(
                f'{self.where}: split {name!r} lists {count(len(missing), "clip")} that the file '
                f'does not hold ({some(missing)}); {len(rows)} of {len(wanted)} are left. To take '
                f'the names out: {fix_command(self.where)}'
            )
        return rows


def _value(annotation: Mapping[str, Any], field: str) -> Any:
    """Return a field; 'valid@0.5' may be 0.5 in a dict `valid`, as in PYSKL's Kinetics files."""
    name, _, key = field.partition('@')
    if field not in annotation and key and isinstance(annotation.get(name), Mapping):
        return annotation[name].get(float(key))
    return annotation.get(field)


def is_number(value: Any) -> bool:
    """Return whether a value is a real number: int, float, bool, or such a numpy scalar."""
    return isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating))
