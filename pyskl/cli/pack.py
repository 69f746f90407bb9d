"""Pack annotations into memory-mapped arrays, which open at once and are shared by all workers.

    python tools/pack.py data/imigue_train.pkl                   writes data/imigue_train.packed
    python tools/pack.py data/imigue/task1/train_data.npy --out data/imigue_train.packed
Training and testing with data/imigue_train.pkl then use the packed form, while it is up to date.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from ..sources.imigue import IMG_SHAPE
from ..sources.pack import pack_file
from ..wording import count
from .calling import Parser, check_at_least


def main(argv: Sequence[str]) -> None:
    """Run the command."""
    parser = Parser(__doc__.splitlines()[0])
    add = parser.add_argument
    add(
        'file',
        type=Path,
        help="annotation pickle, or iMiGUE's raw {split}_data.npy with {split}_label.pkl beside it",
    )
    add(
        '--out',
        type=Path,
        metavar='FOLDER',
        help='the packed folder (default: x.packed beside x.pkl)',
    )
    add(
        '--drop',
        nargs='+',
        default=(),
        metavar='FIELD',
        help='fields of the annotations to leave out; needed for fields of more than a number a '
        'clip',
    )
    parser.add_img_shape(
        'for raw arrays: height and width of the videos in pixels (default: 1080 1920)'
    )
    args = parser.parse_args(argv)
    if args.img_shape and args.file.suffix != '.npy':
        raise UserError(
            '--img-shape belongs to raw .npy arrays; an annotation pickle holds the size of its '
            'pictures. Leave it out.'
        )
    check_at_least(1, args, 'img_shape')
    folder, num_clips = pack_file(args.file, args.out, args.drop, args.img_shape or IMG_SHAPE)
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f'wrote {folder} ({count(num_clips, "clip")}, {size / 2**20:,.1f} MB)')
