"""Synthetic recordings: one person per video, who performs gestures between rest and talk.

Written as iMiGUE's csv release: imigue_skeleton_train/0001/0001_light_hand.csv beside
0001_label.csv. Gestures come from the same table as in the synthetic clips. Between gestures the
hands rest, changing their posture now and then, and during talk the head nods and the hands beat
slightly: movements without a label.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ...annotations.segments import Segment
from ...errors import UserError
from ...files.atomic import atomic_write
from ...labels import IMIGUE_LABELS
from ..imigue.frames import NUM_POINTS
from ..imigue.joints import POINTS
from ..imigue.labels import id_of
from .body import LAYOUT, Parts, joints_of, nose_height
from .camera import Played, observe
from .gestures import ANCHORS, PART, PARTS, RESTS, TO_PICTURE, GestureTable, gesture_table
from .people import People, draw_people
from .synthesiser import DRIFT, REST_FINGERS, smooth
from .writing import IMIGUE_COUNTS

FPS = 30
GESTURE = (30, 90)  # frames of the shortest and longest gesture
PAUSE = (30, 150)  # frames between two gestures
WAY = (7, 14)  # frames from rest to the gesture and back

_HANDS = ('hand', 'other')
_MIRRORED = {'hand': 'other', 'other': 'hand', 'shoulder': 'shoulder2', 'shoulder2': 'shoulder'}


def make_recording(
    rng: np.random.Generator, person: People, num_frames: int, classes: np.ndarray
) -> tuple[np.ndarray, list[Segment]]:
    """Make one recording.

    Args:
        rng: draws everything.
        person: one row of People.
        num_frames: T.
        classes: (K,) probability of each class.

    Returns:
        (T, 22, 3) x px, y px, score, and the gestures, frames from 0 on.
    """
    segments = _plan(rng, num_frames, classes)
    table = gesture_table()
    frame = np.arange(num_frames)
    left_acts = rng.random(len(segments)) >= person.right_handed[0]

    # Where every part is at rest: drifting, the hands in one posture after the other.
    place = {part: _drift(rng, num_frames, 0.3 if 'shoulder' in part else 1.0) for part in PARTS}
    fingers = {part: np.full(num_frames, REST_FINGERS) for part in _HANDS}
    for part, rest in zip(_HANDS, _rests(rng, person, num_frames)):
        place[part] = place[part] + rest
    _talk(rng, num_frames, segments, place)

    # The gestures, each in its own frames.
    hidden = np.zeros(num_frames, bool)
    for segment, left in zip(segments, left_acts):
        way = rng.uniform(*WAY, 2) / person.speed[0]
        on = np.minimum(
            smooth((frame - segment.start + way[0] / 2) / way[0]),
            smooth((segment.end - frame + way[1] / 2) / way[1]),
        )
        inside = slice(*np.flatnonzero(on > 0)[[0, -1]] + (0, 1))
        row = table.of(np.array([segment.label]))
        period = rng.uniform(*row.period[0]) / person.speed[0]
        unsteady = 0.05 * np.sin(2 * np.pi * (frame / 47 + rng.random()))
        phase = (frame / period + rng.random() + unsteady)[inside]
        hidden[inside] |= (rng.random() < row.hidden[0]) & (on[inside] > 0.6)
        place_then = {part: track[inside] for part, track in place.items()}
        fingers_then = {part: track[inside] for part, track in fingers.items()}
        _perform(rng, row, person, left, on[inside], phase, place_then, fingers_then)

    neck, head, *hands_and_shoulders = (
        (place[part] * TO_PICTURE[part])[None]
        for part in ('torso', 'head', 'hand', 'other', 'shoulder', 'shoulder2')
    )
    opened = [np.clip(fingers[part], 0, 1)[None] for part in _HANDS]
    parts = Parts(neck, head, hands_and_shoulders[:2], hands_and_shoulders[2:], opened)
    mostly_left = np.array([2 * left_acts.sum() > len(left_acts)])
    length = np.array([num_frames])
    played = Played(joints_of(parts, person), length, hidden[None], mostly_left)
    seen = observe(rng, played, person)
    return seen[0, ..., 0].transpose(1, 2, 0), segments


def _plan(rng: np.random.Generator, num_frames: int, classes: np.ndarray) -> list[Segment]:
    """Draw the gestures of a recording: pauses, lengths and classes."""
    segments: list[Segment] = []
    at = int(rng.integers(*PAUSE))
    while True:
        end = at + int(rng.integers(*GESTURE)) - 1
        if end + WAY[1] >= num_frames:
            return segments
        segments.append(Segment(at, end, int(rng.choice(len(classes), p=classes))))
        at = end + 1 + int(rng.integers(*PAUSE))


def _perform(
    rng: np.random.Generator,
    row: GestureTable,
    person: People,
    left: bool,
    on: np.ndarray,
    phase: np.ndarray,
    place: dict[str, np.ndarray],
    fingers: dict[str, np.ndarray],
) -> None:
    """Move a body from rest to where a gesture goes, and with it.

    Args:
        rng: draws what varies.
        row: the gesture.
        person: who performs it.
        left: whether the left hand acts.
        on: (t,) strength of the gesture in its frames, 0 to 1.
        phase: (t,) of its movement, in turns.
        place: (t, 2) of every part in these frames, changed in place.
        fingers: (t,) of both hands, changed in place.
    """
    size = person.amplitude[0] * rng.uniform(0.85, 1.15)
    used = {part: bool(row.used[0, PART[part]]) for part in PARTS}
    used['other'] &= rng.random() < row.other_chance[0]
    order = ('torso', 'head', 'shoulder', 'shoulder2', 'hand', 'other')
    for part in (part for part in order if used[part]):
        target = _MIRRORED.get(part, part) if left else part
        p = PART[part]
        vary = row.vary[0] * rng.standard_normal((2, 2)) if part in _HANDS else np.zeros((2, 2))
        turns = 2 * np.pi * (phase + row.lag[0, p])
        sine = np.sin(turns)[:, None] * (row.along[0, p] + vary[0])
        cosine = np.cos(turns * row.ratio[0])[:, None] * (row.across[0, p] + vary[1])
        wave = size * on[:, None] * (sine + cosine)
        if part not in _HANDS:
            place[target] += on[:, None] * row.to[0, p] + wave
            continue

        # A hand goes to its place, which may move with the head or the trunk.
        anchor = ANCHORS[row.anchor[0, p]]
        to = (person.head[0] if anchor == 'head' else 1.0) * row.to[0, p]
        goal = np.tile(to + row.spread[0] * rng.standard_normal(2), (len(on), 1))
        if anchor in ('head', 'neck'):
            goal += place['torso'] * TO_PICTURE[target]
        if anchor == 'head':
            goal += place['head'] * TO_PICTURE[target]
            goal[:, 1] -= nose_height(person)[0]
        place[target] += on[:, None] * (goal - place[target]) + wave
        opened = row.fingers[0] + row.finger_wave[0] * np.sin(2 * np.pi * phase)
        fingers[target] += on * (opened - fingers[target])


def _rests(rng: np.random.Generator, person: People, num_frames: int) -> np.ndarray:
    """Draw (2, T, 2) where both hands rest; a change of posture now and then is no gesture."""
    rests = np.zeros((2, num_frames, 2))
    frame, at = np.arange(num_frames), 0
    habit = person.rest_habit[0] / person.rest_habit[0].sum()
    while at < num_frames:
        posture = np.array(RESTS)[rng.choice(len(RESTS), p=habit)]
        new = posture + 0.07 * rng.standard_normal(2) + 0.035 * rng.standard_normal((2, 2))
        share = smooth((frame - at) / rng.uniform(12, 24))[None, :, None] if at else 1.0
        rests += share * (new[:, None] - rests)
        at += int(rng.integers(150, 600))
    return rests


def _talk(rng: np.random.Generator, num_frames: int, segments, place) -> None:
    """Add nods and small beats of the hands, in place, during talk between the gestures."""
    frame = np.arange(num_frames)
    busy = np.zeros(num_frames, bool)
    for segment in segments:
        busy[max(segment.start - WAY[1], 0) : segment.end + WAY[1]] = True
    at = int(rng.integers(60))
    while at < num_frames:
        end = at + int(rng.integers(60, 240))
        on = np.minimum(smooth((frame - at) / 10), smooth((end - frame) / 10)) * ~busy
        nod = 0.05 * np.sin(2 * np.pi * frame / rng.uniform(18, 40))
        place['head'][:, 1] += on * nod * rng.uniform(0.4, 1)
        beat = np.maximum(np.sin(2 * np.pi * (frame / rng.uniform(30, 60) + rng.random())), 0)
        for part in _HANDS:
            size = np.array([0.04, -0.06]) * rng.uniform(0, 1)
            place[part] += (on * beat)[:, None] * size
        at = end + int(rng.integers(30, 240))


def _drift(rng: np.random.Generator, num_frames: int, size: float) -> np.ndarray:
    """Draw (T, 2) slow wandering, two sines."""
    frame, drift = np.arange(num_frames)[:, None], np.zeros((num_frames, 2))
    for shortest, longest in ((40, 90), (90, 240)):
        period, start = rng.uniform(shortest, longest, 2), rng.random(2)
        drift += DRIFT * size * rng.random(2) * np.sin(2 * np.pi * (frame / period + start))
    return drift


def write_recordings(
    folder: str | os.PathLike,
    videos: dict[str, int],
    minutes: float = 2.0,
    seed: int = 0,
    num_classes: int | None = None,
) -> dict[str, list[Path]]:
    """Write synthetic recordings in the form of iMiGUE's csv release; nobody is in two of them.

    Args:
        folder: gets imigue_skeleton_train, imigue_skeleton_validate, imigue_skeleton_test.
        videos: number of videos of 'train', 'val' and 'test'.
        minutes: length of each, at 30 frames per second.
        seed: the same seed gives the same files.
        num_classes: only so many of iMiGUE's most frequent classes occur; by default all.

    Returns:
        The csv of key points of each split.

    Raises:
        UserError: a number out of range.
    """
    num_frames = round(minutes * 60 * FPS)
    if num_frames < GESTURE[1] + PAUSE[1]:
        raise UserError(
            f'synthetic recordings: {minutes:g} minutes are too short. Expected 0.2 or more.'
        )
    if any(number < 0 for number in videos.values()) or not any(videos.values()):
        raise UserError(f'synthetic recordings: {videos}: expected at least one video.')
    if num_classes is not None and not 1 <= num_classes <= len(IMIGUE_LABELS):
        raise UserError(
            f'synthetic recordings: {num_classes} classes: expected 1 to {len(IMIGUE_LABELS)}.'
        )
    weight = np.array(IMIGUE_COUNTS) ** 0.5
    rarest = np.argsort(-weight, kind='stable')[num_classes or len(weight) :]
    weight[rarest] = 0
    written: dict[str, list[Path]] = {}
    numbers = count(1)
    names = {'train': 'train', 'val': 'validate', 'test': 'test'}
    for s, (split, folder_name) in enumerate(names.items()):
        if not videos.get(split):
            continue
        people = draw_people(np.random.default_rng((seed, 7, s)), videos[split])
        bar = tqdm(range(videos[split]), split, unit='recording', leave=False, disable=None)
        written[split] = []
        for i in bar:
            name = f'{next(numbers):04d}'
            rng = np.random.default_rng((seed, 8, s, i))
            person = people.of(np.array([i]))
            made = make_recording(rng, person, num_frames, weight / weight.sum())
            at = Path(folder) / f'imigue_skeleton_{folder_name}' / name
            written[split].append(_write(at, name, *made))
    return written


def _write(folder: Path, name: str, joints: np.ndarray, segments: Sequence[Segment]) -> Path:
    points = np.zeros((len(joints), NUM_POINTS, 3))
    points[:, [POINTS[NUM_POINTS].index(joint) for joint in LAYOUT.joints]] = joints
    rows = np.column_stack([np.arange(len(points)), points.reshape(len(points), -1)])
    header = ['frame', *(f'{axis}{j}' for j in range(NUM_POINTS) for axis in ('x', 'y', 'score'))]
    path = folder / f'{name}_light_hand.csv'
    with atomic_write(path, 'w', encoding='ascii') as file:
        np.savetxt(file, rows, '%.7g', ',', header=','.join(header), comments='')
    with atomic_write(folder / f'{name}_label.csv', 'w', encoding='ascii') as file:
        for segment in segments:
            file.write(f'{id_of(segment.label)},{segment.start},{segment.end}\n')
    return path
