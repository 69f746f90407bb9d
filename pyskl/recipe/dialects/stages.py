"""MMAction2's pipelines, translated to PYSKL's stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .translation_log import ANY, Idle, TranslationLog, kind_of


@dataclass(frozen=True)
class Stage:
    """How a stage of MMAction2 is translated.

    Attributes:
        type: its name here; None: the same.
        renamed: arguments that have another name here.
        values: argument -> {MMAction2's value: the value here}.
        added: arguments with which the stage here computes what MMAction2's does.
        idle: arguments that have no effect here; see TranslationLog.without_idle.
        note: a line for the log.
        lacking: why there is no such stage, and what to write instead.
    """

    type: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    added: Mapping[str, Any] = field(default_factory=dict)
    idle: Idle = field(default_factory=dict)
    note: str = ''
    lacking: str = ''


# Unlike PYSKL, MMAction2 does not draw a part of the clip before it samples.
_SAMPLING = Stage(added={'p_interval': None}, idle={'test_mode': ANY})
_NOT_LAZY = Stage(idle={'lazy': False})
_DECODERS = {'DecordDecode', 'OpenCVDecode', 'RawFrameDecode', 'ArrayDecode', 'MMDecode'}
_SIDES = {'left': 'left_kp', 'right': 'right_kp'}

STAGES: dict[str, Stage] = {
    'UniformSampleFrames': _SAMPLING,
    'UniformSample': _SAMPLING,
    'MMUniformSampleFrames': _SAMPLING,
    'SampleFrames': Stage(idle={'test_mode': ANY, 'start_index': ANY}),
    # MMAction2 ignores the scores here; GenSkeFeat adds them to the features in both toolboxes.
    'PreNormalize2D': Stage(added={'threshold': -1}),
    'FormatGCNInput': Stage(
        values={'mode': {'loop': 'repeat'}}, idle={'input_format': lambda value: value == 'NCTVM'}
    ),
    'RandomCrop': _NOT_LAZY,
    'RandomResizedCrop': _NOT_LAZY,
    'CenterCrop': _NOT_LAZY,
    'ThreeCrop': _NOT_LAZY,
    'Resize': _NOT_LAZY,
    'Flip': Stage(renamed=_SIDES, idle={'lazy': False}),
    'GeneratePoseTarget': Stage(renamed=_SIDES),
    'FormatShape': Stage(idle={'collapse': False}),
    # Only in 0.x:
    'PaddingWithLoop': Stage(
        'PadTo',
        renamed={'clip_len': 'length'},
        added={'mode': 'loop'},
        idle={'num_clips': 1},
        note='PaddingWithLoop is read as PadTo, which refuses longer clips, where PaddingWithLoop '
        'cuts them.',
    ),
    'LoadKineticsPose': Stage(
        'DecompressPose',
        idle=dict.fromkeys(('io_backend', 'keypoint_weight', 'source'), ANY),
        added={'max_person': 100},
        note='LoadKineticsPose is read as DecompressPose, which orders people by the plain sum of '
        'their scores, and takes the key points from the annotation file.',
    ),
    'PoseNormalize': Stage(
        lacking="has no counterpart. Write dict(type='PreNormalize2D', threshold=-1): x and y are "
        'then twice as large and the score is not shifted, so train anew.'
    ),
}


def translate_pipeline(
    steps: Any, place: str, log: TranslationLog, normalize: Mapping | None = None
) -> Any:
    """Translate a pipeline's stages; what is no list of dicts stays, for the checks to report.

    Args:
        steps: the pipeline.
        place: of the pipeline, as the user knows it.
        log: takes notes and faults.
        normalize: mean and std of pictures, if the model of 1.x normalises them.
    """
    if not isinstance(steps, (list, tuple)):
        return steps
    kinds = [kind_of(step) for step in steps]
    translated: list[Any] = []
    for i, (step, kind) in enumerate(zip(steps, kinds)):
        if kind == 'PackActionInputs':
            translated += _packed(step, kinds)
            continue
        if kind == 'FormatShape' and normalize is not None:
            translated.append({'type': 'Normalize', **normalize, 'to_bgr': False})
        # 0.x formats heatmaps as it formats pictures.
        draws = 'GeneratePoseTarget' in kinds and _DECODERS.isdisjoint(kinds)
        if kind == 'FormatShape' and draws and step.get('input_format') == 'NCTHW':
            step = {**step, 'input_format': 'NCTHW_Heatmap'}
        elif kind == 'PreNormalize3D':
            # 1.x aligns spine and shoulders by separate arguments.
            step = {'align_shoulder': True, **step} if 'align_spine' in step else dict(step)
        if kind == 'GeneratePoseTarget' and step.get('double') and 'PackActionInputs' not in kinds:
            log.note(
                'GeneratePoseTarget(double=True): here the heatmap is mirrored, in MMAction2 0.x '
                'the key points: one pixel apart.'
            )
        rule = STAGES.get(kind) if kind else None
        translated.append(step if rule is None else _by_rule(step, rule, f'{place}[{i}]', log))
    return translated


def _by_rule(
    step: Mapping[str, Any], rule: Stage, place: str, log: TranslationLog
) -> dict[str, Any]:
    where = f'{place} ({step["type"]})'
    if rule.lacking:
        log.cannot(where, rule.lacking)
    if rule.note:
        log.note(rule.note)
    kept = log.without_idle(step, rule.idle, where, 'Leave it out, or use another stage instead.')
    renamed = {
        rule.renamed.get(key, key): rule.values.get(key, {}).get(value, value)
        if isinstance(value, str)
        else value
        for key, value in kept.items()
    }
    added = {key: value for key, value in rule.added.items() if key not in renamed}
    return {**renamed, **({'type': rule.type} if rule.type else {}), **added}


def _packed(step: Mapping[str, Any], kinds: list[str | None]) -> list[dict[str, Any]]:
    """Translate PackActionInputs: collect what the network takes, and the label, as tensors."""
    entries = step.get('collect_keys')
    if not entries:
        draws = 'GeneratePoseTarget' in kinds
        entries = ['imgs'] if draws or _DECODERS.intersection(kinds) else []
        entries = entries or ['keypoint']
    entries = list(entries) if isinstance(entries, (list, tuple)) else [entries]
    return [
        {'type': 'Collect', 'keys': [*entries, 'label'], 'meta_keys': []},
        {'type': 'ToTensor', 'keys': entries},
    ]
