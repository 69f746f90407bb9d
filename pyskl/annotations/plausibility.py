"""Look for clips that cannot be right, or hardly: each issue is one line, with clips and cure.

`tools/check_data.py` looks at all clips of a file, training and testing at a sample of them,
`make_annotation` and inference at one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError
from ..skeletons import LAYOUTS, Layout
from ..skeletons.poses import SIDES, Hands
from ..wording import count, counted, plain, some
from .measures import MeasuredClip, measure_clip
from .notes import warn_once

NORMALISED = 2.0  # coordinates that all stay within this are no pixels
METRIC = 10.0  # nor are those that stay within this, in a picture of at least LARGE
SMALL, LARGE = 16, 100  # px of a picture's shorter side; up to SMALL coordinates tell nothing
SLACK = 0.1  # estimators give scores a little outside 0..1
MANY_OUTSIDE = 0.1  # clips with a larger share of joints than this outside the picture are named
CLEARLY = 1.25  # ratio of distances from which on a hand clearly belongs to the nearer wrist
LYING = 2.0  # people lie if the head is that many times farther beside the hips than above them
JUMPY = 4.0  # motion between frames over distance between joints: more than this is no motion
NEARLY_ALL = 0.9  # share of the clips that must agree where single ones prove nothing


@dataclass(frozen=True)
class Issue:
    """Something that looks wrong.

    Attributes:
        kind: what was looked for.
        text: one line: what, in which clips, and the cure.
        severe: whether a network that learns from such clips learns nonsense.
    """

    kind: str
    text: str
    severe: bool = False


@dataclass(frozen=True)
class Expected:
    """What the user of some clips takes them for.

    Attributes:
        in_pixels: whether x and y must be pixels of a picture. False: not needed, or not known.
        by: what needs pixels, for messages.
        layout: the joints; None: not known.
        declared: the layout that the data themselves name; None: they name none.
    """

    in_pixels: bool = True
    by: str = 'the network'
    layout: Layout | None = None
    declared: Layout | None = None


def find_issues(clips: Sequence[MeasuredClip], expected: Expected) -> list[Issue]:
    """Return what looks wrong with clips, the same issue of several clips in one line.

    Args:
        clips: at least one clip, measured with the expected layout.
        expected: what they are taken for.
    """
    issues = list(_joints(clips, expected))
    if any(issue.severe for issue in issues):  # everything else follows from that
        return issues
    in_plane = clips[0].shape[3] == 2
    checks = (_empty, _scores, *((_pixels, _picture, _hands) if in_plane else (_space,)), _axes)
    return issues + [issue for check in checks for issue in check(clips, expected)]


def refuse_implausible_clip(annotation: Mapping[str, Any]) -> None:
    """Refuse a clip whose x and y are no pixels; warn once of each other kind of issue.

    Args:
        annotation: cleaned, with img_shape. A clip in which nobody is seen is accepted.

    Raises:
        DataError: the clip, and what to do.
    """
    for issue in find_issues([measure_clip(annotation)], Expected()):
        line = f'clip {plain(annotation["frame_dir"])}: {issue.text}'
        if issue.kind in ('normalised', 'metres'):
            raise DataError(line)
        if issue.kind in ('scores', 'size', 'outside'):
            warn_once(f'{line} (Logged once, for the first such clip.)', f'clip {issue.kind}')


def _named(clips: Sequence[MeasuredClip]) -> str:
    """Return '3 clips (a, b, c)'."""
    return counted([c.name for c in clips], 'clip')


def _listed(clips: Sequence[MeasuredClip]) -> str:
    """Return '3 clips: a, b, c'."""
    return f'{count(len(clips), "clip")}: {some(c.name for c in clips)}'


# -- joints ----------------------------------------------------------------------------------------


def _joints(clips: Sequence[MeasuredClip], expected: Expected) -> Iterator[Issue]:
    """Compare the joints with the layout, and the layout with the one that the file declares."""
    declared, layout = expected.declared, expected.layout or expected.declared
    if layout is None:
        return
    others = [c for c in clips if c.shape[2] != layout.num_joints]
    if others:
        what = (
            f'keypoint has {others[0].shape[2]} joints in {_named(others)}, '
            f'the layout {layout.name} has {layout.num_joints}.'
        )
        if all(c.shape[1] == layout.num_joints for c in others):
            yield Issue('axes', f'{what} {_SWAPPED_AXES}', severe=True)
        else:
            yield Issue('joints', f'{what} Give the layout of these joints.', severe=True)
    elif declared is not None and declared.num_joints != layout.num_joints:
        yield Issue(
            'layout',
            f'the file says that its joints are {declared.name}, which has {declared.num_joints}; '
            f'its clips have {layout.num_joints}. Correct its entry `layout`, or remove it.',
        )
    elif declared is not None and _contradict(declared, layout):
        pairs = enumerate(zip(declared.joints, layout.joints))
        j, (there, here) = next((j, pair) for j, pair in pairs if pair[0] != pair[1])
        yield Issue(
            'layout',
            f'the file says that its joints are {declared.name}, the pipeline takes them for '
            f'{layout.name}: joint {j} is {there!r} there and {here!r} here. Use the layout of the '
            'file, or correct its entry `layout`.',
        )


_SWAPPED_AXES = (
    'Axes 1 and 2 look swapped. Expected (people, frames, joints, coordinates): '
    'keypoint.swapaxes(1, 2), and the same for keypoint_score.'
)


def _contradict(declared: Layout, layout: Layout) -> bool:
    """Return whether joints lie in another order, or two of the known layouts are meant.

    Other names for as many joints are no contradiction.
    """
    both_known = declared.name in LAYOUTS and layout.name in LAYOUTS
    comparable = both_known or set(declared.joints) == set(layout.joints)
    return comparable and declared.joints != layout.joints


def _axes(clips: Sequence[MeasuredClip], expected: Expected) -> Iterator[Issue]:
    """Find frames and joints that are swapped.

    Everything jumps from frame to frame then, and joints lie as close together as frames should.
    """
    steps = np.array([c.pose.steps for c in clips if c.pose.steps and min(c.shape[1:3]) > 2])
    if len(steps) and np.mean(steps[:, 0] > JUMPY * steps[:, 1]) >= NEARLY_ALL:
        yield Issue(
            'axes',
            f'from frame to frame everything jumps, and neighbouring joints lie close together in '
            f'{_named(clips)} of {clips[0].shape[1]} frames and {clips[0].shape[2]} joints. '
            f'{_SWAPPED_AXES}',
        )


# -- scores ----------------------------------------------------------------------------------------


def _empty(clips: Sequence[MeasuredClip], expected: Expected) -> Iterator[Issue]:
    empty = [c for c in clips if not c.pose.filled]
    if not empty:
        return
    cure = 'Leave such clips out; if all are like this, the poses were lost on the way.'
    if all(c.pose.placed for c in empty):
        cure = (
            'Their joints have places, but no score above 0: leave keypoint_score out if scores '
            'are not known.'
        )
    what = f'{count(len(empty), "clip")} in which no joint is seen at all'
    text = f'{what}: {some(c.name for c in empty)}. {cure}'
    yield Issue('empty', text, severe=len(empty) == len(clips))


def _scores(clips: Sequence[MeasuredClip], expected: Expected) -> Iterator[Issue]:
    odd = [c for c in clips if c.pose.score[0] < -SLACK or c.pose.score[1] > 1 + SLACK]
    if odd:
        low, high = min(c.pose.score[0] for c in odd), max(c.pose.score[1] for c in odd)
        by = '100' if 50 < high <= 100 else 'the highest, or np.clip them'
        yield Issue(
            'scores',
            f'keypoint_score outside 0..1 in {_listed(odd)}; the scores run from {low:.3g} to '
            f'{high:.3g}. Divide them by {by}; if they are z, the coordinates are in space and '
            'keypoint must hold x, y, z.',
        )


# -- coordinates -----------------------------------------------------------------------------------


def _pixels(clips: Sequence[MeasuredClip], expected: Expected) -> Iterator[Issue]:
    """Find coordinates in another unit, where pixels are expected."""
    if not expected.in_pixels:
        return
    filled = [c for c in clips if c.pose.placed and _side(c) > SMALL]
    small = [c for c in filled if c.pose.reach <= NORMALISED]
    metric = [c for c in filled if NORMALISED < c.pose.reach <= METRIC and _side(c) >= LARGE]
    if small:
        centred = min(c.pose.lowest for c in small) < -0.25
        x, y = ('(x + 1) / 2', '(y + 1) / 2') if centred else ('x', 'y')
        yield Issue(
            'normalised',
            f'all coordinates lie between -2 and 2 in {_named(small)}: they look normalised. '
            f'Expected pixels: {x} * width and {y} * height. If they are metres, project them, or '
            "use the data's pixel columns.",
            severe=len(small) == len(filled),
        )
    if metric:
        reach = max(c.pose.reach for c in metric)
        yield Issue(
            'metres',
            f'no coordinate reaches beyond {reach:.3g} in {_named(metric)}: they look like metres. '
            "Expected pixels: project them, or use the data's pixel columns.",
            severe=len(metric) == len(filled),
        )


def _side(clip: MeasuredClip) -> int:
    """Return the shorter side of the picture in px; LARGE for a picture of unknown size."""
    return min(clip.size or (LARGE, LARGE))


def _picture(clips: Sequence[MeasuredClip], expected: Expected) -> Iterator[Issue]:
    """Find joints outside the picture, and whether they would lie in it with x and y swapped."""
    out = [c for c in clips if c.size and c.pose.outside > MANY_OUTSIDE * c.pose.there]
    out = [c for c in out if c.pose.reach > NORMALISED]  # else `_pixels` reports it
    turned, others = out, []
    if 3 * sum(c.pose.outside_swapped for c in out) > sum(c.pose.outside for c in out):
        others = [c for c in out if c.pose.outside_swapped]
        turned = [c for c in out if not c.pose.outside_swapped]

    # People tell which way is up; without them, pictures are wide more often than high.
    leans = [(c, *c.pose.lean) for c in clips if c.pose.lean]
    lying = [c for c, dx, dy in leans if dx > LYING * abs(dy)]
    if lying and len(lying) >= NEARLY_ALL * len(leans):
        yield Issue(
            'exchanged',
            f'x and y look swapped (row, column) in {_named(lying)}: the head lies beside the '
            'body, not above it. Expected x, then y: keypoint[..., [1, 0]].',
        )
        turned = []
    wide = [c for c in turned if c.size and c.size[0] <= c.size[1]]
    high = [c for c in turned if c.size and c.size[0] > c.size[1]]
    if wide:
        yield Issue(
            'exchanged',
            f'x and y look swapped (row, column) in {_named(wide)}: joints lie outside the '
            f'picture, {_size(wide[0])}, and few would with keypoint[..., [1, 0]]. If x and y are '
            'right, img_shape is (w, h) and must be (h, w).',
        )
    if high:
        yield Issue(
            'size',
            f'img_shape looks like (w, h), expected (h, w), in {_listed(high)}: joints lie outside '
            f'the picture, {_size(high[0])}, and few would if it were turned. If img_shape is '
            'right, x and y are swapped: keypoint[..., [1, 0]].',
        )
    if others:
        shares = some(f'{c.name} ({c.pose.outside} of {c.pose.there})' for c in others)
        yield Issue(
            'outside',
            f'many joints outside the picture in {count(len(others), "clip")}: {shares}. Is '
            'img_shape the size of the video that the joints were found in?',
        )


def _size(clip: MeasuredClip) -> str:
    return f'(h, w) = {clip.size} px'


def _space(clips: Sequence[MeasuredClip], expected: Expected) -> Iterator[Issue]:
    """Check key points with a third coordinate, which should be z; in many files it is a score."""
    reach = max(c.pose.reach for c in clips)
    depths = [c.pose.depth for c in clips if c.pose.depth]
    low, high = min(depth[0] for depth in depths), max(depth[1] for depth in depths)
    if 0 <= low < high <= 1 and reach > METRIC:
        yield Issue(
            'third',
            f'the third coordinate lies within 0..1 while x and y reach {reach:.0f}: it looks like '
            'a score, not like z. If it is, write keypoint_score = keypoint[..., 2], keypoint = '
            'keypoint[..., :2] and img_shape into each clip.',
            severe=expected.in_pixels,
        )
    elif expected.in_pixels:
        yield Issue(
            'space',
            f'keypoint has shape {clips[0].shape}: x, y, z in space, but {expected.by} works on '
            'pixels of a picture. Begin the pipeline with Project3D, or use a network for key '
            'points in space (PreNormalize3D, UniformSample, PoseDecode, FormatGCNInput).',
            severe=True,
        )


# -- hands -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HandsFound:
    """At which wrists the hands of some clips lie.

    Attributes:
        mean: (2, 2) px from the [right, left] wrist to the finger tips that the layout calls
            [right, left].
        first: the wrist of the hand that comes first among the joints; None: not clear.
    """

    mean: np.ndarray
    first: str | None


def find_hands(clips: Iterable[MeasuredClip], hands: Hands) -> HandsFound | None:
    """Find the wrist that each hand hangs from; None where a hand or a wrist is never seen."""
    measured = [c.pose.hands for c in clips if c.pose.hands is not None]
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
    """Add up (2, 2) px from wrists to hands of their own side, and to hands of the other side."""
    return float(mean[0, 0] + mean[1, 1]), float(mean[0, 1] + mean[1, 0])


def _hands(clips: Sequence[MeasuredClip], expected: Expected) -> Iterator[Issue]:
    hands = Hands.of(expected.layout)
    if hands is None:
        return
    found = find_hands(clips, hands)
    if found is not None and found.first not in (None, first := hands.first_hand()):
        yield Issue(
            'hands',
            f'joints {span(hands.tips[SIDES.index(first)])} lie at the {found.first} wrist, the '
            f'layout says {first}. Take mirror pairs and limbs from the layout with '
            f'first_hand={found.first!r}.',
        )


def span(joints: Sequence[int]) -> str:
    """Return the range of some consecutive joints: '12-16'."""
    return f'{joints[0]}-{joints[-1]}'
