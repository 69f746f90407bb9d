"""Test a checkpoint.

python tools/test.py CONFIG [CHECKPOINT] [options]
bash tools/dist_test.sh CONFIG N [options]          on N processes
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigError, UserError
from ..files.path_checks import check_checkpoint
from ..scores.submission import COARSE_HELP, FORMATS, FORMATS_HELP
from .calling import Parser
from .places import find_config
from .report import print_written


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(
        description='Test a checkpoint, and write result.pkl, scores.npz, metrics.json, '
        'per_class.csv and Submission.zip.'
    )
    add = parser.add_argument
    add('config', help='config file')
    add('checkpoint_word', nargs='?', metavar='CHECKPOINT', help='same as -C CHECKPOINT')
    add('-C', '--checkpoint', help='checkpoint file (default: latest.pth in the work dir)')
    add(
        '--work-dir',
        help='folder of the checkpoint and the results (default: work_dir of the config)',
    )
    add(
        '--out',
        help='result file, a .pkl (default: result.pkl in the work dir, val.pkl for --split val); '
        'scores with clip names go beside it',
    )
    add(
        '--eval',
        nargs='+',
        metavar='METRIC',
        help='top_k_accuracy, mean_class_accuracy, macro_f1, mean_average_precision (default: the '
        "config's)",
    )
    add(
        '--fuse-conv-bn', action='store_true', default=True, help=argparse.SUPPRESS
    )  # published flag; always on
    add(
        '--no-fuse-conv-bn',
        dest='fuse_conv_bn',
        action='store_false',
        help='do not fuse BatchNorm into the convolutions',
    )
    add(
        '--average-clips',
        choices=['prob', 'score', 'none'],
        help='how to average the views of a clip',
    )
    add('--compile', action='store_true', help='torch.compile the backbone')
    add(
        '--split',
        choices=['test', 'val', 'train'],
        default='test',
        help='split to test on, always with the test pipeline',
    )
    parser.add_launcher()
    parser.add_amp()
    parser.add_device()
    parser.add_cfg_options()
    add(
        '--report',
        nargs='?',
        const='',
        metavar='FILE',
        help='also write an HTML page about the test, see tools/report.py '
        '(default: report.html beside the scores)',
    )
    add('--format', choices=FORMATS, help='format of the submission: ' + FORMATS_HELP)
    add('--coarse', metavar='FILE', help=COARSE_HELP)
    add('--tmpdir', help=argparse.SUPPRESS)  # flag of PYSKL; scores are gathered without files
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    args = vars(parse_args(argv))
    config, cfg_options = args.pop('config'), args.pop('cfg_options')
    page, word = args.pop('report'), args.pop('checkpoint_word')
    if word and args['checkpoint']:
        raise ConfigError(
            f'{word} and -C {args["checkpoint"]}: two checkpoints. Give one of them; a config is '
            'changed by --cfg-options.'
        )
    args['checkpoint'] = word or args['checkpoint']
    del args['local_rank'], args['tmpdir']
    config = find_config(config)
    if args['checkpoint'] and '://' not in args['checkpoint']:
        check_checkpoint(args['checkpoint'])
    # imported late: --help and wrong options answer at once, and Ctrl-C meets no loading PyTorch
    from ..apis import TestOptions, test

    if page:
        from ..drawing.writing import check_suffix
        from ..report.options import PAGES

        check_suffix(page, PAGES)
    result = test(config, TestOptions(**args), cfg_options)
    if page is not None and result is not None:  # None on all ranks but the first
        options = dict(config=config, cfg_options=cfg_options, checkpoint=args['checkpoint'])
        write_report(result.files, {**options, 'out': page or None}, args['work_dir'])
    return 0


def write_report(files: Sequence[Path], options: dict[str, Any], work_dir: str | None) -> None:
    """Write a page about a test and print its path.

    Args:
        files: results of the test.
        options: fields of ReportOptions, with `config` and `cfg_options`.
        work_dir: work dir of the test, if it is not the config's.
    """
    from ..recipe import load_config
    from ..report import ReportOptions, build_report

    scores = next((file for file in files if file.name.endswith('scores.npz')), None)
    if scores is None:
        raise UserError(
            '--report: the test gave no class scores of clips to report on (average_clips none '
            'keeps views apart, feat_ext gives features).'
        )
    config = load_config(options['config'], options['cfg_options'])
    work_dir = work_dir or config.get('work_dir')
    print_written(build_report([scores], ReportOptions(**options), work_dir))
