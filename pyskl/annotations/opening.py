"""Open annotations: the packed folder where it is up to date, else the pickle."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from ..errors import DataError
from .clips import Annotations, InMemory
from .file_formats import detect_format
from .packed import META, Packed
from .source_stamps import change_since
from .store import read_annotations

_LOG = logging.getLogger('pyskl')
SUFFIX = '.packed'


def open_annotations(path: str | os.PathLike) -> Annotations:
    """Return all clips of a file.

    Args:
        path: an annotation pickle, or a packed folder. For x.pkl the packed folder x.packed beside
            it is opened instead, if it was made from this very file (same size and modification
            time, or else same hash); if it was not, the log says so.

    Returns:
        A sequence of annotations as read_annotations gives them.

    Raises:
        DataError: missing, or wrong in a way that read_annotations and Packed name.

    Examples:
        >>> open_annotations('data/imigue_train.pkl').split('train')[0]['frame_dir']
        '0005_0'
    """
    path = Path(path)
    # os.path.isdir, unlike Path.is_dir, takes names that are too long; reading reports those.
    if os.path.isdir(path):
        found = None if (path / META).exists() else detect_format(path)
        if found is not None:
            raise DataError(f'{path}: {found.message(path)}')
        packed = Packed(path)
        _warn_of_newer_sources(packed, path)
        return Annotations(packed)
    beside = packed_beside(path)
    if os.path.isdir(beside):
        if not path.exists():
            raise DataError(
                f'{path}: no such file, but {beside} is there. To train and test with that, '
                'give it as ann_file.'
            )
        if (up_to_date := _up_to_date(beside, path)) is not None:
            return Annotations(up_to_date)
    return Annotations(InMemory(read_annotations(path), str(path)))


def packed_beside(path: str | os.PathLike) -> Path:
    """Return where the packed form of a file is expected: data/x.packed for data/x.pkl."""
    return Path(path).with_suffix(SUFFIX)


def _up_to_date(folder: Path, path: Path) -> Packed | None:
    try:
        packed = Packed(folder)
        sources = packed.meta['sources']
        reason: str | None = f'it was not made from {path.name}'
        if len(sources) == 1:
            reason = change_since(path, sources[0])
    except DataError as error:
        reason = str(error)
    if reason is None:
        return packed
    _LOG.warning(
        '%s is not used, %s is read whole: %s. To pack it again: python tools/pack.py %s',
        folder,
        path,
        reason.rstrip('.'),
        path,
    )
    return None


def _warn_of_newer_sources(packed: Packed, folder: Path) -> None:
    for source in packed.meta['sources']:
        beside = folder.parent / Path(source['name']).name
        reason = change_since(beside, source) if beside.is_file() else None
        if reason is not None:
            _LOG.warning(
                '%s: %s. It is used as it is; to pack it again: tools/pack.py.', folder, reason
            )
