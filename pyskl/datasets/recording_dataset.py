"""Clips cut out of long recordings, around labelled segments and where nothing happens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
from tqdm import tqdm

from ..annotations.segments import Segment
from ..errors import ConfigError, DataError
from ..labels import IMIGUE_LABELS
from ..registry import DATASETS, PIPELINES
from ..sources.recordings import Recording, RecordingFile, find_recordings
from ..wording import some
from .balance import repeats
from .base import Classes, ClipDataset, count_labels
from .label_embeddings import load_label_embeddings
from .pipelines.compose import as_pipeline

BACKGROUND = 'nothing'  # what the class of background is called


@DATASETS.register_module()
class RecordingDataset(ClipDataset):
    """Windows of recordings, each with the class of what happens at its middle.

    Every labelled segment is a clip, and so are stretches of background. In training the middle of
    a window is drawn anywhere in its segment and its length from `lengths`, so that the network
    learns to tell what happens at the middle of any window that slides over a recording. In test
    mode the window lies at the middle of its segment. Draws from np.random: a length, a position.

    Args:
        recordings: folder or file, or several, as sources.recordings reads them.
        pipeline: list of steps.
        split: 'train', 'val' or 'test': only folders of that split, and that split of annotation
            files.
        lengths: frames of the windows, at the data's frame rate; a window that reaches beyond an
            end of the recording is cut there.
        stride: frames from one window to the next when the config spots (tools/spot.py).
        background: the class of clips in which nothing happens, usually K - 1; None: no such clips.
        background_ratio: clips of background for each labelled segment.
        jitter: share of a segment's length by which each of its ends may move; the middle of a
            window is drawn between the moved ends.
        fps: frames a second of the data, which lengths and stride count in; tools/spot.py converts
            other recordings to it. None: not known.
        only: names of the recordings to use; None: all.
        without: names of the recordings to leave out.
        joints: which of iMiGUE's to keep, as tools/readlabel.py's --joints.
        img_shape: (h, w) px where the recordings do not say it; None: the format's own.
        num_classes: K; when given, labels are checked against it.
        class_prob: 'balanced' or 'sqrt', see PoseDataset.
        label_embeddings: .npy file of (K, D) label vectors; None: the package's own table.
        test_mode: deterministic windows.
        modality: handed to the pipeline.
        start_index: handed to the pipeline.

    Raises:
        ConfigError: a wrong setting.
        DataError: a wrong file, or no labelled segment in any.
    """

    components = {'pipeline': PIPELINES}

    def __init__(
        self,
        recordings: str | PathLike | Sequence[str | PathLike],
        pipeline: Sequence[dict | Any],
        split: str | None = None,
        lengths: Sequence[int] = (64,),
        stride: int = 8,
        background: int | None = None,
        background_ratio: float = 1.0,
        jitter: float = 0.1,
        fps: float | None = None,
        only: Sequence[str] | None = None,
        without: Sequence[str] | None = None,
        joints: str = 'imigue22',
        img_shape: Sequence[int] | None = None,
        num_classes: int | None = None,
        class_prob: Literal['balanced', 'sqrt'] | None = None,
        label_embeddings: str | PathLike | None = None,
        test_mode: bool = False,
        modality: str = 'Pose',
        start_index: int = 0,
    ):
        self.lengths, self.stride, self.fps = tuple(lengths), stride, fps
        self.background, self.jitter, self.test_mode = background, jitter, test_mode
        self.num_classes, self.modality, self.start_index = num_classes, modality, start_index
        _check(self.lengths, stride, background, background_ratio, jitter, fps, num_classes)
        if only is not None and without is not None:
            raise ConfigError('only and without are both given. Leave one of them out.')
        self.pipeline = as_pipeline(pipeline)
        given = [recordings] if isinstance(recordings, (str, PathLike)) else list(recordings)
        self.source = some(given)
        size = None if img_shape is None else (int(img_shape[0]), int(img_shape[1]))
        files = find_recordings([Path(path) for path in given], joints, size, split)
        chosen = self._chosen(files, only, without)
        bar = tqdm(chosen, 'recordings', unit='recording', leave=False, disable=None)
        self.recordings = [file.read() for file in bar]
        self._places = self._list_segments() + self._list_background(background_ratio)
        self.labels = np.array([place.label for _, place in self._places])
        self.label_embeddings = load_label_embeddings(label_embeddings)
        self.classes = Classes(
            count_labels(self.labels), self.label_embeddings, label_embeddings, self._names(files)
        )
        self.class_prob_rule = class_prob
        self.class_prob = repeats(self.labels, class_prob) if class_prob else None
        self.gives = self.pipeline.gives

    def _chosen(
        self, files: list[RecordingFile], only: Sequence[str] | None, without: Sequence[str] | None
    ) -> list[RecordingFile]:
        names = {file.name for file in files}
        absent = sorted({*(only or ()), *(without or ())} - names)
        if absent:
            raise DataError(
                f'{self.source}: has no recording {some(absent)}. It has {some(sorted(names), 8)}.'
            )
        chosen = [
            file
            for file in files
            if (only is None or file.name in only) and file.name not in (without or ())
        ]
        if not chosen:
            raise DataError(f'{self.source}: no recording is left. Leave fewer of them out.')
        return chosen

    def _list_segments(self) -> list[tuple[int, Segment]]:
        """Return the labelled segments, each with the index of its recording."""
        found = [
            (r, segment)
            for r, recording in enumerate(self.recordings)
            for segment in recording.segments or ()
        ]
        if not found:
            raise DataError(
                f'{self.source}: none of the {len(self.recordings)} recordings has a labelled '
                'segment. Expected NNNN_label.csv beside the key points (class id, first frame, '
                'last frame).'
            )
        most = np.inf if self.num_classes is None else self.num_classes
        wrong = [(r, s) for r, s in found if s.label >= most or s.label == self.background]
        if wrong:
            r, segment = wrong[0]
            what = 'the class of background' if segment.label == self.background else 'no class'
            raise DataError(
                f'{self.source}: recording {self.recordings[r].name}: frames {segment.start} to '
                f'{segment.end} have class {segment.label}, which is {what} (num_classes = '
                f'{self.num_classes}, background = {self.background}). Correct the settings.'
            )
        return found

    def _list_background(self, ratio: float) -> list[tuple[int, Segment]]:
        """Return stretches without a segment, cut to about equal lengths and the wanted number."""
        if self.background is None:
            return []
        gaps = [
            (r, begin, end)
            for r, recording in enumerate(self.recordings)
            if recording.segments is not None
            for begin, end in _gaps(recording)
        ]
        wanted = round(ratio * len(self._list_segments()))
        total = sum(end - begin for _, begin, end in gaps)
        if not total:
            return []
        found, left = [], 0.0
        for r, begin, end in gaps:
            left += wanted * (end - begin) / total
            pieces, left = int(left + 1e-9), left - int(left + 1e-9)
            edges = np.linspace(begin, end, pieces + 1).astype(int)
            first = self.recordings[r].first
            found += [
                (r, Segment(first + a, first + max(b - 1, a), self.background))
                for a, b in zip(edges[:-1].tolist(), edges[1:].tolist())
            ]
        return found

    def _names(self, files: list[RecordingFile]) -> tuple[str, ...] | None:
        """Return the names of the classes where all recordings are iMiGUE's."""
        names = IMIGUE_LABELS + (BACKGROUND,) * (self.background is not None)
        fits = self.background in (None, len(IMIGUE_LABELS))
        return names if fits and all(file.kind == 'imigue' for file in files) else None

    def __len__(self) -> int:
        return len(self._places)

    @cached_property
    def ids(self) -> list[str]:
        """Names: '0187_0' is the first segment of 0187, '0187_nothing_0' its first background."""
        counts: dict[str, int] = {}
        names = []
        for r, place in self._places:
            kind = f'_{BACKGROUND}' if place.label == self.background else ''
            name = f'{self.recordings[r].name}{kind}'
            counts[name] = counts.get(name, -1) + 1
            names.append(f'{name}_{counts[name]}')
        return names

    def window(self, index: int) -> tuple[int, int]:
        """Return a clip's frames (start, stop), counted from 0; random in training."""
        r, place = self._places[index]
        recording = self.recordings[r]
        begin, end = place.start - recording.first, place.end - recording.first
        if self.test_mode:
            length = min(self.lengths, key=lambda n: abs(n - place.num_frames))
            middle = (begin + end + 1) // 2
        else:
            length = self.lengths[np.random.randint(len(self.lengths))]
            moved = self.jitter * place.num_frames * np.random.uniform(-1, 1, 2)
            if place.label == self.background:
                moved = np.abs(moved) * (1, -1)  # only inwards: outside something happens
            low, high = begin + moved[0], end + moved[1]
            middle = round(low + max(high - low, 0) * np.random.rand())
        middle = min(max(middle, 0), recording.num_frames - 1)
        start = middle - length // 2
        return max(start, 0), min(start + length, recording.num_frames)

    def _processed(self, index: int, lazy: bool) -> dict[str, Any]:
        r, place = self._places[index]
        clip = self.recordings[r].cut(*self.window(index), place.label)
        known = place.label < len(self.label_embeddings)
        vector = self.label_embeddings[place.label if known else 0]
        results = {
            **clip,
            'frame_dir': self.ids[index],
            'emb': vector if known else np.zeros_like(vector),
            'modality': self.modality,
            'start_index': self.start_index,
            'test_mode': self.test_mode,
        }
        return self.pipeline(results, lazy=lazy)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self._processed(index, lazy=False)

    def sample(self, index: int) -> dict[str, Any]:
        """Return one clip for a loader, with lazy entries."""
        return self._processed(index, lazy=True)


def _gaps(recording: Recording) -> list[tuple[int, int]]:
    """Return stretches [begin, end) without a segment in which somebody is seen, counted from 0."""
    free = recording.shown()
    for segment in recording.segments or ():
        free[segment.start - recording.first : segment.end - recording.first + 1] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[0], free.view(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _check(lengths, stride, background, ratio, jitter, fps, num_classes) -> None:
    most = np.inf if num_classes is None else num_classes
    for right, name, value, expected in (
        (lengths and min(lengths) >= 2, 'lengths', list(lengths), 'frames, from 2 on'),
        (stride >= 1, 'stride', stride, 'frames, from 1 on'),
        (
            background is None or 0 <= background < most,
            'background',
            background,
            'a class, or None',
        ),
        (0 <= ratio < np.inf, 'background_ratio', ratio, '0 or more'),
        (0 <= jitter <= 1, 'jitter', jitter, 'a share from 0 to 1'),
        (fps is None or 0 < fps < np.inf, 'fps', fps, 'frames a second, or None'),
    ):
        if not right:
            raise ConfigError(f'{name} = {value}: expected {expected}.')
