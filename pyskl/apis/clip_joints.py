"""Clips with the joints that a network takes, where these follow from the joints that they have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..annotations.compressed import is_compressed
from ..errors import ConfigError, DataError
from ..skeletons import Layout, guess_layout, layout_to_draw
from ..skeletons.mapping import joint_origins, map_joints
from ..wording import plain
from .trained import TrainedRecognizer


def layout_of_model(model: TrainedRecognizer) -> Layout | None:
    """Return the layout of the joints that a model takes; None if it is unknown.

    A step of its pipeline or the network's graph says it. Otherwise it is the known layout with as
    many joints, if there is only one.
    """
    layout, num_joints = model.wanted.expected.layout, model.wanted.num_joints
    graph = (model.cfg.model or {})['backbone'].get('graph_cfg') or {}
    if layout is None and 'layout' in graph:
        return layout_to_draw(graph['layout'])
    return layout or (None if num_joints is None else guess_layout(num_joints))


def check_layouts(given: Layout, wanted: Layout | None, name: str) -> None:
    """Raise a DataError if a network's joints do not follow from those of a clip called `name`."""
    if wanted is None or given.joints == wanted.joints:
        return
    try:
        joint_origins(given, wanted)
    except ConfigError as error:
        raise DataError(
            f'{plain(name)}: {error} The network takes {wanted.name}, {wanted.num_joints} joints: '
            'extract key points that hold them all (tools/extract_pose.py; docs/from_video.md says '
            f'which do), or train a network on {given.name}.'
        ) from error


def with_joints(
    clip: Mapping[str, Any], given: Layout | None, wanted: Layout | None
) -> Mapping[str, Any]:
    """Return a clip with the joints of another layout, as far as they follow from its own.

    Args:
        clip: an annotation.
        given: its layout; None: unknown, the clip stays as it is.
        wanted: the network's; None: unknown, the clip stays as it is.

    Raises:
        DataError: a joint of the network does not follow from those of the clip.
    """
    if given is None or wanted is None or given.joints == wanted.joints:
        return clip
    check_layouts(given, wanted, clip['frame_dir'])
    if is_compressed(clip):
        raise DataError(
            f'{plain(clip["frame_dir"])}: is in the compressed form, of {given.name}, and the '
            f'network takes {wanted.name}. Make plain clips of it first: tools/convert.py k400.'
        )
    keypoint, score = map_joints(
        clip['keypoint'], clip['keypoint_score'], joint_origins(given, wanted)
    )
    return {**clip, 'keypoint': keypoint, 'keypoint_score': score}
