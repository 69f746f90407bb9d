"""From a video to an answer: `python tools/predict.py CONFIG -C CHECKPOINT VIDEO ... -o FOLDER`.

    python tools/predict.py configs/posec3d/slowonly_r50_imigue22/joint.py -C latest.pth video.mp4
    python tools/predict.py CONFIG -C CHECKPOINT video.mp4 --pose predictions/keypoints.pkl
    python tools/predict.py CONFIG -C CHECKPOINT data/mine.pkl
    python tools/predict.py CONFIG -C CHECKPOINT openpose_json/ --img-shape 720 1280

Videos, videos with the key points of an earlier run, annotation files, or files that
tools/convert.py reads. Prints the answer for each clip, a long one window by window. Writes
FOLDER/answers.json, FOLDER/keypoints.pkl with the key points of videos, and NAME.mp4: skeletons and
answers, over the video if there is one. docs/from_video.md.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..annotations import open_annotations, write_annotations
from ..annotations.clip_names import VIDEOS, ClipNames
from ..annotations.file_formats import detect_format
from ..annotations.packed import META
from ..errors import DataError, UserError
from ..files.atomic import atomic_write_text
from ..files.path_checks import check_checkpoint, check_present, check_writable
from ..skeletons import Layout, layout_of
from ..sources.conversion import convert
from ..sources.forms import FORMS
from ..sources.source import find_files, named
from ..sources.video_poses.frames import VideoReader
from ..wording import count, plain, some
from .calling import Parser, check_at_least
from .extract_pose import add_estimator_options, videos_source
from .places import find_config

if TYPE_CHECKING:
    from ..apis.long_clips import ClipAnswer, WindowAnswer

KEYPOINTS = 'keypoints.pkl'
LARGEST = 720  # pixels, the height of an overlay


@dataclass(frozen=True)
class InputClip:
    """A clip to recognise.

    Attributes:
        clip: the annotation.
        layout: of its joints; None: unknown.
        video: that its key points were found in; None: there is none.
    """

    clip: Mapping[str, Any]
    layout: Layout | None
    video: Path | None = None


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('config', metavar='CONFIG', help='config file')
    add(
        'inputs',
        nargs='+',
        type=Path,
        metavar='INPUT',
        help='videos, folders of videos, annotation files, or files that tools/convert.py reads',
    )
    add('-C', '--checkpoint', required=True, metavar='FILE', help='weights of the network')
    add(
        '-o',
        '--out',
        type=Path,
        default=Path('predictions'),
        metavar='FOLDER',
        help='of the results',
    )
    add(
        '--window', type=int, metavar='N', help='frames of a window (default: of the config, or 90)'
    )
    add(
        '--every',
        type=int,
        metavar='N',
        help='frames between windows (default: of the config, or half of one)',
    )
    add(
        '--views',
        choices=['1', 'all'],
        default='all',
        help='views of a short clip to average (default: all, as in testing)',
    )
    add('--top-k', type=int, default=5, metavar='K', help='classes of an answer (default: 5)')
    add(
        '--labels',
        metavar='FILE',
        help='class names: a text file, or a known name (default: of config or checkpoint)',
    )
    parser.add_device()
    add(
        '--pose',
        type=Path,
        metavar='FILE',
        help="annotation file with the videos' key points, from tools/extract_pose.py",
    )
    add(
        '--form',
        choices=list(FORMS),
        help='of files other than annotation files, as in tools/convert.py (default: by the file)',
    )
    parser.add_img_shape("of those files' videos, px, where they do not say it")
    add(
        '--layout',
        help="what the clips' joints are, where their file does not say it",
    )
    add('--no-overlay', action='store_true', help='write no NAME.mp4')
    add_estimator_options(parser)
    args = parser.parse_args(argv)
    check_at_least(1, args, 'window', 'every', 'top_k')
    return args


def main(argv: Sequence[str]) -> None:
    """Recognise clips, print the answers and write them."""
    args = parse_args(argv)
    args.config = find_config(args.config)
    check_checkpoint(args.checkpoint)
    for path in (*args.inputs, *([args.pose] if args.pose else [])):
        check_present(path)
    check_writable(args.out / 'answers.json')
    videos = [path for path in args.inputs if _holds_videos(path)]
    _check_readable(videos)

    # Heavy imports, so that --help and wrong options answer at once.
    from ..apis import init_recognizer
    from ..apis.clip_joints import check_layouts, layout_of_model, with_joints
    from ..apis.long_clips import answer_clip, windows_of
    from ..apis.trained import class_names_of

    # The network, and whether the inputs suit it; finding key points takes minutes.
    model = init_recognizer(args.config, args.checkpoint, args.device)
    layout, names = layout_of_model(model), class_names_of(model, ('--labels', args.labels))
    windows = windows_of(model, args.window, args.every)
    sees_pictures = model.wanted.pictures == 'alone'
    if sees_pictures and len(videos) < len(args.inputs):
        raise UserError(
            f'{args.config}: its network sees pictures. Expected videos, or folders of them.'
        )
    needs_poses = bool(videos) and args.pose is None and not sees_pictures
    source = videos_source(args) if needs_poses else None
    if source is not None:
        check_layouts(layout_of(source.estimator.layout), layout, str(videos[0]))
    args.out.mkdir(parents=True, exist_ok=True)

    views: Literal[1, 'all'] = 1 if args.views == '1' else 'all'
    used: Counter[str] = Counter()
    answers: list[dict[str, Any]] = []
    for given in _as_videos(videos) if sees_pictures else _clips(args, videos, source):
        clip = with_joints(given.clip, given.layout, layout)
        answer = answer_clip(model, clip, windows, views)
        answers.append(_as_json(answer, given, names, args.top_k))
        print('\n'.join(_lines(answers[-1])), flush=True)
        if not args.no_overlay and not sees_pictures and answer.probabilities is not None:
            file = args.out / f'{_file_name(clip["frame_dir"], used)}.mp4'
            _write_overlay(file, clip, layout or given.layout, given.video, answers[-1])
    content = {'config': args.config, 'checkpoint': args.checkpoint}
    content |= {'classes': names, 'clips': answers}
    atomic_write_text(args.out / 'answers.json', json.dumps(content, ensure_ascii=False, indent=1))
    print(f'wrote {args.out}/answers.json ({count(len(answers), "clip")})')


# Inputs ------------------------------------------------------------------------------------------


def _holds_videos(path: Path) -> bool:
    """Return whether a path is a video, or a folder of videos without files of key points."""
    form = detect_format(path)
    if path.is_dir():
        known = form is not None and form.what != 'a folder of videos'
        packed = (path / META).exists()
        return not (known or packed) and any(f.suffix.lower() in VIDEOS for f in path.rglob('*'))
    return path.suffix.lower() in VIDEOS or (form is not None and form.what == 'a video')


def _check_readable(paths: Sequence[Path]) -> None:
    """Raise the first DataError if there are videos and none of them can be opened."""
    first = None
    for path in find_files(paths, VIDEOS, 'videos') if paths else []:
        try:
            VideoReader(path)
            return
        except DataError as fault:
            first = first or fault
    if first:
        raise first


def _as_videos(videos: Sequence[Path]) -> Iterator[InputClip]:
    """Yield the videos themselves as clips, for a network that sees pictures."""
    for unit in named(find_files(videos, VIDEOS, 'videos'), videos):
        video = VideoReader(unit.path)
        clip = {'frame_dir': unit.name, 'filename': str(unit.path), 'fps': video.fps}
        yield InputClip({**clip, 'total_frames': video.num_frames}, None, unit.path)


def _clips(args: argparse.Namespace, videos: Sequence[Path], source: Any) -> Iterator[InputClip]:
    """Yield all clips, those of the videos first."""
    if source is not None:
        converted = convert(source, videos)
        print('\n'.join(converted.lines))
        write_annotations(args.out / KEYPOINTS, {}, converted.annotations, about=converted.about)
        yield from _of_file(args, args.out / KEYPOINTS)
    elif videos:
        yield from _of_pose_file(args, videos)
    for path in args.inputs:
        if path not in videos:
            yield from _of_file(args, path)


def _of_pose_file(args: argparse.Namespace, videos: Sequence[Path]) -> Iterator[InputClip]:
    """Yield the clips of videos whose key points are in the file of --pose."""
    known = {given.clip['frame_dir']: given for given in _of_file(args, args.pose)}
    names = ClipNames(known)
    for unit in named(find_files(videos, VIDEOS, 'videos'), videos):
        name = names.find(unit.name)
        if name is None:
            raise DataError(
                f'{args.pose}: holds no key points of {unit.path}. It holds {some(known)}. Leave '
                '--pose out to find them.'
            )
        yield replace(known[name], video=unit.path)


def _of_file(args: argparse.Namespace, path: Path) -> Iterator[InputClip]:
    """Yield the clips of an annotation file, or of files that tools/convert.py can read."""
    from ..recipe.layout_option import read_layout

    form = args.form or _form_name(path)
    if form is None and path.is_dir() and not (path / META).exists():
        raise DataError(
            f'{path}: the form of its files is not known. Name it with --form, as in '
            f'tools/convert.py: {", ".join(FORMS)}.'
        )
    clips: Iterable[Mapping[str, Any]]
    if form is None:
        file = open_annotations(path)
        clips, about = file, file.about
    else:
        source: Any = FORMS[form]()  # some forms have an img_shape
        if args.img_shape and hasattr(source, 'img_shape'):
            source = replace(source, img_shape=args.img_shape)
        converted = convert(source, [path])
        print('\n'.join(converted.lines))
        clips, about = converted.annotations, converted.about
    layout = about.layout or read_layout(args.layout)
    known = None if layout is None else layout_of(layout)
    for clip in clips:
        if known is not None and clip['keypoint'].shape[-2] != known.num_joints:
            raise DataError(
                f'{path}: clip {plain(clip["frame_dir"])} has {clip["keypoint"].shape[-2]} joints, '
                f'layout {known.name} has {known.num_joints}. Expected the layout of its joints.'
            )
        name = clip.get('filename')
        video = Path(name) if isinstance(name, str) and Path(name).is_file() else None
        yield InputClip(clip, known, video)


def _form_name(path: Path) -> str | None:
    """Return the form by which tools/convert.py reads a path; None: perhaps an annotation file."""
    if path.suffix in ('.pkl', '.pickle', '.packed'):
        return None
    form = detect_format(path)
    if form is None:
        return None
    words = form.way.split()
    return words[2] if words[:2] == ['python', 'tools/convert.py'] and words[2] in FORMS else None


# Outputs -----------------------------------------------------------------------------------------


def _as_json(
    answer: ClipAnswer, given: InputClip, names: Sequence[str], top_k: int
) -> dict[str, Any]:
    """Return a clip's answer as answers.json holds it."""
    fps = given.clip.get('fps')
    fps = float(fps) if isinstance(fps, (int, float)) and 0 < fps < 1e4 else None

    def best(probabilities: np.ndarray | None) -> list[dict[str, Any]]:
        if probabilities is None:
            return []
        return [
            {'label': k, 'name': names[k], 'probability': round(float(probabilities[k]), 6)}
            for k in np.argsort(-probabilities, kind='stable')[:top_k].tolist()
        ]

    def span(window: WindowAnswer) -> dict[str, Any]:
        seconds = fps and [round(window.start / fps, 3), round(window.stop / fps, 3)]
        frames = [window.start, window.stop - 1]
        return {'frames': frames, 'seconds': seconds, 'answer': best(window.probabilities)}

    return {
        'name': answer.name,
        'video': None if given.video is None else given.video.as_posix(),
        'frames': answer.num_frames,
        'fps': fps,
        'answer': best(answer.probabilities),
        'timeline': [span(stretch) for stretch in answer.timeline()],
        'windows': [span(window) for window in answer.windows],
    }


def _words(answer: Sequence[Mapping[str, Any]], most: int = 5) -> str:
    if not answer:
        return 'nobody is seen'
    return ', '.join(f'{plain(one["name"])} {one["probability"]:.1%}' for one in answer[:most])


def _lines(answer: Mapping[str, Any]) -> list[str]:
    """Return a clip's answer, and the timeline of a long clip, as lines of text."""
    lines = [f'{plain(answer["name"])}: {_words(answer["answer"])}']
    if len(answer['windows']) > 1:
        lines.append(f'{"frames":>15}{"seconds":>17}  answer')
        for stretch in answer['timeline']:
            first, last = stretch['frames']
            seconds = stretch['seconds'] and '{:.2f}-{:.2f}'.format(*stretch['seconds'])
            lines.append(
                f'{f"{first}-{last}":>15}{seconds or "":>17}  {_words(stretch["answer"], 1)}'
            )
    return lines


def _write_overlay(
    out: Path,
    clip: Mapping[str, Any],
    layout: Layout | None,
    video: Path | None,
    answer: Mapping[str, Any],
) -> None:
    """Draw the skeletons of every frame, over the video if there is one, and the answer below."""
    from ..drawing.clip import clip_scene
    from ..drawing.scene import write_scene
    from ..drawing.skeleton import layout_for
    from ..drawing.video import Video

    shown = None if video is None else Video(video)
    height = min(LARGEST, 480 if shown is None else shown.height)
    layout = layout_for(clip['keypoint'].shape[2], layout, plain(clip['frame_dir']))
    start = int(clip.get('start_frame', 0)) if shown is not None else None
    scene = clip_scene(clip, layout, height, whole='img_shape' in clip, video=shown, offset=start)
    fps = answer['fps'] or scene.fps
    captions: list[str] = []  # of each frame
    for stretch in answer['timeline']:
        first, last = stretch['frames']
        captions += [_words(stretch['answer'], 2)] * (last - first + 1)
    scene = replace(
        scene,
        title=f'{plain(answer["name"])}: {_words(answer["answer"], 2)}',
        caption=lambda t: f'{t / fps:.2f} s  {captions[t]}',
        fps=fps,
    )
    write_scene(scene, out, 1)


def _file_name(name: str, used: Counter) -> str:
    """Return a file name for a clip that no other clip has."""
    safe = re.sub(r'[^\w.-]+', '_', name).strip('.')[:150] or 'clip'
    used[safe] += 1
    return safe if used[safe] == 1 else f'{safe}_{used[safe]}'
