"""Write synthetic clips of pictures and key points: a folder of videos and an annotation file."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ...annotations import About, write_annotations
from ...errors import UserError
from ...files.atomic import atomic_write
from ...files.libraries import opencv
from ..source import Annotation
from .body import LAYOUT
from .camera import CENTRE_SPREAD, PICTURE, Played, estimate, to_pixels
from .desk import DESK_TOP, SCENES, Scene
from .gestures import Gesture, gesture_table
from .people import People, draw_people
from .pictures import Looks, draw_clutter, draw_frames, draw_looks
from .splits import SPLITS, random_stream
from .synthesiser import play

VIDEO = (108, 192)  # height, width of the videos: a tenth of the key points' picture
EVERY = 2  # every second moment becomes a frame of the video
FRAMES_A_SECOND = 12.5
CLIPS_PER_PERSON = 16
_MADE = 'made.json'  # beside the videos: which set they belong to


@dataclass(frozen=True)
class Clip:
    """A planned clip; it does not depend on the other clips of its set.

    Attributes:
        name: '0012_3' is the fourth clip of person 12.
        label: index into SCENES.
        person: one row.
        looks: of the person and the room.
        seed: of everything that differs from clip to clip.
    """

    name: str
    label: int
    person: People
    looks: Looks
    seed: tuple[int, ...]


@dataclass(frozen=True)
class Film:
    """The pictures and key points of a clip.

    Attributes:
        frames: (T, H, W, 3) uint8 RGB.
        keypoint: (1, T, 22, 2) float32 px of PICTURE.
        score: (1, T, 22) float32.
    """

    frames: np.ndarray
    keypoint: np.ndarray
    score: np.ndarray


def film(clip: Clip, scene: Scene | None = None) -> Film:
    """Perform a clip in front of a camera and a pose estimator.

    Args:
        clip: from `plan`.
        scene: what is performed; by default that of the clip's label. The same clip with both
            scenes of a pair differs in the cue alone.
    """
    scene = scene or SCENES[clip.label]
    played = _play(clip, scene.moves)
    rng = np.random.default_rng((*clip.seed, 1))
    centre = clip.person.centre + rng.normal(0, CENTRE_SPREAD, (1, 2))
    noise = clip.person.jitter[:, None, None, None] * rng.standard_normal(played.joints.shape)
    xy = to_pixels((played.joints + noise).astype(np.float32), clip.person, centre)
    found = estimate(rng, xy, clip.person, played)
    moments = np.arange(0, int(played.length[0]), EVERY)
    found = found[0, ..., 0][:, moments]  # (3, T, 22)
    keypoint, score = found[:2].transpose(1, 2, 0), found[2]

    shown = to_pixels(_play(clip, scene.shows).joints, clip.person, centre)[0]
    scale = VIDEO[0] / PICTURE[0]
    desk_top = (centre[0, 1] + DESK_TOP * clip.person.shoulder_width[0]) * scale
    frames = draw_frames(
        np.random.default_rng((*clip.seed, 2)),
        shown[moments] * scale,
        desk_top,
        VIDEO,
        clip.looks,
        draw_clutter(np.random.default_rng((*clip.seed, 3))),
        scene.holds,
        'left' if played.left_acts[0] else 'right',
    )
    return Film(frames, keypoint[None], score[None])


def _play(clip: Clip, gesture: Gesture) -> Played:
    table = gesture_table((gesture,), (gesture.name,))
    return play(np.random.default_rng((*clip.seed, 0)), table, clip.person)


def plan(num_clips: int, seed: int = 0, split: str = 'train', first_person: int = 1) -> list[Clip]:
    """Plan a split: equally many clips of each class, people of its own.

    Args:
        num_clips: at least 1.
        seed: of people and clips.
        split: 'train', 'val' or 'test'; each has other people.
        first_person: number of the split's first person.

    Raises:
        UserError: less than one clip, a seed below 0.
    """
    stream = random_stream('videos', split, num_clips, seed)
    rng = np.random.default_rng((*stream, 0))
    num_people = -(-num_clips // CLIPS_PER_PERSON)
    people, looks = draw_people(rng, num_people), [draw_looks(rng) for _ in range(num_people)]
    labels = rng.permutation(np.arange(num_clips) % len(SCENES))
    rows = [people.of(np.array([i])) for i in range(num_people)]
    return [
        Clip(f'{first_person + p:04d}_{i}', int(labels[n]), rows[p], looks[p], (*stream, 1, n))
        for n, (p, i) in enumerate(divmod(n, CLIPS_PER_PERSON) for n in range(num_clips))
    ]


def write_video_data(
    folder: str | os.PathLike,
    num_train: int = 400,
    num_val: int = 80,
    num_test: int = 160,
    seed: int = 0,
) -> dict[str, list[str]]:
    """Write FOLDER/videos/NAME.mp4 and, last, FOLDER/annotations.pkl.

    A video is written whole or not at all, and a video that exists already from the same set is
    kept, so a run that was stopped continues. A split of 0 clips is left out; nobody is in two
    splits.

    Args:
        folder: created when missing.
        num_train: clips of train.
        num_val: clips of val.
        num_test: clips of test.
        seed: the same seed gives the same files.

    Returns:
        {split: [name, ...]}.

    Raises:
        UserError: an impossible number of clips or seed, or the folder cannot be written.
    """
    numbers = {split: n for split, n in zip(SPLITS, (num_train, num_val, num_test)) if n}
    splits: dict[str, list[Clip]] = {}
    first_person = 1
    for split, num_clips in numbers.items():
        splits[split] = plan(num_clips, seed, split, first_person)
        first_person += -(-num_clips // CLIPS_PER_PERSON)
    clips = [clip for row in splits.values() for clip in row]
    if not clips:
        raise UserError('synthetic videos: all splits have 0 clips; expected at least one clip.')

    folder = Path(folder)
    annotations = list(_write_clips(folder / 'videos', clips, {'seed': seed, 'clips': numbers}))
    names = {name: [clip.name for clip in row] for name, row in splits.items()}
    about = About(tuple(scene.name for scene in SCENES), LAYOUT.name)
    write_annotations(folder / 'annotations.pkl', names, annotations, about=about)
    return names


def _write_clips(folder: Path, clips: list[Clip], made: Mapping[str, Any]) -> Iterator[Annotation]:
    """Write the videos that do not exist yet; yield each clip's annotation."""
    same_set = _is_of(folder, made)
    if not same_set:
        with atomic_write(folder / _MADE, 'w', encoding='utf-8') as f:
            json.dump(made, f)
    for clip in tqdm(clips, desc=str(folder), unit=' clips', leave=False, disable=None):
        filmed = film(clip)
        path = folder / f'{clip.name}.mp4'
        if not (same_set and path.is_file()):
            _write_video(path, filmed.frames)
        yield {
            'frame_dir': clip.name,
            'filename': path.name,
            'label': clip.label,
            'img_shape': PICTURE,
            'original_shape': PICTURE,
            'total_frames': len(filmed.frames),
            'keypoint': filmed.keypoint,
            'keypoint_score': filmed.score,
        }


def _is_of(folder: Path, made: Mapping[str, Any]) -> bool:
    """Return whether the videos of the folder belong to this set."""
    try:
        return json.loads((folder / _MADE).read_text(encoding='utf-8')) == made
    except (OSError, ValueError):
        return False


def _write_video(path: Path, frames: np.ndarray) -> None:
    """Write frames (T, H, W, 3) RGB as MPEG-4, whole or not at all."""
    cv2 = opencv()
    with tempfile.TemporaryDirectory() as temporary:
        draft = Path(temporary) / 'draft.mp4'
        code = cv2.VideoWriter_fourcc(*'mp4v')
        writer = cv2.VideoWriter(str(draft), code, FRAMES_A_SECOND, frames.shape[2:0:-1])
        for frame in frames:
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        writer.release()
        if not draft.is_file():
            raise UserError(
                f'{path}: OpenCV cannot write MPEG-4 here. The opencv-python of PyPI can; '
                'pip install -c constraints.txt -e . installs it.'
            )
        with atomic_write(path) as f:
            f.write(draft.read_bytes())
