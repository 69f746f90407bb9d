"""Read iMiGUE's csv and xlsx releases as annotations, one per labelled segment of a video.

NNNN_light_hand.csv: 106 columns, frame number, then x px, y px, score of 25 body points (OpenPose's
BODY_25) and of 5 + 5 finger tips (first hand, second hand); one row per frame, with or without a
header.

NNNN_openpose.xlsx: 411 columns, x px, y px, score of 137 points; row r is frame r.

NNNN_label.csv: class id, first frame, last frame (both belong to the clip); one row per clip.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tqdm import tqdm

from ...annotations.field_values import NO_LABEL, FieldError
from ...annotations.notes import Notes
from ...errors import DataError
from ...wording import some
from ..source import Annotation
from ..tables import read_table
from .arrays import IMG_SHAPE, SPLITS, clip_annotation
from .find import Video
from .frames import WANTED, Frames, frames_of
from .joints import Joints, keep_joints
from .labels import COLUMNS, EXPECTED_ID, LabelRow, check_ids, class_of, is_class_id, read_rows

NUM_FRAMES = 90  # longer clips keep their last 90 frames, shorter ones are padded with zeros


@dataclass
class Reading:
    """The result of reading videos.

    Attributes:
        clips: annotations of each split, by video, then by row of its label file; clip r of video
            0187 is '0187_r'.
        forms: numbers of points that occurred.
        starts: (number of the first frame, whether the file has no numbers) -> number of videos.
        left_out: videos and clips that were not read, and why.
        notes: what was odd and how it was read.
        unknown_ids: class ids of test that are not classes, so that their clips have no label.
    """

    clips: dict[str, list[Annotation]] = field(default_factory=dict)
    forms: set[int] = field(default_factory=set)
    starts: Counter[tuple[int, bool]] = field(default_factory=Counter)
    left_out: Notes = field(default_factory=Notes)
    notes: Notes = field(default_factory=Notes)
    unknown_ids: set[float] = field(default_factory=set)


def read_videos(
    videos: Sequence[Video], joints: Joints | None = None, img_shape: Sequence[int] = IMG_SHAPE
) -> Reading:
    """Read the labelled clips of videos.

    Args:
        videos: from `find`; those without a split are train.
        joints: the joints to keep, imigue22 by default.
        img_shape: (h, w) px.

    Returns:
        What was read and what was left out. Beside the clips, one video at a time is in memory.

    Raises:
        DataError: the label files of a split hold class numbers instead of ids.
    """
    joints, reading = joints or Joints(), Reading()
    ids: dict[str, list[float]] = {}
    seen: set[tuple[str, str]] = set()
    for video in tqdm(videos, 'videos', unit='video', leave=False, disable=None):
        part = video.split or 'train'
        if (part, video.name) in seen:
            why = 'the same video again in another folder; the first is read'
            reading.left_out.add(why, str(video.points[0]), 'video', fault=False)
            continue
        seen.add((part, video.name))

        # Its points and label rows.
        try:
            frames, rows = _read(video, joints, reading)
        except _LeftOut as reason:
            reading.left_out.add(reason.why, video.name, 'video', reason.detail)
            continue
        if part != 'test' and rows[0].class_id is None:
            why = f'two columns, the class id is missing. {COLUMNS}'
            reading.left_out.add(why, video.name, 'video', video.labels[0].name)
            continue
        if rows[0].class_id is None:
            why = 'two columns in the label csv: clips without labels'
            reading.notes.add(why, video.name, 'video')
        ids.setdefault(part, []).extend(row.class_id for row in rows if row.class_id is not None)

        # Its clips.
        for row in rows:
            name = f'{video.name}_{row.row}'
            try:
                clip = _clip(name, row, part, frames, joints, img_shape, reading)
                reading.clips.setdefault(part, []).append(clip)
            except _LeftOut as reason:
                where = f'{video.labels[0].name} line {row.line}: {reason.detail}'
                reading.left_out.add(reason.why, name, detail=where.removesuffix(': '))
    for part in ('train', 'val'):
        check_ids(ids.get(part, ()), part)
    reading.clips = {part: reading.clips[part] for part in SPLITS if reading.clips.get(part)}
    return reading


class _LeftOut(Exception):
    """The reason why a video or a clip is left out."""

    def __init__(self, why: str, detail: str = ''):
        super().__init__(why)
        self.why, self.detail = why, detail


def _read(video: Video, joints: Joints, reading: Reading) -> tuple[Frames, list[LabelRow]]:
    """Return the frames of the first readable file of points, and the label rows."""
    if len(video.labels) != 1:
        beside = video.points[0].name
        if video.labels:
            raise _LeftOut(
                f'several files may be its label csv. Expected one, NNNN.csv ({COLUMNS[9:]})',
                f'beside {beside}: {some(path.name for path in video.labels)}',
            )
        raise _LeftOut(
            'no label csv. Expected NNNN.csv or NNNN_label.csv beside the points',
            f'{video.name}.csv beside {beside}',
        )
    try:
        rows = read_rows(video.labels[0])
    except DataError as error:
        raise _LeftOut(f'its label csv cannot be used. {COLUMNS}', str(error)) from None
    faults = []
    for path in video.points:
        try:
            frames = frames_of(path, read_table(path))
        except DataError as error:
            faults.append(_LeftOut(f'its points cannot be used. {WANTED}', str(error)))
            continue
        form = frames.points.shape[1]
        try:
            joints.of(form)
        except DataError as error:
            faults.append(_LeftOut(str(error), path.name))
            continue
        if form not in reading.forms:
            joints.layout(form)  # raises where the joints form no layout
        reading.forms.add(form)
        reading.starts[int(frames.number[0]), frames.counted] += 1
        for why, where in frames.notes:
            reading.notes.add(why, path.name, 'video', where)
        for fault in faults:
            why = f'read instead of another file: {fault.why}'
            reading.notes.add(why, path.name, 'file', fault.detail)
        return frames, rows
    raise faults[0]


def _clip(
    name: str,
    row: LabelRow,
    split: str,
    frames: Frames,
    joints: Joints,
    img_shape: Sequence[int],
    reading: Reading,
) -> Annotation:
    """Return the annotation of one label row, or raise _LeftOut."""
    # The label.
    if row.fault():
        raise _LeftOut(f'no whole frame numbers. {COLUMNS}', row.fault())
    label = NO_LABEL
    if row.class_id is not None and is_class_id(row.class_id):
        label = class_of(row.class_id, name)
    elif row.class_id is not None and split == 'test':
        reading.unknown_ids.add(row.class_id)
    elif row.class_id is not None:
        raise _LeftOut(f'no class. {EXPECTED_ID}', f'class id {row.class_id:g}')

    # The frames.
    first, last = int(row.first), int(row.last)
    stretch = frames.cut(first, last, NUM_FRAMES)
    if stretch is None:
        why, exist = 'its video has no frame in it', f'{frames.number[0]} to {frames.number[-1]}'
        if last < first and frames.cut(last, first, NUM_FRAMES) is not None:
            why, exist = 'has no frame in it; first and last look swapped', f'{last} to {first}'
        detail = f'frames {first} to {last}; the video has {exist}'
        raise _LeftOut(f'{why}. Correct the label csv', detail)
    if stretch.doubtful:
        why = 'a frame occurs twice in its points, with different values'
        raise _LeftOut(why, f'frame {some(stretch.doubtful)}')
    if stretch.missing:
        missing = f'frame {some(stretch.missing)}'
        reading.notes.add('frames that the file lacks: left empty', name, detail=missing)
    if stretch.cut_short:
        why = 'label rows that extend beyond the last frame: the clip ends there'
        end = f'{last}, the last frame is {frames.number[-1]}'
        reading.notes.add(why, name, detail=end)

    # The joints.
    points = keep_joints(stretch.points, joints.of(frames.points.shape[1]), NUM_FRAMES)
    try:
        return clip_annotation(name, points, label, img_shape)
    except FieldError as error:
        raise _LeftOut(str(error)) from None
