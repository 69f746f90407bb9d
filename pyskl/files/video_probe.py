"""Look into videos from a process apart: some broken ones make decord end the process, or hang.

The parent asks a line at a time, {"path": ..., "frames": [...]}, and is answered
{"length": ..., "faults": [...]}: a fault for each frame, null where it can be decoded.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import DataError
from .videos import CURE, VideoFrames

SECONDS = 60.0  # for a video; opening and a few frames take a hundredth of that


class VideoProbe:
    """A process that opens videos for this one; a new one is started where it ends.

    Args:
        seconds: how long one video may take.
    """

    def __init__(self, seconds: float = SECONDS):
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> VideoProbe:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def faults(
        self, path: str, frames: Sequence[int | None]
    ) -> tuple[int | None, list[str | None]]:
        """Open a video and decode frames of it.

        Args:
            path: of the video.
            frames: numbers; None, and what is beyond the end, stands for the last.

        Returns:
            How many frames the video has (None: it cannot be opened), and for each of `frames` what
            is wrong, None where it can be decoded.
        """
        answer = self._ask({'path': os.path.abspath(path), 'frames': list(frames)})
        if isinstance(answer, dict):
            return answer['length'], answer['faults']
        return None, [f'{path}: {answer} {CURE}'] * len(frames)

    def _ask(self, question: dict[str, Any]) -> dict[str, Any] | str:
        """Return the answer, or why there is none."""
        process = self._process = self._process or self._start()
        try:
            print(json.dumps(question), file=process.stdin, flush=True)
            line = self._answers.get(timeout=self._seconds)
        except queue.Empty:
            self._end()
            return f'decord does not come to an end with it within {self._seconds:g} seconds.'
        except OSError:  # it is gone
            line = ''
        if line.endswith('\n'):
            return json.loads(line)
        status = process.wait()
        self._end()
        ended = signal.Signals(-status).name if status < 0 else f'exit status {status}'
        return f'decord breaks down over it ({ended}).'

    def _start(self) -> subprocess.Popen[str]:
        root = str(Path(__file__).parents[2])
        paths = [root, *filter(None, [os.environ.get('PYTHONPATH')])]
        process = subprocess.Popen(
            [sys.executable, '-m', __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding='utf-8',
            env={**os.environ, 'PYTHONPATH': os.pathsep.join(paths)},
        )
        self._answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_read, args=(process, self._answers), daemon=True).start()
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            if process.stdin:
                process.stdin.close()


def _read(process: subprocess.Popen, answers: queue.Queue[str]) -> None:
    assert process.stdout is not None
    with process.stdout as stdout:
        for line in stdout:
            answers.put(line)
    answers.put('')


def _answer(path: str, frames: Sequence[int | None]) -> dict[str, Any]:
    try:
        with VideoFrames(path) as video:
            last = len(video) - 1
            faults: dict[int, str | None] = {}
            for number in sorted({last if n is None else min(n, last) for n in frames}):
                try:
                    video.frames([number])
                    faults[number] = None
                except DataError as error:
                    faults[number] = str(error)
            answers = [faults[last if n is None else min(n, last)] for n in frames]
            return {'length': last + 1, 'faults': answers}
    except DataError as error:
        return {'length': None, 'faults': [str(error)] * len(frames)}


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    with os.fdopen(os.dup(1), 'w') as answers:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)  # whatever else is printed is no answer
        os.dup2(nowhere, 2)  # decord writes there what it also raises
        for line in sys.stdin:
            question = json.loads(line)
            print(
                json.dumps(_answer(question['path'], question['frames'])), file=answers, flush=True
            )


if __name__ == '__main__':
    _main()
