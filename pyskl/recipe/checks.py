"""Checks that need no data.

Datasets with their pipelines, and whether model and data can belong together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..datasets.pipelines import Compose, Step
from ..errors import ConfigError
from ..registry import DATASETS, HEADS, LOSSES, PIPELINES, RECOGNIZERS
from ..signature import accepted
from .graph_checks import bones_note, check_features, check_graph
from .settings import TopLevel
from .walk import dataset_configs

SPLITS = ('train', 'val', 'test')


def check_dataset(cfg: Any, where: str) -> None:
    """Check a dataset's config, its pipeline's stages and the datasets inside of it.

    ConfigError names the place.
    """
    DATASETS.check(cfg, where)
    for place, dataset in dataset_configs(cfg, where):
        pipeline = dataset.get('pipeline')
        if isinstance(pipeline, (list, tuple)):
            for i, stage in enumerate(pipeline):
                PIPELINES.check(stage, f'{place}.pipeline[{i}]')


def check_sense(top: TopLevel, name: str) -> tuple[bool | None, str | None]:
    """Check that model and data belong together, before any data is read.

    Returns:
        Whether any pipeline collects `emb`, a label's vector. None where none is known to, but one
        may: a data set without a pipeline, or a step that does not say what it gives.
        And a line for the log, see graph_checks.bones_note.

    Raises:
        ConfigError: for another number of classes, several labels a clip in one of them alone, a
            pipeline that ends without what the recognizer takes, joints, people or features that
            differ (see graph_checks).
    """
    if not isinstance(top.model, Mapping):
        return None, None
    collected: list[set[str] | None] = []
    pipelines: list[tuple[str, Compose]] = []
    recognizer, head = RECOGNIZERS.get(top.model['type']), top.model.get('cls_head')
    if isinstance(head, Mapping):
        _check_loss(head, name)
    for split in SPLITS:
        for place, dataset in dataset_configs(getattr(top.data, split), f'{name}: data.{split}'):
            if isinstance(head, Mapping):
                _check_classes(head, dataset, place)
                _check_several(head, dataset, place)
            wanted = (*recognizer.takes, 'label') if split == 'train' else recognizer.takes
            pipeline = _pipeline(dataset, place)
            collected.append(None if pipeline is None else pipeline.gives)
            if collected[-1] is not None:
                _check_gives(pipeline, wanted, place, top.model['type'])
            if pipeline is not None:
                check_graph(top.model, pipeline, f'{place}.pipeline', name)
                pipelines.append((f'{place}.pipeline', pipeline))
    check_features(pipelines)
    collects_emb = any('emb' in (entries or ()) for entries in collected) or (
        None if None in collected else False
    )
    trains_emb = isinstance(head, Mapping) and head.get('loss_emb') is not None
    if trains_emb and collects_emb is False:
        raise ConfigError(
            f'{name}: model.cls_head.loss_emb trains embeddings, but no pipeline of this config '
            "collects 'emb'. Add 'emb' to the keys of Collect, or set "
            'model.cls_head.loss_emb=None for a head without '
            "embeddings (as PYSKL's own is)."
        )
    return collects_emb, bones_note(top.model, pipelines)


def _check_classes(head: Mapping[str, Any], dataset: Mapping[str, Any], place: str) -> None:
    ours, theirs = dataset.get('num_classes'), head.get('num_classes')
    if ours is not None and theirs is not None and ours != theirs:
        raise ConfigError(
            f'{place}.num_classes = {ours}, but model.cls_head.num_classes = {theirs}. They must '
            'be equal.'
        )


def _check_loss(head: Mapping[str, Any], name: str) -> None:
    loss = head.get('loss_cls')
    cls = LOSSES.get(loss.get('type')) if isinstance(loss, Mapping) else None
    if getattr(cls, 'of_several_labels', False) and not head.get('multi_class'):
        raise ConfigError(
            f'{name}: model.cls_head.loss_cls ({cls.__name__}) is for clips with several labels at '
            'once. Set multi_class=True in model.cls_head and in the data sets, or take '
            'CrossEntropyLoss.'
        )


def _check_several(head: Mapping[str, Any], dataset: Mapping[str, Any], place: str) -> None:
    takers = (DATASETS.get(dataset.get('type')), HEADS.get(head.get('type')))
    if not all(cls is not None and 'multi_class' in accepted(cls) for cls in takers):
        return  # one of the user's own, which may do it without
    ours, theirs = bool(dataset.get('multi_class')), bool(head.get('multi_class'))
    if ours != theirs:
        raise ConfigError(
            f'{place}.multi_class = {ours}, but model.cls_head.multi_class = {theirs}. Set both to '
            'True for clips with several labels at once, else leave both out.'
        )


def _check_gives(pipeline: Compose, wanted: Sequence[str], place: str, model: str) -> None:
    """The one check that a pipeline gives what the recognizer takes."""
    missing = [key for key in wanted if key not in pipeline.gives]
    if not missing:
        return
    # The step that chose the entries, Collect or one of the user's own.
    choosers = [
        i
        for i, step in enumerate(pipeline.steps)
        if getattr(type(step), 'keys_after', Step.keys_after) is not Step.keys_after
    ]
    if choosers:
        where = f'{place}.pipeline[{choosers[-1]}] ({type(pipeline.steps[choosers[-1]]).__name__})'
        raise ConfigError(
            f'{where} does not collect {missing[0]!r}, which '
            f'{"training" if missing[0] == "label" else model} needs. '
            'Add it to keys.'
        )
    raise ConfigError(
        f'{place}.pipeline: ends without {missing[0]!r}, which {model} needs. Expected steps that '
        f'make it, and Collect with keys={[*wanted]}.'
    )


def _pipeline(dataset: Mapping[str, Any], place: str) -> Compose | None:
    steps, cls = dataset.get('pipeline'), DATASETS.get(dataset.get('type'))
    entries = getattr(cls, 'entries', None)  # a data set that is no ClipDataset does not say
    return (
        Compose(steps, f'{place}.pipeline', entries) if isinstance(steps, (list, tuple)) else None
    )


def choose_embedding(
    model: Mapping[str, Any], collects_emb: bool | None, weights: Collection[str] | None = None
) -> tuple[dict[str, Any], str | None]:
    """Decide whether a head whose config does not mention `loss_emb` gets a semantic embedding.

    Args:
        model: the config's `model`.
        collects_emb: whether a pipeline collects `emb` (check_sense); then the embedding is wanted.
        weights: names of a checkpoint's weights; where given, they decide.

    Returns:
        The model's config, with loss_emb=None where there is to be no embedding, and a line for the
        log; None where the config says it, or the head knows no embedding.
    """
    model, head = dict(model), model.get('cls_head')
    cls = (
        HEADS.get(head['type'])
        if isinstance(head, Mapping) and isinstance(head.get('type'), str)
        else None
    )
    if cls is None or 'loss_emb' in head or 'loss_emb' not in accepted(cls):
        return model, None
    if weights is not None:
        names = {name.removeprefix('module.') for name in weights}
        wanted = any(f'cls_head.{key}' in names for key in cls.embedding_keys)
        reason = f'the checkpoint has {"its" if wanted else "no"} weights'
    else:
        wanted = bool(collects_emb)
        reason = f"{'a' if wanted else 'no'} pipeline collects 'emb'"
    if not wanted:
        model['cls_head'] = {**head, 'loss_emb': None}
    return (
        model,
        f'The head has {"a" if wanted else "no"} semantic embedding: {reason}, and '
        'cls_head.loss_emb is not given',
    )
