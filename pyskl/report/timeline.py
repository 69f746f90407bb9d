"""A page of timelines: a row for each recording, its known above its spotted gestures; a player."""

from __future__ import annotations

import base64
import html
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..annotations.segments import Segment
from ..errors import ConfigError
from ..evaluation.spotting import match
from ..files.atomic import atomic_write
from ..skeletons import is_present, layout_of
from ..sources.recordings import Recording
from .page import HERE, fill_template, page_policy, safe_json

MISSING = 255
BUDGET = 6_000_000  # bytes of key points in a page; long recordings keep every n-th frame
SHOWN = {
    'f1': 'F1',
    'precision': 'precision',
    'recall': 'recall',
    'map': 'mAP',
    'frame_accuracy': 'frame accuracy',
}

Segments = Mapping[str, Sequence[Segment]]


def write_timeline(
    path: str | os.PathLike,
    recordings: Mapping[str, Recording],
    truth: Segments,
    found: Segments,
    names: Sequence[str],
    layout: str | dict | None = None,
    figures: Mapping[str, Any] | None = None,
    fps: float | None = None,
) -> int:
    """Write the page, which needs no network.

    Args:
        path: path of the page.
        recordings: recordings by name.
        truth: known segments of labelled recordings, in frames of their files.
        found: spotted segments of all recordings, in frames of their files.
        names: class names.
        layout: skeleton layout, whose bones are drawn; None for joints alone.
        figures: figures of evaluate_spotting.
        fps: frames a second of the player, 30 by default.

    Returns:
        Size of the page in bytes.

    Raises:
        UserError: the page cannot be written.
    """
    total = sum(
        r.keypoint.shape[0] * r.num_frames * r.keypoint.shape[2] * 2 for r in recordings.values()
    )
    step = max(1, -(-total // BUDGET))
    data = {
        'title': 'Spotted gestures',
        'figures': [[text, f'{figures[key]:.3f}'] for key, text in SHOWN.items() if key in figures]
        if figures
        else [],
        'classes': list(names),
        'bones': _bones(layout, recordings),
        'fps': fps or 30,
        'recordings': [
            _row(recording, truth.get(name), found.get(name, ()), step)
            for name, recording in recordings.items()
        ],
    }
    page = _render(data).encode('utf-8', 'backslashreplace')
    with atomic_write(path) as file:
        file.write(page)
    return len(page)


def _bones(layout: str | dict | None, recordings: Mapping[str, Recording]) -> list[list[int]]:
    joints = {recording.keypoint.shape[2] for recording in recordings.values()}
    try:
        known = None if layout is None else layout_of(layout)
    except ConfigError:
        known = None
    return [list(bone) for bone in known.bones] if known and joints == {known.num_joints} else []


def _row(
    recording: Recording, truth: Sequence[Segment] | None, found: Sequence[Segment], step: int
) -> dict[str, Any]:
    first = recording.first
    right = match(truth, found) >= 0 if truth is not None else np.zeros(len(found), bool)
    return {
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
        'step': step,
        'points': base64.b64encode(_bytes(recording, step)).decode(),
    }


def _bytes(recording: Recording, step: int) -> bytes:
    """Return the bytes of (T, M, V, 2) places in the square around all joints.

    Places are 0 to 254 from the square's left and top; MISSING stands for a missing joint.
    """
    xy = recording.keypoint[:, ::step, :, :2].astype(np.float32)
    score = None if recording.score is None else recording.score[:, ::step]
    there = is_present(recording.keypoint[:, ::step], score)
    if recording.keypoint.shape[-1] == 3:
        xy = xy * np.array((1, -1), np.float32)  # in space y points up
    if not there.any():
        return bytes([MISSING]) * xy.size
    low, high = np.percentile(xy[there], (0.5, 99.5), axis=0)  # without stray joints
    extent = float(max((high - low).max(), 1e-6)) * 1.1
    places = ((xy - (low + high) / 2) / extent + 0.5) * 254
    places = np.where(there[..., None], np.clip(np.rint(places), 0, 254), MISSING)
    return places.astype(np.uint8).swapaxes(0, 1).tobytes()


def _render(data: Mapping[str, Any]) -> str:
    texts = {
        kind: (HERE / f'timeline.{kind}').read_text(encoding='utf-8')
        for kind in ('html', 'css', 'js')
    }
    script = f'(() => {{\n"use strict";\n{texts["js"]}}})();\n'
    values = {
        'title': html.escape(str(data['title'])),
        'policy': page_policy(script, texts['css']),
        'style': texts['css'],
        'script': script,
        'data': safe_json(data),
    }
    return fill_template(texts['html'], values)
