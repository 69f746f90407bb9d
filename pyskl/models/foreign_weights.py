"""Rename the weights of MMAction2 to our names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..errors import CheckpointError

# MMAction2 1.x's graph networks: only the classifier has another name.
_HEAD_1 = [(r'cls_head\.fc\.(.+)', r'cls_head.fc_cls.\1')]

# MMAction2 0.x's ST-GCN; the number counts its blocks.
_STGCN_0 = [
    (r'backbone\.st_gcn_networks\.(\d+)\.gcn\.conv\.(.+)', r'backbone.gcn.\1.gcn.conv.\2'),
    (r'backbone\.st_gcn_networks\.(\d+)\.tcn\.0\.(.+)', r'backbone.gcn.\1.gcn.bn.\2'),
    (r'backbone\.st_gcn_networks\.(\d+)\.tcn\.2\.(.+)', r'backbone.gcn.\1.tcn.conv.\2'),
    (r'backbone\.st_gcn_networks\.(\d+)\.tcn\.3\.(.+)', r'backbone.gcn.\1.tcn.bn.\2'),
    (r'backbone\.st_gcn_networks\.(\d+)\.residual\.0\.(.+)', r'backbone.gcn.\1.residual.conv.\2'),
    (r'backbone\.st_gcn_networks\.(\d+)\.residual\.1\.(.+)', r'backbone.gcn.\1.residual.bn.\2'),
    (r'backbone\.edge_importance\.(\d+)', r'backbone.gcn.\1.gcn.PA'),
]
_BLOCK_0 = re.compile(r'backbone\.st_gcn_networks\.(\d+)\.')

# Keys in the meta of MMAction2's checkpoints, of 1.x and of 0.x.
_MMACTION = ('mmengine_version', 'mmaction_version')


def to_our_names(
    state: Mapping[str, Tensor], source: str, content: Mapping[str, Any] | None = None
) -> tuple[dict[str, Tensor], list[str]]:
    """Rename the weights of a recognizer to our names.

    - PYSKL's weights stay as they are.
    - MMAction2 1.x: the picture statistics (`data_preprocessor.*`) are dropped, since here the
      pipeline normalises; the columns of SlowFast's classifier are swapped, since its fast pathway
      comes first.
    - MMAction2 0.x's ST-GCN: every block gets a copy of the network's graph.

    Args:
        state: weights by name; a leading 'module.' is removed.
        source: name of the file, for messages.
        content: the whole content of the file, which tells where it comes from.

    Returns:
        The weights, and a line for the log about each change.

    Raises:
        CheckpointError: the weights are MMAction2 0.x's AGCN, which no network here computes.
    """
    state = {key.removeprefix('module.'): value for key, value in state.items()}
    notes: list[str] = []

    statistics = [key for key in state if key.startswith('data_preprocessor.')]
    if statistics:
        state = {key: value for key, value in state.items() if key not in statistics}
        notes.append(f'{", ".join(statistics)} dropped: the pipeline normalises.')

    if any(key.startswith('backbone.agcn_networks.') for key in state):
        raise CheckpointError(
            f'{source}: holds the AGCN of MMAction2 0.x, whose attention is a softmax. Our AAGCN '
            'uses a tanh, as its authors do, and would compute something else. Use the 2s-agcn of '
            'MMAction2 1.x.'
        )
    blocks = sorted({int(found[1]) for key in state if (found := _BLOCK_0.match(key))})
    if blocks:
        state = renamed(_stgcn_of_0x(state, blocks), _STGCN_0)
        notes.append("MMAction2 0.x's ST-GCN: its weights were renamed to those of STGCN.")

    if 'cls_head.fc.weight' in state and 'cls_head.fc_cls.weight' not in state:
        state = renamed(state, _HEAD_1)
        notes.append('cls_head.fc is read as cls_head.fc_cls.')

    if (statistics or _is_of_mmaction(content or {})) and _put_slow_first(state):
        notes.append(
            "MMAction2's SlowFast: the columns of cls_head.fc_cls were swapped, to slow first."
        )
    return state, notes


def _is_of_mmaction(content: Mapping[str, Any]) -> bool:
    meta = content.get('meta')
    names = meta if isinstance(meta, Mapping) else ()
    return 'message_hub' in content or any(name in _MMACTION for name in names)


def _put_slow_first(state: dict[str, Tensor]) -> bool:
    """Swap the columns of SlowFast's classifier, in place; return whether there is one."""
    classifier = state.get('cls_head.fc_cls.weight')
    slow, fast = (_width(state, f'backbone.{name}_path.') for name in ('slow', 'fast'))
    if classifier is None or classifier.shape[1:] != (slow + fast,) or not slow or not fast:
        return False
    of_fast, of_slow = classifier.split([fast, slow], 1)
    state['cls_head.fc_cls.weight'] = torch.cat([of_slow, of_fast], 1)
    return True


def _width(state: Mapping[str, Tensor], pathway: str) -> int:
    """Return the width of a pathway's last stage, its widest BatchNorm; 0 without the pathway."""
    return max(
        (
            value.numel()
            for key, value in state.items()
            if key.startswith(pathway) and key.endswith('.bn.weight')
        ),
        default=0,
    )


def renamed(state: Mapping[str, Tensor], patterns: Sequence[tuple[str, str]]) -> dict[str, Tensor]:
    """Rename weights.

    Args:
        state: weights by name.
        patterns: regular expressions and their replacements; the first that matches a whole name
            applies.
    """
    result = {}
    for key, value in state.items():
        for pattern, new in patterns:
            if re.fullmatch(pattern, key):
                key = re.sub(pattern, new, key)
                break
        result[key] = value
    return result


def _stgcn_of_0x(state: Mapping[str, Tensor], blocks: list[int]) -> dict[str, Tensor]:
    """Copy the graph to each block; turn a 1x1 convolution as classifier into a linear layer."""
    state = dict(state)
    graph = state.pop('backbone.A', None)
    if graph is not None:
        state.update({f'backbone.gcn.{i}.gcn.A': graph for i in blocks})
    classifier = state.get('cls_head.fc.weight')
    if classifier is not None and classifier.ndim == 4:
        state['cls_head.fc.weight'] = classifier.flatten(1)
    return state
