"""Errors that speak to the user, and the one place where scripts turn them into an exit status."""
from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130      # 128 + SIGINT, as shells expect


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


def run_script(main: Callable[[], int | None]) -> None:
    """Run a script's main and leave with its status; a UserError is one message on stderr and exit status 2, Ctrl-C is 130."""
    try:
        status = main()
    except UserError as error:
        print(f'error: {error}', file=sys.stderr)
        status = EXIT_USER_ERROR
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        status = EXIT_INTERRUPTED
    sys.exit(status or 0)
