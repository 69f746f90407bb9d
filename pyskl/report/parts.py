"""The parts of the page's data that are computed from the results: header, figures, layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from ..apis.layouts import stored_layout
from ..datasets.label_embeddings import load_label_embeddings
from ..drawing.skeleton import features_layout, known_layout
from ..errors import DataError
from ..evaluation import confusion_matrix
from ..labels import IMIGUE_LABELS
from ..recipe.layout_option import read_layout
from . import figures
from .comparison import better_alone
from .packing import mean_pose
from .people import Groups, by_group
from .results import Results
from .semantics import semantics
from .sources import dataset_configs_of, typed_value


def header(results: Results, counts_from: str, people: Groups | None) -> dict[str, Any]:
    """Return the streams and headline figures.

    Args:
        results: results of the page; a note is added for streams that beat the ensemble.
        counts_from: where the numbers of training clips come from.
        people: clips by person.
    """
    streams, labels = results.streams, results.labels
    is_ensemble, judged = len(streams) > 1, results.has_labels
    if judged and is_ensemble:
        results.notes += better_alone(streams, results.scores, results.blended, labels)
    rows = [
        {
            'name': stream.name,
            'config': stream.config_file.name if stream.config_file else None,
            'checkpoint': stream.checkpoint_name,
            'file': str(stream.scores.path),
            'tested': stream.tested,
            'weight': figures.plain(share),
            'temperature': figures.plain(stream.temperature),
            'figures': figures.headline(scores, labels) if judged and is_ensemble else [],
        }
        for stream, scores, share in zip(streams, results.scores, results.shares)
    ]
    drawn = None if people is None else people.for_intervals
    return {
        'streams': rows,
        'headline': figures.headline(results.blended, labels, groups=drawn) if judged else [],
        'chance': figures.chance(labels, results.num_classes) if judged else {},
        'data': {
            'source': results.clips.source,
            'clips': len(labels),
            'classes': results.num_classes,
            'train_counts': counts_from,
        },
    }


def class_figures(
    results: Results, names: Sequence[str], counts: np.ndarray | None, people: Groups | None
) -> dict[str, Any]:
    """Return the figures that compare predictions with labels.

    Args:
        results: results of the page.
        names: class names.
        counts: (K,) training clips of each class, if known.
        people: clips by person.
    """
    scores, labels = results.blended, results.labels
    return {
        'classes': figures.classes(scores, labels, names, counts),
        'confusion': figures.confusion(scores, labels),
        'groups': figures.groups(scores, labels, counts),
        'calibration': figures.calibration(scores, labels),
        'mistakes': figures.mistakes(scores, labels),
        'people': None if people is None else by_group(scores.argmax(1) == labels, people),
        'semantics': _semantics(results, names),
    }


def predictions(
    results: Results, names: Sequence[str], counts: np.ndarray | None
) -> dict[str, Any]:
    """Return, without labels, how often each class is predicted, and its most confident clip."""
    scores = results.blended
    predicted = np.bincount(scores.argmax(1), minlength=results.num_classes)
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


def _semantics(results: Results, names: Sequence[str]) -> dict[str, Any] | None:
    """Compare confusions with the label vectors of a config, or iMiGUE's for its classes."""
    places = (
        typed_value(cfg, 'label_embeddings', str)
        for stream in results.streams
        for cfg in dataset_configs_of(stream, 'test')
    )
    file = next((place for place in places if place), None)
    if file is None and tuple(names) != IMIGUE_LABELS:
        return None
    try:
        table = load_label_embeddings(file, results.num_classes)
    except DataError as error:
        results.notes.append(f'Labels are not compared by meaning: {error}')
        return None
    matrix = confusion_matrix(results.blended.argmax(1), results.labels, results.num_classes)
    compared = semantics(table, matrix)
    return None if compared is None else compared | {'table': file or "the package's own table"}


def layout(results: Results, asked: str | None) -> dict[str, Any]:
    """Return the skeleton to draw: name, joints, bones, sides (1 left, 2 right, 0 middle), pose.

    The layout comes from --layout, the checkpoint, a step of the pipeline, the annotation file or
    the number of joints, in this order. Without any, bones are the limbs that the pipeline lists,
    drawn on the clips' mean pose.

    Args:
        results: results of the page.
        asked: what --layout names.
    """
    annotations = results.clips.annotations
    num_joints = annotations[0]['keypoint'].shape[2]
    tested = [cfg for stream in results.streams for cfg in dataset_configs_of(stream, 'test')]
    steps = [
        step
        for cfg in tested
        for step in typed_value(cfg, 'pipeline', (list, tuple)) or ()
        if isinstance(step, Mapping)
    ]
    named = (typed_value(step, 'layout', (str, Mapping)) for step in steps)
    features = (features_layout(step, num_joints) for step in steps)
    chosen: Any = read_layout(asked) or stored_layout(results.meta, num_joints)
    chosen = chosen or next(filter(None, chain(named, features)), annotations.about.layout)
    known = known_layout(num_joints, chosen, results.clips.source)
    if known is None:
        limbs = (typed_value(step, 'skeletons', (list, tuple)) for step in steps)
        listed = next(filter(None, limbs), ())
        return {
            'name': None,
            'joints': [f'joint {j}' for j in range(num_joints)],
            'bones': [list(bone) for bone in listed if _is_bone(bone, num_joints)],
            'sides': [0] * num_joints,
            'pose': mean_pose(annotations),
        }
    return {
        'name': known.name,
        'joints': list(known.joints),
        'bones': [list(bone) for bone in known.bones],
        'sides': [(j in known.left) + 2 * (j in known.right) for j in range(num_joints)],
        'pose': [list(xy) for xy in known.pose],
    }


def _is_bone(bone: Any, num_joints: int) -> bool:
    return (
        isinstance(bone, (list, tuple))
        and len(bone) == 2
        and all(isinstance(j, int) and 0 <= j < num_joints for j in bone)
    )
