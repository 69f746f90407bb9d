"""Make synthetic micro-gestures in iMiGUE's raw format.

    python tools/make_demo_data.py data/demo --num-train 2000 --num-val 200 --num-test 400 --seed 1

writes OUT_DIR/{train,val,test}_data.npy and _label.pkl. With --video it makes videos with key
points, for networks that see both: OUT_DIR/videos/*.mp4 and OUT_DIR/annotations.pkl.

    python tools/make_demo_data.py data/demo_video --video
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..seeds import seed_number
from ..sources.synthetic import write_demo_data, write_video_data
from .calling import Parser


def main(argv: Sequence[str]) -> None:
    """Run the command."""
    parser = Parser(
        description='Make synthetic micro-gestures in the raw iMiGUE format, or with videos.'
    )
    add = parser.add_argument
    add('out_dir', help='folder to write')
    add(
        '--num-train',
        type=int,
        help='clips of the training split, 0 for none (default: 2000, with --video 400)',
    )
    add('--num-val', type=int, help='clips of the validation split (default: 200, with --video 80)')
    add('--num-test', type=int, help='clips of the test split (default: 400, with --video 160)')
    add(
        '--seed',
        type=seed_number,
        default=0,
        help='the same seed gives the same files (default: 0)',
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        '--no-test-labels', action='store_true', help='write no test_label.pkl, as in a challenge'
    )
    kind.add_argument(
        '--video',
        action='store_true',
        help='write videos with key points, of eight classes at a desk',
    )
    args = parser.parse_args(argv)
    sizes = {name: getattr(args, name) for name in ('num_train', 'num_val', 'num_test')}
    numbers = {name: size for name, size in sizes.items() if size is not None}
    if args.video:
        make_videos(Path(args.out_dir), numbers, args.seed)
    else:
        make_raw(Path(args.out_dir), numbers, args.seed, not args.no_test_labels)


def make_raw(out_dir: Path, numbers: dict[str, int], seed: int, test_labels: bool) -> None:
    """Write key points in iMiGUE's raw format, and print what was written."""
    splits = write_demo_data(out_dir, **numbers, seed=seed, test_labels=test_labels)
    for name, split in splits.items():
        labels = f'{len(set(split.labels.tolist()))} classes'
        if name == 'test' and not test_labels:
            labels = 'no labels'
        clips = f'{len(split.names)} clips of {len(set(split.person.tolist()))} people'
        print(f'wrote {out_dir / name}_data.npy ({clips}, {labels})')


def make_videos(out_dir: Path, numbers: dict[str, int], seed: int) -> None:
    """Write videos and their annotations, and print what was written."""
    splits = write_video_data(out_dir, **numbers, seed=seed)
    clips = ', '.join(f'{len(names)} {split}' for split, names in splits.items())
    print(f'wrote {out_dir}/annotations.pkl ({clips} clips) and their videos in {out_dir}/videos')
