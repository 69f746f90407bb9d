"""Convert the skeletons of NTU RGB+D into annotation pickles.

data/nturgbd/ntu60_3danno.pkl and ntu120_3danno.pkl hold x, y, z in metres of 25 joints of up to two
people. The .skeleton files come with the data set
(https://rose1.ntu.edu.sg/dataset/actionRecognition): give their folder, or the zip archives. People
are chosen by PYSKL's rules (pyskl/sources/ntu_people.py), so that its published networks see what
they were trained on. Clips without people are left out and listed; a damaged file is an error.
`tools/convert.py ntu` reads the same files, PYSKL's pickles and CTR-GCN's npz, into one file.

    python tools/convert_ntu.py nturgb+d_skeletons
    python tools/convert_ntu.py nturgbd_skeletons_s001_to_s017.zip
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from ..annotations import About, write_annotations
from ..errors import DataError
from ..labels import NTU60_LABELS, NTU120_LABELS
from ..sources.forms.ntu import read_skeletons
from ..sources.ntu import (
    Clip,
    action_of,
    annotation_of,
    check_none_torn,
    find_files,
    read_missing,
    splits,
)
from ..wording import count, sizes, some
from .calling import Parser, check_at_least
from .places import home


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('skeletons', type=Path, nargs='+', help='folders or zip archives of .skeleton files')
    add(
        '--missing',
        type=Path,
        metavar='FILE',
        help='file of clips to leave out, one name a line (the data set lists bad samples)',
    )
    add(
        '--classes',
        type=int,
        choices=(60, 120),
        help='write only the pickle of 60 or of 120 classes (default: 60, and 120 if there are '
        'such clips)',
    )
    add(
        '--out-dir',
        type=Path,
        default=home() / 'data' / 'nturgbd',
        help='folder of the pickles (default: data/nturgbd)',
    )
    add(
        '--workers',
        type=int,
        default=os.cpu_count() or 1,
        help='processes that read files (default: one for each processor)',
    )
    args = parser.parse_args(argv)
    check_at_least(1, args, 'workers')
    return args


def main(argv: Sequence[str]) -> None:
    """Run the command."""
    args = parse_args(argv)
    files = find_files(args.skeletons, read_missing(args.missing) if args.missing else ())
    if args.classes == 60:
        files = [file for file in files if action_of(file.name) <= 60]
    clips = list(tqdm(read_skeletons(files, args.workers), 'skeletons', len(files), disable=None))
    check_none_torn(clips)
    left_out = [clip for clip in clips if clip.fault]
    for clip in left_out:
        print(f'left out {clip.fault}')
    clips = [clip for clip in clips if not clip.fault]
    has_120 = any(action_of(clip.name) > 60 for clip in clips)
    for num_classes in (args.classes,) if args.classes else (60, 120) if has_120 else (60,):
        write(args.out_dir / f'ntu{num_classes}_3danno.pkl', clips, num_classes)
    if left_out:
        names = some(clip.name for clip in left_out)
        print(f'{count(len(left_out), "clip")} left out: {names}')


def write(path: Path, clips: Sequence[Clip], num_classes: int) -> None:
    """Write the clips of the first `num_classes` classes.

    Raises:
        DataError: there are none.
    """
    chosen = [clip for clip in clips if action_of(clip.name) <= num_classes]
    if not chosen:
        raise DataError(f'{path}: would hold no clip, since none of {num_classes} classes is left.')
    split = splits((clip.name for clip in chosen), num_classes)
    about = About(NTU60_LABELS if num_classes == 60 else NTU120_LABELS, 'ntu25')
    annotations = [annotation_of(clip) for clip in chosen]
    write_annotations(path, split, annotations, as_given=True, about=about)
    print(f'wrote {path} ({count(len(chosen), "clip")}; {sizes(split)})')
