"""Makes made-up recordings in the form of iMiGUE's csv release: OUT_DIR/imigue_skeleton_{train,validate,test}/NNNN/.

python tools/make_recordings.py data/spotting --num-train 24 --num-val 6 --num-test 8 --minutes 3 --seed 1
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..seeds import seed_number
from ..sources.synthetic.recordings import write_recordings
from ..wording import count
from .calling import Parser


def main(argv: Sequence[str] | None = None) -> None:
    parser = Parser(
        description='Make made-up recordings in the form of the csv release of iMiGUE.',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add('out_dir', help='folder for imigue_skeleton_train, _validate and _test')
    add(
        '--num-train',
        type=int,
        default=24,
        help='recordings of the training split; 0 leaves a split out',
    )
    add('--num-val', type=int, default=6, help='of the validation split')
    add('--num-test', type=int, default=8, help='of the test split')
    add('--minutes', type=float, default=3.0, help='length of a recording, at 30 frames a second')
    add('--num-classes', type=int, help="so many of iMiGUE's commonest classes; without it all 32")
    add('--seed', type=seed_number, default=0, help='the same seed gives the same files')
    args = parser.parse_args(argv)
    videos = {'train': args.num_train, 'val': args.num_val, 'test': args.num_test}
    written = write_recordings(args.out_dir, videos, args.minutes, args.seed, args.num_classes)
    for paths in written.values():
        print(
            f'wrote {paths[0].parent.parent} ({count(len(paths), "recording")} of {args.minutes:g} minutes)'
        )
