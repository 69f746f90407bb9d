"""What cannot be right with clips, or hardly: each issue is one line, with the clips and the cure.

`tools/check_data.py` asks it of all clips of a file, training and testing of a sample, `make_annotation`
and inference of one clip.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError
from ..skeletons import LAYOUTS, Layout
from ..skeletons.poses import SIDES, Hands
from ..wording import count, counted, plain, some
from .measures import MeasuredClip, measure_clip

NORMALISED = 2.0  # a clip whose coordinates reach no further holds no pixels
METRIC = 10.0  # nor one that reaches no further than this, in a picture of LARGE or more
SMALL, LARGE = 16, 100  # px of a picture's shorter side: up to SMALL, a reach says nothing
SLACK = 0.1  # estimators give scores a little outside 0..1
MOSTLY = 0.1  # a clip with more of its joints than this out of the picture is named
CLEARLY = 1.25  # how many times nearer one wrist must be to call a hand its own
LYING = 2.0  # people lie whose head is so many times farther beside the hips than above them
JUMPY = 4.0  # a clip moves that many times more between frames than its joints lie apart: no motion
NEARLY_ALL = 0.9  # of the clips, where a habit of some proves nothing

_LOG = logging.getLogger('pyskl')
_said: set[str] = set()


@dataclass(frozen=True)
class Issue:
    """One thing that looks wrong.

    Attributes:
        kind: which of the things looked for.
        text: one line: what, in which clips, and the cure.
        severe: whether a network that learns from such clips learns nonsense.
    """

    kind: str
    text: str
    severe: bool = False


@dataclass(frozen=True)
class Expected:
    """What clips are taken for by what will use them.

    Attributes:
        in_pixels: x and y are pixels of a picture. False: that does not matter, or is not known.
        by: what needs pixels, for messages.
        layout: the joints; None: not known.
        declared: the layout that the data themselves name; None: they do not.
    """

    in_pixels: bool = True
    by: str = 'the network'
    layout: Layout | None = None
    declared: Layout | None = None


def find_issues(seen: Sequence[MeasuredClip], expected: Expected) -> list[Issue]:
    """Return what looks wrong with clips, the same thing of several clips in one line.

    Args:
        seen: at least one clip, measured with the layout that is expected.
        expected: what they are taken for.
    """
    joints = list(_joints(seen, expected))
    if any(issue.severe for issue in joints):  # all else follows from that
        return joints
    flat = seen[0].shape[3] == 2
    checks = (_empty, _scores, *((_pixels, _picture, _hands) if flat else (_space,)), _axes)
    return joints + [issue for check in checks for issue in check(seen, expected)]


def find_clip_issues(annotation: Mapping[str, Any], expected: Expected) -> list[Issue]:
    """Return the issues of one cleaned clip."""
    return find_issues([measure_clip(annotation, expected.layout)], expected)


def refuse_implausible_clip(annotation: Mapping[str, Any]) -> None:
    """Refuse a clip whose x and y are no pixels; warn of what else looks wrong, each kind once.

    Args:
        annotation: cleaned, with img_shape. A clip in which nobody is seen is let through.

    Raises:
        DataError: the clip, and what to do.
    """
    for issue in find_clip_issues(annotation, Expected()):
        line = f'clip {plain(annotation["frame_dir"])}: {issue.text}'
        if issue.kind in ('normalised', 'metres'):
            raise DataError(line)
        if issue.kind in ('scores', 'size', 'outside') and issue.kind not in _said:
            _said.add(issue.kind)
            _LOG.warning('%s (Said once, of the first such clip.)', line)


def _named(seen: Sequence[MeasuredClip]) -> str:
    """'3 clips (a, b, c)'."""
    return counted([s.name for s in seen], 'clip')


# -- joints ----------------------------------------------------------------------------------------


def _joints(seen: Sequence[MeasuredClip], expected: Expected) -> Iterator[Issue]:
    """Are these the joints that the layout names, and does the file say so, too?"""
    declared, layout = expected.declared, expected.layout or expected.declared
    if layout is None:
        return
    others = [s for s in seen if s.shape[2] != layout.num_joints]
    if others:
        what = f'keypoint has {others[0].shape[2]} joints in {_named(others)}, the layout {layout.name} has {layout.num_joints}.'
        if all(s.shape[1] == layout.num_joints for s in others):
            yield Issue('axes', f'{what} {_EXCHANGED_AXES}', severe=True)
        else:
            yield Issue('joints', f'{what} Give the layout of these joints.', severe=True)
    elif declared is not None and declared.num_joints != layout.num_joints:
        yield Issue(
            'layout',
            f'the file says that its joints are {declared.name}, which has {declared.num_joints}; its clips '
            f'have {layout.num_joints}. Correct its entry `layout`, or remove it.',
        )
    elif declared is not None and _contradict(declared, layout):
        pairs = enumerate(zip(declared.joints, layout.joints))
        j, (there, here) = next((j, pair) for j, pair in pairs if pair[0] != pair[1])
        yield Issue(
            'layout',
            f'the file says that its joints are {declared.name}, the pipeline takes them for {layout.name}: joint {j} is {there!r} there and '
            f'{here!r} here. Take the layout of the file, or correct its entry `layout`.',
        )


_EXCHANGED_AXES = (
    'Axes 1 and 2 look exchanged. Expected (people, frames, joints, coordinates): '
    'keypoint.swapaxes(1, 2), and the same of keypoint_score.'
)


def _contradict(declared: Layout, layout: Layout) -> bool:
    """Whether joints lie in another order, or two layouts of ours are meant.

    Other names for as many joints are no contradiction.
    """
    both_ours = declared.name in LAYOUTS and layout.name in LAYOUTS
    comparable = both_ours or set(declared.joints) == set(layout.joints)
    return comparable and declared.joints != layout.joints


def _axes(seen: Sequence[MeasuredClip], expected: Expected) -> Iterator[Issue]:
    """Does everything jump from frame to frame, while joints lie as close as frames should?"""
    steps = np.array([s.pose.steps for s in seen if s.pose.steps and min(s.shape[1:3]) > 2])
    if len(steps) and np.mean(steps[:, 0] > JUMPY * steps[:, 1]) >= NEARLY_ALL:
        yield Issue(
            'axes',
            'from frame to frame everything jumps, and neighbouring joints lie close together in '
            f'{_named(seen)} of {seen[0].shape[1]} frames and {seen[0].shape[2]} joints. {_EXCHANGED_AXES}',
        )


# -- scores ----------------------------------------------------------------------------------------


def _empty(seen: Sequence[MeasuredClip], expected: Expected) -> Iterator[Issue]:
    empty = [s for s in seen if not s.pose.filled]
    if empty:
        if all(s.pose.placed for s in empty):
            cure = 'Their joints have places, but no score above 0: leave keypoint_score out where nothing is known of it.'
        else:
            cure = 'Leave such clips out; if all are so, the poses were lost on the way.'
        what = f'{count(len(empty), "clip")} in which no joint is seen at all'
        text = f'{what}: {some(s.name for s in empty)}. {cure}'
        yield Issue('empty', text, severe=len(empty) == len(seen))


def _scores(seen: Sequence[MeasuredClip], expected: Expected) -> Iterator[Issue]:
    odd = [s for s in seen if s.pose.score[0] < -SLACK or s.pose.score[1] > 1 + SLACK]
    if odd:
        low, high = min(s.pose.score[0] for s in odd), max(s.pose.score[1] for s in odd)
        by = '100' if 50 < high <= 100 else 'the highest, or np.clip them'
        yield Issue(
            'scores',
            f'keypoint_score outside 0..1 in {count(len(odd), "clip")}: {some(s.name for s in odd)}; they run from {low:.3g} to '
            f'{high:.3g}. Divide scores by {by}; if this is z, the coordinates are in space: keypoint holds x, y, z then.',
        )


# -- places ----------------------------------------------------------------------------------------


def _pixels(seen: Sequence[MeasuredClip], expected: Expected) -> Iterator[Issue]:
    """Coordinates of another unit, where pixels are expected."""
    if not expected.in_pixels:
        return
    filled = [s for s in seen if s.pose.placed and _side(s) > SMALL]
    small = [s for s in filled if s.pose.reach <= NORMALISED]
    metric = [s for s in filled if NORMALISED < s.pose.reach <= METRIC and _side(s) >= LARGE]
    if small:
        centred = min(s.pose.lowest for s in small) < -0.25
        x, y = ('(x + 1) / 2', '(y + 1) / 2') if centred else ('x', 'y')
        yield Issue(
            'normalised',
            f'all coordinates lie between -2 and 2 in {_named(small)}: they look normalised. Expected '
            f'pixels: {x} * width and {y} * height. If they are metres, project them, or take the '
            "data's pixel columns.",
            severe=len(small) == len(filled),
        )
    if metric:
        reach = max(s.pose.reach for s in metric)
        yield Issue(
            'metres',
            f'no coordinate reaches beyond {reach:.3g} in {_named(metric)}: they look like metres. '
            "Expected pixels: project them, or take the data's pixel columns.",
            severe=len(metric) == len(filled),
        )


def _side(seen: MeasuredClip) -> int:
    """The shorter side of the picture, px; of an unknown one LARGE."""
    return min(seen.size or (LARGE, LARGE))


def _picture(seen: Sequence[MeasuredClip], expected: Expected) -> Iterator[Issue]:
    """Joints out of the picture, and whether they would lie in it if it were turned."""
    out = [s for s in seen if s.size and s.pose.outside > MOSTLY * s.pose.there]
    out = [s for s in out if s.pose.reach > NORMALISED]  # else that was said
    turned, others = out, []
    if 3 * sum(s.pose.outside_swapped for s in out) > sum(s.pose.outside for s in out):
        turned = [s for s in out if not s.pose.outside_swapped]
        others = [s for s in out if s.pose.outside_swapped]

    # People tell what is the wrong way round; else that pictures are wide more often than high.
    leans = [(s, *s.pose.lean) for s in seen if s.pose.lean]
    lying = [s for s, dx, dy in leans if dx > LYING * abs(dy)]
    if lying and len(lying) >= NEARLY_ALL * len(leans):
        yield Issue(
            'exchanged',
            f'x and y look exchanged (row, column) in {_named(lying)}: the head lies beside the body, '
            'not above it. Expected x, then y: keypoint[..., [1, 0]].',
        )
        turned = []
    wide = [s for s in turned if s.size and s.size[0] <= s.size[1]]
    high = [s for s in turned if s.size and s.size[0] > s.size[1]]
    if wide:
        yield Issue(
            'exchanged',
            f'x and y look exchanged (row, column) in {_named(wide)}: joints lie out of the picture, {_size(wide[0])}, and few would with '
            'keypoint[..., [1, 0]]. If x and y are right, img_shape is (w, h) and has to be (h, w).',
        )
    if high:
        yield Issue(
            'size',
            f'img_shape looks like (w, h), expected (h, w), in {count(len(high), "clip")}: '
            f'{some(s.name for s in high)}: joints lie out of the picture, {_size(high[0])}, and few '
            'would if it were turned. If it is right, x and y are exchanged: keypoint[..., [1, 0]].',
        )
    if others:
        shares = some(f'{s.name} ({s.pose.outside} of {s.pose.there})' for s in others)
        yield Issue(
            'outside',
            f'many joints out of the picture in {count(len(others), "clip")}: {shares}. Is img_shape '
            'the size of the video that the joints were found in?',
        )


def _size(seen: MeasuredClip) -> str:
    return f'(h, w) = {seen.size} px'


def _space(seen: Sequence[MeasuredClip], expected: Expected) -> Iterator[Issue]:
    """Key points with a third coordinate, which should be z; many files have a score there."""
    reach = max(s.pose.reach for s in seen)
    depths = [s.pose.depth for s in seen if s.pose.depth]
    low, high = min(depth[0] for depth in depths), max(depth[1] for depth in depths)
    if 0 <= low < high <= 1 and reach > METRIC:
        yield Issue(
            'third',
            f'the third coordinate lies within 0..1 while x and y reach {reach:.0f}: it looks like a score, not like z. If so, write '
            'keypoint_score = keypoint[..., 2], keypoint = keypoint[..., :2] and img_shape into each clip.',
            severe=expected.in_pixels,
        )
    elif expected.in_pixels:
        yield Issue(
            'space',
            f'keypoint has shape {seen[0].shape}: x, y, z in space, and {expected.by} works on pixels of a picture. Begin the pipeline '
            'with Project3D, or take a network on key points in space (PreNormalize3D, UniformSample, PoseDecode, FormatGCNInput).',
            severe=True,
        )


# -- hands -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HandsFound:
    """At which wrist the hands of some clips lie.

    Attributes:
        mean: (2, 2) px from wrist [right, left] to the finger tips that the layout calls [right, left].
        first: the wrist of the hand that comes first among the joints; None: it is not clear.
    """

    mean: np.ndarray
    first: str | None


def find_hands(seen: Iterable[MeasuredClip], hands: Hands) -> HandsFound | None:
    """Measure it; None where some hand or wrist is never seen."""
    measured = [s.pose.hands for s in seen if s.pose.hands is not None]
    number = sum((one.number for one in measured), np.zeros((2, 2)))
    if not number.all():
        return None
    mean = sum((one.px for one in measured), np.zeros((2, 2))) / number
    as_layout, crossed = two_ways(mean)
    if max(as_layout, crossed) < CLEARLY * min(as_layout, crossed):
        return HandsFound(mean, None)
    first = hands.first_hand()
    other = SIDES[1 - SIDES.index(first)]
    return HandsFound(mean, first if as_layout < crossed else other)


def two_ways(mean: np.ndarray) -> tuple[float, float]:
    """Add up (2, 2) px from wrist to hand: wrists to hands of their own side, and of the other."""
    return float(mean[0, 0] + mean[1, 1]), float(mean[0, 1] + mean[1, 0])


def _hands(seen: Sequence[MeasuredClip], expected: Expected) -> Iterator[Issue]:
    hands = Hands.of(expected.layout)
    if hands is None:
        return
    found = find_hands(seen, hands)
    if found is not None and found.first not in (None, first := hands.first_hand()):
        yield Issue(
            'hands',
            f'joints {span(hands.tips[SIDES.index(first)])} lie at the {found.first} wrist, the layout says {first}. Take mirror pairs and '
            f'limbs from the layout with first_hand={found.first!r}.',
        )


def span(joints: Sequence[int]) -> str:
    """'12-16'."""
    return f'{joints[0]}-{joints[-1]}'
