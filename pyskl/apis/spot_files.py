"""Spotting file by file: scores of recordings, thresholds chosen by data.val, figures where "
"labels are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
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
from ..spotting.segments import Thresholds, find_segments
from ..wording import count, some
from .setup import read_run
from .spotting import Spotter, StreamScores, check_fits

MOST_NOTES = 5


def choose_settings(
    config: str,
    spotter: Spotter,
    files: Sequence[RecordingFile],
    start: Thresholds,
    weights_too: bool,
) -> tuple[Thresholds, dict[str, Any]]:
    """Choose thresholds by the recordings of the config's data.val, at its frame rate.

    Prints what was chosen.

    Args:
        config: path of the config.
        spotter: its networks; with `weights_too` it blends by the weights that are chosen.
        files: the recordings that are reported.
        start: where to begin.
        weights_too: choose the weights of the streams first.

    Returns:
        The thresholds, and how they came about.

    Raises:
        ConfigError: data.val is no RecordingDataset.
        DataError: its recordings have no labels, or are among those that are reported.
    """
    chosen = _val_files(config)
    _check_apart(chosen, files)
    streams, truth, frames = {}, {}, {}
    for file, recording, scores in score_recordings(spotter, chosen, None, 'choosing thresholds'):
        if recording.segments is None:
            raise DataError(f'{file.path}: has no labels, so thresholds cannot be chosen by it.')
        streams[file.name], truth[file.name] = scores, recording.segments
        frames[file.name] = (recording.first, recording.num_frames, spotter.rate(recording.fps))
    by = f'chosen by {count(len(chosen), "recording")} of data.val'
    if weights_too:
        labels = {
            name: _classes(scores[0].middles, truth[name], *frames[name], spotter.background)
            for name, scores in streams.items()
        }
        spotter.set_weights(_chosen_weights(streams, labels))
        print(f'weights {by}: {" ".join(f"{weight:g}" for weight in spotter.weights)}')

    def to_file(name: str, segments: Sequence[Segment]) -> list[Segment]:
        return in_file_frames(segments, *frames[name])

    blended = {name: spotter.blend(scores) for name, scores in streams.items()}
    how, value = fit_thresholds(blended, truth, start, to_file)
    values = ', '.join(f'{name} {v:g}' for name, v in vars(how).items() if name != 'background')
    print(f'thresholds {by} (F1 {value:.4f} there, too good: they were chosen by it): {values}')
    made = {
        'chosen_on': [str(file.path) for file in chosen],
        'f1_there': value,
        'iou': CHALLENGE_IOU,
    }
    return how, made


def _chosen_weights(
    streams: Mapping[str, StreamScores], labels: Mapping[str, np.ndarray]
) -> tuple[float, ...]:
    """Choose weights by all moments of all recordings."""
    probs = [np.stack([each.probs for each in scores]) for scores in streams.values()]
    return fit_weights(np.concatenate(probs, 1), np.concatenate([labels[name] for name in streams]))


def _classes(
    middles: np.ndarray,
    truth: Sequence[Segment],
    first: int,
    num_frames: int,
    rate: float,
    background: int | None,
) -> np.ndarray:
    """Return what happens at each middle: (N,) classes, that of background or -1 where nothing "
    "does."""
    classes = frame_classes(truth, first, num_frames)[source_frames(middles, rate)]
    return np.where(classes == NOTHING, NOTHING if background is None else background, classes)


def score_recordings(
    spotter: Spotter, files: Sequence[RecordingFile], fps: float | None, title: str
) -> Iterator[tuple[RecordingFile, Recording, StreamScores]]:
    """Read and score one recording after the other, under a bar that counts frames.

    Prints at the end what was odd.

    Args:
        spotter: the networks.
        files: the recordings.
        fps: of all recordings; None: what they say themselves.
        title: of the bar.
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
    for note in notes[:MOST_NOTES]:
        print(f'warning: {note}')
    if len(notes) > MOST_NOTES:
        print(f'warning: and {len(notes) - MOST_NOTES} more such lines')


def segments_of(
    spotter: Spotter, recording: Recording, scores: StreamScores, how: Thresholds
) -> list[Segment]:
    """Return the segments of a recording, in frames of its file."""
    segments = find_segments(spotter.blend(scores), how)
    rate = spotter.rate(recording.fps)
    return in_file_frames(segments, recording.first, recording.num_frames, rate)


def print_figures(
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
            f'warning: labels hold class {max(beyond)}, and the network has {num_classes}: never '
            'found'
        )
    if len(truth) < len(found):
        print(
            f'warning: {len(found) - len(truth)} of {len(found)} recordings have no labels and do '
            'not count'
        )
    found = {name: segments for name, segments in found.items() if name in truth}
    frames = {name: frames[name] for name in truth}
    figures = evaluate_spotting(truth, found, frames)
    label, length = commonest(truth)
    baseline = sum_counts(count_right(truth, sliding_baseline(frames, label, length)))
    print(
        f'F1 {figures["f1"]:.4f}  precision {figures["precision"]:.4f}  recall '
        f'{figures["recall"]:.4f}  (IoU > {CHALLENGE_IOU:g})'
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
        f'frames right {figures["frame_accuracy"]:.4f} (answering nothing: '
        f'{figures["frame_accuracy_of_nothing"]:.4f}); macro-F1 {figures["macro_f1"]:.4f}'
    )
    print(
        f'to beat: class {label}, the commonest, in windows of {length} frames one after the '
        f'other: F1 {baseline.f1:.4f}'
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
    reported = {(file.path.resolve(), file.name) for file in files}
    shared = [file.name for file in chosen if (file.path.resolve(), file.name) in reported]
    if shared:
        raise DataError(
            f'--fit-on val: {count(len(shared), "recording")} of data.val ({some(shared, 3)}) are '
            'among those that are spotted here; figures on them would say little. Name other '
            'recordings, or --split test.'
        )
