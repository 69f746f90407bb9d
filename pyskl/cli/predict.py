"""From a video to an answer: `python tools/predict.py CONFIG -C CHECKPOINT VIDEO ... -o FOLDER`.

    python tools/predict.py configs/posec3d/slowonly_r50_imigue22/joint.py -C latest.pth video.mp4
    python tools/predict.py CONFIG -C CHECKPOINT video.mp4 --pose predictions/keypoints.pkl      # found before
    python tools/predict.py CONFIG -C CHECKPOINT data/mine.pkl                                   # clips of an annotation file
    python tools/predict.py CONFIG -C CHECKPOINT openpose_json/ --img-shape 720 1280             # what tools/convert.py reads

Prints what each clip shows, a long one window by window. Writes FOLDER/answers.json, FOLDER/keypoints.pkl
where key points were looked for, and NAME.mp4: the skeletons and the answers, over the video where there
is one. docs/from_video.md.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..annotations import open_annotations, write_annotations
from ..annotations.clip_names import VIDEOS, ClipNames
from ..annotations.file_formats import detect_format
from ..annotations.packed import META
from ..errors import DataError, UserError
from ..files.atomic import atomic_write
from ..files.path_checks import check_checkpoint, check_present, check_writable
from ..skeletons import Layout, layout_of
from ..sources.conversion import convert
from ..sources.forms import FORMS
from ..sources.source import find_files, named
from ..sources.video_poses.frames import VideoReader
from ..wording import count, plain, some
from .calling import Parser
from .extract_pose import add_estimator_options, videos_source
from .places import find_config

KEYPOINTS = 'keypoints.pkl'
LARGEST = 720  # pixels, the height of an overlay


@dataclass(frozen=True)
class Given:
    """A clip to be recognised.

    Attributes:
        clip: the annotation.
        layout: of its joints; None: not known.
        video: that it was found in; None: there is none.
    """

    clip: Mapping[str, Any]
    layout: Layout | None
    video: Path | None = None


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
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
        help='default: predictions',
    )
    add(
        '--window',
        type=int,
        default=90,
        metavar='N',
        help='frames of a window; a clip of at most so many has one answer (default: 90)',
    )
    add(
        '--every',
        type=int,
        metavar='N',
        help='frames from one window to the next (default: half a window)',
    )
    add(
        '--views',
        choices=['1', 'all'],
        default='all',
        help='views of a window that are averaged (default: all, as in testing)',
    )
    add('--top-k', type=int, default=5, metavar='K', help='classes of an answer (default: 5)')
    add(
        '--labels',
        metavar='FILE',
        help='names of the classes: a text file, or a known name (default: as config or checkpoint say)',
    )
    add('--device', help="'cpu', 'cuda:0' (default: CUDA where there is one)")
    add(
        '--pose',
        type=Path,
        metavar='FILE',
        help="annotation file with the videos' key points, from tools/extract_pose.py",
    )
    add(
        '--form',
        choices=list(FORMS),
        help='of files that are no annotation files, as in tools/convert.py (default: seen in the file)',
    )
    add(
        '--img-shape',
        nargs=2,
        type=int,
        metavar=('H', 'W'),
        help="of those files' videos, px, where they do not say it",
    )
    add(
        '--layout',
        metavar='LAYOUT',
        help="what the clips' joints are, where their file does not say it",
    )
    add('--no-overlay', action='store_true', help='write no NAME.mp4')
    add_estimator_options(parser)
    args = parser.parse_args(argv)
    args.every = args.every or max(args.window // 2, 1)
    if args.top_k < 1 or not 1 <= args.every <= args.window:
        raise UserError(
            f'--window {args.window} --every {args.every} --top-k {args.top_k}: expected whole numbers '
            'from 1 on, --every at most --window: frames between windows would be seen by none.'
        )
    return args


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    args.config = find_config(args.config)
    check_checkpoint(args.checkpoint)
    for path in (*args.inputs, *([args.pose] if args.pose else [])):
        check_present(path)
    check_writable(args.out / 'answers.json')
    videos = [path for path in args.inputs if _is_of_videos(path)]
    _check_readable(videos)

    # Heavy, and slow: only now.
    from ..apis import init_recognizer
    from ..apis.answers import answer_clip, check_layouts, fitted, layout_of_model, names_of
    from ..apis.video_clips import takes_only_pictures

    model = init_recognizer(args.config, args.checkpoint, args.device)
    wanted, names = layout_of_model(model), names_of(model, args.labels)
    sees_pictures = takes_only_pictures(model.pipeline)
    if sees_pictures and len(videos) < len(args.inputs):
        raise UserError(
            f'{args.config}: its network sees pictures. Expected videos, or folders of them.'
        )
    finds = bool(videos) and args.pose is None and not sees_pictures
    source = videos_source(args) if finds else None
    if source is not None:  # before minutes of looking for key points
        check_layouts(layout_of(source.estimator.layout), wanted, str(videos[0]))
    args.out.mkdir(parents=True, exist_ok=True)

    views, used, told = 1 if args.views == '1' else 'all', Counter(), []
    clips = _as_videos(videos) if sees_pictures else _clips(args, videos, source)
    for given in clips:
        [clip] = fitted([given.clip], given.layout, wanted)
        answer = answer_clip(model, clip, args.window, args.every, views)
        told.append(_as_json(answer, given, names, args.top_k))
        print('\n'.join(_lines(told[-1])), flush=True)
        if not args.no_overlay and not sees_pictures and answer.probabilities is not None:
            layout = given.layout if wanted is None else wanted
            out = args.out / f'{_file_name(clip["frame_dir"], used)}.mp4'
            _write_overlay(out, clip, layout, given.video, told[-1])
    answers = {
        'config': args.config, 'checkpoint': args.checkpoint, 'classes': names, 'clips': told,
    }  # fmt: skip
    with atomic_write(args.out / 'answers.json', 'w', encoding='utf-8') as f:
        json.dump(answers, f, ensure_ascii=False, indent=1)
    print(f'wrote {args.out}/answers.json ({count(len(told), "clip")})')


# What is given -------------------------------------------------------------------------------------


def _is_of_videos(path: Path) -> bool:
    """Whether a path is a video, or a folder with videos in it, or below, and no files of key points."""
    form = detect_format(path)
    if path.is_dir():
        known = form is not None and form.what != 'a folder of videos'
        packed = (path / META).exists()
        return not (known or packed) and any(f.suffix.lower() in VIDEOS for f in path.rglob('*'))
    return path.suffix.lower() in VIDEOS or (form is not None and form.what == 'a video')


def _check_readable(paths: Sequence[Path]) -> None:
    """Raise the first DataError where there are videos, and none can be opened."""
    faults = []
    for path in find_files(paths, VIDEOS, 'videos') if paths else []:
        try:
            VideoReader(path)
            return
        except DataError as fault:
            faults.append(fault)
    if faults:
        raise faults[0]


def _as_videos(videos: Sequence[Path]) -> Iterator[Given]:
    """Yield videos themselves, as clips of a network that sees pictures."""
    for unit in named(find_files(videos, VIDEOS, 'videos'), videos):
        video = VideoReader(unit.path)
        clip = {
            'frame_dir': unit.name, 'filename': str(unit.path), 'total_frames': video.num_frames,
            'fps': video.fps,
        }  # fmt: skip
        yield Given(clip, None, unit.path)


def _clips(args: argparse.Namespace, videos: Sequence[Path], source: Any) -> Iterator[Given]:
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


def _of_pose_file(args: argparse.Namespace, videos: Sequence[Path]) -> Iterator[Given]:
    """Yield the clips of videos whose key points were found before."""
    known = {given.clip['frame_dir']: given for given in _of_file(args, args.pose)}
    names = ClipNames(known)
    for unit in named(find_files(videos, VIDEOS, 'videos'), videos):
        name = names.find(unit.name)
        if name is None:
            raise DataError(
                f'{args.pose}: holds no key points of {unit.path}. It holds {some(known)}. Leave --pose '
                'out to look for them.'
            )
        yield replace(known[name], video=unit.path)


def _of_file(args: argparse.Namespace, path: Path) -> Iterator[Given]:
    """Yield the clips of an annotation file, or of what tools/convert.py makes one of."""
    from ..recipe.layout_option import read_layout

    form = args.form or _form_name(path)
    if form is None and path.is_dir() and not (path / META).exists():
        raise DataError(
            f'{path}: it is not seen what files it holds. Say it with --form, as in tools/convert.py: '
            f'{", ".join(FORMS)}.'
        )
    if form is None:
        file = open_annotations(path)
        clips, about = file, file.about
    else:
        size = {'img_shape': args.img_shape} if args.img_shape else {}
        kind = FORMS[form]
        has_size = 'img_shape' in {field.name for field in fields(kind)}
        converted = convert(kind(**(size if has_size else {})), [path])
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
        yield Given(clip, known, video)


def _form_name(path: Path) -> str | None:
    """Return the name by which tools/convert.py reads a file; None: it may be an annotation file."""
    if path.suffix in ('.pkl', '.pickle', '.packed'):
        return None
    form = detect_format(path)
    if form is None:
        return None
    words = form.way.split()
    return words[2] if words[:2] == ['python', 'tools/convert.py'] and words[2] in FORMS else None


# What is told --------------------------------------------------------------------------------------


def _as_json(answer: Any, given: Given, names: Sequence[str], top_k: int) -> dict[str, Any]:
    """Return what is told of a clip, in plain Python."""
    fps = given.clip.get('fps')
    fps = float(fps) if isinstance(fps, (int, float)) and 0 < fps < 1e4 else None

    def best(probabilities: np.ndarray | None) -> list[dict[str, Any]]:
        if probabilities is None:
            return []
        order = np.argsort(-probabilities, kind='stable')[:top_k].tolist()
        return [
            {'label': k, 'name': names[k], 'probability': round(float(probabilities[k]), 6)}
            for k in order
        ]

    def span(window: Any) -> dict[str, Any]:
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


def _lines(told: Mapping[str, Any]) -> list[str]:
    """Return a clip's answer, and for a long clip its timeline, as lines of text."""
    lines = [f'{plain(told["name"])}: {_words(told["answer"])}']
    if len(told['windows']) > 1:
        lines.append(f'{"frames":>15}{"seconds":>17}  answer')
        for stretch in told['timeline']:
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
    told: Mapping[str, Any],
) -> None:
    """Draw every frame's skeletons, over the video where there is one, with the answer below."""
    from ..drawing.clip import clip_scene
    from ..drawing.scene import write_scene
    from ..drawing.skeleton import layout_for
    from ..drawing.video import Video

    shown = None if video is None else Video(video)
    height = min(LARGEST, 480 if shown is None else shown.height)
    layout = layout_for(clip['keypoint'].shape[2], layout, plain(clip['frame_dir']))
    start = int(clip.get('start_frame', 0)) if shown is not None else None
    scene = clip_scene(clip, layout, height, whole='img_shape' in clip, video=shown, offset=start)
    fps = told['fps'] or scene.fps
    stretches = [
        words for stretch in told['timeline']
        for words in [_words(stretch['answer'], 2)] * (stretch['frames'][1] - stretch['frames'][0] + 1)
    ]  # fmt: skip
    scene = replace(
        scene,
        title=f'{plain(told["name"])}: {_words(told["answer"], 2)}',
        caption=lambda t: f'{t / fps:.2f} s  {stretches[t]}',
        fps=fps,
    )
    write_scene(scene, out, 1)


def _file_name(name: str, used: Counter) -> str:
    """Return a clip's name as a file may have it, a different one for every clip."""
    safe = re.sub(r'[^\w.-]+', '_', name).strip('.')[:150] or 'clip'
    used[safe] += 1
    return safe if used[safe] == 1 else f'{safe}_{used[safe]}'
