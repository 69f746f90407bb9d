"""Find people in videos, and write their key points as an annotation file.

    python tools/extract_pose.py video.mp4 -o data/mine.pkl         MediaPipe: 67 joints, one person
    python tools/extract_pose.py videos/ -o data/mine.pkl --joints imigue22        22 of the joints
    python tools/extract_pose.py videos/ -o data/mine.pkl --labels folder          classes by folder
    python tools/extract_pose.py videos/ -o data/mine.pkl --rtm-pose rtmw.onnx     through rtmlib

MediaPipe runs in an environment of its own, which `make pose-env` makes once. rtmlib needs
`pip install -e '.[pose]'` and your own ONNX files; it finds 17, 26 or 133 joints of several people.
People are tracked from frame to frame; frames without people stay. See docs/from_video.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..annotations.clip_names import VIDEOS
from ..errors import UserError
from ..files.path_checks import check_out
from ..sources.conversion import convert
from ..sources.video_poses import Estimator, Videos
from ..sources.video_poses.videos import MIN_SCORE
from .calling import Parser
from .convert import common_options, settings_of, write


def add_estimator_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for finding people, which tools/predict.py has, too."""
    add = parser.add_argument_group('finding people').add_argument
    add(
        '--rtm-pose',
        type=Path,
        metavar='ONNX',
        help='find joints by this RTMPose network, through rtmlib (default: MediaPipe Holistic)',
    )
    add(
        '--rtm-detector',
        type=Path,
        metavar='ONNX',
        help='first find people by this YOLOX network (default: the whole picture is one person)',
    )
    add(
        '--rtm-device',
        default='cpu',
        choices=['cpu', 'cuda'],
        help='device of rtmlib (default: cpu)',
    )
    add(
        '--mediapipe-python',
        type=Path,
        metavar='PYTHON',
        help='Python of an environment with mediapipe 0.10.21 (default: .venv-pose/bin/python)',
    )
    add(
        '--min-score',
        type=float,
        default=MIN_SCORE,
        metavar='S',
        help='joints of a lower score are missing (default: %(default)s)',
    )
    add(
        '--max-people',
        type=int,
        default=2,
        metavar='M',
        help='people to keep in a clip, those seen most (default: 2)',
    )


def main(argv: Sequence[str]) -> None:
    """Run the command."""
    parser = Parser(__doc__, parents=[common_options()])
    add_estimator_options(parser)
    args = parser.parse_args(argv)
    check_out(args.out, args.paths, VIDEOS)
    converted = convert(videos_source(args), args.paths, settings_of(args))
    write(args.out, converted, as_given=False)


def videos_source(args: argparse.Namespace) -> Videos:
    """Return the source of videos that the options of add_estimator_options mean."""
    return Videos(max_people=args.max_people, min_score=args.min_score, estimator=_estimator(args))


def _estimator(args: argparse.Namespace) -> Estimator:
    """Return the estimator that the options mean.

    Raises:
        UserError: options of the other estimator, or it is not installed.
    """
    if args.rtm_pose is None:
        if args.rtm_detector is not None:
            raise UserError('--rtm-detector belongs to --rtm-pose ONNX. Name that file, too.')
        from ..sources.video_poses.mediapipe import MediaPipe

        return MediaPipe(args.mediapipe_python)
    if args.mediapipe_python is not None:
        raise UserError('--mediapipe-python and --rtm-pose: expected one of them.')
    from ..sources.video_poses.rtm import RTMLib

    return RTMLib(args.rtm_pose, args.rtm_detector, args.rtm_device)
