"""What a trained network says of a clip: one answer, and for a long clip one for each window of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch

from ..annotations.compressed import is_compressed
from ..errors import ConfigError, DataError
from ..inference.clips import clips_of
from ..labels import Labels, class_names
from ..skeletons import Layout, guess_layout, layout_to_draw
from ..skeletons.mapping import joint_origins, map_joints
from ..sources.recordings import Recording
from ..spotting.frame_rate import file_span, num_resampled, source_frames
from ..spotting.windows import Block, Windows
from ..wording import plain
from .inference import inference_recognizer
from .odd_data import expected_of
from .spotting import Spotter, seen_windows, spotting_config
from .wanted import num_joints_of
from .window_scores import spotting_fault

LENGTH = 90  # frames of a window, the longest of iMiGUE's arrays
_AT_ONCE = 64  # windows that are held cut out


@dataclass(frozen=True)
class WindowAnswer:
    """What is seen in some frames of a clip.

    Attributes:
        start: the first frame.
        stop: the one behind the last.
        middle: the frame that it is asked for.
        probabilities: (K,) of the classes; None where nobody is seen.
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
    """What is seen in a clip.

    Attributes:
        name: frame_dir.
        num_frames: T.
        windows: in their order; a short clip has one.
    """

    name: str
    num_frames: int
    windows: tuple[WindowAnswer, ...]

    @property
    def probabilities(self) -> np.ndarray | None:
        """(K,) the mean over the windows that show somebody; None where none does."""
        rows = [window.probabilities for window in self.windows if window.probabilities is not None]
        return np.mean(rows, axis=0) if rows else None

    def timeline(self) -> list[WindowAnswer]:
        """Return stretches of one likeliest class, from the first frame to the last.

        A frame belongs to the window whose middle is nearest. A stretch has the mean of its windows'
        probabilities.
        """
        edges = [(a.middle + b.middle + 1) // 2 for a, b in zip(self.windows, self.windows[1:])]
        starts, stops = [0, *edges], [*edges, self.num_frames]
        groups: list[list[int]] = []
        for i, window in enumerate(self.windows):
            if groups and self.windows[groups[-1][-1]].best == window.best:
                groups[-1].append(i)
            else:
                groups.append([i])
        stretches = []
        for group in groups:
            rows = [self.windows[i].probabilities for i in group]
            mean = None if rows[0] is None else np.mean(rows, axis=0)
            start, stop = starts[group[0]], stops[group[-1]]
            stretches.append(WindowAnswer(start, stop, (start + stop) // 2, mean))
        return stretches


def windows_of(
    model: torch.nn.Module, length: int | None = None, every: int | None = None
) -> Windows:
    """Return the windows that slide over long clips, at the frame rate that the config says.

    Args:
        model: from init_recognizer.
        length: frames of a window; None: the lengths of the config's RecordingDataset, else LENGTH.
        every: frames from one window to the next; None: as the RecordingDataset says, for another
            length half of it.

    Raises:
        ConfigError: windows that leave frames out.
    """
    told = spotting_config(model).windows
    if told is None or length is not None:
        length = LENGTH if length is None else length
        told = Windows((length,), 1, 1, None if told is None else told.fps)
        every = max(length // 2, 1) if every is None else every
    stride = told.stride if every is None else every
    return replace(told, stride=stride, every=stride).in_blocks()


def answer_clip(
    model: torch.nn.Module,
    clip: Mapping[str, Any],
    windows: Windows,
    views: Literal[1, 'all'] = 'all',
) -> ClipAnswer:
    """Recognise a clip, one that is longer than a window as `Spotter` does: window by window.

    A network that Spotter refuses, such as one on pictures, is shown each window as a clip.

    Args:
        model: from init_recognizer.
        clip: an annotation. In the compressed form it is one window, however long it is.
        windows: see windows_of. Clips that say their `fps` are brought to theirs.
        views: of a clip that is one window; see inference_recognizer.

    Raises:
        DataError: the clip does not fit the network.
    """
    num_frames, fps = int(clip['total_frames']), clip.get('fps')
    known = isinstance(fps, (int, float)) and 0 < fps < 1000 and windows.fps is not None
    rate = fps / windows.fps if known else 1.0
    number = num_resampled(num_frames, rate)
    if number <= max(windows.lengths) or is_compressed(clip):
        [probs] = _of_clips(model, [clip], views)
        found = [WindowAnswer(0, num_frames, num_frames // 2, probs)]
    elif spotting_fault(model) is None:
        found = _spotted(model, clip, windows, rate)
    else:
        found = _cut_out(model, clip, windows, rate, views)
    return ClipAnswer(clip['frame_dir'], num_frames, tuple(found))


def _spotted(
    model: torch.nn.Module, clip: Mapping[str, Any], windows: Windows, rate: float
) -> list[WindowAnswer]:
    """Answer for all windows of a clip by a Spotter."""
    [clean] = clips_of(model, clip, None)
    recording = Recording(
        clean['frame_dir'],
        np.asarray(clean['keypoint'], np.float32),
        clean.get('keypoint_score'),
        clean.get('img_shape'),
    )
    spotter = Spotter([model], windows, background=spotting_config(model).background)
    found = []
    for block, part in spotter.blocks(recording, rate):
        seen = seen_windows(part, block).any(1)
        places = _places(block, recording.num_frames, rate)
        for place, shown, probs in zip(places, seen, spotter.block_scores(part, block)):
            found.append(WindowAnswer(*place, probs if shown else None))
    return found


def _cut_out(
    model: torch.nn.Module,
    clip: Mapping[str, Any],
    windows: Windows,
    rate: float,
    views: Literal[1, 'all'],
) -> list[WindowAnswer]:
    """Answer for the same windows, each cut out as a clip of its own."""
    num_frames = int(clip['total_frames'])
    places = [
        place
        for block in windows.blocks(num_resampled(num_frames, rate))
        for place in _places(block, num_frames, rate)
    ]
    found = []
    for begin in range(0, len(places), _AT_ONCE):
        part = places[begin : begin + _AT_ONCE]
        cuts = [_cut(clip, start, stop) for start, stop, _ in part]
        rows = _of_clips(model, cuts, views)
        found += [WindowAnswer(*place, row) for place, row in zip(part, rows)]
    return found


def _places(block: Block, num_frames: int, rate: float) -> list[tuple[int, int, int]]:
    """Return first frame, the one behind the last, and the middle of the longest windows, of the clip."""
    starts, stops = block.spans[..., 0].min(1).tolist(), block.spans[..., 1].max(1).tolist()
    middles = source_frames(block.middles, rate).tolist()
    spans = (file_span(start, stop, num_frames, rate) for start, stop in zip(starts, stops))
    return [(*span, middle) for span, middle in zip(spans, middles)]


def _cut(clip: Mapping[str, Any], start: int, stop: int) -> dict[str, Any]:
    """Return some frames of a clip, as a clip."""
    name = f'{clip["frame_dir"]}, frames {start} to {stop - 1}'
    rows = {key: clip[key][:, start:stop] for key in ('keypoint', 'keypoint_score') if key in clip}
    where = {'start_frame': clip.get('start_frame', 0) + start}  # of its video
    return {**clip, **rows, **where, 'frame_dir': name, 'total_frames': stop - start}


def _of_clips(
    model: torch.nn.Module, clips: Sequence[Mapping[str, Any]], views: Literal[1, 'all']
) -> list[np.ndarray | None]:
    """Return the probabilities (K,) of each clip; None for one that shows nobody."""
    found = inference_recognizer(model, list(clips), top_k=None, views=views, indices=True)
    return [np.array([p for _, p in sorted(pairs)]) if pairs else None for pairs in found]


def names_of(model: torch.nn.Module, labels: Labels | None = None) -> list[str]:
    """Return the names of a model's classes; see labels.class_names."""
    sources = (('--labels', labels), *model.label_sources)
    return class_names(model.cls_head.num_classes, *sources, layouts=model.layouts)


def layout_of_model(model: torch.nn.Module) -> Layout | None:
    """Return the layout of the joints that a model takes; None where nobody says it.

    A step of the pipeline says it, or the network's graph; else it is the known layout of so many
    joints, where there is one alone.
    """
    layout = expected_of(model.pipeline).layout
    graph = model.cfg.model['backbone'].get('graph_cfg') or {}
    if layout is None and 'layout' in graph:
        return layout_to_draw(graph['layout'])
    num_joints = num_joints_of(model)
    return layout or (None if num_joints is None else guess_layout(num_joints))


def check_layouts(given: Layout, wanted: Layout | None, name: str) -> None:
    """Raise a DataError where a network's joints do not follow from those of a clip, called `name`."""
    if wanted is None or given.joints == wanted.joints:
        return
    try:
        joint_origins(given, wanted)
    except ConfigError as error:
        raise DataError(
            f'{plain(name)}: {error} The network takes {wanted.name}, {wanted.num_joints} joints: '
            'extract key points that hold them all (tools/extract_pose.py; docs/from_video.md says which '
            f'do), or train a network on {given.name}.'
        ) from error


def fitted(
    clips: Sequence[Mapping[str, Any]], given: Layout | None, wanted: Layout | None
) -> Iterator[Mapping[str, Any]]:
    """Yield clips with the joints that a network takes, as far as these follow from theirs.

    Args:
        clips: annotations.
        given: their layout; None: not known, they stay as they are.
        wanted: the network's; None: not known, they stay as they are.

    Raises:
        DataError: the network has joints that the clips have nothing for.
    """
    if given is None or wanted is None or given.joints == wanted.joints:
        yield from clips
        return
    for clip in clips:
        check_layouts(given, wanted, clip['frame_dir'])
        if is_compressed(clip):
            raise DataError(
                f'{plain(clip["frame_dir"])}: is in the compressed form, of {given.name}, and the network '
                f'takes {wanted.name}. Make plain clips of it first: tools/convert.py k400.'
            )
        origins = joint_origins(given, wanted)
        place, sure = map_joints(clip['keypoint'], clip['keypoint_score'], origins)
        yield {**clip, 'keypoint': place, 'keypoint_score': sure}
