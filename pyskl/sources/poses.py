"""What pose estimators write, as clips: numbers, pixels, frames, people, the picture's size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np

from ..annotations.plausibility import NORMALISED
from ..errors import DataError, UserError
from ..files.texts import read_json
from ..skeletons import is_present
from ..wording import brief, count
from .source import Source, option, positive
from .tracking import Boxes, people_of

MOST_FRAMES = 1 << 17  # of a clip, 73 minutes of video
MOST_JOINTS = 1 << 25  # of a clip, those of a person in all frames together
USUAL_PICTURES = ((240, 320), (480, 640), (540, 960), (720, 1280), (1080, 1920), (2160, 3840))
_NEEDS_SIZE = (
    'x and y are 0..1 of the picture, whose size is not in the files. Give --img-shape H W, the '
    'height and width of the videos in pixels.'
)


@dataclass
class PoseSource(Source):
    """A form whose clips are boxes in a picture; `clip` makes annotations of them."""

    img_shape: Sequence[int] | None = option(
        None,
        'height and width of the videos in px (default: what the files say, else the smallest '
        'usual picture that holds all joints)',
        nargs=2,
        type=int,
        metavar=('H', 'W'),
    )
    max_people: int = option(
        2, 'people kept in a clip, those who are seen most (default: 2)', type=int, metavar='M'
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        positive('max-people', self.max_people)
        if self.img_shape is not None:
            positive('img-shape', *self.img_shape)
        self._reach = np.zeros(2)  # largest x and y, px, of the clips without a picture's size

    def clip(
        self,
        name: str,
        boxes: Boxes,
        *,
        img_shape: Sequence[int] | None = None,
        normalised: bool | None = None,
        label: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield the annotation of a clip, or leave it out where it shows nobody.

        Args:
            name: frame_dir.
            boxes: x, y, score; NaN is a missing joint.
            img_shape: (h, w) where the file says it; --img-shape goes before.
            normalised: whether x and y are 0..1 of the picture. None: where they look so.
            label: its class, where the file says it.
        """
        joints = boxes.joints
        missing = ~np.isfinite(joints).all(axis=-1)
        if missing.any():
            joints = np.where(missing[..., None], np.float32(0), joints)
        present = is_present(joints[..., :2], joints[..., 2])
        size = self.img_shape or img_shape
        if not present.any():
            scores = joints[..., :2].any() and ', since every score is 0'
            self.leave_out(f'{name}: shows nobody{scores or ""}.')
            return
        seen = joints[..., :2][present]
        if normalised and size is None:
            raise UserError(f'{name}: {_NEEDS_SIZE}')
        if normalised or (normalised is None and np.abs(seen).max() < NORMALISED):
            joints = _in_pixels(name, joints, seen, size)
            if normalised is None:
                self.note('x and y were 0..1, and were multiplied by the size of the picture', name)
        elif size is None:
            self._reach = np.maximum(self._reach, seen.max(axis=0))
        people, number = people_of(
            Boxes(joints, boxes.frames, boxes.num_frames, boxes.ids), self.max_people
        )
        if number > len(people):
            self.note(f'more than {self.max_people} people (--max-people)', name)
        if 2 * len(np.unique(boxes.frames)) < boxes.num_frames:
            self.note('most frames show nobody, or are left out between numbers far apart', name)
        yield {
            'frame_dir': name,
            'label': label,
            'img_shape': size,
            'total_frames': people.shape[1],
            'keypoint': people[..., :2],
            'keypoint_score': people[..., 2],
        }

    def finish(self, annotations: list[dict[str, Any]]) -> None:
        """Give the clips without a picture's size the smallest usual one that holds all of them."""
        flat = [a for a in annotations if a['keypoint'].shape[-1] == 2]
        lacking = [a for a in flat if a.get('img_shape') is None]
        if not lacking:
            return
        x, y = self._reach
        usual = (size for h, w in USUAL_PICTURES for size in ((h, w), (w, h)))
        size = next((s for s in usual if y <= s[0] and x <= s[1]), None)
        size = size or (int(np.ceil(y)), int(np.ceil(x)))
        for annotation in lacking:
            annotation['img_shape'] = annotation['original_shape'] = size
        self.notes.add(
            f'img_shape of {count(len(lacking), "clip")} is a guess, {size[0]} x {size[1]} (height x '
            f'width), since the files do not say it and joints reach x = {x:.0f}, y = {y:.0f}: '
            '--img-shape H W says it'
        )


def _in_pixels(
    name: str, joints: np.ndarray, seen: np.ndarray, size: Sequence[int] | None
) -> np.ndarray:
    if size is None:
        raise DataError(f'{name}: {_NEEDS_SIZE}')
    if seen.min() < -0.5:
        raise DataError(
            f'{name}: coordinates run from {seen.min():.2f} to {seen.max():.2f}. Expected pixels, or '
            '0..1 of the picture.'
        )
    return joints * np.array([size[1], size[0], 1], np.float32)


def rows_of(lists: Sequence[Any], where: str, wanted: str, width: int | None = None) -> np.ndarray:
    """Turn lists of numbers, equally long, into (X, n) float32; None is NaN.

    Args:
        lists: one a box.
        where: of what, for messages.
        wanted: what the numbers are, for messages.
        width: n where it is known.

    Raises:
        DataError: something that is no number, lists of different lengths, or of another one.
    """
    try:
        with np.errstate(over='ignore'):  # beyond float32: infinite, that is missing
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
    """Put together what was seen in a clip.

    Args:
        seen: (number of the frame, 3 V numbers x, y, score, id or None) of each box, in any order.
        where: the file, for messages.
        wanted: what the numbers are, for messages.
        listed: numbers of all frames there are, those with nobody, too; None: of the boxes' frames.

    Raises:
        DataError: as rows_of and frame_places.
    """
    seen = sorted(seen, key=lambda box: box[0])
    numbers = [box[0] for box in seen]
    frames, num_frames = frame_places(numbers, numbers if listed is None else listed, where)
    if not seen:
        return Boxes(np.zeros((0, 1, 3), np.float32), frames, num_frames)
    joints = joints_of_rows(rows_of([box[1] for box in seen], where, wanted), where, wanted)
    check_size(num_frames, joints.shape[1], where)
    ids = [_id(box[2]) for box in seen]
    codes = None if None in ids else np.unique(list(map(str, ids)), return_inverse=True)[1]
    return Boxes(joints, frames, num_frames, codes)


def _id(value: Any) -> Any:
    """Return who a box is: 3 of 3, '3', [3] and [[3.0]]; None where that is -1 or no number or text."""
    for _ in range(2):
        if isinstance(value, (list, tuple)) and len(value) == 1:
            value = value[0]
    if isinstance(value, str) and re.fullmatch(r'-?\d+(\.0*)?', value):
        value = float(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, (int, float, str)) and value != -1 else None


def frame_places(
    numbers: Sequence[int] | np.ndarray, listed: Sequence[int] | np.ndarray, where: str
) -> tuple[np.ndarray, int]:
    """Place frames by their numbers, so that frames that the file leaves out are there, empty.

    Args:
        numbers: of each box's frame, whole.
        listed: of all frames that are known of.
        where: for messages.

    Returns:
        (X,) places from 0 on, and how many frames there are: from the first listed to the last, by
        their common step (1 where every frame was looked at, 5 where every fifth was).

    Raises:
        DataError: numbers so far apart that they cannot be one clip's.
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
            f'{where}: {len(different)} frames have numbers from {different[0]} to {different[-1]}. '
            'Expected those of one clip.'
        )
    return (np.asarray(numbers, np.int64) - different[0]) // step, num_frames


def check_size(num_frames: int, num_joints: int, where: str) -> None:
    """Raise a DataError where a clip of so many frames and joints would not fit the memory."""
    if num_frames * num_joints > MOST_JOINTS:
        raise DataError(
            f'{where}: {num_frames:,} frames of {num_joints:,} joints. Expected one clip, of {MOST_JOINTS:,} '
            'joints in all frames at most.'
        )


def frame_files(files: Sequence[Path], is_frame: Callable[[Any], bool]) -> dict[Path, list[Path]]:
    """Tell JSON files of one frame each from files of clips, by the first few of each folder.

    Args:
        files: JSON files.
        is_frame: whether what a file holds is one frame that shows somebody.

    Returns:
        Folder -> its files by the numbers in their names, where they are frames of a clip.
    """
    found = {}
    for folder, inside in groups_of(files, lambda file: file.parent).items():
        with suppress(DataError):  # is said when it is read
            numbers = {file: number_in(file.name) for file in inside}
            if len(inside) == 1 or None in numbers.values():
                continue
            first = [read_json(file) for file in inside[:5]]
            if any(first) and all(is_frame(data) for data in first if data != []):
                found[folder] = sorted(inside, key=lambda file: (numbers[file], file.name))
    return found


def number_in(text: str) -> int | None:
    """Return the last number in a file's name, 12 of 'clip1_000012.jpg'; None: there is none."""
    found = re.findall(r'\d{1,15}', Path(text).stem)
    return int(found[-1]) if found else None


def numbers_or_places(numbers: Iterable[Any]) -> list[int]:
    """Return frames' numbers, or 0, 1, 2 ... where one has none or two have the same."""
    numbers = list(numbers)
    good = all(type(n) is int for n in numbers) and len(set(numbers)) == len(numbers)
    return numbers if good else list(range(len(numbers)))


def groups_of(items: Iterable[Any], key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
    """Group items by a key, in the order in which the keys first come."""
    groups: dict[Any, list[Any]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
