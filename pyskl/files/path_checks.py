"""Checks of the paths that a command names, made before anything heavy is imported."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import CheckpointError, ConfigError, DataError, UserError, did_you_mean
from .safe_pickle import nearest


def check_config(path: str | os.PathLike, who: str = '') -> Path:
    """Return a config's path.

    Args:
        path: as the user gave it; '~' is the home folder.
        who: how the error begins, where it is not the path.

    Raises:
        ConfigError: it is no Python file, or not there.
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
            f'{who}: cannot be read ({getattr(error, "strerror", error)}). Check its name and '
            'permissions.'
        ) from error
    return path


def check_checkpoint(path: str | os.PathLike) -> Path:
    """Return a checkpoint's path.

    Raises:
        CheckpointError: it is no file.
    """
    path = Path(path)
    if not os.path.isfile(path):
        what = ' (it is a folder)' if os.path.isdir(path) else ''
        raise CheckpointError(
            f'{path}: no such checkpoint file{what}. Expected a .pth file, as tools/train.py '
            'writes them.'
        )
    return path


def check_present(path: str | os.PathLike) -> Path:
    """Return a path.

    Raises:
        DataError: there is no such file or folder.
    """
    path = Path(path)
    if not os.path.lexists(path):
        raise DataError(f'{path}: no such file. {nearest(path)}')
    return path


def check_writable(*paths: str | os.PathLike) -> None:
    """Check that files can be written, before the work that they will hold.

    Args:
        paths: files, there or not; of a folder, any file in it.

    Raises:
        UserError: one cannot be written, or not into its folder.
    """
    for path in map(Path, paths):
        folder = path.parent
        while not os.path.lexists(folder) and folder != folder.parent:
            folder = folder.parent
        reason = ''
        if os.path.isdir(path):
            reason = 'it is a folder'
        elif not os.path.isdir(folder):
            reason = f'{folder} is no folder'
        elif not os.access(folder, os.W_OK | os.X_OK):
            reason = f'{folder} may not be written to'
        if reason:
            raise UserError(
                f'{path}: cannot be written ({reason}). Choose another place or free the name.'
            )


def split_part(name: str | os.PathLike) -> tuple[Path, str | None]:
    """Split 'FILE.pkl:pose' into the file and the part of it that is meant; no part: None.

    If there is a file of that whole name, it is meant.
    """
    text = os.fspath(name)
    file, _, part = text.rpartition(':')
    if file and part and not os.path.exists(text) and os.path.exists(file):
        return Path(file), part
    return Path(text), None


def check_out(out: Path, given: Iterable[Path], suffixes: Sequence[str]) -> None:
    """Check that the file to be written is none of those that are read, and can be written.

    Args:
        out: the file to be written.
        given: files and folders that are read.
        suffixes: suffixes of the files that are read in folders, and below.

    Raises:
        UserError: it is one of them, or cannot be written.
    """
    check_writable(out)
    if not out.exists():
        return
    is_read = out.name.lower().endswith(tuple(suffixes))
    for path in given:
        inside = is_read and path.is_dir() and out.resolve().is_relative_to(path.resolve())
        if inside or (path.exists() and out.samefile(path)):
            raise UserError(f'-o {out}: is one of the files that are read. Choose another place.')
