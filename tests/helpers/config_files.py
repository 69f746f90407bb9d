"""The included configs, by kind of network: graph networks, PYSKL's or our own on heatmaps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from goldens import SMALL
from mmengine.config import Config

import pyskl.datasets  # noqa: F401 (fills the registries)
from pyskl.datasets import Compose
from pyskl.recipe import Recipe, load_config, read_recipe

CONFIGS = Path(__file__).parents[2] / 'configs'
SPLITS = ('train', 'val', 'test')
GRAPH_FAMILIES = (
    'aagcn',
    'ctrgcn',
    'dgstgcn',
    'msg3d',
    'protogcn',
    'sgn',
    'stgcn',
    'stgcn++',
    'strong_aug',
)

# What other configs start from, plans of many runs, NATOPS's, which have no val split
# (test_natops.py), and the template (test_own_skeletons.py); those that spot, whose data are
# recordings (test_spotting_configs.py).
_OTHERS = ('_base_', 'sweeps', 'natops', 'own', 'spotting')


def family_of(path: Path) -> str:
    return path.relative_to(CONFIGS).parts[0]


def _has_graph(path: Path) -> bool:
    return family_of(path) in GRAPH_FAMILIES or 'RecognizerGCN' in path.read_text()


_COMPLETE = sorted(p for p in CONFIGS.rglob('*.py') if family_of(p) not in _OTHERS)
GRAPH_CONFIGS = [p for p in _COMPLETE if _has_graph(p)]
POSEC3D_CONFIGS = [
    p for p in _COMPLETE if family_of(p) == 'posec3d' and 'imigue' not in p.parent.name
]
RGBPOSE_CONFIGS = [p for p in _COMPLETE if family_of(p) == 'rgbpose_conv3d']
HEATMAP_CONFIGS = [
    p for p in _COMPLETE if not _has_graph(p) and p not in POSEC3D_CONFIGS + RGBPOSE_CONFIGS
]


def name_of(path: Path) -> str:
    return str(path.relative_to(CONFIGS))


@cache
def config(path: Path) -> Config:
    return load_config(path)


@cache
def recipe(path: Path) -> Recipe:
    return read_recipe(config(path))


def splits_of(found: Recipe) -> dict[str, dict[str, Any]]:
    """Return the data sets by split, without RepeatDataset."""
    given = {split: getattr(found.data, split) for split in SPLITS if getattr(found.data, split)}
    return {split: dataset.get('dataset', dataset) for split, dataset in given.items()}


@cache
def _composed(pipeline: str) -> tuple[str, ...]:
    return tuple(map(repr, Compose(json.loads(pipeline)).steps))


def composed(pipeline: list[dict]) -> tuple[str, ...]:
    """Return the steps with all their settings; each pipeline is built once."""
    return _composed(json.dumps(pipeline))


def steps(*words: str | tuple[str, dict]) -> list[dict]:
    return [dict(type=w) if isinstance(w, str) else dict(type=w[0], **w[1]) for w in words]


def stages_of(path: Path) -> dict[str, list[list]]:
    """Return [type, arguments] of each step by split, with lists for tuples."""
    parts = {split: part['pipeline'] for split, part in splits_of(recipe(path)).items()}
    return {
        split: [[step.pop('type'), step] for step in json.loads(json.dumps(pipeline))]
        for split, pipeline in parts.items()
    }


def published_stages(file: str) -> dict[str, list[list]]:
    """Return the steps of PYSKL's pipelines by the place that uses them: 'folder/name:split'."""
    known = json.loads((SMALL / 'cnn' / file).read_text())
    return {use: pipeline['stages'] for pipeline in known for use in pipeline['used_by']}


def paths_in(value: Any, path: tuple = ()) -> list[tuple]:
    """Return the keys that lead to each value inside dicts and lists."""
    inner = value if isinstance(value, dict) else {}
    if isinstance(value, (list, tuple)):
        inner = dict(enumerate(value))
    found = [place for key, item in inner.items() for place in paths_in(item, (*path, key))]
    return [path, *found] if path else found


DELETE = object()


def with_value(value: Any, path: Sequence, new: Any) -> Any:
    """Return a part of a config with `new` at a path of keys; DELETE takes out what is there."""
    if not path:
        return new
    key, *rest = path
    if isinstance(value, (list, tuple)):
        items = (
            with_value(item, rest, new) if str(i) == str(key) else item
            for i, item in enumerate(value)
        )
        return type(value)(items)
    inner = value if isinstance(value, dict) else {}
    inner = {**inner, key: with_value(inner.get(key), rest, new)}
    return {k: v for k, v in inner.items() if v is not DELETE}
