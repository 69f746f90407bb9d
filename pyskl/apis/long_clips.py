"""Recognise clips of any length: one answer for a short clip, one per window for a long one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal

import numpy as np

from ..annotations.compressed import is_compressed
from ..inference.clips import clips_of
from ..sources.recordings import Recording
from ..spotting.frame_rate import file_span, num_resampled, source_frames
from ..spotting.windows import Block, Windows
from .inference import inference_recognizer
from .spotting import Spotter, seen_windows, spotting_config
from .trained import TrainedRecognizer
from .window_scores import spotting_fault

LENGTH = 90  # frames of a window, the longest of iMiGUE's arrays
_AT_ONCE = 64  # windows to cut out at once
_MAX_FPS = 1000  # a clip that claims more is not resampled

Place = tuple[int, int, int]  # first frame of a window, the frame after the last, the middle


@dataclass(frozen=True)
class WindowAnswer:
    """What a network sees in some frames of a clip.

    Attributes:
        start: first frame.
        stop: the frame after the last.
        middle: the frame that the window is centred on; windows at the ends of a clip are cut.
        probabilities: (K,) of the classes; None if nobody is seen.
    """

    start: int
    stop: int
    middle: int
    probabilities: np.ndarray | None

    @property
    def best(self) -> int | None:
        """The likeliest class."""
        return None if self.probabilities is None else int(self.probabilities.argmax())


@dataclass(frozen=True)
class ClipAnswer:
    """What a network sees in a clip.

    Attributes:
        name: frame_dir of the clip.
        num_frames: T.
        windows: in order of time; a short clip has one.
    """

    name: str
    num_frames: int
    windows: tuple[WindowAnswer, ...]

    @property
    def probabilities(self) -> np.ndarray | None:
        """(K,) the mean over the windows that show somebody; None if none does."""
        return _mean(self.windows)

    def timeline(self) -> list[WindowAnswer]:
        """Join neighbouring windows of one likeliest class into stretches that cover the clip.

        A frame belongs to the window with the nearest middle. The probabilities of a stretch are
        the mean over its windows.
        """
        edges = [(a.middle + b.middle + 1) // 2 for a, b in zip(self.windows, self.windows[1:])]
        parts = zip([0, *edges], [*edges, self.num_frames], self.windows)
        stretches = []
        for _, group in groupby(parts, lambda part: part[2].best):
            starts, stops, windows = zip(*group)
            start, stop = starts[0], stops[-1]
            stretches.append(WindowAnswer(start, stop, (start + stop) // 2, _mean(windows)))
        return stretches


def windows_of(
    model: TrainedRecognizer, length: int | None = None, every: int | None = None
) -> Windows:
    """Return the windows for long clips, at the frame rate of the config.

    Args:
        model: from init_recognizer.
        length: frames of a window; None: the lengths of the config's RecordingDataset, else LENGTH.
        every: frames from one window to the next; None: the stride of the RecordingDataset, or half
            a window where it does not say the length.

    Raises:
        ConfigError: windows that leave frames out.
    """
    windows = spotting_config(model).windows
    if windows is None or length is not None:
        length = LENGTH if length is None else length
        windows = Windows((length,), 1, 1, None if windows is None else windows.fps)
        every = max(length // 2, 1) if every is None else every
    stride = windows.stride if every is None else every
    return replace(windows, stride=stride, every=stride).in_blocks()


def answer_clip(
    model: TrainedRecognizer,
    clip: Mapping[str, Any],
    windows: Windows,
    views: Literal[1, 'all'] = 'all',
) -> ClipAnswer:
    """Recognise a clip; one that is longer than a window has the scores of `Spotter`.

    A network that cannot spot, such as one on pictures, is shown each window as a clip.

    Args:
        model: from init_recognizer.
        clip: an annotation. In the compressed form it is one window, however long it is.
        windows: from windows_of. A clip with `fps` is resampled to theirs.
        views: of a clip that is one window; see inference_recognizer.

    Raises:
        DataError: the clip does not fit the network.
    """
    num_frames, fps = int(clip['total_frames']), clip.get('fps')
    rate = 1.0
    if windows.fps is not None and isinstance(fps, (int, float)) and 0 < fps < _MAX_FPS:
        rate = fps / windows.fps
    if num_resampled(num_frames, rate) <= max(windows.lengths) or is_compressed(clip):
        [probs] = _of_clips(model, [clip], views)
        found = [WindowAnswer(0, num_frames, num_frames // 2, probs)]
    elif spotting_fault(model) is None:
        found = _spotted(model, clip, windows, rate)
    else:
        found = _cut_out(model, clip, windows, rate, views)
    return ClipAnswer(clip['frame_dir'], num_frames, tuple(found))


def _spotted(
    model: TrainedRecognizer, clip: Mapping[str, Any], windows: Windows, rate: float
) -> list[WindowAnswer]:
    """Answer for the windows of a clip with a Spotter."""
    [checked] = clips_of(model, clip, None)
    recording = Recording(
        checked['frame_dir'],
        np.asarray(checked['keypoint'], np.float32),
        checked.get('keypoint_score'),
        checked.get('img_shape'),
    )
    spotter = Spotter([model], windows, background=spotting_config(model).background)
    found = []
    for block, part in spotter.blocks(recording, rate):
        places, seen = _places(block, recording.num_frames, rate), seen_windows(part, block)
        for place, shown, probs in zip(places, seen.tolist(), spotter.block_scores(part, block)):
            found.append(WindowAnswer(*place, probs if any(shown) else None))
    return found


def _cut_out(
    model: TrainedRecognizer,
    clip: Mapping[str, Any],
    windows: Windows,
    rate: float,
    views: Literal[1, 'all'],
) -> list[WindowAnswer]:
    """Answer for the same windows, each cut out as a clip of its own."""
    num_frames = int(clip['total_frames'])
    blocks = windows.blocks(num_resampled(num_frames, rate))
    places = [place for block in blocks for place in _places(block, num_frames, rate)]
    found = []
    for begin in range(0, len(places), _AT_ONCE):
        part = places[begin : begin + _AT_ONCE]
        rows = _of_clips(model, [_cut(clip, start, stop) for start, stop, _ in part], views)
        found += [WindowAnswer(*place, row) for place, row in zip(part, rows)]
    return found


def _places(block: Block, num_frames: int, rate: float) -> list[Place]:
    """Return the longest windows of a block in frames of a clip of `num_frames`."""
    starts, stops = block.spans[..., 0].min(1).tolist(), block.spans[..., 1].max(1).tolist()
    middles = source_frames(block.middles, rate).tolist()
    return [
        (*file_span(start, stop, num_frames, rate), middle)
        for start, stop, middle in zip(starts, stops, middles)
    ]


def _cut(clip: Mapping[str, Any], start: int, stop: int) -> dict[str, Any]:
    """Return frames start..stop-1 of a clip, as a clip."""
    name = f'{clip["frame_dir"]}, frames {start} to {stop - 1}'
    rows = {key: clip[key][:, start:stop] for key in ('keypoint', 'keypoint_score') if key in clip}
    where = {'start_frame': clip.get('start_frame', 0) + start}  # in its video
    return {**clip, **rows, **where, 'frame_dir': name, 'total_frames': stop - start}


def _of_clips(
    model: TrainedRecognizer, clips: Sequence[Mapping[str, Any]], views: Literal[1, 'all']
) -> list[np.ndarray | None]:
    """Return the probabilities (K,) of each clip; None for one in which nobody is seen."""
    found = inference_recognizer(model, list(clips), top_k=None, views=views, indices=True)
    return [np.array([p for _, p in sorted(pairs)]) if pairs else None for pairs in found]


def _mean(windows: Sequence[WindowAnswer]) -> np.ndarray | None:
    """Average the probabilities of the windows that have any; None if none has."""
    rows = [window.probabilities for window in windows if window.probabilities is not None]
    return np.mean(rows, axis=0) if rows else None
