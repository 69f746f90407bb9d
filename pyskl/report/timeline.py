"""A page of timelines: a row for each recording, its known above its spotted gestures; a player."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..annotations.segments import Segment
from ..errors import ConfigError
from ..evaluation.spotting import match
from ..skeletons import is_present, layout_of
from ..sources.recordings import Recording
from .page import write_page

MISSING = 255
BUDGET = 6_000_000  # bytes of key points in a page; beyond it every other frame goes, and again
MOST_STEP = 1024
SHOWN = {
    'f1': 'F1',
    'precision': 'precision',
    'recall': 'recall',
    'map': 'mAP',
    'frame_accuracy': 'frame accuracy',
}


class Timeline:
    """A page with a row per recording.

    Recordings are added one by one and not kept: of their key points at most BUDGET bytes stay.
    """

    def __init__(self):
        self._rows: list[dict[str, Any]] = []
        self._points: list[np.ndarray] = []  # (T, M, V, 2) uint8 of each row, every step-th frame
        self._step = 1

    def add(
        self, recording: Recording, truth: Sequence[Segment] | None, found: Sequence[Segment]
    ) -> None:
        """Add a recording as a row.

        Args:
            recording: its key points, which are thinned.
            truth: its labels, in frames of its file; None: it has none.
            found: its spotted segments, in frames of its file.
        """
        first = recording.first
        right = match(truth, found) >= 0 if truth is not None else np.zeros(len(found), bool)
        self._rows.append(
            {
                'name': recording.name,
                'first': first,
                'frames': recording.num_frames,
                'truth': None
                if truth is None
                else [[s.start - first, s.end - first, s.label] for s in truth],
                'found': [
                    [s.start - first, s.end - first, s.label, round(s.score, 4), bool(fits)]
                    for s, fits in zip(found, right)
                ],
                'people': recording.keypoint.shape[0],
                'joints': recording.keypoint.shape[2],
            }
        )
        self._points.append(grid_points(recording, self._step))
        while sum(points.size for points in self._points) > BUDGET and self._step < MOST_STEP:
            self._step *= 2
            self._points = [points[::2].copy() for points in self._points]

    def write(
        self,
        path: str | os.PathLike,
        names: Sequence[str],
        layout: str | dict | None = None,
        figures: Mapping[str, Any] | None = None,
        fps: float | None = None,
    ) -> int:
        """Write the page, one file without links.

        Args:
            path: of the page.
            names: of the classes.
            layout: of the skeleton, to draw its bones; None: draw joints alone.
            figures: of evaluate_spotting.
            fps: of the player; None: 30.

        Returns:
            The page's size in bytes.

        Raises:
            UserError: the page cannot be written.
        """
        figures = figures or {}
        shown = [[text, f'{figures[key]:.3f}'] for key, text in SHOWN.items() if key in figures]
        data = {
            'title': 'Spotted gestures',
            'figures': shown,
            'classes': list(names),
            'bones': self._bones(layout),
            'fps': fps or 30,
            'recordings': [
                {**row, 'step': self._step, 'points': base64.b64encode(points.tobytes()).decode()}
                for row, points in zip(self._rows, self._points)
            ],
        }
        return write_page(path, 'timeline', ('timeline.js',), data)

    def _bones(self, layout: str | dict | None) -> list[list[int]]:
        """Return the layout's bones if all recordings have its joints."""
        try:
            known = None if layout is None else layout_of(layout)
        except ConfigError:
            known = None
        if known is None or {row['joints'] for row in self._rows} != {known.num_joints}:
            return []
        return [list(bone) for bone in known.bones]


def grid_points(recording: Recording, step: int) -> np.ndarray:
    """Quantise the joints of every step-th frame within the square around all of them.

    Returns:
        (T, M, V, 2) uint8, 0..254 from one side of the square to the other; MISSING for a missing
        joint.
    """
    xy = recording.keypoint[:, ::step, :, :2].astype(np.float32)
    score = None if recording.score is None else recording.score[:, ::step]
    there = is_present(recording.keypoint[:, ::step], score)
    if recording.keypoint.shape[-1] == 3:
        xy = xy * np.array((1, -1), np.float32)  # in space y points up
    if not there.any():
        return np.full(xy.swapaxes(0, 1).shape, MISSING, np.uint8)

    # One stray joint must not make everybody small.
    low, high = np.percentile(xy[there], (0.5, 99.5), axis=0).astype(np.float32)
    extent = np.float32(max((high - low).max(), 1e-6) * 1.1)
    places = ((xy - (low + high) / 2) / extent + 0.5) * 254
    places = np.where(there[..., None], np.clip(np.rint(places), 0, 254), MISSING)
    return np.ascontiguousarray(places.astype(np.uint8).swapaxes(0, 1))
