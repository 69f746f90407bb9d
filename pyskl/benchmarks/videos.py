"""Videos to decode, by decord alone and through the data set and the loader."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from ..datasets import VideoDataset, build_dataloader
from ..files.libraries import decord, opencv

SIZE, NUM_FRAMES, CLIP_LEN = (256, 340), 120, 16  # (H, W) px, the size that clips of Kinetics have
STEPS = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=CLIP_LEN, frame_interval=4),
    dict(type='DecordDecode'),
    dict(type='Normalize', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='Collect', keys=['imgs']),
]


def write_videos(folder: Path, number: int) -> VideoDataset:
    """Write videos of a moving picture, and return a data set of them in test mode."""
    cv2, rng = opencv(), np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8), (0, 0), 4)
    for i in range(number):
        film = cv2.VideoWriter(
            str(folder / f'{i}.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 30, SIZE[::-1]
        )
        for t in range(NUM_FRAMES):
            film.write(np.roll(picture, (3 + i) * t, 1))
        film.release()
    (folder / 'list.txt').write_text(''.join(f'{i}.mp4 0\n' for i in range(number)))
    return VideoDataset(folder / 'list.txt', STEPS, data_prefix=folder, test_mode=True)


def decord_seconds(dataset: VideoDataset, folder: Path) -> float:
    """Return the seconds that decord alone takes for the frames that the data set samples."""
    library = decord()
    first = (NUM_FRAMES - CLIP_LEN * 4 + 1) // 2  # where SampleFrames begins in test mode
    inds = np.arange(first, first + CLIP_LEN * 4, 4)
    start = time.perf_counter()
    for i in range(len(dataset)):
        library.VideoReader(str(folder / f'{i}.mp4'), num_threads=1).get_batch(inds).asnumpy()
    return time.perf_counter() - start


def loader_seconds(dataset: VideoDataset, workers: int) -> float:
    """Return the seconds that the loader takes for all clips once, its workers already running."""
    batches = build_dataloader(dataset, 1, workers)
    next(iter(batches))
    start = time.perf_counter()
    for batch in batches:
        assert batch['imgs'].shape[3] == CLIP_LEN
    return time.perf_counter() - start
