"""Small videos, and a replacement of MediaPipe's Python: the worker with a tiny mediapipe."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from tiny_videos import write_video

H, W = 48, 64
# A person wherever the picture is bright: the place of the brightest block is their nose, left hand
# landmarks are there in even brightness alone; 'crash' and 'short' spoil the second frame.
STAND_IN = """#!{python}
import os, runpy, sys, types
import numpy as np

class Mark:
    def __init__(self, x, y, visibility=0.0):
        self.x, self.y, self.visibility = x, y, visibility

class Holistic:
    def __init__(self, model_complexity):
        assert model_complexity == 1
        self.count = 0
    def __enter__(self):
        return self
    def __exit__(self, *_):
        pass
    def process(self, frame):
        print('a library that prints')
        self.count += 1
        if {how!r} == 'crash' and self.count == 2:
            sys.exit('out of ideas')
        found = types.SimpleNamespace(
            pose_landmarks=None, left_hand_landmarks=None, right_hand_landmarks=None)
        bright = frame.mean(-1) > 128
        if bright.any():
            y, x = (axis.mean() for axis in np.nonzero(bright))
            x, y = x / frame.shape[1], y / frame.shape[0]
            found.pose_landmarks = types.SimpleNamespace(
                landmark=[Mark(x, y, 0.9), Mark(x, y, 0.1), Mark(x + 2, y, 0.9)]
                + [Mark(x, y, 0.8)] * 30)
            found.left_hand_landmarks = types.SimpleNamespace(landmark=[Mark(x, y)] * 21)
        return found

if {how!r} == 'missing':
    sys.exit("ModuleNotFoundError: No module named 'mediapipe'")
mediapipe = types.ModuleType('mediapipe')
mediapipe.solutions = types.SimpleNamespace(holistic=types.SimpleNamespace(Holistic=Holistic))
sys.modules['mediapipe'] = mediapipe
assert sys.argv[1] == '-I'
open({note!r}, 'w').write(str(os.getpid()))
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name='__main__')
"""


def film(path: Path, places: list[tuple[int, int] | None], fps: float = 25) -> Path:
    """Write a video of a bright block of 8 px, centred at (x, y) in each frame; None: dark."""
    frames = np.zeros((len(places), H, W, 3), np.uint8)
    for frame, place in zip(frames, places):
        if place is not None:
            x, y = place
            frame[y - 4 : y + 4, x - 4 : x + 4] = 255
    write_video(path, frames, fps)
    return path


def stand_in(folder: Path, how: str = '') -> Path:
    """Write the stand-in; it notes its process id in `folder`/pid."""
    path = folder / f'python_{how}'
    path.write_text(STAND_IN.format(python=sys.executable, how=how, note=str(folder / 'pid')))
    path.chmod(0o755)
    return path


def runs(pid: int) -> bool:
    """Whether a process of that number is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
