"""MediaPipe Holistic as a process that reads frames from stdin and writes landmarks to stdout.

    python mediapipe_worker.py HEIGHT WIDTH

mediapipe.py starts it with the Python of an environment that has mediapipe; this file imports
nothing of pyskl. Input: frames of HEIGHT x WIDTH x 3 bytes, RGB. Output: READY, then for each frame
NUM_LANDMARKS x 3 float32, x and y as fractions of the picture and the visibility; NaN where a part
was not found. It ends with its stdin, so it never outlives the process that started it.
"""

from __future__ import annotations

import os
import sys

READY = b'landmarks\n'
PARTS = (('pose_landmarks', 33), ('left_hand_landmarks', 21), ('right_hand_landmarks', 21))
NUM_LANDMARKS = sum(count for _, count in PARTS)


def main() -> None:
    """Answer each frame with its landmarks."""
    height, width = map(int, sys.argv[1:])
    out = os.fdopen(os.dup(1), 'wb')
    os.dup2(2, 1)  # keeps what libraries print out of the numbers
    os.environ.setdefault('GLOG_minloglevel', '2')
    import mediapipe
    import numpy as np

    with mediapipe.solutions.holistic.Holistic(model_complexity=1) as holistic:
        out.write(READY)
        out.flush()
        while len(raw := sys.stdin.buffer.read(height * width * 3)) == height * width * 3:
            frame = np.frombuffer(raw, np.uint8).reshape(height, width, 3)
            out.write(landmarks(holistic.process(frame)).tobytes())
            out.flush()


def landmarks(found):
    """Return (NUM_LANDMARKS, 3) float32 of what MediaPipe found in a frame."""
    import numpy as np

    rows = np.full((NUM_LANDMARKS, 3), np.nan, np.float32)
    start = 0
    for name, count in PARTS:
        part = getattr(found, name)
        if part is not None:
            # The landmarks of a hand have no visibility.
            hand = name != 'pose_landmarks'
            rows[start : start + count] = [
                (mark.x, mark.y, 1.0 if hand else mark.visibility) for mark in part.landmark
            ]
        start += count
    return rows


if __name__ == '__main__':
    main()
