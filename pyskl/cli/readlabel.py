"""Convert iMiGUE, of any release, into annotation pickles data/imigue_{train,val,test}.pkl.

python tools/readlabel.py                                    data/imigue/task1
python tools/readlabel.py PATH [PATH ...]                    any files of iMiGUE below these paths
python tools/readlabel.py --val-videos published
python tools/readlabel.py PATH --joints openpose_upper_hands
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from ..annotations import About, open_annotations, write_annotations
from ..errors import DataError, UserError
from ..files.locks import RESULTS_LOCK, in_turn
from ..files.texts import read_text
from ..sources.imigue import IMG_SHAPE, PUBLISHED_VAL_VIDEOS, SPLITS
from ..sources.imigue.convert import convert
from ..sources.imigue.find import Found, find
from ..sources.imigue.joints import DEFAULT, Joints
from ..sources.imigue.settings import Settings
from ..sources.imigue.summary import ID_MOD_99
from ..wording import count
from .calling import Parser, check_at_least
from .places import home


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__.splitlines()[0])
    add = parser.add_argument
    add(
        'paths',
        nargs='*',
        type=Path,
        metavar='PATH',
        help='folders or files: raw arrays, csv and xlsx releases, also in subfolders; names of '
        'folders tell train, val or test (default: data/imigue/task1 of this project)',
    )
    add(
        '--data-dir',
        type=Path,
        metavar='FOLDER',
        help='only the raw arrays in this folder, {split}_data.npy',
    )
    add(
        '--csv',
        type=Path,
        metavar='FOLDER',
        help='only the videos below this folder, *_light_hand.csv or *_openpose.xlsx',
    )
    add(
        '--out-dir',
        type=Path,
        default=home() / 'data',
        help='folder of imigue_{split}.pkl (default: data)',
    )
    add(
        '--splits',
        nargs='+',
        choices=SPLITS,
        metavar='SPLIT',
        help='splits to convert (default: those that exist); for videos whose folder does not '
        'tell, their split (default: train)',
    )
    add(
        '--joints',
        default=DEFAULT,
        metavar='JOINTS',
        help=f'joints to keep: {DEFAULT} (default), openpose_upper_hands or openpose137 '
        '(137-point release), another layout of the release, all, or a list: '
        '0-8,15-18,95-136 or "nose,left wrist"',
    )
    parser.add_img_shape(
        f'height and width of the videos in pixels (default: {IMG_SHAPE[0]} {IMG_SHAPE[1]}, or '
        'more if joints lie outside)'
    )
    add(
        '--val-videos',
        nargs='+',
        metavar='ID',
        help='move these videos from train to val: published (0001-0004 and 0006-0011), ids, or a '
        'file of ids',
    )
    add(
        '--keep-labels',
        action='store_true',
        help='keep labels of test even if all are the same class',
    )
    add(
        '--class-order',
        choices=['id-1', ID_MOD_99],
        default='id-1',
        help='numbering of the labels in raw arrays; id%%99 becomes id - 1',
    )
    add(
        '--strict',
        action='store_true',
        help='write nothing if a video or clip would be left out',
    )
    args = parser.parse_args(argv)
    check_at_least(1, args, 'img_shape')
    if args.paths and (args.data_dir or args.csv):
        raise UserError(
            'PATH and --data-dir or --csv: give one of them. PATH finds both raw arrays and videos.'
        )
    return args


def main(argv: Sequence[str]) -> None:
    """Run the command."""
    args = parse_args(argv)
    settings = Settings(
        splits=tuple(dict.fromkeys(args.splits or ())),
        img_shape=args.img_shape and tuple(args.img_shape),
        joints=Joints(args.joints),
        val_videos=_val_videos(args.val_videos),
        keep_labels=args.keep_labels,
        id_mod_99=args.class_order == ID_MOD_99,
        strict=args.strict,
    )
    found, where = _find(args)
    done = convert(found, settings, where)
    for line in done.facts:
        print(line)
    for line in done.warnings:
        print(f'warning: {line}.')
    with in_turn(args.out_dir / RESULTS_LOCK):
        # only now, so that an error in test leaves no new train behind
        for split, clips in done.clips.items():
            _write(args.out_dir, split, clips, done.about.get(split))
    if 'train' in done.clips and 'val' not in done.clips:
        _warn_of_old_val(args.out_dir / 'imigue_val.pkl', done.clips['train'])


def _find(args: argparse.Namespace) -> tuple[Found, str]:
    use_folder_name = len(args.splits or ()) != 1  # else the user says which split it is
    if args.csv:
        return find([args.csv], raw=False, own_name=use_folder_name), str(args.csv)
    if args.data_dir:
        return find([args.data_dir], videos=False, depth=0), str(args.data_dir)
    paths = args.paths or [home() / 'data' / 'imigue' / 'task1']
    return find(paths, own_name=use_folder_name), ', '.join(map(str, paths))


def _val_videos(given: Sequence[str] | None) -> tuple[str, ...]:
    if not given:
        return ()
    if list(given) == ['published']:
        return PUBLISHED_VAL_VIDEOS
    if len(given) == 1 and os.path.lexists(given[0]):
        expected = 'Expected video ids like 0001, in lines or with spaces between (--val-videos).'
        given = read_text(given[0], expected).replace(',', ' ').split()
        if not given:
            raise DataError(f'--val-videos: the file holds no ids. {expected}')
    return tuple(given)


def _write(out_dir: Path, split: str, annotations: list[dict], about: About | None) -> None:
    path = out_dir / f'imigue_{split}.pkl'
    write_annotations(
        path, {split: [a['frame_dir'] for a in annotations]}, annotations, about=about
    )
    num_classes = len({a['label'] for a in annotations} - {-1})
    labels = count(num_classes, 'class') if num_classes else 'no labels'
    print(f'wrote {_shown(path)} ({count(len(annotations), "clip")}, {labels})')


def _warn_of_old_val(path: Path, train: list[dict]) -> None:
    """Warn of a val file of an earlier --val-videos, whose clips are in train again."""
    with contextlib.suppress(UserError):  # no such file, or not an annotation file
        shared = set(open_annotations(path).ids).intersection(a['frame_dir'] for a in train)
        if shared:
            print(
                f'warning: {_shown(path)}, of an earlier conversion, holds '
                f'{count(len(shared), "clip")} that imigue_train.pkl holds now too. Remove it, or '
                'give --val-videos again.'
            )


def _shown(path: Path) -> Path:
    """Return a path relative to the current folder, if it lies below it."""
    path, here = path.absolute(), Path(os.getcwd())
    return path.relative_to(here) if path.is_relative_to(here) else path
