"""Checks that need no data: datasets with their pipelines, and whether they fit the model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from ..datasets.pipelines import Compose, Step
from ..errors import ConfigError, Faults, did_you_mean
from ..evaluation import prefixes
from ..models.heads.base import Head
from ..models.recognizers.base import Recognizer
from ..registry import DATASETS, HEADS, LOSSES, PIPELINES, RECOGNIZERS
from ..signature import accepted
from .graph_checks import bones_note, check_features, check_graph
from .nested_datasets import dataset_configs


def check_dataset(cfg: Any, where: str) -> None:
    """Check a dataset's config, the stages of its pipeline, and the datasets inside it.

    Args:
        cfg: the config.
        where: its place as the user knows it, 'joint.py: data.train'.

    Raises:
        ConfigError: naming the place of each fault.
    """
    faults = Faults()
    with faults:
        DATASETS.check(cfg, where)
    for place, dataset in dataset_configs(cfg, where):
        pipeline = dataset.get('pipeline')
        if isinstance(pipeline, (list, tuple)):
            for i, stage in enumerate(pipeline):
                with faults:
                    PIPELINES.check(stage, f'{place}.pipeline[{i}]')
    faults.raise_any(where)


def check_sense(
    model: Mapping[str, Any] | None,
    datasets: Mapping[str, Mapping[str, Any]],
    name: str,
    trains: bool = True,
) -> tuple[bool | None, str | None]:
    """Check that model and data fit together, before any data is read.

    Args:
        model: the config's, checked; None if it has faults: then only the pipelines are checked.
        datasets: by split, checked.
        name: of the config, for messages.
        trains: whether data.train is needed.

    Returns:
        Whether any pipeline collects `emb`, a label's vector; None if that is unknown: for a data
        set without a pipeline, or a step that does not declare what it gives.
        And a line for the log, see graph_checks.bones_note.

    Raises:
        ConfigError: lists all faults: another number of classes, several labels per clip in only
            one of the two, a pipeline without the entries that the recognizer takes, joints, people
            or features that differ (see graph_checks).
    """
    faults = Faults()
    collected: list[set[str] | None] = []
    pipelines: list[tuple[str, Compose]] = []
    head = None if model is None else model.get('cls_head')
    if isinstance(head, Mapping):
        with faults:
            _check_loss(head, name)
    for split, whole in datasets.items():
        for place, dataset in dataset_configs(whole, f'{name}: data.{split}'):
            if isinstance(head, Mapping):
                with faults:
                    _check_classes(head, dataset, place)
                with faults:
                    _check_several(head, dataset, place)
            pipeline, steps = None, dataset.get('pipeline')
            # unknown for a data set that is no ClipDataset
            entries = getattr(DATASETS.get(dataset.get('type')), 'entries', None)
            with faults:
                if isinstance(steps, (list, tuple)):
                    pipeline = Compose(steps, f'{place}.pipeline', entries)
            collected.append(None if pipeline is None else pipeline.gives)
            if pipeline is None:
                continue
            pipelines.append((f'{place}.pipeline', pipeline))
            if model is None:
                continue
            with faults:
                _check_gives(pipeline, split == 'train', place, model)
            with faults:
                check_graph(model, pipeline, f'{place}.pipeline', name)
    with faults:
        check_features(pipelines)
    collects_emb = any('emb' in (entries or ()) for entries in collected) or (
        None if None in collected else False
    )
    trains_emb = isinstance(head, Mapping) and head.get('loss_emb') is not None
    if trains and trains_emb and collects_emb is False:
        faults.add(
            f'{name}: model.cls_head.loss_emb trains embeddings, but no pipeline of this config '
            "collects 'emb'. Add 'emb' to the keys of Collect, or set "
            'model.cls_head.loss_emb=None for a head without '
            "embeddings (as PYSKL's own is)."
        )
    faults.raise_any(name)
    return collects_emb, None if model is None else bones_note(model, pipelines)


def check_best(
    save_best: str | None, metrics: Sequence[str], model: Mapping[str, Any], name: str
) -> None:
    """Check that the metric which decides on the best checkpoint is computed.

    Args:
        save_best: evaluation.save_best.
        metrics: names of the results of the metrics: top1_acc, top5_acc ...
        model: the config's, checked; its answers add prefixes to these names.
        name: of the config, for messages.

    Raises:
        ConfigError: `save_best` is none of these names.
    """
    answers = getattr(RECOGNIZERS.get(model['type']), 'answers', ())
    known = ('', *(prefixes(answers) if len(answers) > 1 else ()))
    names = [f'{prefix}{metric}' for prefix in known for metric in metrics]
    if save_best not in (None, 'auto', *names):
        raise ConfigError(
            f'{name}: evaluation.save_best = {save_best!r} is unknown. Known: auto, '
            f'{", ".join(names)}.{did_you_mean(save_best, names)}'
        )


def _check_classes(head: Mapping[str, Any], dataset: Mapping[str, Any], place: str) -> None:
    in_data, in_head = dataset.get('num_classes'), head.get('num_classes')
    if in_data is not None and in_head is not None and in_data != in_head:
        raise ConfigError(
            f'{place}.num_classes = {in_data}, but model.cls_head.num_classes = {in_head}. They '
            'must be equal.'
        )


def _check_loss(head: Mapping[str, Any], name: str) -> None:
    loss = head.get('loss_cls')
    cls = LOSSES.get(loss.get('type')) if isinstance(loss, Mapping) else None
    if cls is not None and getattr(cls, 'of_several_labels', False) and not head.get('multi_class'):
        raise ConfigError(
            f'{name}: model.cls_head.loss_cls ({cls.__name__}) is for clips with several labels at '
            'once. Set multi_class=True in model.cls_head and in the data sets, or take '
            'CrossEntropyLoss.'
        )


def _check_several(head: Mapping[str, Any], dataset: Mapping[str, Any], place: str) -> None:
    classes = (DATASETS.get(dataset.get('type')), HEADS.get(head.get('type')))
    if not all(cls is not None and 'multi_class' in accepted(cls) for cls in classes):
        return  # a user's own class may support several labels without the argument
    in_data, in_head = bool(dataset.get('multi_class')), bool(head.get('multi_class'))
    if in_data != in_head:
        raise ConfigError(
            f'{place}.multi_class = {in_data}, but model.cls_head.multi_class = {in_head}. Set '
            'both to True for clips with several labels at once, otherwise leave both out.'
        )


def _check_gives(pipeline: Compose, trains: bool, place: str, cfg: Mapping[str, Any]) -> None:
    """Check that a pipeline gives what the recognizer takes; the only place that does."""
    model, gives = cfg['type'], pipeline.gives
    takes = cast(type[Recognizer], RECOGNIZERS.get(model)).takes
    wanted = (*takes, 'label') if trains else takes
    missing = [key for key in wanted if gives is not None and key not in gives]
    if not missing:
        return
    # Name the last step that selects entries, Collect or a user's own.
    selecting = [
        i
        for i, step in enumerate(pipeline.steps)
        if getattr(type(step), 'keys_after', Step.keys_after) is not Step.keys_after
    ]
    if selecting:
        last = selecting[-1]
        where = f'{place}.pipeline[{last}] ({type(pipeline.steps[last]).__name__})'
        raise ConfigError(
            f'{where} does not collect {missing[0]!r}, which '
            f'{"training" if missing[0] == "label" else model} needs. Add it to keys.'
        )
    raise ConfigError(
        f'{place}.pipeline: ends without {missing[0]!r}, which {model} needs. Expected steps that '
        f'produce it, and Collect with keys={[*wanted]}.'
    )


def choose_embedding(
    model: Mapping[str, Any], collects_emb: bool | None, weights: Collection[str] | None = None
) -> tuple[dict[str, Any], str | None]:
    """Decide whether a head whose config does not mention `loss_emb` gets a semantic embedding.

    Args:
        model: the config's `model`.
        collects_emb: whether a pipeline collects `emb` (check_sense): then it gets an embedding.
        weights: names of a checkpoint's weights; if given, they decide instead.

    Returns:
        The model's config, with loss_emb=None if there is to be no embedding, and a line for the
        log: None if the config decides, or the head has no embedding at all.
    """
    model, head = dict(model), model.get('cls_head')
    if not isinstance(head, Mapping):
        return model, None
    cls = cast(type[Head] | None, HEADS.get(head.get('type')))
    if cls is None or 'loss_emb' in head or 'loss_emb' not in accepted(cls):
        return model, None
    if weights is not None:
        names = {name.removeprefix('module.') for name in weights}
        wanted = any(f'cls_head.{key}' in names for key in cls.embedding_keys)
        reason = f'the checkpoint has {"its weights" if wanted else "no weights for one"}'
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
