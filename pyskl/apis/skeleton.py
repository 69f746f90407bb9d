"""Store a network's skeleton and features in checkpoints, and compare them with a config's."""

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
    """Return a network's skeleton for a checkpoint's meta, in plain lists; None without a graph.

    A name may mean another skeleton later, and a config's dict may change, so everything is stored:
    name, num_joints, edges (child, parent), centre, bone_partner and mirror, as in Topology.
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
    """Return a warning if a checkpoint was trained on another skeleton than the model's, or None.

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
        f'{source}: was trained on the skeleton {plain(before.get("name"))}, which differs from '
        f'that of this config ({some(changes, 3)}). Its adjacency matrices stay, but bones are '
        'computed as the config says. Give the layout that it was trained with, unless this is '
        'intended.'
    )


def features_of(recipe: Recipe) -> list[str] | None:
    """Return a network's features for a checkpoint's meta, ['j', 'b'], or None."""
    for split in ('train', 'test', 'val'):
        for _, dataset in dataset_configs(getattr(recipe.data, split)):
            for step in dataset.get('pipeline') or ():
                if isinstance(step, Mapping) and step.get('type') == 'GenSkeFeat':
                    return list(step.get('feats', ['j']))
    return None


def other_features(recipe: Recipe, meta: Mapping[str, Any], source: str) -> str | None:
    """Return a warning if a checkpoint was trained on other features than the config's, or None.

    Args:
        recipe: the config's.
        meta: of the checkpoint.
        source: its file.
    """
    before, now = meta.get('features'), features_of(recipe)
    if now is None or not isinstance(before, (list, tuple)) or list(before) == now:
        return None
    return (
        f'{source}: was trained on the features {brief(list(before))}, but GenSkeFeat of this '
        f'config makes {now}. Give those that it was trained on (stream, or feats of every '
        'GenSkeFeat), unless this is intended.'
    )


def input_of(model: nn.Module, recipe: Recipe) -> dict[str, Any]:
    """Return a network's skeleton, features and layouts for a checkpoint's meta."""
    return {
        'skeleton': skeleton_of(model),
        'features': features_of(recipe),
        'layouts': layouts_of(recipe),
    }


def complaints(model: nn.Module, recipe: Recipe, meta: Mapping[str, Any], source: str) -> list[str]:
    """Return warnings if a checkpoint was trained on another skeleton or other features."""
    skeletons = other_layouts(recipe, meta, source)
    others = () if skeletons else (other_skeleton(model, meta, source),)
    found = (*skeletons, *others, other_features(recipe, meta, source))
    return [complaint for complaint in found if complaint]
