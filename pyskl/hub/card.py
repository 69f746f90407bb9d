"""Describe a trained network: facts for programs (config.json) and a model card for people."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DataError
from ..files.texts import parse_json, read_json
from ..wording import count, plain

MAX_BYTES = 1 << 20
_IN_TRAINING = ('optimizer', 'lr_config', 'total_epochs')
_OF_CHECKPOINT = ('epoch', 'seed', 'world', 'amp', 'pyskl_version', 'torch_version')


@dataclass(frozen=True)
class About:
    """What only the author of a network can say.

    Attributes:
        licence: of the weights, as the hub names it: 'apache-2.0', 'cc-by-nc-4.0'.
        dataset: name of the data that it was trained and tested on: 'iMiGUE'.
        metrics: the metrics.json of a test of this checkpoint.
    """

    licence: str | None = None
    dataset: str | None = None
    metrics: str | os.PathLike | None = None


def facts_of(
    model: Any,
    name: str,
    labels: Sequence[str] | None,
    meta: Mapping[str, Any],
    about: About,
    checkpoint: str | os.PathLike,
) -> dict[str, Any]:
    """Gather what config.json says beside the config.

    Args:
        model: from init_recognizer.
        name: of its config.
        labels: names of the classes, in class order; None: nobody knows them.
        meta: of its checkpoint.
        about: what its author says.
        checkpoint: its file.

    Raises:
        DataError: figures that cannot be read, or of another checkpoint.
    """
    return {
        'name': name,
        'network': str(model.cfg.model['backbone']['type']).removeprefix('pyskl.'),
        'parameters': sum(p.numel() for p in model.parameters()),
        'num_classes': model.cls_head.num_classes,
        'labels': None if labels is None else list(labels),
        'input': _input_of(model),
        'training': _training_of(meta),
        'test': None if about.metrics is None else _figures(about.metrics, checkpoint),
        'dataset': about.dataset,
        'licence': about.licence,
    }


def _input_of(model: Any) -> dict[str, Any]:
    """What a clip must have: key points or pictures, the skeleton, the frames that are taken."""
    wanted, steps = model.wanted, model.cfg.data.test['pipeline']
    clips = {'no': 'key points', 'beside': 'pictures and key points', 'alone': 'pictures'}
    units = None
    if wanted.pictures != 'alone':
        in_picture = 'x and y in pixels, a score'
        units = in_picture if wanted.step else f'{in_picture}; or x, y, z in space'
        units = 'x, y, z in space' if wanted.in_space else units
    layout = wanted.expected.layout
    sampling = next((step for step in steps if 'Sample' in str(step.get('type'))), None)
    return {
        'clips': clips[wanted.pictures],
        'units': units,
        'num_joints': wanted.num_joints,
        'layouts': sorted(model.layouts),
        'layout': None if layout is None else layout.config(),
        'sampling': sampling,
    }


def _training_of(meta: Mapping[str, Any]) -> dict[str, Any]:
    """What a checkpoint says of its training."""
    told = {key: meta[key] for key in _OF_CHECKPOINT if isinstance(meta.get(key), (int, str))}
    settings = meta.get('settings')
    if isinstance(settings, str):
        try:
            found = parse_json(settings, 'settings', '')
        except DataError:
            found = None
        if isinstance(found, dict):
            told.update({key: found[key] for key in _IN_TRAINING if key in found})
    return told


def _figures(path: str | os.PathLike, checkpoint: str | os.PathLike) -> dict[str, Any]:
    """The figures of a test, from its metrics.json."""
    expected = 'Expected the metrics.json that pyskl test writes.'
    found = read_json(path, expected, MAX_BYTES)
    figures = found.get('metrics') if isinstance(found, dict) else None
    if not isinstance(figures, dict) or not {'checkpoint', 'split', 'clips'} <= set(found):
        raise DataError(f'{path}: holds no figures of a test. {expected}')
    tested = str(found['checkpoint'])
    if not {Path(tested).name, _real_name(tested)} & {
        Path(checkpoint).name,
        _real_name(checkpoint),
    }:
        raise DataError(
            f'{path}: has the figures of {plain(tested)}, not of {checkpoint}. Test that '
            'checkpoint, or leave the figures out.'
        )
    numbers = {
        str(name): value
        for name, value in figures.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
    return {'split': str(found['split']), 'clips': found['clips'], 'metrics': numbers}


def _real_name(path: str | os.PathLike) -> str:
    return os.path.basename(os.path.realpath(path))


# -- the card --------------------------------------------------------------------------------------


def model_card(facts: Mapping[str, Any], name: str) -> str:
    """Write the model card: Markdown, with the front matter that the hub reads.

    Args:
        facts: see facts_of.
        name: of the folder.
    """
    lines = ['---', *_front_matter(facts, name), '---', f'# {_text(name)}']
    classes, given = count(facts['num_classes'], 'class'), facts['input']['clips']
    parameters = facts['parameters']
    lines += [
        f'A {facts["network"]} of {parameters:,} parameters that tells {classes} apart, from clips '
        f'of {given}. Made with pyskl.',
        '',
        '## Use',
        '```python',
        'from pyskl.apis import inference_recognizer',
        'from pyskl.hub import from_pretrained',
        '',
        'model = from_pretrained(FOLDER)  # this folder, or its name on the hub',
        'answer = inference_recognizer(model, clip)  # [(class, probability), ...]',
        '```',
        '',
        '`config.json` and `model.safetensors` are data: nothing in them is run. `config.py` is '
        'the same config for the commands (`pyskl test config.py -C model.safetensors`).',
        *_section('Input', _input_lines(facts['input'])),
        *_section('Classes', [f'{k}. {_text(n)}' for k, n in enumerate(facts['labels'] or ())]),
        *_section('Figures', _figure_lines(facts)),
        *_section('Training', [f'- {key}: `{v}`' for key, v in facts['training'].items()]),
        *_section('Licence', [_text(facts['licence'] or 'The author names none.')]),
    ]
    return '\n'.join(lines) + '\n'


def _front_matter(facts: Mapping[str, Any], name: str) -> Iterator[str]:
    """YAML, whose texts are written as JSON writes them."""

    def text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    yield f'license: {text(facts["licence"] or "unknown")}'
    yield 'library_name: pyskl'
    yield 'pipeline_tag: video-classification'
    yield 'tags: [skeleton-based-action-recognition, action-recognition]'
    if not facts['test']:
        return
    data = {'type': 'other', 'name': facts['dataset'] or 'unnamed', 'split': facts['test']['split']}
    figures = [
        {'type': 'accuracy' if key.endswith('_acc') else key, 'name': key, 'value': value}
        for key, value in facts['test']['metrics'].items()
    ]
    task = {'type': 'video-classification', 'name': 'Action recognition'}
    results = [{'task': task, 'dataset': data, 'metrics': figures}]
    yield f'model-index: {text([{"name": name, "results": results}])}'


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ['', f'## {title}', *lines] if lines else []


def _input_lines(given: Mapping[str, Any]) -> list[str]:
    lines = [f'- clips of {given["clips"]}']
    if given['units']:
        lines.append(f'- {given["units"]}; a missing joint is 0')
    if given['num_joints']:
        known = f' ({_text(", ".join(given["layouts"]))})' if given['layouts'] else ''
        lines.append(f'- {given["num_joints"]} joints{known}')
    if given['layout']:
        joints = ', '.join(f'{j} {name}' for j, name in enumerate(given['layout']['joints']))
        lines.append(f'- in this order: {_text(joints)}')
    if given['sampling']:
        lines.append(f'- frames: `{given["sampling"]}`')
    return lines


def _figure_lines(facts: Mapping[str, Any]) -> list[str]:
    test = facts['test']
    if not test:
        return []
    of = f'{facts["dataset"]}, ' if facts['dataset'] else ''
    head = f'{of}split {test["split"]}, {test["clips"]} clips'
    rows = [f'| {_text(name)} | {value:.4f} |' for name, value in test['metrics'].items()]
    return [_text(head), '', '| figure | value |', '|---|---|', *rows]


def _text(value: str) -> str:
    """Text from elsewhere in Markdown: on one line, and neither markup nor the end of a cell."""
    return html.escape(' '.join(value.split()), quote=False).replace('|', '\\|')
