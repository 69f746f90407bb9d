"""torchrun, with a user's error in one line: python tools/launch.py [torchrun's options] SCRIPT CONFIG [the script's other words].

SCRIPT is a file, or `train` or `test`, the commands of `pyskl`: `pyskl launch --nproc_per_node 2 train CONFIG` trains with two processes.

torchrun repeats each failure of a process in a table and a traceback of its own, below which the message is lost.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Sequence

from ..errors import UserError
from ..scripts import PRINTED_ERRORS
from .calling import as_called, process
from .places import find_config

COMMANDS = ('train', 'test')


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    if set(words[:1]) & {'-h', '--help'}:
        print(f'{as_called(__doc__).strip()}\n\nIts options are those of torchrun: torchrun --help')
        return 0
    script = next(
        (i for i, word in enumerate(words[:-1]) if word.endswith('.py') or word in COMMANDS), None
    )
    if script is None:
        raise UserError(f'expected a script and a config. {__doc__.splitlines()[0]}')
    config = words[script + 1] = find_config(words[script + 1])  # before PyTorch is imported
    if words[script] in COMMANDS:
        words[script : script + 2] = [*process(words[script])[1:], config, '--launcher', 'pytorch']
    logging.disable(logging.CRITICAL)  # in this process all of it is torchrun's
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    with tempfile.TemporaryDirectory() as folder:
        os.environ[PRINTED_ERRORS] = folder
        try:
            run(parse_args(words))
        except ChildFailedError as error:
            _, first = error.get_first_failure()
            if first.exitcode >= 0:
                return first.exitcode  # it has said why
            print(
                f'error: a process was ended by signal {-first.exitcode} (killed, or out of memory).',
                file=sys.stderr,
            )
            return 128 - first.exitcode
        except SignalException as signal:
            return 128 + signal.sigval
    return 0
