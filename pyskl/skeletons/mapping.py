"""The joints of one layout from those of another, by their names.

A joint of the wanted layout is the one of the same name; a neck or a middle of the hips that is not
there is the point halfway between both shoulders, or hips, as OpenPose's own neck is annotated. A
joint with neither is not guessed: such a mapping is refused. So imigue22 can be made of
mediapipe_upper_hands, mediapipe_holistic75, coco_wholebody133, halpe136, openpose137 and
openpose_upper_hands, coco17 of every layout with a whole body, and imigue22 of no layout without
finger tips.
"""

from __future__ import annotations

import numpy as np

from ..errors import ConfigError
from ..wording import some
from .layout import Layout
from .poses import is_present

_HALFWAY = {
    'neck': ('left shoulder', 'right shoulder'),
    'middle hip': ('left hip', 'right hip'),
}
Origins = tuple[tuple[int, ...], ...]


def joint_origins(given: Layout, wanted: Layout) -> Origins:
    """Return where each joint of `wanted` comes from: one joint of `given`, or two to be halved.

    Raises:
        ConfigError: naming the joints that `given` has nothing for.

    Examples:
        >>> from pyskl.skeletons import LAYOUTS
        >>> joint_origins(LAYOUTS['coco17'], LAYOUTS['openpose18'])[:3]
        ((0,), (5, 6), (6,))
    """
    place = {joint: i for i, joint in enumerate(given.joints)}
    names = [(j,) if j in place else _HALFWAY.get(j, (j,)) for j in wanted.joints]
    lacking = [joint for joint, of in zip(wanted.joints, names) if not set(of) <= set(place)]
    if lacking:
        raise ConfigError(
            f'layout {given.name} has nothing that stands for {some(lacking)} of {wanted.name}.'
        )
    return tuple(tuple(place[name] for name in of) for of in names)


def map_joints(
    keypoint: np.ndarray, score: np.ndarray, origins: Origins
) -> tuple[np.ndarray, np.ndarray]:
    """Return the key points and scores of another layout.

    Args:
        keypoint: (..., V, C) places; a missing joint is one that `is_present` does not see.
        score: (..., V).
        origins: from joint_origins, of V' joints.

    Returns:
        (..., V', C) and (..., V'). A joint halfway between two is there where both are, as
        confidence as the less confidence of them; else it is 0.
    """
    first = [of[0] for of in origins]
    last = [of[-1] for of in origins]
    halved = np.array([len(of) == 2 for of in origins])
    place, confidence = keypoint[..., first, :].copy(), score[..., first].copy()
    other, other_confidence = keypoint[..., last, :], score[..., last]
    both = is_present(place, confidence) & is_present(other, other_confidence)
    place[..., halved, :] = ((place + other) / 2 * both[..., None])[..., halved, :]
    confidence[..., halved] = (np.minimum(confidence, other_confidence) * both)[..., halved]
    return place, confidence
