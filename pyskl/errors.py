"""Errors that speak to the user, the type of --seed, and the one place where scripts turn errors into an exit status."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import errno
import hashlib
import os
import sys
from collections.abc import Callable, Iterable

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells expect
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE
MAX_SEED = 2**32 - 1  # numpy's limit; Python and PyTorch take larger ones
JOINERS = '\u200c\u200d'  # join and part letters and emoji; they show nothing themselves
LINES = '\n\t'  # what a message of several lines has, and what its tables stand on
_NO_MEMORY = (
    "can't allocate memory",
    'out of memory',
    'failed to map segment',
    'Unable to allocate',
    "can't start new thread",
)
SAID_TOGETHER = (
    'PYSKL_SAID'  # a folder in which the processes of one launch mark what one of them has said
)


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
            raise ConfigError(
                f'{place}: {len(self.messages)} faults:\n  {lines}', tuple(self.messages)
            )


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
        raise argparse.ArgumentTypeError(
            f'{text!r} is no seed: expected a whole number from 0 to {MAX_SEED}'
        )
    return seed


def printable(text: str, keep: str = '') -> str:
    """Text with names from files in it, as a terminal, a log or a page may have it.

    Control characters are escaped, but for `keep` and JOINERS.
    """
    if text.isprintable():
        return text
    return ''.join(
        c if c.isprintable() or c in keep or c in JOINERS else c.encode('unicode_escape').decode()
        for c in text
    )


def run_script(main: Callable[[], int | None]) -> None:
    """Run a script's main and leave with its status.

    A UserError, or a file that the system refuses, is one message on stderr and exit status 2; Ctrl-C is 130, and output that
    nobody reads to its end (script | head) a silent 141.
    """
    status: int | str | None
    hook = sys.unraisablehook
    if hasattr(
        sys.stdout, 'reconfigure'
    ):  # names that the terminal has no characters for are escaped, as on stderr
        sys.stdout.reconfigure(errors='backslashreplace')
    try:
        status = main()
    except SystemExit as left:  # argparse's, after --help and wrong options
        status = left.code
    except UserError as error:
        if _is_first_to_say(str(error)):
            _say(f'error: {printable(str(error), LINES)}')
        status = EXIT_USER_ERROR
    except KeyboardInterrupt:
        _say('interrupted')
        status = EXIT_INTERRUPTED
    except (OSError, MemoryError, RuntimeError, ImportError) as error:
        shortage = _shortage(error)
        if shortage:
            _say(f'error: {shortage}')
            status = EXIT_USER_ERROR
        elif not isinstance(error, OSError):
            raise
        elif error.filename is not None:
            _say(
                f'error: {printable(_short(str(error.filename)))}: cannot be used ({error.strerror}). Check its name and permissions.'
            )
            status = EXIT_USER_ERROR
        else:  # by print, unless output can still be written: then it was another pipe, as to a worker
            status = _output_fails('\n')
            if not status:
                raise
    sys.unraisablehook = hook
    unwritten = _output_fails()
    sys.exit(status or unwritten)


def _say(line: str) -> None:
    """Print the one line of an error. What fails while the rest is torn down has the same reason, and is kept silent."""
    sys.unraisablehook = lambda _: None
    with contextlib.suppress(OSError):  # nobody can be told
        print(line, file=sys.stderr)


def _shortage(error: BaseException) -> str | None:
    """What the machine has too little of, in words, where that is what an error means."""
    text, number = str(error), getattr(error, 'errno', None)
    if number in (errno.EMFILE, errno.ENFILE) or 'Too many open files' in text:
        return f'{text.splitlines()[0]}: allow more open files (ulimit -n), or take fewer workers (data.workers_per_gpu).'
    if (
        isinstance(error, MemoryError)
        or number == errno.ENOMEM
        or any(words in text for words in _NO_MEMORY)
    ):
        said = text.splitlines()[0][:200].rstrip('. ') if text else type(error).__name__
        return (
            f'out of memory, or of what this process may have (ulimit -v): {said}. Free some, or take less: smaller batches '
            '(data.videos_per_gpu), fewer workers (data.workers_per_gpu).'
        )
    return None


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
    except OSError:  # the launcher is gone: better twice than not at all
        return True
    return True


def _output_fails(last: str = '') -> int:
    """Write out what was printed. Returns 0, or the exit status where nobody reads it (silent) or it cannot be written.

    The rest is dropped then, or Python would complain at its exit.
    """
    try:
        print(end=last, flush=True)
        return 0
    except BrokenPipeError:
        status = EXIT_BROKEN_PIPE
    except OSError as error:
        _say(
            f'error: the output cannot be written ({error.strerror}). Free some disk space or send it elsewhere.'
        )
        status = EXIT_USER_ERROR
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def _short(name: str) -> str:
    return name if len(name) <= 200 else f'{name[:100]}...{name[-60:]}'
