"""The command `pyskl`; the scripts tools/*.py and ensemble/ensemble.py run its commands, too."""

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
    # `python -m pyskl` of child processes is this package, not a folder `pyskl` where the user is
    os.environ.setdefault('PYTHONSAFEPATH', '1')
    run_script(lambda: dispatch(sys.argv[1:]))


def run_tool(file: str) -> None:
    """Run the command of a script, and leave with its status.

    Args:
        file: the script, which has the name of the command's module.
    """
    run_script(lambda: import_module(f'.{Path(file).stem}', __name__).main(sys.argv[1:]))


def dispatch(words: Sequence[str]) -> int | None:
    """Run a command and return its exit status.

    Args:
        words: arguments of the command line, without the program's name.

    Raises:
        UserError: there is no such command, or the command raises it.
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
        return import_module(f'.{COMMANDS[name]}', __name__).main(rest)


def help_text() -> str:
    """Return the text of `pyskl --help`."""
    width = max(map(len, COMMANDS))
    lines = [
        'usage: pyskl COMMAND ...',
        '',
        'Recognise actions and micro-gestures from skeletons.',
        '`pyskl COMMAND --help` shows the options of a command, `pyskl --version` the release.',
    ]
    for title, group in GROUPS.items():
        lines += ['', f'{title}:']
        lines += [f'  {name:<{width}}  {about}' for name, about in group.items()]
    return '\n'.join(lines)
