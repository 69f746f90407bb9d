"""Read the .skeleton files of NTU RGB+D as annotations.

60 or 120 actions seen by Kinect: x, y, z in metres of 25 joints (layout ntu25) of a few tracked
bodies. A clip's name holds its set-up, camera, performer, repetition and action:
S001C002P003R002A013 is the second time that performer 3 does action 13, class 12.

A .skeleton file is text: the number of frames; for each frame the number of bodies; for each body a
line that begins with its tracking id, the line '25', and 25 lines that begin with x y z.

Source: Shahroudy et al., arXiv:1604.02808; Liu et al., arXiv:1905.04757.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..files.safe_pickle import open_regular
from ..files.texts import read_bytes, read_text
from ..wording import plain, some
from .ntu_people import NUM_JOINTS, Body, people_of_bodies
from .source import Annotation

SUFFIX = '.skeleton'
MAX_BYTES = 256 << 20
TRAIN_SUBJECTS = frozenset(
    (1, 2, 4, 5, 8, 9, *range(13, 20), 25, 27, 28, 31, 34, 35, 38, *range(45, 48), 49, 50)
    + (*range(52, 60), 70, 74, 78, *range(80, 87), 89, *range(91, 96), 97, 98, 100, 103)
)
# What reading a broken archive raises; RuntimeError for encrypted ones and unknown compressions.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OverflowError,
    RuntimeError,
    ValueError,
)
_NAME = re.compile(r'S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})')


@dataclass(frozen=True)
class SkeletonFile:
    """The file of a clip, in a folder or as `member` of the zip archive `path`."""

    name: str
    path: Path
    member: str | None = None

    @property
    def where(self) -> str:
        """Name of the file in messages."""
        return str(self.path if self.member is None else self.path / self.member)


@dataclass(frozen=True)
class Clip:
    """The content of a file.

    Attributes:
        name: of the clip.
        keypoint: (M, T, 25, 3) float16 metres; None where there is a fault.
        fault: why there are no key points.
        torn: whether the file is broken, rather than showing nobody or holding NaN.
    """

    name: str
    keypoint: np.ndarray | None = None
    fault: str | None = None
    torn: bool = False


class _NotFinite(DataError):
    pass


def action_of(name: str) -> int:
    """Return the number of a clip's action, 1 to 120; its class is one less."""
    return int(name[-3:])


def is_name(name: str) -> bool:
    """Return whether a clip has a name of NTU's form."""
    return _NAME.fullmatch(name) is not None


# Files --------------------------------------------------------------------------------------------


def find_files(
    sources: Sequence[Path],
    missing: Collection[str] = (),
    leave_out: Callable[[str], None] | None = None,
) -> list[SkeletonFile]:
    """List the .skeleton files of folders and zip archives, sorted by name.

    Args:
        sources: folders, archives and files.
        missing: names of clips to skip.
        leave_out: called with each fault; by default a fault is an error.

    Raises:
        DataError: nothing is found, or without `leave_out` a file has another name or is a
            duplicate.
    """
    found: dict[str, SkeletonFile] = {}
    for file in (file for source in sources for file in _files_of(source)):
        if not _NAME.fullmatch(file.name):
            fault = (
                f'{file.where}: is named {plain(file.name)}. Expected names that say performer and '
                f'action, like S001C002P003R002A013{SUFFIX}.'
            )
        elif file.name in found:
            other = found[file.name].where
            fault = f'{file.where}: clip {file.name} is also in {other}. Expected each clip once.'
        else:
            found[file.name] = file
            continue
        if leave_out is None:
            raise DataError(fault)
        leave_out(fault)
    skipped = set(missing)
    return [found[name] for name in sorted(found) if name not in skipped]


def _files_of(source: Path) -> list[SkeletonFile]:
    if source.is_dir():
        files = [SkeletonFile(p.name.removesuffix(SUFFIX), p) for p in source.rglob(f'*{SUFFIX}')]
    elif source.suffix == SUFFIX and source.is_file():
        files = [SkeletonFile(source.stem, source)]
    else:
        with _archive(source) as archive:
            members = [n for n in archive.namelist() if n.endswith(SUFFIX)]
        files = [
            SkeletonFile(n.rpartition('/')[2].removesuffix(SUFFIX), source, n) for n in members
        ]
    if not files:
        raise DataError(
            f'{source}: holds no *{SUFFIX}. Expected the folder or zip archive of the skeletons.'
        )
    return files


def _archive(path: Path) -> zipfile.ZipFile:
    if not path.exists():
        raise DataError(f'{path}: no such file or folder. Expected a folder or a zip archive.')
    open_regular(path).close()  # zipfile would wait for what a pipe says
    try:
        return zipfile.ZipFile(path)
    except _BROKEN as error:
        raise DataError(f'{path}: is no folder and no whole zip archive ({error}).') from None


def read_missing(path: Path) -> set[str]:
    """Read a list of clips to leave out, one name a line, with or without '.skeleton'.

    Raises:
        DataError: naming the line that is no clip's name.
    """
    names = set()
    for number, line in enumerate(read_text(path, errors='replace').splitlines(), 1):
        name = line.strip().removesuffix(SUFFIX)
        if name and not _NAME.fullmatch(name):
            raise DataError(
                f'{path}: line {number}: {plain(line.strip())} is no name of a clip. Expected one '
                'a line, like S001C002P003R002A013.'
            )
        names.add(name)
    return names - {''}


def _lines(file: SkeletonFile) -> list[str]:
    if file.member is None:
        return read_bytes(file.path, MAX_BYTES, 'NTU has 10 MiB.').decode('latin-1').splitlines()
    try:
        with _archive(file.path) as archive, archive.open(file.member) as member:
            raw = member.read(MAX_BYTES + 1)
    except _BROKEN as error:
        raise DataError(f'{file.where}: cannot be unpacked ({error}).') from None
    if len(raw) > MAX_BYTES:
        raise DataError(f'{file.where}: is larger than {MAX_BYTES >> 20} MiB. NTU has 10 MiB.')
    return raw.decode('latin-1').splitlines()


# Text to bodies -----------------------------------------------------------------------------------


def read_bodies(file: SkeletonFile) -> tuple[list[Body], int]:
    """Read the bodies of one file, in the order in which they appear.

    As in PYSKL, frames without a body do not count, and the frames of a body that is lost for a
    while are consecutive from its first one on.

    Returns:
        The bodies, and the number of frames with one.

    Raises:
        DataError: names the line that is not as expected.
    """
    lines = _Lines(file)
    joints: dict[str, list[np.ndarray]] = {}
    first: dict[str, int] = {}
    num_frames = 0
    for _ in range(lines.count('the number of frames')):
        num_bodies = lines.count('the number of bodies in a frame')
        for _ in range(num_bodies):
            wanted = "a body's tracking id and state"
            track = ''.join(lines.next(wanted).split(None, 1)[:1])
            if not track:
                raise lines.fault('is blank', wanted)
            if (number := lines.count('the number of joints')) != NUM_JOINTS:
                raise lines.fault(f'is {number}', f'{NUM_JOINTS} joints')
            first.setdefault(track, num_frames)
            joints.setdefault(track, []).append(lines.joints())
        num_frames += num_bodies > 0
    while lines.at < len(lines.lines):
        if lines.next('').strip():
            raise lines.fault('goes on', 'the end, since all frames were read')
    return [Body(first[track], np.stack(frames)) for track, frames in joints.items()], num_frames


class _Lines:
    """The lines of a file, read one after the other."""

    def __init__(self, file: SkeletonFile):
        self.where, self.lines = file.where, _lines(file)
        self.at = 0  # lines that were read

    def next(self, what: str) -> str:
        if self.at >= len(self.lines):
            raise DataError(f'{self.where}: ends at line {self.at}; expected {what} there.')
        self.at += 1
        return self.lines[self.at - 1]

    def count(self, what: str) -> int:
        text = self.next(what).strip()
        if not text.isdecimal() or len(text) > 9:
            raise self.fault(f'is {plain(text[:60])}', what)
        return int(text)

    def joints(self) -> np.ndarray:
        """Return (25, 3) float32."""
        rows = [line.split(None, 3)[:3] for line in self.lines[self.at : self.at + NUM_JOINTS]]
        try:
            xyz = np.array(rows, dtype=np.float32).reshape(NUM_JOINTS, 3)
        except ValueError:
            for _ in range(NUM_JOINTS):
                line = self.next('x y z of a joint')
                try:
                    np.array(line.split(None, 3)[:3], dtype=np.float32).reshape(3)
                except ValueError:
                    raise self.fault(f'is {plain(line[:60])}', 'x y z of a joint') from None
            raise
        finite = np.isfinite(xyz).all(axis=1)
        if not finite.all():
            line_number = self.at + int(finite.argmin()) + 1
            raise _NotFinite(f'{self.where}: line {line_number}: holds NaN or infinity.')
        self.at += NUM_JOINTS
        return xyz

    def fault(self, found: str, wanted: str) -> DataError:
        """Return the error for the line that was read last."""
        return DataError(f'{self.where}: line {self.at} {found}; expected {wanted}.')


# Clips to annotations -----------------------------------------------------------------------------


def convert_file(file: SkeletonFile) -> Clip:
    """Read one file; a fault is returned as text."""
    try:
        bodies, num_frames = read_bodies(file)
    except _NotFinite as fault:
        return Clip(file.name, fault=str(fault))
    except DataError as fault:
        return Clip(file.name, fault=str(fault), torn=True)
    if not bodies:
        return Clip(file.name, fault=f'{file.where}: shows nobody.')
    with np.errstate(over='ignore'):
        keypoint = np.ascontiguousarray(people_of_bodies(bodies, num_frames), np.float16)
    if not np.isfinite(keypoint).all():
        return Clip(file.name, fault=f'{file.where}: holds coordinates beyond 65,504 metres.')
    return Clip(file.name, keypoint)


def annotation_of(clip: Clip) -> Annotation:
    """Return the annotation of a clip with the fields of PYSKL's file: no scores, no picture."""
    assert clip.keypoint is not None, clip.fault
    return {
        'frame_dir': clip.name,
        'label': action_of(clip.name) - 1,
        'keypoint': clip.keypoint,
        'total_frames': clip.keypoint.shape[1],
    }


def splits(names: Iterable[str], num_classes: int) -> dict[str, list[str]]:
    """Return the data set's protocols: by subject, and by camera (60 classes) or set-up (120).

    60: xsub_train, xsub_val, xview_train, xview_val (camera 1). 120: xsub_*, xset_train (even
    set-ups), xset_val.
    """
    other = 'xview' if num_classes == 60 else 'xset'
    split: dict[str, list[str]] = {
        f'{protocol}_{part}': [] for protocol in ('xsub', other) for part in ('train', 'val')
    }
    for name in names:
        setup, camera, person = int(name[1:4]), int(name[5:8]), int(name[9:12])
        trains = camera != 1 if num_classes == 60 else setup % 2 == 0
        split[f'xsub_{"train" if person in TRAIN_SUBJECTS else "val"}'].append(name)
        split[f'{other}_{"train" if trains else "val"}'].append(name)
    return split


def check_none_torn(clips: Iterable[Clip]) -> None:
    """Raise a DataError where files are torn, naming the first with its line, and the others."""
    torn = [clip for clip in clips if clip.torn]
    if torn:
        others = f' Also torn: {some(clip.name for clip in torn[1:])}.' if len(torn) > 1 else ''
        raise DataError(
            f'{torn[0].fault}{others} Unpack the archive again, or list such clips in a file for '
            '--missing to skip them.'
        )
