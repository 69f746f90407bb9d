"""Check a list of videos: names, labels, splits, and whether every video can be read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..annotations.check import check_names_and_labels
from ..annotations.check_report import Report
from ..annotations.clip_names import video_file
from ..annotations.video_lists import read_video_list
from ..wording import count, some
from .video_checks import faults_of_clips, faults_of_videos


def check_video_list(
    path: Path,
    folder: Path,
    num_classes: int | None = None,
    label_names: Sequence[str] | None = None,
) -> Report:
    """Check a list of videos.

    Args:
        path: the list, in a form that VideoDataset reads.
        folder: of the videos.
        num_classes: labels must be below; None: not checked.
        label_names: of the classes, where the list has names instead of numbers.

    Raises:
        DataError: the list cannot be read.
    """
    data = read_video_list(path, multi_class=True, label_names=label_names)
    report = Report()
    clips = data['annotations']
    report.facts |= {'clips': len(clips), 'layout': None}
    names = data.get('label_names')
    check_names_and_labels(report, data['split'], clips, num_classes, names, str(path))
    del report.facts['layout']
    check_videos_of(report, clips, folder)
    return report


def check_videos_of(report: Report, clips: Iterable[Mapping[str, Any]], folder: Path) -> None:
    """Open the video of each clip, and report those that cannot be read or are too short."""
    clips = list(clips)
    paths = [
        video_file(os.path.join(folder, clip.get('filename') or clip['frame_dir']))
        for clip in clips
    ]
    faults = faults_of_clips(clips, paths, faults_of_videos)
    report.facts['videos'] = len(set(paths))
    if faults:
        names = [clips[i]['frame_dir'] for i in faults]
        report.errors.append(
            f'the videos of {count(len(faults), "clip")} cannot be read ({some(names)}). '
            f'{names[0]}: {next(iter(faults.values()))} Training and testing leave them out with '
            "on_bad_video='skip'."
        )
    lengths = [clip['total_frames'] for clip in clips if 'total_frames' in clip]
    if lengths:
        report.facts['frames of a clip'] = f'{np.min(lengths)} to {np.max(lengths)}'
