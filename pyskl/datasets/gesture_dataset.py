"""Hand gestures from annotations in the form of PYSKL's demo: one hand of 21 joints a clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal

import numpy as np

from ..annotations.about import About
from ..annotations.clips import Annotations, InMemory
from ..annotations.notes import Notes
from ..annotations.parts import parts
from ..annotations.store import clean_annotations, load_annotations
from ..errors import ConfigError, DataError
from ..evaluation import evaluate
from ..registry import DATASETS
from .pose_dataset import PoseDataset

_BY_FRAME = ('keypoint', 'keypoint_score', 'hand_score', 'hand_lr')  # (M, T, ...)


@DATASETS.register_module()
class GestureDataset(PoseDataset):
    """The clips of a file of hands, from videos (Jester) and single pictures (HaGRID).

    As PoseDataset, with three differences. A picture's key points may be a bare (V, 3) array: a
    clip of one frame. Frames that show no hand, whose third coordinates are all 0 or less, are left
    out. A clip gets no `keypoint_score` that the file does not have, so that networks which take
    x, y get no third channel.

    Args:
        ann_file: the annotation pickle: keypoint (M, T, V, 3) or (V, 3), and if they are there
            valid_frames, hand_score (M, T) and hand_lr (M, T).
        split: name of the split, or several joined: 'train+val'.
        valid_frames_thr: evaluate over clips with at least so many frames that show a hand
            (`valid_frames`); all are trained on and tested, as published.
        squeeze: leave frames without a hand out; total_frames becomes what is left.
        mode: '2D' keeps x and y, '3D' all three coordinates.
        subset: keep the clips of these classes; labels stay as they are.
        others: PoseDataset's.
    """

    def __init__(
        self,
        ann_file: str | PathLike,
        pipeline: Sequence[dict | Any],
        split: str | None = None,
        valid_frames_thr: int = 0,
        squeeze: bool = True,
        mode: Literal['2D', '3D'] = '2D',
        subset: Sequence[int] | None = None,
        **others: Any,
    ):
        if mode not in ('2D', '3D'):
            raise ConfigError(f"mode = {mode!r}: expected '2D' or '3D'.")
        if subset is not None and {'only_classes', 'without_classes'} & set(others):
            raise ConfigError('subset and only_classes or without_classes are both given.')
        self.squeeze, self.mode, self.valid_frames_thr = squeeze, mode, valid_frames_thr
        if subset is not None:
            others['only_classes'] = subset
        super().__init__(ann_file, pipeline, split, **others)

    def _open(self) -> Annotations:
        content, notes = load_annotations(self.ann_file), Notes()
        split, annotations = parts(content, self.ann_file, notes.add)
        notes.warn(self.ann_file)
        annotations = [self._hand_clip(annotation) for annotation in annotations]
        without_score = [
            isinstance(a, Mapping) and a.get('keypoint_score') is None for a in annotations
        ]
        about = About.of(content, self.ann_file).entries()
        data = clean_annotations(
            {'split': split, 'annotations': annotations, **about}, self.ann_file
        )
        for annotation, remove in zip(data['annotations'], without_score):
            if remove:
                del annotation['keypoint_score']
        clips = Annotations(InMemory(data, self.ann_file))
        if self.split is None:
            return clips
        chosen = [clips.split(name).ids for name in self.split.split('+')]
        names = {name for ids in chosen for name in ids}
        return clips.take(np.flatnonzero([name in names for name in clips.ids]))

    def _hand_clip(self, annotation: Any) -> Any:
        """Bring one annotation into PoseDataset's form; what is wrong stays, to be named later."""
        keypoint = annotation.get('keypoint') if isinstance(annotation, Mapping) else None
        if not isinstance(keypoint, np.ndarray) or keypoint.shape[-1:] != (3,):
            return annotation
        if keypoint.ndim == 2:
            keypoint = keypoint[None, None]
        if keypoint.ndim != 4:
            return annotation
        num_frames = keypoint.shape[1]
        shown = (keypoint[..., 2] > 0).any(axis=(0, 2))  # (T,)
        clip = {'valid_frames': int(shown.sum()), **annotation, 'keypoint': keypoint}
        if self.squeeze and shown.any() and not shown.all():
            for name in _BY_FRAME:
                array = clip.get(name)
                if isinstance(array, np.ndarray) and array.shape[1:2] == (num_frames,):
                    clip[name] = array[:, shown]
            clip['total_frames'] = int(shown.sum())
        if self.mode == '2D':
            clip['keypoint'] = clip['keypoint'][..., :2]
        return clip

    def evaluate(
        self,
        results: Sequence[np.ndarray],
        metrics: Sequence[str] = ('top_k_accuracy',),
        topk: Sequence[int] = (1, 5),
    ) -> dict[str, float]:
        """Return metrics by name; with valid_frames_thr over clips that show a hand long enough.

        Args:
            results: scores, one (K,) array for each clip in dataset order.
            metrics: names of metrics.
            topk: k of the top-k accuracies.
        """
        if not self.valid_frames_thr:
            return super().evaluate(results, metrics, topk)
        if len(results) != len(self):
            raise DataError(f'{self.ann_file}: {len(results)} score rows for {len(self)} clips.')
        counted = self.video_infos.column('valid_frames') >= self.valid_frames_thr
        if not counted.any():
            raise DataError(
                f'{self.ann_file}: no clip shows a hand in valid_frames_thr = '
                f'{self.valid_frames_thr} frames. Choose a lower one.'
            )
        scores = np.stack(list(results))[counted]
        return evaluate(scores, self.labels[counted], metrics=metrics, topk=topk)
