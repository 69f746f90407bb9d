"""Perform the rows of the gesture table: from labels and people to clips."""

from __future__ import annotations

import numpy as np

from .body import LAYOUT, Parts, joints_of, nose_height
from .camera import NUM_FRAMES, Played, observe
from .gestures import ANCHORS, PART, PARTS, RESTS, TO_PICTURE, GestureTable
from .people import People

_HANDS = [PART['hand'], PART['other']]
SHORT_CLIPS = 0.35  # probability that a clip is shorter than NUM_FRAMES
SHORTEST = 36  # frames of the shortest clip
DRIFT = 0.035  # how far parts wander on their own, shoulder widths
REST_SPREAD = 0.07  # standard deviation of a resting hand's position, shoulder widths
REST_FINGERS = 0.45  # how open a resting hand is


def synthesise(rng: np.random.Generator, table: GestureTable, people: People) -> np.ndarray:
    """Return clips of `people` (N rows) who perform the gestures of `table` (N rows).

    Returns:
        (N, 3, 90, 22, 1) float32 as in iMiGUE's raw arrays: x and y in pixels of a 1080 x 1920
        picture, score. A missing joint is 0 in all three, and so are frames behind the end of a
        short clip.
    """
    return observe(rng, play(rng, table, people), people)


def play(rng: np.random.Generator, table: GestureTable, people: People) -> Played:
    """Let `people` (N rows) perform the gestures of `table` (N rows).

    The number of random draws does not depend on the gestures.
    """
    num_clips = len(table.used)
    short = rng.random(num_clips) < SHORT_CLIPS
    length = np.where(short, rng.integers(SHORTEST, NUM_FRAMES, num_clips), NUM_FRAMES)
    envelope = _envelope(rng, length, people)
    phase = _phase(rng, table, people)
    used = table.used.copy()
    used[:, PART['other']] &= rng.random(num_clips) < table.other_chance
    shift = _shifts(rng, table, people, used, envelope, phase)  # (N, T, P, 2)
    joints = joints_of(_parts(rng, table, people, used, envelope, phase, shift), people)
    left_acts = rng.random(num_clips) >= people.right_handed
    mirror = np.array([-1, 1], np.float32)
    joints[left_acts] = joints[left_acts][:, :, list(LAYOUT.opposite)] * mirror
    hidden = (rng.random(num_clips) < table.hidden)[:, None] & (envelope > 0.6)
    return Played(joints, length, hidden, left_acts)


def _envelope(rng: np.random.Generator, length: np.ndarray, people: People) -> np.ndarray:
    """Draw (N, T) the strength of the gesture, from 0 at rest to 1, with smooth transitions.

    Some clips begin or end within the gesture.
    """
    num_clips = len(length)
    begin = length * rng.uniform(-0.20, 0.18, num_clips)
    end = length * rng.uniform(0.82, 1.20, num_clips)
    way = rng.uniform(7, 14, (2, num_clips)) / people.speed
    frame = np.arange(NUM_FRAMES)
    on = smooth((frame - begin[:, None]) / way[0][:, None])
    off = smooth((end[:, None] - frame) / way[1][:, None])
    return np.minimum(on, off).astype(np.float32)


def smooth(x: np.ndarray) -> np.ndarray:
    """Rise smoothly from 0 at x = 0 to 1 at x = 1."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3 - 2 * x)


def _phase(rng: np.random.Generator, table: GestureTable, people: People) -> np.ndarray:
    """Draw (N, T) the phase of the movement in turns; its period varies slightly."""
    num_clips = len(table.used)
    period = rng.uniform(table.period[:, 0], table.period[:, 1]) / people.speed
    frame = np.arange(NUM_FRAMES)
    unsteady = 0.05 * np.sin(2 * np.pi * (frame / 47.0 + rng.random((num_clips, 1))))
    return (frame / period[:, None] + rng.random((num_clips, 1)) + unsteady).astype(np.float32)


def _shifts(rng, table: GestureTable, people: People, used, envelope, phase) -> np.ndarray:
    """Draw (N, T, P, 2) the shift of each part by movement and drift; x points outward."""
    num_clips = len(table.used)
    vary = np.zeros((num_clips, len(PARTS), 2), np.float32)
    vary[:, _HANDS] = table.vary[:, None, None]
    along = (table.along + vary * rng.standard_normal(vary.shape, np.float32)) * used[..., None]
    across = (table.across + vary * rng.standard_normal(vary.shape, np.float32)) * used[..., None]
    turns = phase[:, :, None] + table.lag[:, None]  # (N, T, P)
    amplitude = people.amplitude * rng.uniform(0.85, 1.15, num_clips).astype(np.float32)
    size = amplitude[:, None, None] * envelope[:, :, None]
    sine = size * np.sin(2 * np.pi * turns)
    cosine = size * np.cos(2 * np.pi * turns * table.ratio[:, None, None])
    wave = sine[..., None] * along[:, None]
    wave += cosine[..., None] * across[:, None]
    return wave + _drift(rng, num_clips)


def _drift(rng: np.random.Generator, num_clips: int) -> np.ndarray:
    """Draw (N, T, P, 2) slow wandering of every part, two sines each."""
    frame = np.arange(NUM_FRAMES, dtype=np.float32)[None, :, None, None]
    drift = np.zeros((num_clips, NUM_FRAMES, len(PARTS), 2), np.float32)
    for shortest, longest in ((40, 90), (90, 240)):
        period, start, size = rng.random((3, num_clips, 1, len(PARTS), 2), np.float32)
        turns = frame / (shortest + (longest - shortest) * period) + start
        drift += DRIFT * size * np.sin(2 * np.pi * turns)
    drift[:, :, [PART['shoulder'], PART['shoulder2']]] *= 0.3
    return drift


def _parts(rng, table: GestureTable, people: People, used, envelope, phase, shift) -> Parts:
    """Return the parts in every frame, with the right hand acting.

    From here on x points right in the picture, so the right hand's outward is -x.
    """

    def moved(part: str) -> np.ndarray:
        place = envelope[..., None] * table.to[:, None, PART[part]]
        return (place + shift[:, :, PART[part]]) * TO_PICTURE[part]

    neck, head = moved('torso'), moved('head')
    hands, fingers = [], []
    for part, rest in zip(('hand', 'other'), _rests(rng, people)):
        outward = TO_PICTURE[part]
        on = envelope * used[:, PART[part], None]
        goal = _goal(rng, table, people, PART[part], neck, head, outward)
        rest = rest[:, None] * outward
        hands.append(rest + on[..., None] * (goal - rest) + shift[:, :, PART[part]] * outward)
        opened = table.fingers[:, None] + table.finger_wave[:, None] * np.sin(2 * np.pi * phase)
        fingers.append(np.clip(REST_FINGERS + on * (opened - REST_FINGERS), 0.0, 1.0))
    return Parts(neck, head, hands, (moved('shoulder'), moved('shoulder2')), fingers)


def _rests(rng: np.random.Generator, people: People) -> np.ndarray:
    """Draw (2, N, 2) where both hands rest: a habitual posture, varied in each clip."""
    num_clips = len(people.speed)
    limits = np.cumsum(people.rest_habit, axis=1)[:, :-1]
    posture = (rng.random((num_clips, 1)) > limits).sum(axis=1)
    both = REST_SPREAD * rng.standard_normal((1, num_clips, 2), np.float32)
    each = REST_SPREAD / 2 * rng.standard_normal((2, num_clips, 2), np.float32)
    return np.array(RESTS, np.float32)[posture] + both + each


def _goal(rng, table: GestureTable, people: People, part: int, neck, head, outward) -> np.ndarray:
    """Draw (N, T, 2) where the hand `part` goes; places on head and neck move with them."""
    spread = table.spread[:, None] * rng.standard_normal((len(people.speed), 2), np.float32)
    on_head, on_body = (
        (table.anchor[:, part] == ANCHORS.index(name))[:, None] for name in ('head', 'neck')
    )
    size = np.where(on_head, people.head[:, None], 1.0)
    offset = (size * table.to[:, part] + spread) * outward
    offset[:, 1] -= np.where(on_head[:, 0], nose_height(people), 0.0)
    return offset[:, None] + (on_head | on_body)[..., None] * neck + on_head[..., None] * head
