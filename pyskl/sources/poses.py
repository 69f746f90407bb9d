"""Turn the boxes that pose estimators write into clips: pixels, frames, people, picture size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np

from ..annotations.plausibility import NORMALISED
from ..errors import DataError, UserError
from ..files.arrays import load_npy, load_npz
from ..files.texts import read_json
from ..skeletons import is_present
from ..wording import brief, count, some
from .source import Annotation, Source, option, positive
from .tracking import Boxes, people_of

JsonObject = Mapping[str, Any]
MOST_FRAMES = 1 << 17  # of a clip: 73 minutes of video
MOST_JOINTS = 1 << 25  # of a clip: frames times joints of a person
USUAL_PICTURES = ((240, 320), (480, 640), (540, 960), (720, 1280), (1080, 1920), (2160, 3840))
_NEEDS_SIZE = (
    'x and y are fractions of the picture, whose size is not in the files. Give --img-shape H W, '
    'the height and width of the videos in pixels.'
)


@dataclass
class PoseSource(Source):
    """A form whose clips are boxes in a picture; `clip` turns them into annotations."""

    img_shape: Sequence[int] | None = option(
        None,
        'height and width of the videos in px (default: from the files, else the smallest common '
        'size that holds all joints)',
        nargs=2,
        type=int,
        metavar=('H', 'W'),
    )
    max_people: int = option(
        2, 'people kept per clip, those seen most (default: 2)', type=int, metavar='M'
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        positive('max-people', self.max_people)
        if self.img_shape is not None:
            positive('img-shape', *self.img_shape)
        self._reach = np.zeros(2)  # largest x and y, px, of the clips whose picture size is unknown

    def clip(
        self,
        name: str,
        boxes: Boxes,
        *,
        img_shape: Sequence[int] | None = None,
        normalised: bool | None = None,
        label: int | None = None,
    ) -> Iterator[Annotation]:
        """Yield the annotation of a clip, or leave it out if it shows nobody.

        Args:
            name: frame_dir.
            boxes: x, y, score; NaN is a missing joint.
            img_shape: (h, w) px from the file; --img-shape takes precedence.
            normalised: whether x and y are fractions of the picture; by default they are judged by
                their values.
            label: class from the file.
        """
        # Missing joints are zeros.
        joints = boxes.joints
        missing = ~np.isfinite(joints).all(axis=-1)
        if missing.any():
            joints = np.where(missing[..., None], np.float32(0), joints)
        present = is_present(joints[..., :2], joints[..., 2])
        size = self.img_shape or img_shape
        if not present.any():
            reason = ', since every score is 0' if joints[..., :2].any() else ''
            self.leave_out(f'{name}: shows nobody{reason}.')
            return

        # Bring the coordinates to pixels, or remember how far they reach.
        seen = joints[..., :2][present]
        if normalised and size is None:
            raise UserError(f'{name}: {_NEEDS_SIZE}')
        if normalised or (normalised is None and np.abs(seen).max() < NORMALISED):
            joints = _in_pixels(name, joints, seen, size)
            if normalised is None:
                self.note('x and y were 0..1, and were multiplied by the size of the picture', name)
        elif size is None:
            self._reach = np.maximum(self._reach, seen.max(axis=0))

        people = self._people(name, replace(boxes, joints=joints))
        if 2 * len(np.unique(boxes.frames)) < boxes.num_frames:
            self.note('most frames show nobody, or frame numbers are far apart', name)
        yield {
            'frame_dir': name,
            'label': label,
            'img_shape': size,
            'total_frames': people.shape[1],
            'keypoint': people[..., :2],
            'keypoint_score': people[..., 2],
        }

    def clip_in_space(self, name: str, boxes: Boxes) -> Iterator[Annotation]:
        """Yield the annotation of a clip of x, y, z, or leave it out if it shows nobody."""
        if not len(boxes.frames):
            self.leave_out(f'{name}: shows nobody.')
            return
        yield {'frame_dir': name, 'keypoint': self._people(name, boxes, in_space=True)}

    def _people(self, name: str, boxes: Boxes, in_space: bool = False) -> np.ndarray:
        """Follow people from frame to frame; (M, T, V, 3)."""
        people, number = people_of(boxes, self.max_people, in_space)
        if number > len(people):
            self.note(f'more than {self.max_people} people (--max-people)', name)
        return people

    def finish(self, annotations: list[Annotation]) -> None:
        """Give clips without a picture size the smallest common one that holds all of them."""
        in_picture = (a for a in annotations if a['keypoint'].shape[-1] == 2)
        lacking = [a for a in in_picture if a.get('img_shape') is None]
        if not lacking:
            return
        x, y = self._reach
        usual = (size for h, w in USUAL_PICTURES for size in ((h, w), (w, h)))
        exact = (int(np.ceil(y)), int(np.ceil(x)))
        size = next((s for s in usual if y <= s[0] and x <= s[1]), exact)
        for annotation in lacking:
            annotation['img_shape'] = annotation['original_shape'] = size
        self.notes.add(
            f'img_shape of {count(len(lacking), "clip")} is a guess, {size[0]} x {size[1]} '
            f'(height x width), since the files do not say it and joints reach x = {x:.0f}, '
            f'y = {y:.0f}: set it with --img-shape H W'
        )


def _in_pixels(
    name: str, joints: np.ndarray, seen: np.ndarray, size: Sequence[int] | None
) -> np.ndarray:
    """Multiply fractions of the picture by its size (h, w)."""
    if size is None:
        raise DataError(f'{name}: {_NEEDS_SIZE}')
    if seen.min() < -0.5:
        raise DataError(
            f'{name}: coordinates range from {seen.min():.2f} to {seen.max():.2f}. Expected '
            'pixels, or fractions of the picture.'
        )
    return joints * np.array([size[1], size[0], 1], np.float32)


def rows_of(lists: Sequence[Any], where: str, wanted: str, width: int | None = None) -> np.ndarray:
    """Turn equally long lists of numbers into (X, n) float32; None becomes NaN.

    Args:
        lists: one per box.
        where: their place, for messages.
        wanted: what the numbers are, for messages.
        width: n, if it is known.

    Raises:
        DataError: not a number, or lists of different or wrong lengths.
    """
    try:
        with np.errstate(over='ignore'):  # beyond float32: infinite, hence missing
            rows = np.asarray(lists, dtype=np.float32)
    except (TypeError, ValueError, OverflowError):
        lengths = sorted({len(row) for row in lists if isinstance(row, (list, tuple))})
        what = f'lists of {lengths} numbers' if len(lengths) > 1 else brief(lists[0])
        raise DataError(f'{where}: {what}. Expected {wanted}.') from None
    rows = rows.reshape(len(lists), -1) if len(lists) else rows.reshape(0, width or 0)
    if width is not None and rows.shape[1] != width:
        raise DataError(f'{where}: {rows.shape[1]} numbers a person. Expected {wanted}.')
    return rows


def joints_of_rows(rows: np.ndarray, where: str, wanted: str) -> np.ndarray:
    """Turn (X, 3 V) rows into (X, V, 3)."""
    if not rows.shape[1] or rows.shape[1] % 3:
        raise DataError(f'{where}: {rows.shape[1]} numbers a person. Expected {wanted}.')
    return rows.reshape(len(rows), -1, 3)


def boxes_of(
    seen: Sequence[tuple[int, Any, Any]],
    where: str,
    wanted: str,
    listed: Sequence[int] | None = None,
) -> Boxes:
    """Collect the boxes of a clip.

    Args:
        seen: (frame number, 3 V numbers x, y, score, id or None) of each box, in any order.
        where: the file, for messages.
        wanted: what the numbers are, for messages.
        listed: numbers of all frames, including those that show nobody; by default the boxes'
            frames.

    Raises:
        DataError: see rows_of and frame_indices.
    """
    seen = sorted(seen, key=lambda box: box[0])
    numbers = [box[0] for box in seen]
    frames, num_frames = frame_indices(numbers, numbers if listed is None else listed, where)
    if not seen:
        return Boxes(np.zeros((0, 1, 3), np.float32), frames, num_frames)
    joints = joints_of_rows(rows_of([box[1] for box in seen], where, wanted), where, wanted)
    check_size(num_frames, joints.shape[1], where)
    ids = [_id(box[2]) for box in seen]
    codes = None if None in ids else np.unique(list(map(str, ids)), return_inverse=True)[1]
    return Boxes(joints, frames, num_frames, codes)


def _id(value: Any) -> Any:
    """Return the id of a box: 3 for 3, '3', [3] and [[3.0]]; None for -1 or anything but an id."""
    for _ in range(2):
        if isinstance(value, (list, tuple)) and len(value) == 1:
            value = value[0]
    if isinstance(value, str) and re.fullmatch(r'-?\d+(\.0*)?', value):
        value = float(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, (int, float, str)) and value != -1 else None


def frame_indices(
    numbers: Sequence[int] | np.ndarray, listed: Sequence[int] | np.ndarray, where: str
) -> tuple[np.ndarray, int]:
    """Turn frame numbers into indices; frames that the file leaves out count as empty ones.

    Args:
        numbers: of each box's frame, whole.
        listed: of all known frames.
        where: their place, for messages.

    Returns:
        (X,) indices from 0 on, and the number of frames from the first listed one to the last, in
        their common step (1, or 5 if the estimator saw every fifth frame).

    Raises:
        DataError: the numbers are too far apart for one clip.
    """
    if not len(listed):
        return np.zeros(0, np.int64), 0
    try:
        different = np.unique(np.asarray(listed, np.int64))
    except OverflowError:
        raise DataError(f'{where}: frame numbers up to {brief(max(listed))}.') from None
    step = gcd(*np.diff(different).tolist()) if len(different) > 1 else 1
    num_frames = int(different[-1] - different[0]) // step + 1
    if num_frames > min(MOST_FRAMES, 100 * len(different) + 1000):
        raise DataError(
            f'{where}: {len(different)} frames have numbers from {different[0]} to '
            f'{different[-1]}. Expected those of one clip.'
        )
    return (np.asarray(numbers, np.int64) - different[0]) // step, num_frames


def check_size(num_frames: int, num_joints: int, where: str) -> None:
    """Raise a DataError where a clip of so many frames and joints would not fit into memory."""
    if num_frames * num_joints > MOST_JOINTS:
        raise DataError(
            f'{where}: {num_frames:,} frames of {num_joints:,} joints. Expected one clip, of at '
            f'most {MOST_JOINTS:,} joints in all frames.'
        )


def people_array(
    path: Path, arrays: Mapping[str, np.ndarray], names: Sequence[str], most: int, wanted: str
) -> np.ndarray:
    """Return the key points among the arrays of a file as float32.

    Args:
        path: the file, for messages.
        arrays: what it holds, by name.
        names: of the array, the preferred one first.
        most: number of coordinates C; from 2 on are allowed.
        wanted: what was expected, for messages.

    Raises:
        DataError: no such array, or one that is not (T, V, C) or, with an axis of people, 4D.
    """
    values = next((arrays[name] for name in names if name in arrays), np.empty(0))
    allowed = range(2, most + 1)
    if values.ndim in (3, 4) and values.shape[-1] in allowed and values.dtype.kind in 'fiu':
        return np.asarray(values, np.float32)
    shapes = some(f'{name} {array.dtype} {array.shape}' for name, array in arrays.items())
    raise DataError(f'{path}: holds {shapes or "nothing"}. Expected {wanted}.')


def arrays_in(path: Path, name: str) -> dict[str, np.ndarray]:
    """Return the arrays of an npz file, or the one of an npy file under `name`."""
    return {name: load_npy(path)} if path.suffix.lower() == '.npy' else load_npz(path)


def frame_files(files: Sequence[Path], is_frame: Callable[[Any], bool]) -> dict[Path, list[Path]]:
    """Find the folders whose JSON files hold one frame each, judging by the first few files.

    Args:
        files: JSON files.
        is_frame: whether the content of a file is one frame that shows somebody.

    Returns:
        Folder -> its files, in the order of the numbers in their names.
    """
    found = {}
    for folder, inside in groups_of(files, lambda file: file.parent).items():
        with suppress(DataError):  # reading the file raises it again
            numbers = {file: number_in(file.name) for file in inside}
            if len(inside) == 1 or None in numbers.values():
                continue
            first = [read_json(file) for file in inside[:5]]
            if any(first) and all(is_frame(data) for data in first if data != []):
                found[folder] = sorted(inside, key=lambda file: (numbers[file], file.name))
    return found


def number_in(text: str) -> int | None:
    """Return the last number in a file's name, 12 of 'clip1_000012.jpg', or None."""
    found = re.findall(r'\d{1,15}', Path(text).stem)
    return int(found[-1]) if found else None


def numbers_or_indices(numbers: Iterable[Any]) -> list[int]:
    """Return the frames' numbers, or 0, 1, 2 ... where one is missing or occurs twice."""
    numbers = list(numbers)
    good = all(type(n) is int for n in numbers) and len(set(numbers)) == len(numbers)
    return numbers if good else list(range(len(numbers)))


def groups_of(items: Iterable[Any], key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
    """Group items by a key, in the order in which the keys first occur."""
    groups: dict[Any, list[Any]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
