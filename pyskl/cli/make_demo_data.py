"""Makes made-up micro-gestures in iMiGUE's raw format: OUT_DIR/{train,val,test}_data.npy and _label.pkl.

    python tools/make_demo_data.py data/demo --num-train 2000 --num-val 200 --num-test 400 --seed 1
"""
from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..errors import seed_number
from ..sources.synthetic import write_demo_data
from .calling import Parser


def main(argv: Sequence[str] | None = None) -> None:
    parser = Parser(description='Make made-up micro-gestures in the raw iMiGUE format.',
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument('out_dir', help='folder for {train,val,test}_data.npy and {train,val,test}_label.pkl')
    parser.add_argument('--num-train', type=int, default=2000, help='clips of the training split; 0 leaves a split out')
    parser.add_argument('--num-val', type=int, default=200)
    parser.add_argument('--num-test', type=int, default=400)
    parser.add_argument('--seed', type=seed_number, default=0, help='the same seed gives the same files')
    parser.add_argument('--no-test-labels', action='store_true', help='write no test_label.pkl, as for a challenge')
    args = parser.parse_args(argv)
    splits = write_demo_data(args.out_dir, args.num_train, args.num_val, args.num_test, args.seed, not args.no_test_labels)
    for name, split in splits.items():
        labels = 'no labels' if name == 'test' and args.no_test_labels else f'{len(set(split.labels.tolist()))} classes'
        people = len(set(split.person.tolist()))
        print(f'wrote {Path(args.out_dir) / name}_data.npy ({len(split.names)} clips of {people} people, {labels})')
