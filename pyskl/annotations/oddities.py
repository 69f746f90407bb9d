"""What cannot be right with clips, or hardly: their poses are measured, and each oddity is one line with its cure.

`tools/check_data.py` asks it of all clips of a file, training and testing of a sample, `make_annotation`
and inference of one clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..skeletons import LAYOUTS, Layout, guess_layout
from ..skeletons.poses import SIDES, Hands, PoseFacts, Trunk, measure
from ..wording import count, some
from .compressed import is_compressed

NORMALISED = 2.0  # a clip whose coordinates reach no further holds no pixels
METRIC = 10.0  # nor one that reaches no further than this, in a picture of LARGE or more
SMALL, LARGE = 16, 100  # px of a picture's shorter side: below, nothing is said; from here on, more
SLACK = 0.1  # estimators give scores a little outside 0..1
MOSTLY = 0.1  # a clip with more of its joints than this out of the picture is named
CLEARLY = 1.25  # how many times nearer one wrist must be to call a hand its own
LYING = 2.0  # how many times farther beside the hips than above them the head must be to call a person lying
JUMPY = 4.0  # joints move less from frame to frame than they lie apart; so many times more is no motion
MOST_CLIPS, MOST_FRAMES = 64, 512  # of a sample


@dataclass(frozen=True)
class Oddity:
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
        by: what says so, for messages.
        layout: the joints; None: not known.
        said: the layout that the data themselves name; None: they do not.
    """

    in_pixels: bool = True
    by: str = 'the network'
    layout: Layout | None = None
    said: Layout | None = None


@dataclass(frozen=True)
class Seen:
    """One clip, measured: its name, the shape (M, T, V, C) of `keypoint`, img_shape (h, w) or None."""

    name: str
    shape: tuple[int, int, int, int]
    size: tuple[int, int] | None
    pose: PoseFacts


def see(annotation: Mapping[str, Any], layout: Layout | None = None) -> Seen:
    """Measure a cleaned clip (fields.clean_fields); one in the compressed form counts each box as a frame.

    Args:
        annotation: the clip.
        layout: its joints, if they are known; one with another number of joints is left alone.
    """
    if is_compressed(annotation):
        boxes = annotation['keypoint'][None]
        # Neighbouring boxes may be two people, so nothing is said of motion: a frame each, every other one empty.
        spread = np.zeros((1, max(1, 2 * boxes.shape[1]), *boxes.shape[2:]), np.float32)
        spread[:, : 2 * boxes.shape[1] : 2] = boxes
        annotation = {
            **annotation,
            'keypoint': spread[..., :2],
            'keypoint_score': spread[..., 2],
            'total_frames': spread.shape[1],
        }
    shape = annotation['keypoint'].shape
    fits = layout is not None and layout.num_joints == shape[2]
    hands = Hands.of(layout) if fits and shape[3] == 2 else None
    trunk = Trunk.of(layout if fits else guess_layout(shape[2])) if shape[3] == 2 else None
    pose = measure(annotation, hands, trunk)
    return Seen(annotation['frame_dir'], shape, annotation.get('img_shape'), pose)


def sample(num_clips: int) -> np.ndarray:
    """The indices of at most MOST_CLIPS clips, spread over all."""
    return np.unique(np.linspace(0, num_clips - 1, min(num_clips, MOST_CLIPS)).round().astype(int))


def see_sample(clips: Sequence[Mapping[str, Any]], expected: Expected) -> list[Seen]:
    """Measure the first MOST_FRAMES frames of a sample of clips."""
    return [see(_begin(clips[int(i)]), expected.layout) for i in sample(len(clips))]


def _begin(annotation: Mapping[str, Any]) -> Mapping[str, Any]:
    if is_compressed(annotation):
        return {**annotation, 'keypoint': annotation['keypoint'][:MOST_FRAMES]}
    frames = min(annotation['total_frames'], MOST_FRAMES)
    return {**annotation, 'total_frames': frames}


def oddities(seen: Sequence[Seen], expected: Expected) -> list[Oddity]:
    """Return what looks wrong with clips, the same thing of several clips in one line.

    Args:
        seen: at least one clip.
        expected: what they are taken for.
    """
    joints = _joints(seen, expected)
    if joints and joints[0].severe:  # all else follows from that
        return joints
    flat = seen[0].shape[3] == 2
    checks = [_empty, _scores, *([_pixels, _picture] if flat else [_space]), _axes]
    found = [oddity for check in checks for oddity in check(seen, expected)]
    hands = Hands.of(expected.layout) if flat else None
    return joints + found + (_hands(seen, hands) if hands else [])


def clip_oddities(annotation: Mapping[str, Any], expected: Expected) -> list[Oddity]:
    """`oddities` of one cleaned clip."""
    return oddities([see(annotation, expected.layout)], expected)


def _joints(seen: Sequence[Seen], expected: Expected) -> list[Oddity]:
    """Are these the joints that the layout names, and does the file say so, too?"""
    layout, said = expected.layout or expected.said, expected.said
    if layout is None:
        return []
    others = [s for s in seen if s.shape[2] != layout.num_joints]
    if others:
        names, joints = some(s.name for s in others), others[0].shape[2]
        what = f'{joints} joints in {count(len(others), "clip")}, where the layout {layout.name} has {layout.num_joints}: {names}.'
        if all(s.shape[1] == layout.num_joints for s in others):
            return [Oddity('axes', f'{what} Axes 1 and 2 look exchanged: expected (people, frames, joints, coordinates), '
                           f'keypoint.swapaxes(1, 2), and the same of keypoint_score.', severe=True)]
        return [Oddity('joints', f'{what} Give the layout of these joints.', severe=True)]
    if said is None or not _contradict(said, layout):
        return []
    if said.num_joints != layout.num_joints:
        return [Oddity('layout', f'the file says that its joints are {said.name}, which has {said.num_joints}; its clips have '
                       f'{layout.num_joints}. Correct its entry `layout`, or remove it.')]
    j = next(j for j, pair in enumerate(zip(said.joints, layout.joints)) if pair[0] != pair[1])
    return [Oddity('layout', f'the file says that its joints are {said.name}, the pipeline takes them for {layout.name}: joint {j} is '
                   f'{said.joints[j]!r} there and {layout.joints[j]!r} here. Take the layout of the file, or correct its entry.')]


def _contradict(said: Layout, layout: Layout) -> bool:
    """Joints in another order, or two of our own layouts; other names for the same joints are no contradiction."""
    if said.joints == layout.joints:
        return False
    both_ours = said.name in LAYOUTS and layout.name in LAYOUTS
    return both_ours or said.num_joints != layout.num_joints or set(said.joints) == set(layout.joints)


def _empty(seen: Sequence[Seen], expected: Expected) -> list[Oddity]:
    empty = [s for s in seen if not s.pose.filled]
    if not empty:
        return []
    text = f'{count(len(empty), "clip")} in which no joint is seen at all: {some(s.name for s in empty)}.'
    if all(s.pose.placed for s in empty):
        text += ' Their joints have places, but all scores are 0: write keypoint_score = 1 where nothing is known of it.'
    else:
        text += ' Was the pose estimation of them lost? Leave such clips out.'
    return [Oddity('empty', text, severe=len(empty) == len(seen))]


def _scores(seen: Sequence[Seen], expected: Expected) -> list[Oddity]:
    odd = [s for s in seen if s.pose.score[0] < -SLACK or s.pose.score[1] > 1 + SLACK]
    if not odd:
        return []
    low, high = min(s.pose.score[0] for s in odd), max(s.pose.score[1] for s in odd)
    cure = 'Divide per cents by 100.' if 50 < high <= 101 else 'Bring them into 0..1 (np.clip, or divide by the highest).'
    return [Oddity('scores', f'keypoint_score outside 0..1 in {count(len(odd), "clip")}: {some(s.name for s in odd)}; they run from '
                   f'{low:.3g} to {high:.3g}. {cure} Where they are z, these are coordinates in space.')]


def _pixels(seen: Sequence[Seen], expected: Expected) -> list[Oddity]:
    """Coordinates of another unit, where pixels are expected."""
    filled = [s for s in seen if s.pose.placed and min(s.size or (LARGE, LARGE)) > SMALL]
    if not expected.in_pixels:
        return []
    small = [s for s in filled if s.pose.reach <= NORMALISED]
    metres = [s for s in filled if NORMALISED < s.pose.reach <= METRIC and min(s.size or (LARGE, LARGE)) >= LARGE]
    found = []
    if small:
        centred = min(s.pose.lowest for s in small) < -0.25
        share = '(x + 1) / 2 * width and (y + 1) / 2 * height' if centred else 'x * width and y * height'
        found.append(_of_all('normalised', small, filled, lambda who: (
            f'all coordinates lie between -2 and 2 in {who}: they look normalised. Expected pixels: {share}.')))
    if metres:
        found.append(_of_all('metres', metres, filled, lambda who: (
            f'no coordinate reaches beyond {max(s.pose.reach for s in metres):.3g} in {who}: they look like metres. Expected pixels of '
            'a picture; take the pixel columns of the data, or project them.')))
    return found


def _of_all(kind: str, odd: list[Seen], of: list[Seen], text: Callable[[str], str]) -> Oddity:
    return Oddity(kind, text(f'{count(len(odd), "clip")} ({some(s.name for s in odd)})'), severe=len(odd) == len(of))


def _picture(seen: Sequence[Seen], expected: Expected) -> list[Oddity]:
    """Joints out of the picture, and whether they would lie in it if it were turned."""
    out = [s for s in seen if s.size and s.pose.outside > MOSTLY * s.pose.there and s.pose.reach > NORMALISED]
    turned, others = out, []
    if 3 * sum(s.pose.outside_swapped for s in out) > sum(s.pose.outside for s in out):
        turned = [s for s in out if not s.pose.outside_swapped]
        others = [s for s in out if s.pose.outside_swapped]
    lying = [s for s in seen if s.pose.lean and s.pose.lean[0] > LYING * abs(s.pose.lean[1])]
    all_lie = len(lying) > 0.9 * sum(s.pose.lean is not None for s in seen)
    # People tell which of the two is the wrong way round; else that pictures are wide more often than high.
    high = [s for s in turned if s.size[0] > s.size[1] and not all_lie]
    wide = lying if all_lie else [s for s in turned if s.size[0] <= s.size[1]]
    found = []
    if high:
        found.append(Oddity('size', f'img_shape looks like (w, h), expected (h, w), in {count(len(high), "clip")}: '
                            f'{some(s.name for s in high)}: joints lie out of {_size(high[0])} px, and few would in the picture '
                            'turned by 90 degrees. If img_shape is right, x and y are exchanged: keypoint[..., [1, 0]].'))
    if wide:
        if all_lie:
            why = 'the head lies beside the body, not above it. Expected x, then y: keypoint[..., [1, 0]].'
        else:
            why = (f'joints lie out of {_size(wide[0])} px, and few would with keypoint[..., [1, 0]]. If x and y are right, img_shape is '
                   '(w, h) and has to be (h, w).')
        found.append(Oddity('exchanged', f'x and y look exchanged (row, column) in {count(len(wide), "clip")}: '
                            f'{some(s.name for s in wide)}: {why}'))
    if others:
        shares = some(f'{s.name} ({s.pose.outside} of {s.pose.there})' for s in others)
        found.append(Oddity('outside', f'many joints out of the picture in {count(len(others), "clip")}: {shares}. Is img_shape the size '
                            'of the video that the joints were found in?'))
    return found


def _size(seen: Seen) -> str:
    return f'{seen.size[0]} x {seen.size[1]} (h x w)'


def _space(seen: Sequence[Seen], expected: Expected) -> list[Oddity]:
    """Key points with a third coordinate, which should be z; many files have a score there."""
    reach = max(s.pose.reach for s in seen)
    low, high = min(s.pose.depth[0] for s in seen), max(s.pose.depth[1] for s in seen)
    like_score = 0 <= low < high <= 1 and reach > METRIC
    if like_score:
        return [Oddity('third', f'the third coordinate lies within 0..1 while x and y reach {reach:.0f}: it looks like a score, not like '
                       'z. If so, write keypoint_score = keypoint[..., 2], keypoint = keypoint[..., :2] and img_shape into each clip.',
                       severe=expected.in_pixels)]
    if not expected.in_pixels:
        return []
    return [Oddity('space', f'keypoint has shape {seen[0].shape}: x, y, z in space, and {expected.by} works on pixels of a picture. '
                   'Project them (x and y of two axes, as pixels of a picture of known img_shape, as tools/convert_natops.py does), '
                   'or take a network on key points in space (PreNormalize3D, GenSkeFeat).', severe=True)]


def _axes(seen: Sequence[Seen], expected: Expected) -> list[Oddity]:
    """Does the time axis jump as joints lie apart, and the joints' axis move as slowly as time?"""
    steps = np.array([s.pose.steps for s in seen if s.pose.steps and min(s.shape[1:3]) > 2])
    if not len(steps) or np.mean(steps[:, 0] > JUMPY * steps[:, 1]) < 0.9:
        return []
    return [Oddity('axes', f'from frame to frame everything jumps, and neighbouring joints lie close together ({some(s.name for s in seen)}'
                   f', {seen[0].shape[1]} frames of {seen[0].shape[2]} joints): axes 1 and 2 of keypoint look exchanged. Expected '
                   '(people, frames, joints, coordinates): keypoint.swapaxes(1, 2), and the same of keypoint_score.')]


# -- hands --------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HandsFound:
    """At which wrist the hands of some clips lie.

    Attributes:
        mean: (2, 2) px from wrist [right, left] to the finger tips that the layout calls [right, left].
        first: the wrist of the hand that comes first among the joints; None: it is not clear.
    """

    mean: np.ndarray
    first: str | None


def find_hands(seen: Iterable[Seen], hands: Hands) -> HandsFound | None:
    """Measure it; None where some hand or wrist is never seen."""
    poses = [s.pose for s in seen if s.pose.hand_count is not None]
    number = np.sum([pose.hand_count for pose in poses], axis=0)
    if not np.all(number) or not poses:
        return None
    mean = np.sum([pose.hand_px for pose in poses], axis=0) / number
    as_layout, crossed = two_ways(mean)
    if max(as_layout, crossed) < CLEARLY * min(as_layout, crossed):
        return HandsFound(mean, None)
    first = hands.first_hand()
    return HandsFound(mean, first if as_layout < crossed else SIDES[1 - SIDES.index(first)])


def _hands(seen: Sequence[Seen], hands: Hands) -> list[Oddity]:
    found, first = find_hands(seen, hands), hands.first_hand()
    if found is None or found.first in (None, first):
        return []
    joints = span(hands.tips[SIDES.index(first)])
    return [Oddity('hands', f'joints {joints} lie at the {found.first} wrist, the layout says {first}. Take mirror pairs and limbs '
                   f'from the layout with first_hand={found.first!r}.')]


def two_ways(mean: np.ndarray) -> tuple[float, float]:
    """(2, 2) px from wrist to hand -> the two wrists to the hands of their own side, and to those of the other."""
    return float(mean[0, 0] + mean[1, 1]), float(mean[0, 1] + mean[1, 0])


def span(joints: Sequence[int]) -> str:
    """'12-16'."""
    return f'{joints[0]}-{joints[-1]}'
