"""What data sets of annotated clips have in common: labels, classes, label vectors, pipeline."""

from __future__ import annotations

import os
import shlex
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from os import PathLike
from typing import Any, Literal

import numpy as np
import torch

from ..annotations.clip_names import video_file
from ..annotations.clips import Annotations, Ids
from ..annotations.fields import start_of
from ..annotations.label_lists import LabelLists, from_one
from ..errors import ConfigError, DataError
from ..evaluation import evaluate_results
from ..registry import PIPELINES
from .balance import repeats
from .base import Classes, ClipDataset, count_labels
from .label_embeddings import load_label_embeddings
from .pipelines import Flip
from .pipelines.base import clip_error, is_ours
from .pipelines.compose import as_pipeline
from .video_checks import OnBadVideo, check_videos, faults_of_videos, is_video_file, reads_videos


class AnnotatedDataset(ClipDataset):
    """Clips of a file that names them and their labels, passed through a pipeline.

    A subclass defines `_open`, which reads the file, and `entries`, which a clip has before the
    first step of its pipeline.

    Args:
        ann_file: the file.
        pipeline: list of steps, configs or callables.
        split: name of the split inside the file; None takes every clip.
        label_embeddings: .npy file of (K, D) label vectors; None: the package's own table. `emb` of
            a sample is its label's row.
        num_classes: K; when given, labels are checked against it.
        class_prob: how often each class is seen in an epoch, per class (dict or list): 2.5 means
            every clip twice and half of the clips a third time. 'balanced' sees all classes equally
            often, 'sqrt' is half-way there (balance.py). Used in training only.
        test_mode: deterministic sampling, labels may be missing (-1).
        modality: handed to the pipeline.
        start_index: handed to the pipeline.
        only_classes: keep the clips of these classes; labels are not renumbered.
        without_classes: keep the clips of all other classes. For zero-shot training, whose held-out
            classes are tested by their label vectors.
        multi_class: clips may have several labels at once: `label` of a sample is (K,) float32
            zeros and ones (all -1: unknown), and `emb` the mean of its labels' rows. Needs
            num_classes.
        data_prefix: folder of the clips' videos. `filename` of a sample is the clip's video in it:
            the annotation's `filename`, else its name; a name without a suffix gets '.mp4'.
        on_bad_video: what to do about clips whose video is missing, unreadable or too short, if the
            pipeline decodes videos: 'stop' raises an error when it comes to one (for missing files
            at once); 'skip' opens every video now, and leaves such clips out with a warning that
            names them.
        memcached, mc_cfg: accepted for old configs; annotations are held in memory, no server is
            needed.

    Raises:
        ConfigError: a wrong setting.
        DataError: a wrong file, naming the clip.
    """

    components = {'pipeline': PIPELINES}
    _is_there: Callable[[str], bool] = staticmethod(is_video_file)
    _faults_of_videos = staticmethod(faults_of_videos)

    def __init__(
        self,
        ann_file: str | PathLike,
        pipeline: Sequence[dict | Any],
        split: str | None = None,
        label_embeddings: str | PathLike | None = None,
        num_classes: int | None = None,
        class_prob: Literal['balanced', 'sqrt'] | dict | Sequence[float] | None = None,
        test_mode: bool = False,
        modality: str = 'Pose',
        start_index: int = 0,
        only_classes: Sequence[int] | None = None,
        without_classes: Sequence[int] | None = None,
        multi_class: bool = False,
        data_prefix: str | PathLike | None = None,
        on_bad_video: OnBadVideo = 'stop',
        memcached: bool = False,
        mc_cfg: dict | Sequence | None = None,
    ):
        self.ann_file, self.split, self.test_mode = str(ann_file), split, test_mode
        self.modality, self.start_index, self.num_classes = modality, start_index, num_classes
        self.data_prefix = None if data_prefix is None else os.fspath(data_prefix)
        self.on_bad_video = on_bad_video
        if on_bad_video not in ('stop', 'skip'):
            raise ConfigError(f"on_bad_video = {on_bad_video!r}: expected 'stop' or 'skip'.")
        self.pipeline = as_pipeline(pipeline, self.entries)
        _check_classes(only_classes, without_classes, num_classes)
        self.multi_class = multi_class
        if multi_class:
            only_one_label = dict(
                class_prob=class_prob, only_classes=only_classes, without_classes=without_classes
            )
            _check_several(num_classes, only_one_label)
        self.video_infos = self._checked(self._load(only_classes, without_classes))
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

    @abstractmethod
    def _open(self) -> Annotations:
        """Return the clips of the split, before any are chosen."""

    def _chosen(self, clips: Annotations) -> Annotations:
        """Return the clips that a data set's own settings keep."""
        return clips

    def _load(self, only: Sequence[int] | None, without: Sequence[int] | None) -> Annotations:
        clips = self._chosen(self._open())
        if only is not None or without is not None:
            classes = list(only if only is not None else without or ())
            clips = clips.take(np.flatnonzero(np.isin(clips.labels, classes, invert=only is None)))
        if not len(clips):
            part = f' in split {self.split!r}' if self.split is not None else ''
            if only is not None:
                part += f' of the classes {list(only)}'
            elif without:
                part += f' but of the classes {list(without)}'
            raise DataError(f'{self.ann_file}: no clips{part}. Expected at least one annotation.')
        return clips

    def _checked(self, clips: Annotations) -> Annotations:
        """Return the clips whose videos can be read, where the pipeline reads videos."""
        if not reads_videos(self.pipeline.steps):
            return clips
        return check_videos(
            clips,
            self._video,
            self._is_there,
            self._faults_of_videos,
            self.on_bad_video,
            self.ann_file,
        )

    def _video(self, clip: Mapping[str, Any]) -> str:
        """Return the path of a clip's video."""
        name = clip.get('filename') or clip['frame_dir']
        if not isinstance(name, (str, PathLike)):
            raise clip_error(clip, f'filename is {name!r}. Expected the name of a video.')
        return video_file(os.path.join(self.data_prefix or '', name))

    def _check_labels(self, lists: LabelLists) -> None:
        highest = self.num_classes if self.num_classes is not None else np.iinfo(np.int64).max
        if self._collects_emb:
            highest = min(highest, len(self.label_embeddings))
        lowest = -1 if self.test_mode else 0
        wrong = np.flatnonzero((lists.values < lowest) | (lists.values >= highest))
        if len(wrong):
            label, clips = lists.values[wrong[0]], np.unique(lists.clips[wrong])
            expected = '0 or more' if highest == np.iinfo(np.int64).max else f'0..{highest - 1}'
            advice = (
                'Correct num_classes or the labels; a label_embeddings table needs a row for each '
                'class.'
            )
            if label == -1:
                advice = self._advice_without_label()
            elif counts_from_one := self._advice_from_one(lists, highest):
                advice = counts_from_one
            raise DataError(
                f'{self.ann_file}: clip {self.ids[clips[0]]} has label {label}, expected '
                f'{expected} ({len(clips)} such clips). {advice}'
            )
        beyond = [label for label in self._relabelled if not 0 <= label < highest]
        if beyond:
            raise ConfigError(f'Flip.flip_label_map: label {beyond[0]}, expected 0..{highest - 1}.')

    def _advice_without_label(self) -> str:
        return (
            'That is none: clips without labels can only be tested. To add labels: python '
            f'tools/join.py {shlex.quote(self.ann_file)} --labels LABELS.csv -o OUT.pkl'
        )

    def _advice_from_one(self, lists: LabelLists, num_classes: int) -> str:
        """Return what to do where labels count from 1; '' where they do not."""
        return from_one(lists.values, num_classes, self.ann_file)

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
        """Names of the clips (frame_dir) in dataset order."""
        return self.video_infos.ids

    @property
    def targets(self) -> np.ndarray | None:
        """(N, K) int8, each clip's classes, with multi_class; see ClipDataset."""
        lists, num_classes = self._label_lists, self.num_classes
        return None if lists is None or num_classes is None else lists.targets(num_classes)

    @property
    def fingerprint(self) -> str:
        """Hash of the clips' names and labels."""
        return self.video_infos.fingerprint

    @property
    def gives(self) -> set[str] | None:
        """Entries that the pipeline collects; None where a user's own step may add any."""
        return self.pipeline.gives

    @cached_property
    def _collects_emb(self) -> bool:
        return 'emb' in (self.gives or ())

    @cached_property
    def _only_known_steps(self) -> bool:
        return all(map(is_ours, self.pipeline.steps))

    @cached_property
    def _relabelled(self) -> set[int]:
        """Labels that mirrored clips get by Flip's flip_label_map."""
        maps = [step.flip_label_map or {} for step in self.pipeline.steps if isinstance(step, Flip)]
        return {label for labels in maps for label in labels.values()}

    def _label(self, index: int) -> int | np.ndarray:
        """Return a sample's label: the class, or with multi_class (K,) zeros and ones."""
        if self._label_lists is not None and self.num_classes is not None:
            return self._label_lists.target(index, self.num_classes)
        return int(self.labels[index])

    def _emb(self, label: int | np.ndarray) -> np.ndarray:
        """Return the label's vector (D,), the mean of several; zeros for an unknown label."""
        if isinstance(label, np.ndarray):
            vectors = self.label_embeddings[: len(label)][label[: len(self.label_embeddings)] > 0]
            return vectors.mean(0) if len(vectors) else np.zeros_like(self.label_embeddings[0])
        known = 0 <= label < len(self.label_embeddings)
        return self.label_embeddings[label] if known else np.zeros_like(self.label_embeddings[0])

    def _entries_of(self, clip: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a data set adds to an annotation: its video and the start in it."""
        return {'filename': self._video(clip), 'start_frame': start_of(clip)}

    def _processed(self, index: int, lazy: bool) -> dict[str, Any]:
        """Pass clip `index` through the pipeline.

        `emb` is the row of the label that the sample has at the end.
        """
        label = self._label(index)
        clip = self.video_infos[index]
        # The package's steps never write into the clip's own arrays; a user's step may.
        if not self._only_known_steps:
            clip = {
                key: value.copy() if isinstance(value, np.ndarray) else value
                for key, value in clip.items()
            }
        results = {
            **clip,
            **self._entries_of(clip),
            'label': label,
            'emb': self._emb(label),
            'modality': self.modality,
            'start_index': self.start_index,
            'test_mode': self.test_mode,
        }
        sample = self.pipeline(results, lazy=lazy)
        if self._relabelled and 'emb' in sample and np.array_equal(sample['emb'], self._emb(label)):
            final = sample['label']
            vector = self._emb(np.asarray(final) if self.multi_class else int(final))
            sample['emb'] = (
                torch.from_numpy(vector.copy()) if torch.is_tensor(sample['emb']) else vector
            )
        return sample

    def sample(self, index: int) -> dict[str, Any]:
        """Return clip `index` for a loader, with lazy entries.

        `emb` is left out where it is a label's row of the table: the head looks that up itself.
        """
        sample = self._processed(index, lazy=True)
        if self._only_known_steps:
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
        """Return metrics by name.

        Args:
            results: scores, one (K,) array for each clip in dataset order; for clips with several
                answers see evaluate_results.
            metrics: names of metrics.
            topk: k of the top-k accuracies.
        """
        if len(results) != len(self):
            raise DataError(f'{self.ann_file}: {len(results)} score rows for {len(self)} clips.')
        return evaluate_results(results, self.truth, metrics=metrics, topk=topk)


def _check_several(num_classes: int | None, only_one_label: Mapping[str, Any]) -> None:
    """Check the settings of clips with several labels; some settings need one label a clip."""
    if num_classes is None:
        raise ConfigError(
            'multi_class = True needs num_classes, the length of the zeros and ones that a clip '
            'gets for its labels.'
        )
    for name, value in only_one_label.items():
        if value is not None:
            raise ConfigError(
                f'{name} goes by the one class of a clip, and with multi_class = True it may have '
                f'several. Leave {name} out.'
            )


def _check_classes(
    only: Sequence[int] | None, without: Sequence[int] | None, num_classes: int | None
) -> None:
    if only is not None and without is not None:
        raise ConfigError('only_classes and without_classes are both given. Leave one of them out.')
    name = 'without_classes' if only is None else 'only_classes'
    given = list(only if only is not None else without or ())
    most = np.inf if num_classes is None else num_classes
    wrong = [k for k in given if not 0 <= k < most]
    if wrong:
        last = '' if num_classes is None else f' to {num_classes - 1}'
        raise ConfigError(
            f'{name} = {given}: there is no class {wrong[0]}; expected numbers from 0{last}.'
        )
