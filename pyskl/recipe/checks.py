"""Checks that need no data: datasets with their pipelines, and whether model and data can belong together."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ConfigError
from ..registry import DATASETS, HEADS, PIPELINES
from ..signature import accepted
from .settings import TopLevel
from .walk import dataset_configs


def check_dataset(cfg: Any, where: str) -> None:
    """Check a dataset's config, its pipeline's stages and the datasets inside of it. ConfigError names the place."""
    DATASETS.check(cfg, where)
    for place, dataset in dataset_configs(cfg, where):
        pipeline = dataset.get('pipeline')
        if isinstance(pipeline, (list, tuple)):
            for i, stage in enumerate(pipeline):
                PIPELINES.check(stage, f'{place}.pipeline[{i}]')


def check_sense(top: TopLevel, name: str) -> None:
    """Check model against data. ConfigError when they can't belong together."""
    head = (top.model or {}).get('cls_head')
    if not isinstance(head, Mapping):
        return
    for split in ('train', 'val', 'test'):
        for place, dataset in dataset_configs(getattr(top.data, split), f'{name}: data.{split}'):
            _check_classes(head, dataset, place)
            if split == 'train':
                _check_collected(head, dataset, place)


def _check_classes(head: Mapping[str, Any], dataset: Mapping[str, Any], place: str) -> None:
    ours, theirs = dataset.get('num_classes'), head.get('num_classes')
    if ours is not None and theirs is not None and ours != theirs:
        raise ConfigError(f'{place}.num_classes = {ours}, but model.cls_head.num_classes = {theirs}. They must be equal.')


def _check_collected(head: Mapping[str, Any], dataset: Mapping[str, Any], place: str) -> None:
    """Training needs what the losses take to be collected: label, and emb where the head compares embeddings."""
    pipeline = dataset.get('pipeline')
    for i, stage in enumerate(pipeline if isinstance(pipeline, (list, tuple)) else []):
        if not isinstance(stage, Mapping) or stage.get('type') != 'Collect' or not isinstance(stage.get('keys'), (list, tuple)):
            continue
        stage_place = f'{place}.pipeline[{i}] (Collect)'
        for key in ('imgs', 'label'):
            if key not in stage['keys']:
                raise ConfigError(f'{stage_place} does not collect {key!r}, which training needs. Add it to keys.')
        if 'emb' not in stage['keys'] and _wants_emb(head):
            raise ConfigError(f"{stage_place} does not collect 'emb', but model.cls_head compares embeddings. Add it to keys, "
                              'or set model.cls_head.loss_emb=None for a head without embeddings (as PYSKL\'s own is).')


def _wants_emb(head: Mapping[str, Any]) -> bool:
    cls = HEADS.get(head.get('type'))
    parameter = accepted(cls).get('loss_emb') if cls else None
    return parameter is not None and head.get('loss_emb', parameter.default) is not None
