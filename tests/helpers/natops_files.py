"""Made-up files in the form of the NATOPS archive."""

from pathlib import Path

import numpy as np

HEADER = '#made up\n@problemName NATOPS\n@timeStamps false\n@classLabel true 1.0 2.0\n\n@data\n'


def ts_file(path: Path, values: np.ndarray, labels: list[str], header: str = HEADER) -> Path:
    """values (N, 24, T)"""
    lines = [
        ':'.join(','.join(map(repr, row.tolist())) for row in clip) + f':{label}'
        for clip, label in zip(values, labels)
    ]
    path.write_text(header + '\n'.join(lines) + '\n', encoding='latin-1')
    return path


def made_up(num_clips: int, num_frames: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(num_clips, 24, num_frames)).round(6)
