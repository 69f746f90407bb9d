"""Convert what was found of iMiGUE into the annotations of train, val and test, with remarks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...errors import DataError, UserError
from ..source import Annotation
from .arrays import SPLITS, read_pair, take_out_videos
from .find import Found, RawPair, Video
from .joints import DEFAULT
from .labels import from_id_mod_99
from .measurements import OUTLIERS, measure
from .settings import Conversion, Settings
from .summary import report_labels, report_raw_clips, report_reading, report_video_clips
from .videos import read_videos

KINECT_JOINTS = 25


def convert(found: Found, settings: Settings, where: str) -> Conversion:
    """Read all that was found.

    Args:
        found: from find.find.
        settings: what the user asks for.
        where: the folders' names, for messages.

    Raises:
        DataError: nothing is left, raw arrays are faulty (all are named), or with `strict` anything
            is left out.
        UserError: the settings contradict what was found.
    """
    done = Conversion()
    done.left_out.extend(found.left_out)
    raw, videos = _choose(found, settings, done, where)
    _read_raw(raw, settings, done)
    reading = read_videos(videos, settings.joints, settings.size)
    done.left_out.extend(reading.left_out)
    done.clips |= reading.clips
    if not done.clips or (settings.val_videos and 'train' not in done.clips):
        raise DataError(done.left_out.message(f'{where}: no clip could be read'))
    if settings.strict and (faults := done.left_out.faults()):
        raise DataError(faults.message(f'{where}: --strict leaves nothing out'))

    report_reading(found, raw, reading, done)
    report_labels(reading, settings, done)
    if raw:
        report_raw_clips(list(raw), settings, done)
    if reading.clips:
        report_video_clips(reading, settings, done)
    if settings.val_videos:
        source = str(raw['train'].data) if 'train' in raw else where
        rest, taken = take_out_videos(done.clips['train'], settings.val_videos, source)
        done.clips |= {'train': rest, 'val': taken}
        done.about['val'] = done.about.get('train')
    done.clips = {split: done.clips[split] for split in SPLITS if split in done.clips}
    return done


def _choose(
    found: Found, settings: Settings, done: Conversion, where: str
) -> tuple[dict[str, RawPair], list[Video]]:
    """Return the raw arrays by split, and the videos with their splits, that are to be read."""
    raw = {pair.split: pair for pair in found.raw}
    asked = settings.joints.asked
    if asked != DEFAULT and raw and not found.videos:
        raise UserError(
            f'--joints {asked}: {where} has raw arrays, whose joints cannot be chosen. Name a '
            'folder of the csv release (35 points) or of the xlsx release (137 points).'
        )
    if asked != DEFAULT:
        why = f'--joints {asked} is read from the videos'
        for pair in raw.values():
            done.left_out.add(why, pair.data.name, 'file', fault=False)
        raw = {}

    # Determine the splits.
    if len(settings.splits) > 1 and any(video.split is None for video in found.videos):
        raise UserError(
            f'--splits {" ".join(settings.splits)}: {where} does not say which videos are train, '
            'val or test, so one folder is one split (given as PATH or --csv). Convert the folders '
            'one by one.'
        )
    only_split = settings.splits[0] if settings.splits else 'train'
    videos = [replace(video, split=video.split or only_split) for video in found.videos]
    available = [s for s in SPLITS if s in raw or any(v.split == s for v in videos)]
    splits = settings.splits or available
    if settings.val_videos and ('val' in splits or 'train' not in splits):
        raise UserError(
            f'--val-videos takes val out of train, but the splits are {" ".join(splits)}. Give '
            '--splits train test.'
        )
    absent = [split for split in splits if split not in available]
    if absent:
        raise DataError(
            f'{where}: --splits {absent[0]}, but {absent[0]}_data.npy: no such file, and no videos '
            f'of {absent[0]}. It has {", ".join(available)}: give --splits of these.'
        )

    # A split that exists in both forms is read from the raw arrays.
    raw = {split: raw[split] for split in splits if split in raw}
    for video in videos:
        if video.split in raw:
            why = f'the raw arrays of {video.split} are read; --csv FOLDER reads the videos'
            done.left_out.add(why, video.name, 'video', fault=False)
    return raw, [video for video in videos if video.split in splits and video.split not in raw]


def _read_raw(raw: dict[str, RawPair], settings: Settings, done: Conversion) -> None:
    """Read the raw arrays into `done`; raise a DataError that names all faults."""
    faults = []
    for split in (split for split in SPLITS if split in raw):
        try:
            pair = raw[split]
            clips = read_pair(split, pair.data, pair.labels, settings.size)
            if not clips:
                raise DataError(f'{pair.data}: holds no clips. Expected at least one.')
            _check_pictures(pair.data, clips, settings.size)
            done.clips[split] = clips
        except DataError as error:
            faults.append(str(error))
    if faults:
        raise DataError('\n'.join(faults))
    for split in raw if settings.id_mod_99 else ():
        done.clips[split] = [
            {**clip, 'label': from_id_mod_99(clip['label'])} for clip in done.clips[split]
        ]


def _check_pictures(path: Path, clips: list[Annotation], size: tuple[int, int]) -> None:
    """Refuse Kinect's joints in metres, whose third channel is z instead of a score."""
    if clips[0]['keypoint'].shape[2] == KINECT_JOINTS:
        measured = measure(clips, size, None)
        if measured.not_in_pixels() and measured.bad_scores > OUTLIERS:
            raise DataError(
                f'{path}: {KINECT_JOINTS} joints within {max(measured.reach or (0, 0)):.2f} of the '
                "origin, and a third channel outside 0..1: these are Kinect's x, y, z in metres, "
                "as SMG has them, not iMiGUE's pixels and scores. Convert them: python "
                'tools/convert.py smg PATH.'
            )
