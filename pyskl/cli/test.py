"""Test: python tools/test.py CONFIG [CHECKPOINT] [options]; several processes: bash tools/dist_test.sh CONFIG N [options]."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..errors import ConfigError, UserError
from ..files.given import check_checkpoint
from ..scores.submission import COARSE_HELP, FORMATS, FORMATS_HELP
from .calling import Parser
from .places import find_config


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(
        description='Test a checkpoint: result.pkl, scores.npz, metrics.json, per_class.csv, '
        'Submission.zip.'
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint_word', nargs='?', metavar='CHECKPOINT', help='as -C CHECKPOINT')
    parser.add_argument(
        '-C', '--checkpoint', help='checkpoint file (default: latest.pth in the work dir)'
    )
    parser.add_argument(
        '--work-dir',
        help='where the checkpoint is sought and results go (default: work_dir of the config)',
    )
    parser.add_argument(
        '--out',
        help='result file, a .pkl (default: result.pkl in the work dir, val.pkl for --split val); '
        'scores with names go beside it',
    )
    parser.add_argument(
        '--eval',
        nargs='+',
        metavar='METRIC',
        help='top_k_accuracy, mean_class_accuracy, macro_f1, mean_average_precision (default: the '
        "config's)",
    )
    parser.add_argument(
        '--fuse-conv-bn', action='store_true', default=True, help=argparse.SUPPRESS
    )  # published flag; always on
    parser.add_argument(
        '--no-fuse-conv-bn',
        dest='fuse_conv_bn',
        action='store_false',
        help='keep BatchNorm apart from the convolutions',
    )
    parser.add_argument(
        '--average-clips',
        choices=['prob', 'score', 'none'],
        help='how the views of a clip become one score',
    )
    parser.add_argument('--compile', action='store_true', help='torch.compile the backbone')
    parser.add_argument(
        '--split',
        choices=['test', 'val', 'train'],
        default='test',
        help='which clips; all go through the test pipeline',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm'],
        help='default: pytorch under torchrun, else none',
    )
    parser.add_argument(
        '--amp', choices=['bf16', 'fp16'], help='mixed precision (default: float32)'
    )
    parser.add_argument('--device', help='cpu, cuda, cuda:1 (default: cuda where there is one)')
    parser.add_argument(
        '--cfg-options', nargs='+', metavar='KEY=VALUE', help='override config keys'
    )
    parser.add_argument(
        '--report',
        nargs='?',
        const='',
        metavar='FILE',
        help='write a page about the test as well, see tools/report.py '
        '(default: report.html beside the scores)',
    )
    parser.add_argument('--format', choices=FORMATS, help='of the submission: ' + FORMATS_HELP)
    parser.add_argument('--coarse', metavar='FILE', help=COARSE_HELP)
    parser.add_argument('--local_rank', '--local-rank', type=int, help=argparse.SUPPRESS)
    parser.add_argument(
        '--tmpdir', help=argparse.SUPPRESS
    )  # PYSKL's flag; scores are gathered without files
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
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
        from ..report.build import PAGES

        check_suffix(page, PAGES)
    result = test(config, TestOptions(**args), cfg_options)
    if page is not None and result is not None:  # on the first rank alone
        report(
            result.files, config, cfg_options, args['work_dir'], args['checkpoint'], page or None
        )
    return 0


def report(
    files: Sequence[Path],
    config: str,
    cfg_options: Sequence[str] | None,
    work_dir: str | None,
    checkpoint: str | None,
    out: str | None,
) -> None:
    """Write the page about a test and print where it is."""
    from ..recipe import load_config
    from ..report import ReportOptions, build_report

    scores = next((file for file in files if file.name.endswith('scores.npz')), None)
    if scores is None:
        raise UserError(
            '--report: no clip has one answer to report on (average_clips none keeps views apart, '
            'feat_ext gives features).'
        )
    work_dir = work_dir or load_config(config, cfg_options).get('work_dir')
    options = ReportOptions(out=out, config=config, cfg_options=cfg_options, checkpoint=checkpoint)
    written = build_report([scores], options, work_dir)
    for note in written.notes:
        print(f'note: {note}')
    print(f'wrote {written.path} ({written.size / 1e6:.1f} MB)')
