"""MediaPipe Holistic: one person, body and hands, with the weights in its wheel.

The newest mediapipe with weights in its wheel, 0.10.21, needs numpy < 2 and Python 3.9 to 3.12. So
it has an environment of its own (`make pose-env`) and runs as a separate process,
mediapipe_worker.py.

Source: MediaPipe (arXiv:1906.08172), BlazePose (arXiv:2006.10204), MediaPipe Hands
(arXiv:2006.10214).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from ...errors import UserError, printable
from . import mediapipe_worker
from .estimator import Estimator
from .mediapipe_worker import NUM_LANDMARKS, READY

PYTHON = Path(__file__).parents[3] / '.venv-pose' / 'bin' / 'python'
_KEPT = [*range(25), *range(33, NUM_LANDMARKS)]  # all but the legs: mediapipe_upper_hands
_MADE_BY = "'make pose-env' makes that environment; --mediapipe-python names another one."


class MediaPipe(Estimator):
    """MediaPipe Holistic in a separate process for each video.

    Args:
        python: interpreter of an environment with mediapipe 0.10.21.
    """

    layout = 'mediapipe_upper_hands'

    def __init__(self, python: str | os.PathLike | None = None):
        self._python = str(python or PYTHON)
        if not os.access(self._python, os.X_OK) or not os.path.isfile(self._python):
            raise UserError(
                f'{self._python}: no Python is there, and MediaPipe runs in an environment of its '
                f'own. {_MADE_BY}'
            )

    def people(self, frames: Iterable[np.ndarray], size: tuple[int, int]) -> Iterator[np.ndarray]:
        """Yield the person of each frame, if there is one; see Estimator.people."""
        with self._process(size) as (process, errors):
            assert process.stdout is not None
            self._check(process, process.stdout.read(len(READY)) == READY, errors)
            for frame in frames:
                answer = _ask(process, frame)
                self._check(process, len(answer) == 12 * NUM_LANDMARKS, errors)
                marks = np.frombuffer(answer, np.float32).reshape(NUM_LANDMARKS, 3)
                yield people_in(marks, size)

    @contextlib.contextmanager
    def _process(self, size: tuple[int, int]) -> Iterator[tuple[subprocess.Popen, IO[bytes]]]:
        """Run the worker and kill it at the end; also give the file of its error output."""
        script = mediapipe_worker.__file__
        # -I keeps this environment's PYTHONPATH out of the other one.
        command = [self._python, '-I', script, *map(str, size)]
        with tempfile.TemporaryFile() as errors:
            try:
                process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
                )
            except OSError as error:
                raise UserError(
                    f'{self._python}: cannot be run ({error.strerror}). {_MADE_BY}'
                ) from error
            assert process.stdin is not None and process.stdout is not None
            try:
                yield process, errors
            finally:
                process.kill()
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()
                process.stdout.close()
                process.wait()

    def _check(self, process: subprocess.Popen, answered: bool, errors: IO[bytes]) -> None:
        """Raise a UserError with the last line of the worker's error output unless it answered."""
        if answered:
            return
        status = process.wait()
        errors.seek(0)
        lines = errors.read()[-(1 << 14) :].decode('utf-8', 'replace').strip().splitlines()
        last = printable(lines[-1][:300]) if lines else f'status {status}'
        raise UserError(
            f'{self._python}: MediaPipe ended ({last}). Expected mediapipe 0.10.21 and numpy < 2 '
            f'there. {_MADE_BY}'
        )


def _ask(process: subprocess.Popen, frame: np.ndarray) -> bytes:
    """Send a frame and wait for its landmarks; b'' where the process has ended."""
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(np.ascontiguousarray(frame).data)
        process.stdin.flush()
    except BrokenPipeError:
        return b''
    return process.stdout.read(12 * NUM_LANDMARKS)


def people_in(marks: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Turn landmarks into a person in pixels.

    Args:
        marks: (75, 3) pose, left hand, right hand: x and y as fractions of the picture, visibility;
            NaN where nothing was found.
        size: (H, W) of the picture, px.

    Returns:
        (1, 67, 3) of mediapipe_upper_hands, (0, 67, 3) where nobody was found.
    """
    height, width = size
    person = marks[_KEPT] * np.array([width, height, 1], np.float32)
    return person[None] if np.isfinite(person).any() else person[None][:0]
