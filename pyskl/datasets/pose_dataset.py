"""Skeleton clips from one annotation file, passed through a pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal

import numpy as np

from ..annotations import open_annotations
from ..annotations.clips import Annotations
from ..errors import DataError
from ..registry import DATASETS
from .annotated import AnnotatedDataset
from .pipelines.compose import FROM_DATASET
from .videos import OnBadVideo


@DATASETS.register_module()
class PoseDataset(AnnotatedDataset):
    """The clips of one split, as samples that a network can take.

    ann_file          PYSKL's annotation pickle (data/README.md), or its packed form (tools/pack.py); with data/x.pkl, data/x.packed
                      is taken when it is up to date
    pipeline          list of stages, configs or callables
    split             name of the split inside the file; None takes every clip
    label_embeddings  .npy file of (K, D) label vectors; None takes the package's own table. `emb`
    of a sample is its label's row num_classes       K; when given, labels are checked against it
    multi_class       clips may have several labels at once: `label` of a sample is (K,) float32 zeros and ones (all -1: unknown), and
                      `emb` the mean of its labels' rows. Needs num_classes
    class_prob        how often each class is seen in an epoch, per class (dict or list): 2.5 means every clip twice and
                      half of the clips a third time. 'balanced' sees all classes equally often,
                      'sqrt' is half-way there (balance.py). Used in training only
    only_classes, without_classes   keep the clips of these classes, or those of all others; labels stay as they are. For zero-shot
                      training, whose held-out classes are tested by their label vectors
    valid_ratio, box_thr   keep clips whose share of frames with a person (`valid_frames`, or `valid@{box_thr}`, or `valid[box_thr]`) is at
                      least valid_ratio; where a clip has `box_score`, the pipeline gets
                      `anno_inds`, the boxes of at least box_thr. With a valid_ratio of 0 neither,
                      as published
    test_mode         deterministic sampling, labels may be missing (-1)
    modality, start_index   handed to the pipeline as they are
    data_prefix, on_bad_video   the folder of the clips' videos, for pipelines that read them, and what becomes of clips whose video can't
                      be read: see AnnotatedDataset. Names of clips stay as they are in the file
    memcached, mc_cfg accepted for old configs; annotations are held in memory, no server is needed

    Raises ConfigError for a wrong setting, DataError for a wrong file (naming the clip).
    """

    entries = FROM_DATASET

    def __init__(
        self,
        ann_file: str | PathLike,
        pipeline: Sequence[dict | Any],
        split: str | None = None,
        label_embeddings: str | PathLike | None = None,
        num_classes: int | None = None,
        class_prob: Literal['balanced', 'sqrt'] | dict | Sequence[float] | None = None,
        valid_ratio: float | None = None,
        box_thr: float | str | None = None,
        test_mode: bool = False,
        modality: str = 'Pose',
        start_index: int = 0,
        memcached: bool = False,
        mc_cfg: dict | Sequence | None = None,
        only_classes: Sequence[int] | None = None,
        without_classes: Sequence[int] | None = None,
        multi_class: bool = False,
        data_prefix: str | PathLike | None = None,
        on_bad_video: OnBadVideo = 'stop',
    ):
        self._valid_ratio, self._box_thr = valid_ratio, box_thr
        super().__init__(
            ann_file,
            pipeline,
            split,
            label_embeddings,
            num_classes,
            class_prob,
            test_mode,
            modality,
            start_index,
            only_classes,
            without_classes,
            multi_class,
            data_prefix,
            on_bad_video,
        )

    def _open(self) -> Annotations:
        clips = open_annotations(self.ann_file)
        return clips if self.split is None else clips.split(self.split)

    def _chosen(self, clips: Annotations) -> Annotations:
        """Return the clips that show somebody in enough of their frames."""
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
