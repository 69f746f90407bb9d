"""The report: from work dirs or score files to one HTML file."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..apis.layouts import stored_layout
from ..datasets.label_embeddings import load_label_embeddings
from ..drawing.skeleton import features_layout, is_spatial, known_layout
from ..drawing.writing import check_suffix
from ..engine.checkpoint import read_checkpoint
from ..engine.distributed import choose_device
from ..errors import ConfigError, DataError, UserError, printable
from ..evaluation import check_labels
from ..labels import IMIGUE_LABELS, class_names
from ..recipe import load_config
from ..recipe.layout_option import read_layout
from ..recipe.layouts import layout_name, layout_names
from ..scores import kind_of, load_fit, soften
from ..scores.align import align
from ..scores.blend import blend, check_weights
from . import figures
from .clip_map import clip_map
from .comparison import better_alone, comparison
from .curves import curves
from .occlusion import occlusion
from .packing import mean_pose, pack_all
from .page import write_page
from .people import Groups, by_group, find_groups
from .pictures import pack_pictures
from .run import runs
from .semantics import semantics
from .sources import (
    Clips,
    Stream,
    dataset_configs_of,
    find_clips,
    name_apart,
    read_stream,
    said,
    train_counts,
)

KEY_POINT_BUDGET = 8_300_000  # characters, so that the whole stays below 10 MB
PAGES = ('.html', '.htm')
NUM_SHOWN = 6  # classes whose scores are kept for each clip, besides its own


@dataclass
class ReportOptions:
    """What the command line of tools/report.py can say; see its --help for each."""

    out: str | None = None
    weights: Sequence[float] | None = None
    weights_from: str | None = None
    ann_file: str | None = None
    config: str | None = None
    cfg_options: Sequence[str] | None = None
    checkpoint: str | None = None
    labels: str | None = None
    layout: str | None = None
    title: str | None = None
    compare: str | None = None
    people: str | None = None
    occlusion: bool = False
    occlusion_clips: int = 10
    pictures: bool = False
    device: str | None = None


@dataclass
class Report:
    """What was written: path, its size in bytes, and lines the user should read."""

    path: Path
    size: int
    notes: list[str]


def build_report(
    inputs: Sequence[str | os.PathLike],
    options: ReportOptions | None = None,
    work_dir: str | os.PathLike | None = None,
) -> Report:
    """Write the report of one or more streams.

    inputs     work dirs (with scores.npz or result.pkl) or score files, one a stream
    options    out None: report.html beside the scores, as Stream.report_file says; ensemble_report.html for several streams
    work_dir   one stream: where its config, log and checkpoint are, when that is not beside its scores
    raises   UserError kinds for anything missing or wrong; then nothing is written
    """
    options = options or ReportOptions()
    _check(inputs, options)
    streams = _streams(inputs, options, work_dir)
    weights = _weighed(streams, options)
    clips, scores = _matched(streams, options)
    blended = blend(scores, [w / sum(weights) for w in weights]) if len(streams) > 1 else scores[0]
    meta = _checkpoint_meta(streams, named=options.checkpoint is not None)
    notes = _notes(streams, clips)
    known = clips.labels >= 0
    people = find_groups(clips.annotations.ids, options.people)
    data = {
        'version': __version__,
        'written': time.strftime('%Y-%m-%d %H:%M'),
        'title': options.title or _title(streams),
        'notes': notes,
    }
    names = _names(options.labels, streams, clips, meta, blended.shape[1], notes)
    counts, counts_from = train_counts(streams, meta, blended.shape[1])
    data |= _header(streams, scores, blended, weights, clips, counts_from, people, notes)
    data |= (
        _judged(blended, clips.labels, names, counts, people)
        if known.any()
        else _unjudged(blended, names, counts)
    )
    if options.compare is not None:
        data['comparison'] = comparison(
            blended, _all_known(clips), clips.annotations.ids, options.compare, people
        )
    data |= {'map': clip_map(blended), 'runs': runs(streams)}
    data |= {
        'curves': [{'name': s.name, 'groups': found} for s in streams if (found := curves(s.log))]
    }
    if known.any():
        data['semantics'] = _semantics(streams, data['confusion']['counts'], names, notes)
    data['layout'] = _layout(streams, clips, options.layout, meta)
    if options.occlusion:
        data['occlusion'] = occlusion(
            streams,
            weights,
            clips,
            scores,
            data['layout']['bones'],
            options.occlusion_clips,
            options.device,
            notes,
        )
    data['clips'], frames = _clips(clips, scores, blended, streams, data, notes)
    if options.pictures:
        first = _first(blended, clips.labels, data)
        data['clips'] |= _pictures(streams, clips, first, KEY_POINT_BUDGET - len(frames), notes)
    notes[:] = map(printable, notes)
    path = Path(options.out) if options.out else _default_out(streams)
    return Report(path, write_page(path, data, frames), notes)


def _check(inputs: Sequence[str | os.PathLike], options: ReportOptions) -> None:
    """What can be told before anything is read."""
    if not inputs:
        raise UserError('no work dir or score file was given: expected at least one.')
    if options.out:
        check_suffix(
            options.out, PAGES
        )  # or a slip would put a page in the place of scores or annotations
    if options.occlusion_clips < 1:
        raise ConfigError(
            f'--occlusion-clips {options.occlusion_clips}: expected 1 or more clips of each class.'
        )
    if options.occlusion or options.device:
        choose_device(options.device)
    if len(inputs) > 1 and (options.config or options.checkpoint):
        raise ConfigError(
            '--config and --checkpoint belong to one stream, but several were given. Leave them '
            'out: each work dir holds its own.'
        )
    if options.cfg_options and not options.config:
        raise ConfigError('--cfg-options: overrides of what? Give --config too.')


def _streams(
    inputs: Sequence[str | os.PathLike], options: ReportOptions, work_dir: str | os.PathLike | None
) -> list[Stream]:
    config = load_config(options.config, options.cfg_options) if options.config else None
    streams = [read_stream(path, config, options.checkpoint, work_dir) for path in inputs]
    name_apart(streams)
    return streams


def _default_out(streams: Sequence[Stream]) -> Path:
    """Several streams leave the first one's own report alone."""
    own = streams[0].report_file
    return own if len(streams) == 1 else own.with_name(f'ensemble_{own.name}')


def _weighed(streams: Sequence[Stream], options: ReportOptions) -> tuple[float, ...]:
    """One weight of 0 or more a stream; with weights_from each stream learns its temperature, too."""
    if options.weights_from is None:
        weights = check_weights(options.weights, len(streams))
    elif options.weights:
        raise ConfigError('--weights and --weights-from: expected one of them.')
    else:
        fit = load_fit(options.weights_from).for_streams(
            [stream.scores.path for stream in streams], options.weights_from
        )
        weights = fit.weights
        for stream, temperature in zip(streams, fit.temperatures):
            stream.temperature = temperature
    if min(weights) < 0 or not sum(weights) > 0:
        raise ConfigError(
            f'weights {" ".join(map(str, weights))}: expected numbers of 0 or more, not all of '
            'them 0, so that the blend of probabilities is one.'
        )
    return weights


def _matched(streams: Sequence[Stream], options: ReportOptions) -> tuple[Clips, list[np.ndarray]]:
    """The clips with a known label (all of them when none has one), and each stream's probabilities of them."""
    ids = next((stream.scores.ids for stream in streams if stream.scores.ids is not None), None)
    clips = find_clips(streams, ids, options.ann_file)
    own = [stream.scores for stream in streams]
    order = tuple(clips.annotations.ids) if ids is None else None
    aligned = align(own, order, clips.source, by_position=len(set(ids or ())) != len(ids or ()))
    scores = [
        soften(rows, stream.temperature)
        if stream.temperature != 1 or kind_of(rows) == 'logits'
        else rows
        for stream, rows in zip(streams, aligned.scores)
    ]
    clips.labels = check_labels(clips.labels, scores[0].shape[1], f'{clips.source}: labels')
    known = np.flatnonzero(clips.labels >= 0)
    if 0 < len(known) < len(clips.labels):
        clips = Clips(
            clips.annotations.take(known),
            clips.labels[known],
            clips.source,
            left_out=len(clips.labels) - len(known),
        )
        scores = [rows[known] for rows in scores]
    return clips, scores


def _notes(streams: Sequence[Stream], clips: Clips) -> list[str]:
    notes = [
        f'The scores of {stream.name} are no probabilities; their softmax is shown.'
        for stream in streams
        if kind_of(stream.scores.scores) == 'logits'
    ]
    for stream in streams:
        if stream.checkpoint is None:
            continue
        tested, file = stream.scores.checkpoint, stream.checkpoint.resolve()
        if tested is None and file.stat().st_mtime_ns > os.stat(stream.file).st_mtime_ns:
            notes.append(
                f'{file.name} is newer than the scores of {stream.name}, which do not say which '
                'checkpoint gave them: they may be those of an earlier one.'
            )
        if tested not in (None, file.name):
            notes.append(
                f'The scores of {stream.name} come from {tested}; what the page tells of '
                f'training, and --occlusion, is of {file.name}.'
            )
    if is_spatial(clips.annotations[0]):
        notes.append('The key points are x, y, z: the player shows them along z, with y upwards.')
    if clips.left_out:
        notes.append(f'{clips.left_out} clips have no label; they are left out.')
    if (clips.labels < 0).all():
        notes.append(
            'No clip has a label, so nothing is judged: the page shows what the network answers.'
        )
    return notes


def _checkpoint_meta(streams: Sequence[Stream], named: bool) -> dict[str, Any]:
    """What the first readable checkpoint remembers of its training; one that the user named must be readable."""
    for stream in streams:
        try:
            if stream.checkpoint is not None:
                return dict(read_checkpoint(stream.checkpoint)['meta'])
        except UserError:
            if named:
                raise
    return {}


def _title(streams: Sequence[Stream]) -> str:
    return ' + '.join(stream.name for stream in streams)


def _names(
    asked: str | None,
    streams: Sequence[Stream],
    clips: Clips,
    meta: Mapping[str, Any],
    num_classes: int,
    notes: list[str],
) -> list[str]:
    """Class names: those asked for, else of the streams' configs, of the clips' file, of the checkpoint; see class_names."""
    about, trained = clips.annotations.about, said(meta, 'label_names', (list, tuple))
    configs = [
        (f'{stream.config_file}: labels', said(stream.config, 'labels', (str, list, tuple)))
        for stream in streams
    ]
    skeleton = said(meta, 'skeleton', Mapping) or {}
    layouts = {
        *layout_names(
            [[said(s.config, key, Mapping) for key in ('model', 'data')] for s in streams]
        ),
        *map(layout_name, filter(None, (about.layout, skeleton.get('name')))),
    }
    if about.label_names and trained and list(about.label_names) != list(trained):
        notes.append(
            f'{clips.source} has other class names than the data that the network was trained on, '
            'so its labels may mean other classes.'
        )
    sources = (
        ('--labels', asked),
        *configs,
        (f'{clips.source}: label_names', about.label_names),
        ('checkpoint: label_names', trained),
    )
    return class_names(num_classes, *sources, layouts=layouts)


def _header(
    streams: Sequence[Stream],
    scores: Sequence[np.ndarray],
    blended: np.ndarray,
    weights: Sequence[float],
    clips: Clips,
    counts_from: str,
    people: Groups | None,
    notes: list[str],
) -> dict[str, Any]:
    labels = clips.labels
    judged = bool((labels >= 0).any())
    drawn = None if people is None else people.for_intervals
    if judged and len(scores) > 1:
        notes += better_alone(streams, scores, blended, labels)
    rows = [
        {
            'name': stream.name,
            'config': stream.config_file.name if stream.config_file else None,
            'checkpoint': stream.checkpoint_name,
            'file': str(stream.scores.path),
            'tested': stream.tested,
            'weight': figures.plain(weight / sum(weights)),
            'temperature': figures.plain(stream.temperature),
            'figures': figures.headline(own, labels) if judged and len(scores) > 1 else [],
        }
        for stream, own, weight in zip(streams, scores, weights)
    ]
    return {
        'streams': rows,
        'headline': figures.headline(blended, labels, groups=drawn) if judged else [],
        'chance': figures.chance(labels, blended.shape[1]) if judged else {},
        'data': {
            'source': clips.source,
            'clips': len(labels),
            'classes': blended.shape[1],
            'train_counts': counts_from,
        },
    }


def _all_known(clips: Clips) -> np.ndarray:
    if (clips.labels < 0).any():
        raise DataError(
            '--compare asks which run is right, but the clips have no labels. Leave it out.'
        )
    return clips.labels


def _judged(
    scores: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    counts: np.ndarray | None,
    people: Groups | None,
) -> dict[str, Any]:
    return {
        'classes': figures.classes(scores, labels, names, counts),
        'confusion': figures.confusion(scores, labels),
        'groups': figures.groups(scores, labels, counts),
        'calibration': figures.calibration(scores, labels),
        'mistakes': figures.mistakes(scores, labels),
        'people': None if people is None else by_group(scores.argmax(1) == labels, people),
    }


def _unjudged(
    scores: np.ndarray, names: Sequence[str], counts: np.ndarray | None
) -> dict[str, Any]:
    """Without labels: how often each class is answered, and its most confident clip."""
    predicted = np.bincount(scores.argmax(1), minlength=scores.shape[1])
    return {
        'classes': [
            {
                'id': k,
                'name': name,
                'train': None if counts is None else int(counts[k]),
                'predicted': int(predicted[k]),
                'typical': int(scores[:, k].argmax()) if predicted[k] else None,
            }
            for k, name in enumerate(names)
        ]
    }


def _semantics(
    streams: Sequence[Stream], matrix: list[list[int]], names: Sequence[str], notes: list[str]
) -> dict[str, Any] | None:
    """With the table that the config names, or iMiGUE's for its classes."""
    places = (
        said(cfg, 'label_embeddings', str)
        for stream in streams
        for cfg in dataset_configs_of(stream, 'test')
    )
    file = next((place for place in places if place), None)
    if file is None and tuple(names) != IMIGUE_LABELS:
        return None
    try:
        table = load_label_embeddings(file, len(matrix))
    except DataError as error:
        notes.append(f'No label semantics: {error}')
        return None
    found = semantics(table, np.array(matrix))
    return None if found is None else found | {'table': file or "the package's own table"}


def _layout(
    streams: Sequence[Stream], clips: Clips, asked: str | None, meta: Mapping[str, Any]
) -> dict[str, Any]:
    """What to draw: name, joints, bones, sides (1 left, 2 right, 0 middle), pose.

    The layout asked for, that the checkpoint stores, or that the pipeline names (a graph network's GenSkeFeat, too), that of the
    annotation file, or the known one of that many joints; else the limbs that the pipeline lists, on the clips' mean pose.
    """
    num_joints = clips.annotations[0]['keypoint'].shape[2]
    tested = [cfg for stream in streams for cfg in dataset_configs_of(stream, 'test')]
    steps = [step for cfg in tested for step in said(cfg, 'pipeline', (list, tuple)) or ()]
    wanted = read_layout(asked) or stored_layout(meta, num_joints)
    wanted = wanted or next(
        (found for step in steps if (found := said(step, 'layout', (str, Mapping)))), None
    )
    features = (step for step in steps if isinstance(step, Mapping))
    wanted = wanted or next(
        (found for step in features if (found := features_layout(step, num_joints))), None
    )
    layout = known_layout(num_joints, wanted or clips.annotations.about.layout, clips.source)
    if layout is None:
        listed = next(
            (found for step in steps if (found := said(step, 'skeletons', (list, tuple)))), ()
        )
        bones = [list(bone) for bone in listed if _is_bone(bone, num_joints)]
        return {
            'name': None,
            'joints': [f'joint {j}' for j in range(num_joints)],
            'bones': bones,
            'sides': [0] * num_joints,
            'pose': mean_pose(clips.annotations),
        }
    sides = [1 if j in layout.left else 2 if j in layout.right else 0 for j in range(num_joints)]
    return {
        'name': layout.name,
        'joints': list(layout.joints),
        'bones': [list(bone) for bone in layout.bones],
        'sides': sides,
        'pose': [list(xy) for xy in layout.pose],
    }


def _is_bone(bone: Any, num_joints: int) -> bool:
    return (
        isinstance(bone, (list, tuple))
        and len(bone) == 2
        and all(isinstance(j, int) and 0 <= j < num_joints for j in bone)
    )


def _clips(
    clips: Clips,
    scores: Sequence[np.ndarray],
    blended: np.ndarray,
    streams: Sequence[Stream],
    data: Mapping[str, Any],
    notes: list[str],
) -> tuple[dict[str, Any], str]:
    """The clips' names, answers, some scores and where their key points are in the text that comes second."""
    order = np.argsort(-blended, 1, kind='stable')[:, :NUM_SHOWN]
    shown = [
        list(dict.fromkeys([*row, label] if label >= 0 else row))
        for row, label in zip(order.tolist(), clips.labels.tolist())
    ]
    sets = [blended, *scores] if len(scores) > 1 else [blended]
    packed = pack_all(clips.annotations, _first(blended, clips.labels, data), KEY_POINT_BUDGET)
    left_out = packed.lengths.count(0)
    if left_out:
        notes.append(
            f'The key points of {left_out} clips would make the file too large; they are not in it.'
        )
    if packed.step > 1:
        notes.append(
            f'To keep the file small the player has one frame in {packed.step} and draws between '
            'them.'
        )
    return {
        'ids': list(clips.annotations.ids),
        'label': clips.labels.tolist(),
        'pred': blended.argmax(1).tolist(),
        'shown': shown,
        'scores': [
            [np.round(own[i, row].astype(float), 4).tolist() for i, row in enumerate(shown)]
            for own in sets
        ],
        'sets': ['ensemble', *(stream.name for stream in streams)]
        if len(scores) > 1
        else [streams[0].name],
        'bits': packed.bits,
        'step': packed.step,
        'lengths': packed.lengths,
        'boxes': packed.boxes,
        'shapes': packed.shapes,
    }, packed.text


def _pictures(
    streams: Sequence[Stream], clips: Clips, first: Sequence[int], budget: int, notes: list[str]
) -> dict[str, Any]:
    """Frames of the clips' videos, from the folder that the first config with a data_prefix names."""
    folders = (
        said(cfg, 'data_prefix', str)
        for stream in streams
        for cfg in dataset_configs_of(stream, 'test')
    )
    folder = next((folder for folder in folders if folder), None)
    if folder is None:
        raise ConfigError(
            '--pictures: no config of these streams says where the videos are '
            '(data.test.data_prefix). Leave it out, or give --config with one that does.'
        )
    packed = pack_pictures(clips.annotations, folder, first, budget)
    notes += packed.notes
    return {'pictures': packed.texts, 'pictureFrames': packed.numbers}


def _first(scores: np.ndarray, labels: np.ndarray, data: Mapping[str, Any]) -> list[int]:
    """All clips: typical ones, mistakes in order of confidence, then the rest."""
    typical = [row['typical'] for row in data['classes'] if row['typical'] is not None]
    sure, wrong = scores.max(1), scores.argmax(1) != labels
    return list(dict.fromkeys([*typical, *np.lexsort((-sure, ~wrong)).tolist()]))
