"""Train and test many settings, and compare them in a table.

    python tools/sweep.py configs/demo/joint.py configs/demo/limb.py --ensemble both=joint+limb
    python tools/sweep.py configs/demo/joint.py --seeds 0 1 2 --grid optimizer.lr=0.002,0.004
    python tools/sweep.py configs/sweeps/demo.py --jobs 2
    python tools/sweep.py configs/sweeps/demo.py --launcher slurm --partition gpu --time 120

Every run has its own folder, which is named from its settings. The same command resumes a stopped
sweep; runs that are done are not repeated. --launcher none makes one run after another; local makes
several at a time on this machine, slurm all in a cluster (both need pip install -e '.[sweep]'). For
another scheduler, --list numbers the runs, and --task-id N (or SLURM_ARRAY_TASK_ID) makes one.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import ConfigError
from .calling import Parser, as_called, check_at_least, child_command, flag
from .places import find_config

if TYPE_CHECKING:
    from ..sweep.launchers import Launcher


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add(
        'configs',
        nargs='+',
        metavar='CONFIG',
        help='config files, or one plan file (.json, or .py that sets `runs`)',
    )
    add(
        '--grid',
        nargs='+',
        default=[],
        metavar='KEY=V,V',
        help='values of config keys, of which all combinations are run',
    )
    add(
        '--seeds',
        nargs='+',
        type=int,
        metavar='N',
        help="seeds of each run (default: the plan's, else 0)",
    )
    add(
        '--ensemble',
        nargs='+',
        default=[],
        metavar='NAME=RUN+RUN',
        help='also evaluate the mean of several runs, seed by seed',
    )
    add(
        '--fit-on',
        choices=['val'],
        help="judge ensembles also with weights chosen on that split (default: the plan's, else "
        'equal)',
    )
    parser.add_cfg_options()
    add(
        '--work-dir',
        default='work_dirs/sweep',
        help='folder of all runs, table.md and table.json (default: %(default)s)',
    )
    add(
        '--split',
        choices=['test', 'val'],
        default='test',
        help='split to evaluate on; choose settings by val (default: test)',
    )
    add(
        '--launcher',
        choices=['none', 'local', 'slurm'],
        help='how to start the runs (default: local with --jobs above 1, else none)',
    )
    add(
        '--jobs',
        type=int,
        metavar='N',
        help='runs at a time; local ones share the cores (default: 1; slurm: 256)',
    )
    add(
        '--gpus',
        nargs='+',
        default=[],
        metavar='ID',
        help="GPUs to share among the jobs; slurm: each run's number of GPUs, 0 or 1 (default: 1, "
        'with --device cpu 0)',
    )
    add('--partition', help="slurm: partition (default: the cluster's)")
    add(
        '--time',
        type=int,
        metavar='MINUTES',
        help='slurm: time limit of a job, which is then queued again (default: 240)',
    )
    add(
        '--slurm-option',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='slurm: options of sbatch, such as account=lab mem=16G cpus-per-task=8',
    )
    add(
        '--task-id',
        type=int,
        metavar='I',
        help='make this run only, 0.. as --list says (default: SLURM_ARRAY_TASK_ID where it is '
        'set)',
    )
    add(
        '--list',
        action='store_true',
        help='list the runs with their numbers and whether they are done, and make none',
    )
    parser.add_amp()
    parser.add_device()
    args = parser.parse_args(argv)
    _check(args)
    return args


def _check(args: argparse.Namespace) -> None:
    """Set the launcher, and raise a ConfigError for options that are wrong or do not fit."""
    check_at_least(1, args, 'jobs', 'time')
    several = args.jobs not in (None, 1)
    args.launcher = args.launcher or ('local' if several else 'none')
    if args.launcher == 'none' and several:
        raise ConfigError(
            f'--jobs {args.jobs}: --launcher none makes one run at a time. Use --launcher local.'
        )
    for name in ('partition', 'time', 'slurm_option'):
        if args.launcher != 'slurm' and getattr(args, name):
            raise ConfigError(
                f'{flag(name)} is for --launcher slurm, not {args.launcher}. Leave one of them out.'
            )
    if args.launcher == 'slurm' and args.gpus not in ([], ['0'], ['1']):
        raise ConfigError(
            f'--gpus {" ".join(args.gpus)}: with --launcher slurm expected 0 or 1, the number of '
            'GPUs of each run.'
        )


def make_launcher(args: argparse.Namespace) -> Launcher:
    """Return the launcher that the options mean."""
    from ..sweep.launchers import InTurn, Local, Slurm

    if args.launcher == 'none':
        return InTurn(args.gpus)
    if args.launcher == 'local':
        return Local(args.work_dir, args.jobs or 1, args.gpus)
    pairs = [word.partition('=') for word in args.slurm_option]
    options = {key.replace('_', '-'): value for key, _, value in pairs}
    options |= {} if args.partition is None else {'partition': args.partition}
    gpus = int(args.gpus[0]) if args.gpus else int(args.device != 'cpu')
    return Slurm(args.work_dir, args.jobs or 256, args.time or 240, gpus, options)


def task_id(args: argparse.Namespace, count: int) -> int | None:
    """Return the number of the only run to make, or None for all."""
    number, source = args.task_id, '--task-id'
    if number is None:
        number, source = os.environ.get('SLURM_ARRAY_TASK_ID'), 'SLURM_ARRAY_TASK_ID'
    if number in (None, ''):
        return None
    if not str(number).isdecimal() or int(number) >= count:
        raise ConfigError(f'{source} = {number}: expected 0..{count - 1}, a number of --list.')
    return int(number)


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    args = parse_args(argv)
    args.configs = [
        find_config(config) if config.endswith('.py') else config for config in args.configs
    ]
    # imported late: --help and wrong options answer at once, and Ctrl-C meets no loading PyTorch
    from ..sweep.launchers import run_tasks
    from ..sweep.plan import from_command_line
    from ..sweep.run import Interrupted
    from ..sweep.table import gather, write_table
    from ..sweep.tasks import Scripts, make_tasks

    plan = from_command_line(
        args.configs, args.grid, args.seeds, args.ensemble, args.cfg_options, args.fit_on
    )
    tasks = make_tasks(plan, args.work_dir, args.split, args.amp)
    if args.list:
        for n, task in enumerate(tasks):
            print(f'{n:4}  {"done" if task.done else "    "}  {task.title}  {task.folder}')
        return 0
    only = task_id(args, len(tasks))
    try:
        failures = run_tasks(
            tasks if only is None else [tasks[only]],
            make_launcher(args),
            Scripts(child_command, args.device, args.amp),
            lambda line: print(line, flush=True),
        )
    except Interrupted as stopped:
        print(f'stopped by {stopped.name}. {stopped.advice}', file=sys.stderr)
        return int(stopped.code or 1)
    table, numbers = write_table(gather(plan, tasks), args.work_dir)
    print(f'\n{table.read_text(encoding="utf-8")}\nwrote {table} and {numbers}')
    for failure in failures:
        print(as_called(f'error: {failure.task.title}: {failure.reason}'), file=sys.stderr)
    return 1 if failures else 0
