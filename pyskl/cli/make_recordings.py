"""Make synthetic recordings in the form of iMiGUE's csv release.

python tools/make_recordings.py data/spotting --num-train 24 --minutes 3 --seed 1

writes OUT_DIR/imigue_skeleton_{train,validate,test}/NNNN/.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..seeds import seed_number
from ..sources.synthetic.recordings import write_recordings
from ..wording import count
from .calling import Parser


def main(argv: Sequence[str]) -> None:
    """Run the command."""
    parser = Parser(
        description='Make synthetic recordings in the form of the csv release of iMiGUE.',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add('out_dir', help='folder for imigue_skeleton_train, _validate and _test')
    add(
        '--num-train',
        type=int,
        default=24,
        help='recordings of the training split, 0 for none',
    )
    add('--num-val', type=int, default=6, help='recordings of the validation split')
    add('--num-test', type=int, default=8, help='recordings of the test split')
    add('--minutes', type=float, default=3.0, help='length of a recording at 30 frames a second')
    add('--num-classes', type=int, help="use only this many of iMiGUE's commonest classes")
    add('--seed', type=seed_number, default=0, help='the same seed gives the same files')
    args = parser.parse_args(argv)
    videos = {'train': args.num_train, 'val': args.num_val, 'test': args.num_test}
    written = write_recordings(args.out_dir, videos, args.minutes, args.seed, args.num_classes)
    for paths in written.values():
        print(
            f'wrote {paths[0].parent.parent} ({count(len(paths), "recording")} of '
            f'{args.minutes:g} minutes)'
        )
