"""Imitate a pose estimator: pixels, jitter, scores, missing joints, zeros behind a short clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body import LAYOUT
from .people import People

NUM_FRAMES = 90
PICTURE = (1080, 1920)  # height, width
CENTRE_SPREAD = 12  # standard deviation of a person's position from clip to clip, px
LOST_FOR_A_WHILE = 0.15  # probability that a hand is not found during part of the clip
_IS_TIP = np.array([name.endswith('tip') for name in LAYOUT.joints])
_HANDS = np.array(
    [
        [name.startswith(side) and name.endswith(('tip', 'wrist')) for name in LAYOUT.joints]
        for side in ('right', 'left')
    ]
)


@dataclass(frozen=True)
class Played:
    """N performed gestures, not yet seen by a camera.

    Attributes:
        joints: (N, T, 22, 2) shoulder widths; x right in the picture, y down, the neck near (0, 0).
        length: (N,) frames of each clip; later ones are 0 in what is seen.
        hidden: (N, T) whether the acting hand is behind the body.
        left_acts: (N,) whether the acting hand is the left one.
    """

    joints: np.ndarray
    length: np.ndarray
    hidden: np.ndarray
    left_acts: np.ndarray


def observe(rng: np.random.Generator, played: Played, people: People) -> np.ndarray:
    """Return what a camera and a pose estimator see of `people` (N rows).

    Returns:
        (N, 3, T, 22, 1) float32, channels x px, y px, score.
    """
    joints = played.joints
    noise = rng.standard_normal(joints.shape, np.float32) * people.jitter[:, None, None, None]
    centre = people.centre + rng.normal(0, CENTRE_SPREAD, (len(joints), 2))
    return estimate(rng, to_pixels(joints + noise, people, centre), people, played)


def to_pixels(joints: np.ndarray, people: People, centre: np.ndarray) -> np.ndarray:
    """Place joints in a picture of the size PICTURE.

    Args:
        joints: (N, T, V, 2) shoulder widths.
        people: N rows.
        centre: (N, 2) px of the origin.

    Returns:
        (N, T, V, 2) px.
    """
    stretch = np.stack([people.squeeze, np.ones_like(people.squeeze)], axis=-1)
    scale = people.shoulder_width[:, None] * stretch  # (N, 2)
    return joints * scale[:, None, None] + centre[:, None, None].astype(np.float32)


def estimate(
    rng: np.random.Generator, xy: np.ndarray, people: People, played: Played
) -> np.ndarray:
    """Return what a pose estimator reports of joints at xy (N, T, 22, 2) px; see `observe`."""
    num_clips, num_frames = xy.shape[:2]
    inside = ((xy > 0) & (xy < np.array(PICTURE[::-1], np.float32) - 1)).all(axis=-1)
    real = np.arange(num_frames) < played.length[:, None]
    seen = inside & real[..., None] & ~_missing(rng, people, played)
    clips = np.zeros((num_clips, 3, num_frames, LAYOUT.num_joints, 1), np.float32)
    clips[:, :2, ..., 0] = (xy * seen[..., None]).transpose(0, 3, 1, 2)
    clips[:, 2, ..., 0] = _scores(rng, people, played) * seen
    return clips


def _hidden(played: Played) -> np.ndarray:
    """Return (N, T, 22) which joints are of a hand, wrist and finger tips, behind the body."""
    return played.hidden[..., None] & _HANDS[played.left_acts.astype(int)][:, None]


def _missing(rng: np.random.Generator, people: People, played: Played) -> np.ndarray:
    """Draw (N, T, 22) which joints are missing.

    Single joints in single frames, finger tips more often; a hand for a while; most of a hand that
    is behind the body.
    """
    num_clips, num_frames = played.hidden.shape
    chance = people.dropout[:, None, None] * np.where(_IS_TIP, 2.0, 0.6).astype(np.float32)
    chance = chance + 0.8 * (_hidden(played) & _IS_TIP)
    missing = rng.random((num_clips, num_frames, LAYOUT.num_joints), np.float32) < chance
    frame = np.arange(num_frames)
    for hand in _HANDS:
        begin = rng.integers(0, num_frames, (num_clips, 1))
        end = begin + rng.integers(6, 25, (num_clips, 1))
        lost = rng.random((num_clips, 1)) < LOST_FOR_A_WHILE
        missing |= (lost & (frame >= begin) & (frame < end))[..., None] & hand
    return missing


def _scores(rng: np.random.Generator, people: People, played: Played) -> np.ndarray:
    """Draw (N, T, 22) scores from 0.05 to 1, lower for finger tips and for a hidden hand."""
    num_clips, num_frames = played.hidden.shape
    by_clip = rng.standard_normal((num_clips, LAYOUT.num_joints), np.float32)
    usual = people.score[:, None] - 0.18 * _IS_TIP + 0.05 * by_clip
    score = usual[:, None] - 0.3 * _hidden(played)
    by_frame = rng.standard_normal((num_clips, num_frames, LAYOUT.num_joints), np.float32)
    score = score + 0.06 * by_frame
    return np.clip(score, 0.05, 1.0).astype(np.float32)
