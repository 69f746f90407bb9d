"""Paths: the project's folder, if there is one, and the configs that come with the package."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ..errors import ConfigError, did_you_mean
from ..files.path_checks import check_config

PACKAGE = Path(__file__).resolve().parents[1]


@cache
def checkout() -> Path | None:
    """Return the project's folder, or None if the package is installed without it."""
    root = PACKAGE.parent
    return root if (root / 'tools' / 'train.py').is_file() and (root / 'configs').is_dir() else None


def home() -> Path:
    """Return the folder of data/, work_dirs/ and ensemble/: the project's, else the current one."""
    return checkout() or Path()


def configs_folder() -> Path:
    """Return the folder of the shipped configs: the project's, else the package's copy."""
    root = checkout()
    return PACKAGE / '_configs' if root is None else root / 'configs'


def config_names() -> Iterator[str]:
    """Yield the names of the shipped configs in order, such as 'demo/joint.py', without bases."""
    folder = configs_folder()
    for path in sorted(folder.rglob('*.py')):
        name = path.relative_to(folder).as_posix()
        if not name.startswith('_base_/'):
            yield name


def shipped_config(name: str) -> Path | None:
    """Return the path of a shipped config, or None if there is none of that name.

    Args:
        name: 'demo/joint', 'demo/joint.py' or 'configs/demo/joint.py'.
    """
    folder = configs_folder()
    name = Path(name).as_posix().removeprefix('configs/')
    if '\0' in name or '..' in Path(name).parts or Path(name).is_absolute():
        return None
    for path in (folder / name, folder / f'{name}.py'):
        if path.suffix == '.py' and path.is_file():
            return path
    return None


def find_config(given: str) -> str:
    """Return the path of a config: a file, or else a shipped config, which is printed.

    Args:
        given: path or name from the command line.

    Raises:
        ConfigError: there is neither, or the file is not Python.
    """
    path = Path(given).expanduser()
    if '\0' not in given and not os.path.lexists(path):
        found = shipped_config(given)
        if found is not None:
            if os.environ.get('RANK', '0') == '0':  # only one process prints
                print(f'{given}: the config that comes with pyskl, {found}', file=sys.stderr)
            return str(found)
    try:
        check_config(given)
    except ConfigError as error:
        near = did_you_mean(given.removeprefix('configs/'), config_names())
        if os.path.lexists(path) or 'Did you mean' in str(error) or not near:
            raise
        raise ConfigError(f'{error}{near} `pyskl configs list` lists the shipped ones.') from None
    return given
