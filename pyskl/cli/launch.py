"""Run torchrun, with the error of a script in one line.

    python tools/launch.py [options of torchrun] SCRIPT CONFIG [options of the script]

SCRIPT is a file, or `train` or `test` for the commands of `pyskl`: `pyskl launch --nproc_per_node 2
train CONFIG` trains with two processes. torchrun itself prints a table and a traceback for each
failed process, below which the message is lost.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Sequence

from ..errors import UserError
from ..scripts import PRINTED_ERRORS
from .calling import as_called, child_command
from .places import find_config

COMMANDS = ('train', 'test')


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    args = list(argv)
    if set(args[:1]) & {'-h', '--help'}:
        print(f'{as_called(__doc__).strip()}\n\nIts options are those of torchrun: torchrun --help')
        return 0
    script = next(
        (i for i, word in enumerate(args[:-1]) if word.endswith('.py') or word in COMMANDS),
        None,
    )
    if script is None:
        raise UserError(f'expected a script and a config: {__doc__.splitlines()[2].strip()}')
    # before PyTorch is imported
    config = args[script + 1] = find_config(args[script + 1])
    if args[script] in COMMANDS:
        command = child_command(args[script])[1:]
        args[script : script + 2] = [*command, config, '--launcher', 'pytorch']
    logging.disable(logging.CRITICAL)  # in this process only torchrun logs
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    with tempfile.TemporaryDirectory() as folder:
        os.environ[PRINTED_ERRORS] = folder
        try:
            run(parse_args(args))
        except ChildFailedError as error:
            _, first = error.get_first_failure()
            if first.exitcode >= 0:
                return first.exitcode  # the process has printed its error
            print(
                f'error: a process was ended by signal {-first.exitcode} (killed, or out of '
                'memory).',
                file=sys.stderr,
            )
            return 128 - first.exitcode
        except SignalException as signal:
            return 128 + signal.sigval
    return 0
