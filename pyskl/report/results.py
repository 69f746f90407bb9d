"""The results that a page is about: streams, their weights and probabilities, and the clips."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..drawing.skeleton import is_spatial
from ..engine.checkpoint import read_checkpoint
from ..errors import ConfigError, UserError
from ..evaluation import check_labels
from ..labels import class_names
from ..recipe import load_config
from ..recipe.layouts import layout_name, layout_names
from ..scores import kind_of, load_fit
from ..scores.align import align
from ..scores.blend import blend, check_weights
from .options import ReportOptions
from .sources import Clips, Stream, find_clips, name_apart, read_stream, typed_value


@dataclass
class Results:
    """Streams and their probabilities of the same clips.

    Attributes:
        streams: streams of the ensemble, or the only one.
        weights: weight of each stream, 0 or more.
        clips: clips with a known label; all of them where no label is known.
        scores: (N, K) probabilities of each stream.
        blended: (N, K) probabilities of the ensemble.
        meta: meta of the first checkpoint that can be read.
        notes: remarks for the reader of the page.
    """

    streams: list[Stream]
    weights: tuple[float, ...]
    clips: Clips
    scores: list[np.ndarray]
    blended: np.ndarray
    meta: Mapping[str, Any]
    notes: list[str] = field(default_factory=list)

    @property
    def labels(self) -> np.ndarray:
        """(N,) labels of the clips, -1 where unknown."""
        return self.clips.labels

    @property
    def num_classes(self) -> int:
        """Number of classes K."""
        return self.blended.shape[1]

    @property
    def has_labels(self) -> bool:
        """Whether any label is known, so that answers can be right or wrong."""
        return bool((self.labels >= 0).any())

    @property
    def shares(self) -> list[float]:
        """Weights of the streams, which sum to 1."""
        return [weight / sum(self.weights) for weight in self.weights]


def read_results(
    inputs: Sequence[str | os.PathLike],
    options: ReportOptions,
    work_dir: str | os.PathLike | None = None,
) -> Results:
    """Read streams, weigh them and match their scores with the clips.

    Args:
        inputs: work dirs or score files, one a stream.
        options: options of the report.
        work_dir: folder of the only stream's config, log and checkpoint.
    """
    config = load_config(options.config, options.cfg_options) if options.config else None
    streams = [read_stream(path, config, options.checkpoint, work_dir) for path in inputs]
    name_apart(streams)
    weights = _weigh(streams, options)
    clips, scores = _match(streams, options.ann_file)
    shares = [weight / sum(weights) for weight in weights]
    blended = blend(scores, shares) if len(streams) > 1 else scores[0]
    meta = _checkpoint_meta(streams, named=options.checkpoint is not None)
    return Results(streams, weights, clips, scores, blended, meta, _notes(streams, clips))


def _weigh(streams: Sequence[Stream], options: ReportOptions) -> tuple[float, ...]:
    """Return a weight of 0 or more for each stream; --weights-from sets their temperatures too."""
    if options.weights_from is None:
        weights = check_weights(options.weights, len(streams))
    elif options.weights:
        raise ConfigError('--weights and --weights-from: expected one of them.')
    else:
        paths = [stream.scores.path for stream in streams]
        fit = load_fit(options.weights_from).for_streams(paths, options.weights_from)
        weights = fit.weights
        for stream, temperature in zip(streams, fit.temperatures):
            stream.temperature = temperature
    if min(weights) < 0 or not sum(weights) > 0:
        raise ConfigError(
            f'weights {" ".join(map(str, weights))}: expected numbers of 0 or more, not all of '
            'them 0, so that a blend of probabilities sums to 1.'
        )
    return weights


def _match(
    streams: Sequence[Stream], ann_file: str | os.PathLike | None
) -> tuple[Clips, list[np.ndarray]]:
    """Return the clips of the scores, and each stream's probabilities (N, K) of them."""
    ids = next((stream.scores.ids for stream in streams if stream.scores.ids is not None), None)
    clips = find_clips(streams, ids, ann_file)
    order = tuple(clips.annotations.ids) if ids is None else None
    repeated = len(set(ids or ())) != len(ids or ())
    aligned = align(
        [stream.scores for stream in streams], order, clips.source, by_position=repeated
    )
    scores = [stream.probabilities(rows) for stream, rows in zip(streams, aligned.scores)]
    clips.labels = check_labels(clips.labels, scores[0].shape[1], f'{clips.source}: labels')

    # where some labels are known, the page is about those clips
    known = np.flatnonzero(clips.labels >= 0)
    if 0 < len(known) < len(clips.labels):
        left_out = len(clips.labels) - len(known)
        clips = Clips(clips.annotations.take(known), clips.labels[known], clips.source, left_out)
        scores = [rows[known] for rows in scores]
    return clips, scores


def _checkpoint_meta(streams: Sequence[Stream], named: bool) -> dict[str, Any]:
    """Return the meta of the first readable checkpoint; one named by the user must be readable."""
    for stream in streams:
        try:
            if stream.checkpoint is not None:
                return dict(read_checkpoint(stream.checkpoint)['meta'])
        except UserError:
            if named:
                raise
    return {}


def _notes(streams: Sequence[Stream], clips: Clips) -> list[str]:
    notes = [
        f'The scores of {stream.name} are not probabilities; the page shows their softmax.'
        for stream in streams
        if kind_of(stream.scores.scores) == 'logits'
    ]
    for stream in streams:
        if stream.checkpoint is None:
            continue
        tested, file = stream.scores.checkpoint, stream.checkpoint.resolve()
        if tested is None and file.stat().st_mtime_ns > os.stat(stream.file).st_mtime_ns:
            notes.append(
                f'{file.name} is newer than the scores of {stream.name}, which do not name their '
                'checkpoint: they may come from an earlier one.'
            )
        if tested not in (None, file.name):
            notes.append(
                f'The scores of {stream.name} come from {tested}; training figures and '
                f'--occlusion are of {file.name}.'
            )
    if is_spatial(clips.annotations[0]):
        notes.append('The key points are x, y, z: the player shows them along z, with y upwards.')
    if clips.left_out:
        notes.append(f'{clips.left_out} clips have no label; they are left out.')
    if (clips.labels < 0).all():
        notes.append('No clip has a label, so the page shows predictions, but no accuracy.')
    return notes


def names_of_classes(results: Results, asked: str | None) -> list[str]:
    """Return the class names.

    They come from --labels, the streams' configs, the annotation file or the checkpoint, in this
    order; else from the layout, see `class_names`.

    Args:
        results: results of the page; a note is added where two sources differ.
        asked: what --labels names.
    """
    streams, clips, meta = results.streams, results.clips, results.meta
    about, trained = clips.annotations.about, typed_value(meta, 'label_names', (list, tuple))
    configs = [
        (f'{stream.config_file}: labels', typed_value(stream.config, 'labels', (str, list, tuple)))
        for stream in streams
    ]
    skeleton = typed_value(meta, 'skeleton', Mapping) or {}
    parts = [[typed_value(s.config, key, Mapping) for key in ('model', 'data')] for s in streams]
    stored = filter(None, (about.layout, skeleton.get('name')))
    layouts = {*layout_names(parts), *map(layout_name, stored)}
    if about.label_names and trained and list(about.label_names) != list(trained):
        results.notes.append(
            f'{clips.source} has other class names than the data that the network was trained on, '
            'so its labels may mean other classes.'
        )
    sources = (
        ('--labels', asked),
        *configs,
        (f'{clips.source}: label_names', about.label_names),
        ('checkpoint: label_names', trained),
    )
    return class_names(results.num_classes, *sources, layouts=layouts)
