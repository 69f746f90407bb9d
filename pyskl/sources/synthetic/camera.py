"""What a pose estimator makes of a body: pixels, jitter, scores, missing joints, the end of a short clip."""

from __future__ import annotations

import numpy as np

from .body import LAYOUT
from .people import People

NUM_FRAMES = 90
PICTURE = (1080, 1920)  # height, width
CENTRE_SPREAD = 12  # px: how far a person's place differs from clip to clip
LOST_FOR_A_WHILE = 0.15  # chance that a hand is not found for a part of the clip
_IS_TIP = np.array([name.endswith('tip') for name in LAYOUT.joints])
_HANDS = np.array(
    [
        [name.startswith(side) and name.endswith(('tip', 'wrist')) for name in LAYOUT.joints]
        for side in ('right', 'left')
    ]
)


def observe(
    rng: np.random.Generator,
    joints: np.ndarray,
    people: People,
    length: np.ndarray,
    hidden: np.ndarray,
    left_acts: np.ndarray,
) -> np.ndarray:
    """What the camera and the pose estimator see of `joints`: (N, 3, T, 22, 1) float32, channels x px, y px, score.

    joints     (N, T, 22, 2) shoulder widths; x right in the picture, y down, the neck near (0, 0)
    length     (N,) frames of the clip; those behind it are 0
    hidden     (N, T) the acting hand (the left one where left_acts (N,) says so) is behind the body
    """
    noise = rng.standard_normal(joints.shape, np.float32) * people.jitter[:, None, None, None]
    centre = people.centre + rng.normal(0, CENTRE_SPREAD, (len(joints), 2))
    return estimate(
        rng, to_pixels(joints + noise, people, centre), people, length, hidden, left_acts
    )


def to_pixels(joints: np.ndarray, people: People, centre: np.ndarray) -> np.ndarray:
    """Where joints (N, T, V, 2) in shoulder widths are in a picture of the size PICTURE; `centre` (N, 2) px is the chair's neck."""
    scale = people.shoulder_width[:, None] * np.stack(
        [people.squeeze, np.ones_like(people.squeeze)], axis=-1
    )  # (N, 2)
    return joints * scale[:, None, None] + centre[:, None, None].astype(np.float32)


def estimate(
    rng: np.random.Generator,
    xy: np.ndarray,
    people: People,
    length: np.ndarray,
    hidden: np.ndarray,
    left_acts: np.ndarray,
) -> np.ndarray:
    """What the pose estimator answers for joints that it places at xy (N, T, 22, 2) px; the rest as in `observe`."""
    num_clips, num_frames = xy.shape[:2]
    inside = ((xy > 0) & (xy < np.array(PICTURE[::-1], np.float32) - 1)).all(axis=-1)
    real = np.arange(num_frames) < length[:, None]
    seen = inside & real[..., None] & ~_missing(rng, people, hidden, left_acts)
    clips = np.zeros((num_clips, 3, num_frames, LAYOUT.num_joints, 1), np.float32)
    clips[:, :2, ..., 0] = (xy * seen[..., None]).transpose(0, 3, 1, 2)
    clips[:, 2, ..., 0] = _scores(rng, people, hidden, left_acts) * seen
    return clips


def _acting(left_acts: np.ndarray) -> np.ndarray:
    """(N, 22) the wrist and the finger tips of the acting hand."""
    return _HANDS[left_acts.astype(int)]


def _missing(
    rng: np.random.Generator, people: People, hidden: np.ndarray, left_acts: np.ndarray
) -> np.ndarray:
    """(N, T, 22) single joints in single frames, finger tips more often; a hand for a while; most of a hand behind the body."""
    num_clips, num_frames = hidden.shape
    chance = people.dropout[:, None, None] * np.where(_IS_TIP, 2.0, 0.6).astype(np.float32)
    chance = chance + 0.8 * (hidden[..., None] & (_acting(left_acts) & _IS_TIP)[:, None])
    missing = rng.random((num_clips, num_frames, LAYOUT.num_joints), np.float32) < chance
    frame = np.arange(num_frames)
    for hand in _HANDS:
        begin, lasts = (
            rng.integers(0, num_frames, (num_clips, 1)),
            rng.integers(6, 25, (num_clips, 1)),
        )
        lost = (
            (frame >= begin)
            & (frame < begin + lasts)
            & (rng.random((num_clips, 1)) < LOST_FOR_A_WHILE)
        )
        missing |= lost[..., None] & hand
    return missing


def _scores(
    rng: np.random.Generator, people: People, hidden: np.ndarray, left_acts: np.ndarray
) -> np.ndarray:
    """(N, T, 22) 0.05..1: lower for finger tips, for a hand behind the body, and from clip to clip and frame to frame."""
    num_clips, num_frames = hidden.shape
    usual = (
        people.score[:, None]
        - 0.18 * _IS_TIP
        + 0.05 * rng.standard_normal((num_clips, LAYOUT.num_joints), np.float32)
    )
    score = usual[:, None] - 0.3 * (hidden[..., None] & _acting(left_acts)[:, None])
    score = score + 0.06 * rng.standard_normal(
        (num_clips, num_frames, LAYOUT.num_joints), np.float32
    )
    return np.clip(score, 0.05, 1.0).astype(np.float32)
