"""RTMPose and similar networks through rtmlib, from the user's ONNX files: several people.

A detector finds people in a frame, and the network finds the joints of each. Without a detector the
whole frame is taken as one person. Nothing is downloaded, as rtmlib would do for a missing path.

Source: RTMPose (arXiv:2303.07399), github.com/Tau-J/rtmlib, which lists the available files.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ...errors import DataError, UserError
from ...files.path_checks import check_present
from .estimator import Estimator

LAYOUTS = {17: 'coco17', 26: 'halpe26', 133: 'coco_wholebody133'}
_INSTALL = "rtmlib needs two packages: pip install -e '.[pose]'"
_FILES = (
    'Expected an ONNX file of RTMPose (two outputs, 17, 26 or 133 joints); '
    'github.com/Tau-J/rtmlib lists them.'
)


class RTMLib(Estimator):
    """A pose network, after a person detector if one is given.

    Args:
        pose: ONNX file of RTMPose or RTMW.
        detector: ONNX file of YOLOX; None takes the whole frame as one person.
        device: 'cpu' or 'cuda'.

    Raises:
        UserError: rtmlib or onnxruntime is not installed, or a file is not such a network.
    """

    def __init__(
        self,
        pose: str | os.PathLike,
        detector: str | os.PathLike | None = None,
        device: str = 'cpu',
    ):
        for file in (pose, detector):
            if file is not None and not check_present(file).is_file():
                raise DataError(f'{file}: is a folder. {_FILES}')
        library = _rtmlib()
        shape, self._num_joints = _describe(Path(pose))
        self.layout = LAYOUTS[self._num_joints]
        runtime = {'backend': 'onnxruntime', 'device': device}
        self._detector = None
        with contextlib.redirect_stdout(io.StringIO()):  # rtmlib prints
            self._pose = library.RTMPose(str(pose), shape, **runtime)
            if detector is not None:
                width, height = _input_size(_session(Path(detector)), Path(detector))
                self._detector = library.YOLOX(str(detector), (height, width), **runtime)

    def people(self, frames: Iterable[np.ndarray], size: tuple[int, int]) -> Iterator[np.ndarray]:
        """Yield the people of each frame; see Estimator.people."""
        height, width = size
        for frame in frames:
            picture = np.ascontiguousarray(frame[..., ::-1])  # rtmlib takes BGR
            boxes = self._detector(picture) if self._detector else [[0, 0, width, height]]
            if not len(boxes):  # for which rtmlib would take the whole frame
                yield np.zeros((0, self._num_joints, 3), np.float32)
                continue
            places, scores = self._pose(picture, bboxes=boxes)
            # RTMW's scores are not probabilities and exceed 1.
            found = np.concatenate([places, np.clip(scores, 0, 1)[..., None]], axis=-1)
            yield found.astype(np.float32)


def _rtmlib() -> ModuleType:
    try:
        importlib.import_module('onnxruntime')
        return importlib.import_module('rtmlib')
    except ImportError as error:
        raise UserError(f'{error.name} is not installed. {_INSTALL}') from error


def _session(path: Path) -> Any:
    """Open an ONNX file without running code from it."""
    runtime = importlib.import_module('onnxruntime')
    try:
        return runtime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    except Exception as error:  # onnxruntime has an error class for each of its states
        reason = str(error).splitlines()[0][:200]
        raise DataError(
            f'{path}: cannot be read as an ONNX network ({reason}). {_FILES}'
        ) from error


def _input_size(session: Any, path: Path) -> tuple[int, int]:
    """Return (width, height) of the pictures that a network takes."""
    shape = session.get_inputs()[0].shape
    if len(shape) != 4 or not all(isinstance(side, int) for side in shape[1:]):
        raise DataError(f'{path}: takes arrays of shape {shape}, expected (1, 3, height, width).')
    return shape[3], shape[2]


def _describe(path: Path) -> tuple[tuple[int, int], int]:
    """Return (width, height) of a pose network's pictures, and its number of joints."""
    session = _session(path)
    size = _input_size(session, path)
    shapes = [output.shape for output in session.get_outputs()]
    joints = {shape[1] for shape in shapes if len(shape) == 3}
    if len(shapes) != 2 or len(joints) != 1 or not joints <= set(LAYOUTS):
        raise DataError(f'{path}: gives arrays of shapes {shapes}. {_FILES}')
    return size, joints.pop()
