"""List the recordings in files and folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import DataError
from ...wording import some
from ..imigue import IMG_SHAPE
from ..imigue.joints import DEFAULT, Joints
from .annotation_files import annotation_recordings
from .base import RecordingFile
from .imigue import imigue_recordings
from .smg import smg_files, smg_recording

ANNOTATION_FILES = ('.pkl', '.pickle', '.packed')
EXPECTED = (
    "Expected iMiGUE's NNNN_light_hand.csv, SMG's SampleNNNN_skeleton.csv, or an annotation file "
    '(.pkl) whose clips are recordings.'
)


def find_recordings(
    paths: Sequence[Path],
    joints: str = DEFAULT,
    img_shape: tuple[int, int] | None = None,
    split: str | None = None,
) -> list[RecordingFile]:
    """List the recordings in files and folders, by name.

    Args:
        paths: folders or single files of iMiGUE's or SMG's release, or annotation files.
        joints: of iMiGUE to keep, as in tools/readlabel.py --joints.
        img_shape: (h, w) pixels of iMiGUE's videos.
        split: keep only the recordings of this split; those in folders that name no split stay.

    Raises:
        DataError: a path does not exist, there is nothing to read, or two recordings have one name.
    """
    found: list[RecordingFile] = []
    for path in map(Path, paths):
        if path.suffix.lower() in ANNOTATION_FILES:
            found += annotation_recordings(path, split)
        elif smg := smg_files(path):
            found += [smg_recording(file) for file in smg]
        else:
            found += imigue_recordings(path, Joints(joints), img_shape or IMG_SHAPE)
    found = [file for file in found if split is None or file.split in (None, split)]
    if not found:
        of = f' of the split {split!r}' if split else ''
        raise DataError(f'{some(map(str, paths))}: holds no recordings{of}. {EXPECTED}')
    names = [file.name for file in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f'{some(map(str, paths))}: several recordings are called {some(twice)}. Expected names '
            'that differ: name the folder of one split, or give split.'
        )
    return sorted(found, key=lambda file: file.name)
