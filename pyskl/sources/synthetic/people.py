"""Synthetic people: what is the same in all clips of one video."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .gestures import RESTS


@dataclass(frozen=True)
class People:
    """P people, one row each.

    Proportions are factors around 1, lengths are in shoulder widths.

    Attributes:
        centre: (P, 2) position of the neck in the picture, px.
        shoulder_width: (P,) px.
        squeeze: (P,) factor by which a body that is turned from the camera looks narrower.
        slope: (P,) how far the shoulders are below the neck.
        head: (P,) proportion, as are neck, upper_arm, forearm and hand.
        speed: (P,) factor of all movements, as is amplitude.
        right_handed: (P,) probability that the right hand acts.
        rest_habit: (P, R) probabilities of the R resting postures.
        jitter: (P,) standard deviation of joint positions from frame to frame.
        dropout: (P,) probability that a joint is missing in a frame.
        score: (P,) typical score of a joint that is seen well.
    """

    centre: np.ndarray
    shoulder_width: np.ndarray
    squeeze: np.ndarray
    slope: np.ndarray
    head: np.ndarray
    neck: np.ndarray
    upper_arm: np.ndarray
    forearm: np.ndarray
    hand: np.ndarray
    speed: np.ndarray
    amplitude: np.ndarray
    right_handed: np.ndarray
    rest_habit: np.ndarray
    jitter: np.ndarray
    dropout: np.ndarray
    score: np.ndarray

    def of(self, person: np.ndarray) -> People:
        """Return the rows of people (N,): every array then begins with N."""
        return People(**{name: array[person] for name, array in vars(self).items()})


def draw_people(rng: np.random.Generator, num_people: int) -> People:
    """Draw people who differ in everything that a recogniser should not depend on."""

    def uniform(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, num_people).astype(np.float32)

    def around_one(sd: float) -> np.ndarray:
        exponent = np.clip(rng.normal(0, sd, num_people), -2.5 * sd, 2.5 * sd)
        return np.exp(exponent).astype(np.float32)

    habit = rng.integers(len(RESTS), size=num_people)
    return People(
        centre=np.stack([uniform(760, 1160), uniform(380, 520)], axis=1),
        shoulder_width=uniform(170, 300),
        squeeze=uniform(0.88, 1.0),
        slope=uniform(0.0, 0.09),
        head=around_one(0.08),
        neck=around_one(0.10),
        upper_arm=around_one(0.06),
        forearm=around_one(0.06),
        hand=around_one(0.08),
        speed=around_one(0.06),
        amplitude=around_one(0.12),
        right_handed=uniform(0.15, 0.95),
        rest_habit=(0.5 * np.eye(len(RESTS))[habit] + 0.5 / len(RESTS)).astype(np.float32),
        jitter=uniform(0.006, 0.016),
        dropout=uniform(0.005, 0.03),
        score=uniform(0.70, 0.92),
    )
