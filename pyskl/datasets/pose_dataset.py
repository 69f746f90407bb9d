"""Skeleton clips from one annotation file, passed through a pipeline."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import cached_property
from os import PathLike
from typing import Any, Literal

import numpy as np
import torch

from ..annotations import open_annotations
from ..annotations.clips import Annotations, Ids
from ..annotations.label_lists import LabelLists, from_one
from ..errors import ConfigError, DataError
from ..evaluation import evaluate_results
from ..registry import DATASETS, PIPELINES
from .balance import repeats
from .base import Classes, ClipDataset, count_labels
from .label_embeddings import load_label_embeddings
from .pipelines import Compose, Flip
from .pipelines.base import is_ours
from .pipelines.compose import FROM_DATASET


@DATASETS.register_module()
class PoseDataset(ClipDataset):
    """The clips of one split, as samples that a network can take.

    ann_file          PYSKL's annotation pickle (data/README.md), or its packed form (tools/pack.py); with data/x.pkl, data/x.packed
                      is taken when it is up to date
    pipeline          list of stages, configs or callables
    split             name of the split inside the file; None takes every clip
    label_embeddings  .npy file of (K, D) label vectors; None takes the package's own table. `emb` of a sample is its label's row
    num_classes       K; when given, labels are checked against it
    multi_class       clips may have several labels at once: `label` of a sample is (K,) float32 zeros and ones (all -1: unknown), and
                      `emb` the mean of its labels' rows. Needs num_classes
    class_prob        how often each class is seen in an epoch, per class (dict or list): 2.5 means every clip twice and
                      half of the clips a third time. 'balanced' sees all classes equally often, 'sqrt' is half-way there
                      (balance.py). Used in training only
    only_classes, without_classes   keep the clips of these classes, or those of all others; labels stay as they are. For zero-shot
                      training, whose held-out classes are tested by their label vectors
    valid_ratio, box_thr   keep clips whose share of frames with a person (`valid_frames`, or `valid@{box_thr}`, or `valid[box_thr]`) is at
                      least valid_ratio; where a clip has `box_score`, the pipeline gets `anno_inds`, the boxes of at least box_thr.
                      With a valid_ratio of 0 neither, as published
    test_mode         deterministic sampling, labels may be missing (-1)
    modality, start_index   handed to the pipeline as they are
    memcached, mc_cfg accepted for old configs; annotations are held in memory, no server is needed

    Raises ConfigError for a wrong setting, DataError for a wrong file (naming the clip).
    """

    components = {'pipeline': PIPELINES}
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
    ):
        self.ann_file, self.split, self.test_mode = str(ann_file), split, test_mode
        self.modality, self.start_index, self.num_classes = modality, start_index, num_classes
        self.pipeline = (
            pipeline if isinstance(pipeline, Compose) else Compose(pipeline, where='pipeline')
        )
        _check_classes(only_classes, without_classes, num_classes)
        self._box_thr = float(box_thr) if valid_ratio and box_thr is not None else None
        self.multi_class = multi_class
        if multi_class:
            _check_several(
                num_classes,
                class_prob=class_prob,
                only_classes=only_classes,
                without_classes=without_classes,
            )
        self.video_infos = self._load(valid_ratio, box_thr, only_classes, without_classes)
        self.label_embeddings = load_label_embeddings(label_embeddings)
        lists = self.video_infos.label_lists
        self.labels = lists.first if multi_class else self.video_infos.labels
        self._label_lists = lists if multi_class else None
        self.classes = Classes(
            count_labels(lists.values),
            self.label_embeddings,
            label_embeddings,
            self.video_infos.about.label_names,
        )
        self._check_labels(lists)
        self.class_prob_rule = class_prob if isinstance(class_prob, str) else None
        self.class_prob = self._per_class(class_prob)

    def _open(self) -> Annotations:
        """Return the clips of the split, before any are chosen."""
        clips = open_annotations(self.ann_file)
        return clips if self.split is None else clips.split(self.split)

    def _load(
        self,
        valid_ratio: float | None,
        box_thr: float | str | None,
        only: Sequence[int] | None,
        without: Sequence[int] | None,
    ) -> Annotations:
        clips = self._open()
        if valid_ratio:
            key = 'valid_frames' if box_thr is None else f'valid@{float(box_thr):.1f}'
            valid = clips.column(key)
            lacking = np.flatnonzero(np.isnan(valid))
            if len(lacking):
                raise DataError(
                    f'{self.ann_file}: valid_ratio needs the field {key!r}, which clip {clips.ids[lacking[0]]} lacks.'
                )
            clips = clips.take(np.flatnonzero(valid / clips.column('total_frames') >= valid_ratio))
        if only is not None or without is not None:
            chosen = np.isin(
                clips.labels, list(without if only is None else only), invert=only is None
            )
            clips = clips.take(np.flatnonzero(chosen))
        if not len(clips):
            part = f' in split {self.split!r}' if self.split is not None else ''
            part += (
                f' of the classes {list(only)}'
                if only is not None
                else f' but of the classes {list(without)}'
                if without
                else ''
            )
            raise DataError(f'{self.ann_file}: no clips{part}. Expected at least one annotation.')
        return clips

    def _check_labels(self, lists: LabelLists) -> None:
        highest = self.num_classes if self.num_classes is not None else np.iinfo(np.int64).max
        if self._collects_emb:
            highest = min(highest, len(self.label_embeddings))
        lowest = -1 if self.test_mode else 0
        wrong = np.flatnonzero((lists.values < lowest) | (lists.values >= highest))
        if len(wrong):
            label, clips = lists.values[wrong[0]], np.unique(lists.clips[wrong])
            expected = '0 or more' if highest == np.iinfo(np.int64).max else f'0..{highest - 1}'
            if label == -1:
                advice = (
                    'That is none: clips without labels can only be tested. To add labels: python '
                    f'tools/join.py {shlex.quote(self.ann_file)} --labels LABELS.csv -o OUT.pkl'
                )
            else:
                advice = from_one(lists.values, highest, self.ann_file) or (
                    'Correct num_classes or the labels; a label_embeddings table needs a row for each class.'
                )
            raise DataError(
                f'{self.ann_file}: clip {self.ids[clips[0]]} has label {label}, expected {expected} ({len(clips)} such clips). {advice}'
            )
        beyond = [label for label in self._relabelled if not 0 <= label < highest]
        if beyond:
            raise ConfigError(f'Flip.flip_label_map: label {beyond[0]}, expected 0..{highest - 1}.')

    def _per_class(self, class_prob: str | dict | Sequence[float] | None) -> np.ndarray | None:
        if class_prob is None:
            return None
        if isinstance(class_prob, str):
            return repeats(self.labels, class_prob)
        given = dict(class_prob if isinstance(class_prob, dict) else enumerate(class_prob))
        given = {int(k): float(v) for k, v in given.items()}
        missing = sorted(set(np.unique(self.labels).tolist()) - set(given))
        if missing:
            raise ConfigError(
                f'class_prob: no value for class {missing[0]}. Expected one per class, e.g. 1.0.'
            )
        if any(not 0 <= v < np.inf for v in given.values()):
            raise ConfigError('class_prob: values must be finite and not negative.')
        return np.array([given.get(k, 0.0) for k in range(max(given) + 1)])

    def __len__(self) -> int:
        return len(self.video_infos)

    @property
    def ids(self) -> Ids:
        """The clips' names (frame_dir), in dataset order; a sequence of str."""
        return self.video_infos.ids

    @property
    def targets(self) -> np.ndarray | None:
        """With multi_class (N, K) int8: each clip's classes; see ClipDataset."""
        return self._label_lists.targets(self.num_classes) if self.multi_class else None

    @property
    def fingerprint(self) -> str:
        """A hash of the clips' names and labels."""
        return self.video_infos.fingerprint

    @property
    def gives(self) -> set[str] | None:
        """Entries that the pipeline collects; None where a stage of a user's own may add any."""
        return self.pipeline.gives

    @cached_property
    def _collects_emb(self) -> bool:
        return 'emb' in (self.gives or ())

    @cached_property
    def _only_our_stages(self) -> bool:
        return all(map(is_ours, self.pipeline.steps))

    @cached_property
    def _relabelled(self) -> set[int]:
        """Labels that mirrored clips get by Flip's flip_label_map."""
        maps = [step.flip_label_map or {} for step in self.pipeline.steps if isinstance(step, Flip)]
        return {label for labels in maps for label in labels.values()}

    def _label(self, index: int) -> int | np.ndarray:
        """A sample's label: the class, or with multi_class (K,) zeros and ones."""
        if self.multi_class:
            return self._label_lists.target(index, self.num_classes)
        return int(self.labels[index])

    def _emb(self, label: int | np.ndarray) -> np.ndarray:
        """The label's vector (D,), of several their mean; zeros for an unknown label."""
        if isinstance(label, np.ndarray):
            vectors = self.label_embeddings[: len(label)][label[: len(self.label_embeddings)] > 0]
            return vectors.mean(0) if len(vectors) else np.zeros_like(self.label_embeddings[0])
        known = 0 <= label < len(self.label_embeddings)
        return self.label_embeddings[label] if known else np.zeros_like(self.label_embeddings[0])

    def _processed(self, index: int, lazy: bool) -> dict[str, Any]:
        """Pass clip `index` through the pipeline.

        `emb` is the row of the label that it ends with.
        """
        label = self._label(index)
        clip = self.video_infos[index]
        # Our stages never write into the clip's own arrays; a user's stage may.
        if not self._only_our_stages:
            clip = {
                key: value.copy() if isinstance(value, np.ndarray) else value
                for key, value in clip.items()
            }
        results = {
            **clip,
            'label': label,
            'emb': self._emb(label),
            'modality': self.modality,
            'start_index': self.start_index,
            'test_mode': self.test_mode,
        }
        if self._box_thr is not None and 'box_score' in clip:
            results['anno_inds'] = clip['box_score'] >= self._box_thr
        sample = self.pipeline(results, lazy=lazy)
        if self._relabelled and 'emb' in sample and np.array_equal(sample['emb'], self._emb(label)):
            final = sample['label']
            vector = self._emb(np.asarray(final) if self.multi_class else int(final))
            sample['emb'] = (
                torch.from_numpy(vector.copy()) if torch.is_tensor(sample['emb']) else vector
            )
        return sample

    def sample(self, index: int) -> dict[str, Any]:
        """Return clip `index` for a loader: heatmaps not drawn yet, and no `emb` that is a label's
        row of the table, since the head looks that up itself."""
        sample = self._processed(index, lazy=True)
        if self._only_our_stages:
            sample.pop('emb', None)
        return sample

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self._processed(index, lazy=False)

    def evaluate(
        self,
        results: Sequence[Any],
        metrics: Sequence[str] = ('top_k_accuracy', 'mean_class_accuracy'),
        topk: Sequence[int] = (1, 5),
    ) -> dict[str, float]:
        """Scores, one (K,) array per clip in dataset order -> metrics by name.

        Of clips with several answers see evaluate_results.
        """
        if len(results) != len(self):
            raise DataError(f'{self.ann_file}: {len(results)} score rows for {len(self)} clips.')
        return evaluate_results(results, self.truth, metrics=metrics, topk=topk)


def _check_several(num_classes: int | None, **per_class: Any) -> None:
    if num_classes is None:
        raise ConfigError(
            'multi_class = True needs num_classes, the length of the zeros and ones that a clip gets for its labels.'
        )
    for name, value in per_class.items():
        if value is not None:
            raise ConfigError(
                f'{name} goes by the one class of a clip, and with multi_class = True it may have several. Leave {name} out.'
            )


def _check_classes(
    only: Sequence[int] | None, without: Sequence[int] | None, num_classes: int | None
) -> None:
    if only is not None and without is not None:
        raise ConfigError('only_classes and without_classes are both given. Leave one of them out.')
    name, given = ('without_classes', without) if only is None else ('only_classes', only)
    most = np.inf if num_classes is None else num_classes
    wrong = [k for k in given or () if not 0 <= k < most]
    if wrong:
        last = '' if num_classes is None else f' to {num_classes - 1}'
        raise ConfigError(
            f'{name} = {list(given)}: there is no class {wrong[0]}; expected numbers from 0{last}.'
        )
