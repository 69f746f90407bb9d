"""Errors that speak to the user, the type of --seed, and the one place where scripts turn errors into an exit status."""
from __future__ import annotations

import argparse
import difflib
import hashlib
import os
import sys
from collections.abc import Callable, Iterable

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130      # 128 + SIGINT, as shells expect
EXIT_BROKEN_PIPE = 141      # 128 + SIGPIPE
MAX_SEED = 2**32 - 1        # numpy's limit; Python and PyTorch take larger ones
LINES = '\n\t'               # what a message of several lines has, and what its tables stand on
SAID_TOGETHER = 'PYSKL_SAID'        # a folder in which the processes of one launch mark what one of them has said


class UserError(Exception):
    """Something the user gave is wrong. The message says where, what came, what was expected and what to try."""


class ConfigError(UserError):
    """A config file, a config key or a command-line override is wrong.

    messages   each of the faults, where it tells of several (see Faults)
    """

    def __init__(self, message: str, messages: tuple[str, ...] = ()):
        super().__init__(message)
        self.messages = messages or (message,)


class Faults:
    """Gathers ConfigErrors, so that a user is told all of them at once and not one a run.

        faults = Faults()
        for part in parts:
            with faults:
                check(part)
        faults.raise_any()
    """

    def __init__(self):
        self.messages: list[str] = []

    def add(self, message: str) -> None:
        if message not in self.messages:
            self.messages.append(message)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, ConfigError):
            for message in error.messages:
                self.add(message)
        return isinstance(error, ConfigError)

    def raise_any(self, place: str = 'the config') -> None:
        """Raise what was gathered, if anything, as one ConfigError; a single fault stays as it was."""
        if len(self.messages) == 1:
            raise ConfigError(self.messages[0])
        if self.messages:
            lines = '\n  '.join(self.messages)
            raise ConfigError(f'{place}: {len(self.messages)} faults:\n  {lines}', tuple(self.messages))


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


def printable(text: str, keep: str = '') -> str:
    """Text with names from files in it, as a terminal, a log or a page may have it: control characters escaped, but for `keep`."""
    if text.isprintable():
        return text
    return ''.join(c if c.isprintable() or c in keep else c.encode('unicode_escape').decode() for c in text)


def run_script(main: Callable[[], int | None]) -> None:
    """Run a script's main and leave with its status.

    A UserError, or a file that the system refuses, is one message on stderr and exit status 2; Ctrl-C is 130, and output that
    nobody reads to its end (script | head) a silent 141.
    """
    if hasattr(sys.stdout, 'reconfigure'):          # names that the terminal has no characters for are escaped, as on stderr
        sys.stdout.reconfigure(errors='backslashreplace')
    try:
        status = main()
    except SystemExit as left:          # argparse's, after --help and wrong options
        status = left.code
    except UserError as error:
        if _is_first_to_say(str(error)):
            print(f'error: {printable(str(error), LINES)}', file=sys.stderr)
        status = EXIT_USER_ERROR
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        status = EXIT_INTERRUPTED
    except OSError as error:
        if error.filename is not None:
            print(f'error: {printable(_short(str(error.filename)))}: cannot be used ({error.strerror}). Check its name and permissions.',
                  file=sys.stderr)
            status = EXIT_USER_ERROR
        elif isinstance(error, BrokenPipeError) and not _is_read('\n'):        # else it was another pipe, as to a worker
            status = EXIT_BROKEN_PIPE
        else:
            raise
    if not _is_read():
        status = status or EXIT_BROKEN_PIPE
    sys.exit(status or 0)


def _is_first_to_say(message: str) -> bool:
    """False where another process of the same launch has said it; see SAID_TOGETHER."""
    folder = os.environ.get(SAID_TOGETHER)
    if not folder:
        return True
    mark = os.path.join(folder, hashlib.sha256(message.encode()).hexdigest())
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    except OSError:             # the launcher is gone: better twice than not at all
        return True
    return True


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
