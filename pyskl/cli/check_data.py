"""Check an annotation file: fields, labels, splits, and poses that look wrong.

    python tools/check_data.py data/imigue_train.pkl
    python tools/check_data.py videos.txt --videos FOLDER           check a list of videos
    python tools/check_data.py data/mine.pkl --fix data/fixed.pkl   fix what can be fixed, and check
Exit status: 0 no errors (warnings are listed), 1 the data have errors, 2 they could not be checked.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..annotations import write_annotations
from ..annotations.check import check_annotations
from ..annotations.check_report import Report
from ..annotations.fixing import fix_annotations
from ..annotations.joining import read_all, read_source
from ..annotations.notes import fix_command
from ..annotations.packed import META
from ..annotations.store import load_annotations
from ..errors import UserError
from ..labels import names_of
from ..skeletons import LAYOUTS, layout_to_draw
from ..wording import count, plain
from .calling import Parser, as_called, check_at_least


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__.splitlines()[0], epilog=__doc__.splitlines()[-1])
    add = parser.add_argument
    add(
        'file',
        type=Path,
        help='annotation pickle, or packed folder; with --fix also a folder of pickles',
    )
    add(
        '--num-classes',
        type=int,
        metavar='K',
        help='labels must be below K (default: 32 for 22 joints)',
    )
    add(
        '--layout',
        help=f'layout of the joints: {", ".join(LAYOUTS)}; "dict(name=..., joints=...)" as in '
        'configs; or a config file (default: from the file, or the number of joints)',
    )
    add('--json', action='store_true', help='print one json object: file, errors, warnings, facts')
    add(
        '--fix',
        type=Path,
        metavar='OUT',
        help='fix what can be fixed, write it to OUT, and check that',
    )
    add(
        '--videos',
        type=Path,
        metavar='FOLDER',
        help='open the videos of the clips in this folder; the file may then be a '
        'list of videos without key points: `path label` a line, csv, JSON or pickle',
    )
    add(
        '--label-names',
        metavar='FILE',
        help='class names, one a line, in class order, for a list of '
        'videos that has names in place of numbers',
    )
    add(
        '--leave-out',
        action='store_true',
        help='with --fix: leave out clips that cannot be fixed',
    )
    args = parser.parse_args(argv)
    if args.leave_out and not args.fix:
        raise UserError('--leave-out belongs to --fix OUT. Add that, or leave it out.')
    if args.fix and args.fix.exists() and args.file.exists() and args.fix.samefile(args.file):
        raise UserError(f'--fix {args.fix}: is the input file itself. Choose another name.')
    check_at_least(1, args, 'num_classes')
    return args


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    args = parse_args(argv)
    layout = None
    if args.layout:  # imported late: reading configs takes long to import
        from ..recipe.layout_option import read_layout

        layout = layout_to_draw(read_layout(args.layout) or args.layout)
    if args.videos and not args.videos.is_dir():
        raise UserError(f'--videos {args.videos}: is not a folder.')
    if args.videos and not _has_key_points(args.file):
        if args.fix:
            raise UserError(
                f'--fix: {args.file} has no key points; a list of videos cannot be fixed.'
            )
        from ..datasets.check_video_list import check_video_list

        names = None if args.label_names is None else names_of(args.label_names, '--label-names')
        report = check_video_list(args.file, args.videos, args.num_classes, names)
        return _print_report(args, report, args.file, [])
    if args.label_names is not None:
        raise UserError('--label-names belongs to a list of videos, with --videos FOLDER.')
    done: list[str] = []
    if args.fix:
        fixed = fix_annotations(read_all(args.file), str(args.file), args.leave_out)
        done = fixed.done.lines()
        if fixed.failed or not fixed.annotations:
            return _print_failed(args, done, fixed.failed.lines() or ['no clip is left.'])
        write_annotations(
            args.fix, fixed.split, fixed.annotations, as_given=True, about=fixed.about
        )
    file = args.fix or args.file
    data = read_source(file) if (file / META).exists() else load_annotations(file)
    report = check_annotations(data, args.num_classes, layout, str(file))
    if args.videos and 'clips' in report.facts:
        from ..datasets.check_video_list import check_videos_of

        check_videos_of(report, _named_clips(data), args.videos)
    return _print_report(args, report, file, done)


def _has_key_points(file: Path) -> bool:
    """Return whether a file has key points: it is packed, or its first clip has some."""
    if (file / META).exists():
        return True
    if file.suffix.lower() not in ('.pkl', '.pickle'):
        return False
    return 'keypoint' in next(iter(_named_clips(load_annotations(file))), {'keypoint': None})


def _named_clips(data: Any) -> list[Mapping[str, Any]]:
    """Return the clips of an annotation file that are dicts with a name."""
    annotations = data.get('annotations', data) if isinstance(data, Mapping) else data
    listed = annotations.values() if isinstance(annotations, Mapping) else annotations
    clips = [clip for clip in listed if isinstance(clip, Mapping)]
    return [c for c in clips if isinstance(c.get('frame_dir', c.get('filename')), str)]


def _print_report(args: argparse.Namespace, report: Report, file: Path, done: list[str]) -> int:
    """Print a report and return the exit status."""
    if args.json:
        fix = {'fixed': done} if args.fix else {}
        print(json.dumps({'file': str(file), **fix, **vars(report)}, indent=1))
    else:
        for line in done:
            print(f'fixed: {line}')
        if args.fix:
            same = '' if done else f', the same as {args.file}: there was nothing to fix'
            print(f'wrote {file}{same}')
        width = max(map(len, report.facts))
        for name, value in report.facts.items():
            print(f'{name:<{width}}  {_line(value)}')
        for kind, lines in (('error', report.errors), ('warning', report.warnings)):
            for line in lines:
                print(as_called(f'{kind}: {line}'))
        # --fix leaves labels and videos alone
        left_alone = ('label ', 'the videos ')
        if not args.fix and not all(line.startswith(left_alone) for line in report.errors):
            print(as_called(f'To fix what can be fixed: {fix_command(str(file))}'))
        errors = count(len(report.errors), 'error')
        print(f'{file}: {errors}, {count(len(report.warnings), "warning")}')
    return 1 if report.errors else 0


def _print_failed(args: argparse.Namespace, done: list[str], failed: list[str]) -> int:
    """Print what could be fixed and what could not, and return the exit status."""
    if args.json:
        print(json.dumps({'file': str(args.file), 'fixed': done, 'errors': failed}, indent=1))
        return 1
    for line in done:
        print(f'could be fixed: {line}')
    for line in failed:
        print(f'error: {line}')
    print(
        f'{args.file}: these cannot be fixed; nothing was written. Correct them, or leave such '
        'clips out: --leave-out'
    )
    return 1


def _line(value: Any) -> str:
    if isinstance(value, dict):
        return ', '.join(f'{plain(k)}: {v}' for k, v in value.items()) or 'none'
    if isinstance(value, list):
        return ', '.join(map(str, value)) or 'none'
    return 'unknown' if value is None else str(value)
