"""Write an HTML page about a test: figures, confusions, moving skeletons, curves.

python tools/report.py work_dirs/demo/joint
python tools/report.py work_dirs/demo/joint work_dirs/demo/limb --weights 0.4 0.6 -o report.html
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..files.path_checks import check_present, split_part
from .calling import Parser
from .places import find_config

if TYPE_CHECKING:
    from ..report.build import Report


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add(
        'inputs',
        nargs='+',
        metavar='WORK_DIR_OR_SCORES',
        help='work dir, scores.npz or result.pkl of each stream',
    )
    add(
        '-o',
        '--out',
        metavar='FILE',
        help='page to write, .html (default: report.html beside the scores; for several streams '
        'ensemble_report.html beside the first)',
    )
    add(
        '--weights',
        nargs='+',
        type=float,
        metavar='W',
        help='weights of the streams in the ensemble (default: 0.4 0.6 for two)',
    )
    add(
        '--weights-from',
        metavar='WEIGHTS.json',
        help='weights and temperatures that ensemble.py --fit-on saved',
    )
    add(
        '--ann-file',
        metavar='FILE',
        help='annotations of the clips (default: from the config in the work dir)',
    )
    add(
        '--config',
        help='config, for a single stream (default: the copy in the work dir, which is read but '
        'not run; --occlusion needs this option if the config imports modules)',
    )
    add(
        '--cfg-options',
        nargs='+',
        metavar='KEY=VALUE',
        help='with --config: overrides that were used in the test',
    )
    add(
        '-C',
        '--checkpoint',
        help='tested checkpoint, for a single stream (default: the one that the scores name, else '
        'latest.pth in the work dir)',
    )
    add(
        '--labels',
        metavar='FILE',
        help='class names: a text file, one a line, or a known name (imigue, ntu60, ntu120, '
        'gestures) (default: from config, data or checkpoint)',
    )
    add(
        '--layout',
        help='layout of the joints: a name, a dict as in a config, or a config file (default: '
        'from the config, or the number of joints)',
    )
    add('--title', help='title of the page (default: the names of the streams)')
    add(
        '--compare',
        metavar='WORK_DIR_OR_SCORES',
        help='another run on the same clips, to compare with by a paired test',
    )
    add(
        '--people',
        metavar='PATTERN',
        help="regular expression for the clips' ids whose first group names the person, for "
        "figures and intervals by person (default: P... of NTU's names, else the id before its "
        'last _)',
    )
    add(
        '--occlusion',
        action='store_true',
        help='measure the importance of joints and limbs, by hiding each in turn',
    )
    add(
        '--occlusion-clips',
        type=int,
        default=10,
        metavar='N',
        help='clips of each class for --occlusion (default: 10)',
    )
    add(
        '--pictures',
        action='store_true',
        help="show small frames of the clips' videos in the player; everybody with the page can "
        'then see the people',
    )
    add('--device', help='for --occlusion: cpu, cuda, cuda:1 (default: cuda if available)')
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> None:
    """Run the command."""
    args = vars(parse_args(argv))
    inputs = args.pop('inputs')
    for given in [*inputs, *([args['compare']] if args['compare'] else [])]:
        check_present(split_part(given)[0])
    if args['config']:
        args['config'] = find_config(args['config'])
    # imported late, so that --help and wrong options answer at once
    from ..report import ReportOptions, build_report

    print_written(build_report(inputs, ReportOptions(**args)))


def print_written(report: Report) -> None:
    """Print the notes of a page, its path and its size."""
    for note in report.notes:
        print(f'note: {note}')
    print(f'wrote {report.path} ({report.size / 1e6:.1f} MB)')
