"""Whether the files that a command names are there, asked before anything heavy is imported."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import CheckpointError, ConfigError, DataError, did_you_mean
from .safe_pickle import nearest


def check_config(path: str | os.PathLike, who: str = '') -> Path:
    """Return a config's path; ConfigError unless it is a Python file that is there.

    Args:
        path: as the user gave it; '~' is the home folder.
        who: how the error begins, where it is not the path.
    """
    path = Path(path).expanduser()
    who = who or str(path)
    if os.path.isdir(path):
        names = sorted(p.name for p in path.glob('*.py'))
        example = f', e.g. {path / names[0]}' if names else ''
        raise ConfigError(f'{who}: is a folder, expected a config file (.py){example}.')
    if path.suffix != '.py':
        raise ConfigError(f'{who}: expected a Python config, a file that ends in .py.')
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ConfigError(f'{who}: is no regular file. Expected a config file.')
    except FileNotFoundError:
        near = did_you_mean(path.name, [p.name for p in path.parent.glob('*.py')])
        raise ConfigError(f'{who}: there is no such config file.{near}') from None
    except (OSError, ValueError) as error:  # a ValueError: NUL in the name
        raise ConfigError(
            f'{who}: cannot be read ({getattr(error, "strerror", error)}). Check its name and permissions.'
        ) from error
    return path


def check_checkpoint(path: str | os.PathLike) -> Path:
    """Return a checkpoint's path; CheckpointError unless it is a file."""
    path = Path(path)
    if not os.path.isfile(path):
        what = ' (it is a folder)' if os.path.isdir(path) else ''
        raise CheckpointError(
            f'{path}: no such checkpoint file{what}. Expected a .pth file, as tools/train.py writes them.'
        )
    return path


def check_present(path: str | os.PathLike) -> Path:
    """Return a path; DataError unless there is a file or a folder."""
    path = Path(path)
    if not os.path.lexists(path):
        raise DataError(f'{path}: no such file. {nearest(path)}')
    return path
