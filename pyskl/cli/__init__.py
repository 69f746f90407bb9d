"""The command `pyskl`, and what tools/*.py and ensemble/ensemble.py do: find a command's module and run its `main`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from .. import __version__
from ..errors import UserError, did_you_mean
from ..scripts import run_script
from . import calling
from .commands import COMMANDS, GROUPS


def main() -> None:
    """Run `pyskl COMMAND ...` and leave with its status; the entry point of the package."""
    # Commands that start others by `python -m pyskl` mean this package, not a folder `pyskl` where the user is.
    os.environ.setdefault('PYTHONSAFEPATH', '1')
    run_script(lambda: dispatch(sys.argv[1:]))


def run_tool(file: str) -> None:
    """Run the command that a script is the door of, and leave with its status.

    Args:
        file: of the script, which is called as the command's module is.
    """
    run_script(lambda: import_module(f'.{Path(file).stem}', __name__).main(sys.argv[1:]))


def dispatch(words: Sequence[str]) -> int | None:
    """Run a command; returns its exit status.

    Args:
        words: of the command line, without the program's name.

    Raises:
        UserError: there is no such command, or the command says so.
    """
    name, *rest = words or ['--help']
    if name == 'help':
        name, rest = (rest[0], ['--help']) if rest else ('--help', [])
    if name in ('-h', '--help'):
        print(help_text())
        return 0
    if name in ('-V', '--version'):
        print(f'pyskl {__version__}')
        return 0
    name = name.replace('_', '-')
    if name not in COMMANDS:
        near = did_you_mean(name, COMMANDS)
        raise UserError(
            f'pyskl {words[0]}: there is no such command.{near} `pyskl --help` lists them.'
        )
    with calling.called_as(f'pyskl {name}'):
        return import_module(f'.{COMMANDS[name].module}', __name__).main(rest)


def help_text() -> str:
    """Return what `pyskl --help` prints."""
    width = max(map(len, COMMANDS))
    lines = [
        'usage: pyskl COMMAND ...',
        '',
        'Recognise actions and micro-gestures from skeletons.',
        '`pyskl COMMAND --help` says what a command takes, `pyskl --version` which release this is.',
    ]
    for title, group in GROUPS.items():
        lines += ['', f'{title}:']
        lines += [f'  {name:<{width}}  {command.about}' for name, command in group.items()]
    return '\n'.join(lines)
