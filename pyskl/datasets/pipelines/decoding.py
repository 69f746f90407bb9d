"""Steps that decode the sampled frames of a clip's video: `imgs`, a list of (H, W, 3) uint8 RGB."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from ...annotations.clip_names import video_file
from ...annotations.notes import warn_once
from ...errors import DataError
from ...files.libraries import opencv
from ...files.videos import ArrayFrames, VideoFrames
from ...registry import PIPELINES
from .base import Results, Step, clip_error, picture_size

Frames = VideoFrames | ArrayFrames
A_FEW = 3  # frames by which an annotation and a video may differ: rates are rounded, ends cut off


@PIPELINES.register_module(['DecordInit', 'OpenCVInit', 'PyAVInit'])
class DecordInit(Step):
    """Open the clip's video, for DecordDecode to read.

    MMAction2's OpenCVInit and PyAVInit are the same step, and read with decord too.

    The video is `array` (T, H, W, 3) where the clip has one, else the file `filename`, else
    `frame_dir`; a name without a video's ending gets '.mp4'. The clip is its `total_frames` frames
    from `start_frame` on, where these are given. Without key points, which have a length of their
    own, it ends where the video ends at the latest.

    Args:
        num_threads: that decode one video; 0 lets FFmpeg choose. Beside a loader's workers 1 is
            best.
        io_backend: only 'disk' is known.

    Raises:
        DataError: naming the clip and the file: missing, no video, or too short for the clip.
    """

    reads_video = True
    needs_one_of = ('filename', 'frame_dir', 'array')
    gives = ('video_reader', 'total_frames')

    def __init__(self, io_backend: Literal['disk'] = 'disk', num_threads: int = 1):
        if num_threads < 0:
            raise ValueError(f'num_threads = {num_threads}: expected 0 or more.')
        self.io_backend, self.num_threads = io_backend, num_threads

    def __call__(self, results: Results) -> Results:
        """Open the video of a clip."""
        video = open_clip(results, self.num_threads)
        results['video_reader'] = video
        if 'keypoint' not in results:
            left = len(video) - results.get('start_frame', 0)
            results['total_frames'] = min(results.get('total_frames', left), left)
        return results


@PIPELINES.register_module(['DecordDecode', 'OpenCVDecode', 'PyAVDecode'])
class DecordDecode(Step):
    """Decode the sampled frames, and close the video.

    MMAction2's OpenCVDecode and PyAVDecode are the same step.

    If the pictures are not of size img_shape, key points are scaled to them.

    Args:
        mode: 'accurate' decodes exactly the frames; 'efficient' takes key frames near them, which
            is faster in videos whose key frames are far apart.

    Raises:
        DataError: naming clip, file and frame.
    """

    needs = ('video_reader', 'frame_inds')
    gives = ('imgs', 'original_shape', 'img_shape')
    removes = ('video_reader',)

    def __init__(self, mode: Literal['accurate', 'efficient'] = 'accurate'):
        if mode not in ('accurate', 'efficient'):
            raise ValueError(f"mode = {mode!r}: expected 'accurate' or 'efficient'.")
        self.mode = mode

    def __call__(self, results: Results) -> Results:
        """Decode the sampled frames of a clip."""
        with results.pop('video_reader') as video:
            imgs = decoded(results, video, results['frame_inds'], self.mode == 'accurate')
        return with_pictures(results, imgs)


@PIPELINES.register_module()
class ArrayDecode(Step):
    """Take the sampled frames of `array`: (T, H, W, 3) pictures, or (T, H, W, 2) flow.

    Of flow each frame gives two pictures of one channel, x and y.
    """

    needs = ('array', 'frame_inds', 'modality')
    gives = ('imgs', 'original_shape', 'img_shape')

    def __call__(self, results: Results) -> Results:
        """Take the sampled frames of a clip."""
        array, modality = results['array'], results['modality']
        if modality not in ('RGB', 'Flow'):
            raise clip_error(results, f"modality is {modality!r}, expected 'RGB' or 'Flow'.")
        numbers = np.reshape(results['frame_inds'], -1) + results.get('offset', 0)
        try:
            imgs = [array[i] for i in numbers.tolist()]
        except IndexError:
            raise clip_error(
                results, f'frame {numbers.max()} was sampled, but array has {len(array)} frames.'
            ) from None
        if modality == 'Flow':
            imgs = [img[..., axis] for img in imgs for axis in (0, 1)]
        return with_pictures(results, imgs)


@PIPELINES.register_module()
class RawFrameDecode(Step):
    """Read the sampled frames from a folder with a picture a frame, as RawframeDataset names it.

    `frame_dir` is the folder, `filename_tmpl` how frames are called, e.g. 'img_{:05}.jpg'.

    Args:
        io_backend: only 'disk' is known.
        decoding_backend: accepted for old configs; OpenCV reads.
    """

    reads_video = True
    needs = ('frame_dir', 'filename_tmpl', 'frame_inds')
    gives = ('imgs', 'original_shape', 'img_shape')

    def __init__(
        self,
        io_backend: Literal['disk'] = 'disk',
        decoding_backend: Literal['cv2', 'turbojpeg', 'pillow'] = 'cv2',
    ):
        self.io_backend, self.decoding_backend = io_backend, decoding_backend

    def __call__(self, results: Results) -> Results:
        """Read the sampled frames of a clip."""
        folder, cv2 = Path(results.get('filename') or results['frame_dir']), opencv()
        numbers = np.reshape(results['frame_inds'], -1) + results.get('offset', 0)
        read: dict[int, np.ndarray] = {}
        for number in dict.fromkeys(numbers.tolist()):
            path = folder / results['filename_tmpl'].format(number)
            # Not imread: it looks at no other names than those in the system's own characters.
            data = np.fromfile(path, np.uint8) if path.is_file() else np.empty(0, np.uint8)
            picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
            if picture is None:
                why = 'is no picture' if len(data) else 'is missing or empty'
                raise clip_error(
                    results,
                    f'frame {number}: {path} {why}. Expected the frames of a clip in a folder, '
                    'numbered as filename_tmpl and start_index of the data set say.',
                )
            read[number] = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        return with_pictures(results, [read[number] for number in numbers.tolist()])


def video_of(results: Results) -> str:
    """Return the path of a clip's video; see DecordInit."""
    name = results.get('filename') or results.get('frame_dir')
    if not isinstance(name, (str, os.PathLike)):
        raise clip_error(
            results, f'filename is {name!r}. Expected the path of a video (or an array as array).'
        )
    return video_file(os.fspath(name))


def open_clip(results: Results, num_threads: int = 1) -> Frames:
    """Open a clip's video, and check that it contains the clip.

    Raises:
        DataError: as DecordInit.
    """
    array = results.get('array')
    try:
        video = VideoFrames(video_of(results), num_threads) if array is None else ArrayFrames(array)
    except DataError as error:
        raise clip_error(results, f'{error} {WAY_OUT}') from error
    start, end, total = (results.get(k) for k in ('start_frame', 'end_frame', 'total_frames'))
    fault = beyond(video.path, len(video), start or 0, end)
    if fault:
        video.close()
        raise clip_error(results, f'{fault} {WAY_OUT}')
    if total is not None and not start and end is None and abs(total - len(video)) > A_FEW:
        warn_once(
            f'clip {results.get("frame_dir", "?")!r}: its annotation has {total} frames, its video '
            f'{video.path} {len(video)}. Frames beyond the end show the last one. Are these the '
            'same clip, at the same rate? Where it is a part of a long video, give it start_frame. '
            'Other clips are not named.',
            kind='frames of annotation and video differ',
        )
    return video


WAY_OUT = "To leave such clips out: on_bad_video='skip' in the data set."


def beyond(path: str, num_frames: int, start: int, end: int | None) -> str | None:
    """Say how a clip from frame `start` to `end` reaches beyond a video; None: it does not."""
    if start < num_frames and (end is None or end < num_frames + A_FEW):
        return None
    last = 'its end' if end is None else f'frame {end}'
    return (
        f'{path} has {num_frames} frames, 0 to {num_frames - 1}, but the clip goes from frame '
        f'{start} to {last}. Are start and end counted in frames, from 0?'
    )


def decoded(
    results: Results, video: Frames, inds: Sequence[int] | np.ndarray, accurate: bool = True
) -> list[np.ndarray]:
    """Decode the sampled frames of a clip; nothing else can be read of its video then.

    Args:
        results: the clip; `start_frame` is where it begins in the video.
        video: from open_clip.
        inds: of any shape, counted from the clip's first frame. Beyond the video's end its last
            frame is shown.
        accurate: exactly the frames; False: key frames near them.

    Raises:
        DataError: naming clip, file and frame.
    """
    numbers = np.reshape(inds, -1) + results.get('start_frame', 0) + results.get('offset', 0)
    if numbers.min() < 0:
        raise clip_error(results, f'frame {numbers.min()} was sampled. Is start_index right?')
    numbers = np.minimum(numbers, len(video) - 1)
    try:
        return video.frames(numbers, close=True) if accurate else video.nearby_frames(numbers)
    except DataError as error:
        raise clip_error(results, f'{error} {WAY_OUT}') from error


def with_pictures(results: Results, imgs: list[np.ndarray]) -> Results:
    """Put decoded frames into a clip's entries, and its key points where they belong in them."""
    height, width = imgs[0].shape[:2]
    if 'keypoint' in results and 'img_shape' in results:
        h, w = picture_size(results)
        if (h, w) != (height, width):
            keypoint = results['keypoint'].copy()  # the annotation's own is shared
            keypoint[..., 0] *= width / w
            keypoint[..., 1] *= height / h
            results['keypoint'] = keypoint
    results['imgs'] = imgs
    results['original_shape'] = results['img_shape'] = (height, width)
    return results
