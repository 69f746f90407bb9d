"""Spotting file by file: scores of recordings, thresholds chosen by data.val, figures where labels are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..annotations.segments import Segment
from ..errors import ConfigError, DataError
from ..evaluation.spotting import (
    CHALLENGE_IOU,
    add_up,
    commonest,
    count_right,
    evaluate_spotting,
    sliding_baseline,
)
from ..sources.recordings import Recording, RecordingFile, find_recordings
from ..spotting.fit import Finish, fit_thresholds
from ..spotting.segments import Scores, Thresholds, find_segments
from ..wording import count, some
from .setup import read_run
from .spotting import Spotter, check_fits, in_file_frames, num_taken

MOST_NOTES = 5


def choose_thresholds(
    config: str,
    spotter: Spotter,
    files: Sequence[RecordingFile],
    start: Thresholds,
) -> tuple[Thresholds, dict[str, Any]]:
    """Choose thresholds by the recordings of the config's data.val, at its frame rate, and say so.

    Args:
        config: path of the config.
        spotter: its networks.
        files: the recordings that are reported.
        start: where to begin.

    Returns:
        The thresholds, and how they came about.

    Raises:
        ConfigError: data.val is no RecordingDataset. DataError: its recordings have no labels, or are
            among those that are reported.
    """
    chosen = _val_files(config)
    _check_apart(chosen, files)
    scores, truth, read = {}, {}, {}
    for file, recording, one in scored(spotter, chosen, None, 'choosing thresholds'):
        if recording.segments is None:
            raise DataError(f'{file.path}: has no labels, so thresholds cannot be chosen by it.')
        scores[file.name], truth[file.name] = one, recording.segments
        read[file.name] = (recording.first, recording.num_frames, spotter.rate(recording.fps))
    finish: Finish = lambda name, segments: in_file_frames(segments, *read[name])  # noqa: E731
    how, value = fit_thresholds(scores, truth, start, finish)
    said = ', '.join(
        f'{name} {number:g}' for name, number in vars(how).items() if name != 'background'
    )
    print(
        f'thresholds chosen by {count(len(chosen), "recording")} of data.val (F1 {value:.4f} there, which '
        f'is too good: they were chosen by it): {said}'
    )
    made = {
        'chosen_on': [str(file.path) for file in chosen],
        'f1_there': value,
        'iou': CHALLENGE_IOU,
    }
    return how, made


def scored(
    spotter: Spotter, files: Sequence[RecordingFile], fps: float | None, title: str
) -> Iterator[tuple[RecordingFile, Recording, Scores]]:
    """Read and score one recording after the other, under a bar that counts frames.

    Recordings have the rate `fps`; None: what they say themselves. What was odd is printed at the end.
    """
    notes = []
    with tqdm(files, title, unit='recording', leave=False, disable=None) as bar:
        for file in bar:
            recording = file.read()
            recording = recording if fps is None else replace(recording, fps=fps)
            check_fits(spotter, recording)
            notes += recording.notes
            if not recording.shown().any():
                notes.append(f'{file.path}: nobody is seen in any frame, so nothing is spotted')
            rate = spotter.rate(recording.fps)
            total = num_taken(recording.num_frames, rate)
            yield (
                file,
                recording,
                spotter.scores(
                    recording,
                    progress=lambda done, name=file.name, n=total: bar.set_postfix_str(
                        f'{name} {done / n:.0%}'
                    ),
                ),
            )
    for note in notes[:MOST_NOTES]:
        print(f'warning: {note}')
    if len(notes) > MOST_NOTES:
        print(f'warning: and {len(notes) - MOST_NOTES} more such lines')


def finished(
    spotter: Spotter, recording: Recording, scores: Scores, how: Thresholds
) -> list[Segment]:
    """Return the segments of a recording, in frames of its file."""
    rate = spotter.rate(recording.fps)
    return in_file_frames(find_segments(scores, how), recording.first, recording.num_frames, rate)


def judge(
    truth: Mapping[str, Sequence[Segment]],
    found: Mapping[str, Sequence[Segment]],
    frames: Mapping[str, tuple[int, int]],
    num_classes: int,
) -> dict[str, Any]:
    """Figures of the recordings with labels, printed; {} where there are none."""
    if not any(truth.values()):
        return {}
    beyond = [s.label for segments in truth.values() for s in segments if s.label >= num_classes]
    if beyond:
        print(
            f'warning: labels hold class {max(beyond)}, and the network has {num_classes}: never found'
        )
    if len(truth) < len(found):
        print(
            f'warning: {len(found) - len(truth)} of {len(found)} recordings have no labels and do not count'
        )
    found = {name: segments for name, segments in found.items() if name in truth}
    frames = {name: frames[name] for name in truth}
    figures = evaluate_spotting(truth, found, frames)
    label, length = commonest(truth)
    baseline = add_up(count_right(truth, sliding_baseline(frames, label, length)))
    print(
        f'F1 {figures["f1"]:.4f}  precision {figures["precision"]:.4f}  recall {figures["recall"]:.4f}  (IoU > {CHALLENGE_IOU:g})'
    )
    print('IoU   ' + '  '.join(f'{key[3:]:>6}' for key in figures if key.startswith('f1@')))
    print(
        'F1    '
        + '  '.join(f'{value:.4f}' for key, value in figures.items() if key.startswith('f1@'))
    )
    print(
        'mAP   '
        + '  '.join(f'{value:.4f}' for key, value in figures.items() if key.startswith('map@'))
    )
    print(
        f'frames right {figures["frame_accuracy"]:.4f} (answering nothing: {figures["frame_accuracy_of_nothing"]:.4f}); macro-F1 '
        f'{figures["macro_f1"]:.4f}'
    )
    print(
        f'to beat: class {label}, the commonest, in windows of {length} frames one after the other: F1 {baseline.f1:.4f}'
    )
    per_class = {
        k: {
            'true': c.true,
            'predicted': c.predicted,
            'precision': c.precision,
            'recall': c.recall,
            'f1': c.f1,
        }
        for k, c in count_right(truth, found).items()
    }
    return {**figures, 'f1_of_commonest_class': baseline.f1, 'per_class': per_class}


def _val_files(config: str) -> list[RecordingFile]:
    """The recordings of the config's data.val."""
    val = read_run(config, splits=('val',)).recipe.data.val
    if not val or val.get('type') != 'RecordingDataset':
        raise ConfigError(f'{config}: --fit-on val needs data.val, a RecordingDataset.')
    paths = val['recordings']
    paths = [paths] if isinstance(paths, (str, Path)) else list(paths)
    size = tuple(val['img_shape']) if val.get('img_shape') else None
    files = find_recordings(
        [Path(path) for path in paths], val.get('joints', 'imigue22'), size, val.get('split')
    )
    only, without = val.get('only'), val.get('without') or ()
    return [f for f in files if (only is None or f.name in only) and f.name not in without]


def _check_apart(chosen: Sequence[RecordingFile], files: Sequence[RecordingFile]) -> None:
    """Refuse thresholds chosen by recordings that are reported."""
    ours = {(file.path.resolve(), file.name) for file in files}
    shared = [file.name for file in chosen if (file.path.resolve(), file.name) in ours]
    if shared:
        raise DataError(
            f'--fit-on val: {count(len(shared), "recording")} of data.val ({some(shared, 3)}) are among those that are '
            'spotted here; figures on them would say little. Name other recordings, or --split test.'
        )
