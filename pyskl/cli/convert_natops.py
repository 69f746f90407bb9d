"""Turn NATOPS, real gestures of aircraft handlers, into annotation pickles: one a projection, data/natops/natops_{xy,xz,zy}.pkl,
in pixels, and natops_xyz.pkl with all three coordinates, for networks that take key points in space.

The two .ts files come from the UEA & UCR time series classification archive (timeseriesclassification.com), data set NATOPS.
Splits: train, test as published; train in parts for choosing settings: fit and val, fit2 and val2, fit3 and val3. The clips that seem to
be one person's stay together there, since test shows other people than train.

`tools/convert.py natops` writes one of them where you like.

    python tools/convert_natops.py NATOPS_TRAIN.ts NATOPS_TEST.ts
"""

from __future__ import annotations

import argparse
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


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('train', type=Path, metavar='NATOPS_TRAIN.ts')
    parser.add_argument('test', type=Path, metavar='NATOPS_TEST.ts')
    parser.add_argument(
        '--out-dir',
        type=Path,
        default=home() / 'data' / 'natops',
        help='where the pickles go (default: data/natops)',
    )
    parser.add_argument(
        '--folds',
        type=int,
        default=3,
        help='parts of train, each a val with the rest as its fit (default: 3)',
    )
    parser.add_argument(
        '--seed',
        type=seed_number,
        default=0,
        help='deals the people of train out to the parts (default: 0)',
    )
    args = parser.parse_args(argv)
    check_folds(args.folds)
    return args


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    train, test = read_ts(args.train), read_ts(args.test)
    check_same_classes((train, test), args.test)
    about = About(label_names(train), 'natops8')
    split = splits(train, test, args.folds, args.seed)
    for projection in (*PROJECTIONS, SPACE):
        path = args.out_dir / f'natops_{projection}.pkl'
        write_annotations(
            path,
            split,
            annotations_of(train, 'train', projection) + annotations_of(test, 'test', projection),
            about=about,
        )
        print(
            f'wrote {path} ({len(train.xyz)} + {len(test.xyz)} clips, {len(train.names)} classes)'
        )
