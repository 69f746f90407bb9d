"""Where things lie: the project's folder, where there is one, and the configs that come with the package."""

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
    """Return the project's folder; None where the package is installed without it."""
    root = PACKAGE.parent
    return root if (root / 'tools' / 'train.py').is_file() and (root / 'configs').is_dir() else None


def home() -> Path:
    """Return the folder in which data/, work_dirs/ and ensemble/ lie: the project's, else the current one."""
    return checkout() or Path()


def configs_folder() -> Path:
    """Return the folder of the configs that come along: the project's, else the package's copy of it."""
    root = checkout()
    return PACKAGE / '_configs' if root is None else root / 'configs'


def config_names() -> Iterator[str]:
    """Yield the names of the configs that come along, 'demo/joint.py', in order; not what others are based on alone."""
    folder = configs_folder()
    for path in sorted(folder.rglob('*.py')):
        name = path.relative_to(folder).as_posix()
        if not name.startswith('_base_/'):
            yield name


def shipped_config(name: str) -> Path | None:
    """Return the config of that name that comes along: 'demo/joint', 'demo/joint.py', 'configs/demo/joint.py'.

    Args:
        name: as a user gives it.

    Returns:
        its path; None: there is none of that name.
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
    """Return the path of a config: the file that is named, else the one of that name that comes along, which is said.

    Args:
        given: as a user gives it.

    Raises:
        ConfigError: there is neither, or what is there is no Python file.
    """
    path = Path(given).expanduser()
    if '\0' not in given and not os.path.lexists(path):
        found = shipped_config(given)
        if found is not None:
            if os.environ.get('RANK', '0') == '0':  # one process says it for all
                print(f'{given}: the config that comes with pyskl, {found}', file=sys.stderr)
            return str(found)
    try:
        check_config(given)
    except ConfigError as error:
        near = did_you_mean(given.removeprefix('configs/'), config_names())
        if os.path.lexists(path) or 'Did you mean' in str(error) or not near:
            raise
        raise ConfigError(
            f'{error}{near} `pyskl configs list` lists those that come along.'
        ) from None
    return given
