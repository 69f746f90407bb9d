"""The skeleton and features of a graph network, as its checkpoints remember them, and whether a config still means the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from ..recipe import Recipe, dataset_configs, differences
from ..skeletons import Topology
from ..wording import brief, plain, some
from .layouts import layouts_of, other_layouts

Skeleton = dict[str, Any]


def skeleton_of(model: nn.Module) -> Skeleton | None:
    """Return what a checkpoint's meta says of a network's skeleton, in plain lists; None without a graph.

    A name may mean another skeleton later, and a config's own dict may change, so all of it is told:
    name, num_joints, edges (child, parent), centre, bone_partner and mirror, as Topology has them.
    """
    topology = getattr(getattr(getattr(model, 'backbone', None), 'graph', None), 'topology', None)
    if not isinstance(topology, Topology):
        return None
    return {
        'name': topology.name,
        'num_joints': topology.num_joints,
        'edges': sorted(map(list, topology.edges)),
        'centre': topology.centre,
        'bone_partner': list(topology.bone_partner),
        'mirror': sorted(map(list, topology.mirror)),
    }


def other_skeleton(model: nn.Module, meta: Mapping[str, Any], source: str) -> str | None:
    """Return what to say where a checkpoint was trained on another skeleton than the model's; else None.

    Args:
        model: built from the config.
        meta: of the checkpoint.
        source: its file.
    """
    before, now = meta.get('skeleton'), skeleton_of(model)
    if now is None or not isinstance(before, Mapping):
        return None
    changes = differences({**before, 'name': now['name']}, now)
    if not changes:
        return None
    return (
        f'{source}: was trained on the skeleton {plain(before.get("name"))}, which differs from that of this '
        f'config ({some(changes, 3)}). Its adjacency matrices stay, but bones are made as the config says. '
        'Give the layout that it was trained with, unless that is meant.'
    )


def features_of(recipe: Recipe) -> list[str] | None:
    """Return what a checkpoint's meta says of a network's features, ['j'] or ['j', 'b']; None without GenSkeFeat."""
    for split in ('train', 'test', 'val'):
        for _, dataset in dataset_configs(getattr(recipe.data, split)):
            for step in dataset.get('pipeline') or ():
                if isinstance(step, Mapping) and step.get('type') == 'GenSkeFeat':
                    return list(step.get('feats', ['j']))
    return None


def other_features(recipe: Recipe, meta: Mapping[str, Any], source: str) -> str | None:
    """Return what to say where a checkpoint was trained on other features than the config makes; else None.

    Args:
        recipe: the config's.
        meta: of the checkpoint.
        source: its file.
    """
    before, now = meta.get('features'), features_of(recipe)
    if now is None or not isinstance(before, (list, tuple)) or list(before) == now:
        return None
    return (
        f'{source}: was trained on the features {brief(list(before))}, but GenSkeFeat of this config makes {now}. Give those that it was '
        'trained on (stream, or feats of every GenSkeFeat), unless that is meant.'
    )


def input_of(model: nn.Module, recipe: Recipe) -> dict[str, Any]:
    """Return what a checkpoint's meta says of what a network sees: skeleton, features, layouts."""
    return {
        'skeleton': skeleton_of(model),
        'features': features_of(recipe),
        'layouts': layouts_of(recipe),
    }


def complaints(model: nn.Module, recipe: Recipe, meta: Mapping[str, Any], source: str) -> list[str]:
    """Return all that is to be said where a checkpoint was trained on another skeleton or other features."""
    skeletons = other_layouts(recipe, meta, source) or [other_skeleton(model, meta, source)]
    found = (*skeletons, other_features(recipe, meta, source))
    return [complaint for complaint in found if complaint]
