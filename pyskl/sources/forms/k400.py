"""PYSKL's Kinetics-400 pickle: decompress its clips, see annotations/compressed.py.

The published file keeps the key points in separate pickles: --kpfiles names their folder. Each file
is {clip: (X, V, 3)}, or the array of the clip in its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...annotations.compressed import decompressed, is_compressed
from ...annotations.field_values import FieldError
from ...annotations.fields import clean_fields
from ...annotations.store import clip_name
from ...errors import DataError
from ...files import load_pickle
from ..source import Annotation, Source, Unit, option, positive


@dataclass
class K400(Source):
    """Pickles of compressed clips."""

    form = 'k400'
    reads = "PYSKL's pickle of compressed clips: keypoint (X, V, 3), frame_inds (X,), total_frames"
    suffixes = ('.pkl', '.pickle')
    layouts = {17: 'coco17'}

    kpfiles: Path | None = option(None, 'folder of the pickles with the key points', type=Path)
    max_people: int = option(
        10,
        'boxes kept per frame, by score; without tracking (default: 10, as DecompressPose)',
        type=int,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        positive('max-people', self.max_people)

    def read(self, unit: Unit) -> Iterator[Annotation]:
        """Yield the clips of the file, decompressed."""
        for i, annotation in enumerate(self.clips_in(load_pickle(unit.path), unit.path)):
            where = f'{unit.path}: {clip_name(annotation, i)}'
            try:
                yield self._plain(annotation)
            except (FieldError, DataError) as fault:
                self.leave_out(f'{where}: {fault}')

    def _plain(self, annotation: Any) -> Annotation:
        if isinstance(annotation, Mapping) and annotation.get('keypoint') is None:
            annotation = {**annotation, 'keypoint': self._key_points(annotation)}
        clean = clean_fields(annotation)
        return decompressed(clean, self.max_people) if is_compressed(clean) else clean

    def _key_points(self, annotation: Mapping[str, Any]) -> np.ndarray:
        """Find a clip's key points in their separate file."""
        if self.kpfiles is None:
            raise DataError(
                'has no keypoint. If they are in separate files, give --kpfiles FOLDER.'
            )
        name = annotation.get('frame_dir', annotation.get('filename'))
        raw = annotation.get('raw_file') or annotation.get('filename') or f'{name}.pkl'
        path = self.kpfiles / Path(str(raw).replace('\\', '/')).name
        found = load_pickle(path)
        if isinstance(found, Mapping):
            found = found.get(name, found.get('keypoint'))
            found = found.get('keypoint') if isinstance(found, Mapping) else found
        if not isinstance(found, np.ndarray):
            raise DataError(f'{path}: holds no key points of it. Expected {{clip: (X, V, 3)}}.')
        return found
