"""Choose the joints of a release and determine their layout.

All releases hold OpenPose's points: 25 of the body (BODY_25), then ten finger tips (35 points), or
the face and whole hands (137 points). The layout openpose137 names all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from ...errors import ConfigError, DataError, UserError, did_you_mean
from ...skeletons import LAYOUTS, Layout, get_layout, layout_of, subset

DEFAULT = 'imigue22'
ALL = 'all'
FIRST, OTHER = 'left', 'right'  # order of the hands in OpenPose and in layout imigue22

_OPENPOSE = get_layout('openpose137')
_HANDS = _OPENPOSE.joints[95:]  # left, then right; the nose before them has a tip as well
_TIPS = tuple(name for name in _HANDS if name.endswith(' tip'))

# Names of the points by their number; other numbers of points have no known names.
POINTS: dict[int, tuple[str, ...]] = {
    25: _OPENPOSE.joints[:25],
    35: _OPENPOSE.joints[:25] + _TIPS,
    137: _OPENPOSE.joints,
}


class Joints:
    """The joints to keep: those of a layout, all, or a list of indices and names.

    Args:
        asked: value of `--joints`: 'imigue22', 'openpose137', 'all', '0,1,4,95-115',
            'nose,left wrist'. Indices refer to the release's own points.

    Raises:
        UserError: it is none of these.
    """

    def __init__(self, asked: str = DEFAULT):
        self.asked = asked
        self.listed = [] if asked == ALL or asked in LAYOUTS else _listed(asked)
        if asked in LAYOUTS:
            self.names = get_layout(asked).joints
            fit = _layouts_of(_OPENPOSE.joints)
            if asked not in fit:
                raise UserError(
                    f'--joints {asked}: no release of iMiGUE has these joints. Give one of '
                    f'{", ".join(fit)}, all, or a list.'
                )
        else:
            self.names = ()

    def of(self, num_points: int) -> tuple[int, ...]:
        """Return the index of each joint among `num_points` points.

        Raises:
            DataError: some are missing; says what these points can give.
        """
        if self.asked == ALL:
            return tuple(range(num_points))
        known = POINTS.get(num_points, ())
        place = {name: j for j, name in enumerate(known)}
        wanted: list[int | str] = [*(self.names or self.listed)]
        if not known and any(isinstance(joint, str) for joint in wanted):
            raise DataError(
                f'it has {num_points} points, and it is unknown which they are. --joints all keeps '
                'all of them, without a layout; a list of indices keeps some'
            )
        found = [place.get(j) if isinstance(j, str) else j for j in wanted]
        lacking = [j for j, at in zip(wanted, found) if at is None or at >= num_points]
        if lacking:
            raise DataError(
                f'it has {num_points} points and not --joints {self.asked} ({lacking[0]} is '
                f'missing). It can give {", ".join([*_layouts_of(known), ALL])}, or a list of its '
                'points'
            )
        return tuple(at for at in found if at is not None)

    def layout(self, num_points: int, first_hand: str | None = None) -> str | dict[str, Any] | None:
        """Return the layout to write into the file.

        Args:
            num_points: number of points that were read.
            first_hand: the side that was measured; None where it is unknown.

        Returns:
            A name, a dict as in configs, or None where it is unknown what the joints are.

        Raises:
            UserError: the joints form no layout (one hand's finger without the other's ...).
        """
        points = POINTS.get(num_points)
        if self.asked == DEFAULT and first_hand == OTHER:
            return {'name': DEFAULT, 'first_hand': OTHER}
        if self.asked in LAYOUTS:
            return self.asked
        if points is None:
            return None
        names = [points[j] for j in self.of(num_points)]
        if first_hand == OTHER and num_points == 35:
            swap = {FIRST: OTHER, OTHER: FIRST}
            names = [
                re.sub('^(left|right)', lambda side: swap[side[0]], name) if name in _TIPS else name
                for name in names
            ]
        if tuple(names) == _OPENPOSE.joints:
            return _OPENPOSE.name
        try:
            subset(_OPENPOSE, names)
        except ConfigError as error:
            raise UserError(f'--joints {self.asked}: {error}') from error
        return {'name': _OPENPOSE.name, 'keep': [_OPENPOSE.joints.index(name) for name in names]}

    def measured_by(self, num_points: int) -> Layout | None:
        """Return the layout with which hands are measured: the first hand is the left one."""
        layout = self.layout(num_points, FIRST)
        return None if layout is None else layout_of(layout)


def _layouts_of(points: Iterable[str]) -> list[str]:
    """Return the layouts whose joints are all among the points."""
    return [name for name, layout in LAYOUTS.items() if set(layout.joints) <= set(points)]


def _listed(asked: str) -> list[int | str]:
    """Parse a list of joints: [0, 4, 5, 6, 'left wrist'] for '0,4-6,left wrist'."""
    joints: list[int | str] = []
    for word in filter(None, (part.strip() for part in asked.split(','))):
        span = re.fullmatch(r'(\d{1,3})(?:\s*-\s*(\d{1,3}))?', word)
        if span:
            joints += range(int(span[1]), int(span[2] or span[1]) + 1)
        elif word in _OPENPOSE.joints:
            joints.append(word)
        else:
            near = did_you_mean(word, [*LAYOUTS, *_OPENPOSE.joints])
            raise UserError(
                f'--joints {asked}: {word!r} is neither a layout nor a joint.{near} Give a layout '
                f'({DEFAULT}, openpose_upper_hands, openpose137), all, or a list like '
                '"0-8,15-18,95-136" or "nose,left wrist".'
            )
    if not joints or len(set(joints)) < len(joints):
        raise UserError(f'--joints {asked}: expected joints, each once.')
    return joints


def keep_joints(points: np.ndarray, joints: tuple[int, ...], num_frames: int) -> np.ndarray:
    """Make a clip of the last frames of the chosen joints.

    Args:
        points: (n, V, 3) x px, y px, score; a joint with a NaN is missing.
        joints: indices of the V' points to keep.
        num_frames: T; shorter clips are padded with zeros at the end.

    Returns:
        (3, T, V', 1) float32, zeros where a joint is missing.
    """
    chosen = points[-num_frames:, list(joints)]
    chosen = np.where(np.isnan(chosen).any(-1, keepdims=True), 0, chosen)
    clip = np.zeros((3, num_frames, len(joints), 1), np.float32)
    clip[:, : len(chosen), :, 0] = chosen.transpose(2, 0, 1)
    return clip
