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

from ..errors import ConfigError, UserError
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
    """A parser whose usage and help name commands in the way that this one was called.

    Args:
        description: text of the help, whose line breaks stay.
        settings: further settings of argparse.
    """

    def __init__(self, description: str | None = None, **settings: Any):
        settings = {'formatter_class': argparse.RawDescriptionHelpFormatter, **settings}
        super().__init__(**{'prog': _called or None, 'description': description, **settings})

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

    def add_img_shape(self, about: str) -> None:
        """Add --img-shape."""
        self.add_argument('--img-shape', nargs=2, type=int, metavar=('H', 'W'), help=about)

    def add_launcher(self) -> None:
        """Add --launcher, and the option that old launchers pass."""
        self.add_argument(
            '--launcher',
            choices=['none', 'pytorch', 'slurm'],
            help='launcher of several processes (default: pytorch under torchrun, else none)',
        )
        self.add_argument('--local_rank', '--local-rank', type=int, help=argparse.SUPPRESS)

    def format_help(self) -> str:
        """Return the help text."""
        return as_called(super().format_help())


def flag(name: str) -> str:
    """Return the option that sets an attribute, such as '--top-k' of `top_k`."""
    return '--' + name.replace('_', '-')


def check_at_least(low: int, args: argparse.Namespace, *names: str) -> None:
    """Raise a ConfigError if an option, or one of its numbers, is below `low`."""
    for name in names:
        given = getattr(args, name)
        numbers = given if isinstance(given, list) else [] if given is None else [given]
        if any(number < low for number in numbers):
            raise ConfigError(
                f'{flag(name)} {" ".join(map(str, numbers))}: expected at least {low}.'
            )


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
