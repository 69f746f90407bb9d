"""Check the key points of all clips of a file: where they are, what is missing, sides and hands."""

from __future__ import annotations

from collections import Counter

from tqdm import tqdm

from ..skeletons import Layout
from ..skeletons.poses import SIDES, Hands, PoseFacts
from ..skeletons.sides import crossed_bones
from ..wording import count, some
from .check_report import Report, spread
from .measures import MeasuredClip, measure_clip
from .plausibility import CLEARLY, Expected, find_hands, find_issues, span, two_ways


def check_poses(report: Report, clean: list[dict], layout: Layout | None) -> None:
    """Report scores, sizes and coordinates of all clips, and what looks wrong with them.

    Args:
        report: is added to.
        clean: cleaned clips, at least one, all with the same joints.
        layout: the joints; None: not known.
    """
    in_plane = clean[0]['keypoint'].shape[3] == 2
    hands = Hands.of(layout) if in_plane else None
    clips = [measure_clip(a, layout) for a in tqdm(clean, 'poses', leave=False, disable=None)]
    poses = [c.pose for c in clips]
    _contents(report, clean, poses)
    report.facts['scores'] = _range([p.score for p in poses])
    if in_plane:
        report.facts['pictures (h, w)'] = {
            str(size): n for size, n in Counter(c.size for c in clips).most_common(5)
        }
        report.facts['joints out of the picture'] = sum(p.outside for p in poses)
        unknown = [c.name for c in clips if c.size is None]
        if unknown:
            report.errors.append(
                f'img_shape is missing in {count(len(unknown), "clip")}: {some(unknown)}. Expected '
                '(h, w) px: tools/join.py FILE -o OUT --img-shape H W sets it.'
            )
    else:
        report.facts['largest x or y'] = round(max(p.reach for p in poses), 4)
        report.facts['third coordinate'] = _range([p.depth for p in poses if p.depth])
        report.facts['in space'] = (
            'x, y, z: for networks on key points; those that draw pictures begin their pipeline '
            'with Project3D'
        )
    # Only warnings: the file alone does not tell what the network will take the clips for.
    report.warnings += [
        issue.text for issue in find_issues(clips, Expected(in_pixels=in_plane, layout=layout))
    ]
    if hands:
        _hands(report, hands, clips)


def _range(ranges: list[tuple[float, float]]) -> list[float]:
    """Return the lowest and the highest number of some (lowest, highest)."""
    return [round(min(low for low, _ in ranges), 4), round(max(high for _, high in ranges), 4)]


def _contents(report: Report, clean: list[dict], poses: list[PoseFacts]) -> None:
    """Report empty frames and missing joints."""
    padded = [
        (p.filled, a['total_frames'])
        for a, p in zip(clean, poses)
        if 0 < p.filled < a['total_frames']
    ]
    report.facts['clips that end in empty frames'] = len(padded)
    if padded:
        report.facts['filled frames of those'] = spread([filled for filled, _ in padded])
        share = sum(total - filled for filled, total in padded) / sum(
            a['total_frames'] for a in clean
        )
        report.facts['share of frames that is such an end'] = round(share, 4)
    report.facts['empty frames inside clips'] = sum(p.holes for p in poses)
    present, possible = sum(p.there for p in poses), sum(p.possible for p in poses)
    report.facts['share of joints missing in filled frames'] = (
        round(1 - present / possible, 4) if possible else None
    )


def check_sides(report: Report, clean: list[dict], layout: Layout) -> None:
    """Warn of joints that lie on the other side than the layout says.

    Args:
        report: is added to.
        clean: cleaned clips with the joints of the layout.
        layout: the joints.
    """
    crossed = crossed_bones(clean, layout)
    if crossed:
        name = layout.joints
        pairs = [
            f'{name[a]} ({a}) and {name[b]} ({b}) to {name[c]} and {name[d]}'
            for (a, d), (b, c) in crossed
        ]
        report.warnings.append(
            f'sides look swapped: {some(pairs)} lie nearer than to their own side. If the clips '
            f'have the sides the other way round, swap them in the layout {layout.name}: bones and '
            'mirror pairs.'
        )


def _hands(report: Report, hands: Hands, clips: list[MeasuredClip]) -> None:
    """Report distances from wrists to hands, and the clips that differ from the rest.

    Where all differ from the layout, `find_issues` says so.
    """
    found, first = find_hands(clips, hands), hands.first_hand()
    if found is None:
        report.facts['first hand'] = 'not seen'
        return
    report.facts['mean px from wrist to finger tips'] = {
        f'{wrist} wrist, {span(hands.tips[h])}': round(float(found.mean[w, h]), 1)
        for w, wrist in enumerate(SIDES)
        for h in range(2)
    }
    report.facts['first hand'] = found.first or 'unclear'
    if found.first is None:
        report.warnings.append(
            f'the wrist of joints {span(hands.tips[SIDES.index(first)])} is unclear: no wrist is '
            f'{CLEARLY} times nearer than the other.'
        )
        return
    unlike = [c.name for c in clips if _contradicts(c.pose, found.first == first)]
    report.facts['clips whose hands lie the other way'] = len(unlike)
    if unlike:
        report.facts['of those'] = unlike[:20]


def _contradicts(pose: PoseFacts, as_layout: bool) -> bool:
    """Return whether the hands of a clip clearly hang from other wrists than in the rest."""
    if pose.hands is None or not pose.hands.number.all():
        return False
    straight, crossed = two_ways(pose.hands.px / pose.hands.number)
    return straight > CLEARLY * crossed if as_layout else crossed > CLEARLY * straight
