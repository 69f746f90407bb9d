"""The folder of a trained network: its config, weights, facts and model card.

    config.json            what from_pretrained builds the network from
    model.safetensors      the weights, and the checkpoint's meta
    label_embeddings.npy   its table of label vectors, where the config names one
    config.py              the same config for the commands (pyskl test, predict ...)
    README.md              the model card

A folder may come from a stranger, so it is data: config.py is a program and never read here, and
what config.json names is taken from this package's components.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import nn

from .. import __version__
from ..apis import init_recognizer
from ..apis.setup import read_run
from ..apis.skeleton import input_of
from ..datasets.label_embeddings import load_label_embeddings
from ..engine.checkpoint import read_checkpoint
from ..errors import ConfigError, DataError, UserError
from ..files.atomic import atomic_folder, atomic_write
from ..files.safe_tensors import save_safe_tensors
from ..files.texts import read_json
from ..labels import known_names, listed_names
from ..recipe import dump_config
from ..recipe.dump import plain
from ..wording import brief, some
from .card import About, facts_of, model_card
from .remote import FILES, downloaded

FORMAT = 1
CONFIG, WEIGHTS, VECTORS = 'config.json', 'model.safetensors', 'label_embeddings.npy'
MAX_BYTES = {CONFIG: 4 << 20, WEIGHTS: 4 << 30, VECTORS: 256 << 20}

# Keys of a data set's config that mean files of whoever trained the network.
_OF_THE_AUTHOR = ('ann_file', 'data_prefix', 'label_embeddings', 'split')
_KEPT = ('pyskl_version', 'label_names', 'epoch')  # of a checkpoint's meta


def save_pretrained(
    folder: str | os.PathLike,
    config: str | os.PathLike,
    checkpoint: str | os.PathLike,
    about: About | None = None,
    cfg_options: Mapping[str, Any] | Sequence[str] | None = None,
) -> Path:
    """Write a trained network as a folder, which takes the place of one of that name.

    First the network is built from the new folder, and its weights are compared.

    Args:
        folder: the new folder.
        config: path of the config that it was trained with.
        checkpoint: its weights, .pth or .safetensors.
        about: what only its author knows: licence, data, figures.
        cfg_options: changes of the config, as load_config takes them.

    Returns:
        `folder`.

    Raises:
        ConfigError: a config that needs code of its own, or values that JSON cannot hold.
        UserError: a package is missing, or the folder cannot be written.
    """
    about, folder = about or About(), Path(folder)
    _check_replaceable(folder)
    run = read_run(config, cfg_options, splits=('test',))
    if run.config.get('custom_imports'):
        raise ConfigError(
            f'{config}: custom_imports: whoever loads the folder does not have these modules, and '
            'code of strangers is not run. Only networks of this package can be saved so.'
        )
    model: Any = init_recognizer(run.config, checkpoint, 'cpu')
    trained = read_checkpoint(checkpoint)
    labels = known_names(model.cls_head.num_classes, *model.label_sources, layouts=model.layouts)
    settings = _settings(model, str(config))
    facts = facts_of(model, run.name, labels, trained['meta'], about, checkpoint)
    content = {'format': FORMAT, 'pyskl_version': __version__, **facts, 'config': settings}
    meta = {key: trained['meta'][key] for key in _KEPT if key in trained['meta']}
    meta |= input_of(model, model.cfg)

    with atomic_folder(folder) as new:
        _write(new / CONFIG, _json(content, str(config)))
        _write(new / 'README.md', model_card(facts, folder.name))
        save_safe_tensors(new / WEIGHTS, model.state_dict(), meta)
        table = model.cfg.data.test.get('label_embeddings')
        if table is not None and model.cls_head.has_embedding:
            settings['data']['test']['label_embeddings'] = VECTORS
            with atomic_write(new / VECTORS) as file:
                np.save(file, load_label_embeddings(table))
        _write(new / 'config.py', dump_config({**settings, 'labels': labels}))
        _compare(from_pretrained(new, 'cpu'), model, config)
    return folder


def _check_replaceable(folder: Path) -> None:
    """UserError where a folder of that name holds files that are not such a folder's."""
    others = sorted({p.name for p in folder.iterdir()} - {*FILES}) if folder.is_dir() else []
    if others:
        raise UserError(
            f'{folder}: is there already and holds {some(others, 3)}, which would be lost. Choose '
            'another name.'
        )


def _settings(model: Any, where: str) -> dict[str, Any]:
    """The config of a model without what is a matter of its author's machine."""
    recipe = model.cfg
    network = _without_start(recipe.model_config(model.state_dict())[0])
    test = _without_files(recipe.data.test)
    loader = {'videos_per_gpu': recipe.data.loader('test').videos_per_gpu, 'workers_per_gpu': 0}
    return plain({'model': network, 'data': {**loader, 'test': test}}, where)


def _without_files(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """A data set's config with a place for the file of whoever tests the network."""
    kept = {key: value for key, value in dataset.items() if key not in _OF_THE_AUTHOR}
    return {**kept, 'ann_file': 'data/test.pkl'} if 'ann_file' in dataset else kept


def _without_start(value: Any) -> Any:
    """A part of a model's config without the files that its training started from."""
    if isinstance(value, Mapping):
        return {key: _without_start(inner) for key, inner in value.items() if key != 'pretrained'}
    return [_without_start(v) for v in value] if isinstance(value, (list, tuple)) else value


def _json(content: Mapping[str, Any], where: str) -> str:
    if not _has_text_keys(content):
        raise ConfigError(
            f'{where}: a key is no text, which config.json cannot hold. Write model and data.test '
            "with texts as keys, dict(name=...) or {'name': ...}."
        )
    try:
        return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + '\n'
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f'{where}: its model or data.test cannot be written as JSON ({error}). Expected texts, '
            'finite numbers, lists and dicts.'
        ) from error


def _has_text_keys(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(k, str) and _has_text_keys(inner) for k, inner in value.items())
    return not isinstance(value, (list, tuple)) or all(map(_has_text_keys, value))


def _write(path: Path, text: str) -> None:
    with atomic_write(path, 'w', encoding='utf-8') as file:
        file.write(text)


def _compare(read: nn.Module, model: nn.Module, config: Any) -> None:
    weights = read.state_dict()
    same = weights.keys() == model.state_dict().keys() and all(
        torch.equal(value, weights[key]) for key, value in model.state_dict().items()
    )
    if not same:
        raise ConfigError(
            f'{config}: the network that is built from config.json is another one; nothing was '
            'written. Report it, with the config.'
        )


def from_pretrained(
    source: str | os.PathLike,
    device: str | torch.device | None = None,
    revision: str | None = None,
) -> nn.Module:
    """Build a network for inference_recognizer from a folder, or from the Hugging Face Hub.

    Nothing of the folder is executed. What config.json says decides how large the network is.

    Args:
        source: a folder that save_pretrained wrote, or the name of one on the hub, 'user/name'.
        device: 'cpu', 'cuda:0'; default: CUDA where there is one.
        revision: a branch, tag or commit of the hub; default: the newest.

    Raises:
        DataError: no such folder, or what is in it is damaged or too large.
        ConfigError: a config that this version cannot build.
        CheckpointError: weights that do not fit it.
        UserError: the hub cannot be reached, or a package is missing.
    """
    folder = Path(source)
    if not folder.is_dir():
        folder = downloaded(str(source), (CONFIG, WEIGHTS), (VECTORS,), MAX_BYTES, revision)
    for name, limit in MAX_BYTES.items():
        _check_size(folder / name, limit, required=name != VECTORS)
    config = _config(folder, _read(folder))
    try:
        return init_recognizer(config, folder / WEIGHTS, device)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as e:
        # Numbers that no author would write reach torch.
        raise ConfigError(
            f'{folder / CONFIG}: no network can be built from its config ({type(e).__name__}: '
            f'{brief(str(e))}). Get the folder again, or ask its author.'
        ) from e


def _check_size(path: Path, limit: int, required: bool) -> None:
    if not path.is_file():
        if required:
            raise DataError(
                f'{path}: no such file. Expected a folder that save_pretrained or pyskl export '
                f'--card wrote, with {CONFIG} and {WEIGHTS}.'
            )
    elif path.stat().st_size > limit:
        raise DataError(f'{path}: is larger than {limit >> 20} MiB, which no network here is.')


def _read(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    content = read_json(path, 'Expected what save_pretrained writes.', MAX_BYTES[CONFIG])
    number = content.get('format') if isinstance(content, dict) else None
    if number is None or not isinstance(content.get('config'), dict):
        raise DataError(
            f'{path}: is of another kind of network. Expected what save_pretrained writes, with '
            "'format' and 'config'."
        )
    if number != FORMAT:
        raise DataError(
            f'{path}: its format is {number!r}, this version of pyskl reads {FORMAT}. Update pyskl.'
        )
    return content


def _config(folder: Path, content: Mapping[str, Any]) -> Config:
    """Return the config of config.json: network and test pipeline, no file but the folder's."""
    path, given = folder / CONFIG, content['config']
    model, data = given.get('model'), given.get('data')
    test = data.get('test') if isinstance(data, dict) else None
    if not isinstance(model, dict) or not isinstance(test, dict):
        raise DataError(f"{path}: config: expected 'model' and 'data' with 'test', as dicts.")
    names = content.get('labels')
    labels = None if names is None else listed_names(names)
    if names is not None and labels is None:
        raise DataError(f'{path}: labels: expected the names of the classes, a list of texts.')
    test = _without_files(test)
    if (folder / VECTORS).is_file():
        test['label_embeddings'] = str(folder / VECTORS)
    data = {
        **{k: data[k] for k in ('videos_per_gpu', 'workers_per_gpu') if k in data},
        'test': test,
    }
    config = {'model': _without_start(model), 'data': data}
    if labels is not None:
        config['labels'] = labels
    return Config(config, filename=str(path))
