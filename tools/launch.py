"""torchrun, with a user's error in one line: python tools/launch.py [torchrun's options] SCRIPT CONFIG [the script's other words].

torchrun repeats each failure of a process in a table and a traceback of its own, below which the message is lost.
"""
from __future__ import annotations

import logging
import os
import sys
import tempfile

from pyskl.errors import SAID_TOGETHER, UserError, run_script
from pyskl.files.given import check_config


def main() -> int:
    words = sys.argv[1:]
    script = next((i for i, word in enumerate(words[:-1]) if word.endswith('.py')), None)
    if script is None:
        raise UserError(f'expected a script and a config. {__doc__.splitlines()[0]}')
    check_config(words[script + 1])                     # before PyTorch is imported
    logging.disable(logging.CRITICAL)                   # in this process all of it is torchrun's
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run
    with tempfile.TemporaryDirectory() as folder:
        os.environ[SAID_TOGETHER] = folder
        try:
            run(parse_args(words))
        except ChildFailedError as error:
            _, first = error.get_first_failure()
            if first.exitcode >= 0:
                return first.exitcode                   # it has said why
            print(f'error: a process was ended by signal {-first.exitcode} (killed, or out of memory).', file=sys.stderr)
            return 128 - first.exitcode
        except SignalException as signal:
            return 128 + signal.sigval
    return 0


if __name__ == '__main__':
    run_script(main)
