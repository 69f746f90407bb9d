"""How a command was called: as `pyskl NAME`, or as tools/NAME.py in the project's folder.

Messages and help texts name other commands in the same way.
"""

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

_called = ''  # 'pyskl train'; empty if called by a script
_SCRIPT = re.compile(r'(?:python )?(?:tools|ensemble)/(\w+)\.py')


@contextmanager
def called_as(name: str) -> Iterator[None]:
    """Run a block as `pyskl NAME`, so that errors name commands of `pyskl` as well."""
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
    """Replace '[python ]tools/train.py' by 'pyskl train' if this command was called as `pyskl`."""
    if not _called:
        return text

    def command(match: re.Match) -> str:
        name = NAME_OF_MODULE.get(match[1])
        return f'pyskl {name}' if name else match[0]

    return _SCRIPT.sub(command, text)


class Parser(argparse.ArgumentParser):
    """A parser whose usage and help name commands in the way that this one was called."""

    def __init__(self, **settings: Any):
        super().__init__(**{'prog': _called or None, **settings})

    def add_cfg_options(self) -> None:
        """Add --cfg-options."""
        self.add_argument(
            '--cfg-options',
            nargs='+',
            default=[],
            metavar='KEY=VALUE',
            help='override config keys, e.g. optimizer.lr=0.1 data.train.pipeline.0.clip_len=16',
        )

    def add_device(self) -> None:
        """Add --device."""
        self.add_argument('--device', help='cpu, cuda, cuda:1 (default: cuda if available)')

    def add_amp(self) -> None:
        """Add --amp."""
        self.add_argument(
            '--amp', choices=['bf16', 'fp16'], help='mixed precision (default: float32)'
        )

    def format_help(self) -> str:
        """Return the help text."""
        return as_called(super().format_help())


def script_of(module: str) -> str:
    """Return the script of a command, such as 'tools/train.py'."""
    return f'{"ensemble" if module == "ensemble" else "tools"}/{module}.py'


def shell_command(module: str) -> str:
    """Return how a user runs a command: 'python tools/train.py' or 'pyskl train'."""
    return as_called(f'python {script_of(module)}')


def child_command(module: str) -> list[str]:
    """Return the arguments that start a command in a child process."""
    root = checkout()
    if root is None:
        return [sys.executable, '-m', 'pyskl', NAME_OF_MODULE[module]]
    return [sys.executable, str(root / script_of(module))]
