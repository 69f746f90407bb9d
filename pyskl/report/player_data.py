"""The clips as the page's player needs them: names, scores, key points and, if asked, pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ConfigError
from .packing import pack_all
from .pictures import pack_pictures
from .results import Results
from .sources import dataset_configs_of, typed_value

KEY_POINT_BUDGET = 8_300_000  # characters, so that the page stays below 10 MB
NUM_SHOWN = 6  # classes whose scores are kept for each clip, besides its own


def player_data(
    results: Results, classes: Sequence[Mapping[str, Any]], with_pictures: bool
) -> tuple[dict[str, Any], str]:
    """Return what the player shows.

    Args:
        results: results of the page; notes are added where something is left out.
        classes: rows of the classes, with the typical clip of each.
        with_pictures: whether to add frames of the clips' videos.

    Returns:
        The clips' names, predictions and scores, and where their key points lie in the text that
        comes second.
    """
    streams, clips, blended, notes = results.streams, results.clips, results.blended, results.notes
    most_likely = np.argsort(-blended, 1, kind='stable')[:, :NUM_SHOWN]
    shown = [
        list(dict.fromkeys([*row, label] if label >= 0 else row))
        for row, label in zip(most_likely.tolist(), results.labels.tolist())
    ]
    is_ensemble = len(streams) > 1
    order = _by_importance(results, classes)
    packed = pack_all(clips.annotations, order, KEY_POINT_BUDGET)
    left_out = packed.lengths.count(0)
    if left_out:
        notes.append(
            f'The key points of {left_out} clips would make the file too large; they are not in it.'
        )
    if packed.step > 1:
        notes.append(
            f'To keep the file small, the player has one frame in {packed.step} and interpolates.'
        )
    names = [stream.name for stream in streams]
    data = {
        'ids': list(clips.annotations.ids),
        'label': results.labels.tolist(),
        'pred': blended.argmax(1).tolist(),
        'shown': shown,
        'scores': [
            [np.round(rows[i, row].astype(float), 4).tolist() for i, row in enumerate(shown)]
            for rows in ([blended, *results.scores] if is_ensemble else [blended])
        ],
        'sets': ['ensemble', *names] if is_ensemble else names,
        'bits': packed.bits,
        'step': packed.step,
        'lengths': packed.lengths,
        'boxes': packed.boxes,
        'shapes': packed.shapes,
    }
    if with_pictures:
        data |= _pictures(results, order, KEY_POINT_BUDGET - len(packed.text))
    return data, packed.text


def _pictures(results: Results, order: Sequence[int], budget: int) -> dict[str, Any]:
    """Pack frames of the clips' videos from the folder of the first config with a data_prefix."""
    folders = (
        typed_value(cfg, 'data_prefix', str)
        for stream in results.streams
        for cfg in dataset_configs_of(stream, 'test')
    )
    folder = next((folder for folder in folders if folder), None)
    if folder is None:
        raise ConfigError(
            '--pictures: no config of these streams says where the videos are '
            '(data.test.data_prefix). Leave it out, or give --config with one that does.'
        )
    packed = pack_pictures(results.clips.annotations, folder, order, budget)
    results.notes += packed.notes
    return {'pictures': packed.texts, 'pictureFrames': packed.numbers}


def _by_importance(results: Results, classes: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return all clips: typical ones, mistakes in order of confidence, then the rest."""
    typical = [row['typical'] for row in classes if row['typical'] is not None]
    confidence, wrong = results.blended.max(1), results.blended.argmax(1) != results.labels
    return list(dict.fromkeys([*typical, *np.lexsort((-confidence, ~wrong)).tolist()]))
