"""MMAction2 0.x: PYSKL's sections, with other names inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..nested_datasets import inner_datasets
from .networks import has_mmaction_names, translate_model
from .stages import translate_pipeline
from .translation_log import TranslationLog

NAME = 'MMAction2 0.x'

_OLD_STAGES = ('PaddingWithLoop', 'LoadKineticsPose', 'PoseNormalize')


def is_spoken(values: Mapping[str, Any]) -> bool:
    """Return whether the model or a stage has a name that PYSKL does not know.

    The rest tells nothing: PYSKL's own files have data_prefix, too.
    """
    model = values.get('model')
    if not isinstance(model, Mapping) or not isinstance(values.get('data'), Mapping):
        return False
    head = model.get('cls_head')
    in_head = isinstance(head, Mapping) and ('dropout_ratio' in head or 'spatial_type' in head)
    return (
        in_head
        or has_mmaction_names(model.get('backbone'))
        or model.get('type') == 'SkeletonGCN'
        or any(stage in str(values['data']) for stage in _OLD_STAGES)
    )


def translate(values: Mapping[str, Any], log: TranslationLog) -> dict[str, Any]:
    """Translate a config; what PYSKL calls the same stays."""
    translated = dict(values)
    model = translate_model(values['model'], log)
    for part in ('train_cfg', 'test_cfg'):  # early configs have them at the top
        if isinstance(values.get(part), Mapping) or part in values and values[part] is None:
            given = translated.pop(part)
            if isinstance(model, Mapping) and given:
                model = {**model, part: given}
    if isinstance(model, dict):
        model = {
            k: v for k, v in model.items() if k not in ('train_cfg', 'test_cfg') or v is not None
        }
    translated['model'] = model
    data = dict(values['data'])
    for split in ('train', 'val', 'test'):
        if split in data:
            data[split] = translate_dataset(data[split], f'data.{split}', log)
    translated['data'] = data
    _translate_workflow(translated, log)
    return translate_best(translated, log)


def translate_dataset(
    dataset: Any, place: str, log: TranslationLog, normalize: Mapping | None = None
) -> Any:
    """Translate a data set and those inside it; what is no dict stays, for the checks to report.

    Args:
        dataset: its config.
        place: of the config, as the user knows it.
        log: takes notes and faults.
        normalize: mean and std of pictures, if the model of 1.x normalises them.
    """
    if not isinstance(dataset, Mapping):
        return dataset
    changed = dict(dataset)
    changed.pop('test_mode', None)  # given when it is built
    for (key, *index), inner in inner_datasets(dataset):
        where = f'{place}.{key}[{index[0]}]' if index else f'{place}.{key}'
        new = translate_dataset(inner, where, log, normalize)
        if index:
            changed[key] = [new if i == index[0] else old for i, old in enumerate(changed[key])]
        else:
            changed[key] = new
    if 'data_prefix' in changed:
        folder = _folder_of_videos(changed.pop('data_prefix'), place, log)
        if folder:
            changed['data_prefix'] = folder
    if changed.get('valid_ratio') and 'box_thr' not in changed:
        changed['box_thr'] = 0.5  # MMAction2's default
    if 'pipeline' in changed:
        where = f'{place}.pipeline'
        changed['pipeline'] = translate_pipeline(changed['pipeline'], where, log, normalize)
    return changed


def _folder_of_videos(prefix: Any, place: str, log: TranslationLog) -> Any:
    """Return the folder of videos or frames that data_prefix names; None without one."""
    folders = prefix if isinstance(prefix, Mapping) else {'video': prefix}
    if folders.get('skeleton'):
        log.note(
            f'{place}.data_prefix: the key points are expected in ann_file itself, not as one '
            f'file per clip in {folders["skeleton"]!r}.'
        )
    folder = folders.get('video') or folders.get('img')
    if not any(folders.values()):
        log.leave_out('data_prefix')
    return folder


def _translate_workflow(values: dict[str, Any], log: TranslationLog) -> None:
    flow: Any = values.get('workflow')
    alone = (
        isinstance(flow, (list, tuple)) and len(flow) == 1 and isinstance(flow[0], (list, tuple))
    )
    if alone and len(flow[0]) == 2 and flow[0][0] == 'train' and flow[0][1] != 1:
        del values['workflow']
        log.note(f'workflow = {flow!r} is ignored: evaluation.interval says when to validate.')


def translate_best(values: Mapping[str, Any], log: TranslationLog) -> dict[str, Any]:
    """Read key_indicator, which PYSKL's configs also have, as save_best."""
    evaluation = values.get('evaluation')
    if not isinstance(evaluation, Mapping) or 'key_indicator' not in evaluation:
        return dict(values)
    kept = {key: value for key, value in evaluation.items() if key != 'key_indicator'}
    kept.setdefault('save_best', evaluation['key_indicator'])
    log.note('evaluation.key_indicator is read as save_best.')
    return {**values, 'evaluation': kept}
