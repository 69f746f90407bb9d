"""Pack annotations into memory-mapped arrays, which open at once and are shared by all workers.

    python tools/pack.py data/imigue_train.pkl                   writes data/imigue_train.packed
    python tools/pack.py data/imigue/task1/train_data.npy --out data/imigue_train.packed
Training and testing with data/imigue_train.pkl then use the packed form, while it is up to date.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from ..sources.imigue import IMG_SHAPE
from ..sources.pack import pack_file
from ..wording import count
from .calling import Parser


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'file',
        type=Path,
        help="annotation pickle, or iMiGUE's raw {split}_data.npy with {split}_label.pkl beside it",
    )
    parser.add_argument(
        '--out',
        type=Path,
        metavar='FOLDER',
        help='the packed folder (default: x.packed beside x.pkl)',
    )
    parser.add_argument(
        '--drop',
        nargs='+',
        default=(),
        metavar='FIELD',
        help='fields of the annotations to leave out; needed for fields of more than a number a '
        'clip',
    )
    parser.add_argument(
        '--img-shape',
        nargs=2,
        type=int,
        metavar=('H', 'W'),
        help='for raw arrays: height and width of the videos in pixels (default: 1080 1920)',
    )
    args = parser.parse_args(argv)
    if args.img_shape and args.file.suffix != '.npy':
        raise UserError(
            '--img-shape belongs to raw .npy arrays; an annotation pickle holds the size of its '
            'pictures. Leave it out.'
        )
    if args.img_shape and min(args.img_shape) < 1:
        raise UserError(
            f'--img-shape {args.img_shape[0]} {args.img_shape[1]}: expected height and width from '
            '1 on.'
        )
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = parse_args(argv)
    folder, num_clips = pack_file(args.file, args.out, args.drop, args.img_shape or IMG_SHAPE)
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f'wrote {folder} ({count(num_clips, "clip")}, {size / 2**20:,.1f} MB)')
