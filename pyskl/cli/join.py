"""Join annotation files into one; add splits, labels and class names.

Files may be annotation pickles of any form (with or without splits, single clips, dicts by name),
annotations in JSON, packed folders, folders of pickles, and pickles of labels alone.

    python tools/join.py train.pkl val.pkl -o all.pkl                  keeps the splits of each
    python tools/join.py --split train=a.pkl --split val=b.pkl -o all.pkl
    python tools/join.py clips/ -o mine.pkl --labels labels.csv --split-by video:train=0.8,val=0.2
    python tools/join.py train_data.pkl train_label.pkl -o train.pkl --img-shape 1080 1920
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from ..annotations import label_files, splitting, write_annotations
from ..annotations.about import About
from ..annotations.joining import Joined, join_files
from ..annotations.label_lists import lacks_class_0
from ..errors import UserError
from ..files.path_checks import check_out
from ..labels import check_order, read_labels
from ..recipe.layout_option import read_layout
from ..seeds import seed_number
from ..wording import count, sizes
from .calling import Parser, check_at_least


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('files', type=Path, nargs='*', metavar='FILE_OR_FOLDER')
    add('-o', '--out', type=Path, required=True, metavar='FILE.pkl')
    add(
        '--split',
        action='append',
        default=[],
        metavar='NAME=FILE',
        help='a split: all clips of an annotation file (.pkl), or those named in a text file',
    )
    add('--split-by', metavar='HOW', help=splitting.HELP.replace('%', '%%'))
    add('--seed', type=seed_number, default=0, help='seed of --split-by with shares (default: 0)')
    add('--labels', type=Path, action='append', default=[], metavar='FILE', help=label_files.HELP)
    add(
        '--first-label',
        type=int,
        default=0,
        metavar='N',
        help='number of the first class (default: 0)',
    )
    add(
        '--label-names',
        type=Path,
        metavar='FILE',
        help='class names, one a line, in class order',
    )
    add(
        '--layout',
        help='layout of the joints, to store with the data: a name, a dict as in configs, or a '
        'config file',
    )
    parser.add_img_shape('height and width of the pictures in pixels, for clips without them')
    add(
        '--rename-repeated',
        action='store_true',
        help='rename clips of the same name',
    )
    args = parser.parse_args(argv)
    if args.split and args.split_by:
        raise UserError('--split and --split-by are both given. Expected one of them.')
    check_at_least(1, args, 'img_shape')
    check_at_least(0, args, 'first_label')
    args.split = [_named_file(text) for text in args.split]
    if not args.files and not args.split:
        raise UserError('no files are given. Expected annotation files or folders.')
    return args


def _named_file(text: str) -> tuple[str, Path]:
    name, _, file = text.partition('=')
    if not name or not file:
        raise UserError(f'--split {text}: expected NAME=FILE, like train=train.pkl.')
    return name, Path(file)


def main(argv: Sequence[str]) -> None:
    """Run the command."""
    args = parse_args(argv)
    inputs = [*args.files, *(path for _, path in args.split)]
    check_out(args.out, inputs, ('.pkl', '.pickle', '.json'))
    label_names = read_labels(args.label_names) if args.label_names else None
    joined, found_labels = join_files(args.files, args.split)
    if joined.numbered:
        check_order(label_names, joined.about.label_names)
    for path in (*found_labels, *args.labels):
        joined.put_labels(label_files.read_label_file(path, label_names))
    joined.name_labels(label_names)
    if args.rename_repeated:
        joined.name_apart()
    joined.check_names()
    if args.first_label:
        joined.count_labels_from(args.first_label)
    if args.img_shape:
        joined.set_size(tuple(args.img_shape))
    if args.split_by:
        labels = [json.dumps(clip.get('label')) for clip in joined.clips]
        joined.put_splits(splitting.split_clips(args.split_by, joined.names, labels, args.seed))
    about = About(
        tuple(label_names) if label_names else joined.about.label_names,
        read_layout(args.layout) or joined.about.layout,
    )
    joined.about = About.of(about.entries(), 'the options')
    joined.check_label_names()
    write_annotations(args.out, joined.split, joined.clips, as_given=True, about=joined.about)
    _print_summary(joined, args.out)


def _print_summary(joined: Joined, out: Path) -> None:
    for line in joined.notes.lines():
        print(line)
    splits = sizes(joined.split) or 'no splits'
    print(f'wrote {out} ({count(len(joined.clips), "clip")}; {splits})')
    if not joined.split:
        print('To make splits, give --split-by too; or leave split out of the config.')
    if lacks_class_0((clip.get('label') for clip in joined.clips), joined.about.label_names):
        print('No clip has label 0. Do the labels count from 1? Then give --first-label 1, too.')
    if not any(clip.get('label') not in (None, -1) for clip in joined.clips):
        print('No clip has a label; training needs them: --labels FILE.')
    flat = [c for c in joined.clips if c['keypoint'].shape[-1] == 2 and not c.get('img_shape')]
    if any(not clip.get('original_shape') for clip in flat):
        print('img_shape is missing, which heatmap networks need: --img-shape HEIGHT WIDTH.')
