"""Spot recordings file by file: scores, thresholds chosen on data.val, figures of labelled ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..annotations.segments import Segment
from ..errors import ConfigError, DataError
from ..evaluation.spotting import (
    CHALLENGE_IOU,
    NOTHING,
    commonest,
    count_right,
    evaluate_spotting,
    frame_classes,
    sliding_baseline,
    sum_counts,
)
from ..sources.recordings import Recording, RecordingFile, find_recordings
from ..spotting.fit import fit_thresholds, fit_weights
from ..spotting.frame_rate import in_file_frames, num_resampled, source_frames
from ..spotting.segments import Thresholds
from ..wording import count, some
from .setup import read_run
from .spotting import Spotter, StreamScores, check_fits

MAX_NOTES = 5


@dataclass(frozen=True)
class _Labelled:
    """A recording of data.val that thresholds are chosen on.

    Attributes:
        scores: of each stream.
        truth: its labels, in frames of its file.
        first: number of its first frame.
        num_frames: of its file.
        rate: frames of its file per frame of the windows.
    """

    scores: StreamScores
    truth: Sequence[Segment]
    first: int
    num_frames: int
    rate: float

    def classes(self, background: int | None) -> np.ndarray:
        """Return what happens at each scored frame: (N,) classes, background or -1 for nothing."""
        classes = frame_classes(self.truth, self.first, self.num_frames)
        classes = classes[source_frames(self.scores[0].middles, self.rate)]
        return np.where(classes == NOTHING, -1 if background is None else background, classes)


def choose_settings(
    config: str,
    spotter: Spotter,
    files: Sequence[RecordingFile],
    start: Thresholds,
    weights_too: bool,
) -> tuple[Thresholds, dict[str, Any]]:
    """Choose thresholds on the recordings of the config's data.val, at its frame rate.

    Prints what was chosen.

    Args:
        config: path of the config.
        spotter: its networks. If `weights_too`, it gets the chosen weights.
        files: the recordings that are reported.
        start: thresholds to begin with.
        weights_too: choose the weights of the streams first.

    Returns:
        The thresholds, and how they were chosen.

    Raises:
        ConfigError: data.val is no RecordingDataset.
        DataError: its recordings have no labels, or are among those that are reported.
    """
    chosen = _val_files(config)
    _check_apart(chosen, files)
    recordings: dict[str, _Labelled] = {}
    for file, recording, scores in score_recordings(spotter, chosen, None, 'choosing thresholds'):
        if recording.segments is None:
            raise DataError(f'{file.path}: has no labels, so thresholds cannot be chosen on it.')
        rate = spotter.rate(recording.fps)
        recordings[file.name] = _Labelled(
            scores, recording.segments, recording.first, recording.num_frames, rate
        )
    where = f'chosen on {count(len(chosen), "recording")} of data.val'
    if weights_too:
        labels = [each.classes(spotter.background) for each in recordings.values()]
        probs = [[stream.probs for stream in each.scores] for each in recordings.values()]
        spotter.set_weights(fit_weights(np.concatenate(probs, 1), np.concatenate(labels)))
        print(f'weights {where}: {" ".join(f"{weight:g}" for weight in spotter.weights)}')

    def to_file(name: str, segments: Sequence[Segment]) -> list[Segment]:
        recording = recordings[name]
        return in_file_frames(segments, recording.first, recording.num_frames, recording.rate)

    scores_of = {name: spotter.blend(each.scores) for name, each in recordings.items()}
    truth = {name: each.truth for name, each in recordings.items()}
    thresholds, f1 = fit_thresholds(scores_of, truth, start, to_file)
    values = [f'{name} {v:g}' for name, v in vars(thresholds).items() if name != 'background']
    print(
        f'thresholds {where} (F1 {f1:.4f} there, which is optimistic since they were chosen on '
        f'them): {", ".join(values)}'
    )
    how_chosen = {
        'chosen_on': [str(file.path) for file in chosen],
        'f1_there': f1,
        'iou': CHALLENGE_IOU,
    }
    return thresholds, how_chosen


def score_recordings(
    spotter: Spotter, files: Sequence[RecordingFile], fps: float | None, title: str
) -> Iterator[tuple[RecordingFile, Recording, StreamScores]]:
    """Read and score one recording after the other, with a progress bar.

    Prints warnings about the recordings at the end.

    Args:
        spotter: the networks.
        files: the recordings.
        fps: of all recordings; None: their own.
        title: of the progress bar.
    """
    notes: list[str] = []
    with tqdm(files, title, unit='recording', leave=False, disable=None) as bar:
        for file in bar:
            recording = file.read()
            recording = recording if fps is None else replace(recording, fps=fps)
            check_fits(spotter, recording)
            notes += recording.notes
            if not recording.shown().any():
                notes.append(f'{file.path}: nobody is seen in any frame, so nothing is spotted')
            total = num_resampled(recording.num_frames, spotter.rate(recording.fps))

            def show(done: int, name: str = file.name, total: int = total) -> None:
                bar.set_postfix_str(f'{name} {done / total:.0%}')

            yield file, recording, spotter.stream_scores(recording, progress=show)
    for note in notes[:MAX_NOTES]:
        print(f'warning: {note}')
    if len(notes) > MAX_NOTES:
        print(f'warning: and {len(notes) - MAX_NOTES} more such lines')


def print_figures(
    truth: Mapping[str, Sequence[Segment]],
    found: Mapping[str, Sequence[Segment]],
    frames: Mapping[str, tuple[int, int]],
    num_classes: int,
) -> dict[str, Any]:
    """Measure the recordings with labels, and print the figures.

    Args:
        truth: labels by recording, of those that have any.
        found: segments by recording.
        frames: number of the first frame, and number of frames, by recording.
        num_classes: K of the network.

    Returns:
        The figures as metrics.json holds them; empty if no recording has labels.
    """
    if not any(truth.values()):
        return {}
    largest = max(segment.label for segments in truth.values() for segment in segments)
    if largest >= num_classes:
        print(
            f'warning: labels hold class {largest}, which a network of {num_classes} classes never '
            'finds'
        )
    if len(truth) < len(found):
        without = len(found) - len(truth)
        print(f'warning: {without} of {len(found)} recordings have no labels and do not count')

    # The figures, and those of the simplest baseline.
    found = {name: segments for name, segments in found.items() if name in truth}
    frames = {name: frames[name] for name in truth}
    figures = evaluate_spotting(truth, found, frames)
    _print_table(figures)
    label, length = commonest(truth)
    baseline = sum_counts(count_right(truth, sliding_baseline(frames, label, length))).f1
    print(
        f'to beat: class {label}, the commonest, in windows of {length} frames one after the '
        f'other: F1 {baseline:.4f}'
    )
    per_class = {
        k: {**asdict(c), 'precision': c.precision, 'recall': c.recall, 'f1': c.f1}
        for k, c in count_right(truth, found).items()
    }
    return {**figures, 'f1_of_commonest_class': baseline, 'per_class': per_class}


def _print_table(figures: Mapping[str, float]) -> None:
    ious = [key[3:] for key in figures if key.startswith('f1@')]
    print(
        f'F1 {figures["f1"]:.4f}  precision {figures["precision"]:.4f}  '
        f'recall {figures["recall"]:.4f}  (IoU > {CHALLENGE_IOU:g})'
    )
    print('IoU   ' + '  '.join(f'{iou:>6}' for iou in ious))
    for name, key in (('F1', 'f1'), ('mAP', 'map')):
        print(f'{name:6}' + '  '.join(f'{figures[f"{key}@{iou}"]:.4f}' for iou in ious))
    print(
        f'frames right {figures["frame_accuracy"]:.4f} (answering nothing: '
        f'{figures["frame_accuracy_of_nothing"]:.4f}); macro-F1 {figures["macro_f1"]:.4f}'
    )


def _val_files(config: str) -> list[RecordingFile]:
    """Return the recordings of the config's data.val."""
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
    """Raise a DataError if thresholds would be chosen on recordings that are reported."""
    reported = {(file.path.resolve(), file.name) for file in files}
    shared = [file.name for file in chosen if (file.path.resolve(), file.name) in reported]
    if shared:
        raise DataError(
            f'--fit-on val: {count(len(shared), "recording")} of data.val ({some(shared, 3)}) are '
            'among those that are spotted here; figures on them would say little. Name other '
            'recordings, or --split test.'
        )
