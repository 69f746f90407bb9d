"""Turn what callers give to inference_recognizer (arrays, dicts, files) into annotations."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from ..annotations import open_annotations
from ..annotations.clip_names import VIDEOS
from ..annotations.compressed import is_compressed
from ..annotations.field_values import NO_LABEL, FieldError
from ..annotations.fields import clean_fields, clean_size
from ..annotations.measures import measure_sample
from ..annotations.plausibility import Expected, Issue, find_issues
from ..annotations.pose_fields import missing_as_zeros
from ..errors import DataError
from ..files import load_npy, load_npz
from ..skeletons import is_present
from ..wording import plain
from .videos import is_one_video, is_tensor, open_video_list, video_clip

Annotation = dict[str, Any]
UNNAMED = 'clip'
PICTURES = (*VIDEOS, '.gif', '.jpg', '.jpeg', '.png')


@dataclass(frozen=True)
class Wanted:
    """What a network and its test pipeline expect of a clip.

    Attributes:
        config: name of its config file, for messages.
        step: the first step that works only on key points in a picture, or only on those in space;
            None: all take both.
        in_space: whether that step works on key points in space.
        num_joints: V; None: unknown.
        expected: what clips should look like, to warn of odd ones.
        pictures: whether it takes no videos, videos beside key points, or videos alone.
    """

    config: str
    step: str | None
    in_space: bool
    num_joints: int | None
    expected: Expected
    pictures: Literal['no', 'beside', 'alone'] = 'no'


class TakesClips(Protocol):
    """A network that takes clips: from init_recognizer or from an exported file."""

    wanted: Wanted


def is_file_of_clips(source: Any) -> bool:
    """Return whether a source is the path of an annotation file: a pickle or a packed folder."""
    return isinstance(source, (str, os.PathLike)) and Path(source).suffix not in ('.npy', '.npz')


def is_one_clip(model: TakesClips, source: Any) -> bool:
    """Return whether a source is one clip.

    That is an annotation, an array (or nested lists of numbers), or the .npy or .npz file of one;
    for a network on pictures alone, a video.
    """
    if model.wanted.pictures == 'alone':
        return is_one_video(source)
    if isinstance(source, (Mapping, np.ndarray, str, os.PathLike)) or is_tensor(source):
        return not is_file_of_clips(source)
    return (
        isinstance(source, (list, tuple)) and bool(source) and isinstance(source[0], (list, tuple))
    )


def open_source(model: TakesClips, source: Any) -> Any:
    """Open the annotation file if `source` is the path of one; return anything else unchanged.

    Raises:
        DataError: the path is of a video or picture, or of no annotation file.
    """
    if model.wanted.pictures == 'alone':
        return open_video_list(source)
    if not is_file_of_clips(source):
        return source
    if Path(source).suffix.lower() in PICTURES:
        if model.wanted.pictures == 'beside':
            raise DataError(
                f'{source} is a video alone, but this network also takes key points. Expected an '
                "annotation: {'keypoint': ..., 'filename': the video}."
            )
        raise DataError(
            f'{source} holds pictures, but this network takes skeletons. tools/predict.py finds '
            'them in a video, and tools/extract_pose.py writes them to an annotation file '
            '(docs/from_video.md).'
        )
    return open_annotations(source)


def clips_of(model: TakesClips, source: Any, img_shape: Any) -> list[Annotation]:
    """Return the clips of a caller as annotations for the model's test pipeline.

    Args:
        model: what the clips are for.
        source: one or several clips, see inference_recognizer.
        img_shape: (h, w) or (h, w, channels) in pixels of the picture, for clips without one.

    Raises:
        DataError: a clip is wrong, or does not fit the model.
    """
    source = open_source(model, source)
    if is_one_clip(model, source):
        return [_one(model, source, img_shape)]
    if not isinstance(source, Sequence):
        raise DataError(
            f'a clip is a {type(source).__name__}. Expected an annotation (dict), an array '
            '(people, frames, joints, 3), for a network on pictures (frames, height, width, 3), a '
            'path, or a list of these.'
        )
    return [clip for one in source for clip in clips_of(model, one, img_shape)]


def people_of(clip: Annotation) -> list[Annotation]:
    """Split a clip into one for each person, in the order of the rows of `keypoint`.

    Raises:
        DataError: the clip has no key points, or is in the compressed form, whose boxes do not
            belong to people yet.
    """
    if 'keypoint' not in clip:
        raise DataError(
            f"clip {plain(clip['frame_dir'])}: people='apart' needs key points, but this network "
            'takes pictures alone.'
        )
    if is_compressed(clip):
        raise DataError(
            f"clip {plain(clip['frame_dir'])}: people='apart' needs people as rows of keypoint "
            '(M, T, V, C); in the compressed form people are not tracked.'
        )
    rows = [name for name in ('keypoint', 'keypoint_score') if name in clip]
    return [{**clip, **{n: clip[n][m : m + 1] for n in rows}} for m in range(len(clip['keypoint']))]


def odd_things(model: TakesClips, clips: Sequence[Annotation]) -> list[Issue]:
    """Return what looks wrong with clips for a model, apart from empty clips."""
    if model.wanted.pictures == 'alone':
        return []
    expected = model.wanted.expected
    found = find_issues(measure_sample(clips, expected.layout), expected) if clips else []
    return [oddity for oddity in found if oddity.kind != 'empty']


def shows_nobody(clip: Annotation) -> bool:
    """Return whether all joints are missing in all frames; False for clips without key points."""
    if 'keypoint' not in clip:
        return False
    if is_compressed(clip):
        keypoint = clip['keypoint']
        return not is_present(keypoint[..., :2], keypoint[..., 2]).any()
    frames = slice(clip['total_frames'])
    score = clip.get('keypoint_score')
    score = None if score is None else score[:, frames]
    return not is_present(clip['keypoint'][:, frames], score).any()


def _one(model: TakesClips, source: Any, img_shape: Any) -> Annotation:
    """Return one clip as an annotation, see clips_of."""
    if model.wanted.pictures == 'alone':
        return video_clip(source)
    if isinstance(source, (str, os.PathLike)):
        source = load_npy(source) if Path(source).suffix == '.npy' else _members(source)
    if isinstance(source, Mapping):
        return _annotation(model, source, img_shape)
    return _annotation(model, {'keypoint': source}, img_shape)


def _members(path: str | os.PathLike) -> Annotation:
    """Read one clip from an .npz file whose members are the fields of an annotation."""
    members = load_npz(path)
    if 'keypoint' not in members:
        raise DataError(
            f'{path} holds {", ".join(members) or "nothing"}. Expected keypoint (people, frames, '
            'joints, 2 or 3), and, if available, keypoint_score and img_shape.'
        )
    return {'frame_dir': Path(path).stem, **members}


def _annotation(model: TakesClips, given: Mapping[str, Any], img_shape: Any) -> Annotation:
    """Return one clip in the form that pipelines take, see annotations.fields."""
    name = given.get('frame_dir') or given.get('filename') or UNNAMED
    where = f'clip {plain(name)}'
    clip = {**given, 'frame_dir': name, 'label': NO_LABEL}
    try:
        size = _size(clip, img_shape, where)
        clean = clean_fields(
            {**clip, **size} if is_compressed(clip) else _people(model, clip, size, where)
        )
    except FieldError as error:
        raise DataError(f'{where}: {error}') from None
    joints, wanted = clean['keypoint'].shape[-2], model.wanted.num_joints
    if wanted is not None and joints != wanted:
        raise DataError(
            f'{where} has {joints} joints, but the network of {model.wanted.config} takes '
            f'{wanted}. Give the joints that it was trained on, in their order.'
        )
    return clean


def _size(clip: Mapping[str, Any], img_shape: Any, where: str) -> dict[str, tuple[int, int]]:
    """Return the fields with the size of the picture; {} for key points in space."""
    if isinstance(img_shape, np.ndarray):
        img_shape = img_shape.tolist()
    given = clean_size({'img_shape': img_shape}, 'img_shape')
    own = clean_size(clip, 'img_shape') or clean_size(clip, 'original_shape')
    if given and own and given != own:
        raise DataError(
            f'{where} has img_shape = {own}, but the argument img_shape = {given}. Leave one of '
            'them out.'
        )
    size = own or given
    return {} if size is None else {'img_shape': size, 'original_shape': size}


def _people(
    model: TakesClips, clip: Annotation, size: dict[str, tuple[int, int]], where: str
) -> Annotation:
    """Return a clip with key points of people, in a picture or in space, as arrays.

    Args:
        model: what the clip is for. If its pipeline takes both kinds of key points, the clip
            decides: x, y, z come without img_shape or with separate scores.
        clip: with `keypoint`, and `keypoint_score` if there is one, of any array-like type.
        size: img_shape and original_shape, or {}.
        where: names the clip, for messages.

    Raises:
        DataError: the key points have another shape, or do not fit img_shape or the pipeline.
    """
    keypoint = _array(clip.get('keypoint'), 'keypoint', where)
    score = clip.get('keypoint_score')
    score = None if score is None else _array(score, 'keypoint_score', where)
    channels, step, in_space = keypoint.shape[-1:], model.wanted.step, model.wanted.in_space
    if keypoint.ndim not in (3, 4) or channels not in ((2,), (3,)) or 0 in keypoint.shape[-3:]:
        raise DataError(
            f'{where}: keypoint has shape {keypoint.shape}: expected (people, frames, joints, 3) '
            'with x, y, score, or (people, frames, joints, 2) with x, y, or x, y, z if img_shape '
            'is None; for one person also (frames, joints, ...). Give several clips as a list.'
        )
    has_score = channels == (3,) and score is None
    if step is not None and not in_space and not size:
        raise DataError(
            f'{where}: img_shape = None means that the key points are x, y, z, but {step} of the '
            'test pipeline works on a picture. Expected x, y, score and img_shape=(height, width).'
        )
    if in_space and (channels == (2,) or (size and has_score)):
        raise DataError(
            f'{where}: img_shape = {size.get("img_shape")} and keypoint of shape {keypoint.shape} '
            f'mean that these are places in a picture, but {step} of the test pipeline works on x, '
            'y, z. Expected (people, frames, joints, 3) with x, y, z, and img_shape=None.'
        )
    if size and has_score and (keypoint[..., 2] < 0).any():
        raise DataError(
            f'{where}: its key points have {np.nanmin(keypoint[..., 2]):g} as third number, but '
            f'img_shape = {size["img_shape"]} means that it is a score. Expected 0..1; for x, y, z '
            'give img_shape=None.'
        )
    if size and has_score:
        keypoint, score = keypoint[..., :2], keypoint[..., 2]
    return {**clip, **size, **_rows(keypoint, score)}


def _array(value: Any, field: str, where: str) -> np.ndarray:
    """Return the value of a field as float32 array."""
    try:
        if is_tensor(value):
            value = value.detach().cpu()
            value = value.float() if value.is_floating_point() else value
        return np.asarray(value, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f'{where}: {field} is not an array of numbers ({error}).') from error


def _rows(keypoint: np.ndarray, score: np.ndarray | None) -> dict[str, np.ndarray]:
    """Return the fields of key points (M, T, V, C) and, if known, of scores (M, T, V).

    Those of one person get an axis of people. A joint with NaN is missing: place and score are 0.
    """
    if keypoint.ndim == 3:
        keypoint = keypoint[None]
        score = score[None] if score is not None and score.ndim == 2 else score
    keypoint, score = missing_as_zeros(keypoint, score)
    return {'keypoint': keypoint} | ({} if score is None else {'keypoint_score': score})
