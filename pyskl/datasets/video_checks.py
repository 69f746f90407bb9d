"""Check the videos of a data set's clips before training or testing starts."""

from __future__ import annotations

import logging
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import numpy as np
from tqdm import tqdm

from ..annotations.clips import Annotations
from ..annotations.fields import start_of
from ..annotations.measures import sample_rows
from ..errors import DataError
from ..files.safe_pickle import open_regular
from ..files.video_probe import VideoProbe
from ..wording import count, some
from .pipelines.decoding import WAY_OUT, beyond

OnBadVideo = Literal['stop', 'skip']
Clip = Mapping[str, Any]
Video = tuple[str, Sequence[Clip]]  # a path, and the clips that are in it
FaultsOfVideos = Callable[[Sequence[Video]], Iterable[list[str | None]]]
_THREADS = 8  # they wait for the disk
_PROBES, _VIDEOS_OF_A_PROBE = 8, 16  # a process takes half a second to start
_MOST_LOOKED_AT = 20_000  # clips whose files are looked for at once


def reads_videos(steps: Sequence[Any]) -> bool:
    """Return whether a pipeline's steps decode the clips' videos."""
    return any(getattr(step, 'reads_video', False) for step in steps)


def needs_length(steps: Sequence[Any]) -> bool:
    """Return whether a step needs total_frames before one that gives it, as DecordInit does."""
    for step in steps:
        if 'total_frames' in getattr(step, 'needs', ()):
            return True
        if 'total_frames' in getattr(step, 'gives', ()):
            return False
    return False


def check_videos(
    clips: Annotations,
    path_of: Callable[[Clip], str],
    is_there: Callable[[str], bool],
    faults_of: FaultsOfVideos,
    on_bad_video: OnBadVideo,
    where: str,
) -> Annotations:
    """Return the clips whose videos can be read.

    Args:
        clips: of the data set.
        path_of: says where a clip's video is.
        is_there: says whether something is there that may be one.
        faults_of: opens videos, and says for each of their clips what is wrong; None: nothing.
        on_bad_video: 'stop' only looks whether the files are there; 'skip' opens all of them.
        where: names the data set's file in messages.

    Raises:
        DataError: a video is missing; with 'skip' only where no clip is left.
    """
    if on_bad_video == 'stop':
        _look_for(clips, path_of, is_there, where)
        return clips
    faults = faults_of_clips(clips, [path_of(clip) for clip in clips], faults_of)
    if not faults:
        return clips
    bad = sorted(faults)
    names = [clips.ids[i] for i in bad]
    if len(faults) == len(clips):
        raise DataError(
            f'{where}: no clip has a video that can be read. {names[0]}: {faults[bad[0]]}'
        )
    logging.getLogger('pyskl').warning(
        "%s: %d of %s left out, since their videos cannot be read (on_bad_video='skip'): %s. %s: %s"
        '',
        where,
        len(faults),
        count(len(clips), 'clip'),
        some(names, 20),
        names[0],
        faults[bad[0]],
    )
    return clips.take(np.array([i for i in range(len(clips)) if i not in faults]))


def faults_of_clips(
    clips: Sequence[Clip] | Annotations, paths: Sequence[str], faults_of: FaultsOfVideos
) -> dict[int, str]:
    """Open videos, each once, and return what is wrong with clips, by their indices.

    Args:
        clips: of any videos.
        paths: of each clip's video.
        faults_of: as in check_videos.
    """
    by_path: dict[str, list[int]] = {}
    for i, path in enumerate(paths):
        by_path.setdefault(path, []).append(i)
    found = faults_of([(path, [clips[i] for i in rows]) for path, rows in by_path.items()])
    shown = tqdm(found, 'videos', len(by_path), leave=False, unit='video', disable=None)
    return {
        i: fault
        for rows, video_faults in zip(by_path.values(), shown)
        for i, fault in zip(rows, video_faults)
        if fault is not None
    }


def is_video_file(path: str) -> bool:
    """Return whether a regular file of that name is there."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(mode)


def faults_of_videos(videos: Sequence[Video]) -> Iterator[list[str | None]]:
    """Open videos, in processes apart, and decode the last frame that each clip may need.

    Yields:
        For each video, in order, what is wrong with each of its clips; None: nothing.
    """
    local, probes = threading.local(), ExitStack()

    def faults(video: Video) -> list[str | None]:
        if not hasattr(local, 'probe'):
            local.probe = probes.enter_context(VideoProbe())
        return _faults(*video, local.probe)

    number = min(_PROBES, 1 + len(videos) // _VIDEOS_OF_A_PROBE)
    with probes, ThreadPoolExecutor(number) as threads:
        yield from threads.map(faults, videos)


def _faults(path: str, clips: Sequence[Clip], probe: VideoProbe) -> list[str | None]:
    lasts = [
        start_of(clip) + clip['total_frames'] - 1 if 'total_frames' in clip else None
        for clip in clips
    ]
    length, faults = probe.faults(path, lasts)
    if length is None:
        return faults
    return [
        beyond(path, length, start_of(clip), clip.get('end_frame')) or fault
        for clip, fault in zip(clips, faults)
    ]


def _look_for(
    clips: Annotations, path_of: Callable[[Clip], str], is_there: Callable[[str], bool], where: str
) -> None:
    looked_at = sample_rows(len(clips), _MOST_LOOKED_AT)
    paths = [path_of(clips[i]) for i in looked_at]
    with ThreadPoolExecutor(_THREADS) as threads:
        different = list(dict.fromkeys(paths))
        there = dict(zip(different, threads.map(is_there, different)))
    missing = [i for i, path in zip(looked_at, paths) if not there[path]]
    if not missing:
        return
    names, path = [clips.ids[i] for i in missing], path_of(clips[missing[0]])
    try:
        open_regular(Path(path)).close()
        why = f'{path}: is a file, expected a folder.'
    except DataError as error:
        why = str(error)
    raise DataError(
        f'{where}: {len(missing)} of {count(len(paths), "clip")} have no video ({some(names, 3)}). '
        f'{names[0]}: {why} Is data_prefix the folder of the videos? {WAY_OUT}'
    )
