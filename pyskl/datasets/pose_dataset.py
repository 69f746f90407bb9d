"""Skeleton clips from one annotation file, passed through a pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np

from ..annotations import open_annotations
from ..annotations.clips import Annotations
from ..errors import DataError
from ..registry import DATASETS
from .annotated import AnnotatedDataset
from .pipelines.compose import FROM_DATASET


@DATASETS.register_module()
class PoseDataset(AnnotatedDataset):
    """The clips of one split, as samples that a network can take.

    Args:
        ann_file: PYSKL's annotation pickle (data/README.md), or its packed form (tools/pack.py);
            for data/x.pkl, data/x.packed is used if it is up to date.
        pipeline: list of steps, configs or callables.
        split: name of the split inside the file; None takes every clip.
        valid_ratio: keep clips whose share of frames with a person is at least this, by the field
            `valid_frames`, or `valid@{box_thr}`, or `valid[box_thr]`.
        box_thr: of clips with `box_score`, give the pipeline `anno_inds`, the boxes with at least
            this score. Without a valid_ratio it does nothing, as published.
        others: AnnotatedDataset's.

    Raises:
        ConfigError: a wrong setting.
        DataError: a wrong file, naming the clip.
    """

    entries = FROM_DATASET

    def __init__(
        self,
        ann_file: str | PathLike,
        pipeline: Sequence[dict | Any],
        split: str | None = None,
        valid_ratio: float | None = None,
        box_thr: float | str | None = None,
        **others: Any,
    ):
        self._valid_ratio, self._box_thr = valid_ratio, box_thr
        super().__init__(ann_file, pipeline, split, **others)

    def _open(self) -> Annotations:
        clips = open_annotations(self.ann_file)
        return clips if self.split is None else clips.split(self.split)

    def _chosen(self, clips: Annotations) -> Annotations:
        """Return the clips in which enough frames show a person."""
        if not self._valid_ratio:
            return clips
        thr = self._box_thr
        key = 'valid_frames' if thr is None else f'valid@{float(thr):.1f}'
        valid = clips.column(key)
        lacking = np.flatnonzero(np.isnan(valid))
        if len(lacking):
            raise DataError(
                f'{self.ann_file}: valid_ratio needs the field {key!r}, which clip '
                f'{clips.ids[lacking[0]]} lacks.'
            )
        share = valid / clips.column('total_frames')
        return clips.take(np.flatnonzero(share >= self._valid_ratio))

    def _entries_of(self, clip: Mapping[str, Any]) -> dict[str, Any]:
        entries = super()._entries_of(clip)
        if self._valid_ratio and self._box_thr is not None and 'box_score' in clip:
            entries['anno_inds'] = clip['box_score'] >= float(self._box_thr)
        return entries
