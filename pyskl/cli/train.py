"""Train a recognizer.

python tools/train.py CONFIG [options]
bash tools/dist_train.sh CONFIG N [options]          on N processes
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from ..files.path_checks import check_checkpoint
from ..seeds import seed_number
from .calling import Parser
from .places import find_config


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description='Train a recognizer as described by a config file.')
    add = parser.add_argument
    add('config', help='config file')
    add('--work-dir', help='folder of checkpoints and logs (default: work_dir of the config)')
    add(
        '--seed',
        type=seed_number,
        help="seed of all random numbers (default: the config's, else 0)",
    )
    add(
        '--deterministic',
        action='store_true',
        help='use only deterministic algorithms, without TF32 (slower on a GPU)',
    )
    add(
        '--validate', action='store_true', default=True, help=argparse.SUPPRESS
    )  # flag of PYSKL; always on
    add(
        '--no-validate',
        dest='validate',
        action='store_false',
        help='do not evaluate on the val split while training',
    )
    add('--test-last', action='store_true', help='test the last checkpoint afterwards')
    add('--test-best', action='store_true', help='test the best checkpoint afterwards')
    add(
        '--resume',
        metavar='FILE',
        help='resume from this checkpoint, even if settings differ; without this option, the same '
        'command resumes where it stopped',
    )
    add(
        '--no-resume',
        action='store_true',
        help='begin from the start; refuses a work dir that holds a run',
    )
    parser.add_launcher()
    parser.add_amp()
    add('--compile', action='store_true', help='torch.compile the backbone')
    parser.add_device()
    add(
        '--autoscale-lr',
        action='store_true',
        help='scale the learning rate with the total batch size',
    )
    add(
        '--on-nan',
        choices=['stop', 'skip'],
        default='stop',
        help='what to do at a batch whose loss is not finite; --amp fp16 always skips it, with a '
        'warning',
    )
    add(
        '--dry-run',
        action='store_true',
        help='build everything, train and test on one batch, write nothing',
    )
    add(
        '--allow-odd-data',
        action='store_true',
        help='train even on clips that cannot be right (data/README.md, "What is checked when a '
        'training starts")',
    )
    parser.add_cfg_options()
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    args = vars(parse_args(argv))
    config, cfg_options = args.pop('config'), args.pop('cfg_options')
    args.pop('local_rank')
    config = find_config(config)
    if args['resume'] and '://' not in args['resume']:
        check_checkpoint(args['resume'])
    # imported late: --help and wrong options answer at once, and Ctrl-C meets no loading PyTorch
    from ..apis import TrainOptions, train
    from ..engine.signals import Stopped

    try:
        work_dir = train(config, TrainOptions(**args), cfg_options)
    except Stopped as stopped:
        if not stopped.quiet:
            print(f'{stopped}. {stopped.advice}', file=sys.stderr)
        return stopped.status
    if not args['dry_run'] and os.environ.get('RANK', '0') == '0':  # only one process prints
        print(f'wrote {work_dir}')
    return 0
