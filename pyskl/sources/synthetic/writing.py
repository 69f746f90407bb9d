"""Write synthetic clips as iMiGUE's raw files: {split}_data.npy and {split}_label.pkl."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ...errors import UserError
from ...files.atomic import atomic_write
from .body import LAYOUT
from .camera import NUM_FRAMES
from .gestures import gesture_table
from .people import People, draw_people
from .splits import SPLITS, random_stream
from .synthesiser import synthesise

# Clips of each class in iMiGUE's training split, in the order of IMIGUE_LABELS.
IMIGUE_COUNTS = (
    *(10, 393, 38, 199, 80, 23, 57, 824, 80, 3, 284, 137, 97, 41, 26, 24),
    *(304, 82, 1, 887, 157, 360, 656, 690, 11, 280, 84, 60, 1155, 6, 2079, 3765),
)
CLIPS_PER_PERSON = 25
_CHUNK = 256


def class_counts(num_clips: int) -> np.ndarray:
    """Return (32,) how many of `num_clips` clips each class gets.

    Long-tailed like iMiGUE, but less so, so that small sets have every class: a quarter of the
    clips is divided evenly, at most 10 per class, and the rest in proportion to iMiGUE's counts to
    the power 0.7. Of 2,000 clips the rarest class gets 11 and the commonest 271; from 128 clips on
    all classes occur.
    """
    floor = min(10, num_clips // 4 // len(IMIGUE_COUNTS))
    weight = np.array(IMIGUE_COUNTS) ** 0.7
    share = (num_clips - floor * len(weight)) * weight / weight.sum()
    counts = np.floor(share).astype(int)
    left_over = num_clips - floor * len(weight) - counts.sum()
    counts[np.argsort(counts - share, kind='stable')[:left_over]] += 1
    return counts + floor


@dataclass(frozen=True)
class Split:
    """N planned clips.

    Attributes:
        names: of the clips.
        labels: (N,) classes.
        person: (N,) row in `people` of the person in each clip.
        people: all people of the split.
        seed: of the clips.
    """

    names: list[str]
    labels: np.ndarray
    person: np.ndarray
    people: People
    seed: tuple[int, ...]

    def chunks(self) -> Iterator[np.ndarray]:
        """Yield the clips in order, (n, 3, 90, 22, 1) float32, a few hundred at a time."""
        table = gesture_table()
        for i, start in enumerate(range(0, len(self.names), _CHUNK)):
            rows = slice(start, start + _CHUNK)
            rng = np.random.default_rng((*self.seed, 1, i))
            yield synthesise(rng, table.of(self.labels[rows]), self.people.of(self.person[rows]))


def make_split(num_clips: int, seed: int = 0, split: str = 'train', first_video: int = 1) -> Split:
    """Plan a split; the same arguments give the same clips.

    Args:
        num_clips: at least 1.
        seed: of people and clips.
        split: 'train', 'val' or 'test'; each has other people.
        first_video: number of the first person. Each person is one video; its first clip is
            `0187_0`.

    Raises:
        UserError: less than one clip, or a seed below 0.
    """
    stream = random_stream('data', split, num_clips, seed)
    rng = np.random.default_rng((*stream, 0))
    num_people = max(2, round(num_clips / CLIPS_PER_PERSON))
    labels = rng.permutation(np.repeat(np.arange(len(IMIGUE_COUNTS)), class_counts(num_clips)))
    share = rng.uniform(0.5, 1.5, num_people)
    person = np.sort(rng.choice(num_people, num_clips, p=share / share.sum()))
    first_clip = np.searchsorted(person, person)
    names = [
        f'{first_video + p:04d}_{i - first}' for i, (p, first) in enumerate(zip(person, first_clip))
    ]
    return Split(names, labels, person, draw_people(rng, num_people), stream)


def write_split(
    folder: str | os.PathLike, name: str, split: Split, with_labels: bool = True
) -> list[Path]:
    """Write {name}_data.npy and, with labels, {name}_label.pkl.

    A few hundred clips are in memory at a time.

    Args:
        folder: where to write.
        name: 'train', 'val' or 'test'.
        split: the clips.
        with_labels: whether to write their labels.

    Returns:
        The paths written.

    Raises:
        UserError: no labels are wanted, but an older {name}_label.pkl is there, which would be
            taken for the labels of this data.
    """
    data, labels = Path(folder) / f'{name}_data.npy', Path(folder) / f'{name}_label.pkl'
    if not with_labels and labels.exists():
        raise UserError(
            f'{labels}: exists already and would be taken for the labels of the new data. '
            'Remove it, or choose another folder.'
        )
    with atomic_write(data) as f:
        shape = (len(split.names), 3, NUM_FRAMES, LAYOUT.num_joints, 1)
        header = {'descr': '<f4', 'fortran_order': False, 'shape': shape}
        np.lib.format.write_array_header_1_0(f, header)
        total = -(-len(split.names) // _CHUNK)
        for chunk in tqdm(split.chunks(), str(data), total, leave=False, disable=None):
            f.write(chunk.astype('<f4', copy=False).tobytes())
    if not with_labels:
        return [data]
    with atomic_write(labels) as f:
        pickle.dump((split.names, split.labels.tolist()), f)
    return [data, labels]


def write_demo_data(
    folder: str | os.PathLike,
    num_train: int = 2000,
    num_val: int = 200,
    num_test: int = 400,
    seed: int = 0,
    test_labels: bool = True,
) -> dict[str, Split]:
    """Write the raw files of train, val and test, leaving out splits of 0 clips.

    Nobody is in two splits.
    """
    splits: dict[str, Split] = {}
    first_video = 1
    for name, num_clips in zip(SPLITS, (num_train, num_val, num_test)):
        if num_clips == 0:
            continue
        splits[name] = make_split(num_clips, seed, name, first_video)
        first_video += len(splits[name].people.speed)
    for name, split in splits.items():
        write_split(folder, name, split, with_labels=test_labels or name != 'test')
    return splits
