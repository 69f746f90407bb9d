"""How a command was called: as `pyskl NAME`, or as tools/NAME.py in the project's folder. What it says of commands agrees with that."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import UserError
from .commands import NAME_OF_MODULE
from .places import checkout

_called = ''  # 'pyskl train'; empty: by a script
_SCRIPT = re.compile(r'(?:python )?(?:tools|ensemble)/(\w+)\.py')


@contextmanager
def called_as(name: str) -> Iterator[None]:
    """Note that what runs in this block was called as `pyskl NAME`; errors of users speak of such commands, too."""
    global _called
    before, _called = _called, name
    try:
        yield
    except UserError as error:
        error.args = (as_called(str(error)), *error.args[1:])
        raise
    finally:
        _called = before


def as_called(text: str) -> str:
    """Return a text with 'pyskl train' for '[python ]tools/train.py', if this command was called so."""
    if not _called:
        return text

    def command(match: re.Match) -> str:
        name = NAME_OF_MODULE.get(match[1])
        return f'pyskl {name}' if name else match[0]

    return _SCRIPT.sub(command, text)


class Parser(argparse.ArgumentParser):
    """A parser whose usage line and help speak of commands as this one was called."""

    def __init__(self, **settings: Any):
        super().__init__(**{'prog': _called or None, **settings})

    def format_help(self) -> str:
        """Return the help."""
        return as_called(super().format_help())


def script_of(module: str) -> str:
    """Return the script that calls a command: 'tools/train.py'."""
    return f'{"ensemble" if module == "ensemble" else "tools"}/{module}.py'


def spoken(module: str) -> str:
    """Return what a user types to run a command: 'python tools/train.py' or 'pyskl train'."""
    return as_called(f'python {script_of(module)}')


def process(module: str) -> list[str]:
    """Return the words that start a command in a process of its own."""
    root = checkout()
    if root is None:
        return [sys.executable, '-m', 'pyskl', NAME_OF_MODULE[module]]
    return [sys.executable, str(root / script_of(module))]
