"""From labels and people to clips: the rows of the gesture table, played in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body import LAYOUT, Parts, joints_of, nose_height
from .camera import NUM_FRAMES, observe
from .gestures import ANCHORS, PARTS, RESTS, GestureTable
from .people import People

_P = {part: i for i, part in enumerate(PARTS)}
_HANDS = [_P['hand'], _P['other']]
SHORT_CLIPS, SHORTEST = (
    0.35,
    36,
)  # chance of a clip shorter than NUM_FRAMES, and its least number of frames
DRIFT = 0.035  # how far parts wander on their own, shoulder widths
REST_SPREAD, REST_FINGERS = (
    0.07,
    0.45,
)  # of the resting hands: how much their place differs, how open they are


@dataclass(frozen=True)
class Played:
    """N clips of gestures before anybody looks at them, in shoulder widths.

    joints      (N, T, 22, 2) x right in the picture, y down, the neck near (0, 0)
    length      (N,) frames of the clip, of the T = 90
    hidden      (N, T) the acting hand is behind the body
    left_acts   (N,) the acting hand is the left one
    """

    joints: np.ndarray
    length: np.ndarray
    hidden: np.ndarray
    left_acts: np.ndarray


def synthesise(rng: np.random.Generator, table: GestureTable, people: People) -> np.ndarray:
    """Clips of `people` (N rows) doing the gestures of `table` (N rows): (N, 3, 90, 22, 1) float32 as iMiGUE's raw arrays.

    Channels x and y in pixels of a 1080 x 1920 picture and score; a missing joint is 0 in all three, so are the frames behind
    the end of a short clip.
    """
    played = play(rng, table, people)
    return observe(rng, played.joints, people, played.length, played.hidden, played.left_acts)


def play(rng: np.random.Generator, table: GestureTable, people: People) -> Played:
    """Let `people` (N rows) do the gestures of `table` (N rows). However they move, the same draws are made."""
    num_clips = len(table.used)
    short = rng.random(num_clips) < SHORT_CLIPS
    length = np.where(short, rng.integers(SHORTEST, NUM_FRAMES, num_clips), NUM_FRAMES)
    envelope = _envelope(rng, length, people)
    phase = _phase(rng, table, people)
    used = table.used.copy()
    used[:, _P['other']] &= rng.random(num_clips) < table.other_chance
    shift = _shifts(rng, table, people, used, envelope, phase)  # (N, T, P, 2)
    joints = joints_of(_play(rng, table, people, used, envelope, phase, shift), people)
    left_acts = rng.random(num_clips) >= people.right_handed
    joints[left_acts] = joints[left_acts][:, :, list(LAYOUT.opposite)] * np.array(
        [-1, 1], np.float32
    )
    hidden = (rng.random(num_clips) < table.hidden)[:, None] & (envelope > 0.6)
    return Played(joints, length, hidden, left_acts)


def _envelope(rng: np.random.Generator, length: np.ndarray, people: People) -> np.ndarray:
    """(N, T) how much of the gesture is on: 0 at rest, 1 in full, with smooth ways between. Some clips begin or end within it."""
    num_clips = len(length)
    begin = length * rng.uniform(-0.20, 0.18, num_clips)
    end = length * rng.uniform(0.82, 1.20, num_clips)
    way = rng.uniform(7, 14, (2, num_clips)) / people.speed
    frame = np.arange(NUM_FRAMES)
    on = _smooth((frame - begin[:, None]) / way[0][:, None])
    off = _smooth((end[:, None] - frame) / way[1][:, None])
    return np.minimum(on, off).astype(np.float32)


def _smooth(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3 - 2 * x)


def _phase(rng: np.random.Generator, table: GestureTable, people: People) -> np.ndarray:
    """(N, T) turns of the gesture's movement; no two periods of a person are quite the same."""
    num_clips = len(table.used)
    period = rng.uniform(table.period[:, 0], table.period[:, 1]) / people.speed
    frame = np.arange(NUM_FRAMES)
    unsteady = 0.05 * np.sin(2 * np.pi * (frame / 47.0 + rng.random((num_clips, 1))))
    return (frame / period[:, None] + rng.random((num_clips, 1)) + unsteady).astype(np.float32)


def _shifts(rng, table: GestureTable, people: People, used, envelope, phase) -> np.ndarray:
    """(N, T, P, 2) where the repeated movement, and idle drift, take each part away from its place; x outward on its own side."""
    num_clips = len(table.used)
    vary = np.zeros((num_clips, len(PARTS), 2), np.float32)
    vary[:, _HANDS] = table.vary[:, None, None]
    along = (table.along + vary * rng.standard_normal(vary.shape, np.float32)) * used[..., None]
    across = (table.across + vary * rng.standard_normal(vary.shape, np.float32)) * used[..., None]
    turns = phase[:, :, None] + table.lag[:, None]  # (N, T, P)
    size = (people.amplitude * rng.uniform(0.85, 1.15, num_clips).astype(np.float32))[
        :, None, None
    ] * envelope[:, :, None]
    wave = (size * np.sin(2 * np.pi * turns))[..., None] * along[:, None]
    wave += (size * np.cos(2 * np.pi * turns * table.ratio[:, None, None]))[..., None] * across[
        :, None
    ]
    return wave + _drift(rng, num_clips)


def _drift(rng: np.random.Generator, num_clips: int) -> np.ndarray:
    """(N, T, P, 2) slow idle wandering of every part, two sines each."""
    frame = np.arange(NUM_FRAMES, dtype=np.float32)[None, :, None, None]
    drift = np.zeros((num_clips, NUM_FRAMES, len(PARTS), 2), np.float32)
    for shortest, longest in ((40, 90), (90, 240)):
        period, start, size = rng.random((3, num_clips, 1, len(PARTS), 2), np.float32)
        drift += (
            DRIFT
            * size
            * np.sin(2 * np.pi * (frame / (shortest + (longest - shortest) * period) + start))
        )
    drift[:, :, [_P['shoulder'], _P['shoulder2']]] *= 0.3
    return drift


def _play(rng, table: GestureTable, people: People, used, envelope, phase, shift) -> Parts:
    """The parts in every frame, the right hand acting; from here on x points right in the picture, so its outward is -x."""
    outward = {
        part: np.array([-1 if part in ('hand', 'shoulder') else 1, 1], np.float32) for part in PARTS
    }

    def moved(part: str) -> np.ndarray:
        return (
            envelope[..., None] * table.to[:, None, _P[part]] + shift[:, :, _P[part]]
        ) * outward[part]

    neck, head = moved('torso'), moved('head')
    rest = _rests(rng, people)  # (2, N, 2)
    hands, fingers = [], []
    for part, lies in zip(('hand', 'other'), rest):
        on = envelope * used[:, _P[part], None]
        goal = _goal(rng, table, people, _P[part], neck, head, outward[part])
        lies = lies[:, None] * outward[part]
        hands.append(lies + on[..., None] * (goal - lies) + shift[:, :, _P[part]] * outward[part])
        opened = table.fingers[:, None] + table.finger_wave[:, None] * np.sin(2 * np.pi * phase)
        fingers.append(np.clip(REST_FINGERS + on * (opened - REST_FINGERS), 0.0, 1.0))
    return Parts(
        neck=neck,
        head=head,
        right_hand=hands[0],
        left_hand=hands[1],
        right_shoulder=moved('shoulder'),
        left_shoulder=moved('shoulder2'),
        right_fingers=fingers[0],
        left_fingers=fingers[1],
    )


def _rests(rng: np.random.Generator, people: People) -> np.ndarray:
    """(2, N, 2) where both hands lie: a posture of RESTS by the person's habit, and somewhat elsewhere in each clip."""
    num_clips = len(people.speed)
    posture = (rng.random((num_clips, 1)) > np.cumsum(people.rest_habit, axis=1)[:, :-1]).sum(
        axis=1
    )
    together = REST_SPREAD * rng.standard_normal((1, num_clips, 2), np.float32)
    return (
        np.array(RESTS, np.float32)[posture]
        + together
        + REST_SPREAD / 2 * rng.standard_normal((2, num_clips, 2), np.float32)
    )


def _goal(rng, table: GestureTable, people: People, part: int, neck, head, outward) -> np.ndarray:
    """(N, T, 2) the place where the hand `part` goes; places on the head and at the neck go along with them."""
    spread = table.spread[:, None] * rng.standard_normal((len(people.speed), 2), np.float32)
    on_head, on_body = (
        (table.anchor[:, part] == ANCHORS.index(name))[:, None] for name in ('head', 'neck')
    )
    size = np.where(on_head, people.head[:, None], 1.0)
    offset = (size * table.to[:, part] + spread) * outward
    offset[:, 1] -= np.where(on_head[:, 0], nose_height(people), 0.0)
    return offset[:, None] + (on_head | on_body)[..., None] * neck + on_head[..., None] * head
