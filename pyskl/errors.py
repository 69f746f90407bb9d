"""Errors that speak to the user, the type of --seed, and the one place where scripts turn errors into an exit status."""
from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Iterable

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130      # 128 + SIGINT, as shells expect
EXIT_BROKEN_PIPE = 141      # 128 + SIGPIPE
MAX_SEED = 2**32 - 1        # numpy's limit; Python and PyTorch take larger ones


class UserError(Exception):
    """Something the user gave is wrong. The message says where, what came, what was expected and what to try."""


class ConfigError(UserError):
    """A config file, a config key or a command-line override is wrong."""


class DataError(UserError):
    """A data file (raw arrays, annotations, labels, scores) is wrong."""


class CheckpointError(UserError):
    """A checkpoint can't be read, or does not fit the model."""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """' Did you mean X?' for the nearest of the known names, or '' when none is near."""
    lowered = {k.lower(): k for k in known}
    near = difflib.get_close_matches(str(name).lower(), lowered, n=1, cutoff=0.6)
    return f' Did you mean {lowered[near[0]]}?' if near else ''


def seed_number(text: str) -> int:
    """The type of every script's --seed: a whole number that each generator of random numbers takes, 0 to MAX_SEED."""
    try:
        seed = int(text)
    except ValueError:
        seed = -1
    if not 0 <= seed <= MAX_SEED:
        raise argparse.ArgumentTypeError(f'{text!r} is no seed: expected a whole number from 0 to {MAX_SEED}')
    return seed


def run_script(main: Callable[[], int | None]) -> None:
    """Run a script's main and leave with its status.

    A UserError, or a file that the system refuses, is one message on stderr and exit status 2; Ctrl-C is 130, and output that
    nobody reads to its end (script | head) a silent 141.
    """
    try:
        status = main()
    except SystemExit as left:          # argparse's, after --help and wrong options
        status = left.code
    except UserError as error:
        print(f'error: {error}', file=sys.stderr)
        status = EXIT_USER_ERROR
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        status = EXIT_INTERRUPTED
    except OSError as error:
        if error.filename is not None:
            print(f'error: {_short(str(error.filename))}: cannot be used ({error.strerror}). Check its name and permissions.',
                  file=sys.stderr)
            status = EXIT_USER_ERROR
        elif isinstance(error, BrokenPipeError) and not _is_read('\n'):        # else it was another pipe, as to a worker
            status = EXIT_BROKEN_PIPE
        else:
            raise
    if not _is_read():
        status = status or EXIT_BROKEN_PIPE
    sys.exit(status or 0)


def _is_read(last: str = '') -> bool:
    """Write out what was printed. False when the reader is gone; the rest is dropped, or Python would complain at its exit."""
    try:
        print(end=last, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _short(name: str) -> str:
    return name if len(name) <= 200 else f'{name[:100]}...{name[-60:]}'
