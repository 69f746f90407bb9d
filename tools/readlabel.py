"""Turn iMiGUE's raw files into annotation pickles: data/imigue/task1/*_data.npy -> data/imigue_{split}.pkl.

    python tools/readlabel.py
    python tools/readlabel.py --val-videos published
    python tools/readlabel.py --csv FOLDER
"""
from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from pyskl.annotations import open_annotations, write_annotations
from pyskl.errors import DataError, UserError, run_script
from pyskl.sources.imigue import IMG_SHAPE, PUBLISHED_VAL_VIDEOS, SPLITS, raw_paths, read_raw, take_out_videos
from pyskl.sources.imigue_csv import read_csv_release
from pyskl.wording import count

ROOT = Path(__file__).resolve().parents[1]


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data-dir', type=Path, default=ROOT / 'data' / 'imigue' / 'task1',
                        help='folder of {split}_data.npy and {split}_label.pkl (default: data/imigue/task1 of this project)')
    parser.add_argument('--csv', type=Path, metavar='FOLDER', help='read the csv release (*_light_hand.csv) there instead')
    parser.add_argument('--out-dir', type=Path, default=ROOT / 'data', help='where imigue_{split}.pkl is written (default: data)')
    parser.add_argument('--splits', nargs='+', choices=SPLITS, metavar='SPLIT',
                        help='of train val test (default: those that are there); with --csv what the clips are (default: train)')
    parser.add_argument('--img-shape', nargs=2, type=int, default=IMG_SHAPE, metavar=('H', 'W'),
                        help='height and width of the videos in pixels (default: 1080 1920)')
    parser.add_argument('--val-videos', nargs='+', metavar='ID',
                        help='move these videos from train to val: published (0001-0004 and 0006-0011), ids, or a file of ids')
    args = parser.parse_args(argv)
    if min(args.img_shape) < 1:
        raise UserError(f'--img-shape {args.img_shape[0]} {args.img_shape[1]}: expected height and width from 1 on.')
    return args


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    videos = _val_videos(args.val_videos)
    converted: dict[str, list[dict]] = {}
    for split in _splits(args, bool(videos)):
        source = args.csv or raw_paths(args.data_dir, split)[0]
        annotations = read_csv_release(args.csv, args.img_shape) if args.csv else read_raw(args.data_dir, split, args.img_shape)
        if videos and split == 'train':
            annotations, converted['val'] = take_out_videos(annotations, videos, str(source))
        converted[split] = annotations
    for split in (split for split in SPLITS if split in converted):     # only now: a fault in test leaves no new train behind
        _write(args.out_dir, split, converted[split])
    if 'train' in converted and 'val' not in converted:
        _warn_of_old_val(args.out_dir / 'imigue_val.pkl', converted['train'])


def _splits(args: argparse.Namespace, val_from_train: bool) -> list[str]:
    """The splits to convert; a UserError when they are not there or contradict --val-videos."""
    if args.csv:
        splits = args.splits or ['train']
        if len(splits) > 1:
            raise UserError(f'--csv with --splits {" ".join(splits)}: one folder is one split. Convert the folders one by one.')
    else:
        there = [split for split in SPLITS if raw_paths(args.data_dir, split)[0].exists()]
        splits = list(dict.fromkeys(args.splits or there))
        if not splits:
            raise DataError(f'{args.data_dir}: holds no train_data.npy, val_data.npy or test_data.npy. Put the raw files there, '
                            'or name their folder with --data-dir (data/README.md says what they are).')
    if val_from_train and ('val' in splits or 'train' not in splits):
        raise UserError(f'--val-videos takes val out of train, but the splits are {" ".join(splits)}. Give --splits train test.')
    return splits


def _val_videos(given: Sequence[str] | None) -> tuple[str, ...]:
    if not given:
        return ()
    if list(given) == ['published']:
        return PUBLISHED_VAL_VIDEOS
    if len(given) == 1 and Path(given[0]).exists():
        try:
            given = Path(given[0]).read_text(encoding='utf-8-sig').replace(',', ' ').split()
        except (OSError, ValueError) as error:
            raise DataError(f'--val-videos {given[0]}: cannot be read as a list of ids ({error}).') from error
        if not given:
            raise DataError('--val-videos: the file holds no ids. Expected video ids like 0001, in lines or with spaces between.')
    return tuple(given)


def _write(out_dir: Path, split: str, annotations: list[dict]) -> None:
    path = out_dir / f'imigue_{split}.pkl'
    write_annotations(path, {split: [a['frame_dir'] for a in annotations]}, annotations)
    num_classes = len({a['label'] for a in annotations} - {-1})
    labels = count(num_classes, 'class') if num_classes else 'no labels'
    print(f'wrote {_shown(path)} ({count(len(annotations), "clip")}, {labels})')


def _warn_of_old_val(path: Path, train: list[dict]) -> None:
    """A val file that an earlier --val-videos took out of train stays where it is; its clips are in train again."""
    with contextlib.suppress(UserError):            # none there, or none of ours
        shared = set(open_annotations(path).ids).intersection(a['frame_dir'] for a in train)
        if shared:
            print(f'warning: {_shown(path)}, of an earlier conversion, holds {count(len(shared), "clip")} that imigue_train.pkl '
                  'holds now too. Remove it, or give --val-videos again.')


def _shown(path: Path) -> Path:
    """Relative to the current folder where it lies below it."""
    path, here = path.absolute(), Path(os.getcwd())
    return path.relative_to(here) if path.is_relative_to(here) else path


if __name__ == '__main__':
    run_script(main)
