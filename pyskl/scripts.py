"""The one place where scripts turn errors into a message and an exit status."""

from __future__ import annotations

import atexit
import contextlib
import errno
import hashlib
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from .errors import LINES, LostRankError, UserError, printable

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells expect
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE
# Names a folder in which the processes of one launch mark the errors that one of them has printed.
PRINTED_ERRORS = 'PYSKL_PRINTED_ERRORS'
_OUT_OF_MEMORY = (
    "can't allocate memory",
    'out of memory',
    'failed to map segment',
    'Unable to allocate',
    "can't start new thread",
)


def run_script(main: Callable[[], int | None]) -> NoReturn:
    """Run a script's main function and exit with its status.

    A UserError, or a file that the system refuses, becomes one message on stderr and status 2.
    Ctrl-C gives status 130. Output whose reader is gone (`script | head`) gives a silent 141.

    Args:
        main: returns the exit status; None counts as 0.
    """
    status: int | str | None
    skip_teardown = False
    hook = sys.unraisablehook
    if hasattr(sys.stdout, 'reconfigure'):
        # Characters that the terminal's encoding lacks are escaped, as on stderr.
        sys.stdout.reconfigure(errors='backslashreplace')
    try:
        status = main()
    except SystemExit as error:  # argparse exits after --help and on wrong options
        status = error.code
    except UserError as error:
        if _is_first_to_print(str(error)):
            _print_error(f'error: {printable(str(error), LINES)}')
        status, skip_teardown = EXIT_USER_ERROR, isinstance(error, LostRankError)
    except KeyboardInterrupt:
        _print_error('interrupted')
        status = EXIT_INTERRUPTED
    except (OSError, MemoryError, RuntimeError, ImportError) as error:
        shortage = _shortage(error)
        if shortage:
            _print_error(f'error: {shortage}')
            status = EXIT_USER_ERROR
        elif not isinstance(error, OSError):
            raise
        elif error.filename is not None:
            _print_error(
                f'error: {printable(_shortened(str(error.filename)))}: cannot be used '
                f'({error.strerror}). Check its name and permissions.'
            )
            status = EXIT_USER_ERROR
        else:
            # An error without a file comes from print if stdout is broken now; if it is not, the
            # error came from another pipe, such as a worker's.
            status = _flush_stdout('\n')
            if not status:
                raise
    sys.unraisablehook = hook
    output_status = _flush_stdout()
    if skip_teardown:
        _exit_without_teardown(EXIT_USER_ERROR)
    sys.exit(status or output_status)


def _print_error(line: str) -> None:
    """Print an error, and silence errors that only follow from it while objects are torn down."""
    sys.unraisablehook = lambda _: None
    with contextlib.suppress(OSError):  # stderr is closed
        print(line, file=sys.stderr)


def _exit_without_teardown(status: int) -> NoReturn:
    """Exit after the exit functions, but before Python and C++ destroy what is left.

    Destroying a process group whose connection is broken may abort the process (SIGABRT).
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def _shortage(error: BaseException) -> str | None:
    """Return which resource of the machine ran out and what to do; None for other errors."""
    text, number = str(error), getattr(error, 'errno', None)
    if number in (errno.EMFILE, errno.ENFILE) or 'Too many open files' in text:
        return (
            f'{text.splitlines()[0]}: allow more open files (ulimit -n), or use fewer workers '
            '(data.workers_per_gpu).'
        )
    if (
        isinstance(error, MemoryError)
        or number == errno.ENOMEM
        or any(words in text for words in _OUT_OF_MEMORY)
    ):
        reason = text.splitlines()[0][:200].rstrip('. ') if text else type(error).__name__
        return (
            f'out of memory, or over the memory limit of this process (ulimit -v): {reason}. '
            'Free some memory, or use less: smaller batches (data.videos_per_gpu), fewer workers '
            '(data.workers_per_gpu).'
        )
    return None


def _is_first_to_print(message: str) -> bool:
    """Return whether no other process of this launch has printed the message, and mark it."""
    folder = os.environ.get(PRINTED_ERRORS)
    if not folder:
        return True
    mark = os.path.join(folder, hashlib.sha256(message.encode()).hexdigest())
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    except OSError:  # the launcher has removed the folder: better twice than not at all
        return True
    return True


def _flush_stdout(end: str = '') -> int:
    """Print `end` and flush stdout.

    Returns:
        0, or the exit status when stdout is a closed pipe (silent) or cannot be written. What is
        left in the buffer is then dropped, so that Python does not complain when it exits.
    """
    try:
        print(end=end, flush=True)
        return 0
    except BrokenPipeError:
        status = EXIT_BROKEN_PIPE
    except OSError as error:
        _print_error(
            f'error: the output cannot be written ({error.strerror}). Free some disk space or '
            'send it elsewhere.'
        )
        status = EXIT_USER_ERROR
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def _shortened(name: str) -> str:
    return name if len(name) <= 200 else f'{name[:100]}...{name[-60:]}'
