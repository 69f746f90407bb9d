"""What a trained network says of a clip: one answer, and for a long clip one for each window of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from ..annotations.compressed import is_compressed
from ..errors import ConfigError, DataError
from ..labels import Labels, class_names
from ..skeletons import Layout, guess_layout, layout_to_draw
from ..skeletons.mapping import joint_origins, map_joints
from ..wording import plain
from .inference import inference_recognizer
from .odd_data import expected_of
from .wanted import num_joints_of

_AT_ONCE = 64  # windows that are held cut out


@dataclass(frozen=True)
class WindowAnswer:
    """What is seen in some frames of a clip.

    Attributes:
        start, stop: the first frame and the one behind the last.
        probabilities: (K,) of the classes; None where nobody is seen.
    """

    start: int
    stop: int
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
        edges = [
            (a.start + a.stop + b.start + b.stop) // 4
            for a, b in zip(self.windows, self.windows[1:])
        ]
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
            stretches.append(WindowAnswer(starts[group[0]], stops[group[-1]], mean))
        return stretches


def window_spans(num_frames: int, length: int, every: int) -> list[tuple[int, int]]:
    """Return the windows of a clip: (first frame, the one behind the last).

    A clip of at most `length` frames is one window. Else windows begin at 0, `every`, 2 `every` ...;
    the last one ends with the clip.

    Example:
        >>> window_spans(25, 10, 10)
        [(0, 10), (10, 20), (15, 25)]
    """
    if num_frames <= length:
        return [(0, num_frames)]
    starts = [*range(0, num_frames - length, every), num_frames - length]
    return [(start, start + length) for start in starts]


def answer_clip(
    model: torch.nn.Module,
    clip: Mapping[str, Any],
    length: int,
    every: int,
    views: Literal[1, 'all'] = 'all',
) -> ClipAnswer:
    """Recognise a clip, a long one window by window.

    Args:
        model: from init_recognizer.
        clip: an annotation. In the compressed form it is one window, however long it is.
        length: frames of a window.
        every: frames from one window to the next.
        views: see inference_recognizer.

    Raises:
        DataError: the clip does not fit the network.
        ConfigError: windows that leave frames out.
    """
    if not 1 <= every <= length:
        raise ConfigError(
            f'--every {every}, --window {length}: expected whole numbers from 1 on, --every at most '
            '--window: frames between windows would be seen by none.'
        )
    num_frames = int(clip['total_frames'])
    length = num_frames if is_compressed(clip) else length
    spans = window_spans(num_frames, length, every)
    answers: list[WindowAnswer] = []
    for begin in range(0, len(spans), _AT_ONCE):
        part = spans[begin : begin + _AT_ONCE]
        cuts = [clip if span == (0, num_frames) else _cut(clip, *span) for span in part]
        found = inference_recognizer(model, cuts, top_k=None, views=views, indices=True)
        rows = [_row(answer) for answer in found]
        answers += [WindowAnswer(*span, row) for span, row in zip(part, rows)]
    return ClipAnswer(clip['frame_dir'], num_frames, tuple(answers))


def _cut(clip: Mapping[str, Any], start: int, stop: int) -> dict[str, Any]:
    """Return some frames of a clip, as a clip."""
    name = f'{clip["frame_dir"]}, frames {start} to {stop - 1}'
    rows = {key: clip[key][:, start:stop] for key in ('keypoint', 'keypoint_score') if key in clip}
    where = {'start_frame': clip.get('start_frame', 0) + start}  # of its video
    return {**clip, **rows, **where, 'frame_dir': name, 'total_frames': stop - start}


def _row(answer: Sequence[tuple[int, float]]) -> np.ndarray | None:
    """(K,) probabilities in class order; None for the empty answer of a clip that shows nobody."""
    return np.array([p for _, p in sorted(answer)]) if answer else None


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
