"""The check of an exported network: clips, and the comparison with PyTorch's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..datasets.loader import collate
from ..errors import UserError
from ..inference.clips import Wanted, clips_of
from ..onnx import GraphRecognizer
from .inference import test_sample
from .trained import TrainedRecognizer

NUM_CLIPS = 10
TOLERANCE = {'fp32': 1e-4, 'fp16': 1e-2}  # of a probability
MADE_UP_JOINTS = 17  # if the number of joints is not known
MADE_UP_VIDEO = (270, 360)  # height and width in pixels, enough for the usual crops


def compare(
    model: TrainedRecognizer,
    exported: GraphRecognizer,
    clips: Sequence[Mapping[str, Any]],
    precision: Literal['fp32', 'fp16'],
    out: Path,
) -> float:
    """Compare the probabilities of an exported network with those of its model.

    Args:
        model: from init_recognizer.
        exported: the exported network.
        clips: annotations, as inference.clips gives them.
        precision: of the exported network.
        out: the file, for messages.

    Returns:
        The largest difference of a probability.

    Raises:
        UserError: it is larger than TOLERANCE, or another class comes first although the model
            prefers its own by more than that.
    """
    expected = np.stack([torch_answers(model, clip) for clip in clips])  # (N, A, K)
    found = np.stack([exported.answers_of(clip) for clip in clips])
    tolerance = TOLERANCE[precision]
    difference = float(np.abs(expected - found).max())
    first = np.take_along_axis(expected, found.argmax(-1)[..., None], -1)[..., 0]
    if difference <= tolerance and (expected.max(-1) - first <= tolerance).all():
        return difference
    cure = (
        'Export it in fp32.'
        if precision == 'fp16'
        else 'Report it, with the config and the versions of torch, onnx and onnxruntime.'
    )
    raise UserError(
        f'{out}: not written. On {len(clips)} clips its probabilities differ by up to '
        f'{difference:.2g} from those of PyTorch, more than {tolerance:g} ({precision}). {cure}'
    )


def torch_answers(model: TrainedRecognizer, clip: Mapping[str, Any]) -> np.ndarray:
    """Return the class probabilities (A, K) of a clip, one row for each of the model's answers."""
    answers = model(collate([test_sample(model, clip)]), return_loss=False)
    rows = answers.values() if isinstance(answers, Mapping) else [answers]
    return np.concatenate(list(rows))


def made_up_clips(model: TrainedRecognizer) -> list[dict[str, Any]]:
    """Make clips that a model takes: key points, frames, or both.

    They are short and long, of one to three people, and some joints are missing.
    """
    pictures = model.wanted.pictures
    rng = np.random.default_rng(0)
    clips = []
    for i in range(NUM_CLIPS):
        given: dict[str, Any] = {'frame_dir': f'made_up_{i}'}
        frames = ((5, 40, 130) if pictures == 'no' else (5, 20, 40))[i % 3] + i
        if pictures != 'alone':
            given |= _made_up_people(model.wanted, 1 + i % 3, frames, rng)
        if pictures != 'no':
            given['array'] = _made_up_frames(frames, rng)
        clips += clips_of(model, given, None)
    return clips


def _made_up_people(
    wanted: Wanted, people: int, frames: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Return key points of moving people, in space or in a picture, in the fields of a clip."""
    joints = wanted.num_joints or MADE_UP_JOINTS
    body = rng.normal(0, 0.3, (people, 1, joints, 3)) + rng.normal(0, 0.5, (people, 1, 1, 3))
    moves = rng.normal(0, 0.02, (people, frames, joints, 3)).cumsum(1)
    keypoint = (body + moves).astype(np.float32)  # metres
    missing = rng.random((people, frames, joints)) < 0.05
    if wanted.in_space or wanted.step is None:
        keypoint[missing] = 0
        return {'keypoint': keypoint}
    height, width = MADE_UP_VIDEO if wanted.pictures != 'no' else (1080, 1920)
    middle = np.array([width / 2, height / 2])
    xy = (keypoint[..., :2] * (height / 5.4) + middle).astype(np.float32)
    score = np.where(missing, 0, rng.uniform(0.3, 1, missing.shape)).astype(np.float32)
    xy[missing] = 0
    return {'keypoint': xy, 'keypoint_score': score, 'img_shape': (height, width)}


def _made_up_frames(frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return frames (T, H, W, 3) uint8 of coloured blocks that change over time."""
    (height, width), edge = MADE_UP_VIDEO, 32  # pixels of a block
    steps = rng.normal(0, 12, (frames, -(-height // edge), -(-width // edge), 3))
    blocks = (rng.uniform(0, 255, steps.shape[1:]) + steps.cumsum(0)).clip(0, 255).astype(np.uint8)
    return blocks.repeat(edge, 1).repeat(edge, 2)[:, :height, :width]
