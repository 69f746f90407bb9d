"""Weights of MMAction2 under the names that they have here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..errors import CheckpointError

# MMAction2 1.x's graph networks name the classifier otherwise; its backbones are as ours.
_HEAD_1 = [(r'cls_head\.fc\.(.+)', r'cls_head.fc_cls.\1')]

# MMAction2 0.x's ST-GCN: `i` counts its blocks.
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


# What the meta of MMAction2's checkpoints holds, of 1.x and of 0.x.
_MMACTION = ('mmengine_version', 'mmaction_version')


def to_our_names(
    state: Mapping[str, Tensor], source: str, content: Mapping[str, Any] | None = None
) -> tuple[dict[str, Tensor], list[str]]:
    """Give the weights of a whole recognizer the names that they have here.

    Read are the weights of PYSKL as they are, of MMAction2 1.x (the statistics of its pictures,
    `data_preprocessor.*`, are left out: here they are a step of the pipeline; SlowFast's classifier
    takes the fast pathway first there) and the ST-GCN of MMAction2 0.x, whose graph becomes that of
    every block.

    Args:
        state: the weights by name; a leading 'module.' of all names is taken off.
        source: the file's name, for messages.
        content: all that the file holds, where that is more than weights; it tells whose they are.

    Returns:
        The weights, and a line for the log on each thing that was changed.

    Raises:
        CheckpointError: MMAction2 0.x's AGCN, which no network here computes.
    """
    state = {key.removeprefix('module.'): value for key, value in state.items()}
    notes: list[str] = []

    statistics = [key for key in state if key.startswith('data_preprocessor.')]
    if statistics:
        state = {key: value for key, value in state.items() if key not in statistics}
        notes.append(f'{", ".join(statistics)} left out: the pipeline normalises.')

    if any(key.startswith('backbone.agcn_networks.') for key in state):
        raise CheckpointError(
            f'{source}: holds the AGCN of MMAction2 0.x, whose attention is a softmax; the AAGCN that is here '
            'takes a tanh, as its authors do, and would compute something else. Take the 2s-agcn of '
            'MMAction2 1.x.'
        )
    blocks = sorted({int(found[1]) for key in state if (found := _BLOCK_0.match(key))})
    if blocks:
        state = _renamed(_stgcn_of_0x(state, blocks), _STGCN_0)
        notes.append("MMAction2 0.x's ST-GCN: its weights were given the names of STGCN.")

    if 'cls_head.fc.weight' in state and 'cls_head.fc_cls.weight' not in state:
        state = _renamed(state, _HEAD_1)
        notes.append('cls_head.fc is read as cls_head.fc_cls.')

    if (statistics or _is_of_mmaction(content or {})) and _put_slow_first(state):
        notes.append(
            "MMAction2's SlowFast: the columns of cls_head.fc_cls were swapped, to slow first."
        )
    return state, notes


def _is_of_mmaction(content: Mapping[str, Any]) -> bool:
    meta = content.get('meta')
    return 'message_hub' in content or any(
        name in _MMACTION for name in (meta if isinstance(meta, Mapping) else {})
    )


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
    """Return the channels of a pathway's last stage: no BatchNorm is wider. 0 without one."""
    return max(
        (
            value.numel()
            for key, value in state.items()
            if key.startswith(pathway) and key.endswith('.bn.weight')
        ),
        default=0,
    )


def _renamed(state: Mapping[str, Tensor], names: list[tuple[str, str]]) -> dict[str, Tensor]:
    renamed = {}
    for key, value in state.items():
        for pattern, new in names:
            if re.fullmatch(pattern, key):
                key = re.sub(pattern, new, key)
                break
        renamed[key] = value
    return renamed


def _stgcn_of_0x(state: Mapping[str, Tensor], blocks: list[int]) -> dict[str, Tensor]:
    """One graph for all blocks -> each its own; a classifier by 1x1 convolution -> a linear one."""
    state = dict(state)
    graph = state.pop('backbone.A', None)
    if graph is not None:
        state.update({f'backbone.gcn.{i}.gcn.A': graph for i in blocks})
    classifier = state.get('cls_head.fc.weight')
    if classifier is not None and classifier.ndim == 4:
        state['cls_head.fc.weight'] = classifier.flatten(1)
    return state
