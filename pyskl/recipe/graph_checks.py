"""Checks, before any data is read, that pipelines and a graph network agree.

They must have the same joints, people and features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..datasets.pipelines import Compose, FormatGCNInput, GenSkeFeat
from ..errors import ConfigError
from ..models.backbones.graph_backbone import GraphBackbone
from ..registry import BACKBONES
from ..signature import accepted
from ..skeletons import Topology, topology_of


def check_graph(model: Mapping[str, Any], pipeline: Compose, place: str, name: str) -> None:
    """Check that a pipeline, a graph network and its head have the same joints and people.

    Users' own networks, and what only the data can tell, are checked with the first clip
    (apis.setup.check_match).

    Args:
        model: the config's model.
        pipeline: of one data set.
        place: of the pipeline, as the user knows it.
        name: of the config, for messages.

    Raises:
        ConfigError: joints or people differ.
    """
    backbone = model.get('backbone')
    if not isinstance(backbone, Mapping):
        return
    cls = BACKBONES.get(backbone.get('type'))
    if not (isinstance(cls, type) and issubclass(cls, GraphBackbone)):
        return
    if 'nx_node' not in backbone['graph_cfg']:
        skeleton = _skeleton(backbone['graph_cfg'].get('layout', 'coco'), name)
        _check_joints(model, skeleton, pipeline, place, name)
    _check_people(backbone, cls, pipeline, place)


def check_features(pipelines: Sequence[tuple[str, Compose]]) -> None:
    """Check that all pipelines make the same features.

    A network that was trained on bones is not to be tested on joints.

    Args:
        pipelines: (place, pipeline) of each data set.

    Raises:
        ConfigError: naming the first two that differ.
    """
    made = [
        (place, step.feats)
        for place, pipeline in pipelines
        for step in pipeline.steps
        if isinstance(step, GenSkeFeat)
    ]
    for place, feats in made[1:]:
        if feats != made[0][1]:
            raise ConfigError(
                f'{place} (GenSkeFeat): feats = {[*feats]}, but {[*made[0][1]]} in {made[0][0]}. A '
                'network is tested on the features that it was trained on: give both the same.'
            )


def bones_note(model: Mapping[str, Any], pipelines: Sequence[tuple[str, Compose]]) -> str | None:
    """Return a warning if bones are made along edges that the network's graph lacks; else None.

    Nothing else would show it if both layouts have the same number of joints, as NTU's and
    OpenPose's 25.

    Args:
        model: the config's model, which check_graph has passed.
        pipelines: (place, pipeline) of each data set.
    """
    backbone = model.get('backbone')
    if not isinstance(backbone, Mapping) or not isinstance(backbone.get('graph_cfg'), Mapping):
        return None
    graph = topology_of(backbone['graph_cfg'].get('layout', 'coco'))
    for place, pipeline in pipelines:
        for step in pipeline.steps:
            if isinstance(step, GenSkeFeat) and step.needs_joints is not None:
                bones = topology_of(step.dataset)
                missing = len(_undirected(graph) - _undirected(bones))
                if missing:
                    return (
                        f'{place} (GenSkeFeat): makes bones of the layout {bones.name!r}, which '
                        f'lacks {missing} edge(s) of {graph.name!r}, the layout of '
                        'model.backbone.graph_cfg. Give both the same layout, unless this is '
                        'intended.'
                    )
    return None


def _undirected(skeleton: Topology) -> set[frozenset[int]]:
    return {frozenset(edge) for edge in skeleton.edges}


def _skeleton(layout: Any, name: str) -> Topology:
    try:
        return topology_of(layout)
    except ConfigError as error:
        raise ConfigError(f'{name}: model.backbone.graph_cfg: {error}') from error


def _check_joints(
    model: Mapping[str, Any], skeleton: Topology, pipeline: Compose, place: str, name: str
) -> None:
    for step in pipeline.steps:
        if isinstance(step, GenSkeFeat) and step.needs_joints not in (None, skeleton.num_joints):
            raise ConfigError(
                f'{place} (GenSkeFeat): makes bones of {step.needs_joints} joints, but the layout '
                f'{skeleton.name!r} of model.backbone.graph_cfg has {skeleton.num_joints}. Give '
                'both the layout of your data: dataset=..., graph_cfg=dict(layout=...).'
            )
    head = model.get('cls_head')
    contrasted = head.get('joint_cfg') if isinstance(head, Mapping) else None
    if contrasted is not None and topology_of(contrasted).num_joints != skeleton.num_joints:
        raise ConfigError(
            f'{name}: model.cls_head.joint_cfg has {topology_of(contrasted).num_joints} joints, '
            f'but the layout {skeleton.name!r} of model.backbone.graph_cfg has '
            f'{skeleton.num_joints}. Give both the same layout.'
        )


def _check_people(
    backbone: Mapping[str, Any], cls: type[GraphBackbone], pipeline: Compose, place: str
) -> None:
    """Check the number of people if a built-in network normalises each person separately."""
    known = accepted(cls)
    settings = {name: backbone.get(name, known[name].default) for name in known}
    people = settings.get('num_person')
    each_apart = settings.get('data_bn_type', 'MVC') == 'MVC'
    if not each_apart or people is None or not cls.__module__.startswith('pyskl.'):
        return
    for step in pipeline.steps:
        if isinstance(step, FormatGCNInput) and step.num_person != people:
            raise ConfigError(
                f'{place} (FormatGCNInput): num_person = {step.num_person}, but '
                f'model.backbone.num_person = {people}, and {cls.__name__} normalises each person '
                'separately. Give both the same.'
            )
