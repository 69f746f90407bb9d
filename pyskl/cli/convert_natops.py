"""Convert NATOPS, gestures of aircraft handlers, into annotation pickles.

data/natops/natops_{xy,xz,zy}.pkl hold a projection each, in pixels; natops_xyz.pkl holds all three
coordinates, for networks on 3D key points. The two .ts files come from the UEA & UCR time series
classification archive (timeseriesclassification.com), data set NATOPS.
Splits: train and test as published. To choose settings, train is divided into fit and val, fit2 and
val2, fit3 and val3. Clips that seem to be of one person stay together there, since the people of
test are not in train.

`tools/convert.py natops` writes one of the files at a path of your choice.

    python tools/convert_natops.py NATOPS_TRAIN.ts NATOPS_TEST.ts
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..annotations import About, write_annotations
from ..seeds import seed_number
from ..sources.natops import (
    PROJECTIONS,
    SPACE,
    annotations_of,
    check_folds,
    check_same_classes,
    label_names,
    read_ts,
    splits,
)
from .calling import Parser
from .places import home


def main(argv: Sequence[str]) -> None:
    """Run the command."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('train', type=Path, metavar='NATOPS_TRAIN.ts')
    add('test', type=Path, metavar='NATOPS_TEST.ts')
    add(
        '--out-dir',
        type=Path,
        default=home() / 'data' / 'natops',
        help='folder of the pickles (default: data/natops)',
    )
    add(
        '--folds',
        type=int,
        default=3,
        help='parts of train, each of which is a val, the rest its fit (default: 3)',
    )
    add(
        '--seed',
        type=seed_number,
        default=0,
        help='seed of the division of people into parts (default: 0)',
    )
    args = parser.parse_args(argv)
    check_folds(args.folds)
    train, test = read_ts(args.train), read_ts(args.test)
    check_same_classes((train, test), args.test)
    about = About(label_names(train), 'natops8')
    split = splits(train, test, args.folds, args.seed)
    for projection in (*PROJECTIONS, SPACE):
        path = args.out_dir / f'natops_{projection}.pkl'
        clips = annotations_of(train, 'train', projection)
        clips += annotations_of(test, 'test', projection)
        write_annotations(path, split, clips, about=about)
        print(
            f'wrote {path} ({len(train.xyz)} + {len(test.xyz)} clips, {len(train.names)} classes)'
        )
